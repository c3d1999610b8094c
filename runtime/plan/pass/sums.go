package pass

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// Moments is the operator (x) axes -> mean, biased variance: the sums of a normalisation. It exists in plans only.
const Moments graph.Op = "moments"

// vanishing is the sum of a normalisation's derivative over all that is normalised together: 0, since adding the same number
// to all of that changes nothing. It is the gradient by a bias in front of the normalisation.
func vanishing(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	if n.Op != graph.OpReduce || n.Text("kind") != "sum" || in[0].Node.Op != graph.OpNormaliseGrad || !slices.Equal(n.Axes(), in[0].Node.Axes()) {
		return nil, false
	}
	return []graph.Value{r.op(graph.OpConstant, graph.Attrs{"value": 0.0, "dims": n.Out[0].Dims})}, n.Out[0].Steps == 0 && !n.Out[0].Batch
}

// normalisation takes normalisations and their derivatives apart.
func normalisation(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	switch n.Op {
	case graph.OpNormalise:
		return r.normalise(n, in[0]), true
	case graph.OpNormaliseGrad:
		return []graph.Value{r.normaliseGradient(n, in)}, true
	}
	return nil, false
}

// normalise takes a normalisation apart: moments, then (x - mean) / sqrt(variance + epsilon) as element-wise operators.
func (r *rewriter) normalise(n *graph.Node, x graph.Value) []graph.Value {
	// What is added to all that is averaged, such as a bias, moves the mean alone.
	var bias graph.Value
	var layer string
	if a := x.Node; a.Op == graph.OpAdd && SameShape(a.In[0].Type(), x.Type()) && steady(a.In[1].Type(), n.Axes()) {
		x, bias, layer = a.In[0], a.In[1], a.Layer
	}
	m := r.add(Moments, nil, graph.Attrs{"axes": n.Axes()}, n.Out[1:], x)
	inverse := r.op(graph.OpDiv, nil, r.number(1), r.op(graph.OpSqrt, nil, r.op(graph.OpAdd, nil, m[1], r.number(n.Real("epsilon")))))
	y := r.op(graph.OpMul, nil, r.op(graph.OpSub, nil, x, m[0]), inverse)
	mean := m[0]
	if bias.Valid() {
		own := r.layer
		r.layer = layer // it stands for the addition that is gone
		mean = r.op(graph.OpAdd, nil, mean, r.trimmed(bias, len(mean.Type().Dims)))
		r.layer = own
	}
	return []graph.Value{y, mean, m[1]}
}

// steady reports whether a value of type t is the same along axes when it is broadcast.
func steady(t graph.Type, axes graph.Axes) bool {
	if t.Steps > 0 && axes.Has(graph.TimeAxis) || t.Batch && axes.Has(graph.BatchAxis) {
		return false
	}
	for i, d := range t.Dims {
		if d > 1 && axes.Has(graph.Axis(i)) {
			return false
		}
	}
	return true
}

// trimmed drops the dims of v from number n on, which are 1.
func (r *rewriter) trimmed(v graph.Value, n int) graph.Value {
	if d := v.Type().Dims; len(d) > n {
		return r.op(graph.OpReshape, graph.Attrs{"dims": d[:n:n]}, v)
	}
	return v
}

// factors multiplies factors that are smaller than a product with each other first, and takes those that are the same for
// all that is added up out of sums. Sums that differ in such factors alone, as those of a normalisation's derivative do,
// become one.
func factors(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	var v graph.Value
	ok := false
	switch n.Op {
	case graph.OpMul:
		v, ok = r.smallFirst(in[0], in[1])
	case graph.OpReduce:
		v, ok = r.factored(n.Text("kind"), n.Axes(), in[0])
	}
	return []graph.Value{v}, ok
}

// smallFirst returns a * b with the smaller one multiplied into a smaller factor of the greater one, if that has one.
func (r *rewriter) smallFirst(a, b graph.Value) (graph.Value, bool) {
	t, err := graph.Broadcast(a.Type(), b.Type())
	if err == nil && SameShape(a.Type(), t) {
		a, b = b, a
	}
	if err != nil || SameShape(a.Type(), t) || !SameShape(b.Type(), t) || b.Node.Op != graph.OpMul {
		return graph.Value{}, false
	}
	for i, small := range b.Node.In {
		large := b.Node.In[1-i]
		if !SameShape(large.Type(), t) || SameShape(small.Type(), t) {
			continue
		}
		if k, err := graph.Broadcast(small.Type(), a.Type()); err == nil && !SameShape(k, t) {
			return r.op(graph.OpMul, nil, large, r.op(graph.OpMul, nil, small, a)), true
		}
	}
	return graph.Value{}, false
}

// factored returns a sum with the factors taken out that are the same for all that is added up.
func (r *rewriter) factored(kind string, axes graph.Axes, x graph.Value) (graph.Value, bool) {
	t := x.Type()
	kept := len(t.Dims)
	for kept > 0 && axes.Has(graph.Axis(kept-1)) {
		kept--
	}
	for i := range kept {
		if axes.Has(graph.Axis(i)) {
			return graph.Value{}, false
		}
	}
	if kind != "sum" && kind != "mean" || len(axes) == 0 {
		return graph.Value{}, false
	}
	var out, in []graph.Value
	var split func(v graph.Value)
	split = func(v graph.Value) {
		switch {
		case steady(v.Type(), axes):
			out = append(out, v)
		case v.Node.Op == graph.OpMul && SameShape(v.Type(), t):
			split(v.Node.In[0])
			split(v.Node.In[1])
		default:
			in = append(in, v)
		}
	}
	split(x)
	if len(out) == 0 || len(in) == 0 {
		return graph.Value{}, false
	}
	slices.SortStableFunc(in, func(a, b graph.Value) int { return cmp.Compare(r.id[a.Node], r.id[b.Node]) })
	product := in[0]
	for _, v := range in[1:] {
		product = r.op(graph.OpMul, nil, product, v)
	}
	if !SameShape(product.Type(), t) {
		return graph.Value{}, false
	}
	sum := r.op(graph.OpReduce, graph.Attrs{"kind": "sum", "axes": axes}, product)
	for _, v := range out {
		sum = r.op(graph.OpMul, nil, sum, r.trimmed(v, kept))
	}
	if kind == "mean" {
		sum = r.op(graph.OpDiv, nil, sum, r.number(float64(Elements(t, axes, r.batch))))
	}
	return sum, true
}

// normaliseGradient is (dy - mean(dy) - y mean(dy y)) / sqrt(variance + epsilon).
func (r *rewriter) normaliseGradient(n *graph.Node, in []graph.Value) graph.Value {
	dy, y, variance := in[0], in[1], in[2]
	mean := func(v graph.Value) graph.Value {
		return r.op(graph.OpReduce, graph.Attrs{"kind": "mean", "axes": n.Axes()}, v)
	}
	inverse := r.op(graph.OpDiv, nil, r.number(1), r.op(graph.OpSqrt, nil, r.op(graph.OpAdd, nil, variance, r.number(n.Real("epsilon")))))
	along := mean(r.op(graph.OpMul, nil, dy, y))
	part := r.op(graph.OpSub, nil, r.op(graph.OpSub, nil, dy, mean(dy)), r.op(graph.OpMul, nil, y, along))
	return r.op(graph.OpMul, nil, part, inverse)
}
