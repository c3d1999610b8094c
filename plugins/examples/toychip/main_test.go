package main

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// network returns the text of a network of layers of neurons that fire where what flows in reaches 1.
func network(t *testing.T, sizes ...int) string {
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
	for i, size := range sizes {
		x := b.Input(string(rune('a'+i)), graph.Signal(4, size))
		b.Output(string(rune('a'+i)), b.Equation(graph.OpEquation, e, graph.Attrs{"steps": 4}, x)[0])
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	m.Functions = []*graph.Graph{g}
	return m.Print()
}

// A layer has whole cores to itself; the first that finds too few has the problem.
func TestCheck(t *testing.T) {
	for _, x := range []struct {
		sizes   []int
		used    float64
		fits    bool
		changes []string
	}{
		{[]int{64}, 1, true, []string{""}},
		{[]int{65, 1}, 3, true, []string{"", ""}},
		{[]int{128, 128}, 4, true, []string{"", ""}},
		{[]int{129, 128}, 5, false, []string{"", "a layer of 64 neurons"}},
		{[]int{256, 1}, 5, false, []string{"", "a chip with cores = 5"}},
	} {
		number := func(n float64) schema.Value { return schema.Value{Type: schema.Int, Number: n} }
		r, err := check(schema.TargetRequest{Component: "toychip", Arguments: schema.Arguments{"cores": number(4), "neurons": number(64)},
			Networks: []schema.Network{{Role: "network", Name: "net", Graph: network(t, x.sizes...)}}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Fits != x.fits || r.Used[0].Used != x.used || len(r.Layers) != len(x.changes) {
			t.Errorf("%v: %+v", x.sizes, r)
			continue
		}
		for i, p := range r.Layers {
			if p.Change != x.changes[i] || (p.Problem == "") != (p.Change == "") {
				t.Errorf("%v: layer %d has %q and %q", x.sizes, i, p.Problem, p.Change)
			}
		}
	}
}
