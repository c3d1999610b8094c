package synapse

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// Source has the numbers of values that follow from variables, and bounds how many are computed.
type Source interface {
	Numbers(v graph.Value) ([]float64, error)
	// Spend takes so many numbers off what may still be computed; an error where that is less.
	Spend(numbers int) error
}

// Fold folds values that follow from variables into weights, by their numbers.
type Fold struct{ Source }

// Weights are numbers that are computed when somebody wants them, once.
type Weights struct {
	Dims []int
	make func() ([]float64, error)
	data []float64
	err  error
}

// Get returns the numbers, in the row-major order of Dims.
func (w *Weights) Get() ([]float64, error) {
	if w.make != nil {
		w.data, w.err = w.make()
		w.make = nil
	}
	return w.data, w.err
}

// cut returns the weights of a range along a dim.
func (w *Weights) cut(dim, lo, hi int) *Weights {
	if lo == 0 && hi == w.Dims[dim] {
		return w
	}
	dims := slices.Clone(w.Dims)
	dims[dim] = hi - lo
	return &Weights{Dims: dims, make: func() ([]float64, error) {
		x, err := w.Get()
		if err != nil {
			return nil, err
		}
		outer, rest := Size(w.Dims[:dim]), Size(w.Dims[dim+1:])
		out := make([]float64, 0, Size(dims))
		for o := range outer {
			out = append(out, x[(o*w.Dims[dim]+lo)*rest:(o*w.Dims[dim]+hi)*rest]...)
		}
		return out, nil
	}}
}

// times returns weights that f has changed.
func (c Fold) times(w *Weights, f func(x []float64)) *Weights {
	return &Weights{Dims: w.Dims, make: func() ([]float64, error) {
		x, err := w.Get()
		if err == nil {
			err = c.Spend(len(x))
		}
		if err != nil {
			return nil, err
		}
		x = slices.Clone(x)
		f(x)
		return x, nil
	}}
}

// rows multiplies blocks of weights, each of so many numbers, by one number after the other, so many times over.
func (c Fold) rows(w *Weights, times, block int, numbers func() ([]float64, error)) *Weights {
	return &Weights{Dims: w.Dims, make: func() ([]float64, error) {
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
		}).Get()
	}}
}

// read is a value that follows from variables, as weights.
func (c Fold) read(v graph.Value) *Weights {
	return &Weights{Dims: v.Type().Dims, make: func() ([]float64, error) { return c.Numbers(v) }}
}

// matrix is that of a matmul, [out, in].
func (c Fold) matrix(n *graph.Node) *Weights {
	w := c.read(n.In[1])
	if n.Flag("transpose") {
		return w
	}
	rows, columns := w.Dims[1], w.Dims[0]
	return &Weights{Dims: []int{rows, columns}, make: func() ([]float64, error) {
		x, err := w.Get()
		if err == nil {
			err = c.Spend(len(x))
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
func (c Fold) scaledBy(w *Weights, t Term) *Weights {
	if t.Weights.make == nil && t.Weights.err == nil && t.Weights.data[0] == 1 {
		return w
	}
	return c.rows(w, 1, Size(w.Dims), t.Weights.Get)
}

// composed is the matrix a, [out, middle], times b, which is [times, middle, block]: [times, out, block].
func (c Fold) composed(a, b *Weights, times, block int) *Weights {
	rows, middle := a.Dims[0], a.Dims[1]
	return &Weights{Dims: []int{rows, block}, make: func() ([]float64, error) {
		x, err := a.Get()
		if err != nil {
			return nil, err
		}
		y, err := b.Get()
		if err == nil {
			err = c.Spend(times * rows * block)
		}
		if err == nil {
			err = c.Spend(times * rows * middle * block / 64)
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
