package diffusion_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/models/diffusion"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// mixture is three normal distributions in the plane, of unequal shares.
var mixture = struct {
	shares  [3]float64
	centres [3][2]float64
	spread  float64 // standard deviation of each
}{[3]float64{0.5, 0.3, 0.2}, [3][2]float64{{-1.2, 0.3}, {1, 1.1}, {0.7, -1.3}}, 0.2}

const levels = 200 // steps of the diffusion

// points are draws from the mixture; the example's number chooses the centre.
type points int

func (n points) Len() int { return int(n) }

func (n points) Fill(_ string, examples []int, dst *tensor.Tensor) error {
	noise := rng.New(1, "points", 0)
	for i, e := range examples {
		u, m := (float64(e)+0.5)/float64(n), 0
		for ; u > mixture.shares[m]; m++ {
			u -= mixture.shares[m]
		}
		for k := range 2 {
			dst.F32[2*i+k] = float32(mixture.centres[m][k] + mixture.spread*noise.Normal64(uint64(e), uint64(k)))
		}
	}
	return nil
}

// kept is the product of 1 - beta of the cosine schedule, from its definition (Nichol & Dhariwal 2021).
func kept() []float64 {
	f := func(t float64) float64 { return math.Pow(math.Cos((t/levels+0.008)/1.008*math.Pi/2), 2) }
	out, product := make([]float64, levels), 1.0
	for s := range out {
		product *= 1 - min(1-f(float64(s+1))/f(float64(s)), 0.999)
		out[s] = product
	}
	return out
}

// exact is the denoiser that no training can surpass: the mean of the noise in x at step s. x is distributed as a mixture with
// centres sqrt(kept) m and variance v = kept spread^2 + 1 - kept; with r the chance of each centre given x, the noise is
// sqrt(1 - kept) (x - sqrt(kept) sum r m) / v.
func exact(t *testing.T) *graph.Module {
	t.Helper()
	m := &graph.Module{}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, nil)
		x, s := b.Input("image", graph.Real(2)), b.Input("s", graph.Real().With(graph.I32))
		at := func(of func(kept float64) float64) graph.Value {
			var values []float64
			for _, k := range kept() {
				values = append(values, of(k))
			}
			return b.Op(graph.OpRows, nil, b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{levels}}), s)
		}
		variance := func(k float64) float64 { return k*mixture.spread*mixture.spread + 1 - k }
		root := at(math.Sqrt)
		var logs []graph.Value
		for i, c := range mixture.centres {
			centre := b.Op(graph.OpConstant, graph.Attrs{"values": c[:], "dims": []int{2}})
			away := b.Sub(x, b.Mul(b.Expand(centre, graph.Real(2)), root))
			far := b.Reduce("sum", b.Mul(away, away), 0)
			logs = append(logs, b.Add(b.Mul(far, at(func(k float64) float64 { return -0.5 / variance(k) })), b.Const(math.Log(mixture.shares[i]))))
		}
		most := b.Op(graph.OpMax, nil, b.Op(graph.OpMax, nil, logs[0], logs[1]), logs[2])
		var sum graph.Value
		means := make([]graph.Value, 2)
		for i := range logs {
			p := b.Op(graph.OpExp, nil, b.Sub(logs[i], most))
			add := func(to, v graph.Value) graph.Value {
				if !to.Valid() {
					return v
				}
				return b.Add(to, v)
			}
			sum = add(sum, p)
			for k := range means {
				means[k] = add(means[k], b.Scale(p, mixture.centres[i][k]))
			}
		}
		for k := range means {
			means[k] = b.Reshape(b.Op(graph.OpDiv, nil, means[k], sum), 1)
		}
		rest := b.Sub(x, b.Mul(b.Concat(0, means...), root))
		b.Output("noise", b.Mul(rest, at(func(k float64) float64 { return math.Sqrt(1-k) / variance(k) })))
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		m.Functions = append(m.Functions, g)
	}
	return m
}

// planar is a model of points in the plane.
type planar struct {
	*train.Model
	filled  map[string]*graph.Module
	request sdk.BuildRequest
}

