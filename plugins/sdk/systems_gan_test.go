package sdk_test

import (
	"testing"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// spikingGAN is Kotariya & Ganguly 2022: spike times of four steps, and a fifth slot in which every silent neuron "fires".
func spikingGAN(t *testing.T) system {
	const window, gap = 4, 1
	times := func(dims ...int) graph.Type { return graph.Spikes(window+1, dims...) }
	image := graph.Real(1, 2, 2)
	return system{
		name: "spiking-gan",
		roles: []filled{
			{"generator", network(t, false, one(func(n *net, z graph.Value) graph.Value {
				h := n.run("once", n.positive(z, 5, 0.9))
				return n.Reshape(n.run("once", n.positive(h, 4, 0.9)), 1, 2, 2)
			}), input{"z", times(6)})},
			{"discriminator", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				return n.run("once", n.positive(n.run("once", n.positive(n.flat(x), 5, 1.2)), 2, 0.9))
			}), input{"image", times(1, 2, 2)})},
			{"coder.encode", network(t, false, one(func(n *net, x graph.Value) graph.Value { return n.encode("latency", x, window+1) }), input{"x", image})},
			{"coder.decode", network(t, false, one(func(n *net, s graph.Value) graph.Value { return n.decode("brightness", s) }), input{"s", times(1, 2, 2)})},
		},
		program: traced(func(b *sdk.ProgramBuilder) {
			for _, name := range []string{"coder.encode", "coder.decode"} {
				b.Role(name).Kind = "coder"
			}
			z := graph.Real(6)
			// first_time is the step of the first spike, `window` where there is none. Its derivative puts -dL/dt on that step.
			b.Function("first_time", func(f *sdk.Function) {
				s := f.Input("s", times(2))
				f.Output("t", f.Reduce("min", f.Op(graph.OpWhere, nil, s, f.Op(graph.OpIota, graph.Attrs{"steps": window + 1}), f.Const(window)), graph.TimeAxis))
			})
			b.Function("first_time_backward", func(f *sdk.Function) {
				s, t, dt := f.Input("s", times(2)), f.Input("t", graph.Real(2)), f.Input("dt", graph.Real(2))
				at := f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"steps": window + 1}), t)
				f.Output("ds", f.Expand(f.Op(graph.OpWhere, nil, at, f.Neg(dt), f.Const(0)), s.Type().With(graph.F32)))
			})
			fake := func(f *sdk.Function, label string, m sdk.Mode) graph.Value {
				k := f.Op(graph.OpFloor, nil, f.Scale(f.Uniform(label, z), window+1))
				return f.Apply("generator", m, f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"steps": window + 1}), k))[0]
			}
			// score is the least-squares loss in spike times with relative targets: the output `right` is to win by `gap`.
			score := func(f *sdk.Function, x graph.Value, right int, m sdk.Mode) graph.Value {
				s := f.Apply("discriminator", m, x)[0]
				t := f.Op(graph.OpCustom, graph.Attrs{"function": "first_time", "backward": "first_time_backward"}, s)
				tau := f.Reshape(f.Reduce("min", t, 0), 1)
				last := f.Const(window)
				late := f.Op(graph.OpLess, nil, f.Sub(t, tau), f.Const(gap))
				wrong := f.Op(graph.OpWhere, nil, late, f.Op(graph.OpMin, nil, f.Add(tau, f.Const(gap)), last), t)
				win := f.Op(graph.OpWhere, nil, f.Op(graph.OpEqual, nil, tau, last), f.Const(window-gap), tau)
				wins := f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"dims": []int{2}}), f.Const(float64(right)))
				aim := f.Op(graph.OpWhere, nil, wins, win, wrong)
				e := f.Scale(f.Sub(f.Stop(aim), t), 1.0/window)
				return f.Reduce("mean", f.Scale(f.Reduce("sum", f.Square(e), 0), 0.5), graph.BatchAxis)
			}
			const isFake, isReal = 0, 1
			b.Function("d_step", func(f *sdk.Function) {
				x := f.Apply("coder.encode", sdk.Mode{}, f.Input("image", image))[0]
				right := score(f, x, isReal, sdk.Mode{})
				caught := score(f, f.Stop(fake(f, "d", sdk.Mode{})), isFake, sdk.Mode{})
				f.Output("total", f.Add(right, caught))
				f.Output("real", right)
				f.Output("fake", caught)
			})
			b.Function("g_step", func(f *sdk.Function) {
				f.Output("total", score(f, fake(f, "g", sdk.Mode{}), isReal, sdk.Mode{Frozen: true, Gate: "open"}))
			})
			b.Function("generate", func(f *sdk.Function) {
				f.Output("image", f.Apply("coder.decode", sdk.Mode{Eval: true}, fake(f, "s", sdk.Mode{Eval: true}))[0])
			})
			b.Stream("images", "image")
			b.Stage("train", "images",
				program.Step{Function: "d_step", Moves: []string{"discriminator"}, Slot: "discriminator"},
				program.Step{Function: "g_step", Moves: []string{"generator"}, Slot: "generator"})
			b.Sampler(program.Sampler{Name: "once", Result: "generate"})
			b.Export("generate", "generate")
		}),
	}
}

