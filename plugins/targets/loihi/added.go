package loihi

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/loihi/quantize"
)

// added makes circuits with the synapses that the chip needs beside those of the network. The chip adds a bias to the membrane, behind
// the current; so a bias that flows through a current becomes synapses from one more input of the circuit, behind those that there are,
// that spikes in each time step; as does one that the dialect's neuron has no place for. And neurons that fire once in an example that is longer than they can rest get a synapse onto
// themselves, which package quantize makes so strong that they stay silent; these come last.
type added struct {
	terms
	w     sdk.Weights // nil where only dims count
	extra [][]float32 // the weights of these synapses, whose offsets are -1, -2 and so on
}

// circuits returns circuits with what is added.
func (x *added) circuits(list []schema.Circuit) []schema.Circuit {
	out := slices.Clone(list)
	for i := range out {
		c := &out[i]
		c.Populations = slices.Clone(c.Populations)
		x.biases(c)
		x.inhibition(c)
	}
	return out
}

func (x *added) biases(c *schema.Circuit) {
	input := len(c.Inputs)
	for again := true; again; { // what is added can let others wait
		again = false
		for i := range c.Populations {
			p := &c.Populations[i]
			if p.Bias == nil || x.biased(c, i) {
				continue
			}
			again = true
			if len(c.Inputs) == input {
				c.Inputs = append(slices.Clip(c.Inputs), schema.Input{Name: "biases", Kind: schema.SpikeInput, Dims: []int{1}})
			}
			n := circuit.Size(p.Dims)
			delay := p.Depth
			if !p.Late {
				delay--
			}
			var each []float32
			if x.w != nil {
				bias := x.w(*p.Bias)
				for k := range n {
					each = append(each, bias[k*len(bias)/n])
				}
			}
			p.Bias = nil
			x.add(p, schema.Synapses{Population: -1, Input: input, Kind: schema.Dense, View: schema.View{From: []int{1}, Dims: []int{1}},
				Weights: schema.Tensor{Dims: []int{n, 1}}, Delay: delay}, each)
		}
	}
}

func (x *added) inhibition(c *schema.Circuit) {
	for i := range c.Populations {
		if delay, yes := quantize.Silenced(c, i, x.rests()); yes {
			p := &c.Populations[i]
			x.add(p, schema.Synapses{Population: i, Kind: schema.Same, View: schema.View{From: p.Dims, Dims: p.Dims},
				Weights: schema.Tensor{Dims: []int{1}}, Delay: delay}, nil)
		}
	}
}

func (x *added) add(p *schema.Population, s schema.Synapses, weights []float32) {
	s.Weights.Offset = -1 - len(x.extra)
	x.extra = append(x.extra, weights)
	p.Synapses = append(slices.Clip(p.Synapses), s)
}

// weights returns the numbers of a tensor.
func (x *added) weights(t schema.Tensor) []float32 {
	if t.Offset < 0 {
		return x.extra[-1-t.Offset]
	}
	return x.w(t)
}
