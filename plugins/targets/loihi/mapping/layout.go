package mapping

import (
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Layout is where the populations of circuits lie.
type Layout struct {
	Cores []Core
	Chips int
	// What a spike of each neuron causes, by circuit and population (empty of one that is not on the chip).
	Populations [][]Reach

	circuits []schema.Circuit
	layers   []layer
	tilings  []*tiling
	rules    rules
	first    []int // core of each layer
	views    map[[2]int][]int
}

// Core is a core: a box of a population's map, and what it takes.
type Core struct {
	Circuit, Population  int
	Rows, Cols, Channels circuit.Span // the neurons of [n] are channels of one pixel
	Words                int64
	Inputs, Outputs      int // axons in, and slots of axons out
	Place
}

// Neurons returns how many the core holds.
func (c *Core) Neurons() int { return c.Rows.Len() * c.Cols.Len() * c.Channels.Len() }

// Reach is what a spike of each element of a source causes.
type Reach struct {
	Messages []int // to cores
	Across   []int // tiles that all these messages pass east and west; 0 of what the host sends
	Down     []int // and north and south
}

func newReach(dims []int) Reach {
	n := circuit.Size(dims)
	return Reach{make([]int, n), make([]int, n), make([]int, n)}
}

// Layout lays the layers of circuits, which were added to the chip in their order, as a placement says. Rate is the spikes per neuron and
// step of a population, by which the cores are placed. It returns nil where a layer has no tiling.
func (c Chip) Layout(circuits []schema.Circuit, p *Placement, rate func(circuit, population int) float64) *Layout {
	l := &Layout{circuits: circuits, layers: c.layers, tilings: p.tilings, rules: c.rules(), views: map[[2]int][]int{}}
	for j := range l.layers {
		if p.tilings[j] == nil {
			return nil
		}
		l.first = append(l.first, len(l.Cores))
		l.cut(j)
	}
	for i := range circuits {
		c := &circuits[i]
		l.Populations = append(l.Populations, make([]Reach, len(c.Populations)))
	}
	for j := range l.layers {
		x := &l.layers[j]
		l.Populations[x.circuit][x.population] = newReach(circuits[x.circuit].Populations[x.population].Dims)
	}
	l.place(rate)
	return l
}

// cut adds the cores of layer j: row by row of tiles, channels last.
func (l *Layout) cut(j int) {
	x, t := &l.layers[j], l.tilings[j]
	work := budget{math.MaxInt}
	for y := range t.rows.tiles {
		for z := range t.cols.tiles {
			for k := range t.parts {
				c := Core{Circuit: x.circuit, Population: x.population}
				c.Rows = circuit.Span{From: y * t.h, To: min((y+1)*t.h, x.Height)}
				c.Cols = circuit.Span{From: z * t.w, To: min((z+1)*t.w, x.Width)}
				c.Channels = circuit.Span{From: k * t.c, To: min((k+1)*t.c, x.Channels)}
				r, q := &t.rows.kinds[t.rows.kind[y]], &t.cols.kinds[t.cols.kind[z]]
				c.Inputs = x.axons(r, q, c.Channels.Len())
				c.Words, _ = x.memory(r, q, c.Channels.Len(), l.rules, &work)
				l.Cores = append(l.Cores, c)
			}
		}
	}
}

// coreOf returns the core of an element of layer j.
func (l *Layout) coreOf(j, element int) int {
	x, t := &l.layers[j], l.tilings[j]
	c, y, z := x.Place(element)
	return l.first[j] + (y/t.h*t.cols.tiles+z/t.w)*t.parts + c/t.c
}

// axon is an input axon of a core.
type axon struct {
	group    int
	slots    int   // of each core that sends to it
	elements []int // of the source, one for each atom
	y, x     int   // of a map: which pixel of the view
	from     int   // the channel of the first atom
}

// axons calls visit for each input axon of core k of layer j, group by group. The axon holds during the call.
func (l *Layout) axons(j, k int, visit func(*axon)) {
	x, core := &l.layers[j], &l.Cores[k]
	for g := range x.groups {
		group := &x.groups[g]
		view, ok := l.views[[2]int{j, g}]
		if !ok {
			view = circuit.Elements(l.circuits[x.circuit].Populations[x.population].Synapses[group.synapses].View)
			l.views[[2]int{j, g}] = view
		}
		a := axon{group: g, slots: 1}
		switch group.Kind {
		case schema.Dense:
			for i := range view {
				a.elements, a.x = view[i:i+1], i
				visit(&a)
			}
			continue
		case schema.Same:
			core.each(func(y, z, c int) {
				i := x.At(c, y, z)
				a.elements = view[i : i+1]
				visit(&a)
			})
			continue
		}
		a.slots = populationSlots
		channels := circuit.Span{To: group.View.Channels}
		if group.Channelled() {
			channels = core.Channels
		}
		a.from, a.elements = channels.From, make([]int, channels.Len())
		for y := range group.Rows.InputsOf(core.Rows) {
			for z := range group.Cols.InputsOf(core.Cols) {
				for i := range a.elements {
					a.elements[i] = view[group.View.At(a.from+i, y, z)]
				}
				a.y, a.x = y, z
				visit(&a)
			}
		}
	}
}

// each visits the neurons in the order of compartments: row by row, channels last.
func (c *Core) each(visit func(y, x, channel int)) {
	for y := c.Rows.From; y < c.Rows.To; y++ {
		for x := c.Cols.From; x < c.Cols.To; x++ {
			for ch := c.Channels.From; ch < c.Channels.To; ch++ {
				visit(y, x, ch)
			}
		}
	}
}
