// Command leap is a plugin of one coder that computes by itself, whole blocks of examples over all time steps, in memory that it shares
// with snnc. What equations or a graph can say is faster so.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

func plugin() sdk.Plugin {
	least, most := 1.0, 4096.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Opaque: []sdk.Opaque{{
			Component: schema.Component{Kind: schema.Coder, Name: "leap", Version: "0.1.0",
				Doc:        "Values of 0..1 as so many spikes, evenly spread; decodes to the mean over time.",
				Directions: []schema.Direction{schema.Encode, schema.Decode},
				Params:     []schema.Param{{Name: "steps", Type: schema.Int, Default: "8", Min: &least, Max: &most, Doc: "time steps that are encoded"}},
				Opaque:     &schema.Opaque{Spikes: true, Gradient: true}},
			Prepare: prepare,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// prepare returns what computes a direction.
func prepare(use sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	if use.Direction == schema.Decode {
		return sdk.Prepared{Forward: mean, Backward: spread}, nil, nil
	}
	return sdk.Prepared{Forward: integrate, Backward: gather}, nil, nil
}

// integrate adds up the value, from 1/2, and spikes wherever the sum has reached another whole number.
func integrate(f *sdk.Forward) error {
	x := f.Inputs[0].At(0) // without time steps
	sum := make([]float32, len(x))
	for i := range sum {
		sum[i] = 0.5
	}
	for t := range f.Steps {
		y := f.Output.At(t)
		for i := range x {
			y[i] = 0
			if sum[i] += x[i]; sum[i] >= 1 {
				sum[i]--
				y[i] = 1
			}
		}
	}
	return nil
}

// gather takes 1 for the derivative of each spike by the value.
func gather(b *sdk.Backward) error {
	dx := b.Inputs[0].At(0)
	clear(dx)
	for t := range b.Steps {
		for i, g := range b.Gradient.At(t) {
			dx[i] += g
		}
	}
	return nil
}

// mean decodes.
func mean(f *sdk.Forward) error {
	y := f.Output.At(0)
	clear(y)
	for t := range f.Steps {
		for i, x := range f.Inputs[0].At(t) {
			y[i] += x
		}
	}
	for i := range y {
		y[i] /= float32(f.Steps)
	}
	return nil
}

// spread is the derivative of mean.
func spread(b *sdk.Backward) error {
	g := b.Gradient.At(0)
	for t := range b.Steps {
		for i, dx := 0, b.Inputs[0].At(t); i < len(dx); i++ {
			dx[i] = g[i] / float32(b.Steps)
		}
	}
	return nil
}
