package sdk_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// diffusion is DDPM (Ho et al. 2020) and SDDPM (Cao et al. 2024), which differ in their networks alone.
func diffusion(t *testing.T) system {
	const levels = 6
	image := graph.Real(1, 4, 4)
	step := graph.Type{DType: graph.I32, Batch: true}
	// kept[s] is the product of 1 - beta over the levels up to s; beta is linear.
	beta := make([]float64, levels)
	kept := make([]float64, levels)
	for s := range levels {
		beta[s] = 1e-4 + (0.3-1e-4)*float64(s)/(levels-1)
		kept[s] = 1 - beta[s]
		if s > 0 {
			kept[s] *= kept[s-1]
		}
	}
	before := func(s int) float64 {
		if s < 1 {
			return 1
		}
		return kept[s-1]
	}
	// A row: the level s; x0 = clip(a x - b eps); the next x = c x0 + d x + e eps + sigma n.
	columns := []string{"s", "a", "b", "c", "d", "e", "sigma"}
	row := func(s int, c, d, e, sigma float64) []float64 {
		return []float64{float64(s), 1 / math.Sqrt(kept[s]), math.Sqrt(1-kept[s]) / math.Sqrt(kept[s]), c, d, e, sigma}
	}
	var ddpm, ddim [][]float64
	for s := levels - 1; s >= 0; s-- { // variance = large
		sigma := math.Sqrt(beta[s])
		if s == 0 {
			sigma = 0
		}
		ddpm = append(ddpm, row(s, math.Sqrt(before(s))*beta[s]/(1-kept[s]), math.Sqrt(1-beta[s])*(1-before(s))/(1-kept[s]), 0, sigma))
	}
	for s := levels - 1; s >= 0; s -= 2 { // steps = 3, eta = 0: to two levels below, the last to the image itself
		to := 1.0
		if s >= 2 {
			to = kept[s-2]
		}
		ddim = append(ddim, row(s, math.Sqrt(to), 0, math.Sqrt(1-to), 0))
	}
	return system{
		name: "ddpm",
		roles: []filled{{"denoiser", network(t, false, func(n *net, in []graph.Value) graph.Value {
			table := n.variable("table", graph.Frozen, graph.Init{Kind: "normal", B: 1}, levels, 3)
			time := n.linear(n.Op(graph.OpRows, nil, table, in[1]), 2)
			h := n.run("fire", n.norm(n.conv(n.encode("hold", in[0], 2), 2, 3, 1), false))
			h = n.norm(n.conv(h, 2, 3, 1), false)
			h = n.run("fire", n.Add(h, time))
			return n.decode("leaky", n.conv(h, 1, 1, 1))
		}, input{"image", image}, input{"s", step})}},
		program: traced(func(b *sdk.ProgramBuilder) {
			at := func(f *sdk.Function, s graph.Value, of func(kept float64) float64) graph.Value {
				values := make([]float64, levels)
				for i, k := range kept {
					values[i] = of(k)
				}
				return f.Op(graph.OpRows, nil, f.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{levels}}), s)
			}
			b.Function("step", func(f *sdk.Function) {
				x := f.Input("image", image)
				s := f.RandomInt("s", step, levels)
				e := f.Normal("e", image)
				signal, noise := at(f, s, math.Sqrt), at(f, s, func(k float64) float64 { return math.Sqrt(1 - k) })
				noisy := f.Add(f.Mul(x, signal), f.Mul(e, noise))
				f.Output("total", f.MeanSquare(f.Apply("denoiser", sdk.Mode{}, noisy, s)[0], e))
			})
			b.Function("start", func(f *sdk.Function) {
				f.Output("x", f.Normal("x", image))
				f.Output("x0", f.Zeros(image))
			})
			b.Function("turn", func(f *sdk.Function) {
				x := f.Input("x", image)
				c := map[string]graph.Value{}
				for _, name := range columns {
					c[name] = f.Input(name, graph.Scalar())
				}
				s := f.Expand(f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, c["s"]), step)
				eps := f.Apply("denoiser", sdk.Mode{Eval: true}, x, s)[0]
				x0 := f.Sub(f.Mul(x, c["a"]), f.Mul(eps, c["b"]))
				x0 = f.Op(graph.OpMin, nil, f.Op(graph.OpMax, nil, x0, f.Const(-1)), f.Const(1))
				next := f.Add(f.Mul(x0, c["c"]), f.Mul(x, c["d"]))
				next = f.Add(next, f.Mul(eps, c["e"]))
				f.Output("x", f.Add(next, f.Mul(f.Normal("step", image), c["sigma"])))
				f.Output("x0", x0)
			})
			b.Function("generate", func(f *sdk.Function) { f.Output("image", f.Input("x0", image)) })
			b.Stream("images", "image")
			b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"denoiser"}})
			b.Sampler(program.Sampler{Name: "ddpm", Init: "start", Loop: "turn", Turns: len(ddpm), Result: "generate", Columns: columns, Table: ddpm})
			b.Sampler(program.Sampler{Name: "ddim", Init: "start", Loop: "turn", Turns: len(ddim), Result: "generate", Columns: columns, Table: ddim})
		}),
	}
}

