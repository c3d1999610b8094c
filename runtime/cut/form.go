package cut

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// form is a value as sums of weighted spikes and of what is the same at all time steps. Its elements, in row-major order of dims, are
// cut along the first dim into parts.
type form struct {
	dims  []int
	parts []part
	why   string // where it is no such sum
}

// part is some of the elements along the first dim.
type part struct {
	extent   int // so many
	terms    []term
	constant *constant
}

// term is spikes times weights: synapses before anything is folded into a population.
type term struct {
	from    base
	kind    schema.SynapseKind
	view    schema.View
	kernel  int
	stride  int
	pad     int
	dims    []int // of the outcome: those in which the weights count, which may have been reshaped since
	weights *weights
	nodes   []*graph.Node // products that have gone into the weights
}

// base is where spikes come from: a population, or a value that the host computes where that is negative.
type base struct {
	population int
	host       graph.Value
}

// weights are numbers that are computed when somebody wants them, once.
type weights struct {
	dims []int
	make func() ([]float64, error)
	data []float64
	err  error
}

func (w *weights) get() ([]float64, error) {
	if w.make != nil {
		w.data, w.err = w.make()
		w.make = nil
	}
	return w.data, w.err
}

// maxRepeat bounds windows, and how often rows and columns are repeated, as package circuit does.
const maxRepeat = 1 << 20

// maxTerms bounds the sources of one population, and maxParts the populations of one equation.
const (
	maxTerms = 64
	maxParts = 64
)

func no(format string, args ...any) *form { return &form{why: fmt.Sprintf(format, args...)} }

// lead and inner are the first dim, and the product of the others.
func lead(dims []int) int {
	if len(dims) == 0 {
		return 1
	}
	return dims[0]
}

func inner(dims []int) int { return size(dims) / lead(dims) }

func size(dims []int) int { return graph.Type{Dims: dims}.Size() }

// shape is dims as circuits have them: maps, or elements in a row.
func shape(dims []int) []int {
	if len(dims) == 3 {
		return slices.Clone(dims)
	}
	return []int{size(dims)}
}

// still is the form of what is the same at all time steps.
func still(dims []int, k *constant) *form {
	return &form{dims: dims, parts: []part{{extent: lead(dims), constant: k}}}
}

// spikes is the form of spikes of a base.
func spikes(dims []int, from base) *form {
	return &form{dims: dims, parts: []part{{extent: lead(dims), terms: []term{same1(from, dims)}}}}
}

func same1(from base, dims []int) term {
	d := shape(dims)
	return term{from: from, kind: schema.Same, view: schema.View{From: d, Dims: d}, dims: d, weights: &weights{dims: []int{1}, data: []float64{1}}}
}

func plain(v schema.View) bool { return v.Tall <= 1 && v.Wide <= 1 }

// restrict returns the term of the elements from lo on, up to hi; not ok where its weights do not come apart there.
func (t term) restrict(lo, hi int) (term, bool) {
	if lo == 0 && hi == size(t.dims) {
		return t, true
	}
	w := t.weights
	if t.kind == schema.Dense {
		columns := w.dims[1]
		t.dims = []int{hi - lo}
		t.weights = &weights{dims: []int{hi - lo, columns}, make: func() ([]float64, error) {
			x, err := w.get()
			if err != nil {
				return nil, err
			}
			return x[lo*columns : hi*columns], nil
		}}
		return t, true
	}
	if t.kind == schema.Same && plain(t.view) {
		d := []int{hi - lo}
		if hw := inner(t.dims); len(t.dims) == 3 && lo%hw == 0 && hi%hw == 0 {
			d = []int{(hi - lo) / hw, t.dims[1], t.dims[2]}
		}
		t.view.Offset, t.view.From, t.view.Dims, t.dims = t.view.Offset+lo, d, d, d
		return t, true
	}
	hw := inner(t.dims)
	if len(t.dims) != 3 || lo%hw != 0 || hi%hw != 0 {
		return t, false
	}
	lo, hi = lo/hw, hi/hw // channels
	t.dims = []int{hi - lo, t.dims[1], t.dims[2]}
	switch t.kind {
	case schema.Same, schema.Pool:
		if len(t.view.Dims) != 3 {
			return t, false
		}
		f := t.view.From
		t.view.Offset += lo * f[1] * f[2]
		t.view.From, t.view.Dims = []int{hi - lo, f[1], f[2]}, []int{hi - lo, t.view.Dims[1], t.view.Dims[2]}
	case schema.Conv:
		t.weights = w.cut(0, lo, hi)
	case schema.Deconv:
		t.weights = w.cut(1, lo, hi)
	}
	return t, true
}

