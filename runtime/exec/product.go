package exec

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// matmul multiplies rows by a matrix, or by a matrix per example.
type matmul struct {
	job
	a, b             rows
	out              *memory
	steps            int
	height           int // rows of one example
	inner, width     int
	each, transposed bool // b is one matrix per example or step
	bits             bool // each example is one row of bits
	dots             bool
	units, block     int // blocks of rows
	p                *Program
}

func bindMatmul(p *Program, s *plan.Step) (runner, needs, error) {
	n := s.Node
	a, b := n.In[0].Type(), n.In[1].Type()
	r := &matmul{a: p.rows(s.In[0]), b: p.rows(s.In[1]), out: p.value(s.Out[0]), steps: max(n.Out[0].Steps, 1), height: 1, p: p,
		each: b.Steps > 0 || b.Batch, inner: a.Dims[len(a.Dims)-1], bits: a.DType == graph.Bit && len(a.Dims) == 1}
	r.transposed = r.each && n.Flag("transpose")
	if len(a.Dims) == 2 {
		r.height = a.Dims[0]
	}
	r.width = r.out.size / r.height
	total := r.steps * r.out.n
	const work = 1 << 15 // multiplications in a block
	r.block = min(max(1, work/max(1, r.height*r.inner*r.width)), total)
	r.units = (total + r.block - 1) / r.block
	r.task = r
	if r.dots = plan.Dots(n); r.dots {
		r.block = min(max(r.block, together), total)
		r.units = (total + r.block - 1) / r.block
	}
	return r, needs{ints: r.inner, floats: r.a.size + r.b.size, aligned: together * stride(r.inner)}, nil
}

// together is how many rows are multiplied by a row of weights while that is in the cache.
const together = 8

// stride is how far apart rows of n elements lie that all begin at multiples of 64 bytes.
func stride(n int) int { return (n + 15) &^ 15 }

// dense multiplies rows of real numbers by dot products.
func (r *matmul) dense(w *worker, from, to int) {
	s := stride(r.inner)
	for ; from < to; from += together {
		count := min(together, to-from)
		for k := range count {
			t, m := (from+k)/r.height, (from+k)%r.height
			copy(w.aligned[k*s:], r.a.real(t, w.floats[:r.a.size])[m*r.inner:(m+1)*r.inner])
		}
		out := r.out.f[from*r.width:]
		for j := range r.width {
			row := r.b.f[j*r.inner : (j+1)*r.inner]
			kernel.DotEach(out[j:], r.width, row, w.aligned, s, count)
		}
	}
}

func (r *matmul) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return nil
}

func (r *matmul) unit(worker, k int) {
	w := r.p.workers[worker]
	if r.dots {
		r.dense(w, k*r.block*r.height, min((k+1)*r.block, r.steps*r.out.n)*r.height)
		return
	}
	for row := k * r.block; row < min((k+1)*r.block, r.steps*r.out.n); row++ {
		out := r.out.f[row*r.out.size : (row+1)*r.out.size]
		clear(out)
		t, n := row/r.out.n, row%r.out.n
		from := r.a.at(t, n)
		if r.bits && !r.each {
			kernel.AddRows(out, r.b.f, kernel.Events(w.ints[:0], r.a.row(from), int32(r.width)))
			continue
		}
		x := r.a.real(from, w.floats[:r.a.size])
		if !r.each {
			for m := range r.height {
				kernel.Product(out[m*r.width:(m+1)*r.width], r.b.f, x[m*r.inner:(m+1)*r.inner])
			}
			continue
		}
		b := r.b.real(r.b.at(t, n), w.floats[r.a.size:r.a.size+r.b.size])
		for m := range r.height {
			xm, om := x[m*r.inner:(m+1)*r.inner], out[m*r.width:(m+1)*r.width]
			if !r.transposed {
				kernel.Product(om, b, xm)
				continue
			}
			for j := range om {
				var sum float32
				for k, v := range b[j*r.inner : (j+1)*r.inner] {
					sum += float32(xm[k] * v)
				}
				om[j] = sum
			}
		}
	}
}