// adversarial traces the two steps that most GANs share, for losses that see the critic's opinions.
func adversarial(b *sdk.ProgramBuilder, z, image graph.Type, noise func(f *sdk.Function) graph.Value,
	d func(f *sdk.Function, genuine, fake graph.Value) graph.Value, g func(f *sdk.Function, fake graph.Value) graph.Value) {
	b.Function("d_step", func(f *sdk.Function) {
		genuine := f.Apply("discriminator", sdk.Mode{}, f.Input("image", image))[0]
		fake := f.Apply("discriminator", sdk.Mode{}, f.Stop(f.Apply("generator", sdk.Mode{}, noise(f))[0]))[0]
		f.Output("total", d(f, genuine, fake))
	})
	b.Function("g_step", func(f *sdk.Function) {
		f.Output("total", g(f, f.Apply("discriminator", sdk.Mode{Frozen: true}, f.Apply("generator", sdk.Mode{}, noise(f))[0])[0]))
	})
	b.Function("generate", func(f *sdk.Function) {
		f.Output("image", f.Apply("generator", sdk.Mode{Eval: true}, noise(f))[0])
	})
	b.Stream("images", "image")
	b.Stage("train", "images",
		program.Step{Function: "d_step", Moves: []string{"discriminator"}, Slot: "discriminator"},
		program.Step{Function: "g_step", Moves: []string{"generator"}, Slot: "generator"})
	b.Sampler(program.Sampler{Name: "once", Result: "generate"})
	b.Export("generate", "generate")
}

// sgad is Feng et al. 2024: a Wasserstein GAN whose generator decodes by attention and normalises every step by itself.
func sgad(t *testing.T) system {
	const steps = 3
	z, image := graph.Real(3), graph.Real(1, 2, 2)
	return system{
		name: "sgad",
		roles: []filled{
			{"generator", network(t, false, one(func(n *net, z graph.Value) graph.Value {
				h := n.run("fire", n.norm(n.linear(n.encode("hold", z, steps), 5), true))
				y := n.Op(graph.OpSigmoid, nil, n.Reshape(n.linear(h, 4), 1, 2, 2))
				return n.scoring(y, 3)
			}), input{"z", z})},
			{"discriminator", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				h := n.run("fire", n.norm(n.conv(n.encode("hold", x, steps), 2, 1, 1), true))
				return n.decode("average", n.linear(n.run("fire", n.linear(n.flat(h), 4)), 1))
			}), input{"image", image})},
		},
		program: traced(func(b *sdk.ProgramBuilder) {
			adversarial(b, z, image, func(f *sdk.Function) graph.Value { return f.Normal("z", z) },
				func(f *sdk.Function, genuine, fake graph.Value) graph.Value {
					return f.Sub(f.Mean(genuine), f.Mean(fake))
				},
				func(f *sdk.Function, fake graph.Value) graph.Value { return f.Mean(fake) })
		}),
	}
}

// plainGAN is the ordinary least-squares GAN (Mao et al. 2017).
func plainGAN(t *testing.T) system {
	z, image := graph.Real(3), graph.Real(1, 2, 2)
	return system{
		name: "gan-ann",
		roles: []filled{
			{"generator", network(t, false, one(func(n *net, z graph.Value) graph.Value {
				h := n.Op(graph.OpMax, nil, n.linear(z, 5), n.Const(0))
				return n.Reshape(n.Op(graph.OpSigmoid, nil, n.linear(h, 4)), 1, 2, 2)
			}), input{"z", z})},
			{"discriminator", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				return n.linear(n.Op(graph.OpTanh, nil, n.linear(n.flat(x), 5)), 1)
			}), input{"image", image})},
		},
		program: traced(func(b *sdk.ProgramBuilder) {
			half := func(f *sdk.Function, x graph.Value, aim float64) graph.Value {
				return f.Scale(f.MeanSquare(x, f.Const(aim)), 0.5)
			}
			adversarial(b, z, image, func(f *sdk.Function) graph.Value { return f.Uniform("z", z) },
				func(f *sdk.Function, genuine, fake graph.Value) graph.Value {
					return f.Add(half(f, genuine, 1), half(f, fake, 0))
				},
				func(f *sdk.Function, fake graph.Value) graph.Value { return half(f, fake, 1) })
		}),
	}
}
