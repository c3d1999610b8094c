package emulator

import (
	"fmt"
	"slices"
	"sync"
)

// State is a network at work: one example, from its first step on.
type State struct {
	p       *Program
	seed    uint64
	step    int
	groups  []compartments
	history [][][]int32 // by source and step modulo Program.history: the elements that spiked
	workers int
	sums    [][]int32 // of the workers beside the first, as long as the largest group
}

// compartments are the states of a group, as they are kept.
type compartments struct {
	u, v, rest, q []int32
	before        []int32 // v before the reset
	bias          []int32 // effective; nil: those of the program, or 0
	spikes        []int32 // of the last step, as the chip numbers them
	Count
}

// Count is what a group did since the beginning.
type Count struct {
	Synops   int // spikes times the synapses that they reach
	Active   int // updates of compartments to which more or less than 0 arrived in sum, or that spiked
	Inactive int // the others
	Clipped  int // updates in which a number left its width
	Spikes   int
}

// NewState returns a state at the beginning. What is drawn follows from the seed. One step is computed by so many goroutines, where
// it is large enough; no result depends on it.
func (p *Program) NewState(seed uint64, workers int) *State {
	s := &State{p: p, seed: seed, workers: max(workers, 1), groups: make([]compartments, len(p.groups)), history: make([][][]int32, len(p.inputs)+len(p.groups))}
	largest := 0
	for i := range p.groups {
		n := p.groups[i].size
		largest = max(largest, n)
		s.groups[i] = compartments{u: make([]int32, n), v: make([]int32, n), rest: make([]int32, n), q: make([]int32, n), before: make([]int32, n)}
	}
	for i := range s.history {
		s.history[i] = make([][]int32, max(p.history, 1))
	}
	for range s.workers - 1 {
		s.sums = append(s.sums, make([]int32, largest))
	}
	s.Reset(seed)
	return s
}

// Reset brings the state back to the beginning, with the biases of the program.
func (s *State) Reset(seed uint64) {
	s.seed, s.step = seed, 0
	for i := range s.groups {
		c, g := &s.groups[i], &s.p.groups[i]
		clear(c.u)
		clear(c.v)
		if g.start != nil {
			copy(c.v, g.start)
		}
		for k := range c.rest {
			c.rest[k] = g.hold
		}
		c.bias, c.spikes, c.Count = nil, c.spikes[:0], Count{}
	}
	for i := range s.history {
		for k := range s.history[i] {
			s.history[i][k] = s.history[i][k][:0]
		}
	}
}

// SetBias gives a group other bias mantissas, one for each compartment, as the host writes them for an example.
func (s *State) SetBias(group int, mantissas []int32) error {
	c, g := &s.groups[group], &s.p.groups[group]
	if len(mantissas) != g.size {
		return fmt.Errorf("%d biases for %d compartments", len(mantissas), g.size)
	}
	if c.bias == nil {
		c.bias = make([]int32, g.size)
	}
	for i, m := range mantissas {
		if m < -4095 || m > 4095 {
			return fmt.Errorf("bias %d is %d, outside -4095..4095", i, m)
		}
		c.bias[g.at(i)] = m << g.biasExp
	}
	return nil
}

// Step computes a step with the elements of each input that spike in it.
func (s *State) Step(inputs [][]int32) {
	p, now := s.p, s.step%max(s.p.history, 1)
	for i := range p.inputs {
		s.history[i][now] = append(s.history[i][now][:0], inputs[i]...)
	}
	for i := range p.groups {
		s.arrive(i)
		s.update(i)
	}
	for i := range p.groups {
		if k := len(p.inputs) + i; p.receivers[k] {
			s.history[k][now] = append(s.history[k][now][:0], s.groups[i].spikes...)
		}
	}
	s.step++
}

// due are the elements of a source whose spikes arrive now over synapses.
func (s *State) due(x *synapses) []int32 {
	at := s.step - x.delay
	if at < 0 {
		return nil
	}
	return s.history[x.source][at%s.p.history]
}

// parallel is how many synaptic events, or compartments, are worth a goroutine.
const parallel = 1 << 14

