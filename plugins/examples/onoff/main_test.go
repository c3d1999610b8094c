package main

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// A value of -1..1 is spikes of one channel alone, as many as its share of the time steps, and is what they are decoded to.
func TestBothWays(t *testing.T) {
	const steps, n = 8, 17
	var x []float64
	for i := range n {
		x = append(x, float64(i-8)/8, float64(8-i)/8) // of the channels 0 and 1
	}
	spikes := run(t, encode, graph.Real(2), steps, n, x)
	if want := graph.Spikes(steps, 4); !spikes.Type.Equal(want) {
		t.Fatalf("spikes are %v, want %v", spikes.Type, want)
	}
	for i := range n {
		for c := range 2 {
			var on, off float64
			for s := range steps {
				at := (s*n + i) * 4
				on, off = on+spikes.Data[at+c], off+spikes.Data[at+2+c]
			}
			if v := steps * x[2*i+c]; on != math.Max(v, 0) || off != math.Max(-v, 0) {
				t.Errorf("%v is %v and %v spikes", x[2*i+c], on, off)
			}
		}
	}
	back := run(t, decode, spikes.Type, steps, n, spikes.Data)
	for i, v := range x {
		if back.Data[i] != v {
			t.Errorf("%v is decoded to %v", v, back.Data[i])
		}
	}
}

// run runs a direction of the coder over n examples; training and evaluation do the same.
func run(t *testing.T, way func(schema.Arguments, graph.Type) (string, []schema.Complaint, error), in graph.Type, steps, n int, x []float64) interp.Value {
	t.Helper()
	text, complaints, err := way(schema.Arguments{"steps": {Type: schema.Int, Number: float64(steps)}}, in)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]interp.Value{}
	for _, mode := range []string{"train", "eval"} {
		r, err := interp.Run(m.Function(mode), &interp.Env{N: n, Inputs: map[string]interp.Value{"x": {Type: in, N: n, Data: x}}})
		if err != nil {
			t.Fatal(err)
		}
		out[mode] = r.Outputs["y"]
	}
	for i, v := range out["train"].Data {
		if out["eval"].Data[i] != v {
			t.Fatal("training and evaluation differ")
		}
	}
	return out["eval"]
}

// Channels that are no pairs are refused.
func TestOdd(t *testing.T) {
	if _, complaints, err := decode(nil, graph.Spikes(4, 5)); err != nil || len(complaints) != 1 {
		t.Error(complaints, err)
	}
}
