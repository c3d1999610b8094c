package exec

import (
	"slices"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// What is added to the program of an equation: where states go on from step to step, and what fetches the next chunk.

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
		if r.mode != derivative {
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
	for i := range r.States {
		s := &r.States[i]
		r.hold(s.Reg, r.states[i].next)
		if r.mode == derivative {
			r.hold(s.DNext, s.DBefore, r.states[i].before)
		}
	}
	if r.mode != derivative {
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
