// Command leap is a plugin of one coder, which is a graph: snnc compiles it, and nothing is computed in this process.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

func plugin() sdk.Plugin {
	least, most := 1.0, 4096.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Coders: []sdk.Coder{{
			Component: schema.Component{Kind: schema.Coder, Name: "leap", Version: "0.1.0",
				Doc:    "Values of 0..1 as spikes at the first time steps, the more the greater they are; decodes to the share of steps with a spike.",
				Params: []schema.Param{{Name: "steps", Type: schema.Int, Default: "8", Min: &least, Max: &most, Doc: "time steps that are encoded"}}},
			Encode: encode,
			Decode: decode,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// encode spikes at step t where t + 1/2 < steps x.
func encode(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	steps := args.Int("steps")
	return module(input, func(b *graph.Builder, x graph.Value) graph.Value {
		at := b.Op(graph.OpIota, graph.Attrs{"steps": steps})
		return b.Op(graph.OpLess, nil, b.Add(at, b.Const(0.5)), b.Scale(x, float64(steps)))
	})
}

// decode is the mean over time.
func decode(_ schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	return module(input, func(b *graph.Builder, x graph.Value) graph.Value {
		if input.DType != graph.F32 {
			x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		return b.Reduce("mean", x, graph.TimeAxis)
	})
}

// module returns the text of a graph that is the same in training and in evaluation.
func module(input graph.Type, build func(*graph.Builder, graph.Value) graph.Value) (string, []schema.Complaint, error) {
	m := &graph.Module{}
	for _, mode := range []string{"train", "eval"} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		b.Output("y", build(b, b.Input("x", input)))
		g, err := b.Finish()
		if err != nil {
			return "", nil, err
		}
		m.Functions = append(m.Functions, g)
	}
	return m.Print(), nil, nil
}
