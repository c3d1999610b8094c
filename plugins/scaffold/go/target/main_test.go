package main

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// net is a circuit of one layer of neurons, each of which takes in both spikes of the input.
func net(neurons int) schema.Circuit {
	return schema.Circuit{Name: "net", Network: "net", Steps: 4, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{2}}},
		Populations: []schema.Population{{Name: "0.linear", Dims: []int{neurons}, Depth: 1, Gives: true,
			Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}},
			Synapses: []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{2}, Dims: []int{2}}, Weights: schema.Tensor{Dims: []int{neurons, 2}}}}}}}
}

var arguments = schema.Arguments{"neurons": {Type: schema.Int, Number: 64}}

// A circuit fits as long as there is room; the layer that finds none is told what would mend that.
func TestCheck(t *testing.T) {
	for _, x := range []struct {
		neurons int
		change  string
	}{{64, ""}, {65, "a chip with neurons = 65"}} {
		r := check(arguments, []schema.Circuit{net(x.neurons)})
		if r.Fits != (x.change == "") || len(r.Layers) != 1 || r.Layers[0].Change != x.change || r.Used[0].Used != float64(x.neurons) {
			t.Errorf("%d neurons: %+v", x.neurons, r)
		}
	}
}

// With weights that eight bits hold the chip gives the spikes of the circuit's reference.
func TestEmulate(t *testing.T) {
	c, w := net(3), circuit.In([]float32{1, -1, 0, 1, 1, 1})
	chip, r, err := compile(schema.CompileRequest{Arguments: arguments, Circuits: []schema.Circuit{c}}, w)
	if err != nil || !r.Fits {
		t.Fatalf("%+v %v", r, err)
	}
	x := []float32{1, 0, 0, 1, 1, 1, 0, 0} // two numbers at each of four time steps
	want, err := circuit.Run[float32](&c, w, circuit.Block{Steps: 4, Examples: 1, Inputs: [][]float32{x}})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 4*3)
	said, err := chip.Emulate(&sdk.Block{Circuit: "net", Steps: 4, Examples: 1, Inputs: []sdk.Series{sdk.NewSeries(x, 4, 2)}, Outputs: []sdk.Series{sdk.NewSeries(y, 4, 3)}})
	if err != nil || !slices.Equal(y, want.Spikes[0]) || !slices.Equal(said.Layers[0].Spikes, []float64{2, 2, 2, 0}) {
		t.Errorf("%v, not %v; %+v %v", y, want.Spikes[0], said, err)
	}
}
