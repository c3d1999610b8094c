package absorbing_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// oracle is testdata/small.json: what PyTorch computes in float64 (testdata/small.py).
type oracle struct {
	Examples  int
	Loss      map[string]float64 // by weight
	Hidden    float64
	Gradients map[string][]modeltest.Projection // by weight, in the order of the denoiser's tensors
}

// small is the model of testdata/small.snn with a weight of its loss, and first values of its variables.
func small(t *testing.T, weight string) (*modeltest.Model, map[string]interp.Value) {
	t.Helper()
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := second(t, strings.Replace(string(text), "weight = reweighted", "weight = "+weight, 1))
	places := m.Places()
	return m, m.Values(func(v graph.Variable, i int) float64 {
		centre, spread := 2*v.Init.A, 0.2 // the gain of a normalisation is twice the usual one, or hardly a neuron fires
		switch {
		case v.Init.Kind == "uniform": // a layer: +-1/sqrt(fan in)
			centre, spread = 0, v.Init.B
		case v.Kind != graph.Parameter:
			return v.Init.A
		}
		return centre + spread*(2*modeltest.Uniform(places[v.Name], uint64(i))-1)
	})
}

// codes are tokens below 5 in 2 x 2 cells.
func codes(n int) interp.Value {
	return modeltest.Fill(graph.Real(2, 2).With(graph.I32), n, func(i int) float64 { return math.Floor(5 * modeltest.Uniform("tokens", uint64(i))) })
}

// One training step, with given weights, tokens, steps and masks, has the losses and gradients that PyTorch finds with the
// published loss, for each of its weights. The bits are those of the bound, whatever is trained.
func TestOracle(t *testing.T) {
	var want oracle
	modeltest.Oracle(t, "testdata/small.json", &want)
	if len(want.Loss) != 3 {
		t.Fatalf("weights %v", want.Loss)
	}
	for weight, loss := range want.Loss {
		m, variables := small(t, weight)
		res := m.Step(t, 0, interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(want.Examples)}, Random: modeltest.UniformRandom})
		modeltest.Near(t, weight, res.Outputs["total"].Data[0], loss)
		modeltest.Near(t, "the bits", res.Outputs["bits"].Data[0], want.Loss["elbo"])
		modeltest.Near(t, "the hidden share", res.Outputs["hidden"].Data[0], want.Hidden)
		m.SeeGradients(t, res, "denoiser", want.Gradients[weight])
	}
}

// The gradient of the denoiser's training step is that of finite differences of its smoothed twin: the network in which every
// spike is the line through it with the slope of its surrogate, and every mask keeps its value.
func TestGradient(t *testing.T) {
	const examples = 5
	m, variables := small(t, "shifted")
	m.Gradient(t, 0, 1, interp.Env{N: examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(examples)}, Random: modeltest.UniformRandom})
}

// At step s of S each cell is hidden with probability s / S, and all steps are alike likely (Austin et al. 2021, the absorbing
// schedule 1 / (S - s + 1)).
func TestMaskedShare(t *testing.T) {
	m, variables := small(t, "reweighted")
	const examples, steps = 150, 4
	run := func(first uint64, s func(u float64) float64) float64 {
		return m.Run(t, "step", interp.Env{N: examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(examples)},
			Random: func(label string, normal bool, index, element uint64) float64 {
				u := modeltest.UniformRandom(label, normal, first+index, element)
				if label == "s" {
					u = s(u)
				}
				return u
			}})["hidden"].Data[0]
	}
	judge := func(what string, got, want, deviation float64) {
		t.Helper()
		if math.Abs(got-want) > 4*deviation { // once in 16,000 draws
			t.Errorf("%s: a share of %v is hidden, want %v", what, got, want)
		}
	}
	for s := 1; s <= steps; s++ {
		p := float64(s) / steps
		got := run(uint64(s)*examples, func(float64) float64 { return (float64(s) - 0.5) / steps })
		judge(fmt.Sprint("step ", s), got, p, math.Sqrt(p*(1-p)/(4*examples)))
	}
	// The share of an example has the variance of a step's, (S^2 - 1) / (12 S^2), and at most 1/16 of its four cells.
	judge("any step", run(9*examples, func(u float64) float64 { return u }), 5.0/8, math.Sqrt((15.0/192+1.0/16)/examples))
}
