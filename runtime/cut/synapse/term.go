package synapse

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Term is spikes times weights: synapses before anything is folded into a population.
type Term struct {
	From    Base
	Kind    schema.SynapseKind
	View    schema.View
	Kernel  int
	Stride  int
	Pad     int
	Dims    []int // of the outcome: those in which the weights count, which may have been reshaped since
	Weights *Weights
	Nodes   []*graph.Node // products that have gone into the weights
}

// Base is where spikes come from: a population, or a value that the host computes where that is negative.
type Base struct {
	Population int
	Host       graph.Value
}

// maxRepeat bounds windows, and how often rows and columns are repeated, as package circuit does.
const maxRepeat = 1 << 20

// Same is the term of spikes themselves.
func Same(from Base, dims []int) Term {
	d := Shape(dims)
	return Term{From: from, Kind: schema.Same, View: schema.View{From: d, Dims: d}, Dims: d, Weights: &Weights{Dims: []int{1}, data: []float64{1}}}
}

func plain(v schema.View) bool { return v.Tall <= 1 && v.Wide <= 1 }

// Plain reports whether a term of kind Same has the weight 1.
func Plain(t Term) bool {
	return t.Weights.make == nil && len(t.Weights.data) == 1 && t.Weights.data[0] == 1
}

// restrict returns the term of the elements from lo on, up to hi; not ok where its weights do not come apart there.
func (t Term) restrict(lo, hi int) (Term, bool) {
	if lo == 0 && hi == Size(t.Dims) {
		return t, true
	}
	w := t.Weights
	if t.Kind == schema.Dense {
		columns := w.Dims[1]
		t.Dims = []int{hi - lo}
		t.Weights = &Weights{Dims: []int{hi - lo, columns}, make: func() ([]float64, error) {
			x, err := w.Get()
			if err != nil {
				return nil, err
			}
			return x[lo*columns : hi*columns], nil
		}}
		return t, true
	}
	if t.Kind == schema.Same && plain(t.View) {
		d := []int{hi - lo}
		if hw := Inner(t.Dims); len(t.Dims) == 3 && lo%hw == 0 && hi%hw == 0 {
			d = []int{(hi - lo) / hw, t.Dims[1], t.Dims[2]}
		}
		t.View.Offset, t.View.From, t.View.Dims, t.Dims = t.View.Offset+lo, d, d, d
		return t, true
	}
	hw := Inner(t.Dims)
	if len(t.Dims) != 3 || lo%hw != 0 || hi%hw != 0 {
		return t, false
	}
	lo, hi = lo/hw, hi/hw // channels
	t.Dims = []int{hi - lo, t.Dims[1], t.Dims[2]}
	switch t.Kind {
	case schema.Same, schema.Pool:
		if len(t.View.Dims) != 3 {
			return t, false
		}
		f := t.View.From
		t.View.Offset += lo * f[1] * f[2]
		t.View.From, t.View.Dims = []int{hi - lo, f[1], f[2]}, []int{hi - lo, t.View.Dims[1], t.View.Dims[2]}
	case schema.Conv:
		t.Weights = w.cut(0, lo, hi)
	case schema.Deconv:
		t.Weights = w.cut(1, lo, hi)
	}
	return t, true
}

// join adds a term to others; one that connects as another does has weights in common with it.
func (c Fold) join(terms []Term, t Term) []Term {
	for i, u := range terms {
		if u.From != t.From || u.Kind != t.Kind || u.Kernel != t.Kernel || u.Stride != t.Stride || u.Pad != t.Pad || !slices.Equal(u.Dims, t.Dims) ||
			u.View.Offset != t.View.Offset || u.View.Tall != t.View.Tall || u.View.Wide != t.View.Wide || !slices.Equal(u.View.From, t.View.From) || !slices.Equal(u.View.Dims, t.View.Dims) {
			continue
		}
		terms = slices.Clone(terms)
		w := t.Weights
		terms[i].Weights = &Weights{Dims: w.Dims, make: func() ([]float64, error) {
			a, err := u.Weights.Get()
			if err != nil {
				return nil, err
			}
			b, err := w.Get()
			if err == nil {
				err = c.Spend(len(b))
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
		terms[i].Nodes = Union(u.Nodes, t.Nodes)
		return terms
	}
	return append(terms, t)
}

func Union(a, b []*graph.Node) []*graph.Node {
	out := slices.Clone(a)
	for _, n := range b {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// spread gives a term without weights of its own, Same or Pool, weights for each pair of channels, 0 between different ones.
func (c Fold) spread(t Term) (Term, bool) {
	const most = 1 << 10 // channels: their weights are the square
	if t.Kind != schema.Same && t.Kind != schema.Pool {
		return t, true
	}
	n := t.Dims[0]
	if n > most {
		return t, false
	}
	w := t.Weights
	k := max(t.Kernel, 1)
	dims := []int{n, n}
	if len(t.Dims) == 3 {
		if len(t.View.Dims) != 3 {
			return t, false
		}
		dims = []int{n, n, k, k}
		if t.Kind == schema.Same {
			t.Kernel, t.Stride = 1, 1
		}
		t.Kind = schema.Conv
	} else {
		t.Kind = schema.Dense
	}
	t.Weights = &Weights{Dims: dims, make: func() ([]float64, error) {
		one, err := w.Get()
		if err == nil {
			err = c.Spend(Size(dims))
		}
		if err != nil {
			return nil, err
		}
		out, block := make([]float64, Size(dims)), Size(dims)/n/n
		for i := range n {
			for j := range block {
				out[(i*n+i)*block+j] = one[0]
			}
		}
		return out, nil
	}}
	return t, true
}
