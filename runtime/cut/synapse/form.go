package synapse

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Form is a value as sums of weighted spikes and of what is the same at all time steps. Its elements, in row-major order of dims, are
// cut along the first dim into parts.
type Form struct {
	Dims  []int
	Parts []Part
	Why   string // where it is no such sum
}

// Part is some of the elements along the first dim.
type Part struct {
	Extent   int // so many
	Terms    []Term
	Constant *Constant
}

// maxTerms bounds the sources of one population, and maxParts the populations of one equation.
const (
	maxTerms = 64
	maxParts = 64
)

func No(format string, args ...any) *Form { return &Form{Why: fmt.Sprintf(format, args...)} }

// Lead and inner are the first dim, and the product of the others.
func Lead(dims []int) int {
	if len(dims) == 0 {
		return 1
	}
	return dims[0]
}

func Inner(dims []int) int { return Size(dims) / Lead(dims) }

func Size(dims []int) int { return graph.Type{Dims: dims}.Size() }

// Shape is dims as circuits have them: maps, or elements in a row.
func Shape(dims []int) []int {
	if len(dims) == 3 {
		return slices.Clone(dims)
	}
	return []int{Size(dims)}
}

// Still is the form of what is the same at all time steps.
func Still(dims []int, k *Constant) *Form {
	return &Form{Dims: dims, Parts: []Part{{Extent: Lead(dims), Constant: k}}}
}

// Spikes is the form of spikes of a base.
func Spikes(dims []int, from Base) *Form {
	return &Form{Dims: dims, Parts: []Part{{Extent: Lead(dims), Terms: []Term{Same(from, dims)}}}}
}

// Own is the dims of a part of a form.
func (f *Form) Own(p Part) []int {
	dims := slices.Clone(f.Dims)
	if len(dims) > 0 {
		dims[0] = p.Extent
	}
	return dims
}

// Joined is forms behind one another along the first dim.
func Joined(dims []int, forms []*Form) *Form {
	out := &Form{Dims: dims}
	for _, f := range forms {
		out.Parts = append(out.Parts, f.Parts...)
	}
	if len(out.Parts) > maxParts {
		return No("it is joined from more than %d values", maxParts)
	}
	return out
}

// split cuts a form along its first dim at the given places as well.
func (f *Form) split(at []int) *Form {
	out := &Form{Dims: f.Dims}
	from, in := 0, Inner(f.Dims)
	for _, p := range f.Parts {
		to := from + p.Extent
		low := from
		for _, cut := range append(slices.Clone(at), to) {
			if cut <= low || cut > to {
				continue
			}
			q := Part{Extent: cut - low, Constant: p.Constant}
			if q.Extent < p.Extent {
				q.Constant = p.Constant.slice(low-from, cut-from)
			}
			for _, t := range p.Terms {
				t, ok := t.restrict((low-from)*in, (cut-from)*in)
				if !ok {
					return No("channels that its weights do not keep apart go different ways")
				}
				q.Terms = append(q.Terms, t)
			}
			out.Parts = append(out.Parts, q)
			low = cut
		}
		from = to
	}
	if len(out.Parts) > maxParts {
		return No("it is joined from more than %d values", maxParts)
	}
	return out
}

// cuts returns where the parts end.
func (f *Form) cuts() []int {
	var at []int
	end := 0
	for _, p := range f.Parts {
		end += p.Extent
		at = append(at, end)
	}
	return at
}

// whole returns a form that has terms at dims; one of a constant that is repeated gets them.
func (f *Form) whole(dims []int) *Form {
	if slices.Equal(f.Dims, dims) {
		return f
	}
	if slices.ContainsFunc(f.Parts, func(p Part) bool { return len(p.Terms) > 0 }) {
		return No("it takes a value that is repeated")
	}
	return Still(dims, f.joined())
}

