package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/graph"
)

// leap is an opaque neuron with one input that saves u.
func leap() *graph.Opaque {
	return &graph.Opaque{Name: "o", Plugin: "acme", Component: "leap", Version: "1", Arguments: "{}", Spikes: true, Gradient: true,
		Inputs: []string{"x"}, States: []graph.EquationState{{Name: "v"}}, Saved: []string{"u"}}
}

// The derivative of an opaque operator is a call of its own: of what was saved and the gradient of the output. What flows into it goes
// on by the ordinary rules.
func TestOpaqueDerivative(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Signal(4, 3))
	y := b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: leap()}, nil, b.Scale(x, 3))
	b.Output("dx", graph.Gradient(b, total(b, y[0]), []graph.Value{x})[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(nil); err != nil {
		t.Fatal(err)
	}
	want := `function f(x: f32[T4 N 3]) {
  %0 = constant value=3.0 : f32[]
  %1 = mul %x %0 : f32[T4 N 3]
  %2 = opaque "o" %1 : bit[T4 N 3] f32[T4 N 3]
  %3 = constant value=1.0 : f32[]
  %4 = constant value=1.0 : f32[]
  %5 = mul %4 %3 : f32[]
  %6 = reshape %5 dims=[1] : f32[1]
  %7 = repeat %6 axis=0 count=3 : f32[3]
  %8 = repeat %7 axis=n : f32[N 3]
  %9 = repeat %8 axis=t count=4 : f32[T4 N 3]
  %10 = opaque-gradient "o" %2.1 %9 steps=4 : f32[T4 N 3]
  %11 = mul %10 %0 : f32[T4 N 3]
  return dx = %11
}
`
	if d := cmp.Diff(want, g.String()); d != "" {
		t.Error(d)
	}
}

// A component without derivative, and one whose states are handed on with a gradient, are refused by name.
func TestOpaqueDerivativeRefuses(t *testing.T) {
	dry := leap()
	dry.Gradient, dry.Saved = false, nil
	refuses(t, "component leap of plugin \"acme\" has no derivative", func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: dry}, nil, in[0])[0]
	}, graph.Signal(4, 3))
	refuses(t, "there is none by a state that is handed to component leap", func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: leap()}, graph.Attrs{"state": true}, in[0], in[1])[0]
	}, graph.Signal(4, 3), graph.Real(3))
	refuses(t, "result 2 of opaque cannot be differentiated", func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: leap()}, graph.Attrs{"state": true}, in[0], b.Expand(b.Const(0), graph.Real(3)))[2]
	}, graph.Signal(4, 3))
}
