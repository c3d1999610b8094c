package loihi

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// constants makes circuits in which biases flow through currents. The chip adds a bias to the membrane, behind the current; so such a
// bias becomes synapses from one more input of the circuit, behind those that there are, that spikes in each time step.
type constants struct {
	w     sdk.Weights // nil where only dims count
	extra [][]float32 // the weights of these synapses, whose offsets are -1, -2 and so on
}

// circuits returns circuits without biases of populations with a current.
func (x *constants) circuits(list []schema.Circuit) []schema.Circuit {
	out := slices.Clone(list)
	for i := range out {
		x.circuit(&out[i])
	}
	return out
}

func (x *constants) circuit(c *schema.Circuit) {
	input := len(c.Inputs)
	for i := range c.Populations {
		p := c.Populations[i]
		if !p.Current || p.Bias == nil {
			continue
		}
		if len(c.Inputs) == input {
			c.Inputs = append(slices.Clip(c.Inputs), schema.Input{Name: "biases", Kind: schema.SpikeInput, Dims: []int{1}})
			c.Populations = slices.Clone(c.Populations)
		}
		n := circuit.Size(p.Dims)
		s := schema.Synapses{Population: -1, Input: input, Kind: schema.Dense, View: schema.View{From: []int{1}, Dims: []int{1}},
			Weights: schema.Tensor{Dims: []int{n, 1}, Offset: -1 - len(x.extra)}, Delay: p.Depth}
		if !p.Late {
			s.Delay--
		}
		var each []float32
		if x.w != nil {
			bias := x.w(*p.Bias)
			for k := range n {
				each = append(each, bias[k*len(bias)/n])
			}
		}
		x.extra = append(x.extra, each)
		p.Bias, p.Synapses = nil, append(slices.Clip(p.Synapses), s)
		c.Populations[i] = p
	}
}

// weights returns the numbers of a tensor.
func (x *constants) weights(t schema.Tensor) []float32 {
	if t.Offset < 0 {
		return x.extra[-1-t.Offset]
	}
	return x.w(t)
}