// Slice returns a range along the first dim.
func (f *Form) Slice(lo, hi int, dims []int) *Form {
	if f = f.split([]int{lo, hi}); f.Why != "" {
		return f
	}
	out := &Form{Dims: dims}
	from := 0
	for _, p := range f.Parts {
		if from >= lo && from < hi {
			out.Parts = append(out.Parts, p)
		}
		from += p.Extent
	}
	return out
}

// Plus adds forms as a node does, the second one times sign.
func (c Fold) Plus(n *graph.Node, f, g *Form, sign float64) *Form {
	dims := n.Out[0].Dims
	f, g = f.whole(dims), g.whole(dims)
	for _, x := range []*Form{f, g} {
		if x.Why != "" {
			return x
		}
	}
	at := slices.Concat(f.cuts(), g.cuts())
	slices.Sort(at)
	at = slices.Compact(at)
	if f, g = f.split(at), g.split(at); f.Why != "" || g.Why != "" {
		return No("%s", f.Why+g.Why)
	}
	out := &Form{Dims: dims}
	for i, p := range f.Parts {
		q := g.Parts[i]
		sum := Part{Extent: p.Extent, Terms: slices.Clone(p.Terms), Constant: p.Constant.plus(q.Constant, n, sign)}
		for _, t := range q.Terms {
			if sign < 0 {
				t.Weights = c.times(t.Weights, func(x []float64) {
					for i := range x {
						x[i] = -x[i]
					}
				})
			}
			sum.Terms = c.join(sum.Terms, t)
		}
		if len(sum.Terms) > maxTerms {
			return No("it adds up more than %d sources", maxTerms)
		}
		out.Parts = append(out.Parts, sum)
	}
	return out
}

// Scale multiplies a form by a value that follows from variables, or divides it, as a node does.
func (c Fold) Scale(n *graph.Node, f *Form, by graph.Value) *Form {
	dims, divide := n.Out[0].Dims, n.Op == graph.OpDiv
	if f = f.whole(dims); f.Why != "" {
		return f
	}
	factor := by.Type()
	// numbers returns the factors of some elements along the first dim, one for each channel or for each element.
	single, channel := factor.Size() == 1, factor.Size() == Lead(factor.Dims) && Lead(factor.Dims) == Lead(dims)
	numbers := func(lo, hi int) ([]float64, error) {
		x, err := c.Numbers(by)
		if err != nil {
			return nil, err
		}
		if divide {
			x = slices.Clone(x)
			for i, v := range x {
				x[i] = 1 / v
			}
		}
		if single {
			return x, nil
		}
		return x[lo:hi], nil
	}
	out := &Form{Dims: dims}
	from, in := 0, Inner(dims)
	for _, p := range f.Parts {
		lo, hi := from, from+p.Extent
		q := Part{Extent: p.Extent, Constant: p.Constant.then(func(g Graph, x graph.Value) graph.Value {
			return g.Like(n, n.Attrs, x, part(g.Builder(), g.Value(by), lo, hi))[0]
		})}
		for _, t := range p.Terms {
			switch {
			case single:
				t.Weights = c.rows(t.Weights, 1, Size(t.Weights.Dims), func() ([]float64, error) { return numbers(0, 1) })
			case t.Kind == schema.Dense && factor.Size() == Size(dims):
				t.Weights = c.rows(t.Weights, 1, t.Weights.Dims[1], func() ([]float64, error) { return numbers(lo*in, hi*in) })
			case t.Kind == schema.Dense && channel:
				t.Weights = c.rows(t.Weights, 1, in*t.Weights.Dims[1], func() ([]float64, error) { return numbers(lo, hi) })
			case !channel || t.Dims[0] != p.Extent:
				return No("a factor for each place cannot be folded into weights that all places share")
			default:
				var ok bool
				if t, ok = c.spread(t); !ok {
					return No("a factor for each of too many neurons stands between spikes and neurons")
				}
				switch w := t.Weights; t.Kind {
				case schema.Dense, schema.Conv:
					t.Weights = c.rows(w, 1, Size(w.Dims[1:]), func() ([]float64, error) { return numbers(lo, hi) })
				case schema.Deconv:
					t.Weights = c.rows(w, w.Dims[0], Size(w.Dims[2:]), func() ([]float64, error) { return numbers(lo, hi) })
				}
			}
			q.Terms = append(q.Terms, t)
		}
		out.Parts = append(out.Parts, q)
		from = hi
	}
	return out
}

