package circuit

import "iter"

// Axis is one side, rows or columns, of a Geometry: which places of the view and of the neurons are connected, and by which place of the
// kernel (tap). Neuron y takes in the places y Stride - Pad + tap of the view; where Transposed is set, place i of the view reaches the
// neurons i Stride - Pad + tap.
type Axis struct {
	Transposed          bool
	Kernel, Stride, Pad int
	In, Out             int // places of the view, and of the neurons
}

// Span is places from From to below To. To is not below From in those that functions return.
type Span struct{ From, To int }

// One returns the span of one place.
func One(place int) Span { return Span{place, place + 1} }

// Len returns how many places there are.
func (s Span) Len() int { return s.To - s.From }

// Within returns the places that are among those of t too.
func (s Span) Within(t Span) Span {
	from := min(max(s.From, t.From), t.To)
	return Span{from, min(max(s.To, from), t.To)}
}

// Inputs returns the places of the view that a neuron's place takes in.
func (x *Axis) Inputs(out int) Span {
	if x.Transposed {
		return x.windows(out, x.In)
	}
	return x.window(out, x.In)
}

// Outputs returns the places of neurons that a place of the view reaches.
func (x *Axis) Outputs(in int) Span {
	if x.Transposed {
		return x.window(in, x.Out)
	}
	return x.windows(in, x.Out)
}

// InputsOf returns the places of the view that some places of neurons take in, each once and in order.
func (x *Axis) InputsOf(outs Span) iter.Seq[int] {
	return func(yield func(int) bool) {
		if outs.Len() < 1 {
			return
		}
		gaps, end := !x.Transposed && x.Stride > x.Kernel, x.Inputs(outs.To-1).To
		for i := x.Inputs(outs.From).From; i < end; i++ {
			if gaps && x.Outputs(i).Within(outs).Len() == 0 {
				continue
			}
			if !yield(i) {
				return
			}
		}
	}
}

// Tap returns the place of the kernel that connects a place of the view with one of the neurons.
func (x *Axis) Tap(in, out int) int {
	if x.Transposed {
		return out + x.Pad - in*x.Stride
	}
	return in + x.Pad - out*x.Stride
}

// Connections returns how many pairs of places are connected, and how many places of the view a place of the neurons takes in at most.
func (x *Axis) Connections() (all, most int) {
	for i := range x.Out {
		n := x.Inputs(i).Len()
		all, most = all+n, max(most, n)
	}
	return all, most
}

// Fits reports whether there are as many neurons as the kernel has places over the view; where Transposed is set, the other way round.
func (x *Axis) Fits() bool {
	large, small := x.In, x.Out
	if x.Transposed {
		large, small = small, large
	}
	return large+2*x.Pad >= x.Kernel && (large+2*x.Pad-x.Kernel)/x.Stride+1 == small
}

// window returns the places under the kernel at its place i, of so many.
func (x *Axis) window(i, places int) Span {
	from := i*x.Stride - x.Pad
	return Span{from, from + x.Kernel}.Within(Span{0, places})
}

// windows returns the places of the kernel, of so many, at which it lies over a place.
func (x *Axis) windows(at, places int) Span {
	first := 0
	if from := at + x.Pad - x.Kernel + 1; from > 0 {
		first = (from + x.Stride - 1) / x.Stride
	}
	return Span{first, (at+x.Pad)/x.Stride + 1}.Within(Span{0, places})
}
