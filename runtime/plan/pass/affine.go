package pass

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// affine takes a scale and a shift per channel behind a product into its weights and one bias, where both are known from the
// variables alone: nothing is left of a normalisation by running statistics.
//
//	((product(x, w) + a) - m) * s + b = product(x, w * s) + ((a - m) * s + b)
func affine(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	switch n.Op {
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpDiv:
	default:
		return nil, false
	}
	k := 0
	if (n.Op == graph.OpAdd || n.Op == graph.OpMul) && SameShape(in[1].Type(), n.Out[0]) {
		k = 1
	}
	y, by := in[k], in[1-k]
	if !SameShape(y.Type(), n.Out[0]) || len(r.users[n.In[k].Node]) > 1 || r.kept[n.In[k].Node] || !r.channelwise(by, y.Type()) {
		return nil, false
	}
	var shift graph.Value
	product := y.Node
	if product.Op == graph.OpAdd && r.channelwise(product.In[1], y.Type()) {
		product, shift = product.In[0].Node, product.In[1]
	}
	if !Weighted(product) || len(product.In) > 2 {
		return nil, false
	}
	if n.Op == graph.OpAdd || n.Op == graph.OpSub {
		if !shift.Valid() {
			return nil, false
		}
		return []graph.Value{r.op(graph.OpAdd, nil, graph.Value{Node: product}, r.op(n.Op, nil, shift, by))}, true
	}
	own := r.layer
	r.layer = product.Layer
	w := r.scaled(n.Op, product.In[1], by, product)
	v := r.product(product.Op, product.Attrs, product.Out[0], product.In[0], w)
	r.layer = own
	if shift.Valid() {
		v = r.op(graph.OpAdd, nil, v, r.op(n.Op, nil, shift, by))
	}
	return []graph.Value{v}, true
}

// Weighted reports whether n is a product with weights that are the same for all examples and steps, with channels of results in
// dim 0.
func Weighted(n *graph.Node) bool {
	switch n.Op {
	case graph.OpConv, graph.OpConvInput:
		return true
	case graph.OpMatmul:
		w := n.In[1].Type()
		return len(n.Out[0].Dims) == 1 && w.Steps == 0 && !w.Batch
	}
	return false
}

// channelwise reports whether v has a number for each channel of a value of type t, or one for all, and depends on nothing but
// variables.
func (r *rewriter) channelwise(v graph.Value, t graph.Type) bool {
	if u := v.Type(); u.Steps > 0 || u.Batch || len(u.Dims) > len(t.Dims) || slices.ContainsFunc(u.Dims[min(1, len(u.Dims)):], func(d int) bool { return d > 1 }) {
		return false
	}
	return r.fixed(v.Node)
}

// fixed reports whether what n gives depends on nothing but variables.
func (r *rewriter) fixed(n *graph.Node) bool {
	if known, ok := r.steady[n]; ok {
		return known
	}
	is := n.Op == graph.OpRead || n.Op == graph.OpConstant || n.Op == graph.OpIota
	if Elementwise(n.Op) || View(n) {
		is = !slices.ContainsFunc(n.In, func(v graph.Value) bool { return !r.fixed(v.Node) })
	}
	r.steady[n] = is
	return is
}

// scaled multiplies or divides the weights w of a product by a value per channel of its result. Weights that are turned around for
// the product are scaled before that: there the channels are their outermost dim.
func (r *rewriter) scaled(op graph.Op, w, by graph.Value, product *graph.Node) graph.Value {
	c := by.Type().Size()
	if c == 1 {
		return r.op(op, nil, w, r.op(graph.OpReshape, graph.Attrs{"dims": []int{}}, by))
	}
	dims := []int{c, 1, 1, 1}[:len(w.Type().Dims)]
	if product.Op == graph.OpConvInput || product.Op == graph.OpMatmul && !product.Flag("transpose") {
		if t := w.Node; t.Op == graph.OpTranspose && slices.Equal(t.Axes(), graph.Axes{1, 0, 2, 3}) {
			return r.op(t.Op, t.Attrs, r.op(op, nil, t.In[0], r.op(graph.OpReshape, graph.Attrs{"dims": dims}, by)))
		}
		dims[0], dims[1] = 1, c
	}
	return r.op(op, nil, w, r.op(graph.OpReshape, graph.Attrs{"dims": dims}, by))
}
