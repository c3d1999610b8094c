package loihi

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
	"snnc.dev/snnc/runtime/graph"
)

// fires is the smallest neuron that spikes and is reset.
func fires() *graph.Equation {
	b := graph.NewBuilder("step", nil)
	x := b.Input("x", graph.Scalar())
	v := b.Input("v", graph.Scalar())
	sum := b.Add(x, v)
	spike := b.Op(graph.OpSpike, nil, sum, b.Const(1), b.Const(1))
	b.Output("emit", spike)
	b.Output("v", b.Op(graph.OpWhere, nil, spike, b.Const(0), sum))
	return &graph.Equation{Name: "e0", Inputs: []string{"x"}, States: []graph.EquationState{{Name: "v"}}, Step: b.Graph(), Spikes: true}
}

// odd draws a graph of operators that need not make sense together.
func odd(t *rapid.T) *graph.Module {
	e := fires()
	m := &graph.Module{Equations: []*graph.Equation{e}}
	small := rapid.SampledFrom([]int{1, 2, 3, 4, 5, 8, 16, 40})
	b := graph.NewBuilder("eval", graph.ModuleEnv{Module: m})
	side := small.Draw(t, "side")
	values := []graph.Value{
		b.Input("s", graph.Spikes(3, small.Draw(t, "c"), side, side)),
		b.Input("x", graph.Real(small.Draw(t, "n"))),
		b.Input("z", graph.Spikes(3, small.Draw(t, "n"))),
	}
	variable := func(dims ...int) graph.Value {
		name := rapid.StringMatching(`[0-9]{1,2}\.(weight|bias)`).Draw(t, "name")
		if v := m.Variable(name); v == nil {
			m.Variables = append(m.Variables, graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Init: graph.Init{Kind: "constant"}})
		}
		return b.Op(graph.OpRead, graph.Attrs{"var": name})
	}
	any := func() graph.Value {
		if rapid.IntRange(0, 3).Draw(t, "old") > 0 {
			return values[len(values)-1]
		}
		return rapid.SampledFrom(values).Draw(t, "value")
	}
	for range rapid.IntRange(1, 25).Draw(t, "nodes") {
		v := any()
		dims := v.Type().Dims
		before, vars := len(b.Graph().Nodes), len(m.Variables)
		k := small.Draw(t, "k")
		stride, pad := rapid.IntRange(1, 3).Draw(t, "stride"), rapid.IntRange(0, 3).Draw(t, "pad")
		node := graph.Value{}
		switch rapid.IntRange(0, 14).Draw(t, "op") {
		case 0, 1:
			if len(dims) == 3 && dims[1]+2*pad >= k && dims[2]+2*pad >= k {
				node = b.Op(graph.OpConv, graph.Attrs{"stride": stride, "pad": pad}, v, variable(small.Draw(t, "out"), dims[0], k, k))
			}
		case 2:
			if len(dims) == 3 {
				node = b.Op(graph.OpConvInput, graph.Attrs{"stride": stride, "pad": pad, "height": (dims[1]-1)*stride + k - 2*pad, "width": (dims[2]-1)*stride + k - 2*pad}, v, variable(dims[0], small.Draw(t, "out"), k, k))
			}
		case 3:
			if len(dims) == 1 {
				node = b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, v, variable(small.Draw(t, "out"), dims[0]))
			}
		case 4, 5, 6:
			node = b.Equation(graph.OpEquation, e, graph.Attrs{}, v)[0]
		case 7:
			node = b.Add(v, any())
		case 8:
			node = b.Mul(v, any())
		case 9:
			node = b.Reshape(v, v.Type().Size())
		case 10:
			node = b.Concat(0, v, any())
		case 11:
			node = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(rapid.IntRange(0, 2).Draw(t, "axis")), "count": 2}, v)
		case 12:
			node = b.Slice(v, 0, 0, 1)
		case 13:
			node = b.Op(graph.OpMaxPool, graph.Attrs{"kernel": 2, "stride": 2}, v)
		case 14:
			if len(dims) > 0 {
				node = b.Add(v, variable(dims[0]))
			}
		}
		if b.Err() != nil { // start again from the last graph that holds
			m.Variables = m.Variables[:vars]
			b = replay(b.Graph(), before, m)
			for i, v := range values {
				values[i] = graph.Value{Node: b.Graph().Nodes[v.Node.Index()], Index: v.Index}
			}
			continue
		}
		if node.Valid() && node.Type().Size() <= 1<<16 {
			b.Graph().Number()
			values = append(values, node)
		}
	}
	b.Output("y", values[len(values)-1])
	m.Functions = []*graph.Graph{b.Graph()}
	return m
}

// replay builds the first n nodes of a graph anew.
func replay(g *graph.Graph, n int, m *graph.Module) *graph.Builder {
	g.Nodes = g.Nodes[:n]
	g.Number()
	c := g.Clone()
	b := graph.NewBuilder("eval", graph.ModuleEnv{Module: m})
	*b.Graph() = *c
	return b
}

// What is cut out of graphs of any operators is judged in bounded time; what is placed keeps the limits, and as many cores are counted as the
// layers take.
func TestOdd(t *testing.T) {
	chips := 0
	rapid.Check(t, func(t *rapid.T) {
		text := odd(t).Print()
		now := time.Now()
		circuits, err := circuitsOf(text)
		if err != nil { // the host's numbers, which are too large
			return
		}
		r, err := Check(schema.TargetRequest{Circuits: circuits})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := time.Since(now); d > 20*time.Second {
			t.Errorf("it took %v\n%s", d, text)
		}
		checktest.Judged(t, r)
		cores := 0.0
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if x.Name == "cores" {
					cores += x.Used
					chips++
				}
			}
			over := func(x schema.Amount) bool { return x.Limit > 0 && x.Used > x.Limit }
			if l.Problem != "" && !l.Host && !strings.Contains(l.Problem, "the search for tiles ended") && !slices.ContainsFunc(slices.Concat(l.Used, r.Used), over) {
				t.Errorf("%s has a problem, and nothing is over its limit: %s\n%s", l.Layer, l.Problem, text)
			}
		}
		if len(r.Used) > 0 && r.Used[0].Used != cores {
			t.Errorf("%v cores, the layers take %v\n%s", r.Used[0].Used, cores, text)
		}
	})
	if chips == 0 {
		t.Error("no layer was placed")
	}
}
