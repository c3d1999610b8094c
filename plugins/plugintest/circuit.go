package plugintest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"snnc.dev/snnc/plugins/schema"
	geometry "snnc.dev/snnc/plugins/sdk/circuit"
)

// circuit is a circuit with its weights.
type circuit struct {
	schema.Circuit
	tensors []float32
}

// neuron is a kind of neurons that chips are asked for.
type neuron struct {
	schema.Dynamics
	whole bool // weights and thresholds are whole numbers
}

// neurons are the kinds that are tried until a chip takes one: what most networks have comes first.
var neurons = []neuron{
	{Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}},
	{Dynamics: schema.Dynamics{Decay: 1, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}},
	{Dynamics: schema.Dynamics{Decay: 1, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetBy, Value: 1}}},
	{Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetBy, Value: 1}}},
	{Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Strict: true, Reset: schema.Reset{Kind: schema.ResetTo}}},
	{Dynamics: schema.Dynamics{Decay: 0, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}},
	{Dynamics: schema.Dynamics{Decay: 1, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetBy, Value: 4}}, whole: true},
}

// classifier is spikes of a map, convolved, a dense layer of n neurons, and ten behind it. Most of its weights are such that neurons
// spike; the widest layer has few weights of its own that are drawn, so that the large ones are no work.
func classifier(kind neuron, n int) circuit {
	c := circuit{Circuit: schema.Circuit{Name: "classify", Network: "classify", Steps: steps, Inputs: []schema.Input{{Name: "image", Kind: schema.SpikeInput, Dims: []int{2, 6, 6}}}}}
	draw := rand.New(rand.NewPCG(5, 6))
	add := func(name string, source int, in, out []int, s schema.Synapses) {
		s.Population, s.View = source, schema.View{From: in, Dims: in}
		fan := geometry.Size(in)
		if s.Kind == schema.Conv {
			fan = in[0] * s.Kernel * s.Kernel
		}
		s.Weights.Offset = 4 * len(c.tensors)
		if n <= 16 { // those of larger ones are only asked for room
			for range geometry.Size(s.Weights.Dims) {
				w := (draw.NormFloat64() + 0.5) * 1.5 / math.Sqrt(float64(fan)) * kind.Threshold
				if kind.whole {
					w = math.Round(w)
				}
				c.tensors = append(c.tensors, float32(w))
			}
		}
		c.Populations = append(c.Populations, schema.Population{Name: name, Dims: out, Dynamics: kind.Dynamics, Synapses: []schema.Synapses{s}, Depth: len(c.Populations) + 1})
	}
	add("0.conv", -1, []int{2, 6, 6}, []int{3, 6, 6}, schema.Synapses{Kind: schema.Conv, Kernel: 3, Stride: 1, Pad: 1, Weights: schema.Tensor{Dims: []int{3, 2, 3, 3}}})
	add("1.linear", 0, []int{3, 6, 6}, []int{n}, schema.Synapses{Kind: schema.Dense, Weights: schema.Tensor{Dims: []int{n, 108}}})
	add("2.linear", 1, []int{n}, []int{10}, schema.Synapses{Kind: schema.Dense, Weights: schema.Tensor{Dims: []int{10, n}}})
	c.Populations[0].Gives, c.Populations[2].Gives = true, true
	return c
}

// input draws spikes for so many examples, of different rates.
func (c *circuit) input(seed uint64, examples int) []float32 {
	draw := rand.New(rand.NewPCG(seed, 7))
	size := geometry.Size(c.Inputs[0].Dims)
	x := make([]float32, steps*examples*size)
	for i := range x {
		if rate := 0.2 + 0.1*float64(i/size%examples%5); draw.Float64() < rate {
			x[i] = 1
		}
	}
	return x
}

// blocks are what a call reads and writes: the input, the outputs and the taps.
func (c *circuit) blocks() (dims [][]int, names []string) {
	dims, names = [][]int{c.Inputs[0].Dims}, []string{"the input"}
	for _, p := range c.Populations {
		if p.Gives {
			dims, names = append(dims, p.Dims), append(names, fmt.Sprintf("the output of population %s", p.Name))
		}
	}
	for _, p := range c.Populations {
		dims, names = append(dims, p.Dims), append(names, fmt.Sprintf("the tap of population %s", p.Name))
	}
	return dims, names
}
