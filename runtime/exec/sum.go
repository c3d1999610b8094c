package exec

import (
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// into says which elements of a loop are added up to which of a result.
type into struct {
	timed, batched bool
	plan.Map
	size int // of a row of the result
}

// sum adds up elements of a loop in double precision, by slot of the batch where the result has no batch axis.
type sum struct {
	plan.Sum
	into
	steps, n int  // of the result
	slots    int  // of the batch; 1 where the result has a batch axis
	squares  bool // their squares too
	at       int  // where it lies in the program's sums
	out      []*memory
}

func (p *Program) sum(x into, steps, n int, batched, squares bool, at int) sum {
	s := sum{into: x, steps: 1, n: 1, slots: 1, squares: squares, at: at}
	if x.timed {
		s.steps = steps
	}
	if x.batched {
		s.n = n
	} else if batched {
		s.slots = plan.Slots
	}
	return s
}

// one returns how many sums one slot has.
func (s *sum) one() int { return s.steps * s.n * s.into.size }

func (s *sum) length() int {
	if s.squares {
		return 2 * s.slots * s.one()
	}
	return s.slots * s.one()
}

// clear begins the sums of a slot, whose examples are those from `from` to `to`.
func (s *sum) clear(sums []float64, slot, from, to int) {
	size := s.into.size
	for half := 0; half == 0 || half == 1 && s.squares; half++ {
		base := s.at + half*s.slots*s.one()
		if !s.into.batched {
			if slot < s.slots {
				clear(sums[base+slot*s.one():][:s.one()])
			}
			continue
		}
		for t := range s.steps {
			clear(sums[base+(t*s.n+from)*size : base+(t*s.n+to)*size])
		}
	}
}

// add adds the chunk x, which begins at element lo of step t.
func (s *sum) add(sums []float64, slot, t, lo int, x []float32, rowSize int) {
	if !s.into.timed {
		t = 0
	}
	size, half := s.into.size, s.slots*s.one()
	if !s.into.batched && (s.into.Shape == plan.Single || s.into.Shape == plan.Period && rowSize%s.into.P == 0) {
		base := s.at + (slot*s.steps+t)*size
		s.segment(sums, base, half, lo, x)
		return
	}
	for len(x) > 0 {
		n, from := lo/rowSize, lo%rowSize
		k := min(rowSize-from, len(x))
		row := slot*s.steps + t
		if s.into.batched {
			row = t*s.n + n
		}
		s.segment(sums, s.at+row*size, half, from, x[:k])
		x, lo = x[k:], lo+k
	}
}

// segment adds x, elements from `from` on of a row, to the sums at base and their squares half further on.
func (s *sum) segment(sums []float64, base, half, from int, x []float32) {
	d := sums[base : base+s.into.size]
	var q []float64
	if s.squares {
		q = sums[base+half : base+half+s.into.size]
	}
	switch s.into.Shape {
	case plan.Single:
		d[0] += kernel.Sum(x)
		if q != nil {
			q[0] += kernel.Squares(x)
		}
	case plan.Same, plan.Period:
		if from %= s.into.size; from == 0 && len(x)%len(d) == 0 {
			if q != nil {
				kernel.SumSquareColumns(d, q, x)
			} else {
				kernel.SumColumns(d, x)
			}
			return
		}
		if s.into.Shape == plan.Same { // one row's part, whose elements all have sums of their own
			if d = d[from:][:len(x)]; q != nil {
				kernel.SumSquareColumns(d, q[from:][:len(x)], x)
			} else {
				kernel.SumColumns(d, x)
			}
			return
		}
		for len(x) > 0 {
			k := min(len(d)-from, len(x))
			to, y := d[from:from+k], x[:k]
			for i, v := range y {
				to[i] += float64(v)
			}
			if q != nil {
				to := q[from : from+k]
				for i, v := range y {
					to[i] += float64(v) * float64(v)
				}
			}
			x, from = x[k:], 0
		}
	default:
		for i, v := range x {
			o := 0
			if s.into.Shape == plan.Block {
				o = (from + i) / s.into.P
			} else {
				o = int(s.into.Index[from+i])
			}
			d[o] += float64(v)
			if q != nil {
				q[o] += float64(v) * float64(v)
			}
		}
	}
}

// finish adds the slots up and writes the results.
func (s *sum) finish(sums []float64) {
	one := s.one()
	if s.slots == 1 && s.Kind == plan.Total { // one thread does this, for many sums where they have a batch axis
		for i, v := range sums[s.at:][:one] {
			s.out[0].f[i] = float32(v)
		}
		return
	}
	for i := range one {
		total := s.tree(sums[s.at+i:], one)
		switch s.Kind {
		case plan.Total:
			s.out[0].f[i] = float32(total)
		case plan.Mean:
			s.out[0].f[i] = float32(total / s.Count)
		default:
			s.out[0].f[i], s.out[1].f[i] = meanAndVariance(total, s.tree(sums[s.at+s.slots*one+i:], one), s.Count)
		}
	}
}

// tree adds up the slots, which lie one further on from each other.
func (s *sum) tree(sums []float64, one int) float64 {
	if s.slots == 1 {
		return sums[0]
	}
	var x [plan.Slots]float64
	for k := range x {
		x[k] = sums[k*one]
	}
	return kernel.Tree(&x)
}
