package deploy

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
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

// sums is the dynamics of a neuron that adds up what flows in, and keeps it, and never fires.
var sums = schema.Dynamics{Decay: 1, Threshold: 1e6, Reset: schema.Reset{Kind: schema.ResetNone}}

// Membranes are looked at in neurons of all columns of a map, and at all time steps, whatever their numbers have in common with how many
// are looked at.
func TestLooksEverywhere(t *testing.T) {
	for _, x := range []struct{ maps, side, steps int }{{16, 28, 4}, {32, 28, 2}, {32, 14, 8}, {64, 7, 16}, {64, 8, 4}, {128, 7, 8}, {1, 16, 2}, {3, 5, 1}} {
		var columns []float32
		for i := range x.side {
			columns = append(columns, float32(i))
		}
		d := sums
		d.Decay = 0
		p, s := biased(t, x.maps*x.side*x.side, x.steps, d, columns...)
		for e := range 4 {
			feed(t, s, uint64(e))
		}
		if err := s.Measure(p, 4); err != nil {
			t.Fatal(err)
		}
		if m := p.Circuits[0].Populations[0].Measured; m.Low != 0 || m.High != float64(x.side-1) {
			t.Errorf("%d maps of %d x %d at %d time steps: membranes of columns %v to %v", x.maps, x.side, x.side, x.steps, m.Low, m.High)
		}
	}
	// Also where there are so many that not all are kept.
	const steps = 4
	p, s := biased(t, 256, steps, sums, 1)
	for range 3 {
		feed(t, s, make([]uint64, 1000)...)
	}
	if err := s.Measure(p, 3000); err != nil {
		t.Fatal(err)
	}
	if m := p.Circuits[0].Populations[0].Measured; m.Low != 1 || m.High != steps {
		t.Errorf("membranes that rise from 1 to %d are measured from %v to %v", steps, m.Low, m.High)
	}
	count := map[float32]int{}
	kept := s.did["a"][0].seen.sorted()
	for _, v := range kept {
		count[v]++
	}
	if n := len(kept); n > mostSeen || n < mostSeen/2-10_000 {
		t.Errorf("%d membranes are kept", n)
	}
	for v := float32(1); v <= steps; v++ { // a standard deviation is 375
		if d := count[v] - len(kept)/steps; d < -2000 || d > 2000 {
			t.Errorf("of %d membranes, at %d time steps, %d are of step %v", len(kept), steps, count[v], v)
		}
	}
}

// Which membranes are looked at hangs neither on the order of examples nor on their blocks, nor on how many blocks come at once, and of all
// examples as many are kept.
func TestLooksAnyOrder(t *testing.T) {
	const examples = 1100
	r := rand.New(rand.NewPCG(1, 2))
	look := func(order []int, size, at int) (out []uint64) {
		_, s := biased(t, 256, 4, sums, 1, 2)
		blocks := make(chan []uint64)
		var all sync.WaitGroup
		for range at {
			all.Go(func() {
				for seeds := range blocks {
					feed(t, s, seeds...)
				}
			})
		}
		for block := range slices.Chunk(order, size) {
			var seeds []uint64
			for _, e := range block {
				seeds = append(seeds, uint64(e))
			}
			blocks <- seeds
		}
		close(blocks)
		all.Wait()
		for _, x := range s.did["a"][0].seen.all {
			out = append(out, uint64(x.key)<<32|uint64(math.Float32bits(x.v)))
		}
		slices.Sort(out)
		return out
	}
	order := r.Perm(examples)
	want := look(order, 64, 1)
	if n := len(want); n > mostSeen || n < mostSeen/2 {
		t.Errorf("%d membranes are kept", n)
	}
	slices.Reverse(order)
	for _, x := range [][2]int{{7, 3}, {examples, 1}} {
		if !slices.Equal(look(order, x[0], x[1]), want) {
			t.Errorf("in blocks of %d, %d at once, other membranes are looked at", x[0], x[1])
		}
	}
}
