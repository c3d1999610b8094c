package exec_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// TestLayers: each layer of a training step, all its applications and their gradients, agrees with the interpreter when both
// are given the values that the interpreter found in the whole step. Differences cannot grow from layer to layer, as they do
// where spikes flip, so the tolerances follow from the layer's own arithmetic:
//
// Products and the sums of their gradients add up K terms, each rounded once or twice, in some order. Whatever the order, a
// sum is off by no more than K 2^-24 times the sum of the absolute terms (Higham, Accuracy and Stability of Numerical
// Algorithms, 2002, section 3.1), to first order; two more roundings are those of a bias and of the input itself. The
// interpreter gives both figures: of absolute inputs, and of ones.
//
// Everything else is a chain: batch normalisation rounds mean, variance, the sum with epsilon, its root, the inverse, the
// difference, and four products and sums, and the difference may cancel two bits; a membrane and its gradient round four
// times a step, and what a step is off by fades by the leak, a half here or less but for the read-out, which rounds twice and
// leaks a fifth. That makes 16 roundings of numbers not greater than the greatest result.
func TestLayers(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	g := m.step(t)
	w := m.world(g, 5)
	all := *g
	all.Outputs = nil
	layers := map[string]bool{}
	for _, n := range g.Nodes {
		layers[n.Layer] = true
		for i := range n.Out {
			v := graph.Value{Node: n, Index: i}
			all.Outputs = append(all.Outputs, graph.Output{Name: name(v), Value: v})
		}
	}
	seen := w.interpret(t, &all)
	chains, products := 0, 0
	for _, layer := range slices.Sorted(maps.Keys(layers)) {
		part, linear := cut(t, g, layer, w.variables)
		if linear {
			products++
		} else {
			chains++
		}
		x := *w
		x.inputs = map[string]interp.Value{}
		for _, in := range part.Inputs {
			name := in.Text("name")
			x.inputs[name] = each(seen.Outputs[name], func(v float64) float64 { return float64(float32(v)) })
		}
		t.Run(layer, func(t *testing.T) {
			if !linear {
				x.same(t, part, ulps(16))
				return
			}
			want := x.interpret(t, part)
			sizes, terms := x.through(t, part, math.Abs), x.through(t, part, func(float64) float64 { return 1 })
			p := compiled(t, part, x.n, 2)
			env, _ := x.env()
			if err := p.Run(env); err != nil {
				t.Fatal(err)
			}
			for _, o := range part.Outputs {
				got := p.Output(o.Name).Logical()
				for i, v := range want.Outputs[o.Name].Data {
					if most := ulps(terms[o.Name].Data[i]+2) * sizes[o.Name].Data[i]; !(math.Abs(got[i]-v) <= most) {
						t.Fatalf("%s[%d] = %v, want %v +- %v", o.Name, i, got[i], v, most)
					}
				}
			}
		})
	}
	if chains < 20 || products < 8 {
		t.Errorf("%d layers of products and %d others", products, chains)
	}
}

// name names a value of a graph.
func name(v graph.Value) string { return fmt.Sprintf("%s %p.%d", v.Node.Op, v.Node, v.Index) }

// each returns f of every element.
func each(v interp.Value, f func(float64) float64) interp.Value {
	out := interp.NewValue(v.Type, v.N)
	for i, x := range v.Data {
		out.Data[i] = f(x)
	}
	return out
}

// through returns what the interpreter gives for f of the inputs and variables.
func (w *world) through(t failer, g *graph.Graph, f func(float64) float64) map[string]interp.Value {
	t.Helper()
	x := *w
	x.inputs, x.variables = map[string]interp.Value{}, map[string]interp.Value{}
	for name, v := range w.inputs {
		x.inputs[name] = each(v, f)
	}
	for name, v := range w.variables {
		x.variables[name] = each(v, f)
	}
	return x.interpret(t, g).Outputs
}

// cut returns the nodes of one layer of g as a graph: what they take from others are its inputs, what others or the caller
// take are its outputs. linear reports that it multiplies by weights and adds up, and does nothing else.
func cut(t testing.TB, g *graph.Graph, layer string, vars map[string]interp.Value) (part *graph.Graph, linear bool) {
	t.Helper()
	types := variables{}
	for name, v := range vars {
		types[name] = v.Type
	}
	b := graph.NewBuilder(layer, types)
	b.Layer = layer
	linear = true
	to := map[graph.Value]graph.Value{}
	for _, n := range g.Nodes {
		if n.Layer != layer || n.Op == graph.OpInput {
			continue
		}
		switch n.Op {
		case graph.OpRead, graph.OpStop, graph.OpAdd, graph.OpMatmul, graph.OpMatmulWeight, graph.OpConv, graph.OpConvInput, graph.OpConvWeight:
		case graph.OpReduce:
			linear = linear && n.Text("kind") == "sum"
		default:
			linear = false
		}
		in := make([]graph.Value, len(n.In))
		for i, v := range n.In {
			if !to[v].Valid() {
				to[v] = b.Input(name(v), v.Type())
			}
			in[i] = to[v]
		}
		for i, v := range b.Equation(n.Op, n.Equation, n.Attrs, in...) {
			to[graph.Value{Node: n, Index: i}] = v
		}
	}
	taken := map[graph.Value]bool{}
	for _, o := range g.Outputs {
		taken[o.Value] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			taken[v] = taken[v] || n.Layer != layer
		}
	}
	for _, n := range g.Nodes {
		for i := range n.Out {
			if v := (graph.Value{Node: n, Index: i}); n.Layer == layer && n.Op != graph.OpInput && taken[v] {
				b.Output(name(v), to[v])
			}
		}
	}
	part, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return part, linear
}
