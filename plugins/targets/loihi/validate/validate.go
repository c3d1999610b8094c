package validate

import (
	"cmp"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/loihi/mapping"
)

// The limits of a core (Davies et al. 2018; nengo-loihi, block.py and validate.py). Those of 32 configurations of compartments and of 8
// thresholds are kept where a core has one population, as a Table says.
const (
	compartments   = 1024
	inputAxons     = 4096
	outputSlots    = 4096
	synapseWords   = 16384
	synapseFormats = 8
	delays         = 62
	baseLimit      = 256  // of a population axon
	atoms          = 4096 // 12 bits of a population axon of 32 bits
	meshColumns    = 8
	meshRows       = 4
	coresPerTile   = 4

	// Of Loihi 2: what its compiler is seen to keep (lava-dl, pilotnet_sdnn/benchmark.ipynb). No limit of axons is published.
	neurons2 = 4095
	words2   = 12000
)

// most bounds how many findings are listed.
const most = 20

// findings collects what is wrong.
type findings struct{ list []string }

func (f *findings) add(format string, args ...any) {
	if len(f.list) < most {
		f.list = append(f.list, fmt.Sprintf(format, args...))
	}
}

// Check returns what is wrong with a placement of all populations of the circuits, with weights of so many bits, on a chip of generation 1
// or 2; nothing where it keeps all limits, has each neuron once and each connection once, and leads each spike to where the connections of
// its neuron are.
func Check(circuits []schema.Circuit, generation, bits int, t *mapping.Tables) []string {
	var f findings
	places := map[mapping.Place]int{}
	for k := range t.Cores {
		c := &t.Cores[k]
		if c.X < 0 || c.X >= meshColumns || c.Y < 0 || c.Y >= meshRows || c.Slot < 0 || c.Slot >= coresPerTile || c.Chip < 0 {
			f.add("core %d is at %+v, where no core is", k, c.Place)
		}
		if other, ok := places[c.Place]; ok {
			f.add("cores %d and %d are both at %+v", other, k, c.Place)
		}
		places[c.Place] = k
		f.core(circuits, generation == 2, bits, t, k)
	}
	f.neurons(circuits, t)
	if len(f.list) == 0 { // else indices may lead nowhere
		f.connections(circuits, t)
	}
	return f.list
}

// core looks at the memories of a core.
func (f *findings) core(circuits []schema.Circuit, second bool, bits int, t *mapping.Tables, k int) {
	c := &t.Cores[k]
	if c.Circuit < 0 || c.Circuit >= len(circuits) || c.Population < 0 || c.Population >= len(circuits[c.Circuit].Populations) {
		f.add("core %d has population %d of circuit %d, which is not there", k, c.Population, c.Circuit)
		return
	}
	p := &circuits[c.Circuit].Populations[c.Population]
	limit := func(what string, n, limit int) {
		if n > limit {
			f.add("core %d of %s has %d %s, and the limit is %d", k, p.Name, n, what, limit)
		}
	}
	if second {
		limit("neurons", len(c.Neurons), neurons2)
	} else {
		limit("compartments", len(c.Neurons), compartments)
		limit("input axons", len(c.Axons), inputAxons)
	}
	slots := 0
	for i := range c.Sends {
		s := &c.Sends[i]
		slots += s.Slots
		if s.Core < 0 || s.Core >= len(t.Cores) || s.Axon < 0 || s.Axon >= len(t.Cores[s.Core].Axons) {
			f.add("core %d of %s sends to axon %d of core %d, which is not there", k, p.Name, s.Axon, s.Core)
			continue
		}
		f.slots(k, p.Name, s, t)
	}
	if !second {
		limit("slots of output axons", slots, outputSlots)
	}
	if slots != c.Outputs {
		f.add("core %d of %s has %d slots of output axons, and the mapper counted %d", k, p.Name, slots, c.Outputs)
	}
	words := 0
	formats := map[[3]int]bool{}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		words += f.block(k, p, b, second, bits)
		formats[[3]int{b.Width, b.Index, b.Delay}] = true
	}
	if second {
		words = memory2(p, c, bits)
		limit("words of synapses", words, words2)
	} else {
		limit("words of synapses", words, synapseWords)
		limit("synapse formats", len(formats), synapseFormats-1) // format 0 is not used
	}
	if int64(words) != c.Words {
		f.add("core %d of %s has %d words of synapses, and the mapper counted %d", k, p.Name, words, c.Words)
	}
	for i, a := range c.Axons {
		if a.Block < 0 || a.Block >= len(c.Blocks) {
			f.add("input axon %d of core %d of %s has block %d, which is not there", i, k, p.Name, a.Block)
			continue
		}
		if a.Base < 0 || a.Base >= baseLimit && !second {
			f.add("input axon %d of core %d of %s has base %d, and the limit is %d", i, k, p.Name, a.Base, baseLimit)
		}
		if b := &c.Blocks[a.Block]; a.Base != 0 && len(b.Atoms) == 0 {
			f.add("input axon %d of core %d of %s has a base and is no population axon", i, k, p.Name)
		}
		for _, list := range c.Blocks[a.Block].Atoms {
			for _, s := range list {
				if n := a.Base + s.Target; n < 0 || n >= len(c.Neurons) {
					f.add("a synapse of core %d of %s leads to compartment %d of %d", k, p.Name, n, len(c.Neurons))
				}
			}
		}
	}
}

