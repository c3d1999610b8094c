package loihi

import (
	"fmt"
	"runtime"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
)

// onChip is compiled circuits, ready to be run.
type onChip struct {
	*compiled
	programs []*emulator.Program
}

var _ sdk.Chip = (*onChip)(nil)

// Export implements sdk.Chip: the network that `snnc emulate` reads, with the spikes of the examples, and their drives as biases.
func (x *onChip) Export(examples ...*sdk.Block) (text string, tensors [][]byte, err error) {
	n := x.whole()
	for _, b := range examples {
		i := slices.IndexFunc(x.circuits, func(c schema.Circuit) bool { return c.Name == b.Circuit })
		if i < 0 || b.Steps != x.circuits[i].Steps {
			return "", nil, fmt.Errorf("no circuit %q was compiled for %d time steps", b.Circuit, b.Steps)
		}
		x.bring(n, i, b)
	}
	text, _, tensors, err = n.Print()
	return text, tensors, err
}

// Emulate implements sdk.Chip. Examples are spread over the processors; where they are few, so are the compartments of each.
func (x *onChip) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	i := slices.IndexFunc(x.circuits, func(c schema.Circuit) bool { return c.Name == b.Circuit })
	if i < 0 {
		return schema.EmulateReply{}, fmt.Errorf("there is no circuit %q", b.Circuit)
	}
	c := &x.circuits[i]
	if b.Steps != c.Steps {
		return schema.EmulateReply{}, fmt.Errorf("the circuit was compiled for %d time steps, and the block has %d", c.Steps, b.Steps)
	}
	workers := circuit.Workers(b.Examples)
	var done []*tally
	err := circuit.EachExample(b.Examples, func() func(int) error {
		state, t := x.programs[i].NewState(0, max(1, runtime.GOMAXPROCS(0)/workers)), newTally(c)
		done = append(done, &t)
		return func(e int) error { return x.example(i, state, b, e, &t) }
	})
	if err != nil {
		return schema.EmulateReply{}, err
	}
	sum := newTally(c)
	for _, t := range done {
		sum.add(t)
	}
	work := x.work(i, &sum)
	work.Ticks = float64(b.Examples * x.ticks(c))
	return schema.EmulateReply{Layers: sum.layers, Ticks: work.Ticks, Energy: work.Energy(), Time: work.Time()}, nil
}

// work is what the chips did for circuit i, but for the ticks.
func (x *onChip) work(i int, t *tally) emulator.Work {
	w := emulator.Work{Across: t.across, Down: t.down, Chips: x.layout.Chips, Generation: x.generation}
	for _, k := range x.layout.Cores {
		if k.Circuit == i {
			w.Cores++
		}
	}
	for j := range t.layers {
		a := &t.layers[j]
		w.Synops, w.Active, w.Inactive, w.Messages = w.Synops+a.Synops, w.Active+a.Active, w.Inactive+a.Inactive, w.Messages+a.Messages
	}
	w.Spikes = t.spikes
	return w
}

// tally is what some examples of a circuit did. All counts are whole, so that sums do not depend on their order.
type tally struct {
	layers       []schema.Activity
	spikes       float64 // at all ticks
	across, down float64 // tiles that messages pass
}

func newTally(c *schema.Circuit) tally {
	t := tally{layers: make([]schema.Activity, len(c.Populations))}
	for j := range t.layers {
		t.layers[j] = schema.Activity{Layer: c.Populations[j].Name, Spikes: make([]float64, c.Steps)}
	}
	return t
}

func (t *tally) add(o *tally) {
	t.spikes, t.across, t.down = t.spikes+o.spikes, t.across+o.across, t.down+o.down
	for j := range t.layers {
		a, b := &t.layers[j], &o.layers[j]
		for k := range a.Spikes {
			a.Spikes[k] += b.Spikes[k]
		}
		a.Synops, a.Active, a.Inactive = a.Synops+b.Synops, a.Active+b.Active, a.Inactive+b.Inactive
		a.Messages, a.Hops, a.Clipped = a.Messages+b.Messages, a.Hops+b.Hops, a.Clipped+b.Clipped
	}
}

// example runs one example and writes what it gives.
func (x *onChip) example(i int, state *emulator.State, b *sdk.Block, e int, t *tally) error {
	c := &x.circuits[i]
	seed := uint64(0)
	if len(b.Seeds) > 0 {
		seed = b.Seeds[e]
	}
	state.Reset(seed)
	for j := range c.Populations {
		p := &c.Populations[j]
		if len(p.Drive) == 0 {
			continue
		}
		if err := state.SetBias(j, x.biases(i, j, b, e, &t.layers[j].Clipped)); err != nil {
			return fmt.Errorf("write the biases of %s: %w", p.Name, err)
		}
	}
	late := x.latency(c)
	var inputs [][]int32
	once := map[[2]int32]int{} // the time step at which an element of an input spiked
	for tick := range x.ticks(c) {
		inputs = inputs[:0]
		for k, in := range c.Inputs {
			if in.Kind != schema.SpikeInput {
				continue
			}
			spikes := x.incoming(i, k, tick, b, e)
			if in.Once && k < len(b.Inputs) { // what keeps neurons silent was proved for such
				for _, n := range spikes {
					if earlier, again := once[[2]int32{int32(k), n}]; again {
						return fmt.Errorf("element %d of input %s spikes once in an example, and does so at the time steps %d and %d", n, in.Name, earlier, tick)
					}
					once[[2]int32{int32(k), n}] = tick
				}
			}
			inputs = append(inputs, spikes)
		}
		state.Step(inputs)
		given, spiking := 0, 0
		for j := range c.Populations {
			p, a, reach := &c.Populations[j], &t.layers[j], &x.layout.Populations[i][j]
			n := circuit.Size(p.Dims)
			step := tick - p.Depth + 1 - late
			if p.Reads {
				if p.Gives && step == c.Steps-1 {
					scale := p.Scale / x.registers[i][j].Scale
					for k, v := range state.V(j) {
						b.Outputs[given].Example(0, e, n)[k] = float32(float64(v) * scale)
					}
				}
				if p.Gives {
					given++
				}
				continue
			}
			var series []sdk.Series
			if p.Gives {
				series = append(series, b.Outputs[given])
				given++
			}
			if len(b.Taps) > 0 {
				series = append(series, b.Taps[spiking])
			}
			spiking++
			if tick == 0 && step == 1 { // what is late and has no source spikes at no first step
				for _, s := range series {
					clear(s.Example(0, e, n))
				}
			}
			held := step >= 0 && step < c.Steps
			var rows [][]float32
			for _, s := range series {
				if held {
					rows = append(rows, s.Example(step, e, n))
					clear(rows[len(rows)-1])
				}
			}
			spikes := state.Spikes(j)
			for _, k := range spikes {
				for _, row := range rows {
					row[k] = 1
				}
				a.Messages += float64(reach.Messages[k])
				a.Hops += float64(reach.Across[k] + reach.Down[k])
				t.across, t.down = t.across+float64(reach.Across[k]), t.down+float64(reach.Down[k])
			}
			if held {
				a.Spikes[step] += float64(len(spikes))
			}
		}
	}
	for j := range c.Populations {
		n, a := state.Count(j), &t.layers[j]
		a.Synops += float64(n.Synops)
		a.Active += float64(n.Active)
		a.Inactive += float64(n.Inactive)
		a.Clipped += float64(n.Clipped)
		t.spikes += float64(n.Spikes)
	}
	return nil
}
