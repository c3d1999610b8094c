package exec

import (
	"math"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// What loops and equations have in common: a program over registers of chunks, which is run many times in one go, and where
// each register lies at each time.

// maxTimes is how often a program runs in one go, at most: what cannot be read and written in its place has room for so many
// chunks.
const maxTimes = 16

// extent is the shape that a loop or equation runs over: rows of size elements, n of them at each step.
type extent struct {
	n, size int
	rows    bool // chunks begin and end with rows, or lie in one: sums over a row are the same wherever it is in the batch
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

// blocks cuts the elements of one step into blocks that are worth a unit of their own, for a program of so many operations on
// each: whole chunks, or whole rows where bits are written whose rows begin at words of their own.
func (x *extent) blocks(operations int, rows bool) (size, count int) {
	const (
		most  = 1 << 20 // operations: some 50 us
		least = 16      // units, if there are enough chunks
	)
	total := x.n * x.size
	size = max(1, min(most/operations, total/least)/plan.Chunk) * plan.Chunk
	if rows {
		size = (size + x.size - 1) / x.size * x.size
	}
	return size, (total + size - 1) / size
}

// walk is where a program runs, time after time: at steps t, t + dt and so on, on k elements from lo, lo + dlo and so on.
type walk struct{ t, dt, lo, dlo, k, times int }

// at returns the step and the elements of one time.
func (s *walk) at(time int) (t, lo, hi int) {
	lo = s.lo + time*s.dlo
	return s.t + time*s.dt, lo, lo + s.k
}

// chunked is what a loop or equation binds: registers beyond those of its plan, and room where chunks wait.
type chunked struct {
	extent
	regs         int
	stage, words int // of a worker, in elements
	consts       []plan.Const
	loads        []boundLoad
	held         map[int]bool // registers that are read after the program has run, by others or when it runs again
}

// boundLoad is a load bound to memory.
type boundLoad struct {
	plan.Load
	m      *memory
	fixed  bool // the same in every chunk
	period int  // of a fixed one
	bits   int  // register of its bits; -1 where it is not read as bits
	stage  int  // where chunks wait that are not read in their place
}

// result is a register that is written to memory.
type result struct {
	m     *memory
	reg   int // of bits where these are written
	bits  bool
	stage int
}

// register returns a new register.
func (x *chunked) register() int { x.regs++; return x.regs - 1 }

// hold says that registers are read after the program has run. Those below 0 are none.
func (x *chunked) hold(regs ...int) {
	if x.held == nil {
		x.held = map[int]bool{}
	}
	for _, r := range regs {
		x.held[r] = true
	}
}

// script makes code ready to run.
func (x *chunked) script(p *Program, code []kernel.Instr) *kernel.Script {
	return kernel.NewScript(p.level, code, func(r int) bool { return x.held[r] })
}

// room returns where maxTimes chunks may wait, of numbers or of bits.
func (x *chunked) room(bits bool) int {
	if bits {
		x.words += maxTimes * plan.Chunk / 64
		return x.words - maxTimes*plan.Chunk/64
	}
	x.stage += maxTimes * plan.Chunk
	return x.stage - maxTimes*plan.Chunk
}

// bind binds the loads and constants of a plan, and returns the code that makes numbers of bits. The load with the number
// `last` is not the same in every chunk, even where its value is.
func (x *chunked) bind(p *Program, regs int, consts []plan.Const, loads []plan.Load, last int) (code []kernel.Instr) {
	x.regs, x.consts, x.loads = regs, consts, make([]boundLoad, len(loads))
	for i, l := range loads {
		period := l.Map.P
		if l.Map.Shape == plan.Single {
			period = 1
		}
		whole := l.Map.Shape != plan.Block && l.Map.Shape != plan.Table && plan.Chunk%max(period, 1) == 0 && x.size%max(period, 1) == 0
		o := boundLoad{Load: l, m: p.value(l.Value), fixed: !l.Timed && !l.Batched && whole && i != last, period: period, bits: -1}
		if !o.fixed {
			if l.Map.Shape == plan.Same && l.Value.Type.DType == graph.Bit {
				o.bits = x.register()
				code = append(code, kernel.Instr{Code: kernel.Numbers, D: o.Reg, A: o.bits})
			}
			o.stage = x.room(o.bits >= 0)
		}
		x.loads[i] = o
	}
	return code
}

// store binds a result. Where the register may not be the memory's, it returns the code that copies it there, else none.
func (x *chunked) store(p *Program, v *plan.Value, reg int, direct bool) (r result, code []kernel.Instr) {
	r = result{m: p.value(v), reg: reg, bits: v.Type.DType == graph.Bit}
	switch {
	case r.bits:
		r.reg = x.register()
		code = []kernel.Instr{{Code: kernel.Bits, D: r.reg, A: reg}}
	case !direct:
		r.reg = x.register()
		code = []kernel.Instr{{Code: kernel.Copy, D: r.reg, A: reg}}
	}
	r.stage = x.room(r.bits)
	x.hold(r.reg)
	return r, code
}

// needs returns what of a worker's memory the program wants.
func (x *chunked) needs() needs { return needs{regs: x.regs, stage: x.stage, words: x.words} }

// whole reports whether chunks of k elements lie in memory as in registers: whole vectors or words.
func (m *memory) whole(k int) bool { return m.f != nil && k%16 == 0 || m.b != nil && m.size%64 == 0 }

// read puts a load's register where its elements are. What does not lie in memory as in a register is copied first, unless
// an earlier walk the other way, over the same times, has.
func (x *chunked) read(w *worker, o *boundLoad, s *walk, copied bool) {
	if o.fixed {
		return
	}
	m, at, step := o.m, s.lo, s.dlo
	if o.Timed {
		at, step = at+s.t*m.n*m.size, step+s.dt*m.n*m.size
	}
	if o.Map.Shape == plan.Same && m.n == x.n && m.whole(s.k) {
		if o.bits >= 0 {
			w.tape.SetBits(o.bits, m.b, at/64, step/64)
		} else {
			w.tape.Set(o.Reg, m.f, at, step)
		}
		return
	}
	times := s.times
	if step == 0 {
		times = 1
	}
	chunk := plan.Chunk
	if o.bits >= 0 {
		chunk /= 64
	}
	for i := 0; i < times && !copied; i++ {
		t, lo, hi := s.at(i)
		if o.bits >= 0 {
			o.copyBits(&x.extent, t, lo, hi, w.words[o.stage+i*chunk:])
		} else {
			o.copy(&x.extent, t, lo, hi, w.stage[o.stage+i*chunk:])
		}
	}
	first := o.stage
	switch {
	case step == 0:
		chunk = 0
	case copied:
		first, chunk = first+(times-1)*chunk, -chunk
	}
	if o.bits >= 0 {
		w.tape.SetBits(o.bits, w.words, first, chunk)
	} else {
		w.tape.Set(o.Reg, w.stage, first, chunk)
	}
}

// copy copies the elements lo to hi of step t.
func (o *boundLoad) copy(x *extent, t, lo, hi int, d []float32) {
	for at := lo; at < hi; {
		row, from, k := o.row(x, t, at, hi)
		o.segment(d[at-lo:at-lo+k], row, from)
		at += k
	}
}

// copyBits is copy for bits.
func (o *boundLoad) copyBits(x *extent, t, lo, hi int, d []uint64) {
	for at := lo; at < hi; {
		row, from, k := o.row(x, t, at, hi)
		kernel.CopyBits(d, at-lo, o.m.row(row), from, k)
		at += k
	}
}

// row returns which row of the value element `at` of step t is in, where in a row of the loop, and how many up to hi are in it.
func (o *boundLoad) row(x *extent, t, at, hi int) (row, from, k int) {
	n, from := at/x.size, at%x.size
	if o.Timed {
		row = t * o.m.n
	}
	if o.Batched {
		row += n
	}
	return row, from, min(x.size-from, hi-at)
}

// segment copies the elements from `from` on that a row of the loop reads in a row of the value.
func (o *boundLoad) segment(d []float32, row, from int) {
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
func (o *boundLoad) element(i int) int {
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

// reg returns where the scratch of a register is.
func (w *worker) reg(r int) []float32 { return w.scratch[r*plan.Chunk:][:plan.Chunk] }

// prepare puts every register at its scratch and fills those that hold for all chunks.
func (x *chunked) prepare(w *worker) {
	for r := range x.regs {
		w.tape.Set(r, w.scratch, r*plan.Chunk, 0)
	}
	for _, c := range x.consts {
		fill(w.reg(c.Reg), c.Value)
	}
	for i := range x.loads {
		if o := &x.loads[i]; o.fixed {
			d := w.reg(o.Reg)
			o.segment(d[:o.period], 0, 0)
			for n := o.period; n < len(d); n *= 2 {
				copy(d[n:], d[:n])
			}
		}
	}
}

// fill makes all elements the same.
func fill(d []float32, v float32) {
	if v == 0 && !math.Signbit(float64(v)) {
		clear(d)
		return
	}
	for i := range d {
		d[i] = v
	}
}

// place puts a result's register where its elements go, or where they wait.
func (w *worker) place(r *result, s *walk) {
	m := r.m
	at, step := s.t*m.n*m.size+s.lo, s.dt*m.n*m.size+s.dlo
	switch whole := m.whole(s.k); {
	case whole && r.bits:
		w.tape.SetBits(r.reg, m.b, at/64, step/64)
	case whole:
		w.tape.Set(r.reg, m.f, at, step)
	case r.bits:
		w.tape.SetBits(r.reg, w.words, r.stage, plan.Chunk/64)
	default:
		w.tape.Set(r.reg, w.stage, r.stage, plan.Chunk)
	}
}

// flush writes what waits of a result.
func (w *worker) flush(r *result, s *walk) {
	if r.m.whole(s.k) {
		return
	}
	for i := range s.times {
		t, lo, _ := s.at(i)
		if r.bits {
			storeBits(r.m, t, lo, s.k, w.words[r.stage+i*plan.Chunk/64:])
		} else {
			store(r.m, t, lo, w.stage[r.stage+i*plan.Chunk:][:s.k])
		}
	}
}

// store writes elements from number lo of step t on.
func store(m *memory, t, lo int, x []float32) {
	base := t*m.n*m.size + lo
	switch {
	case m.f != nil:
		copy(m.f[base:], x)
	case m.b != nil:
		var bits [plan.Chunk / 64]uint64
		kernel.Pack(bits[:], x)
		storeBits(m, t, lo, len(x), bits[:])
	default:
		d := m.i[base:][:len(x)]
		for i, v := range x {
			d[i] = int32(v)
		}
	}
}

// instructions returns the code of a plan as the kernels take it.
func instructions(code []plan.Instr) []kernel.Instr {
	out := make([]kernel.Instr, len(code))
	for i, c := range code {
		out[i] = kernel.Instr{Code: c.Code, D: c.D, A: c.A, B: c.B, C: c.C, E: c.E}
	}
	return out
}

// defines reports whether code writes a register.
func defines(code []plan.Instr, r int) bool {
	return slices.ContainsFunc(code, func(c plan.Instr) bool { return c.D == r })
}

// storeBits writes k bits from number lo of step t on. Those behind the end of a row are 0.
func storeBits(m *memory, t, lo, k int, x []uint64) {
	for at := lo; at < lo+k; {
		n, from := at/m.size, at%m.size
		many := min(m.size-from, lo+k-at)
		row := m.row(t*m.n + n)
		kernel.CopyBits(row, from, x, at-lo, many)
		if end := m.size % 64; from+many == m.size && end > 0 {
			row[len(row)-1] &= 1<<end - 1
		}
		at += many
	}
}

// small is how many element operations are not worth waking others for.
const small = 1 << 15

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

// checked runs a program whose instructions from number `first` on are those of the plan, and notes the first one of a node
// of the graph that gives a number that is not finite.
func (w *worker) checked(s *kernel.Script, first int, code []plan.Instr, k, times int) {
	w.tape.Each(s, k, times, func(i int, d []float32) {
		if i -= first; i < 0 || i >= len(code) || code[i].Node == nil {
			return
		}
		for _, v := range d {
			if !finite(v) {
				w.bad = min(w.bad, i)
			}
		}
	})
}

// found returns what checked found in a program.
func (w *worker) found(code []plan.Instr) error {
	if w.bad >= len(code) {
		return nil
	}
	n := code[w.bad].Node
	return &NotFinite{Layer: n.Layer, Op: string(n.Op)}
}
