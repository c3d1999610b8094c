package emulator

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
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
	blocks  []block   // as many as the largest group has
}

// block is what is computed of a block of a group.
type block struct {
	synops int
	lanes  lanes
	count  Count
	fired  []fired
}

// compartments are the states of a group, as they are kept.
type compartments struct {
	u, v, rest, q []int32 // q: what has arrived, 0 between steps
	bias          []int32 // effective; nil: those of the program, or 0
	fired         []fired // in the last step
	spikes        []int32 // of the last step, as the network numbers them
	Count
}

// fired is a compartment that spiked: where it is kept, and its membrane before the reset.
type fired struct{ at, v int32 }

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
		n := padded(p.groups[i].size)
		largest = max(largest, n)
		s.groups[i] = compartments{u: make([]int32, n), v: make([]int32, n), rest: make([]int32, n), q: make([]int32, n)}
	}
	s.blocks = make([]block, blocks(largest))
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
		c.bias, c.fired, c.spikes, c.Count = nil, c.fired[:0], c.spikes[:0], Count{}
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
		c.bias = make([]int32, padded(g.size))
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

// arrive sums up the weights of what arrives at a group over runs.
func (s *State) arrive(group int) {
	c := &s.groups[group]
	for _, i := range s.p.into[group] {
		x := &s.p.synapses[i]
		due := s.due(x)
		if len(due) == 0 || x.packed != nil {
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

// add adds to q the weights of spikes over runs. Sums beyond 31 bits wrap as those of 21 bits would.
func (x *synapses) add(q []int32, spikes []int32) {
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

// scatter adds to a block of q the weights of spikes over packed synapses, and returns how many they were.
func (x *packed) scatter(q []int32, shift uint, spikes []int32) (events int) {
	const (
		up    = 32 - mantissaBits
		ahead = 16 // spikes whose rows are asked for while those before them are read
	)
	if len(q) == 0 {
		return 0
	}
	x.prefetch(spikes[:min(len(spikes), ahead)])
	for len(spikes) > 0 {
		n := min(len(spikes), ahead)
		x.prefetch(spikes[n:min(len(spikes), 2*n)])
		for _, e := range spikes[:n] {
			row := x.words[x.first[e]:x.first[e+1]]
			for _, w := range row {
				q[w>>mantissaBits] += int32(w) << up >> up << (shift & 31)
			}
			events += len(row)
		}
		spikes = spikes[n:]
	}
	return events
}

// update computes the compartments of a group from what has arrived, block by block.
func (s *State) update(group int) {
	c, n := &s.groups[group], s.p.groups[group].size
	c.fired, c.spikes = c.fired[:0], c.spikes[:0]
	work := n
	for _, i := range s.p.into[group] {
		if x := &s.p.synapses[i]; x.packed != nil {
			work += x.fan * len(s.due(x))
		}
	}
	list := s.blocks[:blocks(n)]
	if workers := min(s.workers, len(list)); workers > 1 && work >= 2*parallel {
		var all sync.WaitGroup
		var next atomic.Int64
		compute := func() {
			for k := int(next.Add(1)) - 1; k < len(list); k = int(next.Add(1)) - 1 {
				s.block(group, k)
			}
		}
		for range workers - 1 {
			all.Go(compute)
		}
		compute()
		all.Wait()
	} else {
		for k := range list {
			s.block(group, k)
		}
	}
	g := &s.p.groups[group]
	for k := range list {
		b := &list[k]
		c.Count.add(&b.count)
		c.fired = append(c.fired, b.fired...)
	}
	for _, f := range c.fired {
		c.spikes = append(c.spikes, int32(g.compartment(int(f.at))))
	}
}

// block computes block k of a group, from what arrives over packed synapses on.
func (s *State) block(group, k int) {
	c, g, b := &s.groups[group], &s.p.groups[group], &s.blocks[k]
	from, to := k*blockSize, min((k+1)*blockSize, len(c.u))
	b.count, b.fired = Count{}, b.fired[:0]
	for _, i := range s.p.into[group] {
		if x := &s.p.synapses[i]; x.packed != nil {
			b.count.Synops += x.packed[k].scatter(c.q[from:to], x.shift, s.due(x))
		}
	}
	if g.plain && (s.p.dialect == Chip || s.p.dialect == Nengo) {
		s.plain(group, from, to, b)
	} else {
		s.span(group, from, min(to, g.size), b)
		clear(c.q[from:to])
	}
	b.count.Spikes = len(b.fired)
}

// add adds what was counted elsewhere.
func (c *Count) add(o *Count) {
	c.Synops, c.Active, c.Inactive, c.Clipped, c.Spikes = c.Synops+o.Synops, c.Active+o.Active, c.Inactive+o.Inactive, c.Clipped+o.Clipped, c.Spikes+o.Spikes
}

// span computes the compartments that are kept from from to to.
func (s *State) span(group, from, to int, b *block) {
	c, g := &s.groups[group], &s.p.groups[group]
	dialect := s.p.dialect
	wraps, rests := dialect == Chip || dialect == Nengo, dialect != Lava
	keepU, keepV, threshold, vmin, vmax := g.keepU, g.keepV, g.threshold, g.vmin, g.vmax
	if dialect == Lava {
		vmin, vmax = 1-1<<stateBits, 1<<stateBits-1
	}
	biases := c.biases(g)
	if dialect == Brian2 { // has none
		biases = nil
	}
	us, vs, rest, qs := c.u[from:to], c.v[from:to], c.rest[from:to], c.q[from:to]
	vs, rest, qs = vs[:len(us)], rest[:len(us)], qs[:len(us)]
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
		us[i] = int32(u)
		if v > threshold {
			b.fired = append(b.fired, fired{int32(from + i), int32(v)})
			v, r = g.reset(v), g.refract
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
	b.count.Active, b.count.Inactive, b.count.Clipped = active, len(us)-active, clipped
}

// plain is span for the chip's arithmetic where no compartment rests and nothing is drawn, which is most of what is computed. The
// numbers that fill the last word are 0, and never spike.
func (s *State) plain(group, from, to int, b *block) {
	c, g, x := &s.groups[group], &s.p.groups[group], &b.lanes
	x.u, x.v, x.q, x.bias = c.u[from:to], c.v[from:to], c.q[from:to], nil
	if biases := c.biases(g); biases != nil {
		x.bias = biases[from:to]
	}
	x.keepU, x.keepV, x.threshold, x.vmin, x.vmax = int32(g.keepU), int32(g.keepV), int32(g.threshold), int32(g.vmin), int32(g.vmax)
	x.compute()
	for k, w := range x.fired[:(to-from+63)/64] {
		for ; w != 0; w &= w - 1 {
			at := k*64 + bits.TrailingZeros64(w)
			v := x.v[at]
			b.fired = append(b.fired, fired{int32(from + at), v})
			x.v[at] = int32(g.reset(int64(v)))
		}
	}
	b.count.Active, b.count.Clipped = to-from-int(x.inactive), to-from-int(x.within)
	b.count.Inactive = min(to, g.size) - from - b.count.Active
}

// biases are those that a group has now; nil: none.
func (c *compartments) biases(g *group) []int32 {
	if c.bias != nil {
		return c.bias
	}
	return g.bias
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
func (s *State) V(group int) []int32 {
	out := s.logical(group, s.groups[group].v)
	for _, f := range s.groups[group].fired {
		out[s.p.groups[group].compartment(int(f.at))] = f.v
	}
	return out
}

// Count returns what a group did.
func (s *State) Count(group int) Count { return s.groups[group].Count }

func (s *State) logical(group int, kept []int32) []int32 {
	g := &s.p.groups[group]
	out := make([]int32, g.size)
	for i := range out {
		out[i] = kept[g.at(i)]
	}
	return out
}
