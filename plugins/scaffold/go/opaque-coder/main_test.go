package main

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// Three values over four time steps, there and back, by hand. Operands are blocks of an arena, at offsets in bytes.
func TestCoder(t *testing.T) {
	const steps, values = 4, 3
	o := plugin().NewOperators()
	for _, d := range []schema.Direction{schema.Encode, schema.Decode} {
		_, err := o.Prepare(schema.PrepareRequest{Handle: string(d), Component: "leap", Direction: d, Dims: []int{values},
			Arguments: schema.Arguments{"steps": {Type: schema.Int, Number: steps}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	arena := make([]float32, (2+2*steps)*values)
	still, timed := arena[:values], arena[values:values*(1+steps)] // [values], and [steps][values]
	at := schema.Operands{Handle: "encode", Steps: steps, Batch: 1, Count: 1}

	copy(still, []float32{0, 0.25, 1})
	if err := o.Forward(arena, schema.ForwardRequest{Operands: at, Inputs: []int{0}, Output: 4 * values}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1}; !slices.Equal(timed, want) {
		t.Errorf("spikes %v, want %v", timed, want)
	}
	at.Handle = "decode"
	if err := o.Forward(arena, schema.ForwardRequest{Operands: at, Inputs: []int{4 * values}, Output: 0}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{0, 0.25, 1}; !slices.Equal(still, want) {
		t.Errorf("decoded to %v, want %v", still, want)
	}

	copy(still, []float32{4, 8, 12})
	if err := o.Backward(arena, schema.BackwardRequest{Operands: at, Gradient: 0, Inputs: []int{4 * values}}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}; !slices.Equal(timed, want) {
		t.Errorf("the gradient of decoding is %v, want %v", timed, want)
	}
	at.Handle = "encode"
	if err := o.Backward(arena, schema.BackwardRequest{Operands: at, Gradient: 4 * values, Inputs: []int{0}}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{4, 8, 12}; !slices.Equal(still, want) {
		t.Errorf("the gradient of encoding is %v, want %v", still, want)
	}
}
