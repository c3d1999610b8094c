package emulator

import (
	"fmt"
	"math/bits"
	"sync/atomic"
)

// set is some of the neurons of a core, by place.
type set = [Neurons / 64]uint64

// Machine is a network that is ready to run. It may be used concurrently.
type Machine struct {
	network *Network
	rules   Rules
	layers  int
	cores   []core
	lines   [][]Line
	wait    int32 // the longest of a line
	chips   int
	start   []int32 // V before the first tick: Neurons for each core
	fixed   *uint32 // every draw, in tests
	literal bool    // without vectors, in tests
}

// core is a core that is ready to run. Cores whose neurons have the same parameters at the same places share their group.
type core struct {
	types  *[Axons]uint8
	rows   *[Axons]set
	used   set
	moving set // at the first tick: all
	layers []part
	sends  []send // by place
	gives  bool   // a neuron goes to an output
	id     uint32 // where it lies, for draws
	bits   uint32 // of V before the first tick, as in outcome
	*group
}

// part is the neurons of a layer in a core.
type part struct {
	layer   int
	members set
	size    int64
}

// send is where the spikes of a neuron go.
type send struct {
	kind        DestinationKind
	to          int32
	hops, edges int32 // cores, and edges between chips, on the way: first in x, then in y
	axon, delay uint8
	layer       int32
}

// group is what cores share.
type group struct {
	list       [Neurons]*Parameters // by place; nil: no neuron
	plain      *plain               // nil where they are not
	stochastic set                  // neurons that draw without input
	leaky      set
}

