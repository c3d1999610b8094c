// Command scoring is a plugin of one coder that owns weights, for the test of coders that are graphs: attention scoring as in
// SGAD (Feng et al. 2024).
package main

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

func main() {
	least := 1.0
	sdk.Serve(sdk.Plugin{
		Name:    "acme/scoring",
		Version: "1.2.0",
		Coders: []sdk.Coder{{
			Component: schema.Component{Kind: schema.Coder, Name: "scoring", Version: "1.2.0",
				Doc:    "Decodes by attention: what is decoded so far is mixed with the next step, the more the better a query of the former fits a key of the latter.",
				Params: []schema.Param{{Name: "width", Type: schema.Int, Required: true, Min: &least, Doc: "of query and key"}}},
			Decode: scoring,
		}},
	})
}

// scoring returns the graph: v = x[0], and for each later step v = p v + (1 - p) x[t], where p is the first of the softmax of
// q(v) k(v) and q(v) k(x[t]), both divided by the root of the width.
func scoring(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	width, size := args.Int("width"), input.Size()
	if width > size {
		return "", []schema.Complaint{{Path: "width", Summary: fmt.Sprintf("`width` is %d, and there are only %d values to score", width, size), Help: fmt.Sprintf("write `width = %d`, or less", size)}}, nil
	}
	m := &graph.Module{}
	weight := graph.Type{Dims: []int{width, size}}
	bound := 1 / math.Sqrt(float64(size))
	for _, name := range []string{"query", "key"} {
		m.Variables = append(m.Variables, graph.Variable{Name: name, Type: weight, Init: graph.Init{Kind: "uniform", A: -bound, B: bound}})
	}
	for _, mode := range []string{"train", "eval"} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		x := b.Reshape(b.Input("x", input), size)
		by := func(name string, x graph.Value) graph.Value {
			return b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, b.Op(graph.OpRead, graph.Attrs{"var": name}))
		}
		at := func(t int) graph.Value { return b.Reduce("sum", b.Slice(x, graph.TimeAxis, t, 1), graph.TimeAxis) }
		v := at(0)
		for t := 1; t < input.Steps; t++ {
			y, query := at(t), by("query", v)
			score := func(x graph.Value) graph.Value {
				return b.Scale(b.Reduce("sum", b.Mul(query, by("key", x)), 0), 1/math.Sqrt(float64(width)))
			}
			keep := b.Op(graph.OpSigmoid, nil, b.Sub(score(v), score(y))) // the softmax of two
			v = b.Add(b.Mul(v, keep), b.Mul(y, b.Sub(b.Const(1), keep)))
		}
		b.Output("y", b.Reshape(v, input.Dims...))
		g, err := b.Finish()
		if err != nil {
			return "", nil, err
		}
		m.Functions = append(m.Functions, g)
	}
	return m.Print(), nil, nil
}
