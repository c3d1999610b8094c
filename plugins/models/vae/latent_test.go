package vae_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// role is a network written down as a graph, the same in both modes; w is a variable of it.
type role struct {
	name  string
	in    []graph.Type
	free  bool
	w     []float64
	build func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value
}

// straight is a neuron without state, whose spikes are where its input exceeds a half, with the derivative 1.
func straight(b *graph.Builder, x graph.Value) graph.Value {
	s := graph.NewBuilder("step", nil)
	s.Output("emit", s.Op(graph.OpSpike, graph.Attrs{"strict": true}, s.Input("x", graph.Scalar()), s.Const(0.5), s.Const(1)))
	step, err := s.Finish()
	if err != nil {
		b.Fail(err)
	}
	return b.Equation(graph.OpEquation, &graph.Equation{Name: "straight", Inputs: []string{"x"}, Spikes: true, Step: step}, graph.Attrs{}, x)[0]
}

func (r role) module(t testing.TB) *graph.Module {
	t.Helper()
	w := graph.Variable{Name: "w", Type: graph.Type{Dims: []int{max(1, len(r.w))}}, Init: graph.Init{Kind: "constant"}}
	return modeltest.Network(t, r.free, func(b *graph.Builder) {
		var in []graph.Value
		for i, t := range r.in {
			in = append(in, b.Input(fmt.Sprint("x", i), t))
		}
		b.Output("y", r.build(b, b.Op(graph.OpRead, graph.Attrs{"var": "w"}), in))
	}, w)
}

// handmade is a model of networks written down as graphs, with their weights.
type handmade struct {
	*modeltest.Model
	weights map[string]interp.Value
}

// requested is what the plugin is asked for networks written down as graphs, for data of three classes.
func requested(t testing.TB, args schema.Arguments, image graph.Type, roles ...role) (sdk.BuildRequest, map[string]*graph.Module) {
	t.Helper()
	d := modeltest.Images(image, 3)
	r, modules := sdk.BuildRequest{Arguments: args, Fields: d.Fields, Classes: d.Classes}, map[string]*graph.Module{}
	for _, x := range roles {
		modules[x.name] = x.module(t)
		r.Networks = append(r.Networks, schema.Network{Role: x.name, Name: x.name, Graph: modules[x.name].Print()})
	}
	return r, modules
}

func handmadeOf(t testing.TB, args schema.Arguments, image graph.Type, roles ...role) handmade {
	t.Helper()
	r, modules := requested(t, args, image, roles...)
	m, complaints := modeltest.Ask(t, vae.Model(), r, modules)
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	weights := map[string]interp.Value{}
	for _, x := range roles {
		w := interp.NewValue(modules[x.name].Variables[0].Type, 1)
		copy(w.Data, x.w)
		weights[x.name+".w"] = w
	}
	return handmade{m, weights}
}

// step runs the training step with its gradient; random numbers and progress may be given.
func (m handmade) step(t testing.TB, examples int, env interp.Env) map[string]interp.Value {
	t.Helper()
	env.N, env.Variables = examples, m.weights
	env.Inputs = map[string]interp.Value{"image": images(m.Request.Fields["image"], examples), "label": modeltest.Labels(examples, 3)}
	if env.Random == nil {
		env.Random = modeltest.Random
	}
	if env.Host == nil {
		env.Host = func(string) float64 { return 0 }
	}
	return m.Step(t, 0, env).Outputs
}

// images are numbers in -1..1.
func images(t graph.Type, n int) interp.Value { return modeltest.Symmetric("image", t, n) }

func bernoulli(choose int, loss schema.Value, more ...float64) schema.Arguments {
	args := schema.Arguments{"choose": {Type: schema.Int, Number: float64(choose)}}
	if len(more) == 2 {
		args["scheduled"] = schema.Value{Type: schema.Range, Items: []schema.Value{{Number: more[0]}, {Number: more[1]}}}
		args["first"] = schema.Value{Type: schema.Int, Number: 5}
	}
	return schema.Arguments{"latent": {Type: schema.OneOf, Text: "bernoulli", Args: args}, "loss": loss}
}

