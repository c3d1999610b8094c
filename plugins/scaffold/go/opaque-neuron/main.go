// Command leap is a plugin of one neuron that computes by itself, whole blocks of examples over all time steps, in memory that it shares
// with snnc. What equations can say is faster as equations.
package main

import (
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

func plugin() sdk.Plugin {
	one := 1.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Opaque: []sdk.Opaque{{
			Component: schema.Component{Kind: schema.Neuron, Name: "leap", Version: "0.1.0", Doc: "A leaky neuron with a threshold of 1.",
				Params: []schema.Param{{Name: "tau", Type: schema.Time, Default: "2 steps", Min: &one, Doc: "of the membrane"}},
				Opaque: &schema.Opaque{Spikes: true, Gradient: true}},
			Prepare: prepare,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// prepare returns what computes a use: v += (x - v) / tau, a spike where v >= 1, and then v = 0.
func prepare(use sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	tau := float32(use.Arguments.Real("tau"))
	return sdk.Prepared{
		States: []schema.State{{Name: "v"}},
		Saved:  []string{"u"}, // the membrane before it is reset
		Forward: func(f *sdk.Forward) error {
			v := f.State[0]
			for t := range f.Steps {
				x, y := f.Inputs[0].At(t), f.Output.At(t)
				for i := range v {
					v[i] += (x[i] - v[i]) / tau
				}
				if f.Saved != nil {
					copy(f.Saved[0].At(t), v)
				}
				for i := range v {
					y[i] = 0
					if v[i] >= 1 {
						v[i], y[i] = 0, 1
					}
				}
			}
			return nil
		},
		// In the place of the derivative of the spike stands 1 / (1 + (pi (v - 1))^2).
		Backward: func(b *sdk.Backward) error {
			later := make([]float32, b.Examples*b.Neurons()) // the gradient by the membrane behind the step
			for t := b.Steps - 1; t >= 0; t-- {
				u, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
				for i, next := range later {
					z := math.Pi * (u[i] - 1)
					d := (dy[i] - next*u[i]) / (1 + z*z) // by the spike, which also resets
					if u[i] < 1 {
						d += next
					}
					dx[i] = d / tau
					later[i] = d - d/tau
				}
			}
			return nil
		},
	}, nil, nil
}
