package gan_test

import (
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// start gives parameters numbers between low and high of a variable, which the oracles know by role and place.
func start(m *modeltest.Model, between func(graph.Variable) (low, high float64)) map[string]interp.Value {
	places := m.Places()
	return m.Values(func(v graph.Variable, i int) float64 {
		if v.Kind == graph.Statistic {
			return v.Init.A
		}
		low, high := between(v)
		return low + (high-low)*modeltest.Uniform(places[v.Name], uint64(i))
	})
}

// pixels are numbers in 0..1 that the oracles know by a name.
func pixels(name string, t graph.Type, n int) interp.Value {
	return modeltest.Fill(t, n, func(i int) float64 { return modeltest.Uniform(name, uint64(i)) })
}

// One iteration of a small SGAD, with given weights, images and noise, has the losses, gradients and running statistics that
// PyTorch finds: attention over the steps, statistics of each step by itself, detached resets, the critic's membrane.
func TestSGADOracle(t *testing.T) {
	type side struct {
		Loss       map[string]float64
		Gradients  []modeltest.Projection
		Statistics map[string][]modeltest.Projection
	}
	var want struct {
		Examples              int
		Discriminate, Deceive side
	}
	modeltest.Oracle(t, "testdata/sgad.json", &want)
	m := model(t, modeltest.Published(t, "sgad"), experiment.Options{Sets: []string{
		"steps=4", "latent=5", "hidden=8", "maps=[3,2]", "views=[2,3]", "top=6", "score=4"}})
	variables := start(m, func(v graph.Variable) (float64, float64) {
		if v.Init.Kind == "uniform" { // of a product
			return 12 * v.Init.A, 12 * v.Init.B
		}
		if v.Init.A == 1 { // of a normalisation
			return 1.3, 1.7
		}
		return -0.2, 0.2
	})
	env := interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"image": pixels("image", graph.Real(1, 28, 28), want.Examples)},
		Random: func(label string, normal bool, index, element uint64) float64 {
			return 4*modeltest.UniformRandom(label, normal, index, element) - 2
		}}
	for i, w := range []struct {
		side
		role, other string
	}{{want.Discriminate, "discriminator", "generator"}, {want.Deceive, "generator", "discriminator"}} {
		res := m.Step(t, i, env)
		for name, v := range w.Loss {
			modeltest.Near(t, w.role+"'s "+name, res.Outputs[name].Data[0], v)
		}
		m.SeeGradients(t, res, w.role, w.Gradients)
		m.SeeStatistics(t, res, w.role, w.Statistics[w.role])
		m.SeeStatistics(t, res, w.other, w.Statistics[w.other])
	}
}
