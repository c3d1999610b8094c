package exec_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// equations reads testdata/equations.txt.
func equations(t testing.TB) map[string]*graph.Equation {
	t.Helper()
	text, err := os.ReadFile("testdata/equations.txt")
	if err != nil {
		t.Fatal(err)
	}
	m, err := graph.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*graph.Equation{}
	for _, e := range m.Equations {
		out[e.Name] = e
	}
	return out
}

// TestEquations: every equation and its derivative, with all kinds of inputs: timed or not, batched or not, parameters per
// layer, channel, neuron, time step and example; the last output alone; states that come in and go out.
func TestEquations(t *testing.T) {
	es := equations(t)
	s, r := graph.Scalar(), func(d ...int) graph.Type { return graph.Type{Dims: d} }
	for i, c := range []struct {
		name  string
		steps int
		in    []graph.Type
		rough float64
		part  float64 // inputs are multiplied by it
	}{
		{"leaky", 0, []graph.Type{graph.Signal(4, 16, 5, 5), s, s}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Signal(4, 16, 5, 5), r(16), s}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Signal(3, 7, 3, 3), r(7, 3, 3), graph.Real(7)}, 0, 1},
		{"leaky", 3, []graph.Type{graph.Real(300), r(300), s}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Spikes(4, 70), s, s}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Signal(4, 16, 5, 5), {Steps: 4}, s}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Signal(4, 7, 3, 3), r(7), {Steps: 4, Dims: []int{7}}}, 0, 1},
		{"leaky", 0, []graph.Type{graph.Real(70), {Steps: 3}, {Steps: 3}}, 0, 1},
		{"leaky", 0, []graph.Type{{Steps: 3}, s, s}, 0, 1},
		{"leaky", 3, []graph.Type{s, r(5), graph.Real(5)}, 0, 1},
		{"leaky", 0, []graph.Type{{Steps: 3, Dims: []int{2, 3, 2}}, s, r(2)}, 0, 1},
		{"two inputs", 0, []graph.Type{graph.Signal(4, 6), graph.Real(6)}, 0, 1},
		{"two inputs", 0, []graph.Type{{Steps: 4}, graph.Real(3, 2, 2)}, 0, 1},
		{"two inputs", 0, []graph.Type{graph.Spikes(2, 3, 2, 2), r(3)}, 0, 1},
		{"two inputs", 0, []graph.Type{{Steps: 4, Dims: []int{6}}, graph.Signal(4)}, 0, 1},
		{"trace", 0, []graph.Type{graph.Signal(5, 640)}, 0, 1},
		{"trace", 0, []graph.Type{graph.Spikes(5, 64)}, 0, 1},
		{"copy", 4, []graph.Type{graph.Real(3, 4, 4)}, 0, 1},
		{"copy", 0, []graph.Type{graph.Signal(2, 3, 4, 4)}, 0, 1},
		{"copy", 0, []graph.Type{graph.Spikes(2, 3)}, 0, 1},
		{"clock", 8, []graph.Type{graph.Real(1, 9, 9)}, 0, 1},
		// A normal number is rounded, then its product.
		{"noise", 3, []graph.Type{graph.Real(4, 3, 3)}, ulps(3), 1},
		{"noise", 3, []graph.Type{r(9)}, ulps(3), 1},
		{"chance", 6, []graph.Type{graph.Real(3, 5, 5)}, 0, 1},
		{"chance", 0, []graph.Type{{Steps: 3, Dims: []int{70}}}, 0, 1},
		// The gradient divided by its norm.
		{"first", 0, []graph.Type{graph.Signal(5, 6, 3, 3)}, ulps(1), 0.5},
		{"first", 5, []graph.Type{graph.Real(300)}, ulps(8), 0.5},
		{"first", 5, []graph.Type{{Dims: []int{20}}}, ulps(8), 0.5},
		{"open", 0, []graph.Type{graph.Signal(5, 6, 3, 3)}, 0, 0.5},
		{"open", 6, []graph.Type{r(4, 2, 2)}, 0, 0.5},
	} {
		e := es[c.name]
		for _, last := range []bool{false, true} {
			for _, state := range []bool{false, true} {
				attrs := graph.Attrs{"last": last, "state": state, "label": "here"}
				if c.steps > 0 {
					attrs["steps"] = c.steps
				}
				in := c.in
				if state {
					full := graph.Type{}
					for _, t := range in {
						full, _ = graph.Broadcast(full, t.With(graph.F32))
					}
					for k := range e.States {
						if k%2 == 1 { // a state that is the same everywhere
							full = graph.Scalar()
						}
						in = append(in[:len(in):len(in)], full.WithSteps(0))
					}
				}
				g := one(t, graph.OpEquation, e, attrs, in...)
				dy := g.Outputs[0].Value.Type().With(graph.F32)
				back := one(t, graph.OpEquationGrad, e, attrs, append(in[:len(in):len(in)], dy)...)
				for k, g := range []*graph.Graph{g, back} {
					if k == 1 && e.Random() && e.Temporal == nil && c.name == "chance" {
						continue // a comparison: nothing flows back
					}
					w := filled(rand.New(rand.NewPCG(4, uint64(i))), g, 5, 3)
					if c.part != 1 {
						scale(w, c.part)
					}
					if !t.Run(fmt.Sprintf("%s %v last=%v state=%v %d", c.name, c.in, last, state, k), func(t *testing.T) { w.same(t, g, c.rough) }) {
						return
					}
				}
			}
		}
	}
}