// arrive sums up the weights of what arrives at a group.
func (s *State) arrive(group int) {
	c := &s.groups[group]
	clear(c.q)
	for _, i := range s.p.into[group] {
		x := &s.p.synapses[i]
		due := s.due(x)
		if len(due) == 0 {
			continue
		}
		events := 0
		for _, e := range due {
			events += int(x.events[e])
		}
		c.Synops += events
		if x.late > 0 {
			sum := make([]int32, len(c.q))
			x.add(sum, due)
			for k, v := range sum {
				c.q[k] += v >> x.late << unitBits
			}
			continue
		}
		if s.workers == 1 || events < parallel {
			x.add(c.q, due)
			continue
		}
		var all sync.WaitGroup
		share := (len(due) + s.workers - 1) / s.workers
		for w := 1; w < s.workers; w++ {
			part := due[min(w*share, len(due)):min((w+1)*share, len(due))]
			sum := s.sums[w-1][:len(c.q)]
			all.Go(func() {
				clear(sum)
				x.add(sum, part)
			})
		}
		x.add(c.q, due[:min(share, len(due))])
		all.Wait()
		for w := 1; w < s.workers; w++ {
			sum := s.sums[w-1][:len(c.q)]
			for k, v := range sum {
				c.q[k] += v
			}
		}
	}
}

// add adds to q the weights of spikes. Sums beyond 31 bits wrap as those of 21 bits would.
func (x *synapses) add(q []int32, spikes []int32) {
	if x.packed != nil {
		const up = 32 - mantissaBits
		for _, e := range spikes {
			for _, w := range x.packed[x.first[e]:x.first[e+1]] {
				q[w>>mantissaBits] += int32(w) << up >> up << (x.shift & 31)
			}
		}
		return
	}
	for _, e := range spikes {
		for _, r := range x.runs[x.first[e]:x.first[e+1]] {
			if r.n == 1 {
				q[r.at] += x.weights[r.row]
				continue
			}
			to, w := q[r.at:r.at+r.n], x.weights[r.row:r.row+r.n]
			w = w[:len(to)]
			for k := range to {
				to[k] += w[k]
			}
		}
	}
}

// update computes the compartments of a group from what has arrived.
func (s *State) update(group int) {
	c, n := &s.groups[group], s.p.groups[group].size
	c.spikes = c.spikes[:0]
	if s.workers == 1 || n < 2*parallel {
		c.spikes = s.span(group, 0, n, c.spikes, &c.Count)
		return
	}
	counts, spikes := make([]Count, s.workers), make([][]int32, s.workers)
	share := (n + s.workers - 1) / s.workers
	var all sync.WaitGroup
	for w := range s.workers {
		all.Go(func() {
			spikes[w] = s.span(group, min(w*share, n), min((w+1)*share, n), nil, &counts[w])
		})
	}
	all.Wait()
	for w := range s.workers {
		c.spikes = append(c.spikes, spikes[w]...)
		c.Active, c.Inactive, c.Clipped, c.Spikes = c.Active+counts[w].Active, c.Inactive+counts[w].Inactive, c.Clipped+counts[w].Clipped, c.Spikes+counts[w].Spikes
	}
}

// span computes the compartments that are kept from from to to, and adds those that spike to spikes.
func (s *State) span(group, from, to int, spikes []int32, count *Count) []int32 {
	c, g := &s.groups[group], &s.p.groups[group]
	dialect := s.p.dialect
	wraps, rests := dialect == Chip || dialect == Nengo, dialect != Lava
	if wraps && g.noise == nil && g.refract == 1 && g.hold == 0 {
		return s.plain(group, from, to, spikes, count)
	}
	keepU, keepV, threshold, vmin, vmax := g.keepU, g.keepV, g.threshold, g.vmin, g.vmax
	if dialect == Lava {
		vmin, vmax = 1-1<<stateBits, 1<<stateBits-1
	}
	biases := g.bias
	if c.bias != nil {
		biases = c.bias
	}
	if dialect == Brian2 { // has none
		biases = nil
	}
	us, vs, rest, qs, before := c.u[from:to], c.v[from:to], c.rest[from:to], c.q[from:to], c.before[from:to]
	vs, rest, qs, before = vs[:len(us)], rest[:len(us)], qs[:len(us)], before[:len(us)]
	if biases != nil {
		biases = biases[from:to]
	}
	active, clipped := 0, 0
	for i := range us {
		q, more := int64(qs[i]), int64(0)
		if g.noise != nil {
			x := g.noise.value(draw(s.seed, uint64(group), uint64(g.compartment(from+i)), uint64(s.step)))
			if g.noise.To == "u" {
				q += x
			} else {
				more = x
			}
		}
		u := decay(int64(us[i]), keepU)
		v := decay(int64(vs[i]), keepV)
		bias := more
		if biases != nil {
			bias += int64(biases[i])
		}
		var odd bool
		switch {
		case wraps:
			sum := wrap(q, sumBits)
			now := wrap(u+sum, stateBits)
			w := wrap(now+bias, stateBits)
			odd = sum != q || now != u+sum || w != now+bias
			u, v = now, v+w
		case dialect == Lava:
			if u += q; u > 1<<stateBits {
				u, odd = u-1<<(stateBits+1), true
			} else if u <= -1<<stateBits {
				u, odd = u+1<<(stateBits+1), true
			}
			v += u + bias
		default:
			u += q
			v += u
		}
		if dialect != Brian2 {
			if v < vmin {
				v, odd = vmin, true
			} else if v > vmax {
				v, odd = vmax, true
			}
		}
		if odd {
			clipped++
		}
		r := rest[i]
		if rests && r > 0 {
			v = 0
		}
		us[i], before[i] = int32(u), int32(v)
		if v > threshold {
			v, r = g.reset(v), g.refract
			spikes = append(spikes, int32(g.compartment(from+i)))
			active++
		} else if qs[i] != 0 {
			active++
		}
		vs[i] = int32(v)
		if r > 0 {
			r--
		}
		rest[i] = r
	}
	count.Active += active
	count.Inactive += len(us) - active
	count.Clipped += clipped
	count.Spikes += len(spikes)
	return spikes
}

