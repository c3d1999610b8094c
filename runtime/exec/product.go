package exec

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// operand returns the rows of m as a product takes them.
func (m *memory) operand() kernel.Operand {
	return kernel.Operand{Floats: m.f, Bits: m.b, Ints: m.i, Size: m.size}
}

// multiplier is a way to compute a product: kernel.Dense or, of spikes, kernel.EventProduct.
type multiplier interface {
	Units() int
	Whole() bool
	Images(unit int) (from, to int)
	Run(w *kernel.Work, unit int, out []float32, x kernel.Operand, weights []float32)
}

// product is the product of all rows by the same packed weights: a convolution, its transpose, or that with a matrix.
type product struct {
	job
	multiplier // of this run
	dense      *kernel.Dense
	events     *kernel.EventProduct // nil where they never pay
	pays       func(share float64) bool
	firing     firing
	x, w, out  *memory
	onto       *memory  // what it is added to; nil where that is nothing, or lies where the result does
	moments    *moments // of the result; nil where nobody wants them
	p          *Program
}

func bindProduct(p *Program, s *plan.Step) (runner, needs, error) {
	if plan.Each(s.Node) {
		return bindEach(p, s)
	}
	r := &product{x: p.value(s.In[0]), w: p.value(s.In[1]), out: p.value(s.Out[0]), p: p}
	shape, rows := plan.ProductOf(s.Node), max(s.Out[0].Type.Steps, 1)*r.out.n
	r.dense = kernel.NewDense(p.level, shape, rows)
	r.task, r.multiplier = r, r.dense
	if r.dense.Add = len(s.In) > 2; r.dense.Add && s.Out[0].Over != s.In[2] {
		r.onto = p.value(s.In[2])
	}
	need := needs{kernel: r.dense.Scratch()}
	if s.In[0].Type.DType == graph.Bit && !r.dense.Add { // events begin with nothing
		if e := kernel.NewEventProduct(p.level, shape, rows); e.Pays(0) {
			r.events, r.pays, need.events = e, e.Pays, e.Memory()
		}
	}
	r.moments, need.sums = newMoments(p, s)
	return r, need, nil
}

func (r *product) run(p *Program) error {
	if r.events != nil {
		if r.multiplier = r.dense; r.pays(r.firing.share(p, r.x)) {
			r.multiplier = r.events
		}
	}
	if r.onto != nil && !r.Whole() {
		copy(r.out.f, r.onto.f)
	}
	p.pool.run(&r.job, r.Units())
	if r.moments != nil {
		if !r.Whole() {
			r.moments.all()
		}
		r.moments.finish()
	}
	return nil
}

func (r *product) unit(worker, k int) {
	if r.onto != nil && r.Whole() {
		from, to := r.Images(k)
		copy(r.out.f[from*r.out.size:to*r.out.size], r.onto.f[from*r.out.size:])
	}
	r.Run(&r.p.workers[worker].kernel, k, r.out.f, r.x.operand(), r.w.f)
	if r.moments != nil && r.Whole() {
		r.moments.images(r.Images(k))
	}
}

// each is the product of matrices by a matrix per example or time step.
type each struct {
	job
	dense        *kernel.Dense
	a, b         rows
	out          *memory
	steps        int
	inner, width int
	transposed   bool
	units        int
	p            *Program
}

func bindEach(p *Program, s *plan.Step) (runner, needs, error) {
	shape := plan.ProductOf(s.Node)
	r := &each{a: p.rows(s.In[0]), b: p.rows(s.In[1]), out: p.value(s.Out[0]), steps: max(s.Out[0].Type.Steps, 1), p: p, inner: shape.In, width: shape.Out,
		transposed: s.Node.Flag("transpose"), dense: kernel.NewDense(p.level, shape, 1)}
	total := r.steps * r.out.n
	const work = 1 << 20 // multiplications in a unit
	block := max(1, work/max(1, shape.High*r.inner*r.width))
	r.units = (total + block - 1) / block
	r.task = r
	return r, needs{kernel: r.dense.Scratch(), floats: r.b.size + r.inner*kernel.PackedColumns(r.width)}, nil
}

func (r *each) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return nil
}