func scale(w *world, by float64) {
	for _, v := range w.inputs {
		if v.Type.DType == graph.F32 {
			for i := range v.Data {
				v.Data[i] *= by
			}
		}
	}
}

// draws is a graph with all that draws random numbers, of values with and without a batch axis.
func draws(t testing.TB) *graph.Graph {
	t.Helper()
	es := equations(t)
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(3, 2, 2))
	b.Output("noise", b.Equation(graph.OpEquation, es["noise"], graph.Attrs{"label": "l", "steps": 2}, x)[0])
	b.Output("spikes", b.Equation(graph.OpEquation, es["chance"], graph.Attrs{"label": "c", "steps": 3}, x)[0])
	b.Output("u", b.Op(graph.OpUniform, graph.Attrs{"label": "u", "batch": true, "steps": 2, "dims": []int{3, 2, 2}}))
	b.Output("z", b.Op(graph.OpNormal, graph.Attrs{"label": "z", "batch": true, "dims": []int{5}}))
	b.Output("shared", b.Op(graph.OpNormal, graph.Attrs{"label": "z", "dims": []int{5}}))
	still := b.Op(graph.OpConstant, graph.Attrs{"value": 0.5, "dims": []int{3, 2, 2}})
	b.Output("shared noise", b.Equation(graph.OpEquation, es["noise"], graph.Attrs{"label": "l", "steps": 2}, still)[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestExamples: random numbers belong to the number of the example, not to its place in the batch: part of a batch, in any
// order, gives what the whole gives, by First where the numbers follow each other and by Examples where they do not. What has
// no batch axis is the same for all.
func TestExamples(t *testing.T) {
	g := draws(t)
	w := filled(rand.New(rand.NewPCG(8, 8)), g, 9, 3)
	whole := compiled(t, g, 9, 2)
	env, _ := w.env()
	if err := whole.Run(env); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		first    uint64
		examples []uint64
		places   []int
	}{
		{0, nil, []int{0, 1, 2, 3}},
		{5, nil, []int{5, 6, 7, 8}},
		{8, nil, []int{8}},
		{0, []uint64{8, 7, 6, 5, 4, 3, 2, 1, 0}, []int{8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{3, []uint64{4, 1, 8, 1, 0}, []int{4, 1, 8, 1, 0}},
	} {
		part := compiled(t, g, len(c.places), 2)
		e := *env
		e.First, e.Examples = c.first, c.examples
		e.Inputs = map[string]*tensor.Tensor{"x": picked(env.Inputs["x"], c.places)}
		if err := part.Run(&e); err != nil {
			t.Fatal(err)
		}
		for _, name := range part.Outputs() {
			if !equal(part.Output(name), picked(whole.Output(name), c.places)) {
				t.Errorf("%s of examples %v differs from that of the whole batch", name, c.places)
			}
		}
	}
	e := *env
	e.Examples = []uint64{1, 2}
	if err := whole.Run(&e); err == nil {
		t.Error("2 numbers of examples for a batch of 9: no error")
	}
}
