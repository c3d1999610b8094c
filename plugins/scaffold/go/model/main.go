// Command leap is a plugin of one model, which is a Program: snnc trains and runs it, and nothing is computed in this process.
//
// The model learns the velocity of points on a straight way from noise to images, and follows it from noise (rectified flow: Liu, Gong &
// Liu, ICLR 2023).
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// velocity is the argument that takes the network, and what the model exports.
const velocity = "velocity"

func plugin() sdk.Plugin {
	least, most := 1.0, 1000.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Models: []sdk.Model{{
			Component: schema.Component{Kind: schema.Model, Name: "leap", Version: "0.1.0", Doc: "Draws images by a straight way from noise.",
				Roles:    []schema.Role{{Name: velocity, Takes: "network", Doc: "(image on its way, time as real[1]) to its velocity"}},
				Params:   []schema.Param{{Name: "turns", Type: schema.Int, Default: "20", Min: &least, Max: &most, Doc: "from noise to an image"}},
				Samplers: []schema.Choice{{Name: "euler", Doc: "asks for the velocity once a turn"}},
				Exports:  []string{velocity}},
			Build: build,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// build returns the Program, or what is wrong with the arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	image, complaints := r.Image()
	if len(complaints) > 0 {
		return "", complaints, nil
	}
	b := sdk.NewProgram(r.Networks)
	net := b.Role(velocity)
	if b.Err() != nil || net == nil {
		return "", nil, b.Err()
	}
	if len(net.In) != 2 || !net.In[0].Equal(image) || !net.In[1].Equal(graph.Real(1)) || !net.Out[0].Equal(image) {
		help := "declare it as `(image: " + sdk.Wire(image) + ", t: real[1]) -> " + sdk.Wire(image) + "`"
		return "", sdk.Complain(velocity, help, "the network takes an image and a time, and gives an image"), nil
	}

	// Training: at a random point of the way from noise z to an image x the velocity is x - z.
	b.Function("step", func(f *sdk.Function) {
		x, z, t := f.Input("image", image), f.Normal("noise", image), f.Uniform("time", graph.Real())
		point := f.Add(f.Mul(x, t), f.Mul(z, f.Sub(f.Const(1), t)))
		said := f.Apply(velocity, sdk.Mode{}, point, f.Reshape(t, 1))[0]
		f.Output("total", f.MeanSquare(said, f.Sub(x, z)))
	})
	b.Stream("images", "image")
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{velocity}})

	// Sampling: from noise in turns of equal length.
	turns := r.Arguments.Int("turns")
	var times [][]float64
	for k := range turns {
		times = append(times, []float64{float64(k) / float64(turns)})
	}
	b.Function("start", func(f *sdk.Function) { f.Output("x", f.Normal("start", image)) })
	b.Function("turn", func(f *sdk.Function) {
		x, t := f.Input("x", image), f.Input("t", graph.Scalar())
		v := f.Apply(velocity, sdk.Mode{Eval: true}, x, f.Expand(t, graph.Real(1)))[0]
		f.Output("x", f.Add(x, f.Scale(v, 1/float64(turns))))
	})
	b.Function("finish", func(f *sdk.Function) { f.Output("image", f.Input("x", image)) })
	b.Sampler(program.Sampler{Name: "euler", Init: "start", Loop: "turn", Turns: turns, Result: "finish", Columns: []string{"t"}, Table: times})

	// What metrics and other models may call.
	b.Function(velocity, func(f *sdk.Function) {
		f.Output("velocity", f.Apply(velocity, sdk.Mode{Eval: true}, f.Input("image", image), f.Input("t", graph.Real(1)))[0])
	})
	b.Export(velocity, velocity)
	text, err := b.Finish()
	return text, nil, err
}
