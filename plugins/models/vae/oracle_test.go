package vae_test

import (
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// oracle is testdata/quickstart.json: what PyTorch computes in float64 (testdata/quickstart.py).
type oracle struct {
	Examples              int
	Loss, Rates           map[string]float64
	Gradients, Statistics map[string][]modeltest.Projection // by role, in the order of its tensors
}

// One training step of the quickstart's model, with given weights, images and picks, has the losses, firing rates, gradients
// and running statistics that PyTorch finds.
func TestQuickstartOracle(t *testing.T) {
	var want oracle
	modeltest.Oracle(t, "testdata/quickstart.json", &want)
	m := fromFile(t, "quickstart.snn", 8)
	places := m.Places()
	variables := m.Values(func(v graph.Variable, i int) float64 {
		centre, spread := v.Init.A, 0.2 // normalisation: near 1 and 0
		switch {
		case v.Kind == graph.Statistic:
			return v.Init.A
		case v.Init.Kind == "uniform": // linear: +-1/sqrt(fan in)
			centre, spread = 0, v.Init.B
		}
		return centre + spread*(2*modeltest.Uniform(places[v.Name], uint64(i))-1)
	})
	image := modeltest.Fill(graph.Real(1, 8, 8), want.Examples, func(i int) float64 { return 2*modeltest.Uniform("image", uint64(i)) - 1 })
	res := m.Step(t, 0, interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"image": image}, Random: modeltest.UniformRandom})
	for name, v := range want.Loss {
		modeltest.Near(t, name, res.Outputs[name].Data[0], v)
	}
	for role, gradients := range want.Gradients {
		m.SeeGradients(t, res, role, gradients)
		m.SeeStatistics(t, res, role, want.Statistics[role])
	}
	for layer, v := range want.Rates {
		modeltest.Near(t, "the rate of "+layer, res.Outputs[program.Rate+layer].Data[0], v)
	}
}
