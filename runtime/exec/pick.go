package exec

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// pick moves elements between a value and a wider one along an axis, at indices that a value says: gather or scatter.
type pick struct {
	job
	index  rows
	narrow rows // the result of gather, the source of scatter
	wide   rows
	places []int32 // for each element of the narrow row, where it lies in the wide row at index 0
	at     []int32 // and its index among the indices
	stride int
	size   int // along the axis
	back   bool
	steps  int
	n      int
	units  int
	p      *Program
}

// bindPick: shape is the type of one row of the narrow value, in whose memory order the elements are visited.
func bindPick(p *Program, narrow, wide, index *plan.Value, n *graph.Node, back bool) (*pick, needs, error) {
	out := n.Out[0]
	r := &pick{index: p.rows(index), narrow: p.rows(narrow), wide: p.rows(wide), back: back, steps: max(out.Steps, 1), n: 1, units: 1, p: p}
	axis := int(n.Axis())
	r.stride, r.size = tensor.Strides(wide.Type)[axis], wide.Type.Dims[axis]
	if out.Batch {
		r.n = p.plan.Batch
		r.units = plan.Slots
	}
	strides, order := tensor.Strides(wide.Type), logical(narrow.Type)
	indices := tensor.Strides(index.Type)
	for i := range narrow.Type.Size() {
		o, at := 0, 0
		rest := order[i]
		for k := len(narrow.Type.Dims) - 1; k >= 0; k-- {
			c := rest % narrow.Type.Dims[k]
			rest /= narrow.Type.Dims[k]
			to := k
			if k >= axis {
				to++
			}
			o += c * strides[to]
			at += c * indices[k]
		}
		r.places, r.at = append(r.places, int32(o)), append(r.at, int32(at))
	}
	r.task = r
	return r, needs{}, nil
}

// logical returns the logical index of each element of a row.
func logical(t graph.Type) []int {
	order := tensor.Order(t)
	if order == nil {
		order = make([]int, t.Size())
		for i := range order {
			order[i] = i
		}
	}
	return order
}

func bindGather(p *Program, s *plan.Step) (runner, needs, error) {
	return bindPick(p, s.Out[0], s.In[0], s.In[1], s.Node, false)
}

func bindScatter(p *Program, s *plan.Step) (runner, needs, error) {
	return bindPick(p, s.In[1], s.Out[0], s.In[0], s.Node, true)
}

func (r *pick) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return p.failed()
}

// failed returns and forgets the first error of the workers.
func (p *Program) failed() error {
	var err error
	for _, w := range p.workers {
		if err == nil {
			err = w.err
		}
		w.err = nil
	}
	return err
}

// wrong notes an index that points nowhere. Its text depends on the index alone.
func (w *worker) wrong(index int32, size int) {
	if w.err == nil {
		w.err = fmt.Errorf("index %d is not among 0..%d", index, size-1)
	}
}

func (r *pick) unit(worker, k int) {
	w := r.p.workers[worker]
	from, to := k*r.n/r.units, (k+1)*r.n/r.units
	for t := range r.steps {
		for n := from; n < to; n++ {
			narrow, wide, index := r.narrow.at(t, n), r.wide.at(t, n), r.index.at(t, n)
			picks := r.index.i[index*r.index.size : (index+1)*r.index.size]
			if r.back {
				r.wide.clear(wide, wide+1)
			} else if r.narrow.b != nil { // bits behind the last element are 0
				r.narrow.clear(narrow, narrow+1)
			}
			for i, place := range r.places {
				c := picks[r.at[i]]
				if c < 0 || int(c) >= r.size {
					w.wrong(c, r.size)
					return
				}
				if at := int(place) + int(c)*r.stride; r.back {
					r.wide.set(wide, at, r.narrow.number(narrow, i))
				} else {
					r.narrow.set(narrow, i, r.wide.number(wide, at))
				}
			}
		}
	}
}

// rowsOf takes rows of a table, or adds rows up into one.
type rowsOf struct {
	job
	index        rows
	values       *memory // one row of the table per index
	table        *memory
	at           []int32 // for each element of a row of values, its index among the indices
	rest         []int32 // and its place in a row of the table
	width, size  int
	steps, slots int
	batched      bool
	back         bool
	p            *Program
}

func bindRowsOf(p *Program, index, values, table *plan.Value, back bool) (*rowsOf, needs, error) {
	t := values.Type
	r := &rowsOf{index: p.rows(index), values: p.value(values), table: p.value(table), size: table.Type.Dims[0], steps: max(t.Steps, 1), slots: 1,
		batched: t.Batch, back: back, p: p}
	r.width = table.Type.Size() / r.size
	if t.Batch {
		r.slots = plan.Slots
	}
	indices := tensor.Strides(index.Type)
	for _, i := range logical(t) {
		at, rest := 0, i/r.width
		for k := len(index.Type.Dims) - 1; k >= 0; k-- {
			at += rest % index.Type.Dims[k] * indices[k]
			rest /= index.Type.Dims[k]
		}
		r.at, r.rest = append(r.at, int32(at)), append(r.rest, int32(i%r.width))
	}
	r.task = r
	var need needs
	if back {
		need.sums = r.slots * table.Type.Size()
	}
	return r, need, nil
}

func bindRows(p *Program, s *plan.Step) (runner, needs, error) {
	return bindRowsOf(p, s.In[1], s.Out[0], s.In[0], false)
}

func bindScatterAdd(p *Program, s *plan.Step) (runner, needs, error) {
	return bindRowsOf(p, s.In[0], s.In[1], s.Out[0], true)
}

func (r *rowsOf) run(p *Program) error {
	p.pool.run(&r.job, r.slots)
	if err := p.failed(); err != nil || !r.back {
		return err
	}
	one := r.size * r.width
	s := sum{slots: r.slots}
	for i := range one {
		r.table.f[i] = float32(s.tree(p.sums[i:], one))
	}
	return nil
}

func (r *rowsOf) unit(worker, slot int) {
	w := r.p.workers[worker]
	sums := r.p.sums[:0]
	if r.back {
		sums = r.p.sums[slot*r.size*r.width:][:r.size*r.width]
		clear(sums)
	}
	from, to := 0, 1
	if r.batched {
		from, to = examples(slot, r.values.n)
	}
	for t := range r.steps {
		for n := from; n < to; n++ {
			index, row := r.index.at(t, n), t*r.values.n+n
			picks := r.index.i[index*r.index.size : (index+1)*r.index.size]
			for i, at := range r.at {
				c := picks[at]
				if c < 0 || int(c) >= r.size {
					w.wrong(c, r.size)
					return
				}
				if k := int(c)*r.width + int(r.rest[i]); r.back {
					sums[k] += float64(r.values.number(row, i))
				} else {
					r.values.set(row, i, r.table.number(0, k))
				}
			}
		}
	}
}
