package truenorth

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
)

// Export returns the circuits as the text and tensors that emulator.Parse reads, with the spikes of the examples.
func (x *chip) Export(examples ...*sdk.Block) (string, [][]byte, error) {
	text, _, data, err := x.encode(examples)
	return text, data, err
}

// maxPrinted bounds the membranes that the trace of an example prints, so that its text stays below the bound of emulator.Trace.
const maxPrinted = 1 << 20

// encode writes all circuits as one network. Its lines are, circuit by circuit, the elements of the inputs that bring spikes, and one
// more that is active at each time step, for biases; its outputs are the elements of the populations that the host reads.
func (x *chip) encode(examples []*sdk.Block) (string, []schema.NamedTensor, [][]byte, error) {
	f := &emulator.File{Record: emulator.Record{Outputs: true, Totals: true}, Legend: &emulator.Legend{}}
	f.Columns = x.order[0].network.Columns
	for _, b := range examples {
		if p := x.programs[b.Circuit]; p == nil || b.Steps != p.circuit.Steps {
			return "", nil, nil, fmt.Errorf("export: no circuit %q was compiled for %d time steps", b.Circuit, b.Steps)
		}
		f.Record.V, f.Record.Spikes = true, true
		f.Seed = b.Seeds[0]
	}
	neurons := 0
	for _, p := range x.order {
		f.Ticks = max(f.Ticks, p.ticks)
		n := &p.network
		cores, sets, layers, outputs := int32(len(f.Cores)), int32(len(f.Parameters)), int32(len(f.Layers)), int32(f.Outputs)
		prefix := ""
		if len(x.order) > 1 {
			prefix = p.circuit.Name + ": "
		}
		for _, name := range n.Layers {
			f.Layers = append(f.Layers, prefix+name)
		}
		p.describe(f.Legend, prefix, len(f.Lines), int(outputs))
		for _, b := range examples {
			if b.Circuit == p.circuit.Name {
				for tick := range b.Steps {
					p.incoming(b, 0, tick, func(line int) {
						f.Inputs = append(f.Inputs, emulator.LineSpike{Tick: int32(tick), Line: int32(len(f.Lines) + line)})
					})
				}
			}
		}
		f.Parameters = append(f.Parameters, n.Parameters...)
		f.Outputs += n.Outputs
		for _, line := range n.Lines {
			moved := make([]emulator.Line, len(line))
			for i, l := range line {
				l.Core += cores
				moved[i] = l
			}
			f.Lines = append(f.Lines, moved)
		}
		for i := range n.Cores {
			c := n.Cores[i]
			c.Neurons = make([]emulator.Neuron, len(n.Cores[i].Neurons))
			for k, y := range n.Cores[i].Neurons {
				y.Parameters += sets
				y.Layer += layers
				switch y.Kind {
				case emulator.ToAxon:
					y.To += cores
				case emulator.ToOutput:
					y.To += outputs
				}
				c.Neurons[k] = y
			}
			f.Cores = append(f.Cores, c)
			neurons += len(c.Neurons)
		}
	}
	f.Record.To = f.Ticks
	f.Record.V = f.Record.V && neurons*f.Ticks <= maxPrinted
	text, tensors, data, err := emulator.Encode(f)
	if err != nil {
		return "", nil, nil, fmt.Errorf("export: %w", err)
	}
	return text, tensors, data, nil
}

// describe adds what the lines, outputs and neurons of a circuit are to a legend of a file that has so many lines and outputs already.
func (p *program) describe(to *emulator.Legend, prefix string, lines, outputs int) {
	for i, in := range p.circuit.Inputs {
		if in.Kind == schema.SpikeInput {
			to.Lines = append(to.Lines, emulator.LegendLines{Input: fmt.Sprintf("%sinput %d: %s", prefix, i, in.Name), First: lines + p.legend.Inputs[i], Count: circuit.Size(in.Dims)})
		}
	}
	to.Lines = append(to.Lines, emulator.LegendLines{Input: prefix + "bias", First: lines + p.legend.On, Count: 1})
	for i := range p.circuit.Populations {
		q := &p.circuit.Populations[i]
		l := emulator.LegendLayer{Dims: q.Dims, Tick: p.fires[i]}
		if q.Gives {
			first := outputs + p.legend.Outputs[i]
			l.Output = &first
		}
		to.Layers = append(to.Layers, l)
	}
	for _, core := range p.first {
		for _, at := range core {
			element := int32(at.element)
			if at.population < 0 {
				element = -1
			}
			to.Elements = append(to.Elements, element)
		}
	}
}
