package main

import (
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// One neuron over four time steps, by hand. Operands are blocks of an arena, at offsets in bytes.
func TestNeuron(t *testing.T) {
	const steps, block = 4, 4 * 4
	o := plugin().NewOperators()
	_, err := o.Prepare(schema.PrepareRequest{Handle: "one", Component: "leap", Dims: []int{1},
		Arguments: schema.Arguments{"tau": {Type: schema.Time, Number: 2, Unit: "steps"}}})
	if err != nil {
		t.Fatal(err)
	}
	arena := make([]float32, 5*steps)
	x, y, u, dy, dx := arena[:4], arena[4:8], arena[8:12], arena[12:16], arena[16:]
	at := schema.Operands{Handle: "one", Steps: steps, Batch: 1, Count: 1}

	copy(x, []float32{1, 1.5, 0, 2})
	if err := o.Forward(arena, schema.ForwardRequest{Operands: at, Inputs: []int{0}, Output: block, Saved: []int{2 * block}}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{0.5, 1, 0, 1}; !slices.Equal(u, want) {
		t.Errorf("membranes %v, want %v", u, want)
	}
	if want := []float32{0, 1, 0, 1}; !slices.Equal(y, want) {
		t.Errorf("spikes %v, want %v", y, want)
	}

	dy[1] = 1
	if err := o.Backward(arena, schema.BackwardRequest{Operands: at, Saved: []int{2 * block}, Gradient: 3 * block, Inputs: []int{4 * block}}); err != nil {
		t.Fatal(err)
	}
	// The input before comes by the membrane, half of it, less what the reset of a spike there would have taken.
	before := (0.5 - 0.5*0.5/(1+math.Pi*math.Pi/4)) / 2
	if math.Abs(float64(dx[0])-before) > 1e-6 || !slices.Equal(dx[1:], []float32{0.5, 0, 0}) {
		t.Errorf("the gradient by the input is %v, want %v, 0.5, 0, 0", dx, before)
	}
}
