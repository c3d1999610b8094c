package circuit

import (
	"iter"

	"snnc.dev/snnc/plugins/schema"
)

// Size returns how many elements dims have.
func Size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// SourceDims returns the dims of what synapses come from.
func SourceDims(c *schema.Circuit, s *schema.Synapses) []int {
	if s.Population < 0 {
		return c.Inputs[s.Input].Dims
	}
	return c.Populations[s.Population].Dims
}

// Elements returns for each element of a view, in the order of its Dims, which element of the source it is. Where rows or columns are
// repeated, several are the same.
func Elements(v schema.View) []int {
	channels, height, width := maps(v.From)
	tall, wide := max(v.Tall, 1), max(v.Wide, 1)
	out := make([]int, 0, channels*height*tall*width*wide)
	for c := range channels {
		for y := range height * tall {
			for x := range width * wide {
				out = append(out, v.Offset+(c*height+y/tall)*width+x/wide)
			}
		}
	}
	return out
}

// maps returns dims as those of maps: [n] has n channels of one place.
func maps(dims []int) (channels, height, width int) {
	if len(dims) == 3 {
		return dims[0], dims[1], dims[2]
	}
	return dims[0], 1, 1
}

// Connection is one synapse.
type Connection struct {
	Source int // element of the source, not of the view
	Target int // neuron
	Weight int // index into the weights
}

// Connections returns all connections of synapses onto a population of the given dims, neuron by neuron, and those of a neuron in the
// order of the view's elements. An element that the view repeats may be connected with a neuron more than once: it then has the sum
// of the weights.
func Connections(s *schema.Synapses, dims []int) iter.Seq[Connection] {
	return func(yield func(Connection) bool) {
		element := Elements(s.View)
		switch s.Kind {
		case schema.Dense:
			for target := range Size(dims) {
				for i, source := range element {
					if !yield(Connection{source, target, target*len(element) + i}) {
						return
					}
				}
			}
			return
		case schema.Same:
			for target, source := range element {
				if !yield(Connection{source, target, 0}) {
					return
				}
			}
			return
		}
		channels, height, width := maps(s.View.Dims)
		outs, rows, cols := maps(dims)
		k := s.Kernel
		for o := range outs {
			for y := range rows {
				for x := range cols {
					for c := range channels {
						if s.Kind == schema.Pool && c != o {
							continue
						}
						top, bottom := reach(s, y, height)
						left, right := reach(s, x, width)
						for i := top; i < bottom; i++ {
							for j := left; j < right; j++ {
								weight := 0
								switch a, b := tap(s, i, y), tap(s, j, x); s.Kind {
								case schema.Conv:
									weight = ((o*channels+c)*k+a)*k + b
								case schema.Deconv:
									weight = ((c*outs+o)*k+a)*k + b
								}
								if !yield(Connection{element[(c*height+i)*width+j], (o*rows+y)*cols + x, weight}) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// reach returns which places of one side of the view, of so many, a neuron at a place is connected with: from from to below to.
func reach(s *schema.Synapses, at, places int) (from, to int) {
	if s.Kind == schema.Deconv { // at = i * stride + a - pad with 0 <= a < kernel
		from = max(0, ceil(at+s.Pad-s.Kernel+1, s.Stride))
		return from, max(from, min(places, (at+s.Pad)/s.Stride+1))
	}
	from = max(0, at*s.Stride-s.Pad) // i = at * stride + a - pad
	return from, max(from, min(places, at*s.Stride-s.Pad+s.Kernel))
}

// ceil returns a / b rounded up, for b > 0.
func ceil(a, b int) int {
	if a <= 0 {
		return -(-a / b)
	}
	return (a + b - 1) / b
}

// tap returns the row or column of the kernel by which place i of the view is connected with the neuron at a place.
func tap(s *schema.Synapses, i, at int) int {
	if s.Kind == schema.Deconv {
		return at + s.Pad - i*s.Stride
	}
	return i + s.Pad - at*s.Stride
}

// FanIn returns how many connections of synapses each neuron of a population of the given dims has. It takes time in proportion to
// the neurons.
func FanIn(s *schema.Synapses, dims []int) []int {
	out := make([]int, Size(dims))
	each := 1 // of Same
	switch s.Kind {
	case schema.Dense:
		each = Size(s.View.Dims)
	case schema.Conv, schema.Deconv, schema.Pool:
		channels, height, width := maps(s.View.Dims)
		if s.Kind == schema.Pool {
			channels = 1
		}
		outs, rows, cols := maps(dims)
		high, wide := spans(s, rows, height), spans(s, cols, width)
		for o := range outs {
			for y := range rows {
				for x := range cols {
					out[(o*rows+y)*cols+x] = channels * high[y] * wide[x]
				}
			}
		}
		return out
	}
	for i := range out {
		out[i] = each
	}
	return out
}

// spans returns for each neuron of one side how many places of the view it is connected with.
func spans(s *schema.Synapses, neurons, places int) []int {
	out := make([]int, neurons)
	for at := range out {
		from, to := reach(s, at, places)
		out[at] = to - from
	}
	return out
}

// hits returns for each place of one side of the view how many neurons it is connected with.
func hits(s *schema.Synapses, neurons, places int) []int {
	change := make([]int, places+1)
	for at := range neurons {
		from, to := reach(s, at, places)
		if from < to {
			change[from]++
			change[to]--
		}
	}
	for i := 1; i < places; i++ {
		change[i] += change[i-1]
	}
	return change[:places]
}

// FanOut returns how many connections of synapses onto a population of the given dims each of the source's elements has, of which there
// are so many. It takes time in proportion to the elements of the view.
func FanOut(s *schema.Synapses, dims []int, elements int) []int {
	out := make([]int, elements)
	view := Elements(s.View)
	switch s.Kind {
	case schema.Dense, schema.Same:
		each := 1
		if s.Kind == schema.Dense {
			each = Size(dims)
		}
		for _, i := range view {
			out[i] += each
		}
		return out
	}
	channels, height, width := maps(s.View.Dims)
	outs, rows, cols := maps(dims)
	if s.Kind == schema.Pool {
		outs = 1
	}
	high, wide := hits(s, rows, height), hits(s, cols, width)
	for c := range channels {
		for y := range height {
			for x := range width {
				out[view[(c*height+y)*width+x]] += outs * high[y] * wide[x]
			}
		}
	}
	return out
}

// Count returns how many connections synapses onto a population of the given dims have.
func Count(s *schema.Synapses, dims []int) int {
	switch s.Kind {
	case schema.Dense:
		return Size(dims) * Size(s.View.Dims)
	case schema.Same:
		return Size(dims)
	}
	n := 0
	for _, k := range FanIn(s, dims) {
		n += k
	}
	return n
}

// Weights returns the numbers of a tensor.
type Weights = func(schema.Tensor) []float32

// In returns the tensors that lie in an arena, given as its numbers.
func In(arena []float32) Weights {
	return func(t schema.Tensor) []float32 { return arena[t.Offset/4:][:Size(t.Dims)] }
}
