package synapse

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Product is the form of a convolution, its transpose or a matrix of a form.
func (c Fold) Product(n *graph.Node, f *Form) *Form {
	w, out := n.In[1], n.Out[0]
	switch {
	case w.Type().Steps > 0:
		return No("its weights change from step to step")
	case n.Op == graph.OpMatmul && len(f.Dims) != 1:
		return No("it multiplies matrices")
	case f.Why != "":
		return f
	case max(n.Int("stride"), n.Int("pad"), w.Type().Dims[len(w.Type().Dims)-1]) > maxRepeat && n.Op != graph.OpMatmul:
		return No("its windows are too large")
	}
	sum := Still(out.Dims, f.joined().then(func(g Graph, x graph.Value) graph.Value {
		return g.Like(n, n.Attrs, g.Full(x, f.Dims), g.Value(w))[0]
	}))
	p := &sum.Parts[0]
	dims, in, from := Shape(out.Dims), Inner(f.Dims), 0
	for _, q := range f.Parts {
		lo, hi := from, from+q.Extent
		from = hi
		own := f.Own(q)
		for _, t := range q.Terms {
			if n.Op != graph.OpMatmul && t.Kind != schema.Same && !slices.Equal(t.Dims, own) {
				return No("it is put in another shape between two products")
			}
			var x Term
			var ok bool
			switch n.Op {
			case graph.OpMatmul:
				x, ok = c.dense(t, c.matrix(n).cut(1, lo*in, hi*in))
			case graph.OpConv:
				x, ok = c.conv(t, c.read(w).cut(1, lo, hi), n.Int("stride"), n.Int("pad"))
			default:
				x, ok = t, t.Kind == schema.Same
				x.Kind, x.Weights = schema.Deconv, c.scaledBy(c.read(w).cut(0, lo, hi), t)
				x.Kernel, x.Stride, x.Pad = w.Type().Dims[2], n.Int("stride"), n.Int("pad")
			}
			if !ok {
				return No("its input is real values, not spikes")
			}
			if Size(x.Weights.Dims) < 0 || max(x.Stride, x.Kernel, x.Pad) > maxRepeat {
				return No("its weights are too many")
			}
			x.Dims, x.Nodes = dims, Union(t.Nodes, []*graph.Node{n})
			p.Terms = c.join(p.Terms, x)
		}
	}
	if len(p.Terms) > maxTerms {
		return No("it adds up more than %d sources", maxTerms)
	}
	return sum
}

// dense puts a matrix behind a term. Not ok where the outcome is no synapses.
func (c Fold) dense(t Term, w *Weights) (Term, bool) {
	switch t.Kind {
	case schema.Same:
		t.View.Dims = []int{Size(t.View.Dims)}
		t.Weights = c.scaledBy(w, t)
	case schema.Pool: // each weight for all elements of its window
		if t.Kernel != t.Stride || t.Pad > 0 {
			return t, false
		}
		k, in := t.Kernel, t.View.Dims
		small := t.Dims
		one := c.scaledBy(w, t)
		t.View.Dims = []int{Size(in)}
		t.Weights = &Weights{Dims: []int{w.Dims[0], Size(in)}, make: func() ([]float64, error) {
			x, err := one.Get()
			if err == nil {
				err = c.Spend(w.Dims[0] * Size(in))
			}
			if err != nil {
				return nil, err
			}
			out := make([]float64, 0, w.Dims[0]*Size(in))
			for o := range w.Dims[0] {
				for ch := range in[0] {
					for y := range in[1] {
						for col := range in[2] {
							if y/k >= small[1] || col/k >= small[2] { // beyond the last window
								out = append(out, 0)
								continue
							}
							out = append(out, x[((o*small[0]+ch)*small[1]+y/k)*small[2]+col/k])
						}
					}
				}
			}
			return out, nil
		}}
	case schema.Dense:
		t.Weights = c.composed(w, t.Weights, 1, t.Weights.Dims[1])
	default:
		return t, false
	}
	t.Kind, t.Kernel, t.Stride, t.Pad = schema.Dense, 0, 0, 0
	return t, true
}

// conv puts a convolution behind a term.
func (c Fold) conv(t Term, w *Weights, stride, pad int) (Term, bool) {
	k := w.Dims[2]
	switch {
	case t.Kind == schema.Same:
		t.Weights = c.scaledBy(w, t)
		t.Kernel, t.Stride, t.Pad = k, stride, pad
	case t.Kind == schema.Pool && t.Kernel == t.Stride && t.Pad == 0:
		one, big := c.scaledBy(w, t), k*t.Kernel
		dims, by := []int{w.Dims[0], w.Dims[1], big, big}, t.Kernel
		t.Weights = &Weights{Dims: dims, make: func() ([]float64, error) {
			x, err := one.Get()
			if err == nil {
				err = c.Spend(Size(dims))
			}
			if err != nil {
				return nil, err
			}
			out := make([]float64, 0, Size(dims))
			for pair := range dims[0] * dims[1] {
				for y := range big {
					for col := range big {
						out = append(out, x[(pair*k+y/by)*k+col/by])
					}
				}
			}
			return out, nil
		}}
		t.Kernel, t.Stride, t.Pad = big, stride*t.Stride, pad*t.Kernel
	case t.Kind == schema.Conv && k == 1 && pad == 0:
		v := t.Weights.Dims
		t.Weights = c.composed(w, t.Weights, 1, Size(v[1:]))
		t.Weights.Dims = []int{w.Dims[0], v[1], v[2], v[3]}
		t.Stride *= stride
	case t.Kind == schema.Deconv && k == 1 && pad == 0 && stride == 1:
		v := t.Weights.Dims
		t.Weights = c.composed(w, t.Weights, v[0], v[2]*v[3])
		t.Weights.Dims = []int{v[0], w.Dims[0], v[2], v[3]}
	default:
		return t, false
	}
	if t.Kind != schema.Deconv {
		t.Kind = schema.Conv
	}
	return t, true
}
