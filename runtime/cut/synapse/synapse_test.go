package synapse

import (
	"errors"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// numbers are those of reads, by variable; budget is what may still be computed.
type numbers struct {
	of     map[string][]float64
	budget int
}

func (s *numbers) Numbers(v graph.Value) ([]float64, error) { return s.of[v.Node.Text("var")], nil }

var errSpent = errors.New("spent")

func (s *numbers) Spend(n int) error {
	if s.budget -= n; s.budget < 0 {
		return errSpent
	}
	return nil
}

// Factors and products are folded into weights when these are asked for, as far as the budget goes, and never before.
func TestFold(t *testing.T) {
	types := map[string]graph.Type{"w": {Dims: []int{2, 3}}, "v": {Dims: []int{2, 2}}, "f": {Dims: []int{2}}}
	b := graph.NewBuilder("eval", graph.ModuleEnv{Module: &graph.Module{}, Types: types})
	read := func(name string) graph.Value { return b.Op(graph.OpRead, graph.Attrs{"var": name}) }
	x := b.Input("x", graph.Spikes(4, 3))
	first := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, read("w"))
	scaled := b.Mul(first, read("f"))
	second := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, scaled, read("v"))
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	for _, budget := range []int{1000, 15, 1, 0} {
		s := &numbers{map[string][]float64{"w": {1, 2, 3, 4, 5, 6}, "f": {10, 100}, "v": {1, 1, 0, -1}}, budget}
		c := Fold{s}
		f := c.Product(second.Node, c.Scale(scaled.Node, c.Product(first.Node, Spikes([]int{3}, Base{Population: -1, Host: x})), scaled.Node.In[1]))
		if f.Why != "" || len(f.Parts) != 1 || len(f.Parts[0].Terms) != 1 || s.budget != budget {
			t.Fatalf("%+v, and %d of %d numbers are left", f, s.budget, budget)
		}
		got, err := f.Parts[0].Terms[0].Weights.Get()
		if enough := budget == 1000 || budget == 15; enough != (err == nil) || !enough && !errors.Is(err, errSpent) {
			t.Errorf("%d numbers may be computed: %v", budget, err)
		}
		if want := []float64{410, 520, 630, -400, -500, -600}; err == nil && !slices.Equal(got, want) {
			t.Errorf("weights %v, want %v", got, want)
		}
	}
}
