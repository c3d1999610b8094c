package mapping

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Tables is a layout written out: what the memories of all cores hold.
type Tables struct {
	Cores  []Table
	Inputs [][][]Send // by circuit and input: what the host sends
}

// Table is what the memories of a core hold.
type Table struct {
	Place
	Circuit, Population int
	Neurons             []int // the element of the population in each compartment
	Axons               []InputAxon
	Blocks              []Block
	Sends               []Send
	Words               int64 // of synapse memory, as the mapper counted it
	Outputs             int   // slots of output axons, likewise
}

// InputAxon is where spikes come in: they go by a block of synapses, counted from a compartment on.
type InputAxon struct{ Block, Base int }

// Block is synapses that axons share.
type Block struct {
	Synapses int // index into those of the population
	Width    int // bits of an entry: weight, delay and index
	Index    int // bits of the index; 0: the dense format, in which the entries are those of the compartments from 0 on
	Delay    int
	Atoms    [][]Synapse
}

// Synapse is an entry of a block.
type Synapse struct {
	Target int // compartment, from the axon's base on
	Weight int // index into the weights
}

// Send is an output axon: the spikes of some neurons go to an input axon of a core, each as its atom.
type Send struct {
	Core, Axon int
	Slots      int
	From       []Atom
}

// Atom is a neuron, or an element of an input, and the atom as which its spikes go.
type Atom struct{ Element, Atom int }

// Tables writes the layout out. It takes memory in proportion to the synapses.
func (l *Layout) Tables() *Tables {
	t := &Tables{Cores: make([]Table, len(l.Cores))}
	for i := range l.circuits {
		t.Inputs = append(t.Inputs, make([][]Send, len(l.circuits[i].Inputs)))
	}
	for j := range l.layers {
		for k := l.first[j]; k < l.first[j]+l.tilings[j].cores; k++ {
			l.write(t, j, k)
		}
	}
	return t
}

func (l *Layout) write(t *Tables, j, k int) {
	x, core, table := &l.layers[j], &l.Cores[k], &t.Cores[k]
	table.Place, table.Circuit, table.Population, table.Words, table.Outputs = core.Place, core.Circuit, core.Population, core.Words, core.Outputs
	one := 0 // the neurons of a same group come in the order of compartments
	core.each(func(y, z, c int) { table.Neurons = append(table.Neurons, x.At(c, y, z)) })
	shared := map[[6]int]int{}
	l.axons(j, k, func(a *axon) {
		group := &x.groups[a.group]
		key := [6]int{a.group, len(table.Axons), -1, -1, -1, -1} // a block of its own
		base := 0
		if group.Kind != schema.Dense && group.Kind != schema.Same {
			rows, cols := core.reached(group, a)
			first := core.compartment(rows.From, cols.From, core.Channels.From)
			key = [6]int{a.group, 0, rows.Len(), cols.Len(), group.Rows.Tap(a.y, rows.From), group.Cols.Tap(a.x, cols.From)}
			if base = first; !l.rules.second {
				key[1], base = first/window, first%window
			}
		}
		b, ok := shared[key]
		if !ok {
			b = len(table.Blocks)
			shared[key] = b
			table.Blocks = append(table.Blocks, l.block(x, core, a, base))
			if group.Kind == schema.Same {
				table.Blocks[b].Atoms = [][]Synapse{{{Target: one % len(table.Neurons)}}}
				one++
			}
		}
		n := len(table.Axons)
		table.Axons = append(table.Axons, InputAxon{b, base})
		s := &l.circuits[x.circuit].Populations[x.population].Synapses[group.synapses]
		if group.source < 0 {
			if s.Population < 0 {
				in := &t.Inputs[x.circuit][s.Input]
				*in = append(*in, Send{Core: k, Axon: n, Slots: a.slots})
				add(&(*in)[len(*in)-1], a.elements)
			}
			return
		}
		of := map[int]int{} // index of the send of each core
		for atom, e := range a.elements {
			from := l.coreOf(group.source, e)
			sends := &t.Cores[from].Sends
			i, ok := of[from]
			if !ok {
				i = len(*sends)
				of[from] = i
				*sends = append(*sends, Send{Core: k, Axon: n, Slots: a.slots})
			}
			(*sends)[i].From = append((*sends)[i].From, Atom{e, atom})
		}
	})
}

func add(s *Send, elements []int) {
	for atom, e := range elements {
		s.From = append(s.From, Atom{e, atom})
	}
}

// compartment is the number of a neuron in its core.
func (c *Core) compartment(y, x, channel int) int {
	return ((y-c.Rows.From)*c.Cols.Len()+x-c.Cols.From)*c.Channels.Len() + channel - c.Channels.From
}

// reached returns the rows and columns of the core that an axon of a map reaches.
func (c *Core) reached(g *group, a *axon) (rows, cols circuit.Span) {
	return g.Rows.Outputs(a.y).Within(c.Rows), g.Cols.Outputs(a.x).Within(c.Cols)
}

// block writes the synapses of an axon out.
func (l *Layout) block(x *layer, core *Core, a *axon, base int) Block {
	group := &x.groups[a.group]
	s := &l.circuits[x.circuit].Populations[x.population].Synapses[group.synapses]
	b := Block{Synapses: group.synapses, Width: l.rules.bits + group.delay, Delay: s.Delay}
	switch group.Kind {
	case schema.Dense:
		var entries []Synapse
		core.each(func(y, z, c int) {
			entries = append(entries, Synapse{len(entries), group.Weight(a.x, c, y, z)})
		})
		b.Atoms = [][]Synapse{entries}
		return b
	case schema.Same:
		// A core of Loihi 2 may have more compartments than one of Loihi.
		b.Index = indexBits(max(maxCompartments, core.Neurons()) - 1)
		b.Width += b.Index
		return b
	}
	rows, cols := core.reached(group, a)
	most := 0
	for atom := range a.elements {
		in := a.from + atom
		channels := core.Channels
		if group.Channelled() {
			channels = circuit.One(in)
		}
		var entries []Synapse
		for y := rows.From; y < rows.To; y++ {
			for z := cols.From; z < cols.To; z++ {
				for c := channels.From; c < channels.To; c++ {
					e := Synapse{core.compartment(y, z, c) - base, group.Weight(in, c, group.Rows.Tap(a.y, y), group.Cols.Tap(a.x, z))}
					most = max(most, e.Target)
					entries = append(entries, e)
				}
			}
		}
		b.Atoms = append(b.Atoms, entries)
	}
	b.Index = indexBits(most)
	b.Width += b.Index
	return b
}
