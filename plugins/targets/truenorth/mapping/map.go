package mapping

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// The limits of the chip (Merolla et al., Science 345, 2014; Akopyan et al., IEEE TCAD 34, 2015). A packet travels at most 255 cores
// in x and in y, so a board of 4 x 4 chips is the largest on which each core reaches each other.
const (
	Axons     = 256
	Neurons   = 256
	Types     = 4 // of axons
	MaxDelay  = 15
	Side      = 64 // of a chip's grid
	ChipCores = Side * Side
	Board     = 4 // chips on a side
	MaxChips  = Board * Board
)

// Options choose how circuits are cut.
type Options struct {
	Axons int // that bring one input to a core; 0: the most that fit
	Chips int
}

// Host is where spikes go that the host reads, in place of a tile.
const Host = -1

// Layer is a population on the chip, or relays: neurons that repeat what comes in.
type Layer struct {
	Name       string // of the population, or of what is relayed
	Circuit    int
	Population int // -1 of relays
	Size       int // neurons, each counted once
	FanIn      int // the most different inputs of a neuron
	// Axons is how many bring one input to a core. Grouped is set where it is one whose type is the number of the Synapses: each
	// neuron then has a weight for each of these. On has the types of the axons of each core that the host keeps active while the layer
	// computes.
	Axons   int
	Grouped bool
	On      []int
	Tight   bool // On axons would be of use and there is no place for them
	// Time step t is integrated at tick t + Integrates, and the spikes of time step t are fired at tick t + Fires.
	Integrates, Fires int
	Tiles             []*Tile
	Copies            int // neurons, each as often as it is there

	feeds    []*feed
	elements int // of all sources of the circuit
	dims     circuit.Map
	demands  [][]demand // for each neuron, or each item of relays
	late     bool
	far      map[*Layer]int // relays on the way to a layer that lies far behind
	until    *Layer         // of relays on a long way: where it leads
	left     int            // and the delays to there
	timed    bool           // its ticks are known
}

// Turns reports whether the weights of a channel may be those of its axons with the other sign. Active axons of a type of the inputs
// need the sign that the leak does not have; those of all types do not.
func (l *Layer) Turns() bool {
	return l.Axons < Types || len(l.On) == 0 || l.On[0] != l.On[len(l.On)-1]
}

// Source is an element of an input or of a population.
type Source struct {
	Input    bool
	Index    int // of the input or population in the circuit
	Element  int
	Synapses int // the first that take it in
}

// Tile is a part of a layer that lies in one core. Its axons are from First on: Axons for each of Sources, and then those of On. Its
// neurons are from Base on: the Copies of each of Elements one behind the other, each with its own Target.
type Tile struct {
	Layer    *Layer
	Elements []int
	Sources  []Source
	Core     int // in Map.Cores
	First    int
	Base     int
	Targets  [][]Target // for each of Elements, its copies
	axons    int
	copies   int
}

// Target is where a copy of a neuron sends its spikes: an axon of a tile, counted in that tile; Tile is nil where they go to the host
// or nowhere.
type Target struct {
	Tile  *Tile
	Axon  int
	Delay int
	Host  bool
}

// demand is an axon that wants the spikes of an element; without a tile it is the host.
type demand struct {
	tile *Tile
	axon int
}

// Core is a core in use.
type Core struct {
	Circuit int
	Tiles   []*Tile
	Axons   int
	Neurons int
	X, Y    int // on the board
}

// Map says how circuits lie on the chip.
type Map struct {
	Layers []*Layer // in the order of circuits, relays behind the layer that they relay
	Cores  []*Core
	Chips  int
	Cut    bool // the search for tiles was ended early

	circuits []schema.Circuit
	options  Options
	work     int
}

// Refused is a population that does not lie on the chip, and why.
type Refused struct {
	Circuit, Population int
	Problem, Change     string
	Over                schema.Amount // the limit that it breaks
}

// New cuts verified circuits into cores. refused says which populations are not to be on the chip: what others take of them comes from
// the host. It returns those that do not fit a core whatever is done; where there are any there is no map.
func New(circuits []schema.Circuit, refused func(circuit, population int) bool, o Options) (*Map, []Refused) {
	var out []Refused
	far := map[[3]int]int{} // circuit, population, population: relays between them
	for {
		m := &Map{circuits: circuits, options: o, work: searchWork}
		again := false
		for i := range circuits {
			layers, bad := m.populations(i, refused)
			if out = append(out, bad...); len(out) > 0 {
				continue
			}
			for _, l := range layers {
				for _, q := range layers {
					if h := far[[3]int{i, l.Population, q.Population}]; h > 0 {
						l.far[q] = h
					}
				}
			}
			m.spread(layers)
			// Relays on a long way are counted from the times that came out; more of them may be needed than were thought of.
			for _, l := range layers {
				for _, q := range layers {
					for _, f := range q.feeds {
						if f.from != l {
							continue
						}
						if h := (q.Integrates - l.Fires - 1) / MaxDelay; h > l.far[q] {
							far[[3]int{i, l.Population, q.Population}] = h
							again = true
						}
					}
				}
			}
		}
		if len(out) > 0 {
			return nil, out
		}
		if again {
			continue
		}
		m.deliver()
		m.pack()
		m.place()
		return m, nil
	}
}

