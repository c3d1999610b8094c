// Command onoff is a plugin of one coder, which is a graph: it has another number of channels on its two sides.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

func main() {
	least, most := 1.0, 4096.0
	sdk.Serve(sdk.Plugin{
		Name:    "acme/onoff",
		Version: "1.0.0",
		Coders: []sdk.Coder{{
			Component: schema.Component{Kind: schema.Coder, Name: "onoff", Version: "1.0",
				Doc:    "Values of -1..1 as spikes of two channels, one for what is above 0 and one for what is below it, as ganglion cells of a retina have them.",
				Params: []schema.Param{{Name: "steps", Type: schema.Int, Default: "8", Min: &least, Max: &most, Doc: "time steps that are encoded"}}},
			Encode: encode,
			Decode: decode,
		}},
	})
}

// encode makes c channels of values 2c of spikes: round(steps x) of channel i, and round(-steps x) of channel c + i.
func encode(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	fire, err := integrator()
	if err != nil {
		return "", nil, err
	}
	return module(input, []*graph.Equation{fire}, func(b *graph.Builder, x graph.Value) graph.Value {
		above := b.Op(graph.OpMax, nil, x, b.Const(0))
		below := b.Op(graph.OpMax, nil, b.Neg(x), b.Const(0))
		return b.Equation(graph.OpEquation, fire, graph.Attrs{"steps": args.Int("steps")}, b.Concat(0, above, below))[0]
	})
}

// integrator is the equation v = 1/2 at first; v += x; a spike where v >= 1; then v -= 1. The derivative of a spike by x is 1.
func integrator() (*graph.Equation, error) {
	s := graph.NewBuilder("step", nil)
	x, v := s.Input("x", graph.Scalar()), s.Input("v", graph.Scalar())
	v = s.Add(v, x)
	spike := s.Op(graph.OpSpike, nil, v, s.Const(1), s.Const(1)) // of what, its threshold, and its derivative
	s.Output("emit", spike)
	s.Output("v", s.Sub(v, s.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, spike)))
	step, err := s.Finish()
	return &graph.Equation{Name: "integrator", Inputs: []string{"x"}, States: []graph.EquationState{{Name: "v", Start: 0.5}}, Step: step, Spikes: true}, err
}

// decode makes c channels of 2c: how often the first ones spike, less how often the others do, as shares of the time steps.
func decode(_ schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	c := input.Dims[0] / 2
	if input.Dims[0] != 2*c {
		return "", sdk.Complain("", "put a layer with an even number of outputs in front of it", "%d channels are no pairs", input.Dims[0]), nil
	}
	return module(input, nil, func(b *graph.Builder, x graph.Value) graph.Value {
		if input.DType != graph.F32 {
			x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		rate := b.Reduce("mean", x, graph.TimeAxis)
		return b.Sub(b.Slice(rate, 0, 0, c), b.Slice(rate, 0, c, c))
	})
}

// module returns the text of a graph that is the same in training and in evaluation.
func module(input graph.Type, equations []*graph.Equation, build func(*graph.Builder, graph.Value) graph.Value) (string, []schema.Complaint, error) {
	m := &graph.Module{Equations: equations}
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
