package exec

import "snnc.dev/snnc/runtime/plan"

// loop runs a plan.Loop.
type loop struct {
	job
	*plan.Loop
	extent
	loads  []operand
	stores []*memory
	sums   []sum
	units  int
	blocks int // of one step
	block  int // elements
	p      *Program
}

func (p *Program) bindLoop(s *plan.Step) (runner, needs, error) {
	r := &loop{Loop: s.Loop, extent: extent{s.Loop.N, s.Loop.Size, s.Loop.Rows}, p: p}
	var need needs
	for _, x := range r.Sums {
		r.rows = r.rows || x.Batched
		a := p.sum(into{x.Timed, x.Batched, x.Map, x.Out[0].Type.Size()}, r.Steps, r.N, r.Batched, x.Kind == plan.Moments, need.sums)
		a.Sum = x
		for _, v := range x.Out {
			a.out = append(a.out, p.value(v))
		}
		r.sums = append(r.sums, a)
		need.sums += a.length()
	}
	r.loads = p.operands(s.Loop.Loads, &r.extent)
	for _, x := range r.Stores {
		r.stores = append(r.stores, p.value(x.Value))
	}
	const about = 8192
	r.block, r.blocks = r.extent.blocks(about)
	if r.units = r.blocks * r.Steps; len(r.sums) > 0 {
		if r.units = 1; r.Batched {
			r.units = plan.Slots
		}
	}
	r.task = r
	need.regs = r.Regs
	return r, need, nil
}

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
	w.prepare(r.Regs, r.Consts, r.loads)
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
		r.span(w, k, t, from*r.size, to*r.size)
	}
}

func (r *loop) span(w *worker, slot, t, lo, hi int) {
	for at := lo; at < hi; {
		end := r.next(at, hi)
		r.chunk(w, slot, t, at, end)
		at = end
	}
}

func (r *loop) chunk(w *worker, slot, t, lo, hi int) {
	k := hi - lo
	for i := range r.loads {
		if o := &r.loads[i]; !o.fixed {
			w.regs[o.Reg] = o.fill(&r.extent, t, lo, hi, w.reg(o.Reg))
		}
	}
	for i, s := range r.Stores {
		if m := r.stores[i]; s.Direct {
			base := t * m.n * m.size
			w.regs[s.Reg] = m.f[base+lo : base+hi]
		}
	}
	if r.p.env.Check {
		w.checked(r.Code, k)
	} else {
		w.eval(r.Code, k)
	}
	for i, s := range r.Stores {
		if !s.Direct {
			store(r.stores[i], &r.extent, t, lo, hi, w.regs[s.Reg])
		}
	}
	for i := range r.sums {
		s := &r.sums[i]
		s.add(r.p.sums, slot, t, lo, w.regs[s.Reg][:k], r.size)
	}
}
