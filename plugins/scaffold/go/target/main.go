// Command leap is a plugin of one target: a chip that holds so many neurons, and is emulated with weights of eight bits.
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

func plugin() sdk.Plugin {
	one := 1.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Targets: []sdk.Target{{
			Component: schema.Component{Kind: schema.Target, Name: "leap", Version: "0.1.0", Doc: "A chip that holds so many neurons.",
				Params: []schema.Param{{Name: "neurons", Type: schema.Int, Default: "256", Min: &one, Doc: "that the chip holds"}}},
			Check:   func(q schema.TargetRequest) (schema.TargetReply, error) { return check(q.Arguments, q.Circuits), nil },
			Compile: compile,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// check counts the neurons of each layer, and says of the layer that is one too many what would mend it. Layers that the chip cannot be at
// all it refuses, and the host keeps them.
func check(arguments schema.Arguments, circuits []schema.Circuit) schema.TargetReply {
	most, used := arguments.Int("neurons"), 0
	reply := schema.TargetReply{Fits: true}
	for _, c := range circuits {
		for _, p := range c.Populations {
			size := circuit.Size(p.Dims)
			l := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{{Name: "neurons", Used: float64(size)}}}
			switch d := p.Dynamics; {
			case d.Reads || d.Current || d.Late || d.Once || d.Refractory > 0 || d.Reset != schema.Reset{Kind: schema.ResetTo}:
				l = schema.Placement{Network: c.Network, Layer: p.Name, Host: true, Problem: "the chip has leaky neurons alone, which are reset to 0"}
				size = 0
			case used+size > most:
				l.Problem = fmt.Sprintf("%d neurons find room for %d", size, max(most-used, 0))
				l.Change = fmt.Sprintf("a chip with neurons = %d", used+size)
			}
			reply.Fits = reply.Fits && l.Problem == ""
			reply.Layers = append(reply.Layers, l)
			used += size
		}
	}
	reply.Used = []schema.Amount{{Name: "neurons", Used: float64(used), Limit: float64(most)}}
	return reply
}

// steps is the largest weight in the chip's own numbers: eight bits with a sign.
const steps = 127

// chip is compiled circuits.
type chip []program

// program is a circuit as the chip has it.
type program struct {
	Circuit schema.Circuit `json:"circuit"`
	Weights [][][]float32  `json:"weights"` // by population and synapses
	Biases  [][]float32    `json:"biases"`  // by population
	ticks   int            // steps of the chip for one example
}

// compile rounds the weights. Each synapses has its own scale.
func compile(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
	r := schema.CompileReply{TargetReply: check(q.Arguments, q.Circuits)}
	if !r.Fits {
		return nil, r, nil
	}
	var all chip
	r.Chips = 1
	for _, c := range q.Circuits {
		x := program{Circuit: c, ticks: c.Steps}
		for _, p := range c.Populations {
			var weights [][]float32
			for _, s := range p.Synapses {
				weights = append(weights, rounded(w(s.Weights)))
			}
			var bias []float32
			if p.Bias != nil {
				bias = slices.Clone(w(*p.Bias)) // what w gives holds during the call only
			}
			x.Weights, x.Biases = append(x.Weights, weights), append(x.Biases, bias)
			x.ticks = max(x.ticks, c.Steps+p.Depth-1) // a layer d deep is d - 1 steps behind
			r.Losses = append(r.Losses, schema.Loss{Circuit: c.Name, Layer: p.Name, Bits: 8})
		}
		r.Programs = append(r.Programs, schema.Compiled{Circuit: c.Name, Ticks: x.ticks})
		all = append(all, x)
	}
	return all, r, nil
}

// rounded returns weights as the chip has them: whole numbers times a scale.
func rounded(w []float32) []float32 {
	scale := 0.0
	for _, v := range w {
		scale = max(scale, math.Abs(float64(v))/steps)
	}
	out := make([]float32, len(w))
	for i, v := range w {
		if scale > 0 {
			out[i] = float32(math.Round(float64(v)/scale) * scale)
		}
	}
	return out
}

// Emulate implements sdk.Chip: one layer after another, each over all time steps of all examples.
func (all chip) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	x := &all[slices.IndexFunc(all, func(x program) bool { return x.Circuit.Name == b.Circuit })] // one that was compiled
	r := schema.EmulateReply{Ticks: float64(x.ticks * b.Examples)}
	var spikes []sdk.Series // of the layers so far
	given := 0
	for i, p := range x.Circuit.Populations {
		size := circuit.Size(p.Dims)
		row := b.Examples * size
		out := sdk.NewSeries(make([]float32, b.Steps*row), b.Steps, row)
		layer := schema.Activity{Layer: p.Name, Spikes: make([]float64, b.Steps), Active: float64(b.Steps * row)}
		v := slices.Repeat([]float32{float32(p.Start)}, row)
		for t := range b.Steps {
			for n := range v { // leak, and what flows in at each step
				v[n] *= float32(p.Decay)
				if bias := x.Biases[i]; bias != nil {
					v[n] += bias[n%size*len(bias)/size] // one for a channel, or one for a neuron
				}
				for _, d := range p.Drive {
					v[n] += b.Inputs[d].At(t)[n]
				}
			}
			for k, s := range p.Synapses {
				from := b.Inputs[max(s.Input, 0)]
				if s.Population >= 0 {
					from = spikes[s.Population]
				}
				elements := circuit.Size(circuit.SourceDims(&x.Circuit, &s))
				for l := range circuit.Connections(&s, p.Dims) {
					for e := range b.Examples {
						if from.At(t)[e*elements+l.Source] == 1 {
							v[e*size+l.Target] += x.Weights[i][k][l.Weight]
							layer.Synops++
						}
					}
				}
			}
			for n := range v {
				if v[n] > float32(p.Threshold) || !p.Strict && v[n] == float32(p.Threshold) {
					v[n], out.At(t)[n] = 0, 1
					layer.Spikes[t]++
				}
			}
			if p.Gives {
				copy(b.Outputs[given].At(t), out.At(t))
			}
			if len(b.Taps) > 0 {
				copy(b.Taps[i].At(t), out.At(t))
			}
		}
		if p.Gives {
			given++
		}
		spikes, r.Layers = append(spikes, out), append(r.Layers, layer)
	}
	return r, nil
}

// Export implements sdk.Chip.
func (all chip) Export(examples ...*sdk.Block) (string, [][]byte, error) {
	inputs := map[string][][][]float32{} // what goes in, by circuit: of each input a row of elements for each time step
	for _, b := range examples {
		for _, in := range b.Inputs {
			var rows [][]float32
			for t := range b.Steps {
				rows = append(rows, in.At(t))
			}
			inputs[b.Circuit] = append(inputs[b.Circuit], rows)
		}
	}
	text, err := json.Marshal(map[string]any{"circuits": all, "inputs": inputs})
	return string(text), nil, err
}
