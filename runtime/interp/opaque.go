package interp

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/tensor"
)

// blocks are the operands of one call of an opaque operator: its memory, and where each value lies in it.
type blocks struct {
	opaque.Memory
	op   opaque.Operator
	all  opaque.Block
	used int
}

// prepare makes the operator of n ready, with memory for its operands.
func (r *run) prepare(n *graph.Node, values ...[]Value) (*blocks, error) {
	switch {
	case r.env.Opaque == nil:
		return nil, opaque.ErrNone
	case r.env.Base != nil:
		return nil, fmt.Errorf("%s has no smooth twin", n.Opaque.Name)
	}
	floats, b := 0, &blocks{all: opaque.Block{Batch: r.env.N, Count: r.env.N}}
	var dims []int
	for _, v := range slices.Concat(values...) {
		floats += len(v.Data)
		b.all.Steps = max(b.all.Steps, v.Type.Steps)
		dims = v.Type.Dims
	}
	var err error
	if b.op, err = r.env.Opaque.Prepare(n.Opaque, tensor.Memory(graph.Real(dims...))); err != nil {
		return nil, err
	}
	if b.Memory, err = r.env.Opaque.Memory(floats); err != nil {
		b.op.Close()
		return nil, err
	}
	return b, nil
}

func (b *blocks) close() {
	b.op.Close()
	b.Memory.Close()
}

// put places values in memory, with what they hold, and returns where.
func (b *blocks) put(values []Value) []int {
	var at []int
	for _, v := range values {
		x := tensor.FromLogical(v.Type.With(graph.F32), v.N, v.Data)
		copy(b.Floats()[b.used:], x.F32)
		at = append(at, b.used)
		b.used += len(v.Data)
	}
	return at
}

// take fills values with what lies in memory.
func (b *blocks) take(values []Value, at []int) {
	for i, v := range values {
		x := tensor.Tensor{Type: v.Type.With(graph.F32), N: v.N, F32: b.Floats()[at[i]:][:len(v.Data)]}
		copy(v.Data, x.Logical())
	}
}

// opaqueForward asks a plugin for the whole batch at once.
func opaqueForward(r *run, n *graph.Node, in, out []Value) error {
	o := n.Opaque
	b, err := r.prepare(n, in, out)
	if err != nil {
		return err
	}
	defer b.close()
	saved, next := out[1:1+len(o.Saved)], out[1+len(o.Saved):]
	f := opaque.Forward{Block: b.all, Inputs: b.put(in[:len(o.Inputs)]), State: b.put(in[len(o.Inputs):]), Output: b.put(out[:1])[0], Saved: b.put(saved), Next: b.put(next)}
	if o.Random {
		if f.Seeds, err = r.seeds(n.Text("label")); err != nil {
			return err
		}
	}
	if err := b.op.Forward(b, f); err != nil {
		return err
	}
	if y := b.Floats()[f.Output:][:len(out[0].Data)]; o.Spikes {
		if err := opaque.Spikes(o, y); err != nil {
			return err
		}
	}
	b.take(out[:1], []int{f.Output})
	b.take(saved, f.Saved)
	b.take(next, f.Next)
	return nil
}

// seeds returns the seed of each example by a label.
func (r *run) seeds(label string) ([]uint64, error) {
	if r.env.Random == nil {
		return nil, fmt.Errorf("no random numbers are given")
	}
	var out []uint64
	for e := range r.env.N {
		draw := func(element uint64) float64 { return r.env.Random(label, false, uint64(e), element) }
		out = append(out, opaque.Seed(draw(0), draw(1)))
	}
	return out, nil
}

// chip asks a chip for the whole batch at once.
func chip(r *run, n *graph.Node, in, out []Value) error {
	switch {
	case r.env.Chips == nil:
		return opaque.ErrNoChips
	case r.env.Base != nil:
		return fmt.Errorf("%s has no smooth twin", n.Chip.Name)
	}
	b := opaque.Examples{Steps: n.ChipSteps(), Batch: r.env.N}
	for _, v := range in {
		x := make([]float32, len(v.Data))
		for i, y := range v.Data {
			x[i] = float32(y)
		}
		b.Inputs = append(b.Inputs, x)
	}
	for _, v := range out {
		b.Outputs = append(b.Outputs, make([]float32, len(v.Data)))
	}
	if label := n.Text("label"); label != "" {
		var err error
		if b.Seeds, err = r.seeds(label); err != nil {
			return err
		}
	}
	if err := r.env.Chips.Run(n.Chip, b); err != nil {
		return err
	}
	for k, v := range out {
		if v.Type.DType == graph.Bit {
			if err := opaque.ChipSpikes(n.Chip, b.Outputs[k]); err != nil {
				return err
			}
		}
		for i, y := range b.Outputs[k] {
			v.Data[i] = float64(y)
		}
	}
	return nil
}

// opaqueBackward asks a plugin for the gradients of the whole batch at once.
func opaqueBackward(r *run, n *graph.Node, in, out []Value) error {
	b, err := r.prepare(n, in, out)
	if err != nil {
		return err
	}
	defer b.close()
	last := len(in) - 1
	back := opaque.Backward{Block: b.all, Saved: b.put(in[:last]), Gradient: b.put(in[last:])[0], Inputs: b.put(out)}
	back.Steps = n.Int("steps")
	if err := b.op.Backward(b, back); err != nil {
		return err
	}
	b.take(out, back.Inputs)
	return nil
}