// loss is a sum of terms, each with a weight.
func loss(weights ...any) schema.Value {
	v := schema.Value{Type: schema.Terms}
	for i := 0; i < len(weights); i += 2 {
		t := schema.Value{Type: schema.OneOf, Text: weights[i].(string), Weight: weights[i+1].(float64)}
		if t.Text == "mmd" {
			t.Args = schema.Arguments{"trace": {Type: schema.Time, Number: 2, Unit: "steps"}}
		}
		v.Items = append(v.Items, t)
	}
	return v
}

var pixel = graph.Real(1, 1, 1)

// encoder gives silence, with the right number of steps.
func encoder(steps, latent int) role {
	return role{name: "encoder", in: []graph.Type{pixel}, build: func(b *graph.Builder, _ graph.Value, in []graph.Value) graph.Value {
		zero := b.Mul(b.Reshape(in[0], 1), b.Const(0))
		return straight(b, b.Expand(zero, graph.Signal(steps, latent)))
	}}
}

// decoder gives the sum of its spikes, to which its weight is added.
func decoder(steps, latent int) role {
	return role{name: "decoder", free: true, in: []graph.Type{graph.Spikes(steps, latent)}, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
		return b.Reshape(b.Add(b.Reduce("sum", in[0], graph.TimeAxis, 0), w), 1, 1, 1)
	}}
}

// fixed gives the spikes of its weights above a half, whatever it sees: choose of them per latent channel.
func fixed(name string, inputs, steps, latent int, w ...float64) role {
	in := slices.Repeat([]graph.Type{graph.Spikes(steps, latent)}, inputs)
	return role{name: name, free: true, in: in, w: w, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
		silence := b.Mul(b.Reduce("sum", in[0], 0), b.Const(0)) // one number per step
		return straight(b, b.Add(b.Expand(b.Reshape(silence, 1), graph.Signal(in[0].Type().Steps, w.Type().Dims[0])), w))
	}}
}

// One of k outputs, of which m spike, is a spike in m of k cases (the Bernoulli latent of FSVAE): in the samples of the
// posterior and in those of the prior.
func TestPickFrequency(t *testing.T) {
	const steps, examples, k = 4, 2000, 5
	var w []float64
	ones := []int{0, 1, 2, 4, 5}
	for _, m := range ones {
		w = append(w, slices.Repeat([]float64{1}, m)...)
		w = append(w, slices.Repeat([]float64{0}, k-m)...)
	}
	latent := len(ones)
	m := handmadeOf(t, bernoulli(k, loss("mse", 1.0)), pixel, encoder(steps, latent), decoder(steps, latent),
		fixed("latent.posterior", 2, steps, latent, w...), fixed("latent.prior", 1, steps, latent, w...))
	check := func(what string, z interp.Value) {
		t.Helper()
		n := len(z.Data) / latent
		for c, m := range ones {
			sum, p := 0.0, float64(m)/k
			for i := range n {
				sum += z.Data[i*latent+c]
			}
			if got := sum / float64(n); math.Abs(got-p) > 4.5*math.Sqrt(p*(1-p)/float64(n)) { // once in 150,000
				t.Errorf("%s: %d of %d outputs spike and %v of %d picks", what, m, k, got, n)
			}
		}
	}
	env := interp.Env{N: examples, Variables: m.weights, Random: modeltest.Random, Inputs: map[string]interp.Value{"image": images(pixel, examples)}}
	check("posterior", m.Run(t, "encode", env)["latent"])
	env.Inputs = map[string]interp.Value{"z": interp.NewValue(graph.Spikes(1, latent), examples)}
	check("prior", m.Run(t, "turn", env)["latent"])
}

