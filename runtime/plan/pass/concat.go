package pass

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// concatenated takes concatenations of channels apart whose users can all do with the parts: then no copy of real numbers is
// made. Neurons run over each part, and only their spikes are joined, as bits; a product is the sum of the products with the
// parts, its derivative by the operand is that of each part, and the one by the weights is joined from those of the parts.
func concatenated(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	one := func(v graph.Value, ok bool) ([]graph.Value, bool) { return []graph.Value{v}, ok }
	if n.Op == graph.OpSlice {
		if n.Axis() != 0 || !r.divisible(n.In[0].Node) {
			return nil, false
		}
		return one(r.part(in[0], n.Int("start"), n.Int("length")))
	}
	which := 0
	if n.Op == graph.OpConvWeight && n.In[1].Node.Op == graph.OpConcat {
		which = 1 // of a transposed convolution
	}
	if len(in) == 0 || !r.dissolves(n.In[which].Node) {
		return nil, false
	}
	parts := in[which].Node.In
	switch n.Op {
	case graph.OpEquation, graph.OpEquationGrad:
		return r.equations(n, in, parts), true
	case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
		axis, at := channelsOf(n), 0
		var sum graph.Value
		for _, x := range parts {
			length := x.Type().Dims[0]
			w := r.slice(in[1], axis, at, length)
			y := r.tidy(&graph.Node{Op: n.Op, Attrs: n.Attrs, Out: n.Out}, []graph.Value{x, w})[0]
			if at += length; sum.Valid() {
				y = r.op(graph.OpAdd, nil, sum, y)
			}
			sum = y
		}
		return one(sum, true)
	case graph.OpMatmulWeight, graph.OpConvWeight:
		axis := channelsOf(n)
		if which == 1 {
			axis = 0
		}
		var all []graph.Value
		for _, x := range parts {
			t := n.Out[0].WithDims(slices.Clone(n.Out[0].Dims)...)
			t.Dims[axis] = x.Type().Dims[0]
			own := slices.Clone(in)
			own[which] = x
			all = append(all, r.tidy(&graph.Node{Op: n.Op, Attrs: n.Attrs, Out: []graph.Type{t}}, own)[0])
		}
		return one(r.op(graph.OpConcat, graph.Attrs{"axis": axis}, all...), true)
	}
	return nil, false
}

// channelsOf returns the axis of the weights of a product, or of the gradient by them, along which the channels of its operand lie.
func channelsOf(n *graph.Node) graph.Axis {
	switch n.Op {
	case graph.OpMatmul, graph.OpMatmulWeight:
		if n.Flag("transpose") {
			return 1
		}
		return 0
	case graph.OpConvInput:
		return 0
	}
	return 1
}

// slice returns a part of v along a dim, v itself where that is all of it.
func (r *rewriter) slice(v graph.Value, axis graph.Axis, start, length int) graph.Value {
	if v.Type().Dims[axis] == length {
		return v
	}
	return r.op(graph.OpSlice, graph.Attrs{"axis": axis, "start": start, "length": length}, v)
}

// dissolves reports whether nobody needs the concatenation c of real channels as a whole.
func (r *rewriter) dissolves(c *graph.Node) bool {
	if c.Op != graph.OpConcat || c.Axis() != 0 || c.Out[0].DType != graph.F32 || r.kept[c] {
		return false
	}
	return !slices.ContainsFunc(r.users[c], func(n *graph.Node) bool {
		for i, v := range n.In {
			if v.Node == c && i > 0 && n.Op != graph.OpConvWeight {
				return true
			}
		}
		switch n.Op {
		case graph.OpSlice:
			return n.Axis() != 0 || !whole(c, n.Int("start"), n.Int("length"))
		case graph.OpEquation:
			return !separable(n)
		case graph.OpEquationGrad:
			return !separable(n) || !r.divisible(n.In[len(n.In)-1].Node)
		case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
			// The way back through a normalisation reads the result once more: it would have to read all that it is the sum of, where
			// the products of several parts cannot be accumulated.
			return len(c.Out[0].Dims) == 2 || spiking(c) > 1 && slices.ContainsFunc(r.users[n], func(u *graph.Node) bool {
				return u.Op == graph.OpNormalise || u.Op == graph.OpAdd && slices.ContainsFunc(r.users[u], func(w *graph.Node) bool { return w.Op == graph.OpNormalise })
			})
		case graph.OpMatmulWeight:
			return len(c.Out[0].Dims) == 2
		case graph.OpConvWeight:
			return n.In[0].Node == c && n.In[1].Node.Op == graph.OpConcat
		}
		return true
	})
}

// spiking returns how many parts of a concatenation are spikes.
func spiking(c *graph.Node) (parts int) {
	for _, v := range c.In {
		if v.Type().DType == graph.Bit {
			parts++
		}
	}
	return parts
}

