package main

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// network returns the text of a network of one layer of neurons, which spike where what flows in reaches 1.
func network(t *testing.T, neurons int) string {
	t.Helper()
	s := graph.NewBuilder("step", nil)
	s.Output("emit", s.Op(graph.OpSpike, nil, s.Input("x", graph.Scalar()), s.Const(1), s.Const(1)))
	step, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	e := &graph.Equation{Name: "fire", Inputs: []string{"x"}, Step: step, Spikes: true}
	m := &graph.Module{Equations: []*graph.Equation{e}}
	b := graph.NewBuilder("eval", graph.ModuleEnv{Module: m})
	b.Output("y", b.Equation(graph.OpEquation, e, graph.Attrs{"steps": 4}, b.Input("x", graph.Signal(4, neurons)))[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	m.Functions = []*graph.Graph{g}
	return m.Print()
}

// A network fits as long as there is room; the layer that finds none is told what would mend that.
func TestCheck(t *testing.T) {
	for _, x := range []struct {
		neurons int
		change  string
	}{{64, ""}, {65, "a chip with neurons = 65"}} {
		r, err := check(schema.TargetRequest{Component: "leap", Arguments: schema.Arguments{"neurons": {Type: schema.Int, Number: 64}},
			Networks: []schema.Network{{Role: "network", Name: "net", Graph: network(t, x.neurons)}}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Fits != (x.change == "") || len(r.Layers) != 1 || r.Layers[0].Change != x.change || r.Used[0].Used != float64(x.neurons) {
			t.Errorf("%d neurons: %+v", x.neurons, r)
		}
	}
}