// slots looks at an output axon: a plain one of one slot takes the spikes of one neuron to a block of one atom, a population axon of
// 32 bits takes two slots.
func (f *findings) slots(k int, name string, s *mapping.Send, t *mapping.Tables) {
	to := &t.Cores[s.Core]
	if b := to.Axons[s.Axon].Block; b < 0 || b >= len(to.Blocks) {
		return // said at its core
	}
	b := &to.Blocks[to.Axons[s.Axon].Block]
	plain := len(s.From) == 1 && len(b.Atoms) == 1 && s.From[0].Atom == 0 && to.Axons[s.Axon].Base == 0
	if s.Slots != 2 && !(plain && s.Slots == 1) {
		f.add("core %d of %s sends over %d slots for %d neurons to a block of %d atoms", k, name, s.Slots, len(s.From), len(b.Atoms))
	}
	for _, a := range s.From {
		if a.Atom < 0 || a.Atom >= len(b.Atoms) || a.Atom >= atoms {
			f.add("core %d of %s sends to atom %d of %d", k, name, a.Atom, len(b.Atoms))
		}
	}
}

// block returns the words of a block: pieces of up to 64 entries, each with 10 bits before it, in whole words of 64 bits.
func (f *findings) block(k int, p *schema.Population, b *mapping.Block, second bool, bits int) int {
	if b.Synapses < 0 || b.Synapses >= len(p.Synapses) {
		f.add("a block of core %d of %s has synapses %d, which are not there", k, p.Name, b.Synapses)
		return 0
	}
	if b.Delay < 0 || b.Delay > delays {
		f.add("synapses of core %d of %s wait %d steps, and the limit is %d", k, p.Name, b.Delay, delays)
	}
	need, n := bits+b.Index, 0
	if p.Synapses[b.Synapses].Population >= 0 { // the host waits by itself
		for d := b.Delay; d > 0; d /= 2 {
			need++
		}
	}
	for _, list := range b.Atoms {
		for i, s := range list {
			if b.Index == 0 && s.Target != i {
				f.add("a dense block of core %d of %s has compartment %d at entry %d", k, p.Name, s.Target, i)
			} else if b.Index != 0 && s.Target >= 1<<b.Index {
				f.add("a block of core %d of %s has compartment %d in %d bits", k, p.Name, s.Target, b.Index)
			}
		}
		n += len(list)
	}
	if second { // words are counted by the core
		return 0
	}
	if b.Width != need || !slices.Contains([]int{0, 6, 7, 8, 9, 10, 11, 12}, b.Index) {
		f.add("a block of core %d of %s has entries of %d bits with an index of %d, and %d are needed", k, p.Name, b.Width, b.Index, need)
	}
	words := 0
	for ; n > 0; n -= 64 {
		words += (min(n, 64)*b.Width + 10 + 63) / 64
	}
	return words
}

// memory2 returns the words of a core of Loihi 2: of a convolution a row of the core's channels for each place of the kernel and channel
// that comes in; of a dense layer, for each input, pieces of up to 64 weights with an index and 10 bits before them.
func memory2(p *schema.Population, c *mapping.Table, bits int) int {
	channels := map[int]bool{}
	for _, n := range c.Neurons {
		channels[n/circuit.Size(p.Dims[1:])] = true
	}
	packed := func(n int) int { return (n + 63) / 64 }
	index := 10
	for len(c.Neurons) > 1<<index {
		index++
	}
	words := 0
	for k := range p.Synapses {
		s := &p.Synapses[k]
		rows, in := s.Kernel*s.Kernel, s.View.Dims[0]
		width := bits + index
		if s.Population >= 0 {
			for d := s.Delay; d > 0; d /= 2 {
				width++
			}
		}
		switch s.Kind {
		case schema.Conv, schema.Deconv:
			words += rows * in * packed(len(channels)*bits)
		case schema.Pool:
			words += rows * packed(len(channels)*bits)
		case schema.Same:
			words += len(c.Neurons) * packed(width+10)
		case schema.Dense:
			for range circuit.Size(s.View.Dims) {
				for n := len(c.Neurons); n > 0; n -= 64 {
					words += packed(min(n, 64)*width + 10)
				}
			}
		}
	}
	return words
}

