package neurogrid

import (
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// How a leaky integrate-and-fire neuron in time steps becomes one of the chip.
//
// The memory of the network's membrane (its decay) becomes that of the chip's synapses: their time constant is -step / ln decay. The
// chip's membrane only finds the threshold. Were the membrane to remember instead, its time constant would have to be several steps
// long; but a neuron of the chip takes at least 2.74 of its time constants from reset to spike (emulator.Saturated at the conductance
// at which it is fastest), so it could not spike in most steps at all. For the same reason a step is several time constants of the
// membrane: 40 ms for 10 ms, where a neuron that is driven hard spikes after 27.4 ms. Both time constants in the open simulators, 10 ms
// and 20 ms, are slower than networks that are stepped by 1 ms would need; real time is what the board costs.
//
// The refractory time makes up for what is left of a step, so that a neuron spikes at most once in it. The threshold becomes a gain: how
// much conductance an input of one threshold opens. It is found by running both neurons on the same spikes, drawn at the rates of their
// sources, so that they spike as often; and where these spikes do not reach the threshold, as the least that makes a neuron spike. A
// spike resets the soma and not the synapses, so what a reset takes off is met by the gain alone. (A softwire from a neuron to an
// inhibitory synapse of its own, for what a reset takes off, brought rates no nearer to those of 40 random circuits: correlations of
// 0.66 to 0.86 by depth with it, of 0.69 to 0.90 without.) Shared biases stay 0: from 0.5 on a neuron fires by itself, with mismatch some do so below it.
const (
	// saturation is the excitatory conductance at which a neuron is fastest: it maximises 2 g e - (1+g)^2.
	saturation = excitatory - 1
	// longest is the largest time constant of a synapse in ms.
	longest = 1000.0
	// shortest is the least time constant of synapses without memory, in steps: 5 % of a step's input is left at its end.
	shortest = 1.0 / 3
	// tonic is how many spikes a source that stands for a bias or drive sends in a time step, at least.
	tonic = 8
)

// critical is the least constant excitatory conductance that lets a neuron fire, the smaller root of g^2 - (2e-2) g + 1, and ratio how
// much more inhibitory conductance it takes to cancel an excitatory one, at the membrane 1 + g where a neuron then hesitates.
var (
	critical = saturation - math.Sqrt(saturation*saturation-1)
	ratio    = (excitatory - 1 - critical) / (1 + critical - inhibitory)
)

// The types of synapses, as they are used: the other two are free.
const (
	excite  = 0
	inhibit = 1
)

// tauOf is the time constant of a set's synapses in ms.
func (o options) tauOf(s *set) float64 {
	tau := longest
	if s.memory < 1 {
		tau = math.Min(tau, -o.step/math.Log(s.memory)) // 0 of no memory
	}
	return math.Max(tau, o.step*shortest)
}

// parameters are those of a set's Neurocores, with gains still 0.
func (o options) parameters(s *set) emulator.Parameters {
	p := emulator.Parameters{Tau: o.tau}
	p.Refractory = math.Max(leastRefractory, float64(1+s.refractory)*o.step-emulator.Saturated(o.tau, saturation, excitatory))
	for k := range p.Synapses {
		p.Synapses[k] = emulator.Synapse{Tau: o.tauOf(s), Most: saturation * ratio, Reversal: inhibitory}
	}
	p.Synapses[excite].Most, p.Synapses[excite].Reversal = saturation, excitatory
	return p
}

// pulse is the time of a neuron's first spike after one pulse of excitatory conductance at time 0.
func (o options) pulse(s *set, g float64) []float64 {
	return emulator.Nominal(o.parameters(s), o.dt, 3*o.step, 1, func(tick int) (out [emulator.Types]float64) {
		if tick == 0 {
			out[excite] = g
		}
		return out
	})
}

// threshold returns the least conductance of a single pulse that makes a neuron of a set spike, saturation where none does, and the time
// in ms from a clear pulse, half above that, to the spike.
func (o options) threshold(s *set) (least, lag float64) {
	low, high := 0.0, saturation
	for range 12 {
		if g := (low + high) / 2; len(o.pulse(s, g)) > 0 {
			high = g
		} else {
			low = g
		}
	}
	if at := o.pulse(s, math.Min(saturation, 1.5*high)); len(at) > 0 {
		return high, at[0]
	}
	return high, o.step
}

// gain finds the gain of a population and how strong its inhibition is, and returns them in its plan, with the rate of the network's own
// neurons on drawn spikes. Conductance shunts, so that with the gain the rate first rises and then falls: the least gain that reaches the
// network's rate is taken, or that with the highest. Of several strengths of inhibition, beside the one that cancels excitation, the one
// is taken that brings the rate and its differences between neurons and examples nearest to the network's.
func (l *layout) gain(s *set, p *plan, n *sample) error {
	p.kappa, p.inhibition, p.rate = s.least, 1, l.rate
	if n == nil {
		return nil
	}
	b := n.draw()
	want, err := circuit.Run[float64](&n.circuit, n.weights, b)
	if err != nil {
		return err
	}
	m := n.circuit.Populations[0].Dims[0]
	expected := make([]float64, examples*m) // spikes of each neuron in each example
	spikes := 0.0
	for i, v := range want.Spikes[0] {
		expected[i%(examples*m)] += float64(v)
		spikes += float64(v)
	}
	if p.rate = spikes / float64(len(want.Spikes[0])); spikes < enough {
		return nil
	}
	single := newLayout(l.options, []schema.Circuit{n.circuit}, func(where) bool { return false })
	q := l.plan(&n.circuit, 0, n.weights)
	q.links = slices.DeleteFunc(q.links, func(x link) bool { return x.weight == 0 })
	of := make([]float64, examples*m)
	count := func(kappa, inhibition float64) (total float64, err error) {
		q.kappa, q.inhibition = kappa, inhibition
		plans := map[where]*plan{{}: q}
		x := single.program(&n.circuit, 0, plans, single.amplitudes(plans))
		chip := x.board.Draw(0, 0)
		clear(of)
		for e := range examples {
			_, err := x.run(chip, uint64(e), n.circuit.Steps, func(i, t int) []float32 {
				if n.circuit.Inputs[i].Kind == schema.DriveInput {
					return b.Inputs[i][e*m:][:m]
				}
				return b.Inputs[i][(t*examples+e)*len(n.rates):][:len(n.rates)]
			}, func(_, _, i int) { of[e*m+i]++; total++ })
			if err != nil {
				return 0, err
			}
		}
		return total, nil
	}
	best := math.Inf(-1)
	for _, inhibition := range []float64{1, 0.5, 0.25} {
		below, at, highest := 0.0, 0.0, -1.0
		reached := false
		for kappa := s.least / 8; kappa < 4*saturation && !reached; kappa *= 1.5 {
			got, err := count(kappa, inhibition)
			if err != nil {
				return err
			}
			if reached = got >= spikes; reached || got > highest {
				at, highest = kappa, got
			}
			if !reached {
				below = kappa
			}
			if got < highest/2 {
				break
			}
		}
		for range 5 {
			if !reached {
				break
			}
			middle := (below + at) / 2
			got, err := count(middle, inhibition)
			if err != nil {
				return err
			}
			if got < spikes {
				below = middle
			} else {
				at = middle
			}
		}
		got, err := count(at, inhibition)
		if err != nil {
			return err
		}
		if score := correlation(of, expected) + math.Min(1, got/spikes); score > best {
			best, p.kappa, p.inhibition = score, at, inhibition
		}
	}
	return nil
}

// correlation is that of Pearson; 0 where one of both does not vary.
func correlation(x, y []float64) float64 {
	var sx, sy, xx, yy, xy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
		xx, yy, xy = xx+x[i]*x[i], yy+y[i]*y[i], xy+x[i]*y[i]
	}
	n := float64(len(x))
	if d := (n*xx - sx*sx) * (n*yy - sy*sy); d > 0 {
		return (n*xy - sx*sy) / math.Sqrt(d)
	}
	return 0
}

// same is a list with one value.
func same(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }
