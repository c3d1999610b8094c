package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
)

// recipe is a random graph as a list of moves, each of which adds a value to those before it.
type recipe struct {
	types []graph.Type
	moves []move
}

type move struct {
	kind     string
	from, by int // positions among the values so far, modulo their number
	dim      int
}

// settled brings v back to multiples of 1/4 in [-2, 2], which arithmetic of single precision keeps exact, and lets gradients
// pass as if it did nothing.
func settled(b *graph.Builder, v graph.Value) graph.Value {
	r := b.Op(graph.OpMax, nil, b.Op(graph.OpMin, nil, b.Scale(b.Op(graph.OpFloor, nil, b.Scale(v, 4)), 0.25), b.Const(2)), b.Const(-2))
	return b.Add(v, b.Stop(b.Sub(r, v)))
}

// build follows the moves; those that do not fit are left out.
func (p recipe) build(b *graph.Builder, in []graph.Value, es map[string]*graph.Equation) []graph.Value {
	values := slices.Clone(in)
	for _, m := range p.moves {
		x, y := values[m.from%len(values)], values[m.by%len(values)]
		t := x.Type()
		axes := graph.AllAxes(t)
		_, misfit := graph.Broadcast(t, y.Type())
		var v graph.Value
		switch m.kind {
		case "add", "sub", "mul", "min", "max":
			if misfit != nil {
				continue
			}
			v = b.Op(graph.Op(m.kind), nil, x, y)
		case "where":
			if misfit != nil {
				continue
			}
			v = b.Op(graph.OpWhere, nil, b.Op(graph.OpLess, nil, x, b.Const(0.25)), y, b.Neg(x))
		case "spikes":
			v = b.Op(graph.OpGreater, nil, x, b.Const(0.5))
		case "sum", "max of", "argmax":
			if len(axes) == 0 {
				continue
			}
			a := axes[m.dim%len(axes)]
			switch {
			case m.kind == "sum":
				v = b.Reduce("sum", x, a)
			case m.kind == "max of":
				v = b.Op(graph.OpStop, nil, b.Reduce("max", x, a))
			case a != graph.BatchAxis:
				v = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, b.Reduce("argmax", x, a))
			default:
				continue
			}
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
		case "slice", "pad", "repeat", "concat":
			if len(axes) == 0 {
				continue
			}
			a := axes[m.dim%len(axes)]
			if a == graph.BatchAxis || a == graph.TimeAxis && m.kind == "repeat" {
				continue
			}
			n := t.Steps
			if a >= 0 {
				n = t.Dims[a]
			}
			switch m.kind {
			case "slice":
				v = b.Slice(x, a, (n-1)/2, (n+1)/2)
			case "pad":
				v = b.Op(graph.OpPad, graph.Attrs{"axis": a, "before": 1, "after": m.dim % 2}, x)
			case "repeat":
				v = b.Op(graph.OpRepeat, graph.Attrs{"axis": a, "count": 2}, x)
			default:
				v = b.Concat(a, x, b.Op(graph.OpAbs, nil, x))
			}
		case "over time":
			if t.Steps > 0 {
				continue
			}
			v = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 2}, x)
		case "trace", "two inputs":
			if misfit != nil || t.Steps == 0 {
				continue
			}
			args := []graph.Value{x}
			if m.kind == "two inputs" {
				args = append(args, y)
			}
			v = b.Equation(graph.OpEquation, es[m.kind], graph.Attrs{"last": m.dim%2 == 1}, args...)[0]
		case "normalise":
			if len(axes) == 0 || len(t.Dims) > 2 {
				continue
			}
			// Only whether it is above the mean, well apart from it, is exact.
			y := b.Op(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": 0.5}, x)
			v = b.Op(graph.OpGreater, nil, y, b.Const(0.003))
		case "product":
			if len(t.Dims) == 0 || len(t.Dims) > 2 || t.Dims[len(t.Dims)-1] > 8 {
				continue
			}
			k := t.Dims[len(t.Dims)-1]
			w := b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, b.Op(graph.OpGreater, nil, b.Op(graph.OpUniform, graph.Attrs{"label": fmt.Sprint("w", k), "dims": []int{k, 3}}), b.Const(0.5)))
			v = b.Op(graph.OpMatmul, nil, x, w)
		}
		if t := v.Type(); t.Size() > 80 || len(t.Dims) > 3 || t.Steps > 8 {
			continue
		}
		if v.Type().DType == graph.F32 {
			v = settled(b, v)
		}
		values = append(values, v)
	}
	return values[len(in):]
}

func recipes() *rapid.Generator[recipe] {
	types := rapid.SampledFrom([]graph.Type{graph.Scalar(), graph.Real(2), graph.Signal(2, 2, 3), {Dims: []int{2, 3}}, {Steps: 2}, graph.Real(2, 1, 2), graph.Spikes(2, 2),
		graph.Signal(2, 8, 2, 2), graph.Spikes(2, 64), {Dims: []int{8}}})
	kinds := rapid.SampledFrom([]string{"add", "sub", "mul", "min", "max", "where", "spikes", "sum", "max of", "argmax", "reshape", "transpose", "slice", "pad", "repeat",
		"concat", "over time", "trace", "two inputs", "normalise", "product"})
	return rapid.Custom(func(t *rapid.T) recipe {
		p := recipe{types: rapid.SliceOfN(types, 1, 3).Draw(t, "types")}
		for i := range rapid.IntRange(1, 9).Draw(t, "moves") {
			p.moves = append(p.moves, move{kinds.Draw(t, fmt.Sprint("kind", i)), rapid.IntRange(0, 20).Draw(t, "from"),
				rapid.IntRange(0, 20).Draw(t, "by"), rapid.IntRange(0, 5).Draw(t, "dim")})
		}
		return p
	})
}

