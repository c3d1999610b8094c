package gan_test

import (
	"context"
	"math"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/models/gan"
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

// points are draws from the mixture; the example's number chooses the centre, which is its label.
type points int

func (n points) Len() int { return int(n) }

func (n points) Fill(field string, examples []int, dst *tensor.Tensor) error {
	noise := rng.New(1, "points", 0)
	for i, e := range examples {
		u, m := (float64(e)+0.5)/float64(n), 0
		for ; u > mixture.shares[m]; m++ {
			u -= mixture.shares[m]
		}
		if field == "label" {
			dst.I32[i] = int32(m)
			continue
		}
		for k := range 2 {
			dst.F32[2*i+k] = float32(mixture.centres[m][k] + mixture.spread*noise.Normal64(uint64(e), uint64(k)))
		}
	}
	return nil
}

// planar is a model of points in the plane.
type planar struct {
	*train.Model
	filled  map[string]*graph.Module
	request sdk.BuildRequest
}

// inPlane builds the model of a spec, with another generator where one is given.
func inPlane(t *testing.T, text string, pool *exec.Pool, generator *graph.Module) planar {
	t.Helper()
	f, found := dsl.Parse("test.snn", []byte(text))
	spec, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Components()}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	p := planar{filled: map[string]*graph.Module{}, request: sdk.BuildRequest{Arguments: spec.Models[0].Args,
		Fields: map[string]graph.Type{"image": graph.Real(2), "label": {DType: graph.I32, Batch: true}}, Classes: map[string]int{"label": 3}}}
	for _, role := range spec.Models[0].Roles {
		m, found := lower.Network(role.Network, role.Steps)
		if found.HasErrors() {
			t.Fatal(found)
		}
		if role.Path == "generator" && generator != nil {
			m = generator
		}
		p.filled[role.Path] = m
		p.request.Networks = append(p.request.Networks, schema.Network{Role: role.Path, Name: role.Network.Name, Graph: m.Print()})
	}
	reply, complaints, err := gan.Model().Build(p.request)
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

// draw returns n samples of the sampler with options; where it is given classes, these are 0, 1 and 2 in turn.
func (p planar) draw(t *testing.T, n int, options schema.Arguments) [][2]float64 {
	t.Helper()
	reply, complaints, err := gan.Model().Sampler(p.request, "once", options)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	own, err := program.Parse(reply)
	if err != nil {
		t.Fatal(err)
	}
	filled := map[string]*graph.Module{"generator": p.filled["generator"]} // the sampler's Program has no other role
	m, err := p.As(own, filled)
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

// judge compares the share of each centre, and mean and covariance of all samples and of those around a centre, with those of a
// mixture with the given spread. A figure may be off by five of its standard errors, and by the share `bias` of its scale: of a
// standard deviation, a variance, a share.
func judge(t *testing.T, what string, samples [][2]float64, shares [3]float64, spread, bias float64) {
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
			near(figure+", mean", m, mean[i], math.Sqrt(cov[i][i]), math.Sqrt(cov[i][i]/n))
			for k := range 2 {
				sum, square := 0.0, 0.0
				for _, p := range x {
					v := (p[i] - mean[i]) * (p[k] - mean[k])
					sum += v / n
					square += v * v / n
				}
				near(figure+", covariance", sum, cov[i][k], math.Sqrt(cov[i][i]*cov[k][k]), math.Sqrt((square-sum*sum)/n))
			}
		}
	}
	var of [3][][2]float64
	for _, p := range samples {
		best, least := 0, math.Inf(1)
		for m, c := range mixture.centres {
			if d := math.Hypot(p[0]-c[0], p[1]-c[1]); d < least {
				best, least = m, d
			}
		}
		of[best] = append(of[best], p)
	}
	v := spread * spread
	var mean [2]float64
	for m, w := range shares {
		near("share", float64(len(of[m]))/n, w, w, math.Sqrt(w*(1-w)/n))
		if w > 0 {
			moments("around a centre", of[m], mixture.centres[m], [2][2]float64{{v, 0}, {0, v}})
		}
		for i := range mean {
			mean[i] += w * mixture.centres[m][i]
		}
	}
	cov := [2][2]float64{{v, 0}, {0, v}}
	for m, w := range shares {
		for i := range 2 {
			for k := range 2 {
				cov[i][k] += w * (mixture.centres[m][i] - mean[i]) * (mixture.centres[m][k] - mean[k])
			}
		}
	}
	moments("all", samples, mean, cov)
}

