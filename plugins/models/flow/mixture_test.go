package flow_test

import (
	"fmt"
	"math"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// A mixture of three normal distributions in the plane, of unequal shares.
var (
	shares  = [3]float64{0.5, 0.3, 0.2}
	centres = [3][2]float64{{-1.2, 0.3}, {1, 1.1}, {0.7, -1.3}}
)

const spread = 0.2 // standard deviation of each

// mixed is a draw from the mixture: ten examples go through the shares.
func mixed(e int) [2]float64 {
	m := 0
	for u := (float64(e%10) + 0.5) / 10; u > shares[m]; m++ {
		u -= shares[m]
	}
	noise := rng.New(1, "points", 0)
	return [2]float64{centres[m][0] + spread*noise.Normal64(uint64(e), 0), centres[m][1] + spread*noise.Normal64(uint64(e), 1)}
}

// exact is the network that no training can surpass, the mean of image - noise at x = t image + (1 - t) noise. x is distributed as a
// mixture with centres t m and variance v = t^2 spread^2 + (1 - t)^2; with r the chance of each centre given x, it is the sum of
// r (m + (t spread^2 - (1 - t)) / v (x - t m)).
func exact(t *testing.T) *graph.Module {
	t.Helper()
	module := &graph.Module{}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, nil)
		x, time := b.Input("image", graph.Real(2)), b.Input("t", graph.Real(1))
		left := b.Sub(b.Const(1), time)
		v := b.Add(b.Scale(b.Mul(time, time), spread*spread), b.Mul(left, left))
		pull := b.Op(graph.OpDiv, nil, b.Sub(b.Scale(time, spread*spread), left), v)
		var logs, says []graph.Value
		for i, c := range centres {
			centre := b.Expand(b.Op(graph.OpConstant, graph.Attrs{"values": c[:], "dims": []int{2}}), graph.Real(2))
			away := b.Sub(x, b.Mul(centre, time))
			far := b.Reshape(b.Reduce("sum", b.Mul(away, away), 0), 1)
			logs = append(logs, b.Sub(b.Const(math.Log(shares[i])), b.Op(graph.OpDiv, nil, b.Scale(far, 0.5), v)))
			says = append(says, b.Add(centre, b.Mul(away, pull)))
		}
		most := b.Op(graph.OpMax, nil, b.Op(graph.OpMax, nil, logs[0], logs[1]), logs[2])
		var sum, all graph.Value
		for i := range logs {
			p := b.Op(graph.OpExp, nil, b.Sub(logs[i], most))
			if part := b.Mul(says[i], p); i == 0 {
				sum, all = p, part
			} else {
				sum, all = b.Add(sum, p), b.Add(all, part)
			}
		}
		b.Output("velocity", b.Op(graph.OpDiv, nil, all, sum))
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		module.Functions = append(module.Functions, g)
	}
	return module
}

// sampled returns the numbers of n samples of s on the weights of m; where classes are given, these are 0, 1 and 2 in turn.
func sampled(t *testing.T, s built, m *train.Model, n int, seed uint64) []float32 {
	t.Helper()
	own, err := m.As(s.program, s.filled)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]*tensor.Tensor{}
	for _, name := range s.program.Samplers[0].Given {
		given[name] = tensor.New(graph.Real().With(graph.I32), n)
		for i := range n {
			given[name].I32[i] = int32(i % 3)
		}
	}
	x, err := own.SampleGiven(&s.program.Samplers[0], given, n, seed, 0)
	if err != nil {
		t.Fatal(err)
	}
	return x.F32
}

// draw returns n samples.
func draw(t *testing.T, b built, m *train.Model, sampler string, steps, n int) [][2]float64 {
	t.Helper()
	x := sampled(t, b.sampler(t, sampler, options(steps, 1)), m, n, 7)
	out := make([][2]float64, n)
	for i := range out {
		out[i] = [2]float64{float64(x[2*i]), float64(x[2*i+1])}
	}
	return out
}

// judge compares samples with the mixture: the share of each centre, and mean and covariance of what is nearest to it and within
// four spreads. A figure may be off by five of its standard errors and by the share `bias` of a standard deviation, a variance, a
// share.
func judge(t *testing.T, what string, samples [][2]float64, bias float64) {
	t.Helper()
	near := func(figure string, got, want, scale, err float64) {
		t.Helper()
		if math.Abs(got-want) > 5*err+bias*scale {
			t.Errorf("%s: %s is %.4f, want %.4f (standard error %.4f)", what, figure, got, want, err)
		}
	}
	var around [3][][2]float64 // from the centre, in spreads
	for _, p := range samples {
		best := 0
		far := func(m int) float64 { return math.Hypot(p[0]-centres[m][0], p[1]-centres[m][1]) }
		for m := range centres {
			if far(m) < far(best) {
				best = m
			}
		}
		if far(best) < 4*spread {
			around[best] = append(around[best], [2]float64{(p[0] - centres[best][0]) / spread, (p[1] - centres[best][1]) / spread})
		}
	}
	for m, points := range around {
		n := float64(len(points))
		w := shares[m]
		near(fmt.Sprintf("the share of centre %d", m), n/float64(len(samples)), w, w, math.Sqrt(w*(1-w)/float64(len(samples))))
		var mean [2]float64
		var cov [2][2]float64
		for _, p := range points {
			for i := range 2 {
				mean[i] += p[i] / n
				for k := range 2 {
					cov[i][k] += p[i] * p[k] / n
				}
			}
		}
		for i := range 2 {
			near(fmt.Sprintf("mean %d at centre %d", i, m), mean[i], 0, 1, 1/math.Sqrt(n))
			for k := range 2 {
				want, err := 0.0, 1/math.Sqrt(n)
				if i == k {
					want, err = 1, math.Sqrt(2/n)
				}
				near(fmt.Sprintf("covariance %d %d at centre %d", i, k, m), cov[i][k], want, 1, err)
			}
		}
	}
}

// With the exact velocity the samplers draw from the mixture. What Euler's method is off by is of first order in a turn.
func TestExact(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	b, complaints := load(t, "network net(image: real[2], t: real[1]) -> real[2] { return image + 0 * t }\nmodel m = flow(velocity = net, clip = none)", 2, exact(t))
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	m, err := train.NewModel(b.program, b.filled, 1, pool)
	if err != nil {
		t.Fatal(err)
	}
	for name, steps := range map[string]int{"euler": 200, "midpoint": 50, "heun": 50} {
		bias := 0.02
		if name == "euler" {
			bias = 0.05
		}
		judge(t, name, draw(t, b, m, name, steps, 4096), bias)
	}
}
