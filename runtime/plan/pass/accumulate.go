package pass

import "snnc.dev/snnc/runtime/graph"

// accumulated lets a product begin its sums with what its result is added to, where that is in memory for nothing else: the other
// product of a sum of two, or the gradient that a neuron hands on beside it. Its input 2 is what it begins with. So the sum
// takes no pass of its own and no memory.
func accumulated(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	if n.Op != graph.OpAdd || !n.Out[0].Batch {
		return nil, false
	}
	for k := 1; k >= 0; k-- { // the later one, if both can
		p, y := in[k], in[1-k]
		if !Weighted(p.Node) || len(p.Node.In) > 2 || p.Node.In[0].Type().DType == graph.Bit || !r.once(n.In[k]) || !r.once(n.In[1-k]) {
			continue
		}
		if !SameShape(y.Type(), n.Out[0]) || !SameShape(p.Type(), n.Out[0]) || !Weighted(y.Node) && y.Node.Op != graph.OpEquationGrad {
			continue
		}
		return r.add(p.Node.Op, nil, p.Node.Attrs, p.Node.Out, p.Node.In[0], p.Node.In[1], y), true
	}
	return nil, false
}

// once reports whether v has one user and its node gives no result.
func (r *rewriter) once(v graph.Value) bool {
	users := 0
	for _, n := range r.users[v.Node] {
		for _, u := range n.In {
			if u == v {
				users++
			}
		}
	}
	return users == 1 && !r.kept[v.Node]
}
