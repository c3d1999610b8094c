package interp

import (
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// TestTableIsComplete: every operator of a linked graph has a function, and no other.
func TestTableIsComplete(t *testing.T) {
	without := []graph.Op{
		graph.OpSpike, graph.OpTime, graph.OpSteps, // in the step of an equation, see layer.step
		graph.OpApply, graph.OpZero, graph.OpCall, graph.OpCustom, graph.OpGrad, // linking replaces them
	}
	known := map[graph.Op]bool{}
	for _, op := range graph.Ops() {
		known[op] = true
		if _, ok := operators[op]; ok == slices.Contains(without, op) {
			t.Errorf("%s: has a function: %v", op, ok)
		}
	}
	for op := range operators {
		if !known[op] {
			t.Errorf("%s is no operator", op)
		}
	}
}
