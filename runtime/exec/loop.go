package exec

import (
	"slices"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// loop runs a plan.Loop: its program runs over chunk after chunk of a step.
type loop struct {
	job
	*plan.Loop
	chunked
	script *kernel.Script
	first  int // of the plan's instructions in the script
	stores []result
	sums   []sum
	sumRow []row
	counts bool // the sums are of spikes alone, and how many there are is enough
	units  int
	blocks int // of one step
	block  int // elements
	p      *Program
}

// row is where the chunks of a sum wait for it; reg is -1 where another sum has them, or they are in memory anyway.
type row struct{ reg, stage int }

func (p *Program) bindLoop(s *plan.Step) (runner, needs, error) {
	l := s.Loop
	r := &loop{Loop: l, chunked: chunked{extent: extent{n: l.N, size: l.Size}}, p: p}
	code := r.bind(p, l.Regs, l.Consts, l.Loads, -1)
	r.first = len(code)
	code = append(code, instructions(l.Code)...)
	for _, x := range l.Stores {
		to, more := r.store(p, x.Value, x.Reg, x.Direct)
		r.stores = append(r.stores, to)
		code = append(code, more...)
	}
	sums := 0
	for i, x := range l.Sums {
		r.rows = r.rows || x.Batched
		a := p.sum(into{x.Timed, x.Batched, x.Map, x.Out[0].Type.Size()}, l.Steps, l.N, l.Batched, x.Kind == plan.Moments, sums)
		a.Sum = x
		for _, v := range x.Out {
			a.out = append(a.out, p.value(v))
		}
		at := row{reg: -1}
		switch {
		case slices.ContainsFunc(l.Sums[:i], func(y plan.Sum) bool { return y.Reg == x.Reg }),
			slices.ContainsFunc(l.Stores, func(y plan.Store) bool { return y.Reg == x.Reg && y.Direct }),
			slices.ContainsFunc(r.loads, func(o boundLoad) bool { return o.Reg == x.Reg && o.steps() }):
		case defines(l.Code, x.Reg) || slices.ContainsFunc(r.loads, func(o boundLoad) bool { return o.Reg == x.Reg && o.bits >= 0 }):
			at = row{x.Reg, r.room(false)}
		default: // it is the same in all chunks
			at = row{r.register(), r.room(false)}
			code = append(code, kernel.Instr{Code: kernel.Copy, D: at.reg, A: x.Reg})
			a.Reg = at.reg
		}
		r.hold(at.reg, a.Reg)
		r.sumRow = append(r.sumRow, at)
		r.sums = append(r.sums, a)
		sums += a.length()
	}
	r.counts = len(l.Sums) > 0 && len(l.Code) == 0 && len(l.Stores) == 0 && !slices.ContainsFunc(l.Sums, func(x plan.Sum) bool {
		return x.Map.Shape != plan.Single || x.Kind == plan.Moments || r.spikes(x.Reg) == nil
	})
	r.script = r.chunked.script(p, code)
	need := r.needs()
	need.sums, need.seen = sums, len(r.sums)
	r.block, r.blocks = r.extent.blocks(1+len(code), l.Rows)
	if r.units = r.blocks * l.Steps; len(r.sums) > 0 {
		if r.units = 1; l.Batched {
			r.units = plan.Slots
		}
	}
	r.task = r
	return r, need, nil
}

// steps reports whether a load's register goes on from chunk to chunk.
func (o *boundLoad) steps() bool { return !o.fixed && o.bits < 0 }

func (r *loop) run(p *Program) error {
	if err := p.compute(&r.job, r.units, r.Steps*r.N*r.size*(1+len(r.Code)), r.Code); err != nil {
		return err
	}
	for i := range r.sums {
		r.sums[i].finish(p.sums)
	}
	return nil
}

func (r *loop) unit(worker, k int) {
	w := r.p.workers[worker]
	r.prepare(w)
	if len(r.sums) == 0 {
		t, lo := k/r.blocks, k%r.blocks*r.block
		r.span(w, 0, t, lo, min(lo+r.block, r.N*r.size))
		return
	}
	from, to := 0, 1
	if r.Batched {
		from, to = examples(k, r.N)
	}
	for i := range r.sums {
		r.sums[i].clear(r.p.sums, k, from, to)
	}
	for t := range r.Steps {
		if r.counts {
			r.count(k, t, from, to)
		} else {
			r.span(w, k, t, from*r.size, to*r.size)
		}
	}
}

// spikes returns the spikes of a register, nil if they do not lie in memory row by row.
func (r *loop) spikes(reg int) *boundLoad {
	for i := range r.loads {
		if o := &r.loads[i]; o.Reg == reg && o.bits >= 0 && o.Timed == (r.Steps > 1) && o.m.n == r.n {
			return o
		}
	}
	return nil
}

// count adds the spikes of some examples up without making numbers of them.
func (r *loop) count(slot, t, from, to int) {
	for i := range r.sums {
		s := &r.sums[i]
		m := r.spikes(s.Reg).m
		for n := from; n < to; n++ {
			many := kernel.Count(m.row(t*m.n + n))
			row, steps := slot, t
			if !s.into.timed {
				steps = 0
			}
			if s.into.batched {
				row = 0
				steps = steps*s.n + n
			}
			r.p.sums[s.at+row*s.steps+steps] += float64(many)
		}
	}
}

// span runs over the elements lo to hi of a step: whole chunks, maxTimes of them in one go, and what is left.
func (r *loop) span(w *worker, slot, t, lo, hi int) {
	for lo < hi {
		s := walk{t: t, lo: lo, dlo: plan.Chunk, k: r.next(lo, hi) - lo, times: 1}
		if !r.rows && s.k == plan.Chunk {
			s.times = min((hi-lo)/plan.Chunk, maxTimes)
		}
		r.walk(w, slot, &s)
		lo += s.times * s.k
	}
}

func (r *loop) walk(w *worker, slot int, s *walk) {
	for i := range r.loads {
		r.read(w, &r.loads[i], s, false)
	}
	for i := range r.stores {
		w.place(&r.stores[i], s)
	}
	n := (s.times-1)*s.dlo + s.k
	for i := range r.sums {
		if at := r.sumRow[i]; at.reg >= 0 {
			w.tape.Set(at.reg, w.stage, at.stage, plan.Chunk)
		}
		w.seen[i] = w.tape.Register(r.sums[i].Reg, n)
	}
	if r.p.env.Check {
		w.checked(r.script, r.first, r.Code, s.k, s.times)
	} else {
		w.tape.Run(r.script, s.k, s.times)
	}
	for i := range r.stores {
		w.flush(&r.stores[i], s)
	}
	for i := range r.sums {
		r.sums[i].add(r.p.sums, slot, s.t, s.lo, w.seen[i], r.size)
	}
}
