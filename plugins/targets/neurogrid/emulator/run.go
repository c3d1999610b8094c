package emulator

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Event is a spike from the host.
type Event struct {
	At     float64 // ms
	Source int     // address of the host, from 0 on
}

// Counts are what a trial took. Each list has an entry for each layer.
type Counts struct {
	Spikes    []float64 // of its neurons
	Offered   []float64 // spikes at softwires onto its neurons
	Delivered []float64 // events that came of them: each one synapse, since the arbors are not used
}

// arrival is an event at a neuron: the neuron's number in its stage, the step of the board at whose beginning it comes, and the type of
// synapse, so packed that they sort in this order.
type arrival uint64

const mostTicks = 1 << 30

func arrive(slot int32, tick int, kind uint8) arrival {
	return arrival(slot)<<32 | arrival(tick)<<2 | arrival(kind)
}

func (a arrival) slot() int { return int(a >> 32) }
func (a arrival) tick() int { return int(a >> 2 & (mostTicks - 1)) }
func (a arrival) kind() int { return int(a & 3) }

// trial is a run at work.
type trial struct {
	*Chip
	ended    func() error // whether the trial is to end before its time
	key      uint64
	ticks    int
	counts   Counts
	arrivals [][]arrival // of each stage
	calls    int
}

// Run runs a trial from rest, for so many ms, and tells each spike with its time in ms: those of a neuron in order, and neurons
// one after the other. Events come in order of time. What softwires let through follows from the seed. Spikes act from the step of the
// board on that begins next: the tree takes less than 1 us.
//
// Neurons that lie on no cycle of softwires run one by one through the whole trial, behind all that they take events from.
func (c *Chip) Run(ctx context.Context, seed uint64, duration float64, in []Event, spike func(neuron int, at float64)) (Counts, error) {
	count := func() []float64 { return make([]float64, c.Layers) }
	r := &trial{Chip: c, ended: ctx.Err, key: mix(seed), ticks: int(math.Ceil(duration/c.Step - 1e-9)), counts: Counts{count(), count(), count()}}
	if !(duration/c.Step < mostTicks) {
		return r.counts, fmt.Errorf("run a trial: %v ms in steps of %v ms are more than %d", duration, c.Step, mostTicks)
	}
	r.arrivals = make([][]arrival, len(c.stages)+1)
	sent := make([]uint64, c.Inputs)
	for _, e := range in {
		if e.Source < 0 || e.Source >= c.Inputs {
			return r.counts, fmt.Errorf("run a trial: the host sends from address %d of %d", e.Source, c.Inputs)
		}
		sent[e.Source]++
		r.send(len(c.Place)+e.Source, sent[e.Source], r.due(e.At))
	}
	for k, stage := range c.stages {
		if err := r.stage(stage, r.arrivals[k], spike); err != nil {
			return r.counts, err
		}
		r.arrivals[k] = nil
	}
	return r.counts, r.cycles(spike)
}

// due is the step of the board at whose beginning a spike of a time acts.
func (r *trial) due(at float64) int { return max(0, int(math.Ceil(at/r.Step-1e-9))) }

// send delivers a spike of a source, its number from 1 on, over its softwires. One that acts when the trial has ended is not sent.
func (r *trial) send(source int, number uint64, tick int) {
	if tick >= r.ticks {
		return
	}
	key := event(r.key, source, number)
	for k, w := range r.Wires[r.First[source]:r.First[source+1]] {
		layer := r.Layer[w.Target]
		r.counts.Offered[layer]++
		if uniform(key, k) >= w.Probability {
			continue
		}
		r.counts.Delivered[layer]++
		b := r.berths[w.Target]
		r.arrivals[b.stage] = append(r.arrivals[b.stage], arrive(b.slot, tick, w.Type))
	}
}

