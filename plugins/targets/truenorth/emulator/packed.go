package emulator

import (
	"encoding/binary"
	"fmt"
)

// The numbers of a row of the tensors of a packed network.
const (
	coreNumbers   = 4 // chip, x, y, neurons
	neuronNumbers = 7 // place, parameters, layer, kind of destination, to, axon, delay
	lineNumbers   = 4 // line, core, axon, delay
)

// tensor returns the bytes of a tensor, which must be of such a kind and such dims; -1 for any.
func (r *reader) tensor(name, dtype string, dims ...int) ([]byte, error) {
	for _, t := range r.list {
		if t.Name != name {
			continue
		}
		fits := t.DType == dtype && len(t.Dims) == len(dims)
		size := map[string]int{"U8": 1, "I32": 4}[dtype]
		for i := range dims {
			if fits = fits && (dims[i] < 0 || t.Dims[i] == dims[i]) && t.Dims[i] >= 0 && t.Dims[i] < 1<<31; fits {
				if size *= t.Dims[i]; size > 1<<40 {
					fits = false
				}
			}
		}
		if !fits {
			return nil, fmt.Errorf("tensor %q is %s %v, and %s %v is needed, -1 for any", name, t.DType, t.Dims, dtype, dims)
		}
		b, ok := r.data[name]
		if !ok || len(b) != size {
			return nil, fmt.Errorf("tensor %q has %d bytes, and its dims %v are %d", name, len(b), t.Dims, size)
		}
		return b, nil
	}
	return nil, fmt.Errorf("there is no tensor %q beside the text", name)
}

// integer returns number i of an I32 tensor.
func integer(b []byte, i int) int32 { return int32(binary.LittleEndian.Uint32(b[4*i:])) }

// packed reads a network whose cores lie in tensors.
func (r *reader) packed(t *textPacked) error {
	cores, err := r.tensor(t.Cores, "I32", -1, coreNumbers)
	if err != nil {
		return fmt.Errorf("packed.cores: %w", err)
	}
	n := len(cores) / (4 * coreNumbers)
	if n == 0 {
		return fmt.Errorf("packed.cores: there are no cores")
	}
	types, err := r.tensor(t.Types, "U8", n, Axons)
	if err != nil {
		return fmt.Errorf("packed.types: %w", err)
	}
	crossbars, err := r.tensor(t.Crossbars, "U8", n, Axons, Neurons/8)
	if err != nil {
		return fmt.Errorf("packed.crossbars: %w", err)
	}
	neurons, err := r.tensor(t.Neurons, "I32", -1, neuronNumbers)
	if err != nil {
		return fmt.Errorf("packed.neurons: %w", err)
	}
	left := len(neurons) / (4 * neuronNumbers)
	at := 0
	r.f.Cores = make([]Core, n)
	for i := range r.f.Cores {
		c := &r.f.Cores[i]
		c.Chip, c.X, c.Y = integer(cores, coreNumbers*i), integer(cores, coreNumbers*i+1), integer(cores, coreNumbers*i+2)
		count := int(integer(cores, coreNumbers*i+3))
		if count < 0 || count > Neurons || count > left {
			return fmt.Errorf("packed.cores: core %d has %d neurons, and a core has 0 to %d; %d are left in packed.neurons", i, count, Neurons, left)
		}
		left -= count
		copy(c.Types[:], types[i*Axons:])
		c.fill(crossbars[i*crossbarBytes:])
		c.Neurons = make([]Neuron, count)
		for k := range c.Neurons {
			x := func(n int) int32 { return integer(neurons, neuronNumbers*at+n) }
			c.Neurons[k] = Neuron{Place: x(0), Parameters: x(1), Layer: x(2), Destination: Destination{Kind: DestinationKind(x(3)), To: x(4), Axon: x(5), Delay: x(6)}}
			at++
		}
	}
	if left > 0 {
		return fmt.Errorf("packed.neurons: %d neurons are more than the cores have", left)
	}
	if t.Lines == "" {
		if t.LineCount != 0 {
			return fmt.Errorf("packed.line_count is %d, and there is no packed.lines", t.LineCount)
		}
		return nil
	}
	return r.packedLines(t)
}

// maxIdle is how many lines there may be that reach no axon.
const maxIdle = 1 << 20

func (r *reader) packedLines(t *textPacked) error {
	if len(r.t.Lines) > 0 {
		return fmt.Errorf("there are both lines and packed.lines: say either")
	}
	lines, err := r.tensor(t.Lines, "I32", -1, lineNumbers)
	if err != nil {
		return fmt.Errorf("packed.lines: %w", err)
	}
	if most := min(maxLines, maxIdle+len(lines)/(4*lineNumbers)); t.LineCount < 0 || int(t.LineCount) > most {
		return fmt.Errorf("packed.line_count is %d, and with these packed.lines 0 to %d are possible", t.LineCount, most)
	}
	r.f.Lines = make([][]Line, t.LineCount)
	for i := range len(lines) / (4 * lineNumbers) {
		x := func(n int) int32 { return integer(lines, lineNumbers*i+n) }
		if x(0) < 0 || x(0) >= t.LineCount {
			return fmt.Errorf("packed.lines: row %d is of line %d, and there are %d", i, x(0), t.LineCount)
		}
		r.f.Lines[x(0)] = append(r.f.Lines[x(0)], Line{Core: x(1), Axon: x(2), Delay: x(3)})
	}
	return nil
}
