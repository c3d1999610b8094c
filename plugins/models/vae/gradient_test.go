package vae_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// The gradient of a whole fully spiking autoencoder, convolutions, normalisation over time, surrogates, prefix passes, picks
// and scheduled sampling together, is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate, and every comparison, pick and stop keeps its value.
func TestWholeNetworkGradient(t *testing.T) {
	m := fromFile(t, "small.snn", 4)
	_, still := m.Gradient(t, 0, 3, interp.Env{N: 3, Variables: m.Values(modeltest.Initial), Random: modeltest.Random,
		Host: func(string) float64 { return 0.5 }, Inputs: map[string]interp.Value{"image": modeltest.Symmetric("image", m.Request.Fields["image"], 3)}})
	// A bias right before a normalisation has no derivative: these are, and no others.
	if want := normalisedBiases(m); !slices.Equal(still, want) {
		t.Errorf("no derivative by %v, want none by %v", still, want)
	}
}

// normalisedBiases are the biases of the layers that a normalisation follows.
func normalisedBiases(m *modeltest.Model) []string {
	var out []string
	vars := m.Linker.Variables()
	for i, v := range vars {
		// weight, bias, and then the normalisation's own weight, bias, running mean and running variance
		if strings.HasSuffix(v.Name, ".bias") && i+3 < len(vars) && strings.HasSuffix(vars[i+3].Name, ".running_mean") {
			out = append(out, v.Name)
		}
	}
	return out
}

// fromFile is the model of a spec of testdata, for square images.
func fromFile(t testing.TB, name string, size int) *modeltest.Model {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return modeltest.Build(t, vae.Model(), string(text), modeltest.Images(graph.Real(1, size, size), 0))
}

// In eval mode an example does not see the batch around it: what the model makes of several at once is what it makes of each
// alone, and in another order.
func TestBatchesAreIndependent(t *testing.T) {
	m := fromFile(t, "small.snn", 4)
	variables := m.Values(modeltest.Initial)
	for name := range variables { // running statistics that differ from the batch's
		for i := range variables[name].Data {
			variables[name].Data[i] += 0.05 * float64(i%3)
		}
	}
	const examples = 4
	for _, export := range []string{"encode", "reconstruct"} {
		f := m.Program.Export(export)
		all := modeltest.Symmetric("image", m.Request.Fields["image"], examples)
		size := all.Type.Size()
		run := func(which ...int) interp.Value {
			x := interp.NewValue(all.Type, len(which))
			for i, e := range which {
				copy(x.Data[i*size:(i+1)*size], all.Data[e*size:])
			}
			return m.Run(t, f.Name, interp.Env{N: len(which), Variables: variables, Inputs: map[string]interp.Value{"image": x},
				Random: func(label string, normal bool, index, element uint64) float64 {
					return modeltest.Random(label, normal, uint64(which[index]), element)
				}})[f.Outputs[0].Name]
		}
		whole := run(0, 1, 2, 3)
		// of returns the part of a result that belongs to its e-th example.
		of := func(v interp.Value, e int) []float64 {
			var out []float64
			size := v.Type.Size()
			for t := range max(1, v.Type.Steps) {
				out = append(out, v.Data[(t*v.N+e)*size:(t*v.N+e+1)*size]...)
			}
			return out
		}
		moved := run(2, 0, 3, 1)
		for i, e := range []int{2, 0, 3, 1} {
			if !slices.Equal(of(moved, i), of(whole, e)) || !slices.Equal(of(run(e), 0), of(whole, e)) {
				t.Errorf("%s: example %d depends on its batch", export, e)
			}
		}
	}
}
