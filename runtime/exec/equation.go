package exec

import (
	"math"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
)

// equation runs a plan.Equation.
type equation struct {
	job
	*plan.Equation
	extent
	loads   []operand
	out     *memory
	final   []*memory
	grads   []sum // where a gradient is added up; into.size is 0 where it is written as it is
	targets []*memory
	streams []rng.Stream
	units   int
	block   int
	p       *Program
}

func (p *Program) bindEquation(s *plan.Step) (runner, needs, error) {
	q := s.Equation
	r := &equation{Equation: q, extent: extent{q.N, q.Size, q.Rows}, p: p, streams: make([]rng.Stream, len(q.Randoms))}
	need := needs{regs: q.Regs, states: 2 * len(q.States) * plan.Chunk}
	if q.Out != nil {
		r.out = p.value(q.Out)
	}
	for _, v := range q.Final {
		if v == nil {
			r.final = append(r.final, nil)
			continue
		}
		r.final = append(r.final, p.value(v))
	}
	for _, g := range q.Grads {
		r.rows = r.rows || q.Batched && g.Batched && g.Map.Shape != plan.Same
		r.targets = append(r.targets, p.value(g.Value))
		var a sum
		if g.Map.Shape != plan.Same || q.Batched && !g.Batched || q.Temporal != nil {
			a = p.sum(into{g.Timed, g.Batched, g.Map, g.Value.Type.Size()}, q.Steps, q.N, q.Batched, false, need.sums)
			a.out = []*memory{p.value(g.Value)}
			need.sums += a.length()
		}
		r.grads = append(r.grads, a)
	}
	r.loads = p.operands(q.Loads, &r.extent)
	if q.Gradient && q.Temporal == nil {
		// The states before each step and after the last, the gradients by the next states twice, and the sums over time.
		need.states = ((q.Steps+1)*len(q.States) + 2*len(q.States) + len(q.Grads)) * plan.Chunk
	}
	if q.Temporal != nil {
		need.ints, need.floats = q.Size, q.Size
		need.states += plan.Chunk
	}
	const about = 2048
	r.block, r.units = r.extent.blocks(about)
	if q.Slotted || q.Temporal != nil {
		if r.units = 1; q.Batched {
			r.units = plan.Slots
		}
	}
	if q.Places != nil {
		r.block, r.units = r.n*r.size, 1 // elements of one word may come from different chunks
	}
	r.task = r
	return r, need, nil
}

func (r *equation) run(p *Program) error {
	for i, x := range r.Randoms {
		r.streams[i] = rng.New(p.env.Seed, x.Label, p.env.Iteration)
	}
	if err := p.compute(&r.job, r.units, r.Steps*r.N*r.size*(1+len(r.Forward)+len(r.Backward)), r.Forward); err != nil {
		return err
	}
	for i := range r.grads {
		if r.grads[i].into.size > 0 {
			r.grads[i].finish(p.sums)
		}
	}
	return nil
}

func (r *equation) unit(worker, k int) {
	w := r.p.workers[worker]
	w.prepare(r.Regs, r.Consts, r.loads)
	lo := k * r.block
	hi := min(lo+r.block, r.N*r.size)
	if r.Slotted || r.Temporal != nil {
		from, to := 0, 1
		if r.Batched {
			from, to = examples(k, r.N)
		}
		for i := range r.grads {
			if r.grads[i].into.size > 0 {
				r.grads[i].clear(r.p.sums, k, from, to)
			}
		}
		lo, hi = from*r.size, to*r.size
		if r.Temporal != nil {
			for n := from; n < to; n++ {
				r.temporal(w, k, n)
			}
			return
		}
	}
	for at := lo; at < hi; {
		end := r.next(at, hi)
		if r.Gradient {
			r.backward(w, k, at, end)
		} else {
			r.forward(w, at, end, r.emit)
		}
		at = end
	}
}

// timeless fills the registers that hold for all steps of a chunk.
func (r *equation) timeless(w *worker, lo, hi int) {
	for i := range r.loads {
		if o := &r.loads[i]; !o.fixed && !o.Timed {
			w.regs[o.Reg] = o.fill(&r.extent, 0, lo, hi, w.reg(o.Reg))
		}
	}
}

// at fills the registers of step t.
func (r *equation) at(w *worker, t, lo, hi int) {
	for i := range r.loads {
		if o := &r.loads[i]; o.Timed {
			w.regs[o.Reg] = o.fill(&r.extent, t, lo, hi, w.reg(o.Reg))
		}
	}
	if r.Time >= 0 {
		d := w.regs[r.Time]
		for i := range d {
			d[i] = float32(t)
		}
	}
	for i, x := range r.Randoms {
		d, s := w.regs[x.Reg], r.streams[i]
		for at := lo; at < hi; at++ {
			n, e := at/r.size, at%r.size
			index := uint64(0)
			if r.Batched {
				index = r.p.env.example(n)
			}
			if r.Order != nil {
				e = r.Order[e]
			}
			if e += t * r.size; x.Normal {
				d[at-lo] = s.Normal(index, uint64(e))
			} else {
				d[at-lo] = s.Uniform(index, uint64(e))
			}
		}
	}
}

// start writes the states before the first step to d, one chunk after another.
func (r *equation) start(w *worker, d []float32, k int) {
	for i, s := range r.States {
		x := d[i*plan.Chunk:][:k]
		if s.Load >= 0 {
			copy(x, w.regs[r.loads[s.Load].Reg])
			continue
		}
		for j := range x {
			x[j] = s.Start
		}
	}
}

// forward runs a chunk over all steps and hands what each emits to emit.
func (r *equation) forward(w *worker, lo, hi int, emit func(w *worker, t, lo, hi int)) {
	k, size := hi-lo, len(r.States)*plan.Chunk
	now, next := w.states[:size], w.states[size:2*size]
	r.timeless(w, lo, hi)
	r.start(w, now, k)
	for t := range r.Steps {
		r.at(w, t, lo, hi)
		for i, s := range r.States {
			w.regs[s.Reg] = now[i*plan.Chunk:][:plan.Chunk]
			if s.Own {
				w.regs[s.Next] = next[i*plan.Chunk:][:plan.Chunk]
			}
		}
		r.ahead(w, k)
		emit(w, t, lo, hi)
		for i, s := range r.States {
			if !s.Own {
				copy(next[i*plan.Chunk:][:k], w.regs[s.Next])
			}
		}
		now, next = next, now
	}
	for i, m := range r.final {
		if m != nil {
			r.still(m, lo, hi, now[i*plan.Chunk:])
		}
	}
}

// still stores a chunk of a value without time axis.
func (r *equation) still(m *memory, lo, hi int, x []float32) {
	if r.Places == nil {
		store(m, &r.extent, 0, lo, hi, x)
		return
	}
	if lo == 0 {
		m.clear(0, 1)
	}
	for i, v := range x[:hi-lo] {
		m.set(0, int(r.Places[lo+i]), v)
	}
}

// ahead runs one step of a chunk.
func (r *equation) ahead(w *worker, k int) {
	if r.p.env.Check {
		w.checked(r.Forward, k)
		return
	}
	w.eval(r.Forward, k)
}

// emit stores what an equation emits.
func (r *equation) emit(w *worker, t, lo, hi int) {
	if r.out == nil || r.Last && t != r.Steps-1 {
		return
	}
	if r.Last {
		r.still(r.out, lo, hi, w.regs[r.Emit])
		return
	}
	store(r.out, &r.extent, t, lo, hi, w.regs[r.Emit])
}

// backward runs a chunk forward, keeps its states, and then runs the derivative back in time.
func (r *equation) backward(w *worker, slot, lo, hi int) {
	k, n := hi-lo, len(r.States)
	row := n * plan.Chunk
	kept := w.states[:(r.Steps+1)*row]
	next := w.states[len(kept):][:row]
	before := w.states[len(kept)+row:][:row]
	totals := w.states[len(kept)+2*row:]
	r.timeless(w, lo, hi)
	r.start(w, kept, k)
	for t := range r.Steps {
		r.at(w, t, lo, hi)
		for i, s := range r.States {
			w.regs[s.Reg] = kept[t*row+i*plan.Chunk:][:plan.Chunk]
			if s.Own {
				w.regs[s.Next] = kept[(t+1)*row+i*plan.Chunk:][:plan.Chunk]
			}
		}
		r.ahead(w, k)
		for i, s := range r.States {
			if !s.Own {
				copy(kept[(t+1)*row+i*plan.Chunk:][:k], w.regs[s.Next])
			}
		}
	}
	clear(next)
	for i := range r.Grads {
		clear(totals[i*plan.Chunk:][:k])
	}
	for t := r.Steps - 1; t >= 0; t-- {
		r.at(w, t, lo, hi)
		for i, s := range r.States {
			w.regs[s.Reg] = kept[t*row+i*plan.Chunk:][:plan.Chunk]
			w.regs[s.DNext] = next[i*plan.Chunk:][:plan.Chunk]
			if s.Own {
				w.regs[s.Next] = kept[(t+1)*row+i*plan.Chunk:][:plan.Chunk]
			}
			if s.OwnBefore {
				w.regs[s.DBefore] = before[i*plan.Chunk:][:plan.Chunk]
			}
		}
		for i, g := range r.Grads {
			if m := r.targets[i]; g.Direct {
				w.regs[g.Reg] = m.f[t*m.n*m.size+lo : t*m.n*m.size+hi]
			}
		}
		if dy := &r.loads[r.DEmit]; r.Last && t != r.Steps-1 {
			w.regs[dy.Reg] = w.reg(dy.Reg)
			clear(w.regs[dy.Reg])
		}
		w.eval(r.Backward, k)
		for i := range r.Grads {
			g := &r.Grads[i]
			d := w.regs[g.Reg][:k]
			switch {
			case g.Direct:
			case g.State:
				if t == 0 {
					copy(totals[i*plan.Chunk:], d)
				}
			case !g.Timed:
				total := totals[i*plan.Chunk:][:k]
				kernel.Eval(kernel.Add, total, total, d, nil, nil)
			default:
				r.gradient(i, slot, t, lo, hi, d)
			}
		}
		for i, s := range r.States {
			if !s.OwnBefore {
				copy(before[i*plan.Chunk:][:k], w.regs[s.DBefore])
			}
		}
		next, before = before, next
	}
	for i := range r.Grads {
		if !r.Grads[i].Timed {
			r.gradient(i, slot, 0, lo, hi, totals[i*plan.Chunk:][:k])
		}
	}
	if r.Last {
		r.loads[r.DEmit].restore(w)
	}
}

// restore gives a register that the same load fills in every chunk its contents back.
func (o *operand) restore(w *worker) {
	if o.fixed {
		one := [1]operand{*o}
		w.prepare(0, nil, one[:])
		w.regs[o.Reg] = w.reg(o.Reg)
	}
}

// gradient writes a chunk of gradient i of step t, or adds it up.
func (r *equation) gradient(i, slot, t, lo, hi int, x []float32) {
	if s := &r.grads[i]; s.into.size > 0 {
		s.add(r.p.sums, slot, t, lo, x, r.size)
		return
	}
	store(r.targets[i], &r.extent, t, lo, hi, x)
}

// temporal is the derivative in spike times for one example: the gradient at the element's first spike, or at the last step
// if it is silent, over its norm where that is asked for, goes to the first input of every step before it, or of every step.
func (r *equation) temporal(w *worker, slot, n int) {
	first, g := w.ints[:r.size], w.floats[:r.size]
	for i := range first {
		first[i] = int32(r.Steps - 1)
		g[i] = 0
	}
	base := n * r.size
	for lo := base; lo < base+r.size; {
		hi := r.next(lo, base+r.size)
		seen := first[lo-base : hi-base]
		for i := range seen {
			seen[i] = -1
		}
		r.forward(w, lo, hi, r.mark)
		for i, t := range seen {
			if t < 0 {
				seen[i] = int32(r.Steps - 1)
			}
		}
		dy := &r.loads[r.DEmit]
		for t := range r.Steps {
			if r.Last && t != r.Steps-1 {
				continue
			}
			var x []float32
			if dy.fixed {
				x = w.reg(dy.Reg)
			} else {
				x = dy.fill(&r.extent, t, lo, hi, w.reg(dy.Reg))
			}
			for i, at := range seen {
				if int(at) == t {
					g[lo-base+i] = x[i]
				}
			}
		}
		lo = hi
	}
	if r.Temporal.Normalize {
		var square float64
		for _, v := range g {
			square += float64(v) * float64(v)
		}
		if square > 0 {
			norm := math.Sqrt(square)
			for i, v := range g {
				g[i] = float32(float64(v) / norm)
			}
		}
	}
	for i := range r.Grads {
		if r.Grads[i].Reg != 0 {
			continue // only the first input has a gradient
		}
		for t := range r.Steps {
			for lo := base; lo < base+r.size; {
				hi := r.next(lo, base+r.size)
				x := w.states[2*len(r.States)*plan.Chunk:][:hi-lo]
				for j := range x {
					x[j] = 0
					if e := lo - base + j; t < int(first[e]) || r.Temporal.Open {
						x[j] = g[e]
					}
				}
				r.grads[i].add(r.p.sums, slot, t, lo, x, r.size)
				lo = hi
			}
		}
	}
}

// mark notes the first step at which each element of a chunk fires.
func (r *equation) mark(w *worker, t, lo, hi int) {
	first := w.ints[lo%r.size:][:hi-lo]
	for i, v := range w.regs[r.Emit][:hi-lo] {
		if v != 0 && first[i] < 0 {
			first[i] = int32(t)
		}
	}
}
