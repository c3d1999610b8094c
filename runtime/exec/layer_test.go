package exec_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// TestLayers: each layer of a training step, all its applications and their gradients, agrees with the interpreter.
func TestLayers(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	g := m.step(t)
	if f := m.world(g, 5).layers(t, g, 2); f.chains < 20 || f.products < 8 {
		t.Errorf("%d layers of products and %d others", f.products, f.chains)
	}
}

// found is what a judgement of layers came to.
type found struct {
	products, chains int // layers
	spikes           int // that neurons of the layers emit or not
	near, other      int // of these, so near the threshold that rounding decides, and those where it decided otherwise
}

// layers judges each layer of g, all its applications and their gradients, by the interpreter, when both are given the values that
// the interpreter found in the whole of g; and for any of the numbers of workers it has the same bytes. Differences cannot grow
// from layer to layer, as they do where spikes flip, so the tolerances follow from the layer's own arithmetic:
//
// Products and the sums of their gradients add up K terms, each rounded once or twice, in some order. Whatever the order, a
// sum is off by no more than K 2^-24 times the sum of the absolute terms (Higham, Accuracy and Stability of Numerical
// Algorithms, 2002, section 3.1), to first order; two more roundings are those of a bias and of the input itself. The
// interpreter gives both figures: of absolute inputs, and of ones.
//
// Everything else is a chain: batch normalisation rounds mean, variance, the sum with epsilon, its root, the inverse, the
// difference, and four products and sums; a membrane and its gradient round four
// times a step, and what a step is off by fades by the leak, a half here or less but for the read-out, which rounds twice and
// leaks a fifth, or there are four steps. That makes 16 roundings of numbers not greater than the greatest result, or than what
// sums and differences add up to it.
//
// Neurons decide besides. A membrane is at most the sum of its inputs over time, and so 16 roundings of that, or of 1 for
// thresholds and resets, are what it may be off by. Its input counts a half or more in it; so where a membrane may fall on the
// other side of a threshold, or of an end of a surrogate's window, it does when all inputs are moved up or down by twice that.
// What the interpreter then gives otherwise is what rounding decides. Likewise what is left of a number and its mean, both rounded to
// 2^-24 of themselves, may be off by four roundings of the greatest number, however small the deviation is that it is divided by.
func (w *world) layers(t *testing.T, g *graph.Graph, workers ...int) (f found) {
	t.Helper()
	all := *g
	all.Outputs = nil
	outputs := map[string]graph.Value{}
	layers := map[string]bool{}
	for _, n := range g.Nodes {
		layers[n.Layer] = true
		for i := range n.Out {
			v := graph.Value{Node: n, Index: i}
			all.Outputs = append(all.Outputs, graph.Output{Name: name(v), Value: v})
			outputs[name(v)] = v
		}
	}
	seen := w.interpret(t, &all)
	pools := make([]*exec.Pool, len(workers))
	for i, n := range workers {
		pools[i] = exec.NewPool(n)
		defer pools[i].Close()
	}
	for _, layer := range slices.Sorted(maps.Keys(layers)) {
		part, linear := cut(t, g, layer, w.variables, 0)
		x := *w
		x.inputs = map[string]interp.Value{}
		for _, in := range part.Inputs {
			name := in.Text("name")
			x.inputs[name] = each(seen.Outputs[name], func(v float64) float64 { return float64(float32(v)) })
		}
		t.Run(layer, func(t *testing.T) {
			var first []uint64
			var p *exec.Program
			for i, pool := range pools {
				p = compiledOn(t, pool, part, x.n)
				env, _ := x.env()
				if err := p.Run(env); err != nil {
					t.Fatal(err)
				}
				got := bytes(p)
				if i == 0 {
					first = got
				}
				if !slices.Equal(got, first) {
					t.Errorf("%d workers give other bytes than %d", workers[i], workers[0])
				}
			}
			want := x.interpret(t, part).Outputs
			if linear {
				f.products++
				sizes, terms := x.through(t, part, math.Abs), x.through(t, part, func(float64) float64 { return 1 })
				for _, o := range part.Outputs {
					got := p.Output(o.Name).Logical()
					for i, v := range want[o.Name].Data {
						if most := ulps(terms[o.Name].Data[i]+2) * sizes[o.Name].Data[i]; !(math.Abs(got[i]-v) <= most) {
							t.Fatalf("%s[%d] = %v, want %v +- %v", o.Name, i, got[i], v, most)
						}
					}
				}
				return
			}
			f.chains++
			moved := x.moved(t, g, layer)
			for _, o := range part.Outputs {
				got, most := p.Output(o.Name).Logical(), greatest(outputs[o.Name], seen.Outputs, map[graph.Value]bool{})
				spikes := o.Value.Type().DType == graph.Bit && len(moved) > 0
				for i, v := range want[o.Name].Data {
					spread := 0.0
					for _, m := range moved {
						spread = max(spread, math.Abs(m[o.Name].Data[i]-v))
					}
					if spikes {
						f.spikes++
						if spread > 0 {
							f.near++
						}
						if got[i] != v {
							f.other++
						}
					}
					if got[i] != v && !(math.Abs(got[i]-v) <= ulps(16)*most+spread) {
						t.Fatalf("%s[%d] = %v, want %v (to 16 roundings of %g, and %g)", o.Name, i, got[i], v, most, spread)
					}
				}
			}
		})
	}
	return f
}

