package mapping

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// feed is the synapses from one source onto a layer.
type feed struct {
	s      *schema.Synapses
	from   *Layer // nil: the host
	source Source
	base   int   // of the source's elements in the count of all
	view   []int // elements of the source, as they are seen
	in     [3]int
	out    [3]int
}

func newFeed(s *schema.Synapses, dims []int) *feed {
	return &feed{s: s, view: circuit.Elements(s.View), in: maps(s.View.Dims), out: maps(dims)}
}

// maps returns dims as those of maps: [n] has n channels of one place.
func maps(dims []int) [3]int {
	if len(dims) == 3 {
		return [3]int(dims)
	}
	return [3]int{dims[0], 1, 1}
}

// span is from one number to below another.
type span struct{ from, to int }

// box is some channels, rows and columns of a layer.
type box [3]span

// reach returns which places of one side of the view, of so many, the neuron at a place is connected with.
func (f *feed) reach(at, places int) span {
	s := f.s
	if s.Kind == schema.Deconv { // at = i * stride + tap - pad
		first := at + s.Pad - s.Kernel + 1
		from := 0
		if first > 0 {
			from = (first + s.Stride - 1) / s.Stride
		}
		return span{from, max(from, min(places, (at+s.Pad)/s.Stride+1))}
	}
	from := max(0, at*s.Stride-s.Pad)
	return span{from, max(from, min(places, at*s.Stride-s.Pad+s.Kernel))}
}

// each calls visit with each synapse onto a neuron: which element of the source, and which weight.
func (f *feed) each(neuron int, visit func(element, weight int)) {
	switch f.s.Kind {
	case schema.Dense:
		for i, e := range f.view {
			visit(e, neuron*len(f.view)+i)
		}
		return
	case schema.Same:
		visit(f.view[neuron], 0)
		return
	}
	o, y, x := neuron/(f.out[1]*f.out[2]), neuron/f.out[2]%f.out[1], neuron%f.out[2]
	rows, cols := f.reach(y, f.in[1]), f.reach(x, f.in[2])
	from, to := 0, f.in[0]
	if f.s.Kind == schema.Pool {
		from, to = o, o+1
	}
	k := f.s.Kernel
	for c := from; c < to; c++ {
		for i := rows.from; i < rows.to; i++ {
			for j := cols.from; j < cols.to; j++ {
				weight := 0
				switch f.s.Kind {
				case schema.Conv:
					weight = ((o*f.in[0]+c)*k+i+f.s.Pad-y*f.s.Stride)*k + j + f.s.Pad - x*f.s.Stride
				case schema.Deconv:
					weight = ((c*f.out[0]+o)*k+y+f.s.Pad-i*f.s.Stride)*k + x + f.s.Pad - j*f.s.Stride
				}
				visit(f.view[(c*f.in[1]+i)*f.in[2]+j], weight)
			}
		}
	}
}

// channelled reports whether neurons of different channels take in different elements.
func (f *feed) channelled() bool { return f.s.Kind == schema.Same || f.s.Kind == schema.Pool }

// elements calls visit with the elements that the neurons of a box take in, until it returns false.
func (f *feed) elements(b box, visit func(element int) bool) bool {
	switch f.s.Kind {
	case schema.Dense:
		for _, e := range f.view {
			if !visit(e) {
				return false
			}
		}
		return true
	case schema.Same:
		for c := b[0].from; c < b[0].to; c++ {
			for y := b[1].from; y < b[1].to; y++ {
				for x := b[2].from; x < b[2].to; x++ {
					if !visit(f.view[(c*f.out[1]+y)*f.out[2]+x]) {
						return false
					}
				}
			}
		}
		return true
	}
	channels := span{0, f.in[0]}
	if f.s.Kind == schema.Pool {
		channels = b[0]
	}
	for c := channels.from; c < channels.to; c++ {
		next := 0 // row that was not yet
		for y := b[1].from; y < b[1].to; y++ {
			rows := f.reach(y, f.in[1])
			for i := max(next, rows.from); i < rows.to; i++ {
				right := 0
				for x := b[2].from; x < b[2].to; x++ {
					cols := f.reach(x, f.in[2])
					for j := max(right, cols.from); j < cols.to; j++ {
						if !visit(f.view[(c*f.in[1]+i)*f.in[2]+j]) {
							return false
						}
					}
					right = max(right, cols.to)
				}
			}
			next = max(next, rows.to)
		}
	}
	return true
}

// marks remembers which of many numbers were seen, and forgets all at once.
type marks struct {
	at  []int32
	now int32
}

func newMarks(n int) *marks { return &marks{at: make([]int32, n)} }

func (m *marks) clear() { m.now++ }

// add reports whether a number is new.
func (m *marks) add(i int) bool {
	if m.at[i] == m.now {
		return false
	}
	m.at[i] = m.now
	return true
}

// most returns the most different inputs that a neuron has. Where that is known to be too many, not all are looked at.
func (l *Layer) most(seen *marks) int {
	const enough = 50_000_000
	most, work := 0, 0
	channels := 1 // all are alike
	for _, f := range l.feeds {
		if f.channelled() && len(l.feeds) > 1 {
			channels = l.dims[0]
		}
	}
	for c := range channels {
		for y := range l.dims[1] {
			for x := range l.dims[2] {
				seen.clear()
				n := 0
				for _, f := range l.feeds {
					f.elements(box{{c, c + 1}, {y, y + 1}, {x, x + 1}}, func(e int) bool {
						if work++; seen.add(f.base + e) {
							n++
						}
						return true
					})
				}
				if most = max(most, n); most > Axons && work > enough {
					return most
				}
			}
		}
	}
	return most
}

// Weight is one synapse of a neuron, with the sum of the weights where an input comes by several.
type Weight struct {
	Source Source
	Value  float64
}

// Weigher returns the inputs of neurons of a population with their weights, each once. It keeps memory between calls; what it returns
// holds until the next.
type Weigher struct {
	l     *Layer
	seen  *marks
	index []int32
	w     [][]float32
	out   []Weight
}

// Weigher makes one for the weights of a circuit.
func (l *Layer) Weigher(c *schema.Circuit, w circuit.Weights) *Weigher {
	n := 0
	for _, f := range l.feeds {
		n = max(n, f.base+circuit.Size(circuit.SourceDims(c, f.s)))
	}
	x := &Weigher{l: l, seen: newMarks(n), index: make([]int32, n)}
	for _, f := range l.feeds {
		x.w = append(x.w, w(f.s.Weights))
	}
	return x
}

// Of returns the inputs of a neuron.
func (x *Weigher) Of(neuron int) []Weight {
	x.seen.clear()
	x.out = x.out[:0]
	for k, f := range x.l.feeds {
		f.each(neuron, func(element, weight int) {
			id, v := f.base+element, float64(x.w[k][weight])
			if x.seen.add(id) {
				x.index[id] = int32(len(x.out))
				s := f.source
				s.Element = element
				x.out = append(x.out, Weight{s, v})
				return
			}
			x.out[x.index[id]].Value += v
		})
	}
	return x.out
}
