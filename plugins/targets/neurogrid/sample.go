package neurogrid

import (
	"cmp"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// The drawn spikes and drives by which gains are found.
const (
	sampled  = 16 // neurons
	examples = 3
	enough   = 8 // of the network's spikes among them; with fewer the least gain stands
)

// The seeds of what is drawn.
const (
	seedSpikes = 1 + iota
	seedNeurons
	seedDrives
	seedCounts
)

// sample is some neurons of a population with what flows into them, as a circuit: one input of all elements that reach them, and one of
// drives where the population has any.
type sample struct {
	circuit schema.Circuit
	arena   []float32 // weights [neurons][elements], then biases
	rates   []float64 // of the elements
	drives  []float32 // [examples][neurons]; nil: none
}

func (n *sample) weights(t schema.Tensor) []float32 { return circuit.In(n.arena)(t) }

// draw returns spikes of the elements, [steps][examples][elements], and the drives.
func (n *sample) draw() circuit.Block {
	b := circuit.Block{Steps: n.circuit.Steps, Examples: examples}
	if len(n.rates) > 0 {
		x := make([]float32, b.Steps*examples*len(n.rates))
		for i := range x {
			if emulator.Uniform(seedSpikes, i%len(n.rates), uint64(i/len(n.rates))) < n.rates[i%len(n.rates)] {
				x[i] = 1
			}
		}
		b.Inputs = append(b.Inputs, x)
	}
	if n.drives != nil {
		b.Inputs = append(b.Inputs, n.drives)
	}
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
func (l *layout) choose(c *schema.Circuit, j int, y *plan, rates func(s *schema.Synapses) []float64, w sdk.Weights) (*sample, error) {
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
	if e == 0 && len(p.Drive) == 0 {
		return nil, nil
	}
	out.arena = make([]float32, m*e+m)
	for _, x := range kept {
		out.arena[number[x.target]*e+elements[element{x.synapses, int(x.source)}]] += x.weight
	}
	q := schema.Population{Name: p.Name, Dims: []int{m}, Dynamics: p.Dynamics, Depth: 1, Gives: true}
	q.Late = false
	out.circuit = schema.Circuit{Name: c.Name, Network: c.Network, Steps: c.Steps}
	if e > 0 {
		q.Synapses = []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{e}, Dims: []int{e}}, Weights: schema.Tensor{Dims: []int{m, e}}}}
		out.circuit.Inputs = append(out.circuit.Inputs, schema.Input{Name: "drawn", Kind: schema.SpikeInput, Dims: []int{e}})
	}
	if y.bias != nil {
		for k, i := range neurons {
			out.arena[m*e+k] = y.bias[i]
		}
		q.Bias = &schema.Tensor{Dims: []int{m}, Offset: 4 * m * e}
	}
	if len(p.Drive) > 0 {
		q.Drive = []int{len(out.circuit.Inputs)}
		out.circuit.Inputs = append(out.circuit.Inputs, schema.Input{Name: "driven", Kind: schema.DriveInput, Dims: []int{m}})
	}
	out.circuit.Populations = []schema.Population{q}
	if len(p.Drive) == 0 {
		return out, nil
	}
	spikes := same(l.rate, m)
	for k, i := range neurons {
		if measured != nil {
			spikes[k] = float64(measured[i])
		} else if p.Measured != nil {
			spikes[k] = p.Measured.Rate
		}
	}
	return out, out.drive(p.Measured, spikes)
}

// drive draws the drives. What the host will send is not known before it does, but how often the neurons spiked is, and how far their membranes
// went. So drives are normal over examples: with the standard deviation that the range of membranes leaves, of a threshold where
// it was not measured, and for each neuron with the mean at which the network's own, with all else that flows in, spikes as often as it did.
func (n *sample) drive(measured *schema.Measured, rates []float64) error {
	p := &n.circuit.Populations[0]
	m, steps := len(rates), n.circuit.Steps
	deviation := p.Threshold
	if measured != nil && measured.High > measured.Low {
		// A constant drive is summed up over an example by a membrane that no spike resets; one above the threshold is reset at each step.
		sum, left := 0.0, 1.0
		for range steps {
			sum, left = sum+left, left*memory(p.Dynamics)
		}
		low, high := measured.Low/sum, measured.High
		if high < p.Threshold {
			high /= sum
		}
		deviation = (high - low) / (2 * 3.09) // the quantiles of 0.1 % and 99.9 %
	}
	most := 0.0 // of what else flows into a neuron
	e := len(n.rates)
	for k := range m {
		x := math.Abs(float64(n.arena[m*e+k]))
		for _, v := range n.arena[k*e:][:e] {
			x += math.Abs(float64(v))
		}
		most = math.Max(most, x)
	}
	most += 2*p.Threshold + 4*deviation
	n.drives = make([]float32, examples*m)
	at := func(mean []float64) {
		for i := range n.drives {
			z := math.Sqrt2 * math.Erfinv(2*emulator.Uniform(seedDrives, i%m, uint64(i/m))-1)
			n.drives[i] = float32(mean[i%m] + deviation*math.Max(-3.09, math.Min(3.09, z)))
		}
	}
	b := n.draw()
	// least returns the least mean of each neuron at which it spikes so many times in all examples.
	least := func(counts []int) ([]float64, error) {
		low, high, middle := same(-most, m), same(most, m), make([]float64, m)
		for range 16 {
			for k := range middle {
				middle[k] = (low[k] + high[k]) / 2
			}
			at(middle)
			out, err := circuit.Run[float64](&n.circuit, n.weights, b)
			if err != nil {
				return nil, err
			}
			spikes := make([]int, m)
			for i, v := range out.Spikes[0] {
				spikes[i%m] += int(v)
			}
			for k := range middle {
				if spikes[k] >= counts[k] {
					high[k] = middle[k]
				} else {
					low[k] = middle[k]
				}
			}
		}
		return high, nil
	}
	counts, more := make([]int, m), make([]int, m)
	for k, r := range rates { // rounded up or down so that the mean is kept
		counts[k] = int(r*float64(examples*steps) + emulator.Uniform(seedCounts, k, 0))
		more[k] = counts[k] + 1
	}
	from, err := least(counts)
	if err != nil {
		return err
	}
	to, err := least(more)
	if err != nil {
		return err
	}
	for k := range from { // in the middle of all that give as many spikes, and no more than a deviation from those that do not
		from[k] = (math.Max(from[k], to[k]-2*deviation) + math.Min(to[k], from[k]+2*deviation)) / 2
	}
	at(from)
	return nil
}

// link is a connection of a population.
type link struct {
	synapses       int
	source, target int32
	weight         float32
}