// real returns a row as real numbers, in memory where it lies so, else in d.
func (m *memory) real(row int, d []float32) []float32 {
	switch {
	case m.f != nil:
		return m.f[row*m.size : (row+1)*m.size]
	case m.b != nil:
		kernel.Unpack(d, m.row(row), 0)
	default:
		for i, v := range m.i[row*m.size : (row+1)*m.size] {
			d[i] = float32(v)
		}
	}
	return d
}

// matmulWeight is the derivative of a product by its matrix: the sum over all rows of a x dy.
type matmulWeight struct {
	job
	a, dy         *memory
	out           *memory
	steps, height int
	inner, width  int
	batched       bool
	transposed    bool
	units         int
	p             *Program
}

// columns is how many rows of the result a unit computes: bits of one word.
const columns = 16

func bindMatmulWeight(p *Program, s *plan.Step) (runner, needs, error) {
	n := s.Node
	a := n.In[0].Type()
	r := &matmulWeight{a: p.value(s.In[0]), dy: p.value(s.In[1]), out: p.value(s.Out[0]), steps: max(a.Steps, 1), height: 1,
		inner: a.Dims[len(a.Dims)-1], batched: a.Batch, transposed: n.Flag("transpose"), p: p}
	if len(a.Dims) == 2 {
		r.height = a.Dims[0]
	}
	r.width = r.out.size / r.inner
	r.units = (r.inner + columns - 1) / columns
	total := r.steps * r.a.n * r.height
	r.task = r
	return r, needs{ints: columns * total, more: columns, floats: (plan.Slots+1)*r.width + total*columns + r.dy.size}, nil
}

func (r *matmulWeight) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return nil
}

// unit computes some rows of the result: for each, slot by slot, the rows of dy whose element of a is not 0.
func (r *matmulWeight) unit(worker, k int) {
	w := r.p.workers[worker]
	first, last := k*columns, min((k+1)*columns, r.inner)
	total := r.steps * r.a.n * r.height
	lists, counts := w.ints, w.more[:columns]
	coefs := w.floats[(plan.Slots+1)*r.width:][:columns*total]
	bits := r.a.b != nil && r.height == 1
	slots := 1
	if r.batched {
		slots = plan.Slots
	}
	var sums [plan.Slots][]float32
	for s := range sums {
		sums[s] = w.floats[s*r.width : (s+1)*r.width]
	}
	row := w.floats[plan.Slots*r.width : (plan.Slots+1)*r.width]
	var ends [plan.Slots][columns]int32
	clear(counts)
	for s := range slots {
		from, to := 0, 1
		if r.batched {
			from, to = examples(s, r.a.n)
		}
		for t := range r.steps {
			for n := from; n < to; n++ {
				example := t*r.a.n + n
				if bits {
					word := r.a.row(example)[first/64] >> (first % 64)
					for i := range last - first {
						// Written always, kept where the bit is set: no branch that the spikes decide.
						lists[i*total+int(counts[i])] = int32(example * r.width)
						counts[i] += int32(word >> i & 1)
					}
					continue
				}
				for m := range r.height {
					for i := range last - first {
						v := r.a.number(example, m*r.inner+first+i)
						if v != 0 {
							at := i*total + int(counts[i])
							lists[at], coefs[at] = int32((example*r.height+m)*r.width), v
							counts[i]++
						}
					}
				}
			}
		}
		copy(ends[s][:], counts)
	}
	for i := range last - first {
		at := int32(0)
		for s := range slots {
			clear(sums[s])
			list := lists[i*total+int(at) : i*total+int(ends[s][i])]
			if bits {
				kernel.AddRows(sums[s], r.dy.f, list)
			} else {
				kernel.AxpyRows(sums[s], r.dy.f, list, coefs[i*total+int(at):i*total+int(ends[s][i])])
			}
			at = ends[s][i]
		}
		sum := sums[0]
		if slots > 1 {
			sum = row
			kernel.TreeRows(row, &sums)
		}
		if !r.transposed {
			copy(r.out.f[(first+i)*r.width:], sum)
			continue
		}
		for j, v := range sum {
			r.out.f[j*r.inner+first+i] = v
		}
	}
}
