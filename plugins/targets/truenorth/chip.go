package truenorth

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
)

// chip is compiled circuits.
type chip struct {
	programs map[string]*program
	order    []*program // in that of the request
	fast     bool       // ticks are as short as were shown
}

var _ sdk.Chip = (*chip)(nil)

// program is a circuit on its cores.
type program struct {
	*built
	circuit schema.Circuit // its dims
	machine *emulator.Machine
	first   [][]place // by core and place: the neuron of which it is the first copy
	outputs []place   // by output
}

// place is a neuron of a circuit. Nothing is there where population is negative.
type place struct{ population, element int }

// load makes a machine of a circuit.
func load(c *schema.Circuit, b *built) (*program, error) {
	m, err := emulator.New(&b.network)
	if err != nil {
		return nil, err
	}
	p := &program{built: b, circuit: *c, machine: m}
	seen := map[place]bool{}
	for _, core := range b.legend.Neurons {
		list := make([]place, len(core))
		for k, x := range core {
			list[k] = place{x.Population, x.Element}
			if x.Relay || seen[list[k]] {
				list[k].population = -1
				continue
			}
			seen[list[k]] = true
		}
		p.first = append(p.first, list)
	}
	for i := range c.Populations {
		if c.Populations[i].Gives {
			for e := range circuit.Size(c.Populations[i].Dims) {
				p.outputs = append(p.outputs, place{i, e})
			}
		}
	}
	return p, nil
}

// incoming tells the lines at which something comes in at a tick of an example: those of the elements that spike, and that of biases.
func (p *program) incoming(b *sdk.Block, example, tick int, line func(int)) {
	c := &p.circuit
	if tick >= c.Steps {
		return
	}
	for i := range c.Inputs {
		if c.Inputs[i].Kind != schema.SpikeInput {
			continue
		}
		for e, v := range b.Inputs[i].Example(tick, example, circuit.Size(c.Inputs[i].Dims)) {
			if v != 0 {
				line(p.legend.Inputs[i] + e)
			}
		}
	}
	line(p.legend.On)
}

// Emulate runs examples.
func (x *chip) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	p := x.programs[b.Circuit]
	if p == nil {
		return schema.EmulateReply{}, fmt.Errorf("there is no circuit %q on this chip", b.Circuit)
	}
	c := &p.circuit
	given := make([]int, len(c.Populations)) // which of b.Outputs
	outputs := 0
	for i := range c.Populations {
		given[i] = -1
		if c.Populations[i].Gives {
			given[i] = outputs
			outputs++
		}
	}
	switch {
	case b.Steps != c.Steps:
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %s: %d time steps, and it was compiled for %d", c.Name, b.Steps, c.Steps)
	case len(b.Inputs) != len(c.Inputs) || len(b.Outputs) != outputs || b.Taps != nil && len(b.Taps) != len(c.Populations):
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %s: %d inputs, %d outputs and %d taps: it has %d, %d and %d", c.Name, len(b.Inputs), len(b.Outputs), len(b.Taps), len(c.Inputs), outputs, len(c.Populations))
	}
	for t := range b.Steps {
		for _, s := range b.Outputs {
			clear(s.At(t))
		}
		for _, s := range b.Taps {
			clear(s.At(t))
		}
	}
	sizes := make([]int, len(c.Populations))
	spikes := make([][]atomic.Int64, len(c.Populations)) // of all examples, each neuron once, at each time step
	for i := range sizes {
		sizes[i] = circuit.Size(c.Populations[i].Dims)
		spikes[i] = make([]atomic.Int64, c.Steps)
	}
	did, err := p.machine.Run(&emulator.Block{
		Examples: b.Examples, Ticks: p.ticks, Seeds: b.Seeds,
		Input: func(example, tick int, in *emulator.Inputs) {
			p.incoming(b, example, tick, in.Line)
		},
		Output: func(example, tick int, list []int32) {
			for _, o := range list {
				at := p.outputs[o]
				if t := tick - p.legend.Ticks[o]; t >= 0 && t < c.Steps {
					b.Outputs[given[at.population]].Example(t, example, sizes[at.population])[at.element] = 1
				}
			}
		},
		Fired: func(example, tick, core int, places [emulator.Neurons / 64]uint64) {
			for w, set := range places {
				for ; set != 0; set &= set - 1 {
					at := p.first[core][w*64+bits.TrailingZeros64(set)]
					if at.population < 0 {
						continue
					}
					t := tick - p.fires[at.population]
					if t < 0 || t >= c.Steps {
						continue
					}
					spikes[at.population][t].Add(1)
					if b.Taps != nil {
						b.Taps[at.population].Example(t, example, sizes[at.population])[at.element] = 1
					}
				}
			}
		},
	})
	if err != nil {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %s: %w", c.Name, err)
	}
	reply := schema.EmulateReply{Layers: did.Layers, Ticks: did.Ticks, Energy: did.Energy(x.fast), Time: did.Time(x.fast)}
	for i := range reply.Layers {
		// The chip's spikes have copies and relays in them, and ticks.
		reply.Layers[i].Spikes = make([]float64, c.Steps)
		for t := range c.Steps {
			reply.Layers[i].Spikes[t] = float64(spikes[i][t].Load())
		}
	}
	return reply, nil
}
