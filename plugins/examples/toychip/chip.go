package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// A weight of the chip is a whole number from -most to most, times a scale that a layer has; a membrane counts in parts of that.
const (
	most  = 7   // four bits with a sign
	parts = 256 // of a weight of 1
)

// The figures of the chip are made up, as it is.
var constants = []schema.Constant{
	{Name: "event", Value: 2e-12, Unit: "J", Kind: "derived", Source: "made up for this example", Unverified: true},
	{Name: "core step", Value: 5e-10, Unit: "J", Kind: "derived", Source: "made up for this example", Unverified: true},
}

// chip is compiled circuits.
type chip []*program

// program is a circuit on the chip.
type program struct {
	schema.Circuit
	layers []layer
	cores  int
	ticks  int // steps of the chip for one example
}

// layer is a population in the chip's numbers.
type layer struct {
	Name      string    `json:"name"`
	Threshold int       `json:"threshold"`
	Keep      int       `json:"keep"` // of 256 parts of a membrane, from one step to the next
	Scale     float64   `json:"scale"`
	Bias      []int     `json:"bias,omitempty"`
	Weights   []string  `json:"weights"` // names of tensors
	onto      [][][]arc // by synapses, and by element of their source
	tensors   [][]byte
}

// arc is a synapse: the neuron that it leads to, and its weight in the membrane's parts.
type arc struct{ neuron, weight int }

// compile rounds the numbers of all layers.
func compile(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
	r := schema.CompileReply{TargetReply: check(q.Arguments, q.Circuits), Chips: 1, Constants: constants}
	if !r.Fits {
		return nil, schema.CompileReply{TargetReply: r.TargetReply}, nil
	}
	var c chip
	for _, of := range q.Circuits {
		p := &program{Circuit: of}
		deepest := 0
		for i := range of.Populations {
			l, loss := round(&of, &of.Populations[i], w)
			p.layers, r.Losses = append(p.layers, l), append(r.Losses, loss)
			for k, s := range of.Populations[i].Synapses {
				r.Tensors = append(r.Tensors, schema.NamedTensor{Name: l.Weights[k], DType: "I8", Dims: s.Weights.Dims})
			}
			deepest = max(deepest, of.Populations[i].Depth)
			for left := circuit.Size(of.Populations[i].Dims); left > 0; left -= q.Arguments.Int("neurons") {
				r.Cores = append(r.Cores, schema.Core{X: len(r.Cores), Layers: []string{of.Name + ": " + l.Name}, Used: []schema.Amount{
					{Name: "neurons", Used: float64(min(left, q.Arguments.Int("neurons"))), Limit: float64(q.Arguments.Int("neurons"))}}})
				p.cores++
			}
		}
		// What lies d layers deep computes a time step d - 1 steps later.
		p.ticks = of.Steps + deepest - 1
		r.Programs = append(r.Programs, schema.Compiled{Circuit: of.Name, Ticks: p.ticks})
		c = append(c, p)
	}
	return c, r, nil
}

// round returns a population in the chip's numbers, and what was lost.
func round(c *schema.Circuit, p *schema.Population, w sdk.Weights) (layer, schema.Loss) {
	largest := 0.0
	for _, s := range p.Synapses {
		for _, x := range w(s.Weights) {
			largest = max(largest, math.Abs(float64(x)))
		}
	}
	l := layer{Name: p.Name, Scale: largest / most, Keep: int(math.Round(p.Decay * parts)), Weights: []string{}}
	if largest == 0 { // of a layer without synapses the bias and drive count
		l.Scale = p.Threshold / most
	}
	l.Threshold = max(1, l.whole(p.Threshold))
	if p.Bias != nil {
		for _, b := range w(*p.Bias) {
			l.Bias = append(l.Bias, l.whole(float64(b)))
		}
	}
	loss := schema.Loss{Circuit: c.Name, Layer: p.Name, Bits: 4, Scale: parts / l.Scale, Threshold: float64(l.Threshold)/parts*l.Scale/p.Threshold - 1,
		Decay: float64(l.Keep)/parts - p.Decay}
	off, all, zeroed, were := 0.0, 0.0, 0.0, 0.0
	for k, s := range p.Synapses {
		var whole []byte
		for _, x := range w(s.Weights) {
			n := math.Round(float64(x) / l.Scale)
			whole = append(whole, byte(int8(n)))
			off, all = off+math.Pow(n*l.Scale-float64(x), 2), all+float64(x)*float64(x)
			if x != 0 {
				were++
				if n == 0 {
					zeroed++
				}
			}
		}
		onto := make([][]arc, circuit.Size(circuit.SourceDims(c, &s)))
		for x := range circuit.Connections(&s, p.Dims) {
			if n := int(int8(whole[x.Weight])); n != 0 {
				onto[x.Source] = append(onto[x.Source], arc{x.Target, parts * n})
			}
		}
		l.onto, l.tensors, l.Weights = append(l.onto, onto), append(l.tensors, whole), append(l.Weights, fmt.Sprintf("%s.%s.%d", c.Name, p.Name, k))
	}
	if all > 0 {
		loss.Weights, loss.Zeroed = math.Sqrt(off/all), zeroed/were
	}
	return l, loss
}