// New makes a network ready to run. The machine goes on to read the network, which must not be changed from then on.
func New(n *Network) (*Machine, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	m := &Machine{network: n, rules: n.Rules, layers: max(1, len(n.Layers)), lines: n.Lines, chips: n.Chips(), cores: make([]core, len(n.Cores)), start: make([]int32, Neurons*len(n.Cores))}
	for _, list := range n.Lines {
		for _, l := range list {
			m.wait = max(m.wait, l.Delay)
		}
	}
	groups := map[[Neurons]int32]*group{}
	same := m.canonical()
	for i := range n.Cores {
		c, from := &m.cores[i], &n.Cores[i]
		*c = core{types: &from.Types, rows: &from.Rows, sends: make([]send, Neurons), id: uint32(from.Chip)<<12 | uint32(from.Y)<<6 | uint32(from.X)}
		var key [Neurons]int32
		where := map[int32]int{}
		for _, x := range from.Neurons {
			w, b := x.Place/64, uint64(1)<<(x.Place%64)
			c.used[w] |= b
			key[x.Place] = same[x.Parameters] + 1
			v := n.Parameters[x.Parameters].V
			m.start[i*Neurons+int(x.Place)] = v
			c.bits |= uint32(v ^ v>>31)
			c.sends[x.Place] = n.send(from, &x)
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
		c.moving = c.used
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

func (n *Network) group(c *Core) *group {
	g := &group{}
	for _, x := range c.Neurons {
		p := &n.Parameters[x.Parameters]
		g.list[x.Place] = p
		w, b := x.Place/64, uint64(1)<<(x.Place%64)
		if p.TM > 0 || p.C && p.Lambda != 0 {
			g.stochastic[w] |= b
		}
		if p.Lambda != 0 {
			g.leaky[w] |= b
		}
	}
	g.plain = newPlain(&g.list, n.Rules)
	return g
}

func (n *Network) send(from *Core, x *Neuron) send {
	out := send{kind: x.Kind, to: x.To, axon: uint8(x.Axon), delay: uint8(x.Delay), layer: x.Layer}
	if x.Kind == ToAxon {
		fx, fy := n.at(from)
		tx, ty := n.at(&n.Cores[x.To])
		out.hops = max(tx-fx, fx-tx) + max(ty-fy, fy-ty)
		ex, ey := tx/Side-fx/Side, ty/Side-fy/Side
		out.edges = max(ex, -ex) + max(ey, -ey)
	}
	return out
}

// slots is how many ticks a scheduler holds (Akopyan et al. 2015).
const slots = 16

// state is an example in the midst of its run.
type state struct {
	m      *Machine
	seed   uint64
	tick   int
	v      []int32        // Neurons for each core
	moving []set          // neurons that may change without input
	bits   []uint32       // of V, as in outcome
	due    [][slots]set   // active axons of each core, at tick % slots
	fired  []set          // of the last tick
	later  map[int][]Line // inputs that wait for longer than a scheduler holds
	shared bool           // several workers compute its cores
}

func (m *Machine) newState() *state {
	n := len(m.cores)
	return &state{m: m, v: make([]int32, n*Neurons), moving: make([]set, n), bits: make([]uint32, n), due: make([][slots]set, n), fired: make([]set, n), later: map[int][]Line{}}
}

// reset goes back before the first tick.
func (s *state) reset(seed uint64) {
	s.seed, s.tick = seed, 0
	copy(s.v, s.m.start)
	clear(s.due)
	clear(s.fired)
	clear(s.later)
	for i := range s.m.cores {
		s.moving[i], s.bits[i] = s.m.cores[i].moving, s.m.cores[i].bits
	}
}

// input gives a spike to an axon, to be integrated at the tick that is computed next.
func (s *state) input(core, axon int32, c *counts) {
	c.inputs++
	word, bit := &s.due[core][s.tick%slots][axon/64], uint64(1)<<(axon%64)
	if *word&bit != 0 {
		c.merged++
	}
	*word |= bit
}

// worker has the scratch of one that computes cores.
type worker struct {
	rows    []row
	axons   []uint8
	outputs []int32
	sums    [Neurons]int16
	out     outcome
	counts  counts
}

// core computes a tick of a core.
func (w *worker) core(s *state, index int) {
	c := &s.m.cores[index]
	due := &s.due[index][s.tick%slots]
	moving := &s.moving[index]
	s.fired[index] = set{}
	if *due == (set{}) && *moving == (set{}) && c.stochastic == (set{}) {
		w.counts.idle(c)
		return
	}
	var touched set
	w.axons, w.rows = w.axons[:0], w.rows[:0]
	for k, x := range due {
		for ; x != 0; x &= x - 1 {
			w.axons = append(w.axons, uint8(k*64+bits.TrailingZeros64(x)))
		}
	}
	*due = set{}
	for _, a := range w.axons {
		r := &c.rows[a]
		for k := range touched {
			touched[k] |= r[k]
		}
		w.counts.synapses(c, r)
	}
	low, high := s.m.rules.ends()
	v := (*[Neurons]int32)(s.v[index*Neurons:])
	// No sum of this tick can leave the range, in whatever order it is taken.
	within := int64(s.bits[index])+1-int64(MinWeight)*int64(len(w.axons)+1) <= int64(min(high, -low))
	if c.plain != nil && within && !s.m.literal {
		w.plain(s, c, v, touched, index)
	} else {
		w.literal(s, c, v, touched, index)
	}
	fired := &s.fired[index]
	w.counts.updates(c, touched, *fired, s.tick)
	for k, x := range fired {
		for ; x != 0; x &= x - 1 {
			w.send(s, index, &c.sends[k*64+bits.TrailingZeros64(x)])
		}
	}
}

// plain computes neurons that are plain, all at once.
func (w *worker) plain(s *state, c *core, v *[Neurons]int32, touched set, index int) {
	p := c.plain
	w.sums = p.lambda
	for _, a := range w.axons {
		w.rows = append(w.rows, row{&c.rows[a], &p.s[c.types[a]]})
	}
	for rows := w.rows; ; {
		n := min(len(rows), mostPlain)
		integrate(&w.sums, rows[:n])
		if rows = rows[n:]; len(rows) == 0 {
			break
		}
		for j, x := range w.sums { // V is within its range whatever comes first
			v[j] += int32(x)
		}
		w.sums = [Neurons]int16{}
	}
	old := len(w.rows) > mostPlain // V before is not known any more
	update(v, &w.sums, p, &w.out)
	s.bits[index] = w.out.bits
	s.fired[index] = w.out.fired
	for k := range touched {
		same := w.out.same[k]
		if old {
			same = 0
		}
		// One that nothing reached, that did not spike and is as it was will be so again. One without leak that is between its thresholds
		// stays there.
		s.moving[index][k] = c.used[k] & (c.leaky[k]&(touched[k]|^same) | w.out.fired[k] | w.out.reset[k]&^c.leaky[k])
	}
}

// literal computes neurons one after another, as the equations say.
func (w *worker) literal(s *state, c *core, v *[Neurons]int32, touched set, index int) {
	low, high := s.m.rules.ends()
	d := draws{seed: s.seed, core: c.id, tick: uint32(s.tick), fixed: s.m.fixed}
	moving := s.moving[index]
	bound := uint32(0)
	for k := range touched {
		for x := c.used[k] & (touched[k] | moving[k] | c.stochastic[k]); x != 0; x &= x - 1 {
			j := k*64 + bits.TrailingZeros64(x)
			p := c.list[j]
			d.place, d.block = uint32(j), 0
			n := cell{v: v[j], low: low, high: high}
			if s.m.rules.LeakFirst {
				n.leak(p, &d)
			}
			for _, a := range w.axons {
				if c.rows[a][k]>>(j%64)&1 != 0 {
					n.synapse(p, c.types[a], uint32(a), &d)
				}
			}
			if !s.m.rules.LeakFirst {
				n.leak(p, &d)
			}
			b := uint64(1) << (j % 64)
			fired := n.threshold(p, &s.m.rules, &d)
			if fired {
				s.fired[index][k] |= b
			}
			if !fired && !n.clipped && n.v == v[j] && touched[k]&b == 0 {
				moving[k] &^= b
			} else {
				moving[k] |= b
			}
			if n.clipped {
				w.counts.layers[c.sends[j].layer].clipped++
			}
			v[j] = n.v
		}
	}
	for _, x := range v {
		bound |= uint32(x ^ x>>31)
	}
	s.moving[index], s.bits[index] = moving, bound
}

// send sends a spike on its way.
func (w *worker) send(s *state, from int, to *send) {
	switch to.kind {
	case ToOutput:
		w.counts.outputs++
	case ToAxon:
		l := &w.counts.layers[to.layer]
		if int(to.to) != from {
			l.messages++
			l.hops += int64(to.hops)
			l.edges += int64(to.edges)
		}
		word, bit := &s.due[to.to][(s.tick+int(to.delay))%slots][to.axon/64], uint64(1)<<(to.axon%64)
		old := *word
		if s.shared {
			old = atomic.OrUint64(word, bit)
		} else {
			*word |= bit
		}
		if old&bit != 0 {
			w.counts.merged++
		}
	}
}

// line gives the spikes of a numbered input to its axons.
func (s *state) line(number int, c *counts) error {
	if number < 0 || number >= len(s.m.lines) {
		return fmt.Errorf("there is no input %d: the network has %d", number, len(s.m.lines))
	}
	for _, l := range s.m.lines[number] {
		if l.Delay == 0 {
			s.input(l.Core, l.Axon, c)
		} else {
			at := s.tick + int(l.Delay)
			s.later[at] = append(s.later[at], l)
		}
	}
	return nil
}