// stage runs neurons that have no softwires to each other, one by one.
func (r *trial) stage(neurons []int32, arrivals []arrival, spike func(neuron int, at float64)) error {
	first := bySlot(arrivals, len(neurons))
	end := float64(r.ticks) * r.Step
	for slot, i := range neurons {
		n := r.rest(i)
		fired := uint64(0)
		run := func(until float64) error {
			for {
				at, ok := r.advance(int(i), &n, until)
				if err := r.cancelled(); !ok || err != nil {
					return err
				}
				fired++
				r.counts.Spikes[r.Layer[i]]++
				spike(int(i), at)
				r.send(int(i), fired, r.due(at))
			}
		}
		for _, a := range arrivals[first[slot]:first[slot+1]] {
			if err := run(float64(a.tick()) * r.Step); err != nil {
				return err
			}
			r.take(int(i), &n, a.kind())
		}
		if err := run(end); err != nil {
			return err
		}
	}
	return nil
}

// cycles runs the neurons that are left, which may send each other spikes, step by step. A neuron waits for its next event or for the
// step in which it can spike at the earliest.
func (r *trial) cycles(spike func(neuron int, at float64)) error {
	if len(r.cyclic) == 0 {
		return nil
	}
	last := len(r.stages)
	cells, fired := make([]cell, len(r.cyclic)), make([]uint64, len(r.cyclic))
	wakes := make([]float64, len(r.cyclic)) // ms
	for slot, i := range r.cyclic {
		cells[slot] = r.rest(i)
	}
	from := r.arrivals[last] // of neurons before these, and of the host
	slices.SortFunc(from, func(a, b arrival) int { return cmp.Compare(a.tick(), b.tick()) })
	r.arrivals[last] = nil
	for tick := range r.ticks {
		begins, ends := float64(tick)*r.Step, float64(tick+1)*r.Step
		take := func(a arrival) {
			i, n := int(r.cyclic[a.slot()]), &cells[a.slot()]
			r.advance(i, n, begins) // without a spike
			r.take(i, n, a.kind())
			wakes[a.slot()] = r.earliest(i, n)
		}
		for ; len(from) > 0 && from[0].tick() == tick; from = from[1:] {
			take(from[0])
		}
		for _, a := range r.arrivals[last] { // sent in the step before
			take(a)
		}
		r.arrivals[last] = r.arrivals[last][:0]
		if err := r.cancelled(); err != nil {
			return err
		}
		for slot, i := range r.cyclic {
			for wakes[slot] < ends {
				at, ok := r.advance(int(i), &cells[slot], ends)
				if err := r.cancelled(); err != nil {
					return err
				}
				if !ok {
					wakes[slot] = r.earliest(int(i), &cells[slot])
					break
				}
				fired[slot]++
				r.counts.Spikes[r.Layer[i]]++
				spike(int(i), at)
				r.send(int(i), fired[slot], tick+1)
			}
		}
	}
	return nil
}

// earliest is a time in ms up to which a neuron does not spike unless an event comes. Without conductances to pull it down and with what drives
// it staying as it is, it would rise faster than it does: that has the closed form of Interval, or comes to rest below the threshold.
// A step of the board is taken off for the errors of integration.
func (c *Chip) earliest(i int, n *cell) float64 {
	drive := c.own[i].bias
	for k, g := range n.g {
		drive += g * c.own[i].reversal[k]
	}
	from := math.Max(n.t, n.free) - c.Step
	d := 2*drive - 1
	if d <= 0 {
		if n.v < 1+math.Sqrt(-d) {
			return math.Inf(1)
		}
		return from
	}
	r := math.Sqrt(d)
	return from + 2*c.core(i).Tau/r*(math.Atan((Threshold-1)/r)-math.Atan((n.v-1)/r))
}

// rest is a neuron at the beginning of a trial.
func (r *trial) rest(i int32) cell { return cell{h: start * r.core(int(i)).Tau} }

// take opens the gates of an event.
func (c *Chip) take(i int, n *cell, kind int) {
	n.g[kind] = min(n.g[kind]+c.own[i].gain[kind], c.core(i).Synapses[kind].Most)
	n.h = min(n.h, start*c.core(i).Tau)
}

// cancelled asks now and then whether the trial is to end.
func (r *trial) cancelled() error {
	if r.calls++; r.calls%64 == 0 {
		return r.ended()
	}
	return nil
}