// cut returns the weights of a range along a dim.
func (w *weights) cut(dim, lo, hi int) *weights {
	if lo == 0 && hi == w.dims[dim] {
		return w
	}
	dims := slices.Clone(w.dims)
	dims[dim] = hi - lo
	return &weights{dims: dims, make: func() ([]float64, error) {
		x, err := w.get()
		if err != nil {
			return nil, err
		}
		outer, rest := size(w.dims[:dim]), size(w.dims[dim+1:])
		out := make([]float64, 0, size(dims))
		for o := range outer {
			out = append(out, x[(o*w.dims[dim]+lo)*rest:(o*w.dims[dim]+hi)*rest]...)
		}
		return out, nil
	}}
}

// split cuts a form along its first dim at the given places as well.
func (f *form) split(at []int) *form {
	out := &form{dims: f.dims}
	from, in := 0, inner(f.dims)
	for _, p := range f.parts {
		to := from + p.extent
		low := from
		for _, cut := range append(slices.Clone(at), to) {
			if cut <= low || cut > to {
				continue
			}
			q := part{extent: cut - low, constant: p.constant}
			if q.extent < p.extent {
				q.constant = p.constant.slice(low-from, cut-from)
			}
			for _, t := range p.terms {
				t, ok := t.restrict((low-from)*in, (cut-from)*in)
				if !ok {
					return no("channels that its weights do not keep apart go different ways")
				}
				q.terms = append(q.terms, t)
			}
			out.parts = append(out.parts, q)
			low = cut
		}
		from = to
	}
	if len(out.parts) > maxParts {
		return no("it is joined from more than %d values", maxParts)
	}
	return out
}

// cuts returns where the parts end.
func (f *form) cuts() []int {
	var at []int
	end := 0
	for _, p := range f.parts {
		end += p.extent
		at = append(at, end)
	}
	return at
}

// whole returns a form that has terms at dims; one of a constant that is repeated gets them.
func (f *form) whole(dims []int) *form {
	if slices.Equal(f.dims, dims) {
		return f
	}
	if slices.ContainsFunc(f.parts, func(p part) bool { return len(p.terms) > 0 }) {
		return no("it takes a value that is repeated")
	}
	return still(dims, f.joined())
}

// plus adds forms as a node does, the second one times sign.
func (c *finder) plus(n *graph.Node, f, g *form, sign float64) *form {
	dims := n.Out[0].Dims
	f, g = f.whole(dims), g.whole(dims)
	for _, x := range []*form{f, g} {
		if x.why != "" {
			return x
		}
	}
	at := slices.Concat(f.cuts(), g.cuts())
	slices.Sort(at)
	at = slices.Compact(at)
	if f, g = f.split(at), g.split(at); f.why != "" || g.why != "" {
		return no("%s", f.why+g.why)
	}
	out := &form{dims: dims}
	for i, p := range f.parts {
		q := g.parts[i]
		sum := part{extent: p.extent, terms: slices.Clone(p.terms), constant: p.constant.plus(q.constant, n, sign)}
		for _, t := range q.terms {
			if sign < 0 {
				t.weights = c.times(t.weights, func(x []float64) {
					for i := range x {
						x[i] = -x[i]
					}
				})
			}
			sum.terms = c.join(sum.terms, t)
		}
		if len(sum.terms) > maxTerms {
			return no("it adds up more than %d sources", maxTerms)
		}
		out.parts = append(out.parts, sum)
	}
	return out
}

// times returns weights that f has changed.
func (c *finder) times(w *weights, f func(x []float64)) *weights {
	return &weights{dims: w.dims, make: func() ([]float64, error) {
		x, err := w.get()
		if err == nil {
			err = c.spend(len(x))
		}
		if err != nil {
			return nil, err
		}
		x = slices.Clone(x)
		f(x)
		return x, nil
	}}
}

