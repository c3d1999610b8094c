package truenorth

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
)

// Export returns the circuits as the text and tensors that emulator.Parse reads.
func (x *chip) Export() (string, [][]byte, error) {
	text, _, data, err := x.encode()
	return text, data, err
}

// encode writes all circuits as one network. Its lines are, circuit by circuit, the elements of the inputs that bring spikes, and one
// more that is active at each time step, for biases; its outputs are the elements of the populations that the host reads.
func (x *chip) encode() (string, []schema.NamedTensor, [][]byte, error) {
	f := &emulator.File{Record: emulator.Record{Outputs: true, Totals: true}}
	f.Columns = x.order[0].network.Columns
	for _, p := range x.order {
		f.Ticks = max(f.Ticks, p.ticks)
		n := &p.network
		cores, sets, layers, outputs := int32(len(f.Cores)), int32(len(f.Parameters)), int32(len(f.Layers)), int32(f.Outputs)
		for _, name := range n.Layers {
			if len(x.order) > 1 {
				name = p.circuit.Name + ": " + name
			}
			f.Layers = append(f.Layers, name)
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
		}
	}
	f.Record.To = f.Ticks
	text, tensors, data, err := emulator.Encode(f)
	if err != nil {
		return "", nil, nil, fmt.Errorf("export: %w", err)
	}
	return text, tensors, data, nil
}
