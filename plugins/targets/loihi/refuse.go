package loihi

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/loihi/quantize"
)

// maxDelay is how many steps a synapse can wait (brian2_loihi).
const maxDelay = 62

// refusal says why population i of a circuit cannot be one of the chip's; "" where it can. The chip's neuron is
//
//	u = D(u, decay_u + 1) + q;  v = D(v, decay_v) + u + bias;  spike where v > vth, and then v = 0
//
// so a reset to 0 is all there is, and what the host writes for each example does not flow through the current. Neurons of Loihi 2 are
// programs, and can take a number off the membrane instead.
func (t terms) refusal(c *schema.Circuit, i int) string {
	p := &c.Populations[i]
	for k := range p.Synapses {
		if s := &p.Synapses[k]; s.Delay > maxDelay {
			return fmt.Sprintf("its spikes from a layer %d steps before wait for longer paths, and a synapse waits %d at most", s.Delay, maxDelay)
		}
	}
	held := t.held(c, i)
	biased := p.Bias != nil && t.biased(c, i) || len(p.Drive) > 0
	if why := t.lacking(c, i); why != "" {
		return why
	}
	switch {
	case p.Start != 0 && held > 0:
		return fmt.Sprintf("its membrane starts at %v, and the chip has it at 0 until the first spikes come through the layers before", p.Start)
	case p.Current && len(p.Drive) > 0:
		return "a real number for each example flows through its synaptic current, and the chip adds such numbers to the membrane"
	case biased && held > quantize.MaxRest+1:
		return fmt.Sprintf("its bias has to wait %d steps for the layers before, and a neuron is held for %d at most", held, quantize.MaxRest+1)
	case p.Reads:
		return ""
	case p.Threshold < 0 || p.Threshold == 0 && !p.Strict:
		return "it spikes without input: a threshold of the chip is 0 or more, and a spike takes more than it"
	case p.Late && (p.Start > p.Threshold || p.Start == p.Threshold && !p.Strict):
		return "its membrane starts above its threshold, which it would have to find before anything comes in"
	case p.Once && c.Steps-1 > quantize.MaxRest && p.Decay == 0 && !p.Current:
		return fmt.Sprintf("it fires once in %d steps, and a neuron of the chip without memory is silent for %d at most", c.Steps, quantize.MaxRest)
	case p.Once: // what its membrane is behind its spike does not count
		return ""
	case p.Refractory > quantize.MaxRest:
		return fmt.Sprintf("it rests %d steps behind a spike, and a neuron of the chip %d at most", p.Refractory, quantize.MaxRest)
	case p.Decay == 0: // what the membrane was does not count
		return ""
	}
	switch p.Reset.Kind {
	case schema.ResetBy:
		switch {
		case t.generation == 2 && p.Reset.Value > 0 && p.Refractory == 0:
			return ""
		case t.generation == 2 && p.Refractory > 0:
			return "a spike takes a number off its membrane, and it rests: the chip's neuron rests at 0"
		case t.generation == 2:
			return fmt.Sprintf("a spike takes %v off its membrane, and the chip's neuron a number above 0", p.Reset.Value)
		}
		return "a spike takes its threshold off the membrane (a soft reset), and the chip's neuron is reset to 0"
	case schema.ResetNone:
		return "a spike does not reset its membrane, and the chip's neuron is reset to 0"
	}
	if p.Reset.Value != 0 {
		return fmt.Sprintf("a spike resets its membrane to %v, and the chip's neuron to 0", p.Reset.Value)
	}
	return ""
}
