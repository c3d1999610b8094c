package exec_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
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
// layer, channel, neuron and example; the last output alone; states that come in and go out.
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

// TestFirst: random numbers belong to the number of the example, not to its place in the batch.
func TestFirst(t *testing.T) {
	e := equations(t)["noise"]
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(3, 2, 2))
	b.Output("y", b.Equation(graph.OpEquation, e, graph.Attrs{"label": "l", "steps": 2}, x)[0])
	b.Output("u", b.Op(graph.OpUniform, graph.Attrs{"label": "u", "batch": true, "steps": 2, "dims": []int{3, 2, 2}}))
	b.Output("z", b.Op(graph.OpNormal, graph.Attrs{"label": "z", "batch": true, "dims": []int{5}}))
	b.Output("shared", b.Op(graph.OpNormal, graph.Attrs{"label": "z", "dims": []int{5}}))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	run := func(n int, first uint64) map[string][]float64 {
		w := &world{n: n, seed: 7, first: first, inputs: map[string]interp.Value{"x": interp.NewValue(graph.Real(3, 2, 2), n)}}
		p := compiled(t, g, n, 2)
		env, _ := w.env()
		if err := p.Run(env); err != nil {
			t.Fatal(err)
		}
		out := map[string][]float64{}
		for _, name := range p.Outputs() {
			out[name] = p.Output(name).Logical()
		}
		return out
	}
	whole := run(9, 0)
	for _, c := range [][2]int{{4, 0}, {4, 5}, {1, 8}} {
		part := run(c[0], uint64(c[1]))
		for name, v := range part {
			steps, size := 2, 12
			switch name {
			case "z":
				steps, size = 1, 5
			case "shared":
				close(t, name, v, whole[name], 0, 0)
				continue
			}
			for s := range steps {
				close(t, name, v[s*c[0]*size:(s+1)*c[0]*size], whole[name][(s*9+c[1])*size:(s*9+c[1]+c[0])*size], 0, 0)
			}
		}
	}
}
