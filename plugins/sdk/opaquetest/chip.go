package opaquetest

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// AnyChip computes something for every circuit: element j of an output is a sum of all numbers of an example's inputs up to a time
// step, each times a small whole number that depends on both places, and the example's seed modulo 4. It spikes where that is at
// least 1, and is read out at the last step. It is an opaque.Chips.
type AnyChip struct{}

// Run implements opaque.Chips.
func (AnyChip) Run(c *graph.Chip, b opaque.Examples) error {
	// row returns the numbers of an example at a time step.
	row := func(x []float32, t graph.Type, step, e int) []float32 {
		if t.Steps == 0 {
			step = 0
		}
		return x[(step*b.Batch+e)*t.Size():][:t.Size()]
	}
	for e := range b.Batch {
		var seed float32
		if b.Seeds != nil {
			seed = float32(b.Seeds[e] % 4)
		}
		for k, t := range c.Outputs {
			for j := range t.Size() {
				sum := seed
				for step := range b.Steps {
					for i, in := range c.Inputs {
						for at, v := range row(b.Inputs[i], in, step, e) {
							sum += v * float32((3*at+5*j+i+k)%7-3)
						}
					}
					out := &row(b.Outputs[k], t, step, e)[j]
					switch {
					case t.DType == graph.F32:
						*out = sum
					case sum >= 1:
						*out = 1
					default:
						*out = 0
					}
				}
			}
		}
	}
	return nil
}
