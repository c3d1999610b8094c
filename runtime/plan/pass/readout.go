package pass

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// readouts moves a linear readout over time, whose last output alone is taken, such as the mean or a leaky membrane without
// spikes, in front of the product that it reads. A product at each of T steps becomes one of what the readout makes of the
// spikes:
//
//	sum_t a_t (product(x_t, w) + b) = product(sum_t a_t x_t, w) + sum_t a_t b
//
// Its derivative by what it reads is a_t times the gradient, which is not stored for all steps but computed where it is read, and
// goes through the product once as well.
func readouts(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	one := func(v graph.Value) ([]graph.Value, bool) { return []graph.Value{v}, true }
	switch n.Op {
	case graph.OpEquation:
		if _, ok := response(n); ok && r.lastly(n.In[0].Node) {
			if v, ok := r.readout(n, in[0]); ok {
				return one(v)
			}
		}
	case graph.OpEquationGrad:
		a, ok := response(n)
		if !ok {
			return nil, false
		}
		over := r.add(graph.OpConstant, nil, graph.Attrs{"values": a}, []graph.Type{{Steps: len(a)}})[0]
		v := r.op(graph.OpMul, nil, in[1], over)
		r.readBy[v.Node] = n
		return one(v)
	case graph.OpReshape:
		if g, over, by := r.overTime(in[0]); by != nil {
			v := r.op(graph.OpMul, nil, r.op(n.Op, n.Attrs, g), over)
			r.readBy[v.Node] = by
			return one(v)
		}
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		if g, over, by := r.overTime(in[0]); by != nil && Weighted(n) {
			return one(r.op(graph.OpMul, nil, r.product(n.Op, n.Attrs, n.Out[0].WithSteps(0), g, in[1]), over))
		}
	case graph.OpConvWeight, graph.OpMatmulWeight:
		for k := range 2 {
			if g, _, by := r.overTime(in[k]); by != nil && (n.Op == graph.OpConvWeight || k == 1 && len(g.Type().Dims) == 1) {
				other := slices.Clone(in)
				other[k], other[1-k] = g, r.read(by, in[1-k])
				return one(r.product(n.Op, n.Attrs, n.Out[0], other...))
			}
		}
	}
	return nil, false
}

// overTime takes the gradient of a readout apart: that by its output, the factors of the steps, and the readout. by is nil where v
// is none.
func (r *rewriter) overTime(v graph.Value) (g, over graph.Value, by *graph.Node) {
	if by = r.readBy[v.Node]; by != nil {
		g, over = v.Node.In[0], v.Node.In[1]
	}
	return g, over, by
}

// lastly reports whether nobody but readouts needs what n gives at all steps: n is a product, a shifted or a reshaped one.
func (r *rewriter) lastly(n *graph.Node) bool {
	return !r.kept[n] && !slices.ContainsFunc(r.users[n], func(u *graph.Node) bool {
		if u.Op == graph.OpEquation || u.Op == graph.OpEquationGrad {
			_, ok := response(u)
			return !ok
		}
		return u.Op != graph.OpAdd && u.Op != graph.OpReshape || !r.lastly(u)
	})
}

// read applies the readout n, or that of which n is the derivative, to x.
func (r *rewriter) read(n *graph.Node, x graph.Value) graph.Value {
	x = r.op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
	return r.add(graph.OpEquation, n.Equation, graph.Attrs{"last": true}, []graph.Type{x.Type().WithSteps(0)}, x)[0]
}

// readout applies a readout to what a product is made of; not ok where y is none.
func (r *rewriter) readout(n *graph.Node, y graph.Value) (graph.Value, bool) {
	p := y.Node
	switch {
	case p.Op == graph.OpReshape:
		v, ok := r.readout(n, p.In[0])
		if !ok {
			return y, false
		}
		return r.op(p.Op, p.Attrs, v), true
	case p.Op == graph.OpAdd && p.In[1].Type().Steps == 0 && !p.In[1].Type().Batch:
		v, ok := r.readout(n, p.In[0])
		if !ok {
			return y, false
		}
		bias := r.op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": y.Type().Steps}, p.In[1])
		return r.op(graph.OpAdd, nil, v, r.read(n, bias)), true
	case Weighted(p) && len(p.In) == 2 && p.In[0].Type().Steps > 1 && p.In[0].Type().Batch:
		own := r.layer
		r.layer = p.Layer
		v := r.product(p.Op, p.Attrs, p.Out[0].WithSteps(0), r.read(n, p.In[0]), p.In[1])
		r.layer = own
		return v, true
	}
	return y, false
}

