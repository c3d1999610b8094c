package exec

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
)

// bind makes the runner of a step and says what memory it needs.
func (p *Program) bind(s *plan.Step) (runner, needs, error) {
	switch {
	case s.Loop != nil:
		return p.bindLoop(s)
	case s.Equation != nil:
		return p.bindEquation(s)
	case s.Move != nil:
		return p.bindMove(s)
	}
	b := binders[s.Node.Op]
	if b == nil {
		return nil, needs{}, fmt.Errorf("%s has no kernel", s.Node.Op)
	}
	return b(p, s)
}

type binder func(p *Program, s *plan.Step) (runner, needs, error)

// binders has the kernels of the operators that are steps of their own; the others become loops, equations and moves.
var binders = map[graph.Op]binder{
	graph.OpUniform:      bindRandom,
	graph.OpNormal:       bindRandom,
	graph.OpHost:         bindHost,
	graph.OpReduce:       bindReduce,
	graph.OpGather:       bindGather,
	graph.OpScatter:      bindScatter,
	graph.OpRows:         bindRows,
	graph.OpScatterAdd:   bindScatterAdd,
	graph.OpMatmul:       bindProduct,
	graph.OpMatmulWeight: bindWeightSums,
	graph.OpConv:         bindProduct,
	graph.OpConvInput:    bindProduct,
	graph.OpConvWeight:   bindWeightSums,
	graph.OpMaxPool:      bindMaxPool,
	graph.OpMaxPoolGrad:  bindMaxPool,
	graph.OpOpaque:       bindOpaque,
	graph.OpOpaqueGrad:   bindOpaque,
	graph.OpChip:         bindChip,
}

// value returns the memory of a value. Memory may be bound anew at each run, so runners keep the pointer.
func (p *Program) value(v *plan.Value) *memory { return &p.memory[v.ID] }

// rows says how rows of an operand meet those of a result.
type rows struct {
	*memory
	timed, batched bool
}

func (p *Program) rows(v *plan.Value) rows {
	return rows{p.value(v), v.Type.Steps > 0, v.Type.Batch}
}

// at returns the row of step t and example n.
func (r rows) at(t, n int) int {
	if !r.timed {
		t = 0
	}
	if !r.batched {
		n = 0
	}
	return t*r.n + n
}
