package exec

import (
	"slices"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
)

// mode is what of an equation a step computes.
type mode uint8

const (
	values     mode = iota // what it emits, from step to step (this file)
	derivative             // states again, then gradients back in time (derivative.go)
	spikeTimes             // the derivative in spike times (temporal.go)
)

// equation runs a plan.Equation: for each chunk its program runs over all time steps, maxTimes of them in one go.
type equation struct {
	job
	*plan.Equation
	chunked
	mode    mode
	ahead   *kernel.Script // a step
	shown   *kernel.Script // the same for a checked run
	first   int            // of the plan's instructions in that
	uses    []uses         // of the loads
	states  []state
	draws   []draw // of random numbers, and last of the number of the step, if the program reads that
	streams []rng.Stream
	units   int
	block   int
	p       *Program

	// Of values.
	out     *result // nil where only the last step's is kept, or none
	emitted *memory // what the last step emits, where only that is kept
	final   []*memory
	mark    result // the register of emitted; in spike times, what each step emits

	// Of the derivatives; in spike times, grads alone.
	back  *kernel.Script // a step
	grads []gradient
	sums  []chunkSum // of what is computed besides
}

// uses says what reads a load.
type uses struct{ ahead, back bool }

// state is what is known of a state variable beyond its plan: the register that becomes its next value, which may lie where it
// lies itself; and likewise that of the gradient by the value before, where the gradient by the next lies. They are -1 where
// the program copies them.
type state struct{ next, before int }

// gradient is where a gradient goes.
type gradient struct {
	sum
	summed bool
	to     result // of each step
	total  int    // register of the sum over time; -1 where there is none
}

// chunkSum is a sum, and where what it adds up waits: its own register, or the one that becomes a gradient.
type chunkSum struct {
	sum
	from result
	own  bool
}

// draw is where the random numbers of each step wait.
type draw struct{ reg, stage int }

