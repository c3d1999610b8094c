// Package scoring is the coder that decodes over time by attention, as SGAD does (Feng et al., Neural Networks 178, 2024).
package scoring

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed scoring.md
var doc string

// Coder returns the plugin component.
func Coder() sdk.Coder {
	zero, one := 0.0, 1.0
	return sdk.Coder{
		Component: schema.Component{Kind: schema.Coder, Name: "scoring", Version: "1.0", Doc: doc, Params: []schema.Param{
			{Name: "width", Type: schema.Int, Default: "256", Min: &one, Doc: "of query and key"},
			{Name: "reduce", Type: schema.Int, Default: "0", Min: &zero, Doc: "width of the reduction in front of both; 0: none"},
		}},
		Decode: build,
	}
}

// mostWeights is how many numbers a tensor may have.
const mostWeights = 1 << 31

// dense is a linear layer over the whole of an example; its weights begin as those of `linear` do, within 1 / sqrt(inputs).
type dense struct{ weight, bias string }

func layer(m *graph.Module, name string, in, out int) dense {
	d := dense{name + ".weight", name + ".bias"}
	bound := 1 / math.Sqrt(float64(in))
	own := graph.Init{Kind: "uniform", A: -bound, B: bound}
	m.Variables = append(m.Variables, graph.Variable{Name: d.weight, Type: graph.Type{Dims: []int{out, in}}, Init: own},
		graph.Variable{Name: d.bias, Type: graph.Type{Dims: []int{out}}, Init: own})
	return d
}

func (d dense) of(b *graph.Builder, x graph.Value) graph.Value {
	read := func(name string) graph.Value { return b.Op(graph.OpRead, graph.Attrs{"var": name}) }
	return b.Add(b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, read(d.weight)), read(d.bias))
}

// build returns the graph for images of a type with time steps: V = X[0], and then V = a V + (1 - a) X[t] for t = 1, 2, ...
func build(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	width, reduced := args.Int("width"), args.Int("reduce")
	size := input.Size()
	for _, l := range []struct {
		name    string
		in, out int
	}{{"reduce", size, reduced}, {"width", cmp.Or(reduced, size), width}} {
		if l.out > mostWeights/l.in {
			return "", sdk.Complain(l.name, fmt.Sprintf("write `%s = %d` or less", l.name, mostWeights/l.in), "the layer from %d numbers to %d has too many weights", l.in, l.out), nil
		}
	}
	m := &graph.Module{}
	var reduction dense
	if reduced > 0 {
		reduction = layer(m, "reduce", size, reduced)
	} else {
		reduced = size
	}
	query, key := layer(m, "query", reduced, width), layer(m, "key", reduced, width)
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		x := b.Input("x", input)
		if input.DType != graph.F32 {
			x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		x = b.Reshape(x, size)
		seen := func(x graph.Value) graph.Value { // what query and key look at
			if args.Int("reduce") == 0 {
				return x
			}
			return b.Op(graph.OpMax, nil, reduction.of(b, x), b.Const(0))
		}
		keys := key.of(b, seen(x)) // of all steps at once
		at := func(x graph.Value, t int) graph.Value {
			return b.Reduce("sum", b.Slice(x, graph.TimeAxis, t, 1), graph.TimeAxis)
		}
		v := at(x, 0)
		for t := 1; t < input.Steps; t++ {
			y := at(x, t)
			now := seen(v)
			q := query.of(b, now)
			score := func(k graph.Value) graph.Value {
				return b.Scale(b.Reduce("sum", b.Mul(q, k), 0), 1/math.Sqrt(float64(width)))
			}
			own := key.of(b, now)
			keep := b.Reshape(b.Op(graph.OpSigmoid, nil, b.Sub(score(own), score(at(keys, t)))), 1) // the softmax of two
			v = b.Add(b.Mul(v, keep), b.Mul(y, b.Sub(b.Const(1), keep)))
		}
		b.Output("y", b.Reshape(v, input.Dims...))
		g, err := b.Finish()
		if err != nil {
			return "", nil, fmt.Errorf("build scoring: %w", err)
		}
		m.Functions = append(m.Functions, g)
	}
	return m.Print(), nil, nil
}
