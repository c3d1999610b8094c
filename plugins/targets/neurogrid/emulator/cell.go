package emulator

import "math"

// cell is what changes about a neuron.
type cell struct {
	t    float64 // ms since the trial began
	v    float64 // membrane
	free float64 // when its refractory time ends, ms
	h    float64 // length of the next step of integration, ms
	g    [Types]float64
}

// filter is the types of synapses of a Neurocore that decay alike.
type filter struct {
	tau   float64 // ms
	types []int
}

// filtered groups the types of synapses.
func filtered(p *Parameters) (out []filter) {
next:
	for k, s := range p.Synapses {
		for f := range out {
			if out[f].tau == s.Tau {
				out[f].types = append(out[f].types, k)
				continue next
			}
		}
		out = append(out, filter{s.Tau, []int{k}})
	}
	return out
}

const (
	// tolerance is the error of a step of integration in v, where v is small. It may grow as dv/dt does, so that what it makes of the
	// time of a spike does not.
	tolerance = 3e-8
	// finest is how many of the shortest steps of integration make a Step of the board: these are taken whatever their error.
	finest = 1 << 16
)

// start is the length of the first step of integration behind an event or a spike, in time constants of the membrane.
const start = 1.0 / 8

// advance integrates neuron i,
//
//	tau dv/dt = -v + v^2/2 + I + sum over k of g_k (e_k - v),	tau_k dg_k/dt = -g_k
//
// up to a time, or to its next spike where that comes before, and says whether and when it spikes. No event comes on the way. A spike
// sets v to 0, where it stays for the refractory time.
//
// Conductances are exact. The membrane is integrated by the method of Dormand and Prince (1980), of order 5 with an error of order 4,
// in steps that this error halves and doubles: of some ms where a membrane follows its conductances, of a tenth where it is about to
// spike. So a neuron costs as many steps as it has events and spikes, and not as many as there are in the time.
func (c *Chip) advance(i int, n *cell, until float64) (at float64, spiked bool) {
	core := c.Place[i] / Neurons
	p, o, filters := &c.Cores[core], &c.own[i], c.filters[core]
	if n.t < n.free {
		to := math.Min(n.free, until)
		n.relax(filters, to-n.t)
		n.t = to
	}
	if n.t >= until {
		return 0, false
	}
	s := stepper{filters: filters, tau: p.Tau, bias: o.bias, v: n.v}
	resting := n.v == 0 && o.bias == 0
	for f := range filters {
		for _, k := range filters[f].types {
			s.open[f] += n.g[k]
			s.drive[f] += n.g[k] * o.reversal[k]
		}
		resting = resting && s.open[f] == 0
	}
	if resting {
		n.t = until
		return 0, false
	}
	begun, floor := n.t, c.Step/finest
	s.begin()
	for n.t < until {
		h, last := n.h, false
		if h >= until-n.t {
			h, last = until-n.t, true
		}
		s.try(h)
		allowed := tolerance * (1 + s.v*s.v)
		if !(s.err <= allowed) && h > floor {
			n.h = math.Max(h/2, floor)
			continue
		}
		if !(s.next <= Threshold) {
			at = n.t + s.crossing(h, floor)
			n.relax(filters, at-begun)
			n.t, n.v, n.free, n.h = at, 0, at+p.Refractory, start*p.Tau
			return at, true
		}
		if n.t += h; last {
			n.t = until
		} else if s.err < allowed/32 {
			n.h *= 2
		}
		s.accept()
	}
	n.relax(filters, until-begun)
	if n.v = s.v; n.v < still && o.bias == 0 && n.g == [Types]float64{} {
		n.v = 0
	}
	return 0, false
}

// relax lets conductances decay for some ms.
func (n *cell) relax(filters []filter, ms float64) {
	for f := range filters {
		left := math.Exp(-ms / filters[f].tau)
		for _, k := range filters[f].types {
			if n.g[k] *= left; n.g[k] < still {
				n.g[k] = 0
			}
		}
	}
}

