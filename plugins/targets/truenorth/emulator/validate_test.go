package emulator

import (
	"strings"
	"testing"
)

// pair returns a network of two cores, each with a neuron, the first of which sends to the second.
func pair() *Network {
	n := &Network{
		Layers:     []string{"a", "b"},
		Parameters: []Parameters{{S: [4]int32{1, -1, 2, -2}, Alpha: 1, Beta: 5, Kappa: true}},
		Lines:      [][]Line{{{Core: 0, Axon: 3}}},
		Outputs:    1,
		Cores:      make([]Core, 2),
	}
	n.Cores[0].Neurons = []Neuron{{Place: 7, Destination: Destination{Kind: ToAxon, To: 1, Axon: 200, Delay: 1}}}
	n.Cores[0].Connect(3, 7)
	n.Cores[1].X = 1
	n.Cores[1].Neurons = []Neuron{{Place: 255, Layer: 1, Destination: Destination{Kind: ToOutput}}}
	n.Cores[1].Connect(200, 255)
	return n
}

func TestValidate(t *testing.T) {
	if err := pair().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Network)
		want   string
	}{
		{"columns", func(n *Network) { n.Columns = -1 }, "columns is -1"},
		{"range without 0", func(n *Network) { n.Rules.Low, n.Rules.High = 1, 2 }, "must have 0 in it"},
		{"range too large", func(n *Network) { n.Rules.Low, n.Rules.High = -1<<31, 2 }, "must have 0 in it"},
		{"weight above", func(n *Network) { n.Parameters[0].S[2] = 256 }, "parameters 0: s[2] is 256, and a weight has 9 bits: -256 to 255"},
		{"weight below", func(n *Network) { n.Parameters[0].S[0] = -257 }, "s[0] is -257"},
		{"leak", func(n *Network) { n.Parameters[0].Lambda = 256 }, "lambda is 256"},
		{"threshold", func(n *Network) { n.Parameters[0].Alpha = -1 }, "alpha is -1"},
		{"threshold above", func(n *Network) { n.Parameters[0].Alpha = 1 << 18 }, "alpha is 262144"},
		{"negative threshold", func(n *Network) { n.Parameters[0].Beta = -5 }, "(V is compared with -beta)"},
		{"mask", func(n *Network) { n.Parameters[0].TM = 19 }, "tm is 19"},
		{"mode", func(n *Network) { n.Parameters[0].Gamma = 3 }, "gamma is 3"},
		{"reset", func(n *Network) { n.Parameters[0].R = -1 << 19 }, "both r and -r"},
		{"start", func(n *Network) { n.Parameters[0].V = 1 << 19 }, "v is 524288"},
		{"chip", func(n *Network) { n.Cores[1].Chip = -1 }, "core 1: chip is -1"},
		{"place of a core", func(n *Network) { n.Cores[1].Y = 64 }, "core 1 is at x 1, y 64"},
		{"two cores", func(n *Network) { n.Cores[1].X = 0 }, "cores 0 and 1 are both on chip 0 at x 0, y 0"},
		{"type", func(n *Network) { n.Cores[0].Types[9] = 4 }, "core 0: axon 9 has type 4"},
		{"place", func(n *Network) { n.Cores[0].Neurons[0].Place = 256 }, "core 0: a neuron is at place 256"},
		{"order of places", func(n *Network) { n.Cores[0].Neurons = append(n.Cores[0].Neurons, n.Cores[0].Neurons[0]) }, "places must rise"},
		{"parameters", func(n *Network) { n.Cores[0].Neurons[0].Parameters = 1 }, "core 0: neuron 7: it has parameters 1, and there are 1 sets"},
		{"layer", func(n *Network) { n.Cores[0].Neurons[0].Layer = 2 }, "neuron 7: it is of layer 2"},
		{"no layers", func(n *Network) { n.Layers = nil }, "core 1: neuron 255: it is of layer 1, and there are 0 layers"},
		{"synapse", func(n *Network) { n.Cores[0].Connect(4, 70) }, "core 0: axon 4 has a synapse with neuron 70, which is not there"},
		{"output", func(n *Network) { n.Outputs = 0 }, "it goes to output 0, and there are 0 outputs"},
		{"kind", func(n *Network) { n.Cores[0].Neurons[0].Kind = 3 }, "its destination is of kind 3"},
		{"core of a destination", func(n *Network) { n.Cores[0].Neurons[0].To = 2 }, "core 0: neuron 7: it goes to core 2, and there are 2 cores"},
		{"axon of a destination", func(n *Network) { n.Cores[0].Neurons[0].Axon = 256 }, "it goes to axon 256 of core 1"},
		{"no delay", func(n *Network) { n.Cores[0].Neurons[0].Delay = 0 }, "its delay is 0 ticks, and 1 to 15 are possible"},
		{"long delay", func(n *Network) { n.Cores[0].Neurons[0].Delay = 16 }, "its delay is 16 ticks, and 1 to 15 are possible"},
		{"reach in x", func(n *Network) { n.Columns = 5; n.Cores[1].Chip = 4 }, "257 cores away in x and 0 in y, and a packet travels at most 255"},
		{"reach in y", func(n *Network) { n.Cores[1].Chip = 16 }, "1 cores away in x and 256 in y"},
		{"line", func(n *Network) { n.Lines[0][0].Axon = -1 }, "line 0, axon 0 of its list: axon -1 of core 0"},
		{"wait", func(n *Network) { n.Lines[0][0].Delay = -1 }, "a host waits 0 to 65536 ticks"},
	} {
		n := pair()
		c.change(n)
		if err := n.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	far := pair() // the farthest that a packet travels
	far.Cores[1].Chip, far.Cores[1].X, far.Cores[1].Y = 15, 63, 63
	if err := far.Validate(); err != nil {
		t.Error(err)
	}
}