// join adds a term to others; one that connects as another does has weights in common with it.
func (c *finder) join(terms []term, t term) []term {
	for i, u := range terms {
		if u.from != t.from || u.kind != t.kind || u.kernel != t.kernel || u.stride != t.stride || u.pad != t.pad || !slices.Equal(u.dims, t.dims) ||
			u.view.Offset != t.view.Offset || u.view.Tall != t.view.Tall || u.view.Wide != t.view.Wide || !slices.Equal(u.view.From, t.view.From) || !slices.Equal(u.view.Dims, t.view.Dims) {
			continue
		}
		terms = slices.Clone(terms)
		w := t.weights
		terms[i].weights = &weights{dims: w.dims, make: func() ([]float64, error) {
			a, err := u.weights.get()
			if err != nil {
				return nil, err
			}
			b, err := w.get()
			if err == nil {
				err = c.spend(len(b))
			}
			if err != nil {
				return nil, err
			}
			out := slices.Clone(a)
			for i, v := range b {
				out[i] += v
			}
			return out, nil
		}}
		terms[i].nodes = union(u.nodes, t.nodes)
		return terms
	}
	return append(terms, t)
}

func union(a, b []*graph.Node) []*graph.Node {
	out := slices.Clone(a)
	for _, n := range b {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// scale multiplies a form by a value that follows from variables, or divides it, as a node does.
func (c *finder) scale(n *graph.Node, f *form, by graph.Value) *form {
	dims, divide := n.Out[0].Dims, n.Op == graph.OpDiv
	if f = f.whole(dims); f.why != "" {
		return f
	}
	factor := by.Type()
	// numbers returns the factors of some elements along the first dim, one for each channel or for each element.
	single, channel := factor.Size() == 1, factor.Size() == lead(factor.Dims) && lead(factor.Dims) == lead(dims)
	numbers := func(lo, hi int) ([]float64, error) {
		x, err := c.numbers(by)
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
	out := &form{dims: dims}
	from, in := 0, inner(dims)
	for _, p := range f.parts {
		lo, hi := from, from+p.extent
		q := part{extent: p.extent, constant: p.constant.then(func(e *emitter, x graph.Value) graph.Value {
			return e.like(n, n.Attrs, x, e.part(e.value(by), lo, hi))[0]
		})}
		for _, t := range p.terms {
			switch {
			case single:
				t.weights = c.rows(t.weights, 1, size(t.weights.dims), func() ([]float64, error) { return numbers(0, 1) })
			case t.kind == schema.Dense && factor.Size() == size(dims):
				t.weights = c.rows(t.weights, 1, t.weights.dims[1], func() ([]float64, error) { return numbers(lo*in, hi*in) })
			case t.kind == schema.Dense && channel:
				t.weights = c.rows(t.weights, 1, in*t.weights.dims[1], func() ([]float64, error) { return numbers(lo, hi) })
			case !channel || t.dims[0] != p.extent:
				return no("a factor for each place cannot be folded into weights that all places share")
			default:
				var ok bool
				if t, ok = c.spread(t); !ok {
					return no("a factor for each of too many neurons stands between spikes and neurons")
				}
				switch w := t.weights; t.kind {
				case schema.Dense, schema.Conv:
					t.weights = c.rows(w, 1, size(w.dims[1:]), func() ([]float64, error) { return numbers(lo, hi) })
				case schema.Deconv:
					t.weights = c.rows(w, w.dims[0], size(w.dims[2:]), func() ([]float64, error) { return numbers(lo, hi) })
				}
			}
			q.terms = append(q.terms, t)
		}
		out.parts = append(out.parts, q)
		from = hi
	}
	return out
}

// rows multiplies blocks of weights, each of so many numbers, by one number after the other, so many times over.
func (c *finder) rows(w *weights, times, block int, numbers func() ([]float64, error)) *weights {
	return &weights{dims: w.dims, make: func() ([]float64, error) {
		by, err := numbers()
		if err != nil {
			return nil, err
		}
		return c.times(w, func(x []float64) {
			for k := range times {
				for i, v := range by {
					for j := range block {
						x[(k*len(by)+i)*block+j] *= v
					}
				}
			}
		}).get()
	}}
}

// spread gives a term without weights of its own, Same or Pool, weights for each pair of channels, 0 between different ones.
func (c *finder) spread(t term) (term, bool) {
	const most = 1 << 10 // channels: their weights are the square
	if t.kind != schema.Same && t.kind != schema.Pool {
		return t, true
	}
	n := t.dims[0]
	if n > most {
		return t, false
	}
	w := t.weights
	k := max(t.kernel, 1)
	dims := []int{n, n}
	if len(t.dims) == 3 {
		if len(t.view.Dims) != 3 {
			return t, false
		}
		dims = []int{n, n, k, k}
		if t.kind == schema.Same {
			t.kernel, t.stride = 1, 1
		}
		t.kind = schema.Conv
	} else {
		t.kind = schema.Dense
	}
	t.weights = &weights{dims: dims, make: func() ([]float64, error) {
		one, err := w.get()
		if err == nil {
			err = c.spend(size(dims))
		}
		if err != nil {
			return nil, err
		}
		out, block := make([]float64, size(dims)), size(dims)/n/n
		for i := range n {
			for j := range block {
				out[(i*n+i)*block+j] = one[0]
			}
		}
		return out, nil
	}}
	return t, true
}

// reshape gives a form other dims, in the same order of elements.
func (f *form) reshape(dims []int) *form {
	out := &form{dims: dims}
	for _, p := range f.parts {
		n := p.extent * inner(f.dims)
		if n%inner(dims) != 0 {
			return no("values are joined and their channels mixed")
		}
		q := part{extent: n / inner(dims)}
		was, own := f.own(p), out.own(q)
		q.constant = p.constant.then(func(e *emitter, x graph.Value) graph.Value { return e.b.Reshape(e.full(x, was), own...) })
		for _, t := range p.terms {
			if t.kind == schema.Same {
				switch d := shape(own); {
				case plain(t.view):
					t.view.From, t.view.Dims, t.dims = d, d, d
				case len(d) == 1 || slices.Equal(d, t.dims):
					t.view.Dims, t.dims = d, d
				default:
					return no("spikes are repeated and then put in another shape")
				}
			}
			q.terms = append(q.terms, t)
		}
		out.parts = append(out.parts, q)
	}
	return out
}

// repeat repeats the rows (axis 1) or columns (axis 2) of maps of spikes.
func (f *form) repeat(node *graph.Node) *form {
	axis, count, dims := node.Axis(), node.Int("count"), node.Out[0].Dims
	if len(dims) != 3 || axis != 1 && axis != 2 {
		return no("`repeat` stands between its weights and its neuron")
	}
	out := &form{dims: dims}
	for _, p := range f.parts {
		was := f.own(p)
		q := part{extent: p.extent, constant: p.constant.then(func(e *emitter, x graph.Value) graph.Value {
			return e.like(node, node.Attrs, e.full(x, was))[0]
		})}
		for _, t := range p.terms {
			if t.kind != schema.Same || len(t.dims) != 3 {
				return no("`repeat` stands between its weights and its neuron")
			}
			v := t.view
			v.Tall, v.Wide = max(v.Tall, 1), max(v.Wide, 1)
			if axis == 1 {
				v.Tall *= count
			} else {
				v.Wide *= count
			}
			if max(v.Tall, v.Wide) > maxRepeat {
				return no("it repeats spikes too often")
			}
			v.Dims = []int{p.extent, dims[1], dims[2]}
			t.view, t.dims = v, v.Dims
			q.terms = append(q.terms, t)
		}
		out.parts = append(out.parts, q)
	}
	return out
}

// pooled is the form of means, or sums, over windows of kernel x kernel side by side of f, as a node reduces them.
func (c *finder) pooled(n *graph.Node, f *form, kernel int) *form {
	dims, mean := n.Out[0].Dims, n.Text("kind") == "mean"
	out := &form{dims: dims}
	for _, p := range f.parts {
		was := f.own(p)
		q := part{extent: p.extent, constant: p.constant.then(func(e *emitter, x graph.Value) graph.Value {
			return e.like(n, n.Attrs, e.b.Reshape(e.full(x, was), was[0], dims[1], kernel, dims[2], kernel))[0]
		})}
		for _, t := range p.terms {
			if t.kind != schema.Same || len(t.dims) != 3 {
				return no("a mean over windows stands between its weights and its neuron")
			}
			t.kind, t.kernel, t.stride, t.dims = schema.Pool, kernel, kernel, []int{p.extent, dims[1], dims[2]}
			if mean {
				t.weights = c.times(t.weights, func(x []float64) { x[0] /= float64(kernel * kernel) })
			}
			q.terms = append(q.terms, t)
		}
		out.parts = append(out.parts, q)
	}
	return out
}
