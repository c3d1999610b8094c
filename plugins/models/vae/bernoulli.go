package vae

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

func (v *vae) checkBernoulli() []schema.Complaint {
	var c []schema.Complaint
	features := v.enc.Out[0]
	if features.Steps == 0 || features.DType != graph.Bit || len(features.Dims) != 1 {
		return sdk.Complain(encoder, "end the encoder with a spiking neuron over `flatten`, or write `latent = gaussian`", "with a Bernoulli latent the encoder gives spikes[c], this one gives %s", sdk.Wire(features))
	}
	k := v.args["latent"].Args.Int("choose")
	q, p := v.b.Role(posterior), v.b.Role(prior)
	z := v.dec.In[0]
	switch {
	case z.Steps == 0 || len(z.Dims) != 1:
		return sdk.Complain(decoder, "give the decoder a parameter `z: spikes[c]`", "with a Bernoulli latent the decoder takes spikes[c], this one takes %s", sdk.Wire(z))
	case !v.dec.FreeSteps && z.Steps != features.Steps:
		return sdk.Complain(decoder, "use coders with the same `steps` in both", "the decoder takes %d time steps, the encoder gives %d", z.Steps, features.Steps)
	}
	want := fmt.Sprintf("spikes[%d]", k*z.Dims[0])
	check := func(path, takes string, r *program.Role, inputs int) {
		bad := func(help, format string, args ...any) {
			name := "the " + strings.TrimPrefix(path, "latent.")
			c = append(c, sdk.Complain(path, help, name+" "+format, args...)...)
		}
		switch {
		case v.inputs(r) != inputs:
			bad("give it these, in this order", "takes %s, and this one has %d parameters", takes, len(r.In))
		case !r.FreeSteps:
			bad("take spikes and leave `encode` out", "encodes its input, so its number of steps is fixed; it is applied to every prefix of the latent")
		case r.In[inputs-1].Steps == 0 || len(r.In[inputs-1].Dims) != 1 || r.In[inputs-1].Dims[0] != z.Dims[0]:
			bad(fmt.Sprintf("give the parameter for the latent the type `%s`", sdk.Wire(z)), "takes a latent %s, the decoder takes %s", sdk.Wire(r.In[inputs-1]), sdk.Wire(z))
		case r.Out[0].DType != graph.Bit || len(r.Out[0].Dims) != 1 || r.Out[0].Dims[0] != k*z.Dims[0]:
			bad(fmt.Sprintf("end it with `linear(%d)` and neurons", k*z.Dims[0]), "gives %s, want %s: `choose` = %d spikes for each of %d latent channels", sdk.Wire(r.Out[0]), want, k, z.Dims[0])
		case inputs == 2 && !r.In[0].WithSteps(features.Steps).Equal(features):
			bad(fmt.Sprintf("give its first parameter the type `%s`", sdk.Wire(features)), "takes features %s, the encoder gives %s", sdk.Wire(r.In[0]), sdk.Wire(features))
		}
	}
	check(posterior, "features and a latent", q, 2)
	check(prior, "a latent", p, 1)
	if low, high, ok := v.scheduled(); ok && (low < 0 || high > 1) {
		c = append(c, sdk.Complain("latent.scheduled", "write `scheduled = 0.1..0.3`", "`scheduled` is a range of probabilities, within 0..1")...)
	}
	return c
}

// scheduled returns the chance, in the first epoch and after the last one, that the prior is fed with its own sample.
func (v *vae) scheduled() (low, high float64, ok bool) {
	s := v.args["latent"].Args["scheduled"].Items
	if len(s) != 2 {
		return 0, 0, false
	}
	return s[0].Number, s[1].Number, true
}

// pick takes one of the outputs that stand for each latent channel.
func (v *vae) pick(f *sdk.Function, y, i graph.Value) graph.Value {
	return f.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(1)}, f.Reshape(y, v.dec.In[0].Dims[0], v.args["latent"].Args.Int("choose")), i)
}

