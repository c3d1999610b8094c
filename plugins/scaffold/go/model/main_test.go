package main

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// request asks for the model with a network that gives the image it takes, beside a time of some type.
func request(t *testing.T, time graph.Type) sdk.BuildRequest {
	t.Helper()
	image, m := graph.Real(1, 4, 4), &graph.Module{}
	for _, mode := range []string{"train", "eval"} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		x := b.Input("image", image)
		b.Input("t", time)
		b.Output("y", x)
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		m.Functions = append(m.Functions, g)
	}
	return sdk.BuildRequest{
		Arguments: schema.Arguments{"turns": {Type: schema.Int, Number: 5}},
		Networks:  []schema.Network{{Role: velocity, Name: "net", Graph: m.Print()}},
		Fields:    map[string]graph.Type{"image": image},
	}
}

// The Program can be read, and its sampler takes the turns that are asked for.
func TestProgram(t *testing.T) {
	text, complaints, err := build(request(t, graph.Real(1)))
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	p, err := program.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Samplers[0]; s.Turns != 5 || s.Table[4][0] != 0.8 {
		t.Errorf("a sampler of %d turns, at the times %v", s.Turns, s.Table)
	}
}

// A network of another shape is told what it should be.
func TestNetwork(t *testing.T) {
	_, complaints, err := build(request(t, graph.Real(2)))
	if err != nil || len(complaints) != 1 || complaints[0].Path != velocity {
		t.Error(complaints, err)
	}
}
