package bench

import "snnc.dev/snnc/runtime/plan"

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
	return 2 * float64(n.MultiplyAccumulates(p.Batch))
}