// bernoulli is FSVAE. The posterior's samples of the steps before t come from passes over the prefixes without gradient,
// in train mode as the published code has it; the last pass, with gradient, covers all steps.
func (v *vae) bernoulli() {
	b := v.b
	args := v.args["latent"].Args
	k := args.Int("choose")
	features, latent := v.enc.Out[0], v.dec.In[0].Dims[0]
	steps := features.Steps
	step1 := graph.Spikes(1, latent)
	index := graph.Type{Steps: steps, Batch: true, Dims: []int{latent}}
	v.moves = []string{encoder, posterior, prior, decoder}
	traces := map[float64]*graph.Equation{}
	for _, t := range v.args["loss"].Items {
		if tau := t.Args.Real("trace"); t.Text == "mmd" && traces[tau] == nil {
			traces[tau] = b.Trace(fmt.Sprintf("trace%d", len(traces)), tau)
		}
	}
	probability := func(f *sdk.Function, y graph.Value) graph.Value { return f.Reduce("mean", f.Reshape(y, latent, k), 1) }

	b.Function("step", func(f *sdk.Function) {
		image, class := f.Input("image", v.image), v.label.Input(f)
		e := v.label.Apply(f, encoder, sdk.Mode{}, class, image)[0]
		i := f.RandomInt("pick", index, k)
		z := []graph.Value{f.Zeros(step1)} // z[t] is the latent of the step before t
		for t := 1; t < steps; t++ {
			y := v.label.Apply(f, posterior, sdk.Mode{Frozen: true}, class, f.Slice(e, graph.TimeAxis, 0, t), f.Join(z...))[0]
			z = append(z, f.Stop(v.pick(f, f.Step(y, t-1), f.Step(i, t-1))))
		}
		q := v.label.Apply(f, posterior, sdk.Mode{}, class, e, f.Stop(f.Join(z...)))[0]
		image2 := v.label.Apply(f, decoder, sdk.Mode{}, class, v.pick(f, q, i))[0]

		// Scheduled sampling. The published code runs the prior over a prefix only where the coin says so; here it always
		// runs, so its running statistics move at every step from the first on.
		own := slices.Clone(z)
		if low, high, ok := v.scheduled(); ok {
			chance := f.Add(f.Const(low), f.Scale(f.Host("progress"), high-low))
			coin := f.Uniform("coin", graph.Type{Steps: steps}) // one draw per step for the whole batch
			tie := f.Normal("tie", index)                       // where half of the k outputs spike
			for t := args.Int("first"); t < steps-1; t++ {
				y := v.label.Apply(f, prior, sdk.Mode{Frozen: true}, class, f.Stop(f.Join(own[:t+1]...)))[0]
				mean := f.Add(probability(f, f.Step(y, t)), f.Scale(f.Step(tie, t), 1e-3))
				drawn := f.Op(graph.OpGreater, nil, mean, f.Const(0.5))
				own[t+1] = f.Op(graph.OpWhere, nil, f.Op(graph.OpLess, nil, f.Step(coin, t), chance), drawn, z[t+1])
			}
		}
		p := v.label.Apply(f, prior, sdk.Mode{}, class, f.Stop(f.Join(own...)))[0]
		pq, pp := probability(f, q), probability(f, p)
		f.Loss(v.args["loss"], map[string]func(schema.Arguments) graph.Value{
			"mse": func(schema.Arguments) graph.Value { return f.MeanSquare(image, image2) },
			"mmd": func(a schema.Arguments) graph.Value {
				psp := traces[a.Real("trace")]
				apart := f.MeanSquare(f.Run(psp, pq), f.Run(psp, pp))
				if a.Text("over") == "sum" {
					return f.Scale(apart, float64(latent*steps))
				}
				return apart
			},
			"kl": func(a schema.Arguments) graph.Value { // smoothed by 0.01, as published
				const eps = 0.01
				log := func(a, b graph.Value) graph.Value {
					return f.Op(graph.OpLog, nil, f.Div(f.Add(a, f.Const(eps)), f.Add(b, f.Const(eps))))
				}
				nq, np := f.Sub(f.Const(1), pq), f.Sub(f.Const(1), pp)
				sum := f.Add(f.Mul(pq, log(pq, pp)), f.Mul(nq, log(nq, np)))
				return divergence(f, sum, 1, a)
			},
		})
	})

	// In eval mode a pass over a prefix equals carrying the neurons' state from step to step.
	encode := func(f *sdk.Function) (latent, class graph.Value) {
		image, class := f.Input("image", v.image), v.label.Input(f)
		e := v.label.Apply(f, encoder, sdk.Mode{Eval: true}, class, image)[0]
		i := f.RandomInt("pick", index, k)
		z, state := f.Zeros(step1), f.Zero(posterior)
		var all []graph.Value
		for t := range steps {
			res := v.label.Apply(f, posterior, sdk.Mode{Eval: true, State: state}, class, f.Step(e, t), z)
			z, state = v.pick(f, res[0], f.Step(i, t)), res[1]
			all = append(all, z)
		}
		return f.Join(all...), class
	}
	b.Function("encode", func(f *sdk.Function) {
		z, _ := encode(f)
		f.Output("latent", z)
	})
	b.Function("reconstruct", func(f *sdk.Function) {
		z, class := encode(f)
		f.Output("image", v.label.Apply(f, decoder, sdk.Mode{Eval: true}, class, z)[0])
	})
}

// sampleBernoulli draws a latent from the prior step by step, whose neurons' state goes from turn to turn, and decodes it.
func (v *vae) sampleBernoulli(options schema.Arguments) {
	b, steps, latent, k := v.b, v.enc.Out[0].Steps, v.dec.In[0].Dims[0], v.args["latent"].Args.Int("choose")
	step1 := graph.Spikes(1, latent)
	b.Function("start", func(f *sdk.Function) {
		f.Output("z", f.Zeros(step1))
		f.Output("state", f.Zero(prior))
	})
	b.Function("turn", func(f *sdk.Function) {
		z, class := f.Input("z", step1), v.label.Drawn(f, options)
		state := f.Input("state", graph.Type{DType: graph.State, Role: prior})
		res := v.label.Apply(f, prior, sdk.Mode{Eval: true, State: state}, class, z)
		next := v.pick(f, res[0], f.RandomInt("pick", graph.Type{Steps: 1, Batch: true, Dims: []int{latent}}, k))
		f.Output("z", next)
		f.Output("state", res[1])
		f.Output("latent", next)
	})
	b.Function("generate", func(f *sdk.Function) {
		z, class := f.Input("latent", graph.Spikes(steps, latent)), v.label.Drawn(f, options)
		f.Output("image", v.label.Apply(f, decoder, sdk.Mode{Eval: true}, class, z)[0])
	})
	b.Sampler(program.Sampler{Name: "ancestral", Given: v.label.Given(options), Init: "start", Loop: "turn", Turns: steps, Result: "generate"})
}
