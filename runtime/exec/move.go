package exec

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// move runs a plan.Move.
type move struct {
	job
	*plan.Move
	in    []rows
	out   *memory
	steps int
	units int
	// Of parts that permute bits one by one: where each bit of the source goes, -1 for nowhere. Only those that are set are
	// moved.
	targets [][]int32
	// A unit takes a part of the one row that there is, not some rows: so weights are packed.
	within bool
	p      *Program
}

func (p *Program) bindMove(s *plan.Step) (runner, needs, error) {
	out := s.Out[0]
	r := &move{Move: s.Move, out: p.value(out), steps: max(out.Type.Steps, 1), units: 1, p: p}
	for _, v := range s.In {
		r.in = append(r.in, p.rows(v))
	}
	if elements := r.steps * r.out.n * r.out.size; elements > small {
		switch {
		case out.Type.Batch:
			r.units = plan.Slots
		case r.out.f != nil && r.in[0].f != nil && len(s.In) == 1 && r.steps == 1 && len(r.Parts) == 1 && forward(&r.Parts[0]):
			r.units, r.within = plan.Slots, true
		}
	}
	r.targets = make([][]int32, len(r.Parts))
	for i := range r.Parts {
		if in := r.in[r.Parts[i].From]; in.b != nil && r.out.b != nil {
			r.targets[i] = targets(&r.Parts[i], in.size)
		}
	}
	r.task = r
	return r, needs{}, nil
}

// targets returns where a part copies each of size elements to, -1 for nowhere; nil where it copies neighbours, or one twice.
func targets(part *plan.Part, size int) []int32 {
	to := make([]int32, size)
	for i := range to {
		to[i] = -1
	}
	set := func(from, at int) (ok bool) {
		ok = to[from] < 0
		to[from] = int32(at)
		return ok
	}
	for _, run := range part.Runs {
		if run.Stride == 1 && run.Length > 1 {
			return nil
		}
		for i := range run.Length {
			if !set(int(run.From+i*run.Stride), int(run.To+i)) {
				return nil
			}
		}
	}
	for i, k := range part.Elements {
		if !set(int(k), part.Target(i)) {
			return nil
		}
	}
	return to
}

func (r *move) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return nil
}

func (r *move) unit(_, k int) {
	if r.within {
		r.some(k)
		return
	}
	from, to := k*r.out.n/r.units, (k+1)*r.out.n/r.units
	if r.Zero || r.out.b != nil { // no bit may be set past the end of a row
		for t := range r.steps {
			r.out.clear(t*r.out.n+from, t*r.out.n+to)
		}
	}
	for i := range r.Parts {
		part := &r.Parts[i]
		in := r.in[part.From]
		whole := len(part.Runs) == 1 && int(part.Runs[0].Length) == r.out.size && in.size == r.out.size && in.batched && in.f != nil && r.out.f != nil
		for t := range part.Steps {
			if whole {
				a, b := in.at(part.TimeIn+t, from)*in.size, in.at(part.TimeIn+t, to-1)*in.size+in.size
				copy(r.out.f[((part.TimeTo+t)*r.out.n+from)*r.out.size:], in.f[a:max(a, b)])
				continue
			}
			for n := from; n < to; n++ {
				r.row(part, r.targets[i], in, in.at(part.TimeIn+t, n), (part.TimeTo+t)*r.out.n+n)
			}
		}
	}
}

// some copies a part of the elements of the one row, after zeros where they go and into the gaps between them.
func (r *move) some(k int) {
	part := r.Parts[0]
	n := len(part.Runs) + len(part.Elements)
	from, to := k*n/r.units, (k+1)*n/r.units
	if r.Zero {
		clear(r.out.f[r.target(from):r.target(to)])
	}
	out := r.out.f
	switch {
	case part.Runs != nil:
		part.Runs = part.Runs[from:to]
	case part.To != nil:
		part.Elements, part.To = part.Elements[from:to], part.To[from:to]
	default:
		part.Elements, out = part.Elements[from:to], out[from:]
	}
	copyRow(out, r.in[0].f, &part)
}

