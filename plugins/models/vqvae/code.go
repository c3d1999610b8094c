package vqvae

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// Variables of the model itself. K is the number of codes, d the length of their vectors.
const (
	book = "codebook" // f32[K d]: the vectors
	held = "count"    // f32[K]: moving average of how many places of a batch each stands for (moving)
	sum  = "sum"      // f32[K d]: moving average of the sum of their vectors (moving)
	used = "used"     // f32[K]: how many places each stood for since the last revival (revive)
)

func (v *vqvae) moving() bool { return v.args.Text("codebook") == "moving" }

func (v *vqvae) codes() int { return v.args.Int("codes") }

func (v *vqvae) width() int { return v.vectors.Dims[0] }

func (v *vqvae) places() []int { return v.vectors.Dims[1:] }

func (v *vqvae) cells() int { return v.vectors.Size() / v.width() }

// codebook declares the variables. The vectors start standard normal, as the embedding of the published code does.
func (v *vqvae) codebook() {
	variable := func(name string, kind graph.VariableKind, init graph.Init, dims ...int) {
		v.b.Variable(graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Kind: kind, Init: init})
	}
	kind := graph.Parameter
	if v.moving() {
		kind = graph.Statistic
	}
	normal, zero := graph.Init{Kind: "normal", B: 1}, graph.Init{Kind: "constant"}
	variable(book, kind, normal, v.codes(), v.width())
	if v.moving() {
		variable(held, graph.Statistic, zero, v.codes())
		variable(sum, graph.Statistic, zero, v.codes(), v.width())
	}
	if v.args.Has("revive") {
		variable(used, graph.Statistic, zero, v.codes())
	}
}

func read(f *sdk.Function, name string) graph.Value {
	return f.Op(graph.OpRead, graph.Attrs{"var": name})
}

func assign(f *sdk.Function, name string, x graph.Value) {
	f.Ops(graph.OpAssign, graph.Attrs{"var": name}, x)
}

func flip(f *sdk.Function, x graph.Value) graph.Value {
	return f.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0}}, x)
}

// columns returns vectors [d, h, w] as [d, cells].
func (v *vqvae) columns(f *sdk.Function, m graph.Value) graph.Value {
	return f.Reshape(m, v.width(), v.cells())
}

// nearest returns, for each cell, the number of the nearest vector: argmin_k |E_k|^2 - 2 m.E_k. Of equal ones it is the first.
func (v *vqvae) nearest(f *sdk.Function, m graph.Value) graph.Value {
	e := read(f, book)
	distance := f.Sub(f.Reduce("sum", f.Square(e), 1), f.Scale(f.Op(graph.OpMatmul, nil, e, v.columns(f, m)), 2))
	return f.Reduce("argmin", distance, 0)
}

// lookup returns the vectors [d, h, w] of the tokens of all cells.
func (v *vqvae) lookup(f *sdk.Function, tokens graph.Value) graph.Value {
	return f.Reshape(flip(f, f.Op(graph.OpRows, nil, read(f, book), tokens)), v.vectors.Dims...)
}

// apply applies a role; one that is not filled changes nothing.
func (v *vqvae) apply(f *sdk.Function, role string, m sdk.Mode, x graph.Value) graph.Value {
	if v.b.Role(role) == nil {
		return x
	}
	return f.Apply(role, m, x)[0]
}