// whole reports whether so many channels from start on are one part of the concatenation c.
func whole(c *graph.Node, start, length int) bool {
	at := 0
	for _, v := range c.In {
		if at == start && v.Type().Dims[0] == length {
			return true
		}
		at += v.Type().Dims[0]
	}
	return false
}

// separable reports whether an equation, or its derivative, may run over some channels of its first input at a time: it keeps no
// state that is handed on, draws no random numbers, which are numbered over all channels, and what else flows in is the same for
// all channels.
func separable(n *graph.Node) bool {
	e, t := n.Equation, n.In[0].Type()
	if n.Flag("state") || e.Temporal != nil || !slices.Equal(EquationShape(n).Dims, t.Dims) {
		return false
	}
	for _, v := range n.In[1 : len(e.Inputs)+len(e.Params)] {
		if d := v.Type().Dims; len(d) > 0 && d[0] > 1 {
			return false
		}
	}
	return !slices.ContainsFunc(e.Step.Nodes, func(m *graph.Node) bool { return m.Op == graph.OpUniform || m.Op == graph.OpNormal })
}

// divisible reports whether nobody needs what n gives as a whole and its channels can be computed some at a time.
func (r *rewriter) divisible(n *graph.Node) bool {
	if r.kept[n] || len(r.users[n]) > 1 && slices.ContainsFunc(r.users[n], func(u *graph.Node) bool { return u.Op != graph.OpSlice || u.Axis() != 0 }) {
		return false
	}
	switch n.Op {
	case graph.OpConvInput, graph.OpMatmul:
		w := n.In[1].Type()
		return n.Op == graph.OpConvInput || len(n.Out[0].Dims) == 1 && w.Steps == 0 && !w.Batch
	case graph.OpAdd, graph.OpSub:
		return SameShape(n.In[0].Type(), n.Out[0]) && SameShape(n.In[1].Type(), n.Out[0]) && r.divisible(n.In[0].Node) && r.divisible(n.In[1].Node)
	case graph.OpEquationGrad:
		return r.dissolves(n.In[0].Node)
	case graph.OpConcat:
		return n.Axis() == 0
	}
	return false
}

// part returns channels of v without computing the others; not ok where that is not possible.
func (r *rewriter) part(v graph.Value, start, length int) (graph.Value, bool) {
	n := v.Node
	switch n.Op {
	case graph.OpConcat:
		at := 0
		for _, x := range n.In {
			if n.Axis() != 0 || at > start {
				break
			}
			if at == start && x.Type().Dims[0] == length {
				return x, true
			}
			at += x.Type().Dims[0]
		}
	case graph.OpConvInput, graph.OpMatmul:
		t := n.Out[0].WithDims(slices.Clone(n.Out[0].Dims)...)
		t.Dims[0] = length
		axis := graph.Axis(1)
		if n.Op == graph.OpMatmul && n.Flag("transpose") {
			axis = 0
		}
		own := r.layer
		r.layer = n.Layer
		y := r.product(n.Op, n.Attrs, t, n.In[0], r.slice(n.In[1], axis, start, length))
		r.layer = own
		return y, true
	case graph.OpAdd, graph.OpSub:
		if a, ok := r.part(n.In[0], start, length); ok {
			if b, ok := r.part(n.In[1], start, length); ok {
				return r.op(n.Op, nil, a, b), true
			}
		}
	}
	return v, false
}

// equations runs an equation, or its derivative, whose first input is the concatenation of parts, over each of them.
func (r *rewriter) equations(n *graph.Node, in, parts []graph.Value) []graph.Value {
	results := make([][]graph.Value, len(n.Out))
	at := 0
	for _, x := range parts {
		length := x.Type().Dims[0]
		own := slices.Clone(in)
		own[0] = x
		if n.Op == graph.OpEquationGrad {
			own[len(own)-1], _ = r.part(in[len(in)-1], at, length)
		}
		types := slices.Clone(n.Out)
		for i, t := range types {
			if len(t.Dims) > 0 && t.Dims[0] > 1 {
				types[i] = t.WithDims(append([]int{length}, t.Dims[1:]...)...)
			}
		}
		for i, v := range r.add(n.Op, n.Equation, n.Attrs, types, own...) {
			results[i] = append(results[i], v)
		}
		at += length
	}
	var out []graph.Value
	for i, t := range n.Out {
		if len(t.Dims) > 0 && t.Dims[0] > 1 {
			out = append(out, r.op(graph.OpConcat, graph.Attrs{"axis": graph.Axis(0)}, results[i]...))
			continue
		}
		sum := results[i][0] // the gradient by what is the same for all channels
		for _, v := range results[i][1:] {
			sum = r.op(graph.OpAdd, nil, sum, v)
		}
		out = append(out, sum)
	}
	return out
}