// populations returns the layers of a circuit.
func (m *Map) populations(i int, refused func(circuit, population int) bool) ([]*Layer, []Refused) {
	c := &m.circuits[i]
	var bases []int // of inputs and populations in one count of all elements
	n := 0
	count := func(dims []int) {
		bases = append(bases, n)
		if size := circuit.Size(dims); size <= most {
			n += size
		}
	}
	for _, in := range c.Inputs {
		count(in.Dims)
	}
	for _, p := range c.Populations {
		count(p.Dims)
	}
	all := make([]*Layer, len(c.Populations))
	var layers []*Layer
	var bad []Refused
	for j := range c.Populations {
		if refused(i, j) {
			continue
		}
		p := &c.Populations[j]
		if problem, over := large(c, p); problem != "" {
			bad = append(bad, Refused{Circuit: i, Population: j, Problem: problem, Over: over})
			continue
		}
		l := &Layer{Name: p.Name, Circuit: i, Population: j, Size: circuit.Size(p.Dims), dims: circuit.MapOf(p.Dims), late: p.Late, far: map[*Layer]int{}}
		early := true // it computes from the first tick on
		for k := range p.Synapses {
			s := &p.Synapses[k]
			f := newFeed(s, p.Dims)
			if s.Population >= 0 {
				f.from = all[s.Population]
				f.source = Source{Index: s.Population, Synapses: k}
				f.base = bases[len(c.Inputs)+s.Population]
				early = early && f.from == nil
			} else {
				f.source = Source{Input: true, Index: s.Input, Synapses: k}
				f.base = bases[s.Input]
			}
			l.feeds = append(l.feeds, f)
		}
		marks := newMarks(n)
		l.FanIn = l.most(marks)
		if problem, change, over := l.choose(p, m.options.Axons, early); problem != "" {
			bad = append(bad, Refused{i, j, problem, change, over})
			continue
		}
		l.demands = make([][]demand, l.Size)
		if p.Gives {
			for e := range l.demands {
				l.demands[e] = []demand{{}}
			}
		}
		all[j] = l
		layers = append(layers, l)
	}
	for _, l := range layers {
		l.elements = n
	}
	return layers, bad
}

// most is how many neurons a board has.
const most = MaxChips * ChipCores * Neurons

// large says that a population or what it takes in is beyond any board, and by what; "" where it is not.
func large(c *schema.Circuit, p *schema.Population) (problem string, over schema.Amount) {
	if n := circuit.Size(p.Dims); n > most {
		return fmt.Sprintf("it has %d neurons, and the largest board %d", n, most), schema.Amount{Name: "neurons", Used: float64(n), Limit: most}
	}
	for k := range p.Synapses {
		s := &p.Synapses[k]
		if n := max(circuit.Size(s.View.Dims), circuit.Size(circuit.SourceDims(c, s))); n > most {
			return fmt.Sprintf("it takes in maps of %d elements, and the largest board has %d neurons", n, most), schema.Amount{Name: "elements of a map", Used: float64(n), Limit: most}
		}
	}
	return "", over
}

// choose sets how many axons bring an input to a core, or says why no number does and which limit that breaks.
func (l *Layer) choose(p *schema.Population, axons int, early bool) (problem, change string, over schema.Amount) {
	leaks := p.Decay > 0 && p.Decay < 1
	// The leak is the bias where it does nothing else and where nothing is to be kept from acting before the first time step.
	wants := p.Bias != nil && (leaks || !early)
	spare := Types
	if wants {
		spare--
	}
	on := func(k int) []int {
		switch {
		case !wants:
			return nil
		case k < Types:
			return []int{3} // which no input has
		case leaks:
			return []int{0, 1, 2, 3} // all that a weight can be
		case p.Decay == 0:
			return []int{2, 2, 2, 2} // the leak is negative
		}
		return []int{3, 3, 3, 3} // the leak is positive
	}
	fits := func(k int, on []int) bool { return l.FanIn*k+len(on) <= Axons }
	if apart(p) && len(p.Synapses) <= spare && fits(1, on(1)) && axons == 0 {
		l.Axons, l.Grouped, l.On = 1, true, on(1)
		return "", "", over
	}
	try := []int{4, 3, 2, 1}
	if axons > 0 {
		try = []int{axons}
	}
	for _, k := range try {
		if fits(k, on(k)) {
			l.Axons, l.On = k, on(k)
			return "", "", over
		}
		if fits(k, nil) && !leaks && (k <= 2 || axons > 0) {
			l.Axons, l.Tight = k, true
			return "", "", over
		}
	}
	k := try[len(try)-1]
	room := Axons
	if leaks {
		room -= len(on(k))
	}
	kept := ""
	if room < Axons {
		kept = fmt.Sprintf(" (%d for biases)", Axons-room)
	}
	problem = fmt.Sprintf("a neuron takes in %d inputs, and a core has %d axons%s, %d for each input: %d inputs is the limit", l.FanIn, Axons, kept, k, room/k)
	change = fmt.Sprintf("%d instead of %d inputs to a neuron (fewer channels, or groups that each see so many)", room/k, l.FanIn)
	if k > 1 && l.FanIn <= room {
		change += fmt.Sprintf(", or axons = %d", room/l.FanIn)
	}
	return problem, change, schema.Amount{Name: "inputs per neuron", Used: float64(l.FanIn), Limit: float64(room / k)}
}

// apart reports whether each Synapses of a population has one weight, and no input comes by two of them or twice.
func apart(p *schema.Population) bool {
	seen := map[[2]int]bool{}
	for k := range p.Synapses {
		s := &p.Synapses[k]
		id := [2]int{s.Population, 0}
		if s.Population < 0 {
			id[1] = s.Input
		}
		if seen[id] || s.Kind != schema.Same && (s.Kind != schema.Pool || s.View.Tall > 1 || s.View.Wide > 1) {
			return false
		}
		seen[id] = true
	}
	return len(p.Synapses) > 0
}