// step is the training function. The published code calls the second and the third term the embedding's and the commitment loss.
func (v *vqvae) step(f *sdk.Function) {
	x := f.Input("image", v.image)
	ze := v.apply(f, encoder, sdk.Mode{}, x)
	m := v.apply(f, readout, sdk.Mode{}, ze)
	i := v.nearest(f, m)
	q := v.lookup(f, i)
	sq := v.apply(f, spiker, sdk.Mode{}, f.Add(m, f.Stop(f.Sub(q, m)))) // straight through
	y := v.apply(f, decoder, sdk.Mode{}, sq)
	commit := v.args.Real("commit")
	traces := map[float64]*graph.Equation{}
	for _, t := range v.args["loss"].Items {
		if tau := t.Args.Real("tau"); t.Text == "psp" && traces[tau] == nil {
			traces[tau] = v.b.Trace(fmt.Sprintf("trace%d", len(traces)), tau)
		}
	}
	terms := v.args["loss"]
	if !v.moving() {
		terms.Items = append(terms.Items[:len(terms.Items):len(terms.Items)], schema.Value{Type: schema.OneOf, Text: "codebook", Weight: 1})
	}
	if commit > 0 {
		terms.Items = append(terms.Items[:len(terms.Items):len(terms.Items)], schema.Value{Type: schema.OneOf, Text: "commitment", Weight: commit})
	}
	f.Loss(terms, map[string]func(schema.Arguments) graph.Value{
		"mse": func(a schema.Arguments) graph.Value {
			e := f.MeanSquare(y, x)
			if a.Bool("relative") {
				e = f.Div(e, f.Host("variance"))
			}
			return e
		},
		"mae":        func(schema.Arguments) graph.Value { return f.Mean(f.Op(graph.OpAbs, nil, f.Sub(y, x))) },
		"codebook":   func(schema.Arguments) graph.Value { return f.MeanSquare(q, f.Stop(m)) },
		"commitment": func(schema.Arguments) graph.Value { return f.MeanSquare(m, f.Stop(q)) },
		"psp": func(a schema.Arguments) graph.Value {
			psp := traces[a.Real("tau")]
			pq, pe := f.Run(psp, sq), f.Run(psp, ze)
			e := f.MeanSquare(pq, f.Stop(pe))
			if commit > 0 {
				e = f.Add(e, f.Scale(f.MeanSquare(f.Stop(pq), pe), commit))
			}
			return e
		},
	})
	chosen := f.Op(graph.OpScatterAdd, graph.Attrs{"size": v.codes()}, i, f.Expand(f.Const(1), i.Type().With(graph.F32)))
	share := f.Div(chosen, f.Reduce("sum", chosen, 0))
	// The logarithm is that of at least 1e-10, so that a code which nothing chose adds 0.
	log := f.Op(graph.OpLog, nil, f.Op(graph.OpMax, nil, share, f.Const(1e-10)))
	f.Output("perplexity", f.Op(graph.OpExp, nil, f.Neg(f.Reduce("sum", f.Mul(share, log), 0))))
	if v.moving() {
		v.average(f, i, m, chosen)
	}
	if v.args.Has("revive") {
		assign(f, used, f.Add(read(f, used), chosen))
	}
}

// average moves the vectors to the mean of what they stood for lately (van den Oord et al. 2017, appendix A.1). The averages
// begin at 0, which a quotient does not show; a vector that stood for nothing yet stays where it is.
func (v *vqvae) average(f *sdk.Function, i, m, chosen graph.Value) {
	decay := v.args["codebook"].Args.Real("decay")
	mix := func(name string, x graph.Value) graph.Value {
		x = f.Add(f.Scale(read(f, name), decay), f.Scale(f.Stop(x), 1-decay))
		assign(f, name, x)
		return x
	}
	count := mix(held, chosen)
	total := mix(sum, f.Op(graph.OpScatterAdd, graph.Attrs{"size": v.codes()}, i, flip(f, v.columns(f, m))))
	const least = 1e-5
	seen := f.Op(graph.OpGreater, nil, count, f.Const(least))
	mean := f.Div(total, f.Op(graph.OpMax, nil, count, f.Const(least)))
	assign(f, book, f.Op(graph.OpWhere, nil, seen, mean, read(f, book)))
}

// revive is a step at the end of an epoch: a vector that stood for too few places in it is set to that of a place of the batch,
// the one with the largest of fresh random numbers; all counts begin anew.
func (v *vqvae) revive(f *sdk.Function) {
	x := f.Input("image", v.image)
	m := v.apply(f, readout, sdk.Mode{Eval: true}, v.apply(f, encoder, sdk.Mode{Eval: true}, x))
	u := f.Uniform("revive", graph.Real(v.codes(), v.cells()))
	hit := f.Real(f.Op(graph.OpEqual, nil, u, f.Reduce("max", u, graph.BatchAxis, 1)))
	// Of numbers of 24 bits two may be the largest: then it is the mean of both.
	fresh := f.Reduce("sum", f.Op(graph.OpMatmul, nil, hit, flip(f, v.columns(f, m))), graph.BatchAxis)
	fresh = f.Div(fresh, f.Reduce("sum", hit, graph.BatchAxis, 1))
	dead := f.Op(graph.OpLess, nil, read(f, used), f.Const(v.args.Real("revive")))
	f.Output("revived", f.Reduce("sum", f.Real(dead), 0))
	anew := func(name string, x graph.Value) { assign(f, name, f.Op(graph.OpWhere, nil, dead, x, read(f, name))) }
	anew(book, fresh)
	if v.moving() {
		anew(sum, fresh)
		anew(held, f.Const(1))
	}
	assign(f, used, f.Zeros(graph.Type{Dims: []int{v.codes()}}))
}

// encode returns the tokens of all cells.
func (v *vqvae) encode(f *sdk.Function) graph.Value {
	eval := sdk.Mode{Eval: true}
	return v.nearest(f, v.apply(f, readout, eval, v.apply(f, encoder, eval, f.Input("image", v.image))))
}

// decode returns the image of tokens.
func (v *vqvae) decode(f *sdk.Function, tokens graph.Value) graph.Value {
	eval := sdk.Mode{Eval: true}
	return v.apply(f, decoder, eval, v.apply(f, spiker, eval, v.lookup(f, tokens)))
}
