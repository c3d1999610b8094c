package exec

import (
	"math"
	"slices"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
)

// equation runs a plan.Equation: for each chunk its program runs over all time steps in one go, a window of them at a time.
type equation struct {
	job
	*plan.Equation
	chunked
	ahead   *kernel.Script // a step
	shown   *kernel.Script // the same for a checked run
	first   int            // of the plan's instructions in that
	back    *kernel.Script // a step of the derivative
	uses    []uses         // of the loads
	out     *result        // nil where only the last step's is kept, or none
	emitted *memory        // what the last step emits, where only that is kept
	mark    result         // the same in a register, or what each step emits, for the derivative in spike times
	final   []*memory
	states  []state
	grads   []gradient
	sums    []chunkSum // of what the derivative computes besides
	draws   []draw     // of random numbers, and last of the number of the step, if the program reads that
	streams []rng.Stream
	units   int
	block   int
	p       *Program
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
	derivative := q.Gradient && q.Temporal == nil
	for _, v := range q.Final {
		var m *memory
		if v != nil {
			m = p.value(v)
		}
		r.final = append(r.final, m)
	}
	sums := 0
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
	case q.Temporal != nil:
		r.mark = result{reg: r.register(), stage: r.room(false)}
		ahead = append(ahead, kernel.Instr{Code: kernel.Copy, D: r.mark.reg, A: q.Emit})
	}
	for _, g := range q.Grads {
		r.rows = r.rows || q.Batched && g.Batched && g.Map.Shape != plan.Same
		a := gradient{to: result{reg: -1}, total: -1, summed: g.Map.Shape != plan.Same || q.Batched && !g.Batched || q.Temporal != nil}
		if a.summed {
			a.sum = p.sum(into{g.Timed, g.Batched, g.Map, g.Value.Type.Size()}, q.Steps, q.N, q.Batched, false, sums)
			a.out = []*memory{p.value(g.Value)}
			sums += a.length()
		}
		switch {
		case !derivative || g.State:
			a.to.m = p.value(g.Value)
		case !g.Timed:
			a.total = r.register()
			a.to.m = p.value(g.Value)
			back = append(back, kernel.Instr{Code: kernel.Add, D: a.total, A: a.total, B: g.Reg})
		case a.summed:
			a.to = result{reg: r.register(), stage: r.room(false)}
			back = append(back, kernel.Instr{Code: kernel.Copy, D: a.to.reg, A: g.Reg})
		default:
			var code []kernel.Instr
			a.to, code = r.store(p, g.Value, g.Reg, g.Direct)
			back = append(back, code...)
		}
		r.grads = append(r.grads, a)
	}
	for _, x := range q.Sums {
		r.rows = r.rows || x.Batched
		a := chunkSum{sum: p.sum(into{x.Timed, x.Batched, x.Map, x.Out[0].Type.Size()}, q.Steps, q.N, q.Batched, false, sums)}
		a.Sum, a.out = x, []*memory{p.value(x.Out[0])}
		sums += a.length()
		if k := slices.IndexFunc(q.Grads, func(g plan.Grad) bool { return g.Reg == x.Reg && g.Direct }); k >= 0 {
			a.from = r.grads[k].to
		} else {
			a.from, a.own = result{reg: r.register(), stage: r.room(false)}, true
			back = append(back, kernel.Instr{Code: kernel.Copy, D: a.from.reg, A: x.Reg})
		}
		r.sums = append(r.sums, a)
	}
	r.bindStates(&ahead, &back)
	for i := range r.loads {
		r.uses = append(r.uses, uses{reads(ahead, r.loads[i].Reg), reads(back, r.loads[i].Reg)})
	}
	first := needed(numbers, ahead)
	r.first = len(first)
	ahead, back = append(first, ahead...), append(needed(numbers, back), back...)
	r.shown = kernel.NewScript(kernel.Generic, ahead)
	var near, nearBack []int
	for i, o := range r.loads {
		if u := r.uses[i]; o.Timed && o.Map.Shape == plan.Same && o.bits < 0 {
			if u.ahead {
				near = append(near, o.Reg)
			} else if u.back {
				nearBack = append(nearBack, o.Reg)
			}
		}
	}
	for i := range r.grads {
		if g := &r.grads[i]; g.to.reg >= 0 && !g.summed && q.Grads[i].Value.Over == nil {
			nearBack = append(nearBack, g.to.reg)
		}
	}
	r.ahead = kernel.NewScript(p.level, fetching(ahead, near))
	r.back = kernel.NewScript(p.level, fetching(back, nearBack))
	need := r.needs()
	need.sums = sums
	if derivative {
		need.states = (q.Steps + 1) * len(q.States) * plan.Chunk
	}
	if q.Temporal != nil {
		need.ints, need.floats = q.Size, q.Size
		need.states = plan.Chunk // for gradients
	}
	r.block, r.units = r.extent.blocks(q.Steps*(1+len(ahead)+len(back)), q.Rows)
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