// stepper makes steps of integration between two events. Conductances are added up over the types that decay alike.
type stepper struct {
	filters     []filter
	tau, bias   float64
	open, drive [Types]float64 // conductance of each filter, and conductance times reversal potential, where the step begins
	v, slope    float64        // there: v and tau dv/dt
	next, end   float64        // the same where it ends
	left        [Types]float64 // share of each filter's conductance that is left there
	err         float64        // of v there
}

func (s *stepper) begin() {
	g, drive := 0.0, s.bias
	for f := range s.filters {
		g, drive = g+s.open[f], drive+s.drive[f]
	}
	s.slope = slope(s.v, g, drive)
}

// slope is tau dv/dt with g as the open conductance and the current that it and the bias drive towards reversal potentials.
func slope(v, g, drive float64) float64 { return v*(v/2-1-g) + drive }

// try makes a step of so many ms from where the last one that was accepted ends.
func (s *stepper) try(h float64) {
	// Conductance and current at 1/5, 3/10, 4/5, 8/9 and 1 of the step: these are whole 90ths.
	var g1, g2, g3, g4, g5 float64
	d1, d2, d3, d4, d5 := s.bias, s.bias, s.bias, s.bias, s.bias
	for f := range s.filters {
		q := math.Exp(-h / (90 * s.filters[f].tau))
		q2 := q * q
		q4 := q2 * q2
		q8 := q4 * q4
		q9 := q8 * q
		q18 := q9 * q9
		q27 := q18 * q9
		q36 := q18 * q18
		q72 := q36 * q36
		q80 := q72 * q8
		q90 := q72 * q18
		g, d := s.open[f], s.drive[f]
		g1, d1 = g1+g*q18, d1+d*q18
		g2, d2 = g2+g*q27, d2+d*q27
		g3, d3 = g3+g*q72, d3+d*q72
		g4, d4 = g4+g*q80, d4+d*q80
		g5, d5 = g5+g*q90, d5+d*q90
		s.left[f] = q90
	}
	x, v, k1 := h/s.tau, s.v, s.slope
	k2 := slope(v+x*(1./5*k1), g1, d1)
	k3 := slope(v+x*(3./40*k1+9./40*k2), g2, d2)
	k4 := slope(v+x*(44./45*k1-56./15*k2+32./9*k3), g3, d3)
	k5 := slope(v+x*(19372./6561*k1-25360./2187*k2+64448./6561*k3-212./729*k4), g4, d4)
	k6 := slope(v+x*(9017./3168*k1-355./33*k2+46732./5247*k3+49./176*k4-5103./18656*k5), g5, d5)
	s.next = v + x*(35./384*k1+500./1113*k3+125./192*k4-2187./6784*k5+11./84*k6)
	s.end = slope(s.next, g5, d5)
	s.err = math.Abs(x * (71./57600*k1 - 71./16695*k3 + 71./1920*k4 - 17253./339200*k5 + 22./525*k6 - 1./40*s.end))
}

// accept goes on from the end of the step.
func (s *stepper) accept() {
	for f := range s.filters {
		s.open[f] *= s.left[f]
		s.drive[f] *= s.left[f]
	}
	s.v, s.slope = s.next, s.end
	if s.v < 0 { // by an error of integration alone
		s.v = 0
		s.begin()
	}
}

// crossing returns how many ms of a step of h, at whose end v is above the threshold, it takes to get there: by Newton's method, as
// v is convex there, or by halving where that leads astray.
func (s *stepper) crossing(h, floor float64) float64 {
	low, high := 0.0, h
	for high-low > floor && !(math.Abs(s.next-Threshold) < 1e-8) {
		if s.next < Threshold {
			low = h
		} else {
			high = h
		}
		if h -= (s.next - Threshold) * s.tau / s.end; !(h > low && h < high) {
			h = (low + high) / 2
		}
		s.try(h)
	}
	return h
}