// target returns where run or element i of the only part goes, and the gap in front of it begins where it is the first.
func (r *move) target(i int) int {
	part := &r.Parts[0]
	switch {
	case i == 0:
		return 0
	case i == len(part.Runs)+len(part.Elements):
		return r.out.size
	case part.Runs != nil:
		return int(part.Runs[i].To)
	}
	return part.Target(i)
}

// forward reports whether what a part copies goes from the first element to the last.
func forward(part *plan.Part) bool {
	return slices.IsSorted(part.To) && slices.IsSortedFunc(part.Runs, func(a, b plan.Run) int { return cmp.Compare(a.To, b.To) })
}

// clear makes rows zero.
func (m *memory) clear(from, to int) {
	switch {
	case m.f != nil:
		clear(m.f[from*m.size : to*m.size])
	case m.b != nil:
		clear(m.b[from*m.words : to*m.words])
	default:
		clear(m.i[from*m.size : to*m.size])
	}
}

// row copies what a part says from one row to another.
func (r *move) row(part *plan.Part, targets []int32, in rows, from, to int) {
	out := r.out
	switch {
	case in.b != nil && out.b != nil:
		x, d := in.row(from), out.row(to)
		if targets != nil {
			kernel.ScatterBits(d, x, targets)
			return
		}
		for _, run := range part.Runs {
			if run.Stride == 1 {
				kernel.CopyBits(d, int(run.To), x, int(run.From), int(run.Length))
				continue
			}
			for i := range run.Length {
				setBit(d, int(run.To+i), kernel.Bit(x, int(run.From+i*run.Stride)))
			}
		}
		for i, k := range part.Elements {
			setBit(d, part.Target(i), kernel.Bit(x, int(k)))
		}
	case in.f != nil && out.f != nil:
		copyRow(out.f[to*out.size:], in.f[from*in.size:], part)
	case in.i != nil && out.i != nil:
		copyRow(out.i[to*out.size:], in.i[from*in.size:], part)
	default: // values of different kinds join as real numbers
		d := out.f[to*out.size : (to+1)*out.size]
		for _, run := range part.Runs {
			for i := range run.Length {
				d[run.To+i] = in.number(from, int(run.From+i*run.Stride))
			}
		}
		for i, k := range part.Elements {
			d[part.Target(i)] = in.number(from, int(k))
		}
	}
}

// setBit makes bit i of a row what bit says, 0 or 1.
func setBit(row []uint64, i int, bit uint64) { row[i/64] = row[i/64]&^(1<<(i%64)) | bit<<(i%64) }

func copyRow[E any](d, x []E, part *plan.Part) {
	for _, run := range part.Runs {
		to := d[run.To : run.To+run.Length]
		if run.Stride == 1 {
			copy(to, x[run.From:])
			continue
		}
		from := x[run.From:]
		for i, k := 0, 0; i < len(to); i, k = i+1, k+int(run.Stride) {
			to[i] = from[k]
		}
	}
	if part.To != nil {
		for i, k := range part.Elements {
			d[part.To[i]] = x[k]
		}
		return
	}
	for i, k := range part.Elements {
		d[i] = x[k]
	}
}

// number returns element i of a row as a real number.
func (m *memory) number(row, i int) float32 {
	switch {
	case m.f != nil:
		return m.f[row*m.size+i]
	case m.b != nil:
		return float32(kernel.Bit(m.row(row), i))
	}
	return float32(m.i[row*m.size+i])
}

// set writes element i of a row.
func (m *memory) set(row, i int, v float32) {
	switch {
	case m.f != nil:
		m.f[row*m.size+i] = v
	case m.b != nil:
		b := m.row(row)
		b[i/64] &^= 1 << (i % 64)
		if v != 0 {
			b[i/64] |= 1 << (i % 64)
		}
	default:
		m.i[row*m.size+i] = int32(v)
	}
}
