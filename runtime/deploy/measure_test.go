package deploy

import (
	"context"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/record"
)

// biased is a placed circuit of n neurons that integrate the biases given in turn, and a server that counts in software.
func biased(t *testing.T, n, steps int, d schema.Dynamics, biases ...float32) (*Placed, *Server) {
	t.Helper()
	c := schema.Circuit{Name: "a", Network: "a", Steps: steps, Inputs: []schema.Input{{Kind: schema.SpikeInput, Dims: []int{1}}},
		Populations: []schema.Population{{Name: "p", Dims: []int{n}, Dynamics: d, Depth: 1, Gives: true, Bias: &schema.Tensor{Dims: []int{n}}}}}
	p := &Placed{Circuits: []schema.Circuit{c}, runs: map[string]float64{"a": 1}, Layers: []record.DeployedLayer{{Circuit: "a", Layer: "p"}}}
	for i := range n {
		p.Tensors = append(p.Tensors, biases[i%len(biases)])
	}
	if err := circuit.VerifyAll(p.Circuits); err != nil {
		t.Fatal(err)
	}
	s := NewServer(context.Background(), p)
	s.Watch(true, false)
	return p, s
}

// feed runs the circuit of biased for a block of examples, whose input is silent.
func feed(t *testing.T, s *Server, seeds ...uint64) {
	t.Helper()
	c := &s.circuits[0]
	n := c.Steps * len(seeds)
	if err := s.Run(&graph.Chip{Circuit: c.Name, Steps: c.Steps}, opaque.Examples{Steps: c.Steps, Batch: len(seeds), Seeds: seeds,
		Inputs: [][]float32{make([]float32, n)}, Outputs: [][]float32{make([]float32, n*c.Populations[0].Dims[0])}}); err != nil {
		t.Fatal(err)
	}
}

// Neurons that all fire at each step have a rate of exactly 1, however many they are: more makes no sense to a target.
func TestRate(t *testing.T) {
	for n := 1; n < 300; n++ {
		p, s := biased(t, n, 4, schema.Dynamics{Threshold: 0.5, Reset: schema.Reset{Kind: schema.ResetTo}}, 1)
		feed(t, s, 0)
		if err := s.Measure(p, 1); err != nil {
			t.Fatal(err)
		}
		if err := circuit.VerifyAll(p.Circuits); err != nil {
			t.Fatal(err)
		}
		if m := p.Circuits[0].Populations[0].Measured; m.Rate != 1 || m.Active != 1 {
			t.Fatalf("%d neurons: %+v", n, m)
		}
	}
}
