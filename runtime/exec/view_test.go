package exec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// views is a graph whose results are, or are part of, inputs, variables, constants and each other.
func views(t testing.TB) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder("f", variables{"w": {Dims: []int{3, 4, 2}}, "v": {Dims: []int{2}}})
	x, s := b.Input("x", graph.Signal(4, 2, 3)), b.Input("s", graph.Spikes(3, 64))
	i, c := b.Input("i", graph.Real(2, 2).With(graph.I32)), b.Op(graph.OpConstant, graph.Attrs{"values": []float64{1, 2, 3, 4, 5, 6}, "dims": []int{2, 3}})
	w := b.Op(graph.OpRead, graph.Attrs{"var": "w"})
	part := func(v graph.Value, start, length int) graph.Value { return b.Slice(v, graph.TimeAxis, start, length) }
	flat := b.Reshape(x, 6)
	y := b.Reshape(b.Add(x, b.Const(1)), 6)
	last := part(y, 3, 1)
	for k, v := range []graph.Value{
		x, flat, part(flat, 1, 2), part(part(flat, 1, 3), 1, 1), // of an input
		s, part(s, 1, 2), b.Reshape(part(s, 2, 1), 8, 8), i, b.Reshape(i, 4),
		w, b.Reshape(w, 24), b.Reshape(w, 6, 4), // of a variable
		c, b.Reshape(c, 3, 2), b.Reshape(c, 6), // of a constant
		y, y, last, part(last, 0, 1), b.Reshape(last, 3, 2), part(b.Reshape(y, 2, 3), 2, 2), // of another result
	} {
		b.Output(fmt.Sprint("y", k), v)
	}
	b.Output("both", b.Add(b.Mul(part(flat, 3, 1), last), b.Reshape(c, 6))) // aliases are read in the run too
	b.Ops(graph.OpAssign, graph.Attrs{"var": "v"}, b.Op(graph.OpReduce, graph.Attrs{"kind": "sum", "axes": graph.Axes{0, 1}}, w))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestViews: results that are views of inputs, variables, constants or other results are right after every run, also where
// inputs and variables are other tensors each time, and keep their values when those change.
func TestViews(t *testing.T) {
	g := views(t)
	r := rand.New(rand.NewPCG(9, 9))
	p := compiled(t, g, 5, 2)
	for round := range 3 {
		w := filled(r, g, 5, 3)
		w.variables = map[string]interp.Value{"w": grid(r, graph.Type{Dims: []int{3, 4, 2}}, 1, 3), "v": grid(r, graph.Type{Dims: []int{2}}, 1, 3)}
		want := w.interpret(t, g)
		env, vars := w.env()
		if err := p.Run(env); err != nil {
			t.Fatal(err)
		}
		for _, x := range env.Inputs {
			clear(x.F32)
			clear(x.Bits)
			clear(x.I32)
		}
		clear(vars["w"].F32)
		for _, o := range g.Outputs {
			close(t, fmt.Sprint(o.Name, " in round ", round), p.Output(o.Name).Logical(), want.Outputs[o.Name].Data, 0, 0)
		}
		close(t, "v", vars["v"].Logical(), want.Assigned["v"].Data, 0, 0)
	}
}

// TestFirstView: a view of steps of a view, the first thing that a plan has, of an input and of what is computed.
func TestFirstView(t *testing.T) {
	for _, computed := range []bool{false, true} {
		b := graph.NewBuilder("f", nil)
		x := b.Input("x", graph.Signal(4, 2, 3))
		if computed {
			x = b.Add(x, b.Const(1))
		}
		b.Output("y", b.Slice(b.Reshape(x, 6), graph.TimeAxis, 1, 2))
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		filled(rand.New(rand.NewPCG(10, 10)), g, 3, 3).same(t, g, 0)
	}
}
