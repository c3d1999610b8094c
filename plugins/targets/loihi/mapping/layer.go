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
	network                 string
	name                    string // structural, such as "3.conv"
	kind                    string // as the language calls it
	channels, height, width int
	dense                   bool // no map: its neurons are channels of one pixel
	groups                  []group
	depth                   int // layers of the chip from the input to here: each takes a step
	circuit, population     int
}

// groupKind is how a group of synapses connects.
type groupKind uint8

const (
	denseGroup groupKind = iota
	convGroup
	deconvGroup
	sameGroup // one synapse from each neuron to the one at its place: a skip connection
	poolGroup // a window of a channel with a neuron of that channel
)

// group is the synapses from one source.
type group struct {
	kind                    groupKind
	source                  int // index of a layer; -1: spikes that the host sends
	channels, height, width int // of what comes in; the inputs of a dense group are its channels
	kernel, stride, pad     int
	tall, wide              int  // an upsampled row and column of the source are so many here
	aligned                 bool // pixels here are those of the source, upsampled or not
	part                    bool // not all channels of the source come in
	own                     bool // from each neuron of the layer onto itself
	delay                   int  // bits of a delay that waits for the longer paths
	synapses                int  // index into those of the population
}

// neurons returns how many there are.
func (l *layer) neurons() int { return l.channels * l.height * l.width }

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
		l := layer{network: from.Network, name: p.Name, kind: "neuron", dense: len(p.Dims) == 1, depth: p.Depth, circuit: index, population: i}
		l.channels, l.height, l.width = sides(p.Dims)
		for k := range p.Synapses {
			l.groups = append(l.groups, c.group(&l, k, &p.Synapses[k], at))
		}
		c.layers = append(c.layers, l)
	}
}

// sides returns dims as those of maps: [n] has n channels of one pixel.
func sides(dims []int) (channels, height, width int) {
	if len(dims) == 3 {
		return dims[0], dims[1], dims[2]
	}
	return dims[0], 1, 1
}

// group makes one of synapses onto layer l; at has the layers of populations.
func (c *Chip) group(l *layer, k int, s *schema.Synapses, at []int) group {
	g := group{source: -1, kernel: s.Kernel, stride: s.Stride, pad: s.Pad, tall: max(s.View.Tall, 1), wide: max(s.View.Wide, 1), synapses: k}
	g.channels, g.height, g.width = sides(s.View.Dims)
	switch s.Kind {
	case schema.Dense:
		g.kind, g.channels, g.height, g.width = denseGroup, circuit.Size(s.View.Dims), 1, 1
		l.kind = "linear"
	case schema.Conv:
		g.kind, l.kind = convGroup, "conv"
	case schema.Deconv:
		g.kind, l.kind = deconvGroup, "deconv"
	case schema.Same:
		g.kind, g.channels, g.height, g.width = sameGroup, l.channels, l.height, l.width
	case schema.Pool:
		g.kind = poolGroup
		if l.kind == "neuron" {
			l.kind = "pool"
		}
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
		g.part = circuit.Size(s.View.From) != source.neurons()
		g.aligned = g.aligned && !source.dense && len(s.View.From) == 3 && s.View.From[1] == source.height && s.View.From[2] == source.width &&
			s.View.Offset%(source.height*source.width) == 0
	}
	return g
}