func (p *Program) bindEquation(s *plan.Step) (runner, needs, error) {
	q := s.Equation
	r := &equation{Equation: q, chunked: chunked{extent: extent{n: q.N, size: q.Size}}, p: p, streams: make([]rng.Stream, len(q.Randoms))}
	switch {
	case q.Temporal != nil:
		r.mode = spikeTimes
	case q.Gradient:
		r.mode = derivative
	}
	last := -1
	if q.Gradient && q.Last {
		last = q.DEmit // 0 but at the last step
	}
	numbers := r.bind(p, q.Regs, q.Consts, q.Loads, last)
	for _, x := range q.Randoms {
		r.draws = append(r.draws, draw{x.Reg, r.room(false)})
	}
	if q.Time >= 0 {
		r.draws = append(r.draws, draw{q.Time, r.room(false)})
	}
	for _, v := range q.Final {
		var m *memory
		if v != nil {
			m = p.value(v)
		}
		r.final = append(r.final, m)
	}
	ahead, back := instructions(q.Forward), instructions(q.Backward)
	switch {
	case q.Out != nil && q.Last:
		r.emitted = p.value(q.Out)
		r.mark.reg = r.register()
		ahead = append(ahead, kernel.Instr{Code: kernel.Copy, D: r.mark.reg, A: q.Emit})
	case q.Out != nil:
		to, code := r.store(p, q.Out, q.Emit, false)
		r.out = &to
		ahead = append(ahead, code...)
	case r.mode == spikeTimes:
		r.mark = result{reg: r.register(), stage: r.room(false)}
		ahead = append(ahead, kernel.Instr{Code: kernel.Copy, D: r.mark.reg, A: q.Emit})
	}
	if q.Out == nil || q.Last || r.mode == spikeTimes {
		r.hold(r.mark.reg)
	}
	sums := r.bindGradients(&back)
	r.bindStates(&ahead, &back)
	for i := range r.loads {
		r.uses = append(r.uses, uses{reads(ahead, r.loads[i].Reg), reads(back, r.loads[i].Reg)})
	}
	first := needed(numbers, ahead)
	r.first = len(first)
	ahead, back = append(first, ahead...), append(needed(numbers, back), back...)
	r.shown = kernel.NewScript(kernel.Generic, ahead, nil)
	near, nearBack := r.near()
	r.ahead, r.back = r.script(p, fetching(ahead, near)), r.script(p, fetching(back, nearBack))
	need := r.needs()
	need.sums = sums
	if r.mode == derivative {
		need.states = (q.Steps + 1) * len(q.States) * plan.Chunk
	}
	if r.mode == spikeTimes {
		need.ints, need.floats = q.Size, q.Size
		need.states = plan.Chunk // for gradients
	}
	r.block, r.units = r.extent.blocks(q.Steps*(1+len(ahead)+len(back)), q.Rows)
	if q.Slotted || r.mode == spikeTimes {
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

// bindGradients binds gradients and other sums of a derivative, adds the code that hands them on, and returns how many
// numbers the sums have.
func (r *equation) bindGradients(back *[]kernel.Instr) (sums int) {
	q := r.Equation
	for _, g := range q.Grads {
		r.rows = r.rows || q.Batched && g.Batched && g.Map.Shape != plan.Same
		a := gradient{to: result{reg: -1}, total: -1, summed: g.Map.Shape != plan.Same || q.Batched && !g.Batched || r.mode == spikeTimes}
		if a.summed {
			a.sum = r.p.sum(into{g.Timed, g.Batched, g.Map, g.Value.Type.Size()}, q.Steps, q.N, q.Batched, false, sums)
			a.out = []*memory{r.p.value(g.Value)}
			sums += a.length()
		}
		switch {
		case r.mode != derivative || g.State:
			a.to.m = r.p.value(g.Value)
		case !g.Timed:
			a.total = r.register()
			a.to.m = r.p.value(g.Value)
			*back = append(*back, kernel.Instr{Code: kernel.Add, D: a.total, A: a.total, B: g.Reg})
		case a.summed:
			a.to = result{reg: r.register(), stage: r.room(false)}
			*back = append(*back, kernel.Instr{Code: kernel.Copy, D: a.to.reg, A: g.Reg})
		default:
			var code []kernel.Instr
			a.to, code = r.store(r.p, g.Value, g.Reg, g.Direct)
			*back = append(*back, code...)
		}
		r.hold(a.total, a.to.reg)
		r.grads = append(r.grads, a)
	}
	for _, x := range q.Sums {
		r.rows = r.rows || x.Batched
		a := chunkSum{sum: r.p.sum(into{x.Timed, x.Batched, x.Map, x.Out[0].Type.Size()}, q.Steps, q.N, q.Batched, false, sums)}
		a.Sum, a.out = x, []*memory{r.p.value(x.Out[0])}
		sums += a.length()
		if k := slices.IndexFunc(q.Grads, func(g plan.Grad) bool { return g.Reg == x.Reg && g.Direct }); k >= 0 {
			a.from = r.grads[k].to
		} else {
			a.from, a.own = result{reg: r.register(), stage: r.room(false)}, true
			*back = append(*back, kernel.Instr{Code: kernel.Copy, D: a.from.reg, A: x.Reg})
		}
		r.hold(a.from.reg)
		r.sums = append(r.sums, a)
	}
	return sums
}

// near returns the registers of numbers of each step that lie in memory: those that the way forward reads, and those that
// only the way back reads or writes elsewhere than over what it has read.
func (r *equation) near() (ahead, back []int) {
	for i, o := range r.loads {
		if u := r.uses[i]; o.Timed && o.Map.Shape == plan.Same && o.bits < 0 {
			if u.ahead {
				ahead = append(ahead, o.Reg)
			} else if u.back {
				back = append(back, o.Reg)
			}
		}
	}
	for i := range r.grads {
		if g := &r.grads[i]; g.to.reg >= 0 && !g.summed && r.Grads[i].Value.Over == nil {
			back = append(back, g.to.reg)
		}
	}
	return ahead, back
}

func (r *equation) run(p *Program) error {
	for i, x := range r.Randoms {
		r.streams[i] = rng.New(p.env.Seed, x.Label, p.env.Iteration)
	}
	if err := p.compute(&r.job, r.units, r.Steps*r.N*r.size*(1+len(r.Forward)+len(r.Backward)), r.Forward); err != nil {
		return err
	}
	for i := range r.grads {
		if g := &r.grads[i]; g.summed {
			g.finish(p.sums)
		}
	}
	for i := range r.sums {
		r.sums[i].finish(p.sums)
	}
	return nil
}

func (r *equation) unit(worker, k int) {
	w := r.p.workers[worker]
	r.prepare(w)
	lo := k * r.block
	hi := min(lo+r.block, r.N*r.size)
	if r.Slotted || r.mode == spikeTimes {
		from, to := 0, 1
		if r.Batched {
			from, to = examples(k, r.N)
		}
		for i := range r.grads {
			if g := &r.grads[i]; g.summed {
				g.clear(r.p.sums, k, from, to)
			}
		}
		for i := range r.sums {
			r.sums[i].clear(r.p.sums, k, from, to)
		}
		lo, hi = from*r.size, to*r.size
		if r.mode == spikeTimes {
			for n := from; n < to; n++ {
				r.temporal(w, k, n)
			}
			return
		}
	}
	for lo < hi {
		end := r.next(lo, hi)
		r.forward(w, lo, end)
		if r.mode == derivative {
			r.backward(w, k, lo, end)
		}
		lo = end
	}
}

// load puts the registers of loads where they are for a walk over time. again says that the way forward over the same steps
// has been there.
func (r *equation) load(w *worker, s *walk, back, again bool) {
	for i := range r.loads {
		o, u := &r.loads[i], r.uses[i]
		if back && !u.back || !back && !u.ahead {
			continue
		}
		if back && r.Last && i == r.DEmit {
			r.lastly(w, o, s)
			continue
		}
		r.read(w, o, s, again && u.ahead)
	}
	for i, x := range r.draws {
		if again {
			w.tape.Set(x.reg, w.stage, x.stage+(s.times-1)*plan.Chunk, -plan.Chunk)
			continue
		}
		for j := range s.times {
			t, lo, hi := s.at(j)
			if d := w.stage[x.stage+j*plan.Chunk:][:s.k]; i < len(r.Randoms) {
				r.random(i, t, lo, hi, d)
			} else {
				fill(d, float32(t))
			}
		}
		w.tape.Set(x.reg, w.stage, x.stage, plan.Chunk)
	}
}

// random draws the numbers of step t of the elements lo to hi, row by row.
func (r *equation) random(i, t, lo, hi int, d []float32) {
	s, normal := r.streams[i], r.Randoms[i].Normal
	for at := lo; at < hi; {
		n, from := at/r.size, at%r.size
		index := uint64(0)
		if r.Batched {
			index = r.p.env.example(n)
		}
		k := min(r.size-from, hi-at)
		x, first := d[at-lo:][:k], uint64(t*r.size)
		switch {
		case r.Order != nil && normal:
			for j := range x {
				x[j] = s.Normal(index, first+uint64(r.Order[from+j]))
			}
		case r.Order != nil:
			for j := range x {
				x[j] = s.Uniform(index, first+uint64(r.Order[from+j]))
			}
		case normal:
			s.FillNormal(x, index, first+uint64(from))
		default:
			s.FillUniform(x, index, first+uint64(from))
		}
		at += k
	}
}

// start writes the states before the first step.
func (r *equation) start(w *worker, lo, hi int) {
	pitch := len(r.States) * plan.Chunk
	for i, s := range r.States {
		d := w.reg(s.Reg)
		if r.mode == derivative {
			d = w.states[i*plan.Chunk:][:plan.Chunk]
			w.tape.Set(s.Reg, w.states, i*plan.Chunk, pitch)
			w.tape.Set(r.states[i].next, w.states, pitch+i*plan.Chunk, pitch)
		} else if next := r.states[i].next; next >= 0 {
			w.tape.Set(next, w.scratch, s.Reg*plan.Chunk, 0)
		}
		if s.Load < 0 {
			fill(d[:hi-lo], s.Start)
			continue
		}
		if o := &r.loads[s.Load]; o.fixed {
			copy(d, w.reg(o.Reg)[:hi-lo])
		} else {
			o.copy(&r.extent, 0, lo, hi, d)
		}
	}
}

// forward runs a chunk over all steps.
func (r *equation) forward(w *worker, lo, hi int) {
	r.start(w, lo, hi)
	for t := 0; t < r.Steps; t += maxTimes {
		s := walk{t: t, dt: 1, lo: lo, k: hi - lo, times: min(maxTimes, r.Steps-t)}
		r.load(w, &s, false, false)
		if r.out != nil {
			w.place(r.out, &s)
		}
		if r.mode == spikeTimes {
			w.tape.Set(r.mark.reg, w.stage, r.mark.stage, plan.Chunk)
		}
		if r.p.env.Check {
			w.checked(r.shown, r.first, r.Forward, s.k, s.times)
		} else {
			w.tape.Run(r.ahead, s.k, s.times)
		}
		if r.out != nil {
			w.flush(r.out, &s)
		}
		if r.mode == spikeTimes {
			r.fired(w, &s)
		}
	}
	if r.emitted != nil {
		r.still(r.emitted, lo, hi, w.reg(r.mark.reg))
	}
	for i, m := range r.final {
		if m != nil {
			r.still(m, lo, hi, w.reg(r.States[i].Reg))
		}
	}
}

// still stores a chunk of a value without time axis.
func (r *equation) still(m *memory, lo, hi int, x []float32) {
	if r.Places == nil {
		store(m, 0, lo, x[:hi-lo])
		return
	}
	if lo == 0 {
		m.clear(0, 1)
	}
	for i, v := range x[:hi-lo] {
		m.set(0, int(r.Places[lo+i]), v)
	}
}
