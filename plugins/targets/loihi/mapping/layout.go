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
	Circuit, Population    int
	Y0, Y1, X0, X1, C0, C1 int // rows, columns and channels from and to; the neurons of [n] are channels of one pixel
	Words                  int64
	Inputs, Outputs        int // axons in, and slots of axons out
	Place
}

// Neurons returns how many the core holds.
func (c *Core) Neurons() int { return (c.Y1 - c.Y0) * (c.X1 - c.X0) * (c.C1 - c.C0) }

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
				c.Y0, c.Y1 = y*t.h, min((y+1)*t.h, x.height)
				c.X0, c.X1 = z*t.w, min((z+1)*t.w, x.width)
				c.C0, c.C1 = k*t.c, min((k+1)*t.c, x.channels)
				r, q := &t.rows.kinds[t.rows.kind[y]], &t.cols.kinds[t.cols.kind[z]]
				c.Inputs = x.axons(r, q, c.C1-c.C0)
				c.Words, _ = x.memory(r, q, c.C1-c.C0, l.rules, &work)
				l.Cores = append(l.Cores, c)
			}
		}
	}
}

// coreOf returns the core of an element of layer j.
func (l *Layout) coreOf(j, element int) int {
	x, t := &l.layers[j], l.tilings[j]
	pixel := element % (x.height * x.width)
	y, z, c := pixel/x.width, pixel%x.width, element/(x.height*x.width)
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
		switch group.kind {
		case denseGroup:
			for i := range view {
				a.elements, a.x = view[i:i+1], i
				visit(&a)
			}
			continue
		case sameGroup:
			core.each(func(y, z, c int) {
				i := (c*x.height+y)*x.width + z
				a.elements = view[i : i+1]
				visit(&a)
			})
			continue
		}
		a.slots = populationSlots
		from, to := 0, group.channels
		if group.kind == poolGroup {
			from, to = core.C0, core.C1
		}
		a.from, a.elements = from, make([]int, to-from)
		down, across := x.axis(group, true), x.axis(group, false)
		for _, y := range down.reached(core.Y0, core.Y1) {
			for _, z := range across.reached(core.X0, core.X1) {
				for c := from; c < to; c++ {
					a.elements[c-from] = view[(c*group.height+y)*group.width+z]
				}
				a.y, a.x = y, z
				visit(&a)
			}
		}
	}
}

// each visits the neurons in the order of compartments: row by row, channels last.
func (c *Core) each(visit func(y, x, channel int)) {
	for y := c.Y0; y < c.Y1; y++ {
		for x := c.X0; x < c.X1; x++ {
			for ch := c.C0; ch < c.C1; ch++ {
				visit(y, x, ch)
			}
		}
	}
}

// reached returns the inputs that reach the outputs [a, b).
func (x axis) reached(a, b int) []int {
	var out []int
	from, to := x.inputs(a, b)
	for i := from; i < to; i++ {
		if first, end, _ := x.outputs(i, a, b); first < end {
			out = append(out, i)
		}
	}
	return out
}