// inPlane builds the model of a spec, with another network for its denoiser where one is given.
func inPlane(t *testing.T, text string, pool *exec.Pool, denoiser *graph.Module) planar {
	t.Helper()
	f, found := dsl.Parse("test.snn", []byte(text))
	spec, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Components()}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	role := spec.Models[0].Roles[0]
	if denoiser == nil {
		if denoiser, found = lower.Network(role.Network, role.Steps); found.HasErrors() {
			t.Fatal(found)
		}
	}
	p := planar{filled: map[string]*graph.Module{role.Path: denoiser}, request: sdk.BuildRequest{
		Arguments: spec.Models[0].Args,
		Networks:  []schema.Network{{Role: role.Path, Name: role.Network.Name, Graph: denoiser.Print()}},
		Fields:    map[string]graph.Type{"image": graph.Real(2), "label": graph.Real().With(graph.I32)},
		Classes:   map[string]int{"label": 3},
	}}
	reply, complaints, err := diffusion.Model().Build(p.request)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	built, err := program.Parse(reply)
	if err != nil {
		t.Fatal(err)
	}
	if p.Model, err = train.NewModel(built, p.filled, 1, pool); err != nil {
		t.Fatal(err)
	}
	return p
}

// draw returns n samples of a sampler with options; where it is given classes, these are 0, 1 and 2 in turn.
func (p planar) draw(t *testing.T, n int, sampler string, options schema.Arguments) [][2]float64 {
	t.Helper()
	reply, complaints, err := diffusion.Model().Sampler(p.request, sampler, options)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	own, err := program.Parse(reply)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.As(own, p.filled)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]*tensor.Tensor{}
	for _, name := range own.Samplers[0].Given {
		given[name] = tensor.New(graph.Real().With(graph.I32), n)
		for i := range n {
			given[name].I32[i] = int32(i % 3)
		}
	}
	x, err := m.SampleGiven(&own.Samplers[0], given, n, 7, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][2]float64, n)
	for i := range out {
		out[i] = [2]float64{float64(x.F32[2*i]), float64(x.F32[2*i+1])}
	}
	return out
}

func choice(name string) schema.Value { return schema.Value{Type: schema.OneOf, Text: name} }

func ddim(steps int, eta float64) schema.Arguments {
	o := some(steps)
	o["eta"] = schema.Value{Type: schema.Real, Number: eta}
	return o
}

// some are the options that samplers of some of the steps have in common.
func some(steps int) schema.Arguments {
	o := ddpm("small")
	o["steps"] = schema.Value{Type: schema.Int, Number: float64(steps)}
	return o
}

func ddpm(variance string) schema.Arguments {
	return schema.Arguments{"variance": choice(variance), "spacing": choice("trailing"), "guidance": {Type: schema.Real, Number: 1}}
}

// judge compares samples with the mixture: the share of each centre, mean and covariance of what is around it, how much is
// around none, and mean and covariance of all. A figure may be off by five of its standard errors, and by the share `bias` that
// a denoiser is allowed to be off: of a standard deviation, a variance, a share.
func judge(t *testing.T, what string, samples [][2]float64, bias float64) {
	t.Helper()
	n := float64(len(samples))
	near := func(figure string, got, want, scale, err float64) {
		t.Helper()
		if math.Abs(got-want) > 5*err+bias*scale {
			t.Errorf("%s: %s is %.4f, want %.4f (standard error %.4f)", what, figure, got, want, err)
		}
	}
	moments := func(figure string, x [][2]float64, mean [2]float64, cov [2][2]float64) {
		t.Helper()
		n := float64(len(x))
		for i := range 2 {
			m := 0.0
			for _, p := range x {
				m += p[i] / n
			}
			near(fmt.Sprintf("mean %d %s", i, figure), m, mean[i], math.Sqrt(cov[i][i]), math.Sqrt(cov[i][i]/n))
			for k := range 2 {
				sum, square := 0.0, 0.0
				for _, p := range x {
					v := (p[i] - mean[i]) * (p[k] - mean[k])
					sum += v / n
					square += v * v / n
				}
				near(fmt.Sprintf("covariance %d %d %s", i, k, figure), sum, cov[i][k], math.Sqrt(cov[i][i]*cov[k][k]), math.Sqrt((square-sum*sum)/n))
			}
		}
	}
	var of, around [3][][2]float64
	nowhere := 0.0
	for _, p := range samples {
		best := 0
		far := func(m int) float64 { return math.Hypot(p[0]-mixture.centres[m][0], p[1]-mixture.centres[m][1]) }
		for m := range mixture.centres {
			if far(m) < far(best) {
				best = m
			}
		}
		of[best] = append(of[best], p)
		if far(best) < 4*mixture.spread {
			around[best] = append(around[best], p)
		} else {
			nowhere++
		}
	}
	beyond := math.Exp(-8.0) // the chance of more than four spreads in the plane
	near("share around no centre", nowhere/n, beyond, 1, math.Sqrt(beyond/n))
	v := mixture.spread * mixture.spread
	var mean [2]float64
	for m, w := range mixture.shares {
		near(fmt.Sprintf("share %d", m), float64(len(of[m]))/n, w, w, math.Sqrt(w*(1-w)/n))
		moments(fmt.Sprintf("at centre %d", m), around[m], mixture.centres[m], [2][2]float64{{v, 0}, {0, v}})
		for i := range mean {
			mean[i] += w * mixture.centres[m][i]
		}
	}
	cov := [2][2]float64{{v, 0}, {0, v}}
	for m, w := range mixture.shares {
		for i := range 2 {
			for k := range 2 {
				cov[i][k] += w * (mixture.centres[m][i] - mean[i]) * (mixture.centres[m][k] - mean[k])
			}
		}
	}
	moments("of all", samples, mean, cov)
}

