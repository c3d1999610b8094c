package vae_test

import (
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// Where encoder and decoder know biases alone, the bound of an image is that of a normal distribution about the decoder's, with the
// variance that the weights of the loss stand for, and the divergence of the encoder's: of means m and logarithms of variances l that is
// the sum of (m^2 + exp l - 1 - l) / 2. A loss without divergence bounds nothing.
func TestBound(t *testing.T) {
	const n, pixels = 3, 12
	spec := `snn 1
network to(image: real[1, 3, 4]) -> real[4] { return image -> flatten -> linear(4) }
network back(z: real[2]) -> real[1, 3, 4] { return z -> linear(12) -> reshape(1, 3, 4) }
model m = vae(encoder = to, decoder = back, loss = 2 * mse + kl / 6)
`
	m := modeltest.Build(t, vae.Model(), spec, modeltest.Images(graph.Real(1, 3, 4), 0))
	latent := []float64{0.5, -1, 0.25, -0.75} // two means and two logarithms
	variables := m.Values(func(v graph.Variable, i int) float64 {
		switch {
		case len(v.Type.Dims) > 1:
			return 0
		case len(latent) == v.Type.Dims[0]:
			return latent[i]
		}
		return 0.1 * float64(i)
	})
	image := modeltest.Fill(graph.Real(1, 3, 4), n, func(i int) float64 { return 2*modeltest.Uniform("image", uint64(i)) - 1 })
	out := m.Run(t, "bound", interp.Env{N: n, Variables: variables, Inputs: map[string]interp.Value{"image": image}, Random: modeltest.Random})["density"]
	variance := (1. / 6) * pixels / (2 * 2)
	for e := range n {
		var got, want float64
		for k := range pixels {
			got += out.Data[pixels*e+k]
			want += math.Log(2*math.Pi*variance)/2 + math.Pow(image.Data[pixels*e+k]-0.1*float64(k), 2)/(2*variance)
		}
		for k := range 2 {
			mean, log := latent[k], latent[k+2]
			want += (mean*mean + math.Exp(log) - 1 - log) / 2
		}
		modeltest.Near(t, "the bound", got, want)
	}
	if m := modeltest.Build(t, vae.Model(), strings.Replace(spec, "2 * mse + kl / 6", "mse", 1), modeltest.Images(graph.Real(1, 3, 4), 0)); m.Program.Export("bound") != nil {
		t.Error("a loss without divergence has a bound")
	}
}
