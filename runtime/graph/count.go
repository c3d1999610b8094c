package graph

// MultiplyAccumulates returns how many multiply-accumulates a product takes for a batch of so many examples, at all time steps:
// those of matmul and conv and of their derivatives, whether a kernel leaves some out because spikes are not there or not. Windows
// count whole, also where they reach beyond an image. It is 0 of any other node.
func (n *Node) MultiplyAccumulates(batch int) int {
	last := func(t Type) int { return t.Dims[len(t.Dims)-1] }
	pixels := func(t Type) int { return t.Dims[1] * t.Dims[2] }
	rows := func(t Type) int {
		rows := max(t.Steps, 1)
		if t.Batch {
			rows *= batch
		}
		return rows
	}
	switch n.Op {
	case OpMatmul: // (a, b): each element of the result is a sum over the columns of a
		return rows(n.Out[0]) * n.Out[0].Size() * last(n.In[0].Type())
	case OpMatmulWeight: // (a, dy): each pair of columns, for each row
		a, dy := n.In[0].Type(), n.In[1].Type()
		return rows(a) * a.Size() * last(dy)
	case OpConv: // (x, w): all weights for each pixel of the result
		return rows(n.Out[0]) * pixels(n.Out[0]) * n.In[1].Type().Size()
	case OpConvInput: // (y, w): all weights for each pixel of y
		return rows(n.Out[0]) * pixels(n.In[0].Type()) * n.In[1].Type().Size()
	case OpConvWeight: // (x, dy): all weights for each pixel of dy
		dy := n.In[1].Type()
		return rows(dy) * pixels(dy) * n.Out[0].Size()
	}
	return 0
}

// Weight returns the variable that a product multiplies with, as it is or with its numbers in another order; "" of any other node, and of
// a product that multiplies with something else.
func (n *Node) Weight() string {
	switch n.Op {
	case OpMatmul, OpConv, OpConvInput:
		w := n.In[1].Node
		for w.Op == OpReshape || w.Op == OpTranspose {
			w = w.In[0].Node
		}
		if w.Op == OpRead {
			return w.Text("var")
		}
	}
	return ""
}
