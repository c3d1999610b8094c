package lower

import (
	"math"
	"strconv"

	"snnc.dev/snnc/runtime/graph"
)

// timed gives values without time the time axis of those with one, so that they can be joined. In a network that works at
// any number of steps the axis comes from a value that has it, since no attribute knows its length.
func (l *lowering) timed(in []graph.Value) []graph.Value {
	b := l.b
	var like graph.Value
	for _, v := range in {
		if v.Type().Steps > 0 {
			like = v
		}
	}
	for i, v := range in {
		switch {
		case !like.Valid() || v.Type().Steps > 0:
		case !l.n.FreeSteps:
			in[i] = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": like.Type().Steps}, v)
		default:
			one := like
			for axis := range like.Type().Dims {
				one = b.Slice(one, graph.Axis(axis), 0, 1)
			}
			in[i] = b.Op(graph.OpWhere, nil, b.Op(graph.OpEqual, nil, one, one), v, v)
		}
	}
	return in
}

// dropout zeroes each value of each step with probability p and scales the others up (Srivastava et al. 2014). Over time it
// is an equation, which knows how many steps there are.
func (l *lowering) dropout() graph.Value {
	x, p := l.in(0), l.layer.Args.Real("p")
	if !l.train || p == 0 {
		if l.b.Err() == nil && x.Type().DType != graph.F32 { // spikes, which are numbers behind it in either mode
			x = l.b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		return x
	}
	t := x.Type()
	drop := func(b *graph.Builder, x, u graph.Value) graph.Value {
		return b.Op(graph.OpWhere, nil, b.Op(graph.OpGreatEq, nil, u, b.Const(p)), b.Scale(x, scaleOf(p)), b.Const(0))
	}
	if t.Steps == 0 {
		u := l.b.Op(graph.OpUniform, graph.Attrs{"label": strconv.Itoa(l.i), "batch": true, "dims": t.Dims})
		return drop(l.b, x, u)
	}
	step := graph.NewBuilder("step", nil)
	in := step.Input("x", graph.Scalar())
	step.Output("emit", drop(step, in, step.Op(graph.OpUniform, graph.Attrs{"label": "noise1", "dims": []int{}})))
	e := l.declared(&graph.Equation{Inputs: []string{"x"}, Step: step.Graph()})
	return l.b.Equation(graph.OpEquation, e, graph.Attrs{"label": strconv.Itoa(l.i)}, x)[0]
}

// scaleOf is what keeps the mean of dropout: 1 / (1 - p), and nothing is left to scale at p = 1.
func scaleOf(p float64) float64 {
	if p >= 1 {
		return 0
	}
	return 1 / (1 - p)
}

// softmax is over one dim.
func (l *lowering) softmax(x graph.Value, axis graph.Axis) graph.Value {
	b := l.b
	dims := append([]int(nil), x.Type().Dims...)
	dims[axis] = 1
	e := b.Op(graph.OpExp, nil, b.Sub(x, b.Stop(b.Reshape(b.Reduce("max", x, axis), dims...))))
	return b.Div(e, b.Reshape(b.Reduce("sum", e, axis), dims...))
}

// gelu is x P(X <= x) for X standard normal (Hendrycks & Gimpel 2016), written as x/2 + |x| (1/2 - P(X > |x|)), whose derivative
// is right at 0 too. The tail is formula 7.1.26 of Abramowitz & Stegun (1964), off by at most 0.75e-7.
func (l *lowering) gelu() graph.Value {
	b, x := l.b, l.in(0)
	size := b.Op(graph.OpAbs, nil, x)
	t := b.Div(b.Const(1), b.Add(b.Const(1), b.Scale(size, 0.3275911/math.Sqrt2)))
	tail := b.Const(0)
	for _, a := range []float64{1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592} {
		tail = b.Mul(t, b.Add(b.Const(a), tail))
	}
	tail = b.Scale(b.Mul(tail, b.Op(graph.OpExp, nil, b.Scale(b.Mul(x, x), -0.5))), 0.5)
	return b.Add(b.Scale(x, 0.5), b.Mul(size, b.Sub(b.Const(0.5), tail)))
}

// attention is scaled dot-product attention of every place of a map to all of them (Vaswani et al. 2017), with projections
// for query, key, value and result. `gain` scales the start of the last one, as Ho et al. 2020 do.
func (l *lowering) attention() graph.Value {
	b, args, x := l.b, l.layer.Args, l.in(0)
	dims := x.Type().Dims
	channels, places, heads := dims[0], x.Type().Size()/dims[0], args.Int("heads")
	weight, bias := l.starts(channels, channels)
	project := func(x graph.Value, part string, weight graph.Init) graph.Value {
		y := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, l.variable(part+".weight", graph.Parameter, weight, channels, channels))
		return b.Add(y, b.Reshape(l.variable(part+".bias", graph.Parameter, bias, channels), 1, channels))
	}
	swap := graph.Attrs{"axes": graph.Axes{1, 0}}
	rows := b.Op(graph.OpTranspose, swap, b.Reshape(x, channels, places)) // [places channels]
	q, k, v := project(rows, "query", weight), project(rows, "key", weight), project(rows, "value", weight)
	width := channels / heads
	var out []graph.Value
	for h := range heads {
		head := func(x graph.Value) graph.Value { return b.Slice(x, 1, h*width, width) }
		score := b.Scale(b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, head(q), head(k)), 1/math.Sqrt(float64(width)))
		out = append(out, b.Op(graph.OpMatmul, nil, l.softmax(score, 1), head(v)))
	}
	gain := args.Real("gain")
	last := graph.Init{Kind: weight.Kind, A: weight.A * gain, B: weight.B * gain}
	y := project(b.Concat(1, out...), "result", last)
	return b.Reshape(b.Op(graph.OpTranspose, swap, y), dims...)
}

// embedding looks tokens or a step up in a trained table, which starts standard normal. The channel comes first.
func (l *lowering) embedding() graph.Value {
	b, args := l.b, l.layer.Args
	table := l.variable("weight", graph.Parameter, graph.Init{Kind: "normal", B: 1}, args.Int("count"), args.Int("n"))
	y := b.Op(graph.OpRows, nil, table, l.in(0))
	last := graph.Axis(len(y.Type().Dims) - 1)
	if last == 0 {
		return y
	}
	axes := graph.Axes{last}
	for a := range last {
		axes = append(axes, a)
	}
	return b.Op(graph.OpTranspose, graph.Attrs{"axes": axes}, y)
}