// The MMD is 0 where posterior and prior agree; where they do not its gradient drives them towards each other, and the value
// is the mean over latent and time of the squared difference of the traces.
func TestMMD(t *testing.T) {
	const steps, k = 5, 4
	q, p := []float64{1, 1, 1, 0 /* 3 of 4 */, 1, 0, 0, 0 /* 1 of 4 */}, []float64{0, 1, 0, 0 /* 1 */, 1, 1, 0, 0 /* 2 */}
	run := func(q, p []float64) map[string]interp.Value {
		return handmadeOf(t, bernoulli(k, loss("mmd", 1.0)), pixel, encoder(steps, 2), decoder(steps, 2),
			fixed("latent.posterior", 2, steps, 2, q...), fixed("latent.prior", 1, steps, 2, p...)).step(t, 3, interp.Env{})
	}
	same := run(q, []float64{0, 1, 1, 1, 0, 0, 0, 1})
	if v := same["mmd"].Data[0]; v != 0 {
		t.Errorf("the MMD of equal probabilities is %v", v)
	}
	for _, side := range []string{"latent.posterior", "latent.prior"} {
		if g := same[program.Grad+side+".w"].Data; slices.ContainsFunc(g, func(v float64) bool { return v != 0 }) {
			t.Errorf("equal probabilities have a gradient by the %s: %v", side, g)
		}
	}
	out := run(q, p)
	want, trace := 0.0, 0.0
	for range steps { // of the constant 1: 1/2, 3/4, 7/8 ...
		trace = trace/2 + 0.5
		want += trace * trace * (0.5*0.5 + 0.25*0.25) / (2 * steps)
	}
	if got := out["mmd"].Data[0]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the MMD is %v, want %v", got, want)
	}
	dq, dp := out[program.Grad+"latent.posterior.w"].Data, out[program.Grad+"latent.prior.w"].Data
	for i := range dq {
		// The first channel of the posterior fires too often, the second one too seldom.
		if sign := 1 - 2*float64(i/k); dq[i]*sign <= 0 || math.Abs(dq[i]+dp[i]) > 1e-12 {
			t.Errorf("gradients %v by the posterior and %v by the prior", dq[i], dp[i])
		}
	}
}

// Summed over latent and time, as the paper has it, the MMD is so many times the mean.
func TestMMDSum(t *testing.T) {
	const steps, latent = 5, 2
	l := loss("mmd", 1.0)
	l.Items[0].Args["over"] = schema.Value{Type: schema.OneOf, Text: "sum"}
	run := func(l schema.Value) float64 {
		return handmadeOf(t, bernoulli(1, l), pixel, encoder(steps, latent), decoder(steps, latent),
			fixed("latent.posterior", 2, steps, latent, 1, 0), fixed("latent.prior", 1, steps, latent, 0, 0)).step(t, 3, interp.Env{})["mmd"].Data[0]
	}
	if sum, mean := run(l), run(loss("mmd", 1.0)); mean == 0 || math.Abs(sum-steps*latent*mean) > 1e-12 {
		t.Errorf("the sum is %v and the mean %v", sum, mean)
	}
}

// Free bits: a latent number that tells less than is free costs just that, and has no gradient; and the term grows in its warm-up.
func TestFreeBits(t *testing.T) {
	const free, examples = 0.4, 3
	image := graph.Real(4)
	run := func(a schema.Arguments, progress float64) (float64, []float64, []float64) {
		args := schema.Arguments{"latent": {Type: schema.OneOf, Text: "gaussian"}, "loss": loss("kl", 1.0)}
		args["loss"].Items[0].Args = a
		m := handmadeOf(t, args, image,
			role{name: "encoder", in: []graph.Type{image}, w: []float64{0.1, 2, 0.1, 2}, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
				return b.Mul(in[0], w)
			}},
			role{name: "decoder", in: []graph.Type{graph.Real(2)}, w: []float64{0}, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
				return b.Concat(0, in[0], in[0])
			}})
		out := m.step(t, examples, interp.Env{Host: func(string) float64 { return progress }})
		x, w := images(image, examples).Data, m.weights["encoder.w"].Data
		each := make([]float64, 2)
		for e := range examples {
			for i := range each {
				mean, logvar := x[4*e+i]*w[i], x[4*e+2+i]*w[2+i]
				each[i] -= (1 + logvar - mean*mean - math.Exp(logvar)) / 2 / examples
			}
		}
		return out["kl"].Data[0], each, out[program.Grad+"encoder.w"].Data
	}
	number := func(v float64) schema.Value { return schema.Value{Type: schema.Real, Number: v} }
	kl, each, gradient := run(schema.Arguments{"free": number(free)}, 0)
	if each[0] >= free || each[1] <= free || math.Abs(kl-(free+each[1])) > 1e-12 {
		t.Errorf("the term is %v of %v", kl, each)
	}
	if gradient[0] != 0 || gradient[2] != 0 || gradient[1] == 0 || gradient[3] == 0 {
		t.Errorf("the gradient is %v", gradient)
	}
	for progress, share := range map[float64]float64{0: 0, 0.1: 0.5, 0.2: 1, 0.9: 1} {
		if kl, each, _ := run(schema.Arguments{"warmup": number(0.2)}, progress); math.Abs(kl-share*(each[0]+each[1])) > 1e-12 {
			t.Errorf("after %v of the training the term is %v of %v", progress, kl, each)
		}
	}
}

