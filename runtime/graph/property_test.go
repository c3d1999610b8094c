package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// plan is a random graph as a list of moves, each of which adds a value to those before it; it can be built anew.
type plan struct {
	types []graph.Type
	moves []move
}

type move struct {
	kind     string
	from, by int // positions among the values so far, modulo their number
	dim      int
}

// build follows the moves. Those that do not fit are left out; values stay within a few units by tanh.
func (p plan) build(b *graph.Builder, in []graph.Value) graph.Value {
	values := slices.Clone(in)
	for _, m := range p.moves {
		x := values[m.from%len(values)]
		y := values[m.by%len(values)]
		t := x.Type()
		axes := graph.AllAxes(t)
		var v graph.Value
		switch m.kind {
		case "add", "sub", "mul", "min", "max":
			if _, err := graph.Broadcast(t, y.Type()); err != nil {
				continue
			}
			v = b.Op(graph.Op(m.kind), nil, x, y)
		case "where":
			if _, err := graph.Broadcast(t, y.Type()); err != nil {
				continue
			}
			v = b.Op(graph.OpWhere, nil, b.Op(graph.OpLess, nil, x, b.Const(0.1)), y, b.Neg(x))
		case "tanh", "sin", "sigmoid", "stop":
			v = b.Op(graph.Op(m.kind), nil, x)
		case "sum", "mean", "greatest":
			if len(axes) == 0 {
				continue
			}
			kind := m.kind
			if kind == "greatest" {
				kind = "max"
			}
			v = b.Reduce(kind, x, axes[m.dim%len(axes)])
		case "reshape":
			v = b.Reshape(x, t.Size(), 1)
		case "transpose":
			if len(t.Dims) < 2 {
				continue
			}
			order := make(graph.Axes, len(t.Dims))
			for i := range order {
				order[i] = graph.Axis((i + 1 + m.dim) % len(order))
			}
			v = b.Op(graph.OpTranspose, graph.Attrs{"axes": order}, x)
		case "slice":
			if len(t.Dims) == 0 {
				continue
			}
			a := m.dim % len(t.Dims)
			v = b.Slice(x, graph.Axis(a), (t.Dims[a]-1)/2, (t.Dims[a]+1)/2)
		case "concat":
			if len(t.Dims) == 0 || t.Size() > 12 {
				continue
			}
			v = b.Concat(graph.Axis(m.dim%len(t.Dims)), x, b.Op(graph.OpTanh, nil, x))
		}
		if t := v.Type(); t.Size() > 36 || len(t.Dims) > 3 {
			continue
		}
		values = append(values, b.Op(graph.OpTanh, nil, v))
	}
	sum := b.Const(0)
	for _, v := range values[len(in):] {
		sum = b.Add(sum, b.Mean(v))
	}
	return b.Add(sum, b.Mean(values[0]))
}

func plans() *rapid.Generator[plan] {
	types := rapid.SampledFrom([]graph.Type{graph.Scalar(), graph.Real(2), graph.Signal(2, 2, 3), {Dims: []int{2, 3}}, {Steps: 2}, graph.Real(2, 1, 2), graph.Spikes(2, 2)})
	kinds := rapid.SampledFrom([]string{"add", "sub", "mul", "min", "max", "where", "tanh", "sin", "sigmoid", "stop", "sum", "mean", "greatest", "reshape", "transpose", "slice", "concat"})
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{types: rapid.SliceOfN(types, 1, 3).Draw(t, "types")}
		for i := range rapid.IntRange(1, 8).Draw(t, "moves") {
			p.moves = append(p.moves, move{
				kinds.Draw(t, fmt.Sprint("kind", i)), rapid.IntRange(0, 20).Draw(t, "from"),
				rapid.IntRange(0, 20).Draw(t, "by"), rapid.IntRange(0, 5).Draw(t, "dim"),
			})
		}
		return p
	})
}

// TestRandomGraphDerivatives compares gradients of random graphs with differences.
func TestRandomGraphDerivatives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := plans().Draw(rt, "plan")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		q := problem{name: "random", types: p.types, f: p.build}
		for _, t := range p.types {
			q.values = append(q.values, random(r, t, -1, 1))
		}
		q.checkLoss(t, r)
	})
}

// TestRandomGraphText: random graphs and their gradients print to a text that parses to the same graph, with the same
// results.
func TestRandomGraphText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := plans().Draw(rt, "plan")
		b := graph.NewBuilder("f", nil)
		in := inputs(b, p.types)
		loss := p.build(b, in)
		for i, g := range graph.Gradient(b, loss, in) {
			b.Output(fmt.Sprint("g", i), g)
		}
		g := finish(t, b)
		text := (&graph.Module{Functions: []*graph.Graph{g}}).Print()
		m, err := graph.Parse(text)
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		if again := m.Print(); again != text {
			rt.Fatalf("prints\n%s\nthen\n%s", text, again)
		}
		r := rand.New(rand.NewPCG(1, 1))
		values := map[string]interp.Value{}
		for i, t := range p.types {
			values[fmt.Sprint("x", i)] = random(r, t, -1, 1)
		}
		want, got := runGraph(t, g, values, nil), runGraph(t, m.Function("f"), values, nil)
		for name, v := range want {
			if !slices.Equal(v.Data, got[name].Data) {
				rt.Fatalf("%s: %v, then %v\n%s", name, v.Data, got[name].Data, text)
			}
		}
	})
}
