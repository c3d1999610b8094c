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
	plans   []plan
	types   []axonTypes
	sends   [][Neurons]send // by place
	lines   [][]Line
	wait    int32 // the longest of a line
	chips   int
	start   []int32 // V before the first tick: Neurons for each core
	fixed   *uint32 // every draw, in tests
	literal bool    // without vectors, in tests
}

// core is what every tick needs of a core, in one line of a cache. Cores whose neurons have the same parameters at the same places share
// their group.
type core struct {
	rows   *[Axons]set
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
	list  [Neurons]*Parameters // by place; nil: no neuron
	plain *plain               // nil where they are not
	leaky set
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
	same := m.canonical()
	for i := range n.Cores {
		c, rest, from := &m.cores[i], &m.plans[i], &n.Cores[i]
		*c = core{rows: &from.Rows, size: int64(len(from.Neurons)), only: -1, id: uint32(from.Chip)<<12 | uint32(from.Y)<<6 | uint32(from.X)}
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
	g.plain = newPlain(&g.list, n.Rules)
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
	for i := range s.m.plans {
		s.moving[i], s.bits[i] = s.m.plans[i].used, s.m.plans[i].bits
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
	axons, ahead []uint8 // active ones of a core, and of the one behind it
	rows         []row
	sums         [Neurons]int16
	out          outcome
	leave        []send // spikes of the cores of a run
	parts        []leaving
	outputs      []int32
	counts       counts
}

// leaving is the spikes of a layer in a core.
type leaving struct{ layer, end int }

// run computes a tick of some cores. What a core reads lies all over memory: it is asked for while another core is computed.
func (w *worker) run(s *state, from, to int) {
	w.leave, w.parts = w.leave[:0], w.parts[:0]
	w.ahead = s.active(from, w.ahead[:0])
	for k := from; k < to; k++ {
		w.axons, w.ahead = w.ahead, w.axons[:0]
		if k+1 < to {
			if w.ahead = s.active(k+1, w.ahead); len(w.ahead) > 0 {
				prefetchRows(s.m.cores[k+1].rows, &s.m.types[k+1], &w.ahead[0], len(w.ahead))
			}
		}
		w.core(s, k)
		prefetchSends(&s.m.sends[k], &s.fired[k])
		if k > from {
			w.collect(s, k-1)
		}
		if len(w.leave) > 1<<8 {
			w.send(s)
		}
	}
	if to > from {
		w.collect(s, to-1)
	}
	w.send(s)
}

// active appends the axons of a core that are active at the tick.
func (s *state) active(index int, out []uint8) []uint8 {
	for k, x := range &s.due[index][s.tick%slots] {
		for ; x != 0; x &= x - 1 {
			out = append(out, uint8(k*64+bits.TrailingZeros64(x)))
		}
	}
	return out
}

// core computes a tick of a core, whose active axons are known.
func (w *worker) core(s *state, index int) {
	c := &s.m.cores[index]
	s.fired[index] = set{}
	if len(w.axons) == 0 && s.moving[index] == (set{}) {
		w.counts.idle(c)
		return
	}
	s.due[index][s.tick%slots] = set{}
	var t0, t1, t2, t3 uint64
	for _, a := range w.axons {
		r := &c.rows[a]
		t0, t1, t2, t3 = t0|r[0], t1|r[1], t2|r[2], t3|r[3]
		w.counts.synapses(c, r)
	}
	touched := set{t0, t1, t2, t3}
	low, high := s.m.rules.ends()
	v := (*[Neurons]int32)(s.v[index*Neurons:])
	// No sum of this tick can leave the range, in whatever order it is taken.
	within := int64(s.bits[index])+1-int64(MinWeight)*int64(len(w.axons)+1) <= int64(min(high, -low))
	if c.plain != nil && within && !s.m.literal {
		w.plain(s, c, v, index)
	} else {
		w.literal(s, c, v, touched, index)
	}
	w.counts.updates(c, touched, s.fired[index], s.tick)
}

// collect collects the spikes of a core.
func (w *worker) collect(s *state, index int) {
	fired := &s.fired[index]
	if *fired == (set{}) {
		return
	}
	c, sends := &s.m.cores[index], &s.m.sends[index]
	if c.only >= 0 {
		w.gather(sends, fired, int(c.only))
		return
	}
	for i := range c.layers {
		p := &c.layers[i]
		some := *fired
		for k := range some {
			some[k] &= p.members[k]
		}
		w.gather(sends, &some, p.layer)
	}
}

// gather collects the spikes of a layer.
func (w *worker) gather(sends *[Neurons]send, fired *set, layer int) {
	for k, x := range fired {
		for ; x != 0; x &= x - 1 {
			w.leave = append(w.leave, sends[k*64+bits.TrailingZeros64(x)])
		}
	}
	w.parts = append(w.parts, leaving{layer, len(w.leave)})
}

// plain computes neurons that are plain, all at once.
func (w *worker) plain(s *state, c *core, v *[Neurons]int32, index int) {
	p, types := c.plain, &s.m.types[index]
	w.rows = w.rows[:0]
	for _, a := range w.axons {
		w.rows = append(w.rows, row{&c.rows[a], &p.s[types.of(a)]})
	}
	sums := &p.lambda
	changed := uint32(0)
	for rows := w.rows; len(rows) > 0; {
		if sums == &w.sums { // V is within its range whatever comes first
			for j, x := range w.sums {
				v[j] += int32(x)
			}
			sums, changed = &zeros, 1
		}
		n := min(len(rows), mostPlain)
		integrate(&w.sums, sums, rows[:n])
		sums, rows = &w.sums, rows[n:]
	}
	update(v, sums, p, &w.out)
	changed |= w.out.changed
	s.bits[index] = w.out.bits
	s.fired[index] = w.out.fired
	// A core that nothing reached, in which nothing changed and no neuron spiked, will be so again. A neuron without leak that is between
	// its thresholds stays there.
	moving := &s.moving[index]
	for k := range moving {
		moving[k] = w.out.fired[k] | w.out.reset[k]&^c.leaky[k]
		if changed != 0 || len(w.axons) > 0 {
			moving[k] |= c.leaky[k]
		}
	}
}

// zeros is sums of nothing.
var zeros [Neurons]int16

// literal computes neurons one after another, as the equations say.
func (w *worker) literal(s *state, c *core, v *[Neurons]int32, touched set, index int) {
	low, high := s.m.rules.ends()
	d := draws{seed: s.seed, core: c.id, tick: uint32(s.tick), fixed: s.m.fixed}
	moving, used, types := s.moving[index], s.m.plans[index].used, &s.m.types[index]
	bound := uint32(0)
	for k := range touched {
		for x := used[k] & (touched[k] | moving[k]); x != 0; x &= x - 1 {
			j := k*64 + bits.TrailingZeros64(x)
			p := c.list[j]
			d.place, d.block = uint32(j), 0
			n := cell{v: v[j], low: low, high: high}
			if s.m.rules.LeakFirst {
				n.leak(p, &d)
			}
			for _, a := range w.axons {
				if c.rows[a][k]>>(j%64)&1 != 0 {
					n.synapse(p, types.of(a), uint32(a), &d)
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
			if !fired && !n.clipped && n.v == v[j] && touched[k]&b == 0 && d.block == 0 {
				moving[k] &^= b
			} else {
				moving[k] |= b
			}
			if n.clipped {
				w.counts.clipped(c, k, b)
			}
			v[j] = n.v
		}
	}
	for _, x := range v {
		bound |= uint32(x ^ x>>31)
	}
	s.moving[index], s.bits[index] = moving, bound
}

// send sends the spikes on their way.
func (w *worker) send(s *state) {
	if len(w.leave) == 0 {
		return
	}
	prefetchDue(&s.due[0], &w.leave[0], len(w.leave), s.tick)
	from := 0
	for _, p := range w.parts {
		var messages, hops, edges, merged int64
		for _, x := range w.leave[from:p.end] {
			if x.kind() != ToAxon {
				if x.kind() == ToOutput {
					w.counts.outputs++
				}
				continue
			}
			messages += x.message()
			hops += x.hops()
			edges += x.edges()
			word, at := &s.due[x.to()][(s.tick+x.delay())%slots][x.axon()/64], x.axon()%64
			var old uint64
			if s.shared {
				old = atomic.OrUint64(word, 1<<at)
			} else {
				old = *word
				*word = old | 1<<at
			}
			merged += int64(old >> at & 1)
		}
		from = p.end
		l := &w.counts.layers[p.layer]
		l.messages += messages
		l.hops += hops
		l.edges += edges
		w.counts.merged += merged
	}
	w.leave, w.parts = w.leave[:0], w.parts[:0]
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
