package exec

import (
	"math"

	"snnc.dev/snnc/runtime/plan"
)

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