// whole returns a number of the network in parts of the layer's weights.
func (l *layer) whole(x float64) int { return int(math.Round(x / l.Scale * parts)) }

// Emulate implements sdk.Chip: one example after another, and in each all time steps.
func (c chip) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	p := c[slices.IndexFunc(c, func(p *program) bool { return p.Name == b.Circuit })] // it is one that was compiled
	if b.Steps != p.Steps {
		return schema.EmulateReply{}, fmt.Errorf("circuit %s was compiled for %d time steps, not %d", p.Name, p.Steps, b.Steps)
	}
	r := schema.EmulateReply{Ticks: float64(p.ticks * b.Examples)}
	for i := range p.layers {
		r.Layers = append(r.Layers, schema.Activity{Layer: p.layers[i].Name, Spikes: make([]float64, b.Steps)})
	}
	synops := 0.0
	for e := range b.Examples {
		p.run(b, e, r.Layers)
	}
	for _, l := range r.Layers {
		synops += l.Synops
	}
	steps := r.Ticks * float64(p.cores)
	r.Energy = []schema.Energy{
		{Profile: "toy", Part: schema.Dynamic, Low: synops * constants[0].Value, High: synops * constants[0].Value, From: []string{constants[0].Name}},
		{Profile: "toy", Part: schema.PerStep, Low: steps * constants[1].Value, High: steps * constants[1].Value, From: []string{constants[1].Name}},
	}
	return r, nil
}

// run runs one example of a block and counts. On the chip all layers compute at once, each a step behind what it takes in; that gives
// the same spikes as one layer after the other does here.
func (p *program) run(b *sdk.Block, e int, counted []schema.Activity) {
	spikes, membranes := make([][]float32, len(p.layers)), make([][]int, len(p.layers))
	for i := range p.layers {
		membranes[i] = make([]int, circuit.Size(p.Populations[i].Dims))
		spikes[i] = make([]float32, len(membranes[i]))
	}
	for t := range b.Steps {
		given := 0
		for i := range p.layers {
			l, q, count, v := &p.layers[i], &p.Populations[i], &counted[i], membranes[i]
			for n := range v {
				v[n] = v[n] * l.Keep / parts
				if len(l.Bias) > 0 {
					v[n] += l.Bias[n*len(l.Bias)/len(v)] // one for a channel, or one for a neuron
				}
			}
			for _, d := range q.Drive {
				for n, x := range b.Inputs[d].Example(t, e, len(v)) {
					v[n] += l.whole(float64(x))
				}
			}
			for k, s := range q.Synapses {
				var from []float32
				if s.Population < 0 {
					from = b.Inputs[s.Input].Example(t, e, len(l.onto[k]))
				} else {
					from = spikes[s.Population]
				}
				for element, fires := range from {
					if fires != 0 {
						for _, a := range l.onto[k][element] {
							v[a.neuron] += a.weight
						}
						count.Synops += float64(len(l.onto[k][element]))
					}
				}
			}
			for n := range v {
				spikes[i][n] = 0
				if v[n] >= l.Threshold {
					v[n], spikes[i][n] = 0, 1
					count.Spikes[t]++
				}
			}
			count.Active += float64(len(v)) // the chip updates all, whether something comes in or not
			if q.Gives {
				copy(b.Outputs[given].Example(t, e, len(v)), spikes[i])
				given++
			}
			if len(b.Taps) > 0 {
				copy(b.Taps[i].Example(t, e, len(v)), spikes[i])
			}
		}
	}
}

// Export implements sdk.Chip. What an example brings is written in the chip's terms: which elements of each input spike at each time step,
// and the drives of each layer in parts of its weights.
func (c chip) Export(examples ...*sdk.Block) (string, [][]byte, error) {
	type exported struct {
		Name   string             `json:"name"`
		Layers []layer            `json:"layers"`
		Spikes map[string][][]int `json:"spikes,omitempty"` // by input and time step
		Drives map[string][]int   `json:"drives,omitempty"` // by layer
	}
	var all []exported
	var tensors [][]byte
	for _, p := range c {
		e := exported{Name: p.Name, Layers: p.layers, Spikes: map[string][][]int{}, Drives: map[string][]int{}}
		for _, b := range examples {
			if b.Circuit != p.Name {
				continue
			}
			for i, in := range p.Inputs {
				for t := range b.Steps {
					if in.Kind == schema.SpikeInput {
						e.Spikes[in.Name] = append(e.Spikes[in.Name], elements(b.Inputs[i].At(t)))
					}
				}
			}
			for i := range p.layers {
				for _, d := range p.Populations[i].Drive {
					for n, x := range b.Inputs[d].At(0) {
						if n == len(e.Drives[p.layers[i].Name]) {
							e.Drives[p.layers[i].Name] = append(e.Drives[p.layers[i].Name], 0)
						}
						e.Drives[p.layers[i].Name][n] += p.layers[i].whole(float64(x))
					}
				}
			}
		}
		all = append(all, e)
		for _, l := range p.layers {
			tensors = append(tensors, l.tensors...)
		}
	}
	text, err := json.Marshal(map[string]any{"circuits": all})
	return string(text), tensors, err
}

// elements lists those that spike.
func elements(row []float32) []int {
	out := []int{}
	for n, x := range row {
		if x != 0 {
			out = append(out, n)
		}
	}
	return out
}