const planarSpec = `snn 1
network net(image: real[2], s: step) -> real[2] {
    time = s -> sinusoid(32) -> linear(64)
    h = (image -> linear(64)) + time
    h = h + (h -> swish -> linear(64))
    h = h + (h -> swish -> linear(64))
    return h -> swish -> linear(2)
}
model m = diffusion(denoiser = net, steps = 200, beta = cosine, clip = none)
`

// With the exact denoiser the samplers draw from the mixture.
func TestMixtureExact(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	p := inPlane(t, planarSpec, pool, exact(t))
	const n = 4096
	judge(t, "ddpm, large", p.draw(t, n, "ddpm", ddpm("large")), 0)
	ancestral := p.draw(t, n, "ddpm", ddpm("small"))
	judge(t, "ddpm, small", ancestral, 0)
	judge(t, "ddim", p.draw(t, n, "ddim", ddim(100, 0)), 0)
	judge(t, "dpm", p.draw(t, n, "dpm", some(40)), 0)
	// The variance of the posterior leaves out what is not known of the image, and the more so the longer a step is: what is
	// missing is of first order in its length, and a fifth where a hundred turns make half of 200 steps.
	judge(t, "strided ddpm", p.draw(t, n, "ddpm", some(100)), 0.2)
	// Through all steps, DDIM with eta = 1 is DDPM with the small variance (Song et al. 2021, section 4.1).
	for i, x := range p.draw(t, n, "ddim", ddim(levels, 1)) {
		if d := math.Hypot(x[0]-ancestral[i][0], x[1]-ancestral[i][1]); d > 1e-3 { // some hundred roundings of float32, times up to 100
			t.Fatalf("sample %d is %v by ddim(eta = 1) and %v by ddpm", i, x, ancestral[i])
		}
	}
}

// A small denoiser that is trained for some seconds does.
func TestMixtureTrained(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	p := inPlane(t, strings.Replace(planarSpec, "cosine,", "cosine, predict = v,", 1), pool, nil)
	tr, err := train.NewTrainer(p.Model, p.Program.Stages[0], points(4096), train.Settings{Batch: 128, Iterations: 400, Average: 0.99, Seed: 3,
		Optimizers: map[string]train.Optimizer{"": {Kind: "adam", Rate: 4e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Schedule: "cosine"}}})
	if err != nil {
		t.Fatal(err)
	}
	loss := 0.0
	if err := tr.Run(context.Background(), func(p train.Progress) error { loss = p.Loss["total"]; return nil }); err != nil {
		t.Fatal(err)
	}
	t.Logf("loss %.4f", loss)
	const n = 2048
	judge(t, "ddpm", p.draw(t, n, "ddpm", ddpm("small")), 0.1)
	judge(t, "ddim", p.draw(t, n, "ddim", ddim(100, 0)), 0.1)
}
