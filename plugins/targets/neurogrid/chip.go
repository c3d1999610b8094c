package neurogrid

import (
	"context"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// chip is compiled circuits on the board of a seed.
type chip struct {
	*layout
	seed     uint64 // of the board
	order    []string
	programs map[string]*program
	boards   map[string]*emulator.Chip
}

var _ sdk.Chip = (*chip)(nil)

// span is the real time of an example in ms, until the last time step of the deepest population ends.
func (x *program) span(steps int) float64 {
	latest := 0.0
	for _, o := range x.offset {
		latest = math.Max(latest, o)
	}
	return latest + float64(steps)*x.step
}

// timeStep is that of the network in which a spike of a population is whose time step 0 begins at offset.
func timeStep(at, offset, step float64) int { return int(math.Floor((at - offset) / step)) }

// given returns what tells the inputs of an example of a block.
func (x *program) given(b *sdk.Block, e int) func(i, t int) []float32 {
	return func(i, t int) []float32 {
		return b.Inputs[i].Example(t, e, circuit.Size(x.circuit.Inputs[i].Dims))
	}
}

// counts are those of a population in an example.
type counts struct {
	spikes             []float64 // in each time step
	second             float64   // spikes of a neuron behind its first in a time step
	held               float64   // drives of a neuron in a time step that are beyond what the host can send
	fired              float64   // all spikes, those outside of the time steps too
	offered, delivered float64
}

// events are what the host sends for an example, in order. The spikes of inputs come in the middle of their time step; those for biases and
// drives are spread over each. Of each population it counts the drives, each in each time step, that are held since they are beyond the most spikes.
func (x *program) events(seed uint64, steps int, input func(i, t int) []float32) (events []emulator.Event, held []float64) {
	held = make([]float64, len(x.neurons))
	for t := range steps {
		start := float64(t) * x.step
		for i, in := range x.circuit.Inputs {
			if in.Kind == schema.SpikeInput {
				for k, v := range input(i, t) {
					if v != 0 {
						events = append(events, emulator.Event{At: start + x.step/2, Source: x.inputs[i] + k})
					}
				}
			}
		}
		for _, s := range x.tonics {
			for k := range s.spikes {
				events = append(events, emulator.Event{At: x.arrives[s.population] + start + (float64(k)+0.5)*x.step/float64(s.spikes), Source: s.address})
			}
		}
		for _, s := range x.drives {
			for target, v := range input(s.input, 0) {
				p, at := float64(v)/s.full[0], s.address+2*target
				if v < 0 {
					p, at = -float64(v)/s.full[1], at+1
				}
				if p > 1+1e-6 {
					held[s.population]++
				}
				for k := range s.spikes {
					if emulator.Uniform(seed, at, uint64(t*s.spikes+k)) < p {
						events = append(events, emulator.Event{At: x.arrives[s.population] + start + (float64(k)+0.5)*x.step/float64(s.spikes), Source: at})
					}
				}
			}
		}
	}
	emulator.Ordered(events)
	return events, held
}

// run runs an example. A neuron spikes in a time step of its population where it does so at all from offset + t * step on, for a step: mark
// is told once.
func (x *program) run(c *emulator.Chip, seed uint64, steps int, input func(i, t int) []float32, mark func(population, t, neuron int)) ([]counts, error) {
	events, held := x.events(seed, steps, input)
	out := make([]counts, len(x.neurons))
	for j := range out {
		out[j].spikes = make([]float64, steps)
	}
	last := make([]int, len(x.board.Place)) // of each neuron: one more than the time step in which it last spiked
	totals, err := c.Run(context.Background(), seed, x.span(steps), events, func(i int, at float64) {
		j := int(x.board.Layer[i])
		t := timeStep(at, x.offset[j], x.step)
		switch {
		case t < 0 || t >= steps:
		case last[i] == t+1:
			out[j].second++
		default:
			last[i] = t + 1
			out[j].spikes[t]++
			if mark != nil {
				mark(j, t, i-x.neurons[j])
			}
		}
	})
	for j := range out {
		out[j].held = held[j]
		out[j].fired, out[j].offered, out[j].delivered = totals.Spikes[j], totals.Offered[j], totals.Delivered[j]
	}
	return out, err
}

// Emulate runs examples, several at a time, of all calls together no more than their events have room for.
func (c *chip) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	x := c.programs[b.Circuit]
	if x == nil {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %q: it is none of those compiled", b.Circuit)
	}
	if b.Seeds != nil && len(b.Seeds) != b.Examples {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %q: %d seeds for %d examples", b.Circuit, len(b.Seeds), b.Examples)
	}
	// Where the spikes of each population go.
	to := make([][]sdk.Series, len(x.circuit.Populations))
	size := make([]int, len(to))
	given := 0
	for j := range to {
		p := &x.circuit.Populations[j]
		size[j] = circuit.Size(p.Dims)
		if b.Taps != nil {
			to[j] = append(to[j], b.Taps[j])
		}
		if p.Gives {
			to[j] = append(to[j], b.Outputs[given])
			given++
		}
		for _, s := range to[j] {
			for t := range b.Steps {
				clear(s.At(t))
			}
		}
	}
	tallies := make([][]counts, b.Examples)
	err := circuit.EachExample(b.Examples, func() func(int) error {
		return func(e int) (err error) {
			seed := uint64(0)
			if b.Seeds != nil {
				seed = b.Seeds[e]
			}
			x.flight <- struct{}{}
			defer func() { <-x.flight }()
			tallies[e], err = x.run(c.boards[b.Circuit], seed, b.Steps, x.given(b, e), func(j, t, neuron int) {
				for _, s := range to[j] {
					s.Example(t, e, size[j])[neuron] = 1
				}
			})
			return err
		}
	})
	if err != nil {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %q: %w", b.Circuit, err)
	}
	return c.reply(x, b.Steps, tallies), nil
}

