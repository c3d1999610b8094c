package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// kinds are components whose answers are text: each has the faults that begin with its kind.
func kinds() sdk.Plugin {
	ramp := `neuron ramp(tau: time = 2 steps) {
    input x
    state v = 0
    v' = (x - v) / tau
    output v
}`
	if fault == "neuron infinite" { // where nothing has come in
		ramp = strings.Replace(ramp, "output v", "output 1 / v", 1)
		ramp = strings.Replace(ramp, "v' = (x - v) / tau", "v' = v / tau + 0 * x", 1)
	}
	if fault == "neuron milliseconds" { // is right
		ramp = strings.Replace(ramp, "2 steps", "2 ms", 1)
	}
	if fault == "neuron named" { // otherwise in its equations
		ramp = strings.Replace(ramp, "neuron ramp", "neuron rampp", 1)
	}
	p := sdk.Plugin{Name: "acme/broken", Version: "1.0.0",
		Equations: []schema.Component{{Kind: schema.Neuron, Name: "ramp", Version: "1.0.0", Doc: "A membrane.", Equations: ramp}},
		Coders: []sdk.Coder{{
			Component: schema.Component{Kind: schema.Coder, Name: "rate", Version: "1.0.0", Doc: "A mean with a gain that is learned."},
			Decode:    rate,
		}},
		Models: []sdk.Model{{
			Component: schema.Component{Kind: schema.Model, Name: "copy", Version: "1.0.0", Doc: "A network that gives its input.",
				Roles: []schema.Role{{Name: "network", Takes: "network"}}, Samplers: []schema.Choice{{Name: "draw"}}},
			Build: copied,
		}},
		Targets: []sdk.Target{target()},
	}
	kind, _, _ := strings.Cut(fault, " ")
	for which, remove := range map[string]func(){"neuron": func() { p.Equations = nil }, "coder": func() { p.Coders = nil }, "model": func() { p.Models = nil }, "target": func() { p.Targets = nil }} {
		if which != kind && kind != "right" {
			remove()
		}
	}
	return p
}

// rate is the mean over time, times a gain for each channel.
func rate(_ schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
	dims := append([]int(nil), input.Dims...)
	for i := range dims[1:] {
		dims[i+1] = 1
	}
	gain := graph.Variable{Name: "gain", Type: graph.Type{Dims: dims}, Init: graph.Init{Kind: "constant", A: 1}, Kind: graph.Parameter}
	if fault == "coder random" {
		gain.Init.A = rand.Float64()
	}
	m := &graph.Module{Variables: []graph.Variable{gain}}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		x := b.Input("x", input)
		if input.DType != graph.F32 {
			x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		if fault != "coder timed" {
			x = b.Reduce("mean", x, graph.TimeAxis)
		}
		b.Output("y", b.Mul(x, b.Op(graph.OpRead, graph.Attrs{"var": "gain"})))
		g, err := b.Finish()
		if err != nil {
			return "", nil, err
		}
		m.Functions = append(m.Functions, g)
	}
	return m.Print(), nil, nil
}

// copied trains a network to give its input.
func copied(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	n := calls.Add(1)
	switch fault {
	case "model hang":
		if n == 2 {
			select {}
		}
	case "model crash": // on the third call
		if n == 3 {
			os.Exit(2)
		}
	case "model error":
		return "", nil, errors.New("no")
	case "model nonsense":
		return "program 1\nnonsense", nil, nil
	}
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return "", nil, err
	}
	image, complaints := r.Image()
	net := b.Role("network")
	switch {
	case len(complaints) > 0:
		return "", complaints, nil
	case len(net.In) != 1 || !net.In[0].Equal(image) || !net.Out[0].Equal(image):
		return "", sdk.Complain("network", "", "it takes an image and gives one"), nil
	}
	b.Function("step", func(f *sdk.Function) {
		x := f.Input("image", image)
		d := f.Sub(f.Apply("network", sdk.Mode{}, x)[0], x)
		loss := f.Mean(f.Mul(d, d))
		switch fault {
		case "model infinite":
			loss = f.Op(graph.OpLog, nil, f.Sub(loss, loss))
		case "model leak":
			loss = f.Scale(loss, float64(n))
		}
		f.Output("total", loss)
	})
	b.Function("draw", func(f *sdk.Function) {
		y := f.Apply("network", sdk.Mode{Eval: true}, f.Normal("noise", image))[0]
		switch fault {
		case "model endless":
			y = f.Div(y, f.Const(0))
		case "model crowd": // samples are drawn towards each other
			y = f.Add(y, f.Mean(y))
		}
		f.Output("image", y)
	})
	b.Sampler(program.Sampler{Name: "draw", Result: "draw"})
	b.Stream("images", "image")
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"network"}, Every: 1})
	text, err := b.Finish()
	return text, nil, err
}