// Reshape gives a form other dims, in the same order of elements.
func (f *Form) Reshape(dims []int) *Form {
	out := &Form{Dims: dims}
	for _, p := range f.Parts {
		n := p.Extent * Inner(f.Dims)
		if n%Inner(dims) != 0 {
			return No("values are joined and their channels mixed")
		}
		q := Part{Extent: n / Inner(dims)}
		was, own := f.Own(p), out.Own(q)
		q.Constant = p.Constant.then(func(g Graph, x graph.Value) graph.Value { return g.Builder().Reshape(g.Full(x, was), own...) })
		for _, t := range p.Terms {
			if t.Kind == schema.Same {
				switch d := Shape(own); {
				case plain(t.View):
					t.View.From, t.View.Dims, t.Dims = d, d, d
				case len(d) == 1 || slices.Equal(d, t.Dims):
					t.View.Dims, t.Dims = d, d
				default:
					return No("spikes are repeated and then put in another shape")
				}
			}
			q.Terms = append(q.Terms, t)
		}
		out.Parts = append(out.Parts, q)
	}
	return out
}

// Repeat repeats the rows (axis 1) or columns (axis 2) of maps of spikes.
func (f *Form) Repeat(node *graph.Node) *Form {
	axis, count, dims := node.Axis(), node.Int("count"), node.Out[0].Dims
	if len(dims) != 3 || axis != 1 && axis != 2 {
		return No("`repeat` stands between its weights and its neuron")
	}
	out := &Form{Dims: dims}
	for _, p := range f.Parts {
		was := f.Own(p)
		q := Part{Extent: p.Extent, Constant: p.Constant.then(func(g Graph, x graph.Value) graph.Value {
			return g.Like(node, node.Attrs, g.Full(x, was))[0]
		})}
		for _, t := range p.Terms {
			if t.Kind != schema.Same || len(t.Dims) != 3 {
				return No("`repeat` stands between its weights and its neuron")
			}
			v := t.View
			v.Tall, v.Wide = max(v.Tall, 1), max(v.Wide, 1)
			if axis == 1 {
				v.Tall *= count
			} else {
				v.Wide *= count
			}
			if max(v.Tall, v.Wide) > maxRepeat {
				return No("it repeats spikes too often")
			}
			v.Dims = []int{p.Extent, dims[1], dims[2]}
			t.View, t.Dims = v, v.Dims
			q.Terms = append(q.Terms, t)
		}
		out.Parts = append(out.Parts, q)
	}
	return out
}

// Pooled is the form of means, or sums, over windows of kernel x kernel side by side of f, as a node reduces them.
func (c Fold) Pooled(n *graph.Node, f *Form, kernel int) *Form {
	dims, mean := n.Out[0].Dims, n.Text("kind") == "mean"
	out := &Form{Dims: dims}
	for _, p := range f.Parts {
		was := f.Own(p)
		q := Part{Extent: p.Extent, Constant: p.Constant.then(func(g Graph, x graph.Value) graph.Value {
			return g.Like(n, n.Attrs, g.Builder().Reshape(g.Full(x, was), was[0], dims[1], kernel, dims[2], kernel))[0]
		})}
		for _, t := range p.Terms {
			if t.Kind != schema.Same || len(t.Dims) != 3 {
				return No("a mean over windows stands between its weights and its neuron")
			}
			t.Kind, t.Kernel, t.Stride, t.Dims = schema.Pool, kernel, kernel, []int{p.Extent, dims[1], dims[2]}
			if mean {
				t.Weights = c.times(t.Weights, func(x []float64) { x[0] /= float64(kernel * kernel) })
			}
			q.Terms = append(q.Terms, t)
		}
		out.Parts = append(out.Parts, q)
	}
	return out
}