// reply adds up examples. A spike goes up the tree to the daughterboard, and each event of its softwires down to one Neurocore.
func (c *chip) reply(x *program, steps int, tallies [][]counts) schema.EmulateReply {
	var out schema.EmulateReply
	events, offered, second := 0.0, 0.0, 0.0
	for j := range x.circuit.Populations {
		a := schema.Activity{Layer: x.circuit.Populations[j].Name, Spikes: make([]float64, steps)}
		for _, t := range tallies {
			l := &t[j]
			for k, n := range l.spikes {
				a.Spikes[k] += n
			}
			a.Synops += l.delivered
			a.Messages += l.fired + l.delivered
			a.Clipped += l.held
			events += l.delivered
			offered += l.offered
			second += l.second
		}
		a.Hops = emulator.Levels * a.Messages
		out.Layers = append(out.Layers, a)
	}
	n := float64(len(tallies))
	least := n * x.span(steps) / 1e3
	most := least + n*x.settle/1e3
	out.Ticks = n * math.Ceil(x.span(steps)/c.step)
	out.Time = []schema.Amount{{Name: "real time, and at most with the rest between examples", Used: least, Limit: most}}
	out.Energy = energy(least, most, c.used, events, offered, second)
	return out
}

// energy is that of so many seconds, at least and at most, with so many Neurocores in use and events delivered.
func energy(least, most float64, used int, events, offered, second float64) []schema.Energy {
	share := float64(used) / emulator.Neurocores
	power := []string{"power of the board", "power of the board, highest"}
	return []schema.Energy{
		{Profile: "board", Part: schema.Static, Low: powerLow * least, High: powerHigh * most, From: power,
			Note: "all sixteen Neurocores in real time, whatever they do; dynamic and static power were not published apart"},
		{Profile: "Neurocores in use", Part: schema.Static, Low: powerLow * share * least, High: powerHigh * share * most, From: append(power, "Neurocores"),
			Note: fmt.Sprintf("%d of %d Neurocores with their share of the board", used, emulator.Neurocores)},
		{Profile: "indicative: events", Part: schema.Dynamic, Low: events * eventPJ * 1e-12, High: events * eventPJ * 1e-12, From: []string{"energy of a synaptic event"},
			Note: fmt.Sprintf("%.0f events of softwires, of %.0f spikes that reached one; the arbors are not used, so each event is one synapse. %.0f spikes come behind another of their neuron in a time step, so that the host is not told them. What the figure counts is not known: for comparison only, and part of the board's power", events, offered, second)},
	}
}