// The divergence of Bernoulli latents is smoothed by 0.01 as in the published code, summed over latent and time.
func TestBernoulliDivergence(t *testing.T) {
	const steps, k = 3, 4
	out := handmadeOf(t, bernoulli(k, loss("mse", 1.0, "kl", 1e-4)), pixel, encoder(steps, 2), decoder(steps, 2),
		fixed("latent.posterior", 2, steps, 2, 1, 1, 1, 0, 0, 0, 0, 0), fixed("latent.prior", 1, steps, 2, 1, 0, 0, 0, 0, 1, 1, 0)).step(t, 3, interp.Env{})
	term := func(q, p float64) float64 {
		return q*math.Log((q+0.01)/(p+0.01)) + (1-q)*math.Log((1-q+0.01)/(1-p+0.01))
	}
	want := steps * (term(0.75, 0.25) + term(0, 0.5))
	if got := out["kl"].Data[0]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the divergence is %v, want %v", got, want)
	}
	if got, want := out["total"].Data[0], out["mse"].Data[0]+1e-4*want; math.Abs(got-want) > 1e-12 {
		t.Errorf("the loss is %v, want %v", got, want)
	}
}

// In training the prior may see its own samples from the latent of the sixth step on, with a chance that grows with the
// epochs, one draw per step for the whole batch; a tie among the k outputs is broken by noise of 1e-3.
func TestScheduledSampling(t *testing.T) {
	const steps, k, examples = 9, 2, 3
	// The prior's outputs for a latent z: a tie for 0, none for 1. The posterior is silent, so it never sees a 1 of its own.
	prior := func(z float64) []float64 { return []float64{1 - z, 0} }
	m := handmadeOf(t, bernoulli(k, loss("mmd", 1.0), 0.1, 0.3), pixel, encoder(steps, 1), decoder(steps, 1), fixed("latent.posterior", 2, steps, 1, 0, 0),
		role{name: "latent.prior", free: true, in: []graph.Type{graph.Spikes(steps, 1)}, build: func(b *graph.Builder, _ graph.Value, in []graph.Value) graph.Value {
			z := b.Mul(in[0], b.Const(1))
			return straight(b, b.Concat(0, b.Sub(b.Const(1), z), b.Scale(z, 0)))
		}})
	for _, x := range []struct{ progress, coin, chance float64 }{
		{0, 0.09, 0.1}, {0, 0.11, 0.1}, {0.5, 0.19, 0.2}, {0.5, 0.21, 0.2}, {0.9, 0.27, 0.28}, {0.9, 0.29, 0.28},
	} {
		out := m.step(t, examples, interp.Env{
			Host: func(string) float64 { return x.progress },
			Random: func(label string, normal bool, index, element uint64) float64 {
				if label == "coin" {
					if index != 0 {
						t.Error("examples have coins of their own")
					}
					return x.coin
				}
				return modeltest.Random(label, normal, index, element)
			},
		})
		want := 0.0
		for e := range examples {
			z := [steps]float64{}
			for step := 5; step < steps-1 && x.coin < x.chance; step++ { // z[step+1] is the latent of this step
				y := prior(z[step])
				mean := (y[0]+y[1])/2 + 1e-3*modeltest.Random("tie", true, uint64(e), uint64(step))
				if mean > 0.5 {
					z[step+1] = 1
				}
			}
			trace := 0.0
			for step := range steps {
				y := prior(z[step])
				trace = trace/2 + (y[0]+y[1])/4
				want += trace * trace / (examples * steps)
			}
		}
		if got := out["mmd"].Data[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("progress %v, coin %v: the MMD is %v, want %v", x.progress, x.coin, got, want)
		}
	}
}

