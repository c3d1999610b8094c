package vqvae_test

import (
	"os"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/models/vqvae"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// oracle is testdata/small.json: what PyTorch computes in float64 (testdata/small.py).
type oracle struct {
	Examples              int
	Variance              float64
	Tokens                []float64
	Loss                  map[string]float64
	Gradients, Statistics map[string][]modeltest.Projection // by role, in the order of its tensors
}

// small is the model of testdata/small.snn.
func small(t *testing.T) *modeltest.Model {
	t.Helper()
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	return modeltest.Build(t, vqvae.Model(), string(text), modeltest.Images(graph.Real(1, 8, 8), 0))
}

// One training step, with given weights and images, chooses the codes and has the losses, gradients and running statistics that
// PyTorch finds with the published loss.
func TestOracle(t *testing.T) {
	var want oracle
	modeltest.Oracle(t, "testdata/small.json", &want)
	m := small(t)
	places := m.Places()
	variables := m.Values(func(v graph.Variable, i int) float64 {
		centre, spread := v.Init.A, 0.2
		if v.Kind == graph.Statistic {
			return centre
		}
		if centre == 1 { // the gain of a normalisation: with twice the usual one there are spikes enough to tell codes apart
			centre = 2
		}
		switch v.Init.Kind {
		case "uniform": // a layer: +-1/sqrt(fan in)
			centre, spread = 0, v.Init.B
		case "normal": // the codebook
			centre, spread = 0.6, 0.6
		}
		return centre + spread*(2*modeltest.Uniform(places[v.Name], uint64(i))-1)
	})
	res := m.Step(t, 0, interp.Env{N: want.Examples, Variables: variables, Host: func(string) float64 { return want.Variance }, Inputs: map[string]interp.Value{
		"image": modeltest.Fill(graph.Real(1, 8, 8), want.Examples, func(i int) float64 { return modeltest.Uniform("image", uint64(i)) - 0.5 })}})
	for name, v := range want.Loss {
		modeltest.Near(t, name, res.Outputs[name].Data[0], v)
	}
	for role, gradients := range want.Gradients {
		m.SeeGradients(t, res, role, gradients)
		m.SeeStatistics(t, res, role, want.Statistics[role])
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(want.Tokens)))); n < 3 {
		t.Errorf("the oracle chooses only %d codes, which tells little", n)
	}
}
