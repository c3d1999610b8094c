package truenorth

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/truenorth/quantize"
)

// refusal says why a population cannot be one of the chip's; "" where it can. The chip's neuron is, without its stochastic modes,
//
//	V += sum of weights;  V += lambda, or toward zero by it;  spike where V >= alpha, and then V = R, or V - alpha, or V
//
// and V = -R where it lies below -beta.
func refusal(p *schema.Population, o options) string {
	leaks := p.Decay > 0 && p.Decay < 1
	switch {
	case p.Reads:
		return "it gives a membrane, and the chip gives spikes alone"
	case len(p.Drive) > 0:
		return "a real number flows into each of its neurons that is another one for each example, and what the host sends to the chip is spikes"
	case p.Current && p.CurrentDecay > 0:
		return "it has a synaptic current, and the chip's neuron has a membrane alone"
	case p.Refractory > 0 && !p.Once:
		return "it rests behind a spike, and a neuron of the chip takes in what comes at each tick"
	case quantize.Fires(p.Dynamics) && (p.Decay > 0 || p.Late):
		return "its membrane begins where it fires, and a neuron of the chip would do so before the first spikes come in"
	case p.Decay == 0 && p.Once:
		return "it fires once and has no memory, and what a neuron of the chip remembers of a spike is its membrane"
	case p.Decay == 0: // what the membrane was does not count
		return ""
	case leaks && o.refuseLeaks:
		return fmt.Sprintf("its membrane keeps %v of itself at each time step, and the chip takes the same amount off (leak = toward_zero lets it)", p.Decay)
	case p.Threshold <= 0 && leaks:
		return "its threshold is not positive, and a leak toward zero would lead to it"
	case p.Once:
		return ""
	}
	switch p.Reset.Kind {
	case schema.ResetBy:
		if p.Reset.Value <= 0 {
			return fmt.Sprintf("a spike takes %v off its membrane, and the chip takes off a threshold, which is positive", p.Reset.Value)
		}
		if leaks && p.Reset.Value != p.Threshold {
			return fmt.Sprintf("a spike takes %v off its membrane, and on the chip the threshold, which is %v", p.Reset.Value, p.Threshold)
		}
	case schema.ResetTo:
		if p.Reset.Value >= p.Threshold {
			return "a spike resets its membrane to where it fires"
		}
		if leaks && p.Reset.Value != 0 {
			return fmt.Sprintf("a spike resets its membrane to %v, from where it decays, and on the chip to 0", p.Reset.Value)
		}
	}
	return ""
}