// The Gaussian latent: z = mean + exp(logvar / 2) noise, and the divergence from the standard normal distribution.
func TestGaussian(t *testing.T) {
	const examples = 3
	image := graph.Real(4)
	args := schema.Arguments{"latent": {Type: schema.OneOf, Text: "gaussian"}, "loss": loss("mse", 2.0, "kl", 1.0/240)}
	m := handmadeOf(t, args, image,
		role{name: "encoder", in: []graph.Type{image}, w: []float64{1, -0.5, 2, 0.25}, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
			return b.Mul(in[0], w) // two means, then two log-variances
		}},
		role{name: "decoder", in: []graph.Type{graph.Real(2)}, w: []float64{0.1, 0.2, 0.3, 0.4}, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
			return b.Add(b.Concat(0, in[0], in[0]), w)
		}})
	out := m.step(t, examples, interp.Env{})
	x := images(image, examples).Data
	w, v := m.weights["encoder.w"].Data, m.weights["decoder.w"].Data
	mse, kl := 0.0, 0.0
	for e := range examples {
		for i := range 2 {
			mean, logvar := x[4*e+i]*w[i], x[4*e+2+i]*w[2+i]
			kl -= (1 + logvar - mean*mean - math.Exp(logvar)) / 2 / examples
			z := mean + math.Exp(logvar/2)*modeltest.Random("latent", true, uint64(e), uint64(i))
			for _, k := range []int{i, 2 + i} {
				d := z + v[k] - x[4*e+k]
				mse += d * d / (4 * examples)
			}
		}
	}
	for name, want := range map[string]float64{"mse": mse, "kl": kl, "total": 2*mse + kl/240} {
		if got := out[name].Data[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// A decoder that draws the class alone, w[class], in both latents: training and reconstruction take the class of the example, a
// sampler the one that it is told to draw, or those that are given. A network that has no parameter for it is not told.
func TestLabel(t *testing.T) {
	const examples, steps = 6, 3
	field := schema.Value{Type: schema.AField, Text: "label"}
	w := []float64{0.5, -1, 2}
	said := func(b *graph.Builder, w, y graph.Value) graph.Value {
		return b.Reshape(b.Reduce("sum", b.Mul(y, w), 0), 1, 1, 1)
	}
	gauss := schema.Arguments{"latent": {Type: schema.OneOf, Text: "gaussian"}, "loss": loss("mse", 1.0), "label": field}
	bern := bernoulli(1, loss("mse", 1.0))
	bern["label"] = field
	for name, m := range map[string]handmade{
		"gaussian": handmadeOf(t, gauss, pixel,
			role{name: "encoder", in: []graph.Type{pixel}, build: func(b *graph.Builder, _ graph.Value, in []graph.Value) graph.Value {
				x := b.Reshape(in[0], 1)
				return b.Concat(0, x, x)
			}},
			role{name: "decoder", in: []graph.Type{graph.Real(1), graph.Real(3)}, w: w, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
				return said(b, w, in[1])
			}}),
		"bernoulli": handmadeOf(t, bern, pixel, encoder(steps, 2), fixed("latent.posterior", 2, steps, 2, 1, 0), fixed("latent.prior", 1, steps, 2, 0, 1),
			role{name: "decoder", free: true, in: []graph.Type{graph.Spikes(steps, 2), graph.Real(3)}, w: w, build: func(b *graph.Builder, w graph.Value, in []graph.Value) graph.Value {
				silence := b.Mul(b.Reshape(b.Reduce("sum", in[0], graph.TimeAxis, 0), 1, 1, 1), b.Const(0))
				return b.Add(said(b, w, in[1]), silence)
			}}),
	} {
		x, class := images(pixel, examples), modeltest.Labels(examples, 3)
		mse := 0.0
		for i, v := range x.Data {
			d := v - w[int(class.Data[i])]
			mse += d * d / examples
		}
		if got := m.step(t, examples, interp.Env{})["mse"].Data[0]; math.Abs(got-mse) > 1e-12 {
			t.Errorf("%s: the error is %v, want %v", name, got, mse)
		}
		run := func(of *modeltest.Model, function string, in map[string]interp.Value) []float64 {
			return of.Run(t, function, interp.Env{N: examples, Variables: m.weights, Random: modeltest.Random, Inputs: in})["image"].Data
		}
		for i, y := range run(m.Model, "reconstruct", map[string]interp.Value{"image": x, "label": class}) {
			if want := w[int(class.Data[i])]; y != want {
				t.Errorf("%s: reconstruction %d is %v, want %v", name, i, y, want)
			}
		}
		sample := func(options schema.Arguments, in map[string]interp.Value) []float64 {
			s := m.Sampler(t, "ancestral", options)
			if name == "bernoulli" {
				in["latent"] = interp.NewValue(graph.Spikes(steps, 2), examples)
			}
			return run(s, "generate", in)
		}
		for _, y := range sample(schema.Arguments{"label": {Type: schema.Int, Number: 2}}, map[string]interp.Value{}) {
			if y != 2 {
				t.Errorf("%s: class 2 is drawn as %v", name, y)
			}
		}
		if given := m.Sampler(t, "ancestral", nil).Program.Samplers[0].Given; !slices.Equal(given, []string{"label"}) {
			t.Errorf("%s: the sampler is given %v", name, given)
		}
		for i, y := range sample(nil, map[string]interp.Value{"label": class}) {
			if want := w[int(class.Data[i])]; y != want {
				t.Errorf("%s: sample %d is %v, want %v", name, i, y, want)
			}
		}
		for _, bad := range []float64{3} {
			_, complaints, err := vae.Model().Sampler(m.Request, "ancestral", schema.Arguments{"label": {Type: schema.Int, Number: bad}})
			if err != nil || len(complaints) != 1 || complaints[0].Path != "sampler.label" {
				t.Errorf("%s: class %v: %v, %v", name, bad, complaints, err)
			}
		}
	}
}

// What does not fit of the class is told where it is to be mended.
func TestLabelComplaints(t *testing.T) {
	image := graph.Real(4)
	halves := role{name: "encoder", in: []graph.Type{image}, build: func(b *graph.Builder, _ graph.Value, in []graph.Value) graph.Value { return in[0] }}
	doubled := func(b *graph.Builder, _ graph.Value, in []graph.Value) graph.Value { return b.Concat(0, in[0], in[0]) }
	for _, c := range []struct {
		field string
		takes []graph.Type
		want  string
	}{
		{"kind", []graph.Type{graph.Real(2), graph.Real(3)}, "label: the data have no field `kind`"},
		{"image", []graph.Type{graph.Real(2), graph.Real(3)}, "label: field `image` is real[4], no class number"},
		{"label", []graph.Type{graph.Real(2)}, "label: no network that draws is told the class"},
		{"label", []graph.Type{graph.Real(2), graph.Real(5)}, "decoder: the last parameter is the class, one of 3 as the classes of the data are 0 to 2, and this one is real[5]"},
		{"", []graph.Type{graph.Real(2), graph.Real(3)}, "decoder: this network takes 2 parameters, and the model is told of no label"},
	} {
		args := schema.Arguments{"latent": {Type: schema.OneOf, Text: "gaussian"}, "loss": loss("mse", 1.0), "label": {Type: schema.AField, Text: c.field}}
		r, _ := requested(t, args, image, halves, role{name: "decoder", in: c.takes, build: doubled})
		_, complaints, err := vae.Model().Build(r)
		if err != nil || len(complaints) != 1 || complaints[0].Path+": "+complaints[0].Summary != c.want {
			t.Errorf("%v, %v; want %s", complaints, err, c.want)
		}
	}
}
