package main

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Both ways are graphs that can be read, and what one gives the other takes.
func TestWays(t *testing.T) {
	const steps = 6
	args := schema.Arguments{"steps": {Type: schema.Int, Number: steps}}
	for _, x := range []struct {
		way      func(schema.Arguments, graph.Type) (string, []schema.Complaint, error)
		from, to graph.Type
	}{
		{encode, graph.Real(1, 8, 8), graph.Spikes(steps, 1, 8, 8)},
		{decode, graph.Spikes(steps, 1, 8, 8), graph.Real(1, 8, 8)},
		{decode, graph.Signal(steps, 10), graph.Real(10)},
	} {
		text, complaints, err := x.way(args, x.from)
		if err != nil || len(complaints) > 0 {
			t.Fatal(complaints, err)
		}
		m, err := graph.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{"train", "eval"} {
			if got := m.Function(mode).Outputs[0].Value.Type(); !got.Equal(x.to) {
				t.Errorf("%s makes %v of %v, want %v", mode, got, x.from, x.to)
			}
		}
	}
}