// vqsvae is the first stage of Spiking-Diffusion (Liu et al. 2023). With moving, the codebook is a moving average of what
// lies nearest to each code (van den Oord et al. 2017), and codes that nothing chooses are drawn anew once per epoch.
func vqsvae(t *testing.T, moving bool) system {
	const codes, width, side, steps = 5, 3, 2, 3
	const cells = side * side
	image := graph.Real(1, 2*side, 2*side)
	tokens := graph.Type{DType: graph.I32, Batch: true, Dims: []int{side, side}}
	name := "vqsvae"
	if moving {
		name = "vqsvae-moving"
	}
	return system{
		name: name,
		roles: []filled{
			{"encoder", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				h := n.run("fire", n.norm(n.conv(n.encode("hold", x, steps), 4, 3, 2), false))
				return n.run("fire", n.norm(n.conv(h, width, 1, 1), false))
			}), input{"image", image})},
			{"readout", network(t, true, one(func(n *net, z graph.Value) graph.Value {
				return n.decode("mixed", z, n.variable("alpha", graph.Parameter, graph.Init{Kind: "constant", A: 0.5}))
			}), input{"z", graph.Spikes(steps, width, side, side)})},
			{"spiker", network(t, false, one(func(n *net, q graph.Value) graph.Value {
				return n.run("fire", n.norm(n.conv(n.encode("hold", q, steps), width, 1, 1), false))
			}), input{"code", graph.Real(width, side, side)})},
			{"decoder", network(t, true, one(func(n *net, z graph.Value) graph.Value {
				h := n.run("fire", n.norm(n.grow(z, 2), false))
				return n.Op(graph.OpTanh, nil, n.decode("leaky", n.conv(h, 1, 3, 1)))
			}), input{"z", graph.Spikes(steps, width, side, side)})},
		},
		program: traced(func(b *sdk.ProgramBuilder) {
			trace := b.Trace("psp", 2)
			kind := graph.Parameter
			if moving {
				kind = graph.Statistic
			}
			variable := func(name string, kind graph.VariableKind, init graph.Init, dims ...int) {
				b.Variable(graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Kind: kind, Init: init})
			}
			normal := graph.Init{Kind: "normal", B: 1}
			variable("codebook", kind, normal, codes, width)
			if moving {
				variable("count", graph.Statistic, graph.Init{Kind: "constant", A: 1}, codes)
				variable("sum", graph.Statistic, normal, codes, width)
			}
			read := func(f *sdk.Function, name string) graph.Value { return f.Op(graph.OpRead, graph.Attrs{"var": name}) }
			// vectors has a column of width numbers for each cell.
			vectors := func(f *sdk.Function, m graph.Value) graph.Value { return f.Reshape(m, width, cells) }
			flip := func(f *sdk.Function, m graph.Value) graph.Value {
				return f.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0}}, m)
			}
			// nearest is argmin_k |E_k|^2 - 2 m.E_k for each cell.
			nearest := func(f *sdk.Function, m graph.Value) graph.Value {
				e := read(f, "codebook")
				d := f.Sub(f.Reduce("sum", f.Square(e), 1), f.Scale(f.Op(graph.OpMatmul, nil, e, vectors(f, m)), 2))
				return f.Reduce("argmin", d, 0)
			}
			lookup := func(f *sdk.Function, i graph.Value) graph.Value {
				return f.Reshape(flip(f, f.Op(graph.OpRows, nil, read(f, "codebook"), i)), width, side, side)
			}
			b.Function("step", func(f *sdk.Function) {
				x := f.Input("image", image)
				ze := f.Apply("encoder", sdk.Mode{}, x)[0]
				m := f.Apply("readout", sdk.Mode{}, ze)[0]
				i := nearest(f, m)
				q := lookup(f, i)
				sq := f.Apply("spiker", sdk.Mode{}, f.Add(m, f.Stop(f.Sub(q, m))))[0] // straight through
				y := f.Apply("decoder", sdk.Mode{}, sq)[0]
				mse := f.MeanSquare(y, x)
				total := f.Div(mse, f.Host("variance"))
				if !moving {
					total = f.Add(total, f.MeanSquare(q, f.Stop(m)))
				}
				total = f.Add(total, f.Scale(f.MeanSquare(m, f.Stop(q)), 0.25))
				pq, pe := f.Run(trace, sq), f.Run(trace, ze)
				total = f.Add(total, f.MeanSquare(pq, f.Stop(pe)))
				total = f.Add(total, f.Scale(f.MeanSquare(f.Stop(pq), pe), 0.25))
				// The perplexity of the codes in use: e to the entropy of their shares.
				chosen := f.Op(graph.OpScatterAdd, graph.Attrs{"size": codes}, i, f.Expand(f.Const(1), i.Type().With(graph.F32)))
				share := f.Div(chosen, f.Reduce("sum", chosen, 0))
				entropy := f.Neg(f.Reduce("sum", f.Mul(share, f.Op(graph.OpLog, nil, f.Add(share, f.Const(1e-10)))), 0))
				f.Output("total", total)
				f.Output("mse", mse)
				f.Output("perplexity", f.Op(graph.OpExp, nil, entropy))
				if moving {
					count := f.Add(f.Scale(read(f, "count"), 0.99), f.Scale(chosen, 0.01))
					sum := f.Op(graph.OpScatterAdd, graph.Attrs{"size": codes}, i, flip(f, vectors(f, m)))
					sum = f.Add(f.Scale(read(f, "sum"), 0.99), f.Scale(sum, 0.01))
					assign := func(name string, v graph.Value) { f.Ops(graph.OpAssign, graph.Attrs{"var": name}, v) }
					assign("count", count)
					assign("sum", sum)
					assign("codebook", f.Div(sum, f.Op(graph.OpMax, nil, count, f.Const(1e-5))))
				}
			})
			steps := []program.Step{{Function: "step", Moves: []string{"encoder", "readout", "spiker", "decoder"}}}
			if moving {
				// A code that less than one cell chose takes the vector of the cell with the largest of fresh random numbers.
				b.Function("revive", func(f *sdk.Function) {
					m := f.Apply("readout", sdk.Mode{Eval: true}, f.Apply("encoder", sdk.Mode{Eval: true}, f.Input("image", image))[0])[0]
					u := f.Uniform("revive", graph.Real(codes, cells))
					hit := f.Op(graph.OpEqual, nil, u, f.Reduce("max", u, graph.BatchAxis, 1))
					fresh := f.Reduce("sum", f.Op(graph.OpMatmul, nil, f.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, hit), flip(f, vectors(f, m))), graph.BatchAxis)
					dead := f.Op(graph.OpLess, nil, read(f, "count"), f.Const(1))
					f.Output("dead", f.Reduce("sum", dead, 0))
					for _, v := range []string{"codebook", "sum"} {
						f.Ops(graph.OpAssign, graph.Attrs{"var": v}, f.Op(graph.OpWhere, nil, dead, fresh, read(f, v)))
					}
					f.Ops(graph.OpAssign, graph.Attrs{"var": "count"}, f.Op(graph.OpWhere, nil, dead, f.Const(1), read(f, "count")))
				})
				steps = append(steps, program.Step{Function: "revive", Epoch: true})
			} else {
				steps[0].Moves = append(steps[0].Moves, "codebook")
			}
			encode := func(f *sdk.Function) graph.Value {
				return nearest(f, f.Apply("readout", sdk.Mode{Eval: true}, f.Apply("encoder", sdk.Mode{Eval: true}, f.Input("image", image))[0])[0])
			}
			decode := func(f *sdk.Function, i graph.Value) graph.Value {
				return f.Apply("decoder", sdk.Mode{Eval: true}, f.Apply("spiker", sdk.Mode{Eval: true}, lookup(f, i))[0])[0]
			}
			b.Function("encode", func(f *sdk.Function) { f.Output("tokens", f.Reshape(encode(f), side, side)) })
			b.Function("decode", func(f *sdk.Function) {
				f.Output("image", decode(f, f.Reshape(f.Input("tokens", tokens), cells)))
			})
			b.Function("reconstruct", func(f *sdk.Function) { f.Output("image", decode(f, encode(f))) })
			b.Stream("images", "image")
			b.Stage("train", "images", steps...)
			b.Export("encode", "encode")
			b.Export("decode", "decode")
			b.Export("reconstruct", "reconstruct")
		}),
	}
}

