package emulator

import "math/bits"

// worker has the scratch of one that computes cores.
type worker struct {
	number  int           // among those of a state
	axons   []uint8       // active ones of the cores of a patch, one core behind the other
	ends    [1<<8 + 1]int // where those of a core begin, and the ones of the next
	rows    []row
	sums    [Neurons]int16
	out     outcome
	outputs []int32
	counts  counts
}

// How many cores lie between that a core's memory is asked for and that it is read: its rows, and where its spikes go.
const (
	rowsAhead   = 3
	sendsBehind = 2
)

// run computes a tick of the cores of a patch. What a core reads lies all over memory: it is asked for while other cores are computed.
func (w *worker) run(s *state, patch int) {
	w.deliver(s, patch)
	from := patch << s.m.shift
	n := min(1<<s.m.shift, len(s.m.cores)-from)
	w.axons = w.axons[:0]
	next := 0
	for k := range n + sendsBehind {
		for ; next < n && next <= k+rowsAhead; next++ {
			before := len(w.axons)
			w.axons = s.active(from+next, w.axons)
			w.ends[next+1] = len(w.axons)
			if len(w.axons) > before {
				prefetchRows(s.m.rows(from+next), &s.m.types[from+next], &w.axons[before], len(w.axons)-before)
			}
		}
		if k < n {
			w.core(s, from+k, w.axons[w.ends[k]:w.ends[k+1]])
			prefetchSends(&s.m.sends[from+k], &s.fired[from+k])
		}
		if k >= sendsBehind {
			w.post(s, from+k-sendsBehind)
		}
	}
}

// core computes a tick of a core, whose active axons are known.
func (w *worker) core(s *state, index int, axons []uint8) {
	c := &s.m.cores[index]
	s.fired[index] = set{}
	if len(axons) == 0 && s.moving[index] == (set{}) {
		w.counts.idle(c)
		return
	}
	s.due[index] = set{}
	var t0, t1, t2, t3 uint64
	crossbar := s.m.rows(index)
	synapses := int64(0)
	for _, a := range axons {
		r := &crossbar[a]
		t0, t1, t2, t3 = t0|r[0], t1|r[1], t2|r[2], t3|r[3]
		if c.only >= 0 {
			synapses += common(*r, *r)
		} else {
			w.counts.synapses(c, r)
		}
	}
	if c.only >= 0 {
		w.counts.layers[c.only].synops += synapses
	}
	touched := set{t0, t1, t2, t3}
	low, high := s.m.rules.ends()
	// No sum of this tick is above that, or below its negative, in whatever order it is taken.
	most := int64(s.bits[index]) + 1 - int64(MinWeight)*int64(len(axons)+1)
	plain := c.plain != nil && most <= int64(min(high, -low)) && !s.m.literal
	s.narrow(index, plain && c.narrow != nil && most < 1<<15)
	if plain {
		w.plain(s, c, index, axons)
	} else {
		w.literal(s, c, touched, index, axons)
	}
	w.counts.updates(c, touched, s.fired[index], s.tick)
}

// plain computes neurons that are plain, all at once.
func (w *worker) plain(s *state, c *core, index int, axons []uint8) {
	p, types, wide := c.plain, &s.m.types[index], s.wide[index]
	v := (*[Neurons]int32)(s.v[index*Neurons:])
	w.rows = w.rows[:0]
	crossbar := s.m.rows(index)
	for _, a := range axons {
		w.rows = append(w.rows, row{&crossbar[a], &p.s[types.of(a)]})
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
	if wide {
		update(v, sums, p, &w.out)
	} else { // there are too few axons for more than one round
		updateNarrow((*[Neurons]int16)(s.v16[index*Neurons:]), sums, c.narrow, &w.out)
	}
	changed |= w.out.changed
	s.bits[index] = w.out.bits
	s.fired[index] = w.out.fired
	// A core that nothing reached, in which nothing changed and no neuron spiked, will be so again. A neuron without leak that is between
	// its thresholds stays there.
	moving := &s.moving[index]
	for k := range moving {
		moving[k] = w.out.fired[k] | w.out.reset[k]&^c.leaky[k]
		if changed != 0 || len(axons) > 0 {
			moving[k] |= c.leaky[k]
		}
	}
}

// zeros is sums of nothing.
var zeros [Neurons]int16

// literal computes neurons one after another, as the equations say.
func (w *worker) literal(s *state, c *core, touched set, index int, axons []uint8) {
	v, crossbar := (*[Neurons]int32)(s.v[index*Neurons:]), s.m.rows(index)
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
			for _, a := range axons {
				if crossbar[a][k]>>(j%64)&1 != 0 {
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