// reads reports whether code reads a register.
func reads(code []kernel.Instr, r int) bool {
	return slices.ContainsFunc(code, func(c kernel.Instr) bool { return slices.Contains(c.Inputs(), r) })
}

// needed returns the instructions whose results code reads.
func needed(from, code []kernel.Instr) (out []kernel.Instr) {
	for _, c := range from {
		if reads(code, c.D) {
			out = append(out, c)
		}
	}
	return out
}

// fetching spreads over code what brings registers that lie in memory nearer, for the next chunk: the processor sees no stream
// where a chunk's steps lie far apart.
func fetching(code []kernel.Instr, regs []int) (out []kernel.Instr) {
	const parts = 4
	for k := range parts {
		for _, r := range regs {
			out = append(out, kernel.Instr{Code: kernel.Fetch, A: r, B: k})
		}
		out = append(out, code[k*len(code)/parts:(k+1)*len(code)/parts]...)
	}
	return out
}

// bindStates lets the next values of states be written over them where nothing reads them after that, and adds the code that
// copies the others at the end of a step. A derivative keeps all values instead, one step after another.
func (r *equation) bindStates(ahead, back *[]kernel.Instr) {
	next := func(s *plan.State) (from, to int) { return s.Next, s.Reg }
	before := func(s *plan.State) (from, to int) { return s.DBefore, s.DNext }
	r.states = make([]state, len(r.States))
	for i := range r.States {
		s := &r.States[i]
		at := &r.states[i]
		at.next, at.before = -1, -1
		if !r.Gradient || r.Temporal != nil {
			if s.Own && r.over(*ahead, s, next) {
				at.next = s.Next
			}
			continue
		}
		if at.next = s.Next; !s.Own {
			at.next = r.register()
			*ahead = append(*ahead, kernel.Instr{Code: kernel.Copy, D: at.next, A: s.Next})
		}
		if s.OwnBefore && r.over(*back, s, before) {
			at.before = s.DBefore
		}
	}
	if !r.Gradient || r.Temporal != nil {
		r.copies(ahead, next, func(s state) int { return s.next })
	} else {
		r.copies(back, before, func(s state) int { return s.before })
	}
}

// over reports whether the register that code changes a state's to may lie where that lies.
func (r *equation) over(code []kernel.Instr, s *plan.State, of func(*plan.State) (from, to int)) bool {
	from, to := of(s)
	at := slices.IndexFunc(code, func(c kernel.Instr) bool { return c.D == from })
	if at < 0 || reads(code[at+1:], to) {
		return false
	}
	for i := range r.States {
		if f, _ := of(&r.States[i]); f == to || f == from && &r.States[i] != s {
			return false
		}
	}
	return true
}