// absorbing is the second stage of Spiking-Diffusion: absorbing-state diffusion (Austin et al. 2021) over the first's tokens.
func absorbing(t *testing.T) system {
	const codes, side, levels, temperature = 5, 2, 4, 0.65
	tokens := graph.Type{DType: graph.I32, Batch: true, Dims: []int{side, side}}
	image := graph.Real(1, 2*side, 2*side)
	step := graph.Type{DType: graph.I32, Batch: true}
	raw := graph.Attrs{"dtype": "f32"}
	return system{
		name: "absorbing",
		roles: []filled{{"denoiser", network(t, false, func(n *net, in []graph.Value) graph.Value {
			h := n.Reshape(n.Op(graph.OpCast, raw, in[0]), 1, side, side)
			s := n.Expand(n.Reshape(n.Op(graph.OpCast, raw, in[1]), 1), graph.Real(1, side, side))
			y := n.run("fire", n.norm(n.conv(n.encode("hold", n.Concat(0, h, s), 3), 4, 3, 1), false))
			return n.decode("average", n.conv(y, codes, 3, 1))
		}, input{"tokens", tokens}, input{"s", step})}},
		program: traced(func(b *sdk.ProgramBuilder) {
			b.AddRole(program.Role{Name: "tokens.encode", Kind: "model", In: []graph.Type{image}, Out: []graph.Type{tokens}})
			b.AddRole(program.Role{Name: "tokens.decode", Kind: "model", In: []graph.Type{tokens}, Out: []graph.Type{image}})
			whole := func(f *sdk.Function, v float64) graph.Value {
				return f.Op(graph.OpConstant, graph.Attrs{"value": v, "dtype": "i32"})
			}
			b.Function("step", func(f *sdk.Function) {
				h := f.Input("codes", tokens)
				s := f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, f.Add(f.RandomInt("s", step, levels), f.Const(1)))
				gone := f.Scale(s, 1.0/levels) // the share of cells that level s hides
				hide := f.Op(graph.OpLess, nil, f.Uniform("hide", tokens.With(graph.F32)), gone)
				l := f.Apply("denoiser", sdk.Mode{}, f.Op(graph.OpWhere, nil, hide, whole(f, codes), h), s)[0]
				miss := f.Neg(f.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, f.LogSoftmax(l), h))
				bits := f.Scale(f.Reduce("sum", f.Mul(hide, miss), 0, 1), 1/(side*side*math.Ln2))
				f.Output("total", f.Reduce("mean", f.Mul(f.Sub(f.Const(1), gone), bits), graph.BatchAxis))
			})
			b.Function("start", func(f *sdk.Function) { f.Output("h", f.Expand(whole(f, codes), tokens)) })
			b.Function("turn", func(f *sdk.Function) {
				h := f.Input("h", tokens)
				s, reveal := f.Input("s", graph.Scalar()), f.Input("reveal", graph.Scalar())
				l := f.Apply("denoiser", sdk.Mode{Eval: true}, h, f.Expand(f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, s), step))[0]
				log := func(x graph.Value) graph.Value { return f.Op(graph.OpLog, nil, x) }
				gumbel := f.Neg(log(f.Neg(log(f.Uniform("gumbel", l.Type())))))
				c := f.Reduce("argmax", f.Add(f.Scale(l, 1/temperature), gumbel), 0)
				hidden := f.Op(graph.OpEqual, nil, h, whole(f, codes))
				now := f.Op(graph.OpLess, nil, f.Uniform("reveal", tokens.With(graph.F32)), reveal)
				f.Output("h", f.Op(graph.OpWhere, nil, f.Op(graph.OpAnd, nil, hidden, now), c, h))
			})
			b.Function("generate", func(f *sdk.Function) {
				f.Output("image", f.Apply("tokens.decode", sdk.Mode{Eval: true}, f.Input("h", tokens))[0])
			})
			var table [][]float64
			for s := levels; s >= 1; s-- {
				table = append(table, []float64{float64(s), 1 / float64(s)})
			}
			b.Stream("images", "image")
			b.Map("codes", "images", "tokens.encode")
			b.Stage("train", "codes", program.Step{Function: "step", Moves: []string{"denoiser"}})
			b.Sampler(program.Sampler{Name: "reveal", Init: "start", Loop: "turn", Turns: levels, Result: "generate",
				Columns: []string{"s", "reveal"}, Table: table})
		}),
	}
}