func (r *each) unit(worker, k int) {
	w := r.p.workers[worker]
	total := r.steps * r.out.n
	packed := w.floats[r.b.size:][:r.inner*kernel.PackedColumns(r.width)]
	last := -1
	for row := k * total / r.units; row < (k+1)*total/r.units; row++ {
		t, n := row/r.out.n, row%r.out.n
		if from := r.b.at(t, n); from != last {
			kernel.PackMatrix(packed, r.b.real(from, w.floats[:r.b.size]), r.inner, r.width, r.transposed)
			last = from
		}
		x := r.a.part(r.a.at(t, n))
		for u := range r.dense.Units() {
			r.dense.Run(&w.kernel, u, r.out.f[row*r.out.size:(row+1)*r.out.size], x, packed)
		}
	}
}

// part returns one row as an operand.
func (m *memory) part(row int) kernel.Operand {
	x := kernel.Operand{Size: m.size}
	switch {
	case m.f != nil:
		x.Floats = m.f[row*m.size : (row+1)*m.size]
	case m.b != nil:
		x.Bits = m.row(row)
	default:
		x.Ints = m.i[row*m.size : (row+1)*m.size]
	}
	return x
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

// adder is a way to compute the derivative of a product by its weights: kernel.DenseSums or, of spikes, kernel.EventSums.
type adder interface {
	Units() int
	Run(w *kernel.Work, unit int, sums []float32, x, dy kernel.Operand)
	TotalUnits() int
	Total(unit int, out, sums []float32, place kernel.Totals)
}

// weightSums is the derivative of a product by its weights: sums over all rows, slot by slot of the batch.
type weightSums struct {
	job
	total      job
	adder      // of this run
	dense      *kernel.DenseSums
	events     *kernel.EventSums // nil where they never pay
	pays       func(share float64) bool
	spikes     *memory // the one that is
	firing     firing
	x, dy, out *memory
	place      kernel.Totals
	p          *Program
}

func bindWeightSums(p *Program, s *plan.Step) (runner, needs, error) {
	n := s.Node
	x, dy := s.In[0].Type, s.In[1].Type
	r := &weightSums{x: p.value(s.In[0]), dy: p.value(s.In[1]), out: p.value(s.Out[0]), p: p}
	window, batch := plan.WindowOf(n), kernel.Batch{Steps: max(x.Steps, 1), N: 1, Slots: 1}
	if x.Batch {
		batch.N, batch.Slots = r.x.n, plan.Slots
	}
	switch taps := window.Kernel * window.Kernel; {
	case n.Op == graph.OpConvWeight:
		r.place = kernel.Totals{In: taps, Out: window.In * taps}
	case n.Flag("transpose"):
		r.place = kernel.Totals{In: 1, Out: window.In}
	default:
		r.place = kernel.Totals{In: window.Out, Out: 1}
	}
	r.dense = kernel.NewDenseSums(p.level, window, batch, x.DType == graph.F32 && dy.DType == graph.F32)
	r.task, r.total.task, r.adder = r, (*weightTotal)(r), r.dense
	need := needs{kernel: r.dense.Scratch(), results: batch.Slots * r.dense.Size()}
	if back := x.DType == graph.Bit; back && dy.DType == graph.F32 || dy.DType == graph.Bit && x.DType == graph.F32 {
		if r.spikes = r.dy; back {
			r.spikes = r.x
		}
		if e := kernel.NewEventSums(p.level, window, batch, back); e.Pays(0) {
			r.events, r.pays, need.events, need.results = e, e.Pays, e.Memory(), max(need.results, batch.Slots*e.Size())
		}
	}
	return r, need, nil
}

func (r *weightSums) run(p *Program) error {
	if r.events != nil {
		if r.adder = r.dense; r.pays(r.firing.share(p, r.spikes)) {
			r.adder = r.events
		}
	}
	p.pool.run(&r.job, r.Units())
	p.pool.run(&r.total, r.TotalUnits())
	return nil
}

func (r *weightSums) unit(worker, k int) {
	r.Run(&r.p.workers[worker].kernel, k, r.p.floats, r.x.operand(), r.dy.operand())
}

// weightTotal adds the slots up.
type weightTotal weightSums

func (r *weightTotal) unit(_, k int) { r.Total(k, r.out.f, r.p.floats, r.place) }
