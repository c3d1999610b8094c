package loihi

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
	"snnc.dev/snnc/plugins/targets/loihi/mapping"
	"snnc.dev/snnc/plugins/targets/loihi/quantize"
)

// compiled is circuits in the chip's terms, and where they lie.
type compiled struct {
	circuits  []schema.Circuit
	registers [][]quantize.Registers // by circuit and population
	layout    *mapping.Layout
	bits      int
	terms
}

// Compile puts circuits on the chip. Where they do not fit, the chip is nil and the reply says why.
func Compile(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
	x, r, err := compile(q, w)
	if x == nil || err != nil {
		return nil, r, err
	}
	chip := &onChip{compiled: x}
	for i := range x.circuits {
		p, err := emulator.Compile(x.network(i, ""))
		if err != nil {
			return nil, r, fmt.Errorf("compile circuit %s: %w", x.circuits[i].Name, err)
		}
		chip.programs = append(chip.programs, p)
	}
	_, r.Tensors, _, err = x.whole().Print()
	return chip, r, err
}

// compile quantizes and places the circuits of a request. It gives nil where they do not fit, and the reply says why.
func compile(q schema.CompileRequest, w sdk.Weights) (*compiled, schema.CompileReply, error) {
	var r schema.CompileReply
	chip, t, bad := chip(q.Arguments)
	if len(bad) > 0 {
		r.Complaints = bad
		return nil, r, nil
	}
	r.Fits = true
	host, err := t.circuits(&chip, &r.TargetReply, q.Circuits)
	if err != nil {
		return nil, r, err
	}
	placement := chip.Report(&r.TargetReply)
	r.Layers = append(r.Layers, host...)
	if !r.Fits {
		return nil, r, nil
	}
	more := &added{terms: t, w: w}
	x := &compiled{circuits: more.circuits(q.Circuits), bits: chip.Bits, terms: t}
	for i := range x.circuits {
		c := &x.circuits[i]
		var all []quantize.Registers
		for j := range c.Populations {
			p := &c.Populations[j]
			registers, loss, problem := quantize.Population(c, j, more.weights, chip.Bits)
			if problem != "" {
				r.Fits = false
				at := slices.IndexFunc(r.Layers, func(l schema.Placement) bool { return l.Network == c.Network && l.Layer == p.Name })
				r.Layers[at] = schema.Placement{Network: c.Network, Layer: p.Name, Host: true, Problem: problem}
				continue
			}
			all, r.Losses = append(all, registers), append(r.Losses, loss)
		}
		x.registers = append(x.registers, all)
		r.Programs = append(r.Programs, schema.Compiled{Circuit: c.Name, Ticks: x.ticks(c)})
	}
	if !r.Fits {
		r.Losses, r.Programs = nil, nil
		return nil, r, nil
	}
	x.layout = chip.Layout(x.circuits, placement, func(circuit, population int) float64 {
		if m := x.circuits[circuit].Populations[population].Measured; m != nil {
			return m.Rate
		}
		return 1
	})
	r.Chips, r.Constants = x.layout.Chips, emulator.Constants(chip.Generation)
	for i := range x.layout.Cores {
		k := &x.layout.Cores[i]
		c := &x.circuits[k.Circuit]
		r.Cores = append(r.Cores, schema.Core{Chip: k.Chip, X: 2*k.X + k.Slot%2, Y: 2*k.Y + k.Slot/2, // the four of a tile in a square
			Layers: []string{c.Name + ": " + c.Populations[k.Population].Name}, Used: x.layout.Amounts(i)})
	}
	return x, r, nil
}
