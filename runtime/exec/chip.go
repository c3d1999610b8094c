package exec

import (
	"math/bits"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// deployed is a circuit that a chip computes. What it takes and gives is packed and channels last here, and numbers with channels
// first there.
type deployed struct {
	job
	s       *plan.Step
	in, out []port
	block   opaque.Examples
	into    bool // the task at work is on the way to the chip
	units   int
}

// port is an operand of a circuit on both sides.
type port struct {
	*memory
	steps int
	order []int     // for each place in a row of memory, the place of its element on the chip's side; nil: the same
	chip  []float32 // [steps][n][size]
}

func bindChip(p *Program, s *plan.Step) (runner, needs, error) {
	if p.pool.Chips == nil {
		return nil, needs{}, &CallError{s.Node, opaque.ErrNoChips}
	}
	r := &deployed{s: s, units: plan.Slots}
	r.block = opaque.Examples{Steps: s.Node.ChipSteps(), Batch: p.plan.Batch}
	side := func(vs []*plan.Value) (ports []port, floats [][]float32) {
		for _, v := range vs {
			x := port{memory: p.value(v), steps: max(v.Type.Steps, 1), order: tensor.Order(v.Type)}
			x.chip = make([]float32, x.steps*x.n*x.size)
			ports, floats = append(ports, x), append(floats, x.chip)
		}
		return ports, floats
	}
	r.in, r.block.Inputs = side(s.In)
	r.out, r.block.Outputs = side(s.Out)
	r.task = r
	return r, needs{}, nil
}

func (r *deployed) run(p *Program) error {
	n := r.s.Node
	r.into = true
	p.pool.run(&r.job, r.units)
	if label := n.Text("label"); label != "" {
		r.block.Seeds = p.seeds(label)
	}
	if err := p.pool.Chips.Run(n.Chip, r.block); err != nil {
		return &CallError{n, err}
	}
	for k, t := range n.Chip.Outputs {
		if t.DType == graph.Bit {
			if err := opaque.ChipSpikes(n.Chip, r.out[k].chip); err != nil {
				return &CallError{n, err}
			}
		}
	}
	r.into = false
	p.pool.run(&r.job, r.units)
	return nil
}

// unit carries the operands of some examples over.
func (r *deployed) unit(_, k int) {
	ports, carry := r.out, (*port).take
	if r.into {
		ports, carry = r.in, (*port).give
	}
	for i := range ports {
		x := &ports[i]
		for t := range x.steps {
			for e := k * x.n / r.units; e < (k+1)*x.n/r.units; e++ {
				row := t*x.n + e
				carry(x, row, x.chip[row*x.size:][:x.size])
			}
		}
	}
}

// give writes a row for the chip.
func (x *port) give(row int, to []float32) {
	if x.b != nil {
		clear(to)
		for w, word := range x.row(row) {
			for ; word != 0; word &= word - 1 {
				i := 64*w + bits.TrailingZeros64(word)
				if x.order != nil {
					i = x.order[i]
				}
				to[i] = 1
			}
		}
		return
	}
	from := x.f[row*x.size:][:x.size]
	if x.order == nil {
		copy(to, from)
		return
	}
	for i, at := range x.order {
		to[at] = from[i]
	}
}

// take reads a row that the chip has written.
func (x *port) take(row int, from []float32) {
	if x.b == nil {
		to := x.f[row*x.size:][:x.size]
		if x.order == nil {
			copy(to, from)
			return
		}
		for i, at := range x.order {
			to[i] = from[at]
		}
		return
	}
	for w, word := range x.row(row) {
		word = 0
		for b := range min(64, x.size-64*w) {
			at := 64*w + b
			if x.order != nil {
				at = x.order[at]
			}
			if from[at] != 0 {
				word |= 1 << b
			}
		}
		x.row(row)[w] = word
	}
}
