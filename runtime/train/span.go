package train

import (
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/kernel"
)

// span is a part of one of several tensors: elements from up to to, of tensor number of.
type span struct{ of, from, to int }

// spanSize is how many elements a span has at most. What an update does to all of a model's parameters goes through memory once
// and is cut into spans, so that the workers share it; that what is summed over a gradient is summed span by span makes
// the sum the same for any number of them.
const spanSize = 1 << 14

// spanned is something that is done to all spans of some tensors, in any order, by all workers of a pool.
type spanned struct {
	spans []span
	task  *exec.Task
}

// eachSpan cuts n tensors of the given sizes into spans, and does f to each; it is told the number of the span as well.
func eachSpan(n int, size func(i int) int, f func(unit int, p span)) (s spanned) {
	for i := range n {
		for from, all := 0, size(i); from < all; from += spanSize {
			s.spans = append(s.spans, span{i, from, min(from+spanSize, all)})
		}
	}
	of := s.spans
	s.task = exec.NewTask(func(unit int) { f(unit, of[unit]) })
	return s
}

func (s *spanned) do(pool *exec.Pool) { pool.Do(s.task, len(s.spans)) }

// moving says how parameters move in an update.
type moving struct {
	rate, scale float64 // the learning rate, and what the gradient is multiplied by
	update      int     // how often the parameter has moved with these moments, with this one
}

// prepare makes the tasks of a step whose moved parameters are known.
func (st *step) prepare() {
	size := func(i int) int { return len(st.moved[i].weights.F32) }
	st.gather = eachSpan(len(st.moved), size, func(unit int, p span) {
		x := &st.moved[p.of]
		g := x.gradient.F32[p.from:p.to]
		if x.sum != nil {
			sum := x.sum.F32[p.from:p.to]
			for k, v := range g {
				sum[k] += v
			}
			g = sum
		}
		st.squares[unit] = kernel.Squares(g)
	})
	st.squares = make([]float64, len(st.gather.spans))
	st.move = eachSpan(len(st.moved), size, func(_ int, p span) {
		x := &st.moved[p.of]
		w, g := x.weights.F32[p.from:p.to], x.gradient.F32[p.from:p.to]
		var moments [2][]float32
		for i, m := range x.moments {
			if m != nil {
				moments[i] = m.F32[p.from:p.to]
			}
		}
		if x.sum != nil {
			g = x.sum.F32[p.from:p.to]
		}
		by := st.moving
		by.update = x.update
		opt := st.opt
		if !x.matrix {
			opt.Clamp = 0 // scales and offsets: what they leave of a layer may be too little to spike
		}
		opt.move(w, g, moments, by)
		x.held.Hold(w)
		if x.sum != nil {
			clear(g)
		}
		if !finite(w) {
			st.bad.Store(true)
		}
	})
}

// keepAll makes what copies all that an update changes.
func (t *Trainer) keepAll() {
	t.keep = eachSpan(len(t.before), func(i int) int { return len(t.before[i].now.F32) }, func(_ int, p span) {
		k := t.before[p.of]
		copy(k.before.F32[p.from:p.to], k.now.F32[p.from:p.to])
	})
}