// copies adds the code that moves to states what does not lie there.
func (r *equation) copies(code *[]kernel.Instr, of func(*plan.State) (from, to int), there func(state) int) {
	var last []kernel.Instr
	for i := range r.States {
		from, to := of(&r.States[i])
		if there(r.states[i]) >= 0 || from == to {
			continue
		}
		by := r.register() // another state's next value may be this state
		*code = append(*code, kernel.Instr{Code: kernel.Copy, D: by, A: from})
		last = append(last, kernel.Instr{Code: kernel.Copy, D: to, A: by})
	}
	*code = append(*code, last...)
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
	if r.Slotted || r.Temporal != nil {
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
		if r.Temporal != nil {
			for n := from; n < to; n++ {
				r.temporal(w, k, n)
			}
			return
		}
	}
	for lo < hi {
		end := r.next(lo, hi)
		r.forward(w, lo, end)
		if r.Gradient {
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

// lastly puts the gradient by what an equation emits, where it has one at the last step alone.
func (r *equation) lastly(w *worker, o *operand, s *walk) {
	for j := range s.times {
		t, lo, hi := s.at(j)
		if d := w.stage[o.stage+j*plan.Chunk:][:s.k]; t == r.Steps-1 {
			o.copy(&r.extent, t, lo, hi, d)
		} else {
			clear(d)
		}
	}
	w.tape.Set(o.Reg, w.stage, o.stage, plan.Chunk)
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
	derivative := r.Gradient && r.Temporal == nil
	pitch := len(r.States) * plan.Chunk
	for i, s := range r.States {
		d := w.reg(s.Reg)
		if derivative {
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
	for t := 0; t < r.Steps; t += window {
		s := walk{t: t, dt: 1, lo: lo, k: hi - lo, times: min(window, r.Steps-t)}
		r.load(w, &s, false, false)
		if r.out != nil {
			w.place(r.out, &s)
		}
		if r.Temporal != nil {
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
		if r.Temporal != nil {
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

// backward runs the derivative of a chunk back in time, after the way forward has kept its states.
func (r *equation) backward(w *worker, slot, lo, hi int) {
	k, pitch := hi-lo, len(r.States)*plan.Chunk
	for i, s := range r.States {
		clear(w.reg(s.DNext)[:k])
		w.tape.Set(s.Reg, w.states, (r.Steps-1)*pitch+i*plan.Chunk, -pitch)
		w.tape.Set(r.states[i].next, w.states, r.Steps*pitch+i*plan.Chunk, -pitch)
		if before := r.states[i].before; before >= 0 {
			w.tape.Set(before, w.scratch, s.DNext*plan.Chunk, 0)
		}
	}
	for i := range r.grads {
		if g := &r.grads[i]; g.total >= 0 {
			clear(w.reg(g.total)[:k])
		}
	}
	for end := r.Steps; end > 0; end -= window {
		s := walk{t: end - 1, dt: -1, lo: lo, k: k, times: min(window, end)}
		r.load(w, &s, true, r.Steps <= window)
		for i := range r.grads {
			switch g := &r.grads[i]; {
			case g.total >= 0 || r.Grads[i].State:
			case g.summed:
				w.tape.Set(g.to.reg, w.stage, g.to.stage, plan.Chunk)
			default:
				w.place(&g.to, &s)
			}
		}
		for i := range r.sums {
			if x := &r.sums[i]; x.own {
				w.tape.Set(x.from.reg, w.stage, x.from.stage, plan.Chunk)
			}
		}
		w.tape.Run(r.back, k, s.times)
		for i := range r.sums {
			x := &r.sums[i]
			for j := range s.times {
				from := w.stage[x.from.stage+j*plan.Chunk:]
				if m := x.from.m; !x.own && m.whole(k) {
					from = m.f[(s.t-j)*m.n*m.size+lo:]
				}
				x.add(r.p.sums, slot, s.t-j, lo, from[:k], r.size)
			}
		}
		for i := range r.grads {
			switch g := &r.grads[i]; {
			case g.total >= 0 || r.Grads[i].State:
			case g.summed:
				for j := range s.times {
					g.add(r.p.sums, slot, s.t-j, lo, w.stage[g.to.stage+j*plan.Chunk:][:k], r.size)
				}
			default:
				w.flush(&g.to, &s)
			}
		}
	}
	for i := range r.grads {
		g := &r.grads[i]
		var x []float32
		switch {
		case g.total >= 0:
			x = w.reg(g.total)[:k]
		case r.Grads[i].State:
			n := slices.IndexFunc(r.States, func(s plan.State) bool { return s.DBefore == r.Grads[i].Reg })
			x = w.reg(r.States[n].DNext)[:k]
		default:
			continue
		}
		if g.summed {
			g.add(r.p.sums, slot, 0, lo, x, r.size)
		} else {
			store(g.to.m, 0, lo, x)
		}
	}
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
		r.forward(w, lo, hi)
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
			x := w.states[:hi-lo]
			if dy.fixed {
				copy(x, w.reg(dy.Reg))
			} else {
				dy.copy(&r.extent, t, lo, hi, x)
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
				x := w.states[:hi-lo]
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

// fired notes the first step at which each element of a chunk fires.
func (r *equation) fired(w *worker, s *walk) {
	first := w.ints[s.lo%r.size:][:s.k]
	for j := range s.times {
		for i, v := range w.stage[r.mark.stage+j*plan.Chunk:][:s.k] {
			if v != 0 && first[i] < 0 {
				first[i] = int32(s.t + j)
			}
		}
	}
}
