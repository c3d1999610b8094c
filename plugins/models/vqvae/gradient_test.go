package vqvae_test

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// The gradient of a whole training step is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate, and every choice of a code and every stop keeps its value, so that what
// passes a choice is the features plus a constant.
func TestWholeNetworkGradient(t *testing.T) {
	m := small(t)
	const examples = 2
	env := interp.Env{N: examples, Host: func(string) float64 { return 0.3 }, Inputs: map[string]interp.Value{
		"image": modeltest.Fill(graph.Real(1, 8, 8), examples, func(i int) float64 { return modeltest.Random("image", false, 0, uint64(i)) - 0.5 })}}
	env.Variables = m.Values(func(v graph.Variable, i int) float64 {
		switch {
		case v.Name == "codebook": // near the features, so that several are chosen
			return 1.2 * modeltest.Random(v.Name, false, 0, uint64(i))
		case v.Kind == graph.Parameter && v.Init.Kind == "constant" && v.Init.A == 1: // twice the usual gain, or hardly a neuron fires
			return 2
		}
		return modeltest.Initial(v, i)
	})
	if p := m.Step(t, 0, env).Outputs["perplexity"].Data[0]; p < 2 {
		t.Fatalf("the perplexity of the codes is %v: hardly a choice", p)
	}
	if moved, _ := m.Gradient(t, 0, 2, env); !slices.Contains(moved, "codebook") {
		t.Errorf("the codebook is not moved: %v", moved)
	}
}
