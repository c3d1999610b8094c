package exec

import (
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// What loops and equations have in common: chunks of elements, the registers that they fill, and the program over these.

// extent is the shape that a loop or equation runs over: rows of size elements, n of them at each step.
type extent struct {
	n, size int
	rows    bool // chunks end where rows do, or at multiples of 64 elements in a row
}

// next returns where the chunk that begins at lo ends.
func (x *extent) next(lo, hi int) int {
	const c = plan.Chunk
	switch {
	case !x.rows:
		return min(lo+c, hi)
	case x.size >= c:
		return min(lo+c, lo-lo%x.size+x.size, hi)
	}
	return min(lo+c/x.size*x.size, hi)
}

// blocks cuts the elements of one step into blocks of about the given size, at ends of rows where chunks end there.
func (x *extent) blocks(about int) (size, count int) {
	size = about
	if x.rows {
		size = max(1, about/x.size) * x.size
	}
	total := x.n * x.size
	return size, (total + size - 1) / size
}

// operand is a load bound to memory.
type operand struct {
	plan.Load
	m      *memory
	fixed  bool // the same in every chunk
	period int  // of a fixed one
}

func (p *Program) operands(loads []plan.Load, x *extent) []operand {
	out := make([]operand, len(loads))
	for i, l := range loads {
		period := l.Map.P
		if l.Map.Shape == plan.Single {
			period = 1
		}
		whole := l.Map.Shape != plan.Block && l.Map.Shape != plan.Table && plan.Chunk%max(period, 1) == 0 && x.size%max(period, 1) == 0
		out[i] = operand{Load: l, m: p.value(l.Value), fixed: !l.Timed && !l.Batched && whole, period: period}
	}
	return out
}

// fill returns the elements lo to hi of step t, in memory where they lie there, else copied to dst.
func (o *operand) fill(x *extent, t, lo, hi int, dst []float32) []float32 {
	m := o.m
	if !o.Timed {
		t = 0
	}
	if o.Batched && o.Map.Shape == plan.Same && (m.f != nil || m.b != nil && m.size%64 == 0) {
		base := t * m.n * m.size
		if m.f != nil {
			return m.f[base+lo : base+hi]
		}
		kernel.Unpack(dst[:hi-lo], m.b, base+lo)
		return dst[:hi-lo]
	}
	for at := lo; at < hi; {
		n, from := at/x.size, at%x.size
		k := min(x.size-from, hi-at)
		row := t * m.n
		if o.Batched {
			row += n
		}
		if k == hi-lo && m.f != nil {
			switch o.Map.Shape {
			case plan.Same:
				return m.f[row*m.size+from:][:k]
			case plan.Period:
				if r := from % o.Map.P; r+k <= o.Map.P {
					return m.f[row*m.size+r:][:k]
				}
			}
		}
		o.segment(dst[at-lo:at-lo+k], row, from)
		at += k
	}
	return dst[:hi-lo]
}

// segment copies the elements from `from` on that a row of the loop reads in a row of the value.
func (o *operand) segment(d []float32, row, from int) {
	m := o.m
	switch {
	case m.f != nil:
		x := m.f[row*m.size : (row+1)*m.size]
		switch o.Map.Shape {
		case plan.Same:
			copy(d, x[from:])
		case plan.Single:
			for i := range d {
				d[i] = x[0]
			}
		case plan.Period:
			for from %= o.Map.P; len(d) > 0; from = 0 {
				k := copy(d, x[from:o.Map.P])
				d = d[k:]
			}
		case plan.Block:
			for len(d) > 0 {
				k := min(o.Map.P-from%o.Map.P, len(d))
				v := x[from/o.Map.P]
				for i := range d[:k] {
					d[i] = v
				}
				d, from = d[k:], from+k
			}
		default:
			for i, k := range o.Map.Index[from:][:len(d)] {
				d[i] = x[k]
			}
		}
	case m.b != nil:
		x := m.row(row)
		if o.Map.Shape == plan.Same {
			kernel.Unpack(d, x, from)
			return
		}
		for i := range d {
			d[i] = float32(kernel.Bit(x, o.element(from+i)))
		}
	default:
		x := m.i[row*m.size : (row+1)*m.size]
		for i := range d {
			d[i] = float32(x[o.element(from+i)])
		}
	}
}

// element returns where element i of a row of the loop lies in a row of the value.
func (o *operand) element(i int) int {
	switch o.Map.Shape {
	case plan.Single:
		return 0
	case plan.Period:
		return i % o.Map.P
	case plan.Block:
		return i / o.Map.P
	case plan.Table:
		return int(o.Map.Index[i])
	}
	return i
}

// reg returns the scratch of a register.
func (w *worker) reg(r int) []float32 { return w.scratch[r*plan.Chunk : (r+1)*plan.Chunk] }

// prepare makes every register its scratch and fills those that hold for all chunks.
func (w *worker) prepare(regs int, consts []plan.Const, loads []operand) {
	for r := range regs {
		w.regs[r] = w.reg(r)
	}
	for _, c := range consts {
		for i := range w.regs[c.Reg] {
			w.regs[c.Reg][i] = c.Value
		}
	}
	for i := range loads {
		if o := &loads[i]; o.fixed {
			d := w.reg(o.Reg)
			for at := 0; at < len(d); at += o.period {
				o.segment(d[at:at+o.period], 0, 0)
			}
		}
	}
}

// store writes a chunk as elements lo to hi of step t.
func store(m *memory, x *extent, t, lo, hi int, from []float32) {
	from = from[:hi-lo]
	base := t * m.n * m.size
	switch {
	case m.f != nil:
		copy(m.f[base+lo:], from)
	case m.i != nil:
		d := m.i[base+lo:][:len(from)]
		for i, v := range from {
			d[i] = int32(v)
		}
	case m.size%64 == 0:
		kernel.Pack(m.b[(base+lo)/64:], from)
	default:
		for at := lo; at < hi; {
			n, first := at/m.size, at%m.size
			k := min(m.size-first, hi-at)
			kernel.Pack(m.row(t*m.n + n)[first/64:], from[at-lo:][:k])
			at += k
		}
	}
}

// eval runs a register program on the first k elements of the registers.
func (w *worker) eval(code []plan.Instr, k int) {
	r := w.regs
	for i := range code {
		c := &code[i]
		kernel.Eval(c.Code, r[c.D][:k], r[c.A], r[c.B], r[c.C], r[c.E])
	}
}

// small is how many element operations are not worth waking others for.
const small = 1 << 13

// compute runs the units of a job that evaluates code, so many element operations in all. A checked run computes them one
// after another and ends with the first operation that gave a number that is not finite.
func (p *Program) compute(j *job, units, work int, code []plan.Instr) error {
	if work >= small && !p.env.Check {
		p.pool.run(j, units)
		return nil
	}
	w := p.workers[0]
	w.bad = len(code)
	for k := range units {
		j.task.unit(0, k)
	}
	return w.found(code)
}

// checked evaluates one operation after another and notes the first one of a node of the graph that gives a number that is
// not finite.
func (w *worker) checked(code []plan.Instr, k int) {
	for i := range code {
		w.eval(code[i:i+1], k)
		if code[i].Node == nil {
			continue
		}
		for _, v := range w.regs[code[i].D][:k] {
			if !finite(v) {
				w.bad = min(w.bad, i)
			}
		}
	}
}

// found returns what checked found in a program.
func (w *worker) found(code []plan.Instr) error {
	if w.bad >= len(code) {
		return nil
	}
	n := code[w.bad].Node
	return &NotFinite{Layer: n.Layer, Op: string(n.Op)}
}