// plain is span for the chip's arithmetic where no compartment rests and nothing is drawn, which is most of what is computed.
func (s *State) plain(group, from, to int, spikes []int32, count *Count) []int32 {
	c, g := &s.groups[group], &s.p.groups[group]
	keepU, keepV, threshold, vmin, vmax := g.keepU, g.keepV, g.threshold, g.vmin, g.vmax
	biases := g.bias
	if c.bias != nil {
		biases = c.bias
	}
	us, vs, qs, before := c.u[from:to], c.v[from:to], c.q[from:to], c.before[from:to]
	vs, qs, before = vs[:len(us)], qs[:len(us)], before[:len(us)]
	active, clipped, fired := 0, 0, len(spikes)
	for i := range us {
		q := int64(qs[i])
		sum := wrap(q, sumBits)
		free := decay(int64(us[i]), keepU) + sum
		u := wrap(free, stateBits)
		w := u
		odd := sum ^ q | u ^ free
		if biases != nil {
			free = u + int64(biases[from+i])
			w = wrap(free, stateBits)
			odd |= w ^ free
		}
		free = decay(int64(vs[i]), keepV) + w
		v := min(max(free, vmin), vmax)
		if odd|v^free != 0 {
			clipped++
		}
		us[i], before[i] = int32(u), int32(v)
		if v > threshold {
			v = g.reset(v)
			spikes = append(spikes, int32(from+i))
			if q == 0 {
				active++
			}
		}
		if q != 0 {
			active++
		}
		vs[i] = int32(v)
	}
	if g.back != nil {
		for i, k := range spikes[fired:] {
			spikes[fired+i] = g.back[k]
		}
	}
	count.Active += active
	count.Inactive += len(us) - active
	count.Clipped += clipped
	count.Spikes += len(spikes)
	return spikes
}

// value is what noise adds. Below 7 the chip takes the exponent for one more (nengo-loihi).
func (o *Noise) value(n int64) int64 {
	n += unit * int64(o.Offset)
	e := o.Exponent
	if e < 7 {
		e++
	}
	if e >= 7 {
		return n << (e - 7)
	}
	return n >> (7 - e)
}

// Spikes returns the compartments of a group that spiked in the last step, in order. It holds until the next step.
func (s *State) Spikes(group int) []int32 {
	slices.Sort(s.groups[group].spikes)
	return s.groups[group].spikes
}

// U returns the currents of a group behind the last step.
func (s *State) U(group int) []int32 { return s.logical(group, s.groups[group].u) }

// V returns the membranes of a group in the last step, before a spike resets them.
func (s *State) V(group int) []int32 { return s.logical(group, s.groups[group].before) }

// Count returns what a group did.
func (s *State) Count(group int) Count { return s.groups[group].Count }

func (s *State) logical(group int, kept []int32) []int32 {
	g := &s.p.groups[group]
	out := make([]int32, len(kept))
	for i := range out {
		out[i] = kept[g.at(i)]
	}
	return out
}
