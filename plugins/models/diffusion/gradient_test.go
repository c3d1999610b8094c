package diffusion_test

import (
	"fmt"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// tiny makes a spec small: all of its layers, in few channels, for images of a size.
func tiny(spec string, size int, more ...string) experiment.Options {
	sets := []string{"channels=1", fmt.Sprint("size=", size), "width=4", "levels=[1, 2]", "blocks=1"}
	if spec == "sddpm" {
		sets = append(sets, "steps=2")
	} else {
		sets = append(sets, fmt.Sprintf("attend=[%d]", size/2), "groups=2")
	}
	return experiment.Options{Sets: append(sets, more...)}
}

// The gradient of a whole denoiser's training step, with skips, normalisations, attention, dropout, the step's embedding and,
// where it spikes, surrogates over time, is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate.
func TestWholeNetworkGradient(t *testing.T) {
	for _, spec := range []string{"sddpm", "ddpm-ann"} {
		t.Run(spec, func(t *testing.T) {
			m := fromSpec(t, modeltest.Published(t, spec), tiny(spec, 4, "images=mnist(size = 4, range = -1..1)"))
			variables := m.Values(func(v graph.Variable, i int) float64 {
				u := modeltest.Random(v.Name, false, 0, uint64(i))
				switch {
				case v.Init.Kind == "sinusoid":
					return modeltest.Initial(v, i)
				case v.Init.Kind == "constant" && v.Init.A != 0: // of a normalisation: near 1
					return 0.8 + 0.4*u
				}
				return 0.6*u - 0.3 // also where the spec starts with all but zeros
			})
			m.Gradient(t, 0, 1, interp.Env{N: 2, Variables: variables, Random: modeltest.Random,
				Inputs: map[string]interp.Value{"image": modeltest.Symmetric("image", graph.Real(1, 4, 4), 2)}})
		})
	}
}
