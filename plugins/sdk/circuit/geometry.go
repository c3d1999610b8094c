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

// Map is dims as those of maps. Elements are counted channel by channel and row by row.
type Map struct{ Channels, Height, Width int }

// MapOf returns dims as those of maps: [n] is n channels of one place.
func MapOf(dims []int) Map {
	if len(dims) == 3 {
		return Map{dims[0], dims[1], dims[2]}
	}
	return Map{dims[0], 1, 1}
}

// Size returns how many elements there are.
func (m Map) Size() int { return m.Channels * m.Height * m.Width }

// At returns which element lies in a channel, row and column.
func (m Map) At(channel, row, col int) int { return (channel*m.Height+row)*m.Width + col }

// Place returns where an element lies.
func (m Map) Place(element int) (channel, row, col int) {
	return element / (m.Height * m.Width), element / m.Width % m.Height, element % m.Width
}

// Elements returns for each element of a view, in the order of its Dims, which element of the source it is. Where rows or columns are
// repeated, several are the same.
func Elements(v schema.View) []int {
	from := MapOf(v.From)
	tall, wide := max(v.Tall, 1), max(v.Wide, 1)
	out := make([]int, 0, from.Size()*tall*wide)
	for c := range from.Channels {
		for y := range from.Height * tall {
			for x := range from.Width * wide {
				out = append(out, v.Offset+from.At(c, y/tall, x/wide))
			}
		}
	}
	return out
}

// Geometry is how synapses connect a view with neurons. All kinds are convolutions, which differ in the channels that they join and in
// where the weights lie: Same is a Pool of one place, and Dense the transposed convolution of a view of one place with a kernel as
// large as the neurons' map.
type Geometry struct {
	Kind       schema.SynapseKind
	View       Map // of Dense: a channel for each element; of Same: as Neurons
	Neurons    Map
	Rows, Cols Axis
}

// GeometryOf returns that of synapses onto a population of the given dims.
func GeometryOf(s *schema.Synapses, dims []int) Geometry {
	g := Geometry{Kind: s.Kind, View: MapOf(s.View.Dims), Neurons: MapOf(dims)}
	x := Axis{Transposed: s.Kind == schema.Deconv, Kernel: s.Kernel, Stride: s.Stride, Pad: s.Pad}
	g.Rows, g.Cols = x, x
	switch s.Kind {
	case schema.Dense:
		g.View = Map{Size(s.View.Dims), 1, 1}
		g.Rows = Axis{Transposed: true, Kernel: g.Neurons.Height, Stride: 1}
		g.Cols = Axis{Transposed: true, Kernel: g.Neurons.Width, Stride: 1}
	case schema.Same:
		g.View = g.Neurons
		g.Rows = Axis{Kernel: 1, Stride: 1}
		g.Cols = g.Rows
	}
	g.Rows.In, g.Rows.Out = g.View.Height, g.Neurons.Height
	g.Cols.In, g.Cols.Out = g.View.Width, g.Neurons.Width
	return g
}

// Channelled reports whether a neuron takes in the view's channel of its own number alone, and not all channels.
func (g *Geometry) Channelled() bool { return g.Kind == schema.Same || g.Kind == schema.Pool }

// Channels returns the channels of the view that the neurons of one channel take in.
func (g *Geometry) Channels(out int) Span {
	if g.Channelled() {
		return One(out)
	}
	return Span{0, g.View.Channels}
}

// Weight returns which weight connects a channel of the view with a channel of neurons by a place of the kernel, see Axis.Tap.
func (g *Geometry) Weight(in, out, row, col int) int {
	switch g.Kind {
	case schema.Dense:
		return g.Neurons.At(out, row, col)*g.View.Channels + in
	case schema.Conv:
		return ((out*g.View.Channels+in)*g.Rows.Kernel+row)*g.Cols.Kernel + col
	case schema.Deconv:
		return ((in*g.Neurons.Channels+out)*g.Rows.Kernel+row)*g.Cols.Kernel + col
	}
	return 0
}

// Onto returns the elements of the view that a neuron takes in, in their order, and the weight of each.
func (g *Geometry) Onto(neuron int) iter.Seq2[int, int] {
	return func(yield func(element, weight int) bool) {
		out, y, x := g.Neurons.Place(neuron)
		channels, rows, cols := g.Channels(out), g.Rows.Inputs(y), g.Cols.Inputs(x)
		for in := channels.From; in < channels.To; in++ {
			for i := rows.From; i < rows.To; i++ {
				for j := cols.From; j < cols.To; j++ {
					if !yield(g.View.At(in, i, j), g.Weight(in, out, g.Rows.Tap(i, y), g.Cols.Tap(j, x))) {
						return
					}
				}
			}
		}
	}
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
		g, source := GeometryOf(s, dims), Elements(s.View)
		for target := range g.Neurons.Size() {
			for element, weight := range g.Onto(target) {
				if !yield(Connection{source[element], target, weight}) {
					return
				}
			}
		}
	}
}

// FanIn returns how many connections of synapses each neuron of a population of the given dims has. It takes time in proportion to
// the neurons.
func FanIn(s *schema.Synapses, dims []int) []int {
	g := GeometryOf(s, dims)
	channels := g.Channels(0).Len()
	out := make([]int, 0, g.Neurons.Size())
	for range g.Neurons.Channels {
		for y := range g.Neurons.Height {
			for x := range g.Neurons.Width {
				out = append(out, channels*g.Rows.Inputs(y).Len()*g.Cols.Inputs(x).Len())
			}
		}
	}
	return out
}

// FanOut returns how many connections of synapses onto a population of the given dims each of the source's elements has, of which there
// are so many. It takes time in proportion to the elements of the view.
func FanOut(s *schema.Synapses, dims []int, elements int) []int {
	g := GeometryOf(s, dims)
	channels := g.Neurons.Channels
	if g.Channelled() {
		channels = 1
	}
	out := make([]int, elements)
	for element, source := range Elements(s.View) {
		_, y, x := g.View.Place(element)
		out[source] += channels * g.Rows.Outputs(y).Len() * g.Cols.Outputs(x).Len()
	}
	return out
}

// Count returns how many connections synapses onto a population of the given dims have.
func Count(s *schema.Synapses, dims []int) int {
	g := GeometryOf(s, dims)
	rows, _ := g.Rows.Connections()
	cols, _ := g.Cols.Connections()
	return g.Neurons.Channels * g.Channels(0).Len() * rows * cols
}

// WeightDims returns the dims that the weights of synapses onto a population of the given dims have.
func WeightDims(s *schema.Synapses, dims []int) []int {
	in := s.View.Dims
	switch s.Kind {
	case schema.Dense:
		return []int{Size(dims), Size(in)}
	case schema.Conv:
		return []int{dims[0], in[0], s.Kernel, s.Kernel}
	case schema.Deconv:
		return []int{in[0], dims[0], s.Kernel, s.Kernel}
	}
	return []int{1}
}

// Weights returns the numbers of a tensor.
type Weights = func(schema.Tensor) []float32

// In returns the tensors that lie in an arena, given as its numbers.
func In(arena []float32) Weights {
	return func(t schema.Tensor) []float32 { return arena[t.Offset/4:][:Size(t.Dims)] }
}