// response returns what each step's input counts for in the last output of an equation, or of that of which n is the derivative; not
// ok where only its last output is not all that is taken, or is no sum of so many times each step's input.
func response(n *graph.Node) (a []float64, ok bool) {
	e := n.Equation
	if !n.Flag("last") || n.Flag("state") || len(e.Inputs) != 1 || len(e.Params) > 0 || e.Spikes || e.Temporal != nil || n.In[0].Type().Steps < 2 {
		return nil, false
	}
	if slices.ContainsFunc(e.States, func(s graph.EquationState) bool { return s.Start != 0 }) {
		return nil, false
	}
	steps := n.In[0].Type().Steps
	a = make([]float64, steps)
	var by []float64 // what each state counts for after the step
	for t := steps - 1; t >= 0; t-- {
		out, ok := linear(e, t, steps)
		if !ok {
			return nil, false
		}
		before := make([]float64, len(e.States))
		add := func(f form, times float64) {
			a[t] += times * f.by[0]
			for i := range before {
				before[i] += times * f.by[1+i]
			}
		}
		if t == steps-1 {
			add(out[0], 1)
		}
		for i, s := range by {
			add(out[1+i], s)
		}
		by = before
	}
	return a, true
}

// form is a number in a step of an equation: a constant and so many times the input and each of the states.
type form struct {
	constant float64
	by       []float64
}

func (f form) fixed() bool { return !slices.ContainsFunc(f.by, func(v float64) bool { return v != 0 }) }

// plus returns f + times g.
func (f form) plus(g form, times float64) form {
	out := form{f.constant + times*g.constant, slices.Clone(f.by)}
	for i, v := range g.by {
		out.by[i] += times * v
	}
	return out
}

// linear returns what a step emits and the next states as forms without a constant; not ok where they are none.
func linear(e *graph.Equation, t, steps int) (out []form, ok bool) {
	zero := form{by: make([]float64, 1+len(e.States))}
	known := map[*graph.Node]form{}
	for i, n := range e.Step.Inputs {
		f := zero.plus(zero, 0)
		f.by[i] = 1
		known[n] = f
	}
	for _, n := range e.Step.Nodes {
		var x, y form
		if len(n.In) > 0 {
			x = known[n.In[0].Node]
		}
		if len(n.In) > 1 {
			y = known[n.In[1].Node]
		}
		f := zero
		switch n.Op {
		case graph.OpInput:
			continue
		case graph.OpConstant:
			v, ok := Number(graph.Value{Node: n})
			if !ok {
				return nil, false
			}
			f = form{v, zero.by}
		case graph.OpTime:
			f = form{float64(t), zero.by}
		case graph.OpSteps:
			f = form{float64(steps), zero.by}
		case graph.OpAdd:
			f = x.plus(y, 1)
		case graph.OpSub:
			f = x.plus(y, -1)
		case graph.OpNeg:
			f = zero.plus(x, -1)
		case graph.OpMul:
			switch {
			case y.fixed():
				f = zero.plus(x, y.constant)
			case x.fixed():
				f = zero.plus(y, x.constant)
			default:
				return nil, false
			}
		case graph.OpDiv:
			if !y.fixed() || y.constant == 0 {
				return nil, false
			}
			f = zero.plus(x, 1/y.constant)
		default:
			return nil, false
		}
		known[n] = f
	}
	for _, o := range e.Step.Outputs {
		f := known[o.Value.Node]
		if f.constant != 0 {
			return nil, false
		}
		out = append(out, f)
	}
	return out, true
}
