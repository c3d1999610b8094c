package opaquetest

import (
	"math"
	"math/rand/v2"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

// Name is what the plugin of Plugin is called.
const Name = "acme"

// Plugin returns a plugin of opaque components:
//
//   - leaky, the built-in neuron lif in code, with the derivative that its equations have under the surrogate atan(alpha = 2);
//   - dither, a neuron of two inputs that spikes with the probability x * gain, of which it draws, and passes the gradient on where that
//     is between 0 and 1;
//   - window, a coder that encodes by repetition and decodes by the mean over time;
//   - dry, a neuron without derivative that counts its time steps.
func Plugin() sdk.Plugin {
	zero, one := 0.0, 1.0
	tau := []schema.Param{
		{Name: "tau", Type: schema.Real, Default: "2", Min: &one, Doc: "Time constant in steps."},
		{Name: "threshold", Type: schema.Real, Default: "1", Min: &zero, Doc: "The membrane fires at this."},
	}
	return sdk.Plugin{Name: Name, Version: "0.3.1", Opaque: []sdk.Opaque{
		{Component: schema.Component{Kind: schema.Neuron, Name: "leaky", Version: "0.3.1", Doc: "A leaky integrate-and-fire neuron in code.", Params: tau,
			Opaque: &schema.Opaque{Spikes: true, Gradient: true}}, Prepare: leaky},
		{Component: schema.Component{Kind: schema.Neuron, Name: "dither", Version: "0.3.1", Doc: "Spikes with a probability.",
			Opaque: &schema.Opaque{Inputs: []string{"x", "gain"}, Spikes: true, Gradient: true, Random: true}}, Prepare: dither},
		{Component: schema.Component{Kind: schema.Coder, Name: "window", Version: "0.3.1", Doc: "Repeats, and averages over time.", Directions: []schema.Direction{schema.Encode, schema.Decode},
			Params: []schema.Param{{Name: "steps", Type: schema.Int, Default: "4", Min: &one, Doc: "Time steps."}}, Opaque: &schema.Opaque{Gradient: true}}, Prepare: window},
		{Component: schema.Component{Kind: schema.Neuron, Name: "dry", Version: "0.3.1", Doc: "Counts its time steps.", Opaque: &schema.Opaque{}}, Prepare: dry},
	}}
}

// leaky is v' = (x - v) / tau, a spike where v >= threshold, and a reset to 0.
func leaky(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	if u.Arguments.Real("threshold") == 0 {
		return sdk.Prepared{}, sdk.Complain("threshold", "make it greater", "a membrane at rest would fire at a threshold of 0"), nil
	}
	tau, threshold := float32(u.Arguments.Real("tau")), float32(u.Arguments.Real("threshold"))
	return sdk.Prepared{
		States: []schema.State{{Name: "v"}},
		Saved:  []string{"u"},
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
					if y[i] = 0; v[i] >= threshold {
						v[i], y[i] = 0, 1
					}
				}
			}
			return nil
		},
		Backward: func(b *sdk.Backward) error {
			after := make([]float32, b.Examples*b.Neurons()) // by the membrane behind the step
			for t := b.Steps - 1; t >= 0; t-- {
				v, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
				for i, dv := range after {
					above := v[i] - threshold
					z := math.Pi * above
					slope := 1 / (1 + z*z) // atan with alpha = 2
					spike, reset := dy[i]-dv*v[i], dv
					if above >= 0 {
						reset = 0
					}
					d := reset + spike*slope
					dx[i], after[i] = d/tau, d-d/tau
				}
			}
			return nil
		},
	}, nil, nil
}

// dither draws one number for each neuron and time step of an example, in the order of memory.
func dither(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	n := u.Neurons()
	return sdk.Prepared{
		Saved: []string{"dx", "dgain"},
		Forward: func(f *sdk.Forward) error {
			for e, seed := range f.Seeds {
				draw := rand.New(rand.NewPCG(seed, 0))
				for t := range f.Steps {
					x, gain, y := f.Inputs[0].At(t), f.Inputs[1].At(t), f.Output.At(t)
					for i := e * n; i < (e+1)*n; i++ {
						p := x[i] * gain[i]
						if y[i] = 0; draw.Float32() < p {
							y[i] = 1
						}
						if f.Saved != nil {
							dx, dgain := f.Saved[0].At(t), f.Saved[1].At(t)
							if dx[i], dgain[i] = 0, 0; p > 0 && p < 1 {
								dx[i], dgain[i] = gain[i], x[i]
							}
						}
					}
				}
			}
			return nil
		},
		Backward: func(b *sdk.Backward) error {
			for t := range b.Steps {
				for k := range b.Inputs {
					to, factor := b.Inputs[k].At(t), b.Saved[k].At(t)
					for i, dy := range b.Gradient.At(t) {
						to[i] = dy * factor[i]
					}
				}
			}
			return nil
		},
	}, nil, nil
}

// window repeats an input at all time steps, or takes the mean over them.
func window(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	repeat := func(from, to sdk.Series, steps int, factor float32) {
		for t := range steps {
			x, y := from.At(t), to.At(t)
			for i := range y {
				y[i] = x[i] * factor
			}
		}
	}
	sum := func(from, to sdk.Series, steps int, factor float32) {
		y := to.At(0)
		clear(y)
		for t := range steps {
			for i, v := range from.At(t) {
				y[i] += v
			}
		}
		for i := range y {
			y[i] *= factor
		}
	}
	p := sdk.Prepared{
		Forward:  func(f *sdk.Forward) error { repeat(f.Inputs[0], f.Output, f.Steps, 1); return nil },
		Backward: func(b *sdk.Backward) error { sum(b.Gradient, b.Inputs[0], b.Steps, 1); return nil },
	}
	if u.Direction == schema.Decode {
		p.Forward = func(f *sdk.Forward) error { sum(f.Inputs[0], f.Output, f.Steps, 1/float32(f.Steps)); return nil }
		p.Backward = func(b *sdk.Backward) error { repeat(b.Gradient, b.Inputs[0], b.Steps, 1/float32(b.Steps)); return nil }
	}
	return p, nil, nil
}

// dry gives x plus the number of time steps so far, which it counts from 10.
func dry(sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	return sdk.Prepared{States: []schema.State{{Name: "count", Start: 10}}, Forward: func(f *sdk.Forward) error {
		for t := range f.Steps {
			y, count := f.Output.At(t), f.State[0]
			for i, x := range f.Inputs[0].At(t) {
				y[i] = x + count[i]
				count[i]++
			}
		}
		return nil
	}}, nil, nil
}
