package graph_test

import (
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// An equation that many layers share is judged once, and a wrong one is found wherever it stands.
func TestSharedEquation(t *testing.T) {
	build := func(layers int) *graph.Graph {
		step := graph.NewBuilder("step", nil)
		y := step.Input("x", graph.Scalar())
		for range 100 {
			y = step.Add(y, step.Const(1))
		}
		step.Output("emit", y)
		e := &graph.Equation{Name: "e", Inputs: []string{"x"}, Step: step.Graph()}
		b := graph.NewBuilder("f", nil)
		h := b.Input("x", graph.Signal(4, 3))
		for range layers {
			h = b.Equation(graph.OpEquation, e, graph.Attrs{}, h)[0]
		}
		b.Output("y", h)
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	work := func(layers int) float64 {
		g := build(layers)
		return testing.AllocsPerRun(1, func() {
			if err := g.Verify(nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	if one, many := work(1), work(50); many > 3*one {
		t.Errorf("a layer takes %v allocations, 50 of the same equation %v", one, many)
	}
	g := build(3)
	own := *g.Nodes[3].Equation
	own.Spikes = true
	g.Nodes[3].Equation = &own
	if err := g.Verify(nil); err == nil || !strings.Contains(err.Error(), "node 3") {
		t.Errorf("a wrong equation at the third layer: %v", err)
	}
}
