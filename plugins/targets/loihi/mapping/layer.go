package mapping

import (
	"math/bits"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Chip is layers on so many cores with weights of so many bits.
type Chip struct {
	Cores      int
	Bits       int
	Generation int // 2: Loihi 2; else Loihi
	layers     []layer
}

func (c *Chip) rules() rules { return rules{c.Bits, c.Generation == 2} }

// layer is neurons of the chip: a map of channels x height x width, with all synapses onto them. The outputs of a dense
// layer are its channels.
type layer struct {
	network string
	name    string // structural, such as "3.conv"
	kind    string // as the language calls it
	circuit.Map
	dense               bool // no map: its neurons are channels of one pixel
	groups              []group
	depth               int // layers of the chip from the input to here: each takes a step
	circuit, population int
}

// group is the synapses from one source.
type group struct {
	circuit.Geometry
	source     int  // index of a layer; -1: spikes that the host sends
	tall, wide int  // an upsampled row and column of the source are so many here
	aligned    bool // pixels here are those of the source, upsampled or not
	part       bool // not all channels of the source come in
	own        bool // from each neuron of the layer onto itself
	delay      int  // bits of a delay that waits for the longer paths
	synapses   int  // index into those of the population
}

// AddCircuit adds the populations of a circuit that are not refused as layers, in their order. What comes from refused ones, the host
// sends. The circuit is verified.
func (c *Chip) AddCircuit(index int, from *schema.Circuit, refused []bool) {
	at := make([]int, len(from.Populations)) // layers
	for i := range from.Populations {
		p := &from.Populations[i]
		if at[i] = -1; refused[i] {
			continue
		}
		at[i] = len(c.layers)
		l := layer{network: from.Network, name: p.Name, kind: "neuron", Map: circuit.MapOf(p.Dims), dense: len(p.Dims) == 1, depth: p.Depth, circuit: index, population: i}
		for k := range p.Synapses {
			l.groups = append(l.groups, c.group(&l, k, p, at))
		}
		c.layers = append(c.layers, l)
	}
}

// group makes one of synapses k onto the population of layer l; at has the layers of populations.
func (c *Chip) group(l *layer, k int, p *schema.Population, at []int) group {
	s := &p.Synapses[k]
	g := group{Geometry: circuit.GeometryOf(s, p.Dims), source: -1, tall: max(s.View.Tall, 1), wide: max(s.View.Wide, 1), synapses: k}
	switch {
	case s.Kind == schema.Dense:
		l.kind = "linear"
	case s.Kind == schema.Conv || s.Kind == schema.Deconv || s.Kind == schema.Pool && l.kind == "neuron":
		l.kind = string(s.Kind)
	}
	if s.Population >= 0 {
		g.source = at[s.Population]
	}
	if g.source == len(c.layers) { // these neurons themselves
		g.own, g.delay = true, min(bits.Len(uint(s.Delay)), 6)
		return g
	}
	g.aligned = len(s.View.Dims) == 3
	if g.source >= 0 { // the host sends its spikes when they are due
		source := &c.layers[g.source]
		g.delay = min(bits.Len(uint(s.Delay)), 6)
		g.part = circuit.Size(s.View.From) != source.Size()
		g.aligned = g.aligned && !source.dense && len(s.View.From) == 3 && s.View.From[1] == source.Height && s.View.From[2] == source.Width &&
			s.View.Offset%(source.Height*source.Width) == 0
	}
	return g
}
