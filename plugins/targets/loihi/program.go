package loihi

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
	"snnc.dev/snnc/plugins/targets/loihi/quantize"
)

// network is circuit i in the chip's terms, as long as an example of it takes. Names begin with prefix: those of the circuit's inputs, with
// their numbers, and of its populations.
func (x *compiled) network(i int, prefix string) *emulator.Network {
	c := &x.circuits[i]
	n := &emulator.Network{Format: emulator.Format, Dialect: x.dialect}
	n.Steps = x.ticks(c)
	if x.generation == 2 {
		n.Generation = 2
	}
	input := func(k int) string { return inputName(c, k, prefix) }
	for k, in := range c.Inputs {
		if in.Kind == schema.SpikeInput {
			n.Inputs = append(n.Inputs, emulator.Input{Name: input(k), Dims: in.Dims})
		}
	}
	for j := range c.Populations {
		p, r := &c.Populations[j], &x.registers[i][j]
		name := prefix + p.Name
		g := emulator.Group{Name: name, Dims: p.Dims, DecayU: r.DecayU, DecayV: r.DecayV, Threshold: r.Threshold, BiasExp: r.BiasExponent,
			ResetBy: r.ResetBy, Refract: r.Refractory, Hold: r.Hold}
		if r.Start != 0 {
			g.Start = &emulator.Numbers{List: []int32{int32(r.Start)}}
		}
		switch {
		case r.Bias != nil:
			g.Bias = &emulator.Numbers{List: narrow(r.Bias), Tensor: name + " bias"}
		case len(p.Drive) > 0: // without a drive
			g.Bias = &emulator.Numbers{List: driven(r, circuit.Size(p.Dims), nil, nil), Tensor: name + " bias"}
		}
		if g.Bias != nil && len(g.Bias.List) == 1 {
			g.Bias.Tensor = ""
		}
		n.Groups = append(n.Groups, g)
		for k := range p.Synapses {
			s, w := &p.Synapses[k], &r.Groups[k]
			y := emulator.Synapses{To: name, Kind: string(s.Kind), View: &s.View, Kernel: s.Kernel, Stride: s.Stride, Pad: s.Pad, Exponent: w.Exponent, Bits: x.bits,
				Sign: map[int]emulator.Sign{-1: emulator.Inhibitory, 0: emulator.Mixed, 1: emulator.Excitatory}[w.Sign], Delay: s.Delay}
			if y.From = input(max(s.Input, 0)); s.Population >= 0 {
				y.From = prefix + c.Populations[s.Population].Name
			} else if x.dialect == emulator.Lava && x.latency(c) == 0 { // which adds a step
				y.Delay--
			}
			for _, m := range w.Mantissas {
				y.Weights.List = append(y.Weights.List, int32(m))
			}
			if len(y.Weights.List) > 1 {
				y.Weights.Tensor = fmt.Sprintf("%s weights %d", name, k)
			}
			n.Synapses = append(n.Synapses, y)
		}
	}
	return n
}

// inputName is what input k of a circuit is called.
func inputName(c *schema.Circuit, k int, prefix string) string {
	return fmt.Sprintf("%sinput %d: %s", prefix, k, c.Inputs[k].Name)
}

// incoming lists the elements of input k of circuit i that spike at a tick of an example. The input of constants, which the host does not
// send, spikes at each time step.
func (x *compiled) incoming(i, k, tick int, b *sdk.Block, e int) (spikes []int32) {
	c := &x.circuits[i]
	switch {
	case tick >= c.Steps:
		return nil
	case k == len(b.Inputs):
		return []int32{0}
	}
	for element, v := range b.Inputs[k].Example(tick, e, circuit.Size(c.Inputs[k].Dims)) {
		if v != 0 {
			spikes = append(spikes, int32(element))
		}
	}
	return spikes
}

// biases are the mantissas of population j of circuit i with the drives of an example.
func (x *compiled) biases(i, j int, b *sdk.Block, e int, clipped *float64) []int32 {
	p := &x.circuits[i].Populations[j]
	n := circuit.Size(p.Dims)
	var drives [][]float32
	for _, d := range p.Drive {
		drives = append(drives, b.Inputs[d].Example(0, e, n))
	}
	return driven(&x.registers[i][j], n, drives, clipped)
}

// bring writes what an example of circuit i brings into the network of all of them.
func (x *compiled) bring(all *emulator.Network, i int, b *sdk.Block) {
	c, prefix, first := &x.circuits[i], x.prefix(i), 0
	for k := range i {
		first += len(x.circuits[k].Populations)
	}
	for j := range c.Populations {
		if len(c.Populations[j].Drive) > 0 {
			all.Groups[first+j].Bias.List = x.biases(i, j, b, 0, nil)
		}
	}
	for tick := range c.Steps {
		for k, in := range c.Inputs {
			if in.Kind != schema.SpikeInput {
				continue
			}
			for _, element := range x.incoming(i, k, tick, b, 0) {
				all.Spikes = append(all.Spikes, emulator.Event{Step: tick, Input: inputName(c, k, prefix), Index: int(element)})
			}
		}
	}
}

// ticks is how many steps of the chip an example of a circuit takes.
func (t terms) ticks(c *schema.Circuit) int {
	deepest := 1
	for i := range c.Populations {
		deepest = max(deepest, c.Populations[i].Depth)
	}
	return c.Steps + deepest - 1 + t.latency(c)
}

func narrow(list []int) []int32 {
	out := make([]int32, len(list))
	for i, v := range list {
		out[i] = int32(v)
	}
	return out
}

// driven adds up drives, each with a number for each neuron, and returns the mantissas of the biases. clipped, if not nil, goes up by
// those that are beyond the register.
func driven(r *quantize.Registers, neurons int, drives [][]float32, clipped *float64) []int32 {
	out := make([]int32, neurons)
	for k := range out {
		sum := 0.0
		for _, d := range drives {
			sum += float64(d[k])
		}
		m, beyond := r.Drive(k, neurons, sum)
		if out[k] = int32(m); beyond && clipped != nil {
			*clipped++
		}
	}
	return out
}

// prefix is what names of circuit i begin with in the network of all of them.
func (x *compiled) prefix(i int) string {
	if len(x.circuits) == 1 {
		return ""
	}
	return x.circuits[i].Name + "/"
}

// whole is all circuits in one network.
func (x *compiled) whole() *emulator.Network {
	if len(x.circuits) == 1 {
		return x.network(0, x.prefix(0))
	}
	all := &emulator.Network{Format: emulator.Format, Dialect: x.dialect}
	if x.generation == 2 {
		all.Generation = 2
	}
	for i := range x.circuits {
		n := x.network(i, x.prefix(i))
		all.Inputs, all.Groups, all.Synapses = append(all.Inputs, n.Inputs...), append(all.Groups, n.Groups...), append(all.Synapses, n.Synapses...)
		all.Steps = max(all.Steps, n.Steps)
	}
	return all
}
