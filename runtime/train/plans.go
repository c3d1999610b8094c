package train

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
)

// PlannedStep is a step of a training with its plan.
type PlannedStep struct {
	program.Step
	Graph *graph.Graph // losses, firing rates and gradients, see program.Linker
	Moves []string     // the parameters that it moves
	Plan  *plan.Plan
}

// Plans plans the steps of a stage for batches of so many examples. Where memory is no 0 and the plans would take more bytes
// than that together, each is planned again within its share; if they still do, no plan that was found takes less.
func Plans(l *program.Linker, stage program.Stage, batch, memory int) ([]PlannedStep, error) {
	var steps []PlannedStep
	total := 0
	for _, ps := range stage.Steps {
		g, moves, err := l.Step(ps)
		if err != nil {
			return nil, err
		}
		pl, err := plan.New(g, plan.Options{Batch: batch})
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", ps.Function, err)
		}
		total += pl.Bytes()
		steps = append(steps, PlannedStep{ps, g, moves, pl})
	}
	if memory <= 0 || total <= memory {
		return steps, nil
	}
	for i := range steps {
		s := &steps[i]
		share := float64(s.Plan.Bytes()) / float64(total) * float64(memory)
		pl, err := plan.New(s.Graph, plan.Options{Batch: batch, Memory: max(1, int(share))})
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", s.Function, err)
		}
		s.Plan = pl
	}
	return steps, nil
}