// bySlot sorts arrivals, in place as they are most of what a trial keeps, and returns where those of each of n slots begin (American flag
// sort: McIlroy, Bostic and McIlroy, Engineering Radix Sort, 1993).
func bySlot(arrivals []arrival, n int) []int {
	first := make([]int, n+1)
	for _, a := range arrivals {
		first[a.slot()+1]++
	}
	for k := range n {
		first[k+1] += first[k]
	}
	next := slices.Clone(first)
	for k := range n {
		for next[k] < first[k+1] {
			at := next[k]
			a := arrivals[at]
			to := a.slot()
			if to != k {
				arrivals[at], arrivals[next[to]] = arrivals[next[to]], a
			}
			next[to]++
		}
	}
	for k := range n {
		slices.Sort(arrivals[first[k]:first[k+1]])
	}
	return first
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x += golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const golden = 0x9e3779b97f4a7c15

// event is the key of a source's spike of a number, from 1 on: what its softwires let through depends on nothing else.
func event(key uint64, source int, number uint64) uint64 {
	return mix(mix(key^uint64(source)) ^ number)
}

// Uniform is a number in 0 to below 1 that follows from a seed and where it is drawn: what a host thins its own spikes with.
func Uniform(seed uint64, source int, number uint64) float64 {
	return float64(event(mix(^seed), source, number)>>11) / (1 << 53)
}

// uniform is the number of a softwire in 0 to below 1.
func uniform(key uint64, wire int) float32 {
	return float32(mix(key+uint64(wire)*golden)>>40) / (1 << 24)
}

// Nominal runs one neuron without mismatch with conductance arriving as pulses, and returns the times of its
// spikes, at most so many where most is not 0. Pulses are the
// gain of an event of each type at the beginning of a step of the board: pulses(tick) is 0 where there is none.
func Nominal(p Parameters, step, duration float64, most int, pulses func(tick int) [Types]float64) []float64 {
	b := &Board{Step: step, Cores: []Parameters{p}, Place: []int32{0}, Layer: []int32{0}, Layers: 1, First: []int{0, 0}}
	c := b.Draw(0, 0)
	n := cell{h: start * p.Tau}
	var out []float64
	run := func(until float64) (done bool) {
		for {
			at, ok := c.advance(0, &n, until)
			if !ok {
				return false
			}
			if out = append(out, at); len(out) == most {
				return true
			}
		}
	}
	ticks := int(math.Ceil(duration/step - 1e-9))
	for tick := range ticks {
		if pulses == nil {
			break
		}
		x := pulses(tick)
		if x == [Types]float64{} {
			continue
		}
		if run(float64(tick) * step) {
			return out
		}
		for k, g := range x {
			n.g[k] = min(n.g[k]+g, p.Synapses[k].Most)
		}
		n.h = min(n.h, start*p.Tau)
	}
	run(float64(ticks) * step)
	return out
}

// Interval is the time in ms between spikes of a neuron with constant current and without synapses, in closed form; +Inf at the
// rheobase of 0.5 and below.
func Interval(p Parameters) float64 {
	if p.Bias <= 0.5 {
		return math.Inf(1)
	}
	r := math.Sqrt(2*p.Bias - 1)
	return p.Refractory + 2*p.Tau/r*(math.Atan((Threshold-1)/r)+math.Atan(1/r))
}

// Saturated is the time in ms from reset to spike of a neuron at a constant conductance with its reversal potential, in closed form;
// +Inf where it comes to rest on the way.
func Saturated(tau, g, reversal float64) float64 {
	d := 2*g*reversal - (1+g)*(1+g) // v^2/2 - (1+g) v + g e = ((v-1-g)^2 + d) / 2
	if d <= 0 {
		return math.Inf(1)
	}
	r := math.Sqrt(d)
	return 2 * tau / r * (math.Atan((Threshold-1-g)/r) + math.Atan((1+g)/r))
}

// Ordered sorts events by their time, keeping the order of those at one time.
func Ordered(in []Event) {
	slices.SortStableFunc(in, func(a, b Event) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
}