// exact is the generator that draws from the mixture: the first number of the noise chooses a centre, by what shares of its
// distribution lie below `first` and `second`, the others are added, shifted to mean 0 and scaled.
func exact(t *testing.T, first, second, shift, scale float64) *graph.Module {
	t.Helper()
	m := &graph.Module{}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, nil)
		z := b.Input("z", graph.Real(3))
		centre := func(i int) graph.Value {
			return b.Op(graph.OpConstant, graph.Attrs{"values": mixture.centres[i][:], "dims": []int{2}})
		}
		below := func(x float64) graph.Value { return b.Op(graph.OpLess, nil, b.Slice(z, 0, 0, 1), b.Const(x)) }
		at := b.Op(graph.OpWhere, nil, below(first), centre(0), b.Op(graph.OpWhere, nil, below(second), centre(1), centre(2)))
		b.Output("image", b.Add(at, b.Scale(b.Sub(b.Slice(z, 0, 1, 2), b.Const(shift)), scale)))
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		m.Functions = append(m.Functions, g)
	}
	return m
}

// With the exact generator the sampler draws from the mixture: its noise has the distribution that the model names.
func TestMixtureExact(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	const spec = `snn 1
network draw(z: real[3]) -> real[2] { return z -> linear(2) }
network judge(image: real[2]) -> real[1] { return image -> linear(1) }
model m = gan(generator = draw, discriminator = judge, noise = `
	const n = 4096
	// Of a normal distribution 0.5 lies below 0, 0.8 below 0.8416; of numbers between -1 and 3, below 1 and 2.2.
	judge(t, "normal", inPlane(t, spec+"normal)", pool, exact(t, 0, 0.8416212, 0, mixture.spread)).draw(t, n, nil), mixture.shares, mixture.spread, 0)
	width := 4 / math.Sqrt(12)
	judge(t, "uniform", inPlane(t, spec+"uniform(-1..3))", pool, exact(t, 1, 2.2, 1, mixture.spread/width)).draw(t, n, nil), mixture.shares, mixture.spread, 0)
}

// A pair of small networks that are told the label learns the mixture in some seconds: where each class is and how wide, and that
// a class that is given or chosen is the one drawn.
func TestMixtureTrained(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	p := inPlane(t, `snn 1
network draw(z: real[2], y: real[3]) -> real[2] { return concat(z, y) -> linear(32) -> leaky_relu(0.2) -> linear(32) -> leaky_relu(0.2) -> linear(2) }
network judge(image: real[2], y: real[3]) -> real[1] { return concat(image, y) -> linear(64) -> leaky_relu(0.2) -> linear(64) -> leaky_relu(0.2) -> linear(1) }
model m = gan(generator = draw, discriminator = judge, loss = wasserstein(penalty = 0.1), critic_steps = 5, label = label)
`, pool, nil)
	adam := train.Optimizer{Kind: "adam", Rate: 2e-3, Beta1: 0.5, Beta2: 0.9, Epsilon: 1e-8, Schedule: "cosine"}
	tr, err := train.NewTrainer(p.Model, p.Program.Stages[0], points(4096), train.Settings{Batch: 128, Iterations: 3000, Average: 0.995, Seed: 3,
		Optimizers: map[string]train.Optimizer{"generator": adam, "discriminator": adam}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Run(context.Background(), func(train.Progress) error { return nil }); err != nil {
		t.Fatal(err)
	}
	// A pair circles around its equilibrium: half a standard deviation, half a variance. One that lost a class or its width is off
	// by a whole one.
	const n, off = 2048, 0.5
	third := 1.0 / 3
	all := p.draw(t, 3*n, nil)
	judge(t, "all classes", all, [3]float64{third, third, third}, mixture.spread, off)
	for class := range 3 {
		var shares [3]float64
		shares[class] = 1
		var given [][2]float64
		for i := class; i < len(all); i += 3 {
			given = append(given, all[i])
		}
		judge(t, "the class that is given", given, shares, mixture.spread, off)
		judge(t, "the class that is chosen", p.draw(t, n, schema.Arguments{"label": {Type: schema.Int, Number: float64(class)}}), shares, mixture.spread, off)
	}
}
