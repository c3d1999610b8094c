package neurogrid

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// The drawn spikes by which gains are found.
const (
	sampled  = 16 // neurons
	examples = 3
	enough   = 8 // of the network's spikes among them; with fewer the least gain stands
)

// The seeds of what is drawn.
const (
	seedSpikes = 1 + iota
	seedNeurons
)

// sample is some neurons of a population with what flows into them, as a circuit: one input of all elements that reach them.
type sample struct {
	circuit schema.Circuit
	arena   []float32 // weights [neurons][elements], then biases
	rates   []float64 // of the elements
}

func (n *sample) weights(t schema.Tensor) []float32 { return circuit.In(n.arena)(t) }

// draw returns spikes of the elements, [steps][examples][elements].
func (n *sample) draw() circuit.Block {
	b := circuit.Block{Steps: n.circuit.Steps, Examples: examples}
	x := make([]float32, b.Steps*examples*len(n.rates))
	for i := range x {
		if emulator.Uniform(seedSpikes, i%len(n.rates), uint64(i/len(n.rates))) < n.rates[i%len(n.rates)] {
			x[i] = 1
		}
	}
	b.Inputs = [][]float32{x}
	return b
}

// spread picks neurons of n at random, in order, those first that were active. At equal distances they could all lie at the same place of a
// map, and that may be a corner, where least flows in.
func spread(n int, active func(i int) bool) []int {
	type drawn struct {
		neuron int
		key    float64
	}
	var first []drawn // those with the least keys
	for i := range n {
		x := drawn{i, emulator.Uniform(seedNeurons, i, 0)}
		if !active(i) {
			x.key++
		}
		if len(first) == sampled && x.key >= first[sampled-1].key {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, x, func(a, b drawn) int { return cmp.Compare(a.key, b.key) })
		if first = slices.Insert(first, at, x); len(first) > sampled {
			first = first[:sampled]
		}
	}
	out := make([]int, len(first))
	for k, x := range first {
		out[k] = x.neuron
	}
	slices.Sort(out)
	return out
}

// choose takes a sample of population j, whose plan is given; nil where nothing flows in. The rates are those of the elements of a source.
func (l *layout) choose(c *schema.Circuit, j int, y *plan, rates func(s *schema.Synapses) []float64, w sdk.Weights) *sample {
	p := &c.Populations[j]
	var measured []float32
	if p.Measured != nil && p.Measured.Rates != nil {
		measured = w(*p.Measured.Rates)
	}
	neurons := spread(circuit.Size(p.Dims), func(i int) bool { return measured == nil || measured[i] > 0 })
	m := len(neurons)
	number := slices.Repeat([]int{-1}, circuit.Size(p.Dims)) // of a neuron, in the sample
	for k, i := range neurons {
		number[i] = k
	}
	type element struct{ synapses, source int }
	elements := map[element]int{} // to that of the sample
	out := &sample{}
	var kept []link
	sources := make([][]float64, len(p.Synapses))
	for _, x := range y.links {
		if number[x.target] < 0 {
			continue
		}
		at := element{x.synapses, int(x.source)}
		if _, ok := elements[at]; !ok {
			if sources[x.synapses] == nil {
				sources[x.synapses] = rates(&p.Synapses[x.synapses])
			}
			elements[at] = len(elements)
			out.rates = append(out.rates, sources[x.synapses][x.source])
		}
		kept = append(kept, x)
	}
	e := len(elements)
	if e == 0 {
		return nil
	}
	out.arena = make([]float32, m*e+m)
	for _, x := range kept {
		out.arena[number[x.target]*e+elements[element{x.synapses, int(x.source)}]] += x.weight
	}
	q := schema.Population{Name: p.Name, Dims: []int{m}, Dynamics: p.Dynamics, Depth: 1, Gives: true}
	q.Late = false
	out.circuit = schema.Circuit{Name: c.Name, Network: c.Network, Steps: c.Steps}
	q.Synapses = []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{e}, Dims: []int{e}}, Weights: schema.Tensor{Dims: []int{m, e}}}}
	out.circuit.Inputs = append(out.circuit.Inputs, schema.Input{Name: "drawn", Kind: schema.SpikeInput, Dims: []int{e}})
	if y.bias != nil {
		for k, i := range neurons {
			out.arena[m*e+k] = y.bias[i]
		}
		q.Bias = &schema.Tensor{Dims: []int{m}, Offset: 4 * m * e}
	}
	out.circuit.Populations = []schema.Population{q}
	return out
}

// link is a connection of a population.
type link struct {
	synapses       int
	source, target int32
	weight         float32
}