// greatest returns the greatest absolute value of v and, where v adds up, of what it adds up; been are those that are done.
func greatest(v graph.Value, values map[string]interp.Value, been map[graph.Value]bool) (most float64) {
	if been[v] {
		return 0
	}
	been[v] = true
	for _, x := range values[name(v)].Data {
		if !math.IsInf(x, 0) {
			most = max(most, math.Abs(x))
		}
	}
	switch v.Node.Op {
	case graph.OpAdd, graph.OpSub, graph.OpNeg, graph.OpGather, graph.OpReshape, graph.OpReduce:
		for _, in := range v.Node.In {
			if in.Node.Layer == v.Node.Layer && in.Type().DType == graph.F32 {
				most = max(most, greatest(in, values, been))
			}
		}
	}
	return most
}

// moved returns what the interpreter gives for a layer with neurons or normalisations when what they take is moved up and down by
// what rounding may come to, see layers; nothing for a layer without.
func (w *world) moved(t *testing.T, g *graph.Graph, layer string) (out []map[string]interp.Value) {
	t.Helper()
	shift := 0.0
	for _, n := range g.Nodes {
		if n.Layer != layer || n.Op != graph.OpEquation && n.Op != graph.OpNormalise {
			continue
		}
		most := 0.0
		for _, x := range w.inputs[name(n.In[0])].Data {
			most = max(most, math.Abs(x))
		}
		if n.Op == graph.OpNormalise {
			shift = max(shift, ulps(4)*most)
			continue
		}
		steps := max(n.In[0].Type().Steps, n.Int("steps"), 1)
		shift = max(shift, 2*ulps(16)*max(1, float64(steps)*most))
	}
	for _, by := range []float64{-shift, shift} {
		if by != 0 {
			part, _ := cut(t, g, layer, w.variables, by)
			out = append(out, w.interpret(t, part).Outputs)
		}
	}
	return out
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
// take are its outputs. What equations take is moved by shift, and what normalisations take is beside its mean. linear reports that it multiplies by weights and adds up, and does
// nothing else.
func cut(t testing.TB, g *graph.Graph, layer string, vars map[string]interp.Value, shift float64) (part *graph.Graph, linear bool) {
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
		if (n.Op == graph.OpEquation || n.Op == graph.OpEquationGrad) && shift != 0 {
			for i := range n.Equation.Inputs {
				if in[i].Type().DType == graph.F32 {
					in[i] = b.Add(in[i], b.Const(shift))
				}
			}
		}
		out := b.Equation(n.Op, n.Equation, n.Attrs, in...)
		if n.Op == graph.OpNormalise && shift != 0 {
			deviation := b.Op(graph.OpSqrt, nil, b.Add(out[2], b.Const(n.Real("epsilon"))))
			out[0] = b.Add(out[0], b.Div(b.Const(shift), deviation))
		}
		for i, v := range out {
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
