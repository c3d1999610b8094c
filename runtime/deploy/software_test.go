package deploy

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/runtime/host"
)

// judge runs a circuit by spikes and literally and fails where they differ.
func judge(t rapid.TB, n circuittest.Net, seed uint64, examples int) (spikes int) {
	t.Helper()
	b := n.Block(seed, examples)
	want, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
	if err != nil {
		t.Fatal(err)
	}
	s := newSoftware(&n.Circuit, n.Weights)
	block := host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: examples, Inputs: b.Inputs, Taps: s.taps(b.Steps, examples)}
	for _, p := range n.Circuit.Populations {
		if steps := b.Steps; p.Gives {
			if p.Reads {
				steps = 1
			}
			block.Outputs = append(block.Outputs, make([]float32, steps*examples*circuit.Size(p.Dims)))
		}
	}
	did, err := s.run(block, slices.Repeat([]uint64{seed}, examples))
	if err != nil {
		t.Fatal(err)
	}
	outputs, taps := block.Outputs, block.Taps
	for i, p := range n.Circuit.Populations {
		size, total := circuit.Size(p.Dims), 0
		if p.Reads {
			for k, v := range want.ReadOuts[i] {
				if float32(v) != outputs[0][k] {
					t.Fatalf("%s gives %v at %d, want %v", p.Name, outputs[0][k], k, v)
				}
			}
			outputs = outputs[1:]
		} else {
			if !slices.Equal(taps[0], want.Spikes[i]) {
				t.Fatalf("other spikes of %s", p.Name)
			}
			taps = taps[1:]
			if p.Gives {
				if !slices.Equal(outputs[0], want.Spikes[i]) {
					t.Fatalf("%s gives other spikes", p.Name)
				}
				outputs = outputs[1:]
			}
			for k, v := range want.Spikes[i] {
				total += int(v)
				did[i].each[k%size] -= float64(v)
				did[i].spikes[k/size/examples] -= float64(v)
			}
		}
		for _, v := range slices.Concat(did[i].each, did[i].spikes) {
			if v != 0 {
				t.Fatalf("%s: its spikes are not counted right", p.Name)
			}
		}
		synops := 0.0
		for k := range p.Synapses {
			x := &p.Synapses[k]
			from := b.Inputs[max(x.Input, 0)]
			if x.Population >= 0 {
				from = want.Spikes[x.Population]
			}
			from = slices.Clone(from)
			of := circuit.Size(circuit.SourceDims(&n.Circuit, x))
			for c := range circuit.Connections(x, p.Dims) {
				for te := range b.Steps * examples {
					if from[te*of+c.Source] != 0 {
						synops++
					}
				}
			}
		}
		if synops != did[i].synops {
			t.Fatalf("%s: %v synaptic events, want %v", p.Name, did[i].synops, synops)
		}
		for _, v := range did[i].seen.sorted() {
			if !slices.ContainsFunc(want.Membranes[i], func(m float64) bool { return float32(m) == v }) {
				t.Fatalf("%s never has a membrane of %v", p.Name, v)
			}
		}
		spikes += total
	}
	return spikes
}

// Run by spikes a circuit does what it does literally, whatever its synapses and neurons are.
func TestSoftware(t *testing.T) {
	spikes := 0
	rapid.Check(t, func(t *rapid.T) {
		n := circuittest.Generator(circuittest.Options{}).Draw(t, "circuit")
		spikes += judge(t, n, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "examples"))
	})
	if spikes == 0 {
		t.Error("nothing ever fires")
	}
}

// A block that is none is refused.
func TestNoBlock(t *testing.T) {
	n := circuittest.Random(1, circuittest.Options{})
	s := newSoftware(&n.Circuit, n.Weights)
	for _, b := range []host.Block{{Steps: 0, Batch: 1}, {Steps: 1, Batch: 0}, {Steps: 1, Batch: 1, Inputs: make([][]float32, len(n.Circuit.Inputs)+1)}} {
		if _, err := s.run(b, nil); err == nil {
			t.Errorf("%+v is run", b)
		}
	}
}
