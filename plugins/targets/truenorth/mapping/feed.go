package mapping

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// feed is the synapses from one source onto a layer.
type feed struct {
	circuit.Geometry
	s      *schema.Synapses
	from   *Layer // nil: the host
	source Source
	base   int   // of the source's elements in the count of all
	viewed []int // elements of the source in the order of the view
}

func newFeed(s *schema.Synapses, dims []int) *feed {
	return &feed{Geometry: circuit.GeometryOf(s, dims), s: s, viewed: circuit.Elements(s.View)}
}

// box is some channels, rows and columns of a layer.
type box [3]circuit.Span

// elements calls visit with the elements that the neurons of a box take in, until it returns false.
func (f *feed) elements(b box, visit func(element int) bool) bool {
	channels := circuit.Span{To: f.View.Channels}
	if f.Channelled() {
		channels = b[0]
	}
	for c := channels.From; c < channels.To; c++ {
		for i := range f.Rows.InputsOf(b[1]) {
			for j := range f.Cols.InputsOf(b[2]) {
				if !visit(f.viewed[f.View.At(c, i, j)]) {
					return false
				}
			}
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
		if f.Channelled() && len(l.feeds) > 1 {
			channels = l.dims.Channels
		}
	}
	for c := range channels {
		for y := range l.dims.Height {
			for x := range l.dims.Width {
				seen.clear()
				n := 0
				for _, f := range l.feeds {
					f.elements(box{circuit.One(c), circuit.One(y), circuit.One(x)}, func(e int) bool {
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
		for at, weight := range f.Onto(neuron) {
			id, v := f.base+f.viewed[at], float64(x.w[k][weight])
			if x.seen.add(id) {
				x.index[id] = int32(len(x.out))
				s := f.source
				s.Element = f.viewed[at]
				x.out = append(x.out, Weight{s, v})
				continue
			}
			x.out[x.index[id]].Value += v
		}
	}
	return x.out
}
