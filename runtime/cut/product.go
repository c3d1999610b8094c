package cut

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// product is the form of a convolution, its transpose or a matrix of a form.
func (c *finder) product(n *graph.Node, f *form) *form {
	w, out := n.In[1], n.Out[0]
	switch {
	case c.varies[w.Node]:
		return no("its weights depend on the input")
	case w.Type().Steps > 0:
		return no("its weights change from step to step")
	case n.Op == graph.OpMatmul && len(f.dims) != 1:
		return no("it multiplies matrices")
	case f.why != "":
		return f
	case max(n.Int("stride"), n.Int("pad"), w.Type().Dims[len(w.Type().Dims)-1]) > maxRepeat && n.Op != graph.OpMatmul:
		return no("its windows are too large")
	}
	sum := still(out.Dims, f.joined().then(func(e *emitter, x graph.Value) graph.Value {
		return e.like(n, n.Attrs, e.full(x, f.dims), e.value(w))[0]
	}))
	p := &sum.parts[0]
	dims, in, from := shape(out.Dims), inner(f.dims), 0
	for _, q := range f.parts {
		lo, hi := from, from+q.extent
		from = hi
		own := slices.Clone(f.dims)
		own[0] = q.extent
		for _, t := range q.terms {
			if n.Op != graph.OpMatmul && t.kind != schema.Same && !slices.Equal(t.dims, own) {
				return no("it is put in another shape between two products")
			}
			var x term
			var ok bool
			switch n.Op {
			case graph.OpMatmul:
				x, ok = c.dense(t, c.matrix(n).cut(1, lo*in, hi*in))
			case graph.OpConv:
				x, ok = c.conv(t, c.read(w).cut(1, lo, hi), n.Int("stride"), n.Int("pad"))
			default:
				x, ok = t, t.kind == schema.Same
				x.kind, x.weights = schema.Deconv, c.scaledBy(c.read(w).cut(0, lo, hi), t)
				x.kernel, x.stride, x.pad = w.Type().Dims[2], n.Int("stride"), n.Int("pad")
			}
			if !ok {
				return no("its input is real values, not spikes")
			}
			if size(x.weights.dims) < 0 || max(x.stride, x.kernel, x.pad) > maxRepeat {
				return no("its weights are too many")
			}
			x.dims, x.nodes = dims, union(t.nodes, []*graph.Node{n})
			p.terms = c.join(p.terms, x)
		}
	}
	if len(p.terms) > maxTerms {
		return no("it adds up more than %d sources", maxTerms)
	}
	return sum
}

// read is a value that follows from variables, as weights.
func (c *finder) read(v graph.Value) *weights {
	return &weights{dims: v.Type().Dims, make: func() ([]float64, error) { return c.numbers(v) }}
}

// matrix is that of a matmul, [out, in].
func (c *finder) matrix(n *graph.Node) *weights {
	w := c.read(n.In[1])
	if n.Flag("transpose") {
		return w
	}
	rows, columns := w.dims[1], w.dims[0]
	return &weights{dims: []int{rows, columns}, make: func() ([]float64, error) {
		x, err := w.get()
		if err == nil {
			err = c.spend(len(x))
		}
		if err != nil {
			return nil, err
		}
		y := make([]float64, len(x))
		for i := range columns {
			for o := range rows {
				y[o*columns+i] = x[i*rows+o]
			}
		}
		return y, nil
	}}
}

// scaledBy returns w times the one weight of a term of kind Same or Pool.
func (c *finder) scaledBy(w *weights, t term) *weights {
	if t.weights.make == nil && t.weights.err == nil && t.weights.data[0] == 1 {
		return w
	}
	return c.rows(w, 1, size(w.dims), t.weights.get)
}

