package exec

import (
	"math"
	"slices"

	"snnc.dev/snnc/runtime/plan"
)

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