// neurons sees that each neuron lies in one compartment.
func (f *findings) neurons(circuits []schema.Circuit, t *mapping.Tables) {
	for i := range circuits {
		for j := range circuits[i].Populations {
			p := &circuits[i].Populations[j]
			held := make([]int, circuit.Size(p.Dims))
			for k := range t.Cores {
				if t.Cores[k].Circuit != i || t.Cores[k].Population != j {
					continue
				}
				for _, n := range t.Cores[k].Neurons {
					if n < 0 || n >= len(held) {
						f.add("core %d has neuron %d of %s, which has %d", k, n, p.Name, len(held))
						continue
					}
					held[n]++
				}
			}
			for n, times := range held {
				if times != 1 {
					f.add("neuron %d of %s lies in %d compartments", n, p.Name, times)
				}
			}
		}
	}
}

// connection is one synapse, wherever it lies.
type connection struct{ synapses, source, target, weight, delay int }

func compare(a, b connection) int {
	return cmp.Or(a.synapses-b.synapses, a.source-b.source, a.target-b.target, a.weight-b.weight, a.delay-b.delay)
}

// connections follows every spike: what it reaches must be the connections of the circuit, each of them once.
func (f *findings) connections(circuits []schema.Circuit, t *mapping.Tables) {
	have := make([][][]connection, len(circuits)) // by circuit and target population
	for i := range circuits {
		have[i] = make([][]connection, len(circuits[i].Populations))
	}
	// follow takes what a source, a population or (below 0) an input, sends.
	follow := func(i, population, input int, s *mapping.Send) {
		to := &t.Cores[s.Core]
		axon := to.Axons[s.Axon]
		b := &to.Blocks[axon.Block]
		synapses := &circuits[to.Circuit].Populations[to.Population].Synapses[b.Synapses]
		if to.Circuit != i || synapses.Population != population || population < 0 && synapses.Input != input {
			f.add("spikes of population %d (input %d) of %s come to synapses %d of %s, which are not for them", population, input,
				circuits[i].Name, b.Synapses, circuits[to.Circuit].Populations[to.Population].Name)
			return
		}
		for _, a := range s.From {
			for _, x := range b.Atoms[a.Atom] {
				have[i][to.Population] = append(have[i][to.Population],
					connection{b.Synapses, a.Element, to.Neurons[axon.Base+x.Target], x.Weight, b.Delay})
			}
		}
	}
	for k := range t.Cores {
		c := &t.Cores[k]
		held := map[int]bool{}
		for _, n := range c.Neurons {
			held[n] = true
		}
		for i := range c.Sends {
			for _, a := range c.Sends[i].From {
				if !held[a.Element] {
					f.add("core %d sends the spikes of neuron %d, which it has not", k, a.Element)
				}
			}
			follow(c.Circuit, c.Population, 0, &c.Sends[i])
		}
	}
	for i := range t.Inputs {
		for j := range t.Inputs[i] {
			for k := range t.Inputs[i][j] {
				if s := &t.Inputs[i][j][k]; s.Core < 0 || s.Core >= len(t.Cores) || s.Axon < 0 || s.Axon >= len(t.Cores[s.Core].Axons) {
					f.add("input %d of %s goes to axon %d of core %d, which is not there", j, circuits[i].Name, s.Axon, s.Core)
				} else {
					follow(i, -1, j, s)
				}
			}
		}
	}
	for i := range circuits {
		for j := range circuits[i].Populations {
			p := &circuits[i].Populations[j]
			var want []connection
			for k := range p.Synapses {
				for c := range circuit.Connections(&p.Synapses[k], p.Dims) {
					want = append(want, connection{k, c.Source, c.Target, c.Weight, p.Synapses[k].Delay})
				}
			}
			f.same(p.Name, want, have[i][j])
		}
	}
}

// same compares connections.
func (f *findings) same(name string, want, have []connection) {
	slices.SortFunc(want, compare)
	slices.SortFunc(have, compare)
	for len(want) > 0 || len(have) > 0 {
		switch {
		case len(have) == 0 || len(want) > 0 && compare(want[0], have[0]) < 0:
			f.add("%s lacks the connection %+v", name, want[0])
			want = want[1:]
		case len(want) == 0 || compare(want[0], have[0]) > 0:
			f.add("%s has the connection %+v, which the circuit has not, or not so often", name, have[0])
			have = have[1:]
		default:
			want, have = want[1:], have[1:]
		}
	}
}
