// Command leap is a plugin of one neuron that computes by itself, for the test of opaque operators.
package main

import (
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

func main() {
	sdk.Serve(sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.3.1",
		Opaque: []sdk.Opaque{{
			Component: schema.Component{
				Kind: schema.Neuron, Name: "leap", Version: "0.3.1", Doc: "A leaky neuron in code.",
				Params: []schema.Param{{Name: "tau", Type: schema.Time, Default: "2 steps", Doc: "Time constant of the membrane."}},
				Opaque: &schema.Opaque{Spikes: true, Gradient: true},
			},
			Prepare: prepare,
		}},
	})
}

// prepare returns the neuron v' = (x - v) / tau, which fires at 1 and starts again at 0, with the derivative 1 / (1 + (pi (v - 1))^2) in
// the place of that of the spike.
func prepare(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	tau := float32(u.Arguments.Real("tau"))
	if tau < 1 {
		return sdk.Prepared{}, sdk.Complain("tau", "make it longer", "a membrane of less than a step overshoots"), nil
	}
	forward := func(f *sdk.Forward) error {
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
				if y[i] = 0; v[i] >= 1 {
					v[i], y[i] = 0, 1
				}
			}
		}
		return nil
	}
	backward := func(b *sdk.Backward) error {
		dv := make([]float32, b.Examples*b.Neurons()) // by the membrane behind the step
		for t := b.Steps - 1; t >= 0; t-- {
			v, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
			for i := range dv {
				z := math.Pi * (v[i] - 1)
				d := (dy[i] - dv[i]*v[i]) / (1 + z*z)
				if v[i] < 1 {
					d += dv[i]
				}
				dx[i], dv[i] = d/tau, d-d/tau
			}
		}
		return nil
	}
	return sdk.Prepared{States: []schema.State{{Name: "v"}}, Saved: []string{"membrane"}, Forward: forward, Backward: backward}, nil, nil
}