// TestRandomGraphs: random graphs and their gradients give what the interpreter says, however they are fused, and with as much
// computed twice as can be. Values are
// exact; gradients are sums of products of a few small numbers, each rounded a few dozen times at most.
func TestRandomGraphs(t *testing.T) {
	es := equations(t)
	pools := []*exec.Pool{exec.NewPool(1), exec.NewPool(2)}
	for _, p := range pools {
		defer p.Close()
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := recipes().Draw(rt, "recipe")
		seed := rapid.Uint64().Draw(rt, "seed")
		n := rapid.IntRange(1, 9).Draw(rt, "batch")
		b := graph.NewBuilder("f", nil)
		var in []graph.Value
		for i, t := range p.types {
			in = append(in, b.Input(fmt.Sprint("x", i), t))
		}
		values := p.build(b, in, es)
		loss := b.Const(0)
		for i, v := range values {
			if i%2 == 0 {
				b.Output(fmt.Sprint("v", i), v)
			}
			loss = b.Add(loss, b.Reduce("sum", b.Scale(v, 0.5), graph.AllAxes(v.Type())...))
		}
		b.Output("loss", loss)
		for i, g := range graph.Gradient(b, loss, in) {
			b.Output(fmt.Sprint("g", i), g)
		}
		g, err := b.Finish()
		if err != nil {
			rt.Fatal(err)
		}
		w := filled(rand.New(rand.NewPCG(seed, 0)), g, n, 3)
		want := w.interpret(rt, g)
		for i, pool := range pools {
			x := compiledWithin(rt, pool, g, n, i)
			env, _ := w.env()
			if err := x.Run(env); err != nil {
				rt.Fatal(err)
			}
			for _, o := range g.Outputs {
				close(rt, o.Name, x.Output(o.Name).Logical(), want.Outputs[o.Name].Data, ulps(64), 0)
			}
		}
	})
}

// TestFusion: graphs in which fusing too eagerly would go round in circles or read what is not there yet.
func TestFusion(t *testing.T) {
	for name, build := range map[string]func(b *graph.Builder, x, y graph.Value) []graph.Value{
		"a value and its transpose": func(b *graph.Builder, x, y graph.Value) []graph.Value {
			v := b.Mul(x, y)
			w := b.Add(v, b.Mul(b.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0}}, v), y))
			return []graph.Value{b.Reduce("sum", v, graph.AllAxes(v.Type())...), b.Reduce("sum", b.Mul(w, x), graph.BatchAxis), w}
		},
		"there and back by reshaping": func(b *graph.Builder, x, y graph.Value) []graph.Value {
			v := b.Mul(x, y)
			w := b.Reshape(b.Sub(b.Reshape(v, 9), b.Const(1)), 3, 3)
			return []graph.Value{b.Add(b.Mul(w, x), v), b.Reduce("sum", b.Mul(v, w), graph.BatchAxis, 0, 1)}
		},
		"slices of aliases": func(b *graph.Builder, x, y graph.Value) []graph.Value {
			v := b.Reshape(x, 9)
			w := b.Slice(b.Slice(v, graph.TimeAxis, 1, 2), graph.TimeAxis, 1, 1)
			return []graph.Value{b.Reshape(w, 3, 3), b.Mul(b.Reshape(w, 1, 9), b.Const(0.5)), b.Slice(y, graph.TimeAxis, 0, 1)}
		},
		"factors that are the same along some axes": func(b *graph.Builder, x, y graph.Value) []graph.Value {
			c, t := b.Reduce("sum", x, graph.TimeAxis, graph.BatchAxis, 1), b.Reduce("sum", y, graph.BatchAxis, 0, 1)
			p := b.Mul(b.Mul(x, c), b.Mul(t, y))
			out := []graph.Value{b.Reduce("mean", b.Mul(c, t), graph.TimeAxis)}
			for _, axes := range []graph.Axes{{graph.BatchAxis, 1}, {graph.TimeAxis, graph.BatchAxis}, {graph.TimeAxis}, {0}, {graph.TimeAxis, graph.BatchAxis, 0, 1}} {
				out = append(out, b.Reduce("sum", p, axes...), b.Reduce("mean", b.Mul(c, x), axes...))
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := graph.NewBuilder("f", nil)
			x, y := b.Input("x", graph.Signal(3, 3, 3)), b.Input("y", graph.Signal(3, 3, 3))
			for i, v := range build(b, x, y) {
				b.Output(fmt.Sprint("v", i), v)
			}
			g, err := b.Finish()
			if err != nil {
				t.Fatal(err)
			}
			filled(rand.New(rand.NewPCG(6, 6)), g, 4, 3).same(t, g, ulps(8))
		})
	}
}
