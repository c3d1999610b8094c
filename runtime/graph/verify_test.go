package graph_test

import (
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// TestVerifyCatches breaks a sound graph in one place at a time.
func TestVerifyCatches(t *testing.T) {
	build := func() *graph.Graph {
		b := graph.NewBuilder("f", nil)
		x := b.Input("x", graph.Real(3))
		w := b.Input("w", graph.Type{Dims: []int{3}})
		y := b.Mul(x, w)
		b.Output("y", b.Equation(graph.OpEquation, summing(atan(2), reset{}), graph.Attrs{"steps": 2}, y, b.Const(1), b.Const(1))[0])
		b.Output("sum", total(b, y))
		return finish(t, b)
	}
	if err := build().Verify(nil); err != nil {
		t.Fatal(err)
	}
	// Nodes: 0 x, 1 w, 2 mul, 3 const, 4 const, 5 equation, 6 const, 7 mul, 8 reduce.
	for _, c := range []struct {
		want  string
		spoil func(g *graph.Graph)
	}{
		{"does not stand before it", func(g *graph.Graph) { g.Nodes[2], g.Nodes[5] = g.Nodes[5], g.Nodes[2] }},
		{"does not stand before it", func(g *graph.Graph) { g.Nodes[2].In[0] = graph.Value{} }},
		{"does not stand before it", func(g *graph.Graph) { g.Nodes = append(g.Nodes[:3:3], g.Nodes[4:]...) }},
		{"not a value", func(g *graph.Graph) { g.Nodes[2].In[0].Index = 1 }},
		{"not a value", func(g *graph.Graph) { g.Nodes[2].In[0].Index = -1 }},
		{"wrong number of inputs", func(g *graph.Graph) { g.Nodes[2].In = g.Nodes[2].In[:1] }},
		{"nil or stands twice", func(g *graph.Graph) { g.Nodes[3] = nil }},
		{"nil or stands twice", func(g *graph.Graph) { g.Nodes = append(g.Nodes, g.Nodes[2]) }},
		{"unknown operator", func(g *graph.Graph) { g.Nodes[2].Op = "multiply" }},
		{"unknown attribute", func(g *graph.Graph) { g.Nodes[2].Attrs = graph.Attrs{"by": 2} }},
		{"is missing", func(g *graph.Graph) { g.Nodes[8].Attrs = graph.Attrs{"kind": "sum"} }},
		{"want real, got int", func(g *graph.Graph) { g.Nodes[3].Attrs = graph.Attrs{"value": 1} }},
		{"says f32[N 4], inference f32[N 3]", func(g *graph.Graph) { g.Nodes[2].Out = []graph.Type{graph.Real(4)} }},
		{"has 2 results, want 1", func(g *graph.Graph) { g.Nodes[2].Out = append(g.Nodes[2].Out, graph.Scalar()) }},
		{"not listed in order", func(g *graph.Graph) { g.Inputs[0], g.Inputs[1] = g.Inputs[1], g.Inputs[0] }},
		{"stands twice or is not listed", func(g *graph.Graph) { g.Inputs = g.Inputs[:1] }},
		{"stands twice or is not listed", func(g *graph.Graph) { g.Inputs[1].Attrs["name"] = "x" }},
		{"not among the nodes", func(g *graph.Graph) { g.Inputs = append(g.Inputs, &graph.Node{Op: graph.OpInput}) }},
		{"output y is no value", func(g *graph.Graph) { g.Outputs[0].Value.Index = 1 }},
		{"output y is no value", func(g *graph.Graph) { g.Outputs[0].Value.Index = -1 }},
		{"output y is no value", func(g *graph.Graph) { g.Outputs[0].Value = build().Outputs[0].Value }},
		{"output y stands twice", func(g *graph.Graph) { g.Outputs[1].Name = "y" }},
		{"no equation is given", func(g *graph.Graph) { g.Nodes[5].Equation = nil }},
		{"summing declares 5 names, its step takes 4", func(g *graph.Graph) { e := g.Nodes[5].Equation; e.States = append(e.States, state("w", 0)) }},
		{"has no step", func(g *graph.Graph) { g.Nodes[5].Equation.Step = nil }},
		{"whether it spikes", func(g *graph.Graph) { e := g.Nodes[5].Equation; e.Step.Outputs[0].Value = e.Step.Outputs[1].Value }},
		{"missing or out of order", func(g *graph.Graph) { g.Nodes[5].Equation.Step.Outputs[1].Name = "u" }},
		{"has no place in a step", func(g *graph.Graph) { g.Nodes[5].Equation.Step.Nodes[5].Op = graph.OpReshape }},
	} {
		g := build()
		c.spoil(g)
		if err := g.Verify(nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}

// TestBuilderSticks: after the first error nothing panics, whatever is asked, and Finish says what it was, and where.
func TestBuilderSticks(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(3))
	b.Layer = "encoder.1.fire"
	bad := b.Add(x, b.Input("w", graph.Type{Dims: []int{2}}))
	b.Layer = ""
	bad = b.Mean(b.Concat(0, b.Reshape(bad, 7), b.Slice(x, 3, 1, 2)))
	parts := b.Equation(graph.OpEquation, gatedLeak(atan(2), reset{}), graph.Attrs{"state": true}, bad)
	bad = b.Add(parts[2], b.Expand(bad, graph.Real(5)))
	inner := graph.NewBuilder("g", nil)
	inner.Output("y", inner.Input("x", graph.Scalar()))
	g, err := inner.Finish()
	if err != nil {
		t.Fatal(err)
	}
	bad = b.Mean(b.Inline(g, []graph.Value{bad}, nil)[0])
	b.Output("y", graph.Gradient(b, bad, []graph.Value{x})[0])
	const want = "build graph f: encoder.1.fire: add: shapes [3] and [2] do not align from the channel axis"
	if _, err := b.Finish(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestInline: a graph with FreeSteps takes another number of steps, and nodes may be replaced on the way.
func TestInline(t *testing.T) {
	b := graph.NewBuilder("double", nil)
	x := b.Input("x", graph.Signal(2, 3))
	b.Output("y", b.Neg(b.Add(x, x)))
	double := finish(t, b)
	double.FreeSteps = true
	b = graph.NewBuilder("f", nil)
	y := b.Inline(double, []graph.Value{b.Input("x", graph.Signal(5, 3))}, func(n *graph.Node, in []graph.Value) []graph.Value {
		if n.Op == graph.OpNeg {
			return []graph.Value{b.Scale(in[0], -1)}
		}
		return nil
	})
	b.Output("y", y[0])
	want := "function f(x: f32[T5 N 3]) {\n  %0 = add %x %x : f32[T5 N 3]\n  %1 = constant value=-1.0 : f32[]\n  %2 = mul %0 %1 : f32[T5 N 3]\n  return y = %2\n}\n"
	if got := finish(t, b).String(); got != want {
		t.Errorf("got\n%s", got)
	}
	b = graph.NewBuilder("f", nil)
	b.Inline(double, nil, nil)
	if err := b.Err(); err == nil || err.Error() != "double takes 1 inputs, got 0" {
		t.Errorf("without inputs: %v", err)
	}
}

// TestFinishPrunes: what no output needs goes away; inputs stay.
func TestFinishPrunes(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Scalar())
	b.Input("unused", graph.Scalar())
	b.Neg(b.Const(3))
	b.Output("y", b.Neg(x))
	want := "function f(x: f32[], unused: f32[]) {\n  %0 = neg %x : f32[]\n  return y = %0\n}\n"
	if got := finish(t, b).String(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestVariableVerify: what cannot be started, trained and saved is no variable.
func TestVariableVerify(t *testing.T) {
	fine := graph.Variable{Name: "w", Type: graph.Type{Dims: []int{2, 3}}, Init: graph.Init{Kind: "uniform", A: -1, B: 1}}
	for _, c := range []struct {
		want  string
		spoil func(v *graph.Variable)
	}{
		{"", func(v *graph.Variable) {}},
		{"", func(v *graph.Variable) { v.Init = graph.Init{Kind: "sinusoid", A: 100} }},
		{"", func(v *graph.Variable) { v.Type.Dims = nil }},
		{"a variable is f32", func(v *graph.Variable) { v.Type.DType = graph.I32 }},
		{"a variable is f32", func(v *graph.Variable) { v.Type.DType = graph.Bit }},
		{"a variable is f32", func(v *graph.Variable) { v.Type = graph.Type{DType: graph.State, Role: "net"} }},
		{"no time and no batch axis", func(v *graph.Variable) { v.Type.Steps = 4 }},
		{"no time and no batch axis", func(v *graph.Variable) { v.Type.Batch = true }},
		{"impossible type", func(v *graph.Variable) { v.Type.Dims = []int{2, 0} }},
		{"impossible type", func(v *graph.Variable) { v.Type.Dims = []int{1, 1, 1, 1, 1, 1, 1} }},
		{"unknown kind 3", func(v *graph.Variable) { v.Kind = graph.Frozen + 1 }},
		{"unknown start \"zeros\"", func(v *graph.Variable) { v.Init.Kind = "zeros" }},
		{"unknown start \"\"", func(v *graph.Variable) { v.Init = graph.Init{} }},
		{"no rows and columns", func(v *graph.Variable) { v.Init.Kind, v.Type.Dims = "sinusoid", []int{6} }},
		{"not finite", func(v *graph.Variable) { v.Init.B = math.Inf(1) }},
		{"", func(v *graph.Variable) { v.Range = graph.Range{Low: 1, High: 1} }},
		{"held in (1, 0)", func(v *graph.Variable) { v.Range = graph.Range{Low: 1} }},
		{"held in (0, +Inf)", func(v *graph.Variable) { v.Range = graph.Range{High: math.Inf(1)} }},
		{"of kind frozen", func(v *graph.Variable) { v.Kind, v.Range = graph.Frozen, graph.Range{High: 1} }},
	} {
		v := fine
		c.spoil(&v)
		if err := v.Verify(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}
