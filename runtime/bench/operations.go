package bench

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// operations returns how many floating-point operations the products of a plan are: two for each multiply-accumulate, whether a
// kernel leaves some out because spikes are not there or not. Windows count whole, also where they reach beyond an image.
func operations(p *plan.Plan) (sum float64) {
	for _, s := range p.Steps {
		sum += stepOperations(p, s)
	}
	return sum
}

func stepOperations(p *plan.Plan, s *plan.Step) float64 {
	n := s.Node
	if n == nil {
		return 0
	}
	last := func(t graph.Type) int { return t.Dims[len(t.Dims)-1] }
	pixels := func(t graph.Type) float64 { return float64(t.Dims[1] * t.Dims[2]) }
	rows := func(t graph.Type) float64 { return float64(tensor.Rows(t, p.Batch)) }
	switch n.Op {
	case graph.OpMatmul: // (a, b): each element of the result is a sum over the columns of a
		return 2 * rows(n.Out[0]) * float64(n.Out[0].Size()) * float64(last(n.In[0].Type()))
	case graph.OpMatmulWeight: // (a, dy): each pair of columns, for each row
		a, dy := n.In[0].Type(), n.In[1].Type()
		return 2 * rows(a) * float64(a.Size()) * float64(last(dy))
	case graph.OpConv: // (x, w): all weights for each pixel of the result
		return 2 * rows(n.Out[0]) * pixels(n.Out[0]) * float64(n.In[1].Type().Size())
	case graph.OpConvInput: // (y, w): all weights for each pixel of y
		return 2 * rows(n.Out[0]) * pixels(n.In[0].Type()) * float64(n.In[1].Type().Size())
	case graph.OpConvWeight: // (x, dy): all weights for each pixel of dy
		dy := n.In[1].Type()
		return 2 * rows(dy) * pixels(dy) * float64(n.Out[0].Size())
	}
	return 0
}