// dense puts a matrix behind a term. Not ok where the outcome is no synapses.
func (c *finder) dense(t term, w *weights) (term, bool) {
	switch t.kind {
	case schema.Same:
		t.view.Dims = []int{size(t.view.Dims)}
		t.weights = c.scaledBy(w, t)
	case schema.Pool: // each weight for all elements of its window
		if t.kernel != t.stride || t.pad > 0 {
			return t, false
		}
		k, in := t.kernel, t.view.Dims
		small := t.dims
		one := c.scaledBy(w, t)
		t.view.Dims = []int{size(in)}
		t.weights = &weights{dims: []int{w.dims[0], size(in)}, make: func() ([]float64, error) {
			x, err := one.get()
			if err == nil {
				err = c.spend(w.dims[0] * size(in))
			}
			if err != nil {
				return nil, err
			}
			out := make([]float64, 0, w.dims[0]*size(in))
			for o := range w.dims[0] {
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
		t.weights = c.composed(w, t.weights, 1, t.weights.dims[1])
	default:
		return t, false
	}
	t.kind, t.kernel, t.stride, t.pad = schema.Dense, 0, 0, 0
	return t, true
}

// conv puts a convolution behind a term.
func (c *finder) conv(t term, w *weights, stride, pad int) (term, bool) {
	k := w.dims[2]
	switch {
	case t.kind == schema.Same:
		t.weights = c.scaledBy(w, t)
		t.kernel, t.stride, t.pad = k, stride, pad
	case t.kind == schema.Pool && t.kernel == t.stride && t.pad == 0:
		one, big := c.scaledBy(w, t), k*t.kernel
		dims, by := []int{w.dims[0], w.dims[1], big, big}, t.kernel
		t.weights = &weights{dims: dims, make: func() ([]float64, error) {
			x, err := one.get()
			if err == nil {
				err = c.spend(size(dims))
			}
			if err != nil {
				return nil, err
			}
			out := make([]float64, 0, size(dims))
			for pair := range dims[0] * dims[1] {
				for y := range big {
					for col := range big {
						out = append(out, x[(pair*k+y/by)*k+col/by])
					}
				}
			}
			return out, nil
		}}
		t.kernel, t.stride, t.pad = big, stride*t.stride, pad*t.kernel
	case t.kind == schema.Conv && k == 1 && pad == 0:
		v := t.weights.dims
		t.weights = c.composed(w, t.weights, 1, size(v[1:]))
		t.weights.dims = []int{w.dims[0], v[1], v[2], v[3]}
		t.stride *= stride
	case t.kind == schema.Deconv && k == 1 && pad == 0 && stride == 1:
		v := t.weights.dims
		t.weights = c.composed(w, t.weights, v[0], v[2]*v[3])
		t.weights.dims = []int{v[0], w.dims[0], v[2], v[3]}
	default:
		return t, false
	}
	if t.kind != schema.Deconv {
		t.kind = schema.Conv
	}
	return t, true
}

// composed is the matrix a, [out, middle], times b, which is [times, middle, block]: [times, out, block].
func (c *finder) composed(a, b *weights, times, block int) *weights {
	rows, middle := a.dims[0], a.dims[1]
	return &weights{dims: []int{rows, block}, make: func() ([]float64, error) {
		x, err := a.get()
		if err != nil {
			return nil, err
		}
		y, err := b.get()
		if err == nil {
			err = c.spend(times * rows * block)
		}
		if err == nil {
			err = c.spend(times * rows * middle * block / 64)
		}
		if err != nil {
			return nil, err
		}
		out := make([]float64, times*rows*block)
		for k := range times {
			for o := range rows {
				to := out[(k*rows+o)*block:][:block]
				for m := range middle {
					for j, v := range y[(k*middle+m)*block:][:block] {
						to[j] += x[o*middle+m] * v
					}
				}
			}
		}
		return out, nil
	}}
}

// window recognises a mean or sum over windows side by side: of maps that are cut into rows and columns of windows.
func window(n *graph.Node) (x graph.Value, kernel int, ok bool) {
	if n.Op != graph.OpReduce || !slices.Equal(n.Axes(), graph.Axes{2, 4}) || n.In[0].Node.Op != graph.OpReshape {
		return x, 0, false
	}
	v := n.In[0]
	x = v.Node.In[0]
	from, cut := x.Type().Dims, v.Type().Dims
	if len(from) != 3 || len(cut) != 5 || cut[0] != from[0] || cut[2] != cut[4] || cut[1]*cut[2] != from[1] || cut[3]*cut[4] != from[2] {
		return x, 0, false
	}
	return x, cut[2], n.Text("kind") == "mean" || n.Text("kind") == "sum"
}
