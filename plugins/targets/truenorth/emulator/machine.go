package emulator

// set is some of the neurons of a core, by place.
type set = [Neurons / 64]uint64

// Machine is a network that is ready to run. It may be used concurrently.
type Machine struct {
	network *Network
	rules   Rules
	layers  int
	cores   []core
	plans   []plan
	types   []axonTypes
	sends   [][Neurons]send // by place
	lines   [][]Line
	wait    int32 // the longest of a line
	chips   int
	start   []int32 // V before the first tick: Neurons for each core
	fixed   *uint32 // every draw, in tests
	literal bool    // without vectors, in tests
	shift   int     // log2 of the cores of a patch
}

// core is what every tick needs of a core, in one line of a cache. Cores whose neurons have the same parameters at the same places share
// their group.
type core struct {
	layers []part
	size   int64  // neurons
	only   int32  // the layer of all neurons; -1: there are several, or none
	id     uint32 // where it lies, for draws
	gives  bool   // a neuron goes to an output
	*group
}

// plan is the rest of a core.
type plan struct {
	used set
	bits uint32 // of V before the first tick, as in outcome
}

// axonTypes is the type of each axon, four in a byte.
type axonTypes [Axons / 4]uint8

func (t *axonTypes) of(axon uint8) uint8 { return t[axon/4] >> (axon % 4 * 2) & 3 }

// part is the neurons of a layer in a core.
type part struct {
	layer   int
	members set
	size    int64
}

// send is where the spikes of a neuron go, in one word, since so many are read: from the lowest bit on the kind (2 bits), the ticks of
// delay (4), the axon (8), whether it leads to another core (1), the cores on the way (10) and the edges between chips (5), first in x and
// then in y, and the core or output (28).
type send uint64

func (x send) kind() DestinationKind { return DestinationKind(x & 3) }
func (x send) delay() int            { return int(x >> 2 & 15) }
func (x send) axon() int             { return int(x >> 6 & 255) }
func (x send) message() int64        { return int64(x >> 14 & 1) }
func (x send) hops() int64           { return int64(x >> 15 & 1023) }
func (x send) edges() int64          { return int64(x >> 25 & 31) }
func (x send) to() int32             { return int32(x >> 30) }

// group is what cores share.
type group struct {
	list   [Neurons]*Parameters // by place; nil: no neuron
	plain  *plain               // nil where they are not
	narrow *narrow              // nil where V can be wider
	leaky  set
}

// New makes a network ready to run. The machine goes on to read the network, which must not be changed from then on.
func New(n *Network) (*Machine, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	m := &Machine{network: n, rules: n.Rules, layers: max(1, len(n.Layers)), lines: n.Lines, chips: n.Chips(), cores: make([]core, len(n.Cores)),
		plans: make([]plan, len(n.Cores)), types: make([]axonTypes, len(n.Cores)), sends: make([][Neurons]send, len(n.Cores)), start: make([]int32, Neurons*len(n.Cores))}
	for _, list := range n.Lines {
		for _, l := range list {
			m.wait = max(m.wait, l.Delay)
		}
	}
	groups := map[[Neurons]int32]*group{}
	for m.shift = 3; m.shift < 8 && m.patches() > 32; m.shift++ {
	}
	same := m.canonical()
	for i := range n.Cores {
		c, rest, from := &m.cores[i], &m.plans[i], &n.Cores[i]
		*c = core{size: int64(len(from.Neurons)), only: -1, id: uint32(from.Chip)<<12 | uint32(from.Y)<<6 | uint32(from.X)}
		for a, g := range from.Types {
			m.types[i][a/4] |= g << (a % 4 * 2)
		}
		var key [Neurons]int32
		where := map[int32]int{}
		for _, x := range from.Neurons {
			w, b := x.Place/64, uint64(1)<<(x.Place%64)
			rest.used[w] |= b
			key[x.Place] = same[x.Parameters] + 1
			v := n.Parameters[x.Parameters].V
			m.start[i*Neurons+int(x.Place)] = v
			rest.bits |= uint32(v ^ v>>31)
			m.sends[i][x.Place] = n.send(i, &x)
			c.gives = c.gives || x.Kind == ToOutput
			k, ok := where[x.Layer]
			if !ok {
				k = len(c.layers)
				where[x.Layer] = k
				c.layers = append(c.layers, part{layer: int(x.Layer)})
			}
			c.layers[k].members[w] |= b
			c.layers[k].size++
		}
		if len(c.layers) == 1 {
			c.only = int32(c.layers[0].layer)
		}
		g, ok := groups[key]
		if !ok {
			g = n.group(from)
			groups[key] = g
		}
		c.group = g
	}
	return m, nil
}

// canonical returns for each set of parameters the first that computes as it does.
func (m *Machine) canonical() []int32 {
	out := make([]int32, len(m.network.Parameters))
	first := map[Parameters]int32{}
	for i, p := range m.network.Parameters {
		p.V = 0
		k, ok := first[p]
		if !ok {
			k = int32(i)
			first[p] = k
		}
		out[i] = k
	}
	return out
}

// rows returns the crossbar of a core. No pointer to it is kept: the check for nil of one reads the first row, which nobody asked for.
func (m *Machine) rows(index int) *[Axons]set { return &m.network.Cores[index].Rows }

func (n *Network) group(c *Core) *group {
	g := &group{}
	for _, x := range c.Neurons {
		p := &n.Parameters[x.Parameters]
		g.list[x.Place] = p
		w, b := x.Place/64, uint64(1)<<(x.Place%64)
		if p.Lambda != 0 {
			g.leaky[w] |= b
		}
	}
	if g.plain = newPlain(&g.list, n.Rules); g.plain != nil {
		g.narrow = newNarrow(g.plain)
	}
	return g
}

func (n *Network) send(from int, x *Neuron) send {
	out := send(x.Kind) | send(x.To)<<30
	if x.Kind != ToAxon {
		return out
	}
	out |= send(x.Delay)<<2 | send(x.Axon)<<6
	if int(x.To) != from {
		fx, fy := n.at(&n.Cores[from])
		tx, ty := n.at(&n.Cores[x.To])
		hops := max(tx-fx, fx-tx) + max(ty-fy, fy-ty)
		ex, ey := tx/Side-fx/Side, ty/Side-fy/Side
		out |= 1<<14 | send(hops)<<15 | send(max(ex, -ex)+max(ey, -ey))<<25
	}
	return out
}
