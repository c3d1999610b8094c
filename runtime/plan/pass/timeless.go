package pass

import (
	"snnc.dev/snnc/runtime/graph"
)

// direct recognises direct coding, an equation that emits its input: it is repetition over time.
func direct(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	e := n.Equation
	if n.Op != graph.OpEquation || len(in) != 1 || len(e.Inputs) != 1 || len(e.States) > 0 {
		return nil, false
	}
	v := e.Step.Outputs[0].Value
	for v.Node.Op == graph.OpStop {
		v = v.Node.In[0]
	}
	x := in[0]
	switch {
	case v.Node != e.Step.Inputs[0] || x.Type().DType != n.Out[0].DType:
		return nil, false
	case x.Type().Equal(n.Out[0]):
		return in, true
	case x.Type().Steps > 0:
		return nil, false
	}
	return []graph.Value{r.op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": n.Out[0].Steps}, x)}, true
}

// steadyProducts computes the product with what is the same at all time steps once, and its derivative by the weights from
// the sum of the gradient over time.
func steadyProducts(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	switch n.Op {
	case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
		x, ok := timeless(in[0])
		if !ok || in[1].Type().Steps > 0 || in[1].Type().Batch {
			return nil, false
		}
		y := r.product(n.Op, n.Attrs, n.Out[0].WithSteps(0), x, in[1])
		return []graph.Value{r.op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": n.Out[0].Steps}, y)}, true
	case graph.OpMatmulWeight, graph.OpConvWeight:
		x, ok := timeless(in[0])
		if !ok {
			return nil, false
		}
		dy := r.op(graph.OpReduce, graph.Attrs{"kind": "sum", "axes": graph.Axes{graph.TimeAxis}}, in[1])
		return []graph.Value{r.product(n.Op, n.Attrs, n.Out[0], x, dy)}, true
	}
	return nil, false
}

// timeless returns what v repeats over time, if it does that.
func timeless(v graph.Value) (graph.Value, bool) {
	n := v.Node
	if n.Op == graph.OpRepeat && n.Axis() == graph.TimeAxis && n.In[0].Type().Steps == 0 {
		return n.In[0], true
	}
	return graph.Value{}, false
}
