package emulator

import (
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

// state is what changes about a neuron.
type state struct {
	v, left float64
	g       [Types]float64
	fired   uint64 // spikes so far
}

// Run runs a trial from rest, for so many ms, and tells each spike with its time in ms. Events come in order of time. What
// softwires let through follows from the seed. A spike acts from the next step of integration on: the tree takes less than 1 us.
func (c *Chip) Run(ctx context.Context, seed uint64, duration float64, in []Event, spike func(neuron int, at float64)) (Counts, error) {
	count := func() []float64 { return make([]float64, c.Layers) }
	out := Counts{count(), count(), count()}
	n := len(c.Place)
	s := make([]state, n)
	sent := make([]uint64, c.Inputs)
	key := mix(seed)
	var spiked []int
	ticks := int(math.Ceil(duration/c.Step - 1e-9))
	for tick := range ticks {
		if tick%64 == 0 && ctx.Err() != nil {
			return out, ctx.Err()
		}
		for _, i := range spiked { // of the tick before
			c.send(s, &out, event(key, i, s[i].fired), i)
		}
		spiked = spiked[:0]
		for len(in) > 0 && in[0].At <= (float64(tick)+1e-9)*c.Step {
			e := in[0]
			if e.Source < 0 || e.Source >= c.Inputs {
				return out, fmt.Errorf("run a trial: the host sends from address %d of %d", e.Source, c.Inputs)
			}
			sent[e.Source]++
			c.send(s, &out, event(key, n+e.Source, sent[e.Source]), n+e.Source)
			in = in[1:]
		}
		for i := range s {
			if at, ok := c.advance(i, &s[i]); ok {
				s[i].fired++
				out.Spikes[c.Layer[i]]++
				spiked = append(spiked, i)
				spike(i, float64(tick)*c.Step+at)
			}
		}
	}
	return out, nil
}

// send delivers a spike of a source over its softwires.
func (c *Chip) send(s []state, out *Counts, key uint64, source int) {
	wires := c.Wires[c.First[source]:c.First[source+1]]
	for k, w := range wires {
		layer := c.Layer[w.Target]
		out.Offered[layer]++
		if uniform(key, k) >= w.Probability {
			continue
		}
		out.Delivered[layer]++
		t := &s[w.Target]
		most := c.core(int(w.Target)).Synapses[w.Type].Most
		t.g[w.Type] = min(t.g[w.Type]+c.own[w.Target].gain[w.Type], most)
	}
}

// advance integrates a neuron over one step of c.Step ms,
//
//	tau dv/dt = -v + v^2/2 + I + sum over k of g_k (e_k - v),	tau_k dg_k/dt = -g_k
//
// by Heun's method, v not below 0, and says whether and when in the step it spikes. The refractory time and the crossing, found on a
// straight line, are those of the two open simulators.
func (c *Chip) advance(i int, n *state) (at float64, spiked bool) {
	core := uint32(c.Place[i]) / Neurons
	p, o, decay, dt := &c.Cores[core], &c.own[i], &c.decay[core], c.Step
	g0, h0, g1, h1 := 0.0, o.bias, 0.0, o.bias
	for k, g := range &n.g {
		if g == 0 {
			continue
		}
		g0, h0 = g0+g, h0+g*o.reversal[k]
		g *= decay[k]
		g1, h1 = g1+g, h1+g*o.reversal[k]
		if g < still {
			g = 0
		}
		n.g[k] = g
	}
	if n.v == 0 && n.left <= 0 && h0 == 0 {
		return 0, false
	}
	k1 := (n.v*n.v/2 - (1+g0)*n.v + h0) / p.Tau
	w := n.v + dt*k1
	k2 := (w*w/2 - (1+g1)*w + h1) / p.Tau
	v := n.v + dt/2*(k1+k2)
	if v < 0 {
		v = 0
	}
	if n.left > 0 {
		n.left -= dt
		v *= math.Min(1, math.Max(0, 1-n.left/dt))
	}
	if v > Threshold {
		at = dt * (1 - (v-Threshold)/(v-n.v))
		n.v, n.left = 0, p.Refractory+at
		return at, true
	}
	if n.v = v; v < still && h1 == 0 {
		n.v = 0
	}
	return 0, false
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
// gain of an event of each type at the beginning of a step of integration: pulses(tick) is 0 where there is none.
func Nominal(p Parameters, step, duration float64, most int, pulses func(tick int) [Types]float64) []float64 {
	b := &Board{Step: step, Cores: []Parameters{p}, Place: []int32{0}, Layer: []int32{0}, Layers: 1, First: []int{0, 0}}
	c := b.Draw(0, 0)
	var n state
	var out []float64
	for tick := range int(math.Ceil(duration/step - 1e-9)) {
		if pulses != nil {
			for k, g := range pulses(tick) {
				n.g[k] = min(n.g[k]+g, p.Synapses[k].Most)
			}
		}
		if at, ok := c.advance(0, &n); ok {
			out = append(out, float64(tick)*step+at)
		}
		if most > 0 && len(out) == most {
			break
		}
	}
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
