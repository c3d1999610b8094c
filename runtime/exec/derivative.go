package exec

import (
	"slices"

	"snnc.dev/snnc/runtime/plan"
)

// lastly puts the gradient by what an equation emits, where it has one at the last step alone.
func (r *equation) lastly(w *worker, o *boundLoad, s *walk) {
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
	for end := r.Steps; end > 0; end -= maxTimes {
		s := walk{t: end - 1, dt: -1, lo: lo, k: k, times: min(maxTimes, end)}
		r.load(w, &s, true, r.Steps <= maxTimes)
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
