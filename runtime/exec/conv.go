package exec

import (
	"math/bits"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// picture is a row of channels-last pixels; spikes are listed, and found by pixel.
type picture struct {
	*memory
	high, wide, channels int
}

func (p *Program) picture(v *plan.Value) picture {
	d := v.Type.Dims
	return picture{p.value(v), d[1], d[2], d[0]}
}

// events lists the spikes of a row and where those of each pixel begin.
func (x *picture) events(row int, list, starts []int32) (events, ends []int32) {
	return kernel.PixelEvents(list, starts, x.row(row), x.high*x.wide, x.channels)
}

// conv is a convolution, or its transpose, as one or more phases.
type conv struct {
	job
	x      picture
	w      *memory
	out    picture
	phases []kernel.Phase
	dots   bool
	rows   int
	p      *Program
}

func bindConv(p *Program, s *plan.Step) (runner, needs, error) {
	r := &conv{x: p.picture(s.In[0]), w: p.value(s.In[1]), out: p.picture(s.Out[0]), phases: plan.Phases(s.Node), p: p}
	r.rows = max(s.Out[0].Type.Steps, 1) * r.out.n
	window := 0
	for _, f := range r.phases {
		window = max(window, f.High*f.Wide*r.x.channels)
	}
	r.task = r
	r.dots = plan.Dots(s.Node)
	need := needs{ints: r.x.size + window, more: r.x.high*r.x.wide + 1, aligned: together * stride(window)}
	if n := s.Node; plan.Spread(n) {
		k := n.In[1].Type().Dims[2]
		r.task = &spread{conv: r, kernel: k, stride: n.Int("stride"), pad: n.Int("pad")}
		need.floats = k * k * r.out.channels
	}
	return r, need, nil
}

// spread is a transposed convolution of spikes that sums what a pixel gives before it spreads it.
type spread struct {
	*conv
	kernel, stride, pad int
}

// unit computes one row.
func (r *spread) unit(worker, row int) {
	w := r.p.workers[worker]
	out := r.out.f[row*r.out.size : (row+1)*r.out.size]
	clear(out)
	list, starts := r.x.events(row, w.ints[:r.x.size], w.more)
	k, co := r.kernel, r.out.channels
	gives := w.floats[:k*k*co]
	for y := range r.x.high {
		for c := range r.x.wide {
			pixel := y*r.x.wide + c
			events := list[starts[pixel]:starts[pixel+1]]
			if len(events) == 0 {
				continue
			}
			for i := range events {
				events[i] = (events[i] - int32(pixel*r.x.channels)) * int32(len(gives))
			}
			clear(gives)
			kernel.AddRows(gives, r.w.f, events)
			top, left := y*r.stride-r.pad, c*r.stride-r.pad
			a, b := max(left, 0), min(left+k, r.out.wide)
			for u := max(0, -top); u < k && top+u < r.out.high && a < b; u++ {
				d := out[((top+u)*r.out.wide+a)*co : ((top+u)*r.out.wide+b)*co]
				for i, v := range gives[(u*k+a-left)*co:][:len(d)] {
					d[i] += v
				}
			}
		}
	}
}

// dense computes a row of the result from windows of real numbers, a few at a time, by dot products with the weights of each
// output channel where those are long, else as sums of weight rows.
func (r *conv) dense(w *worker, f *kernel.Phase, x, out []float32) {
	co, ci := r.out.channels, r.x.channels
	size := f.High * f.Wide * ci
	s := stride(size)
	for y := range f.Rows {
		for c := 0; c < f.Cols; c += together {
			count := min(together, f.Cols-c)
			for k := range count {
				f.Window(w.aligned[k*s:k*s+size], x, y, c+k, r.x.high, r.x.wide, ci)
			}
			at := ((f.Row+f.Step*y)*r.out.wide + f.Col + f.Step*c) * co
			if !r.dots {
				for k := range count {
					kernel.Product(out[at+k*f.Step*co:][:co], r.w.f[f.Weights:], w.aligned[k*s:k*s+size])
				}
				continue
			}
			for o := range co {
				kernel.DotEach(out[at+o:], f.Step*co, r.w.f[f.Weights+o*size:][:size], w.aligned, s, count)
			}
		}
	}
}

func (r *conv) run(p *Program) error {
	p.pool.run(&r.job, r.rows)
	return nil
}

// unit computes one row.
func (r *conv) unit(worker, row int) {
	w := r.p.workers[worker]
	out := r.out.f[row*r.out.size : (row+1)*r.out.size]
	clear(out)
	if r.x.f != nil {
		for i := range r.phases {
			r.dense(w, &r.phases[i], r.x.f[row*r.x.size:(row+1)*r.x.size], out)
		}
		return
	}
	list, starts := r.x.events(row, w.ints[:r.x.size], w.more)
	offsets := w.ints[r.x.size:]
	co, ci := r.out.channels, r.x.channels
	for i := range r.phases {
		f := &r.phases[i]
		weights := r.w.f[f.Weights:]
		for y := range f.Rows {
			for c := range f.Cols {
				at := ((f.Row+f.Step*y)*r.out.wide + f.Col + f.Step*c) * co
				acc := out[at : at+co]
				count := f.WindowEvents(offsets, list, starts, y, c, r.x.high, r.x.wide, ci, co)
				kernel.AddRows(acc, weights, offsets[:count])
			}
		}
	}
}

// convWeight is the derivative of a convolution by its weights. For each pixel of one operand it takes the window of the
// other that meets it; for each channel it adds up the windows where that channel is not 0.
type convWeight struct {
	job
	tree         job
	pixels, with picture
	phases       []kernel.Phase
	order        []int32 // where each sum goes
	out          *memory
	steps, slots int
	batched      bool
	most         int // pixels of a phase
	p            *Program
}

func bindConvWeight(p *Program, s *plan.Step) (runner, needs, error) {
	x, dy := p.picture(s.In[0]), p.picture(s.In[1])
	r := &convWeight{pixels: dy, with: x, out: p.value(s.Out[0]), steps: max(s.In[0].Type.Steps, 1), slots: 1, batched: s.In[0].Type.Batch, p: p}
	var back bool
	if back, r.phases, r.order = plan.WeightPhases(s.Node); back {
		r.pixels, r.with = x, dy
	}
	if r.batched {
		r.slots = plan.Slots
	}
	window := 0
	for _, f := range r.phases {
		r.most, window = max(r.most, f.Rows*f.Cols), max(window, f.High*f.Wide)
	}
	r.task = r
	r.tree.task = (*convWeightSum)(r)
	lists := r.most * r.pixels.channels
	return r, needs{results: r.slots * len(r.order), ints: lists, more: r.pixels.channels, floats: lists + r.most*window*r.with.channels}, nil
}

func (r *convWeight) run(p *Program) error {
	p.pool.run(&r.job, r.slots)
	p.pool.run(&r.tree, min(r.slots, len(r.order)))
	return nil
}

// unit computes the sums over one slot.
func (r *convWeight) unit(worker, slot int) {
	w := r.p.workers[worker]
	sums := r.p.floats[slot*len(r.order) : (slot+1)*len(r.order)]
	clear(sums)
	from, to := 0, 1
	if r.batched {
		from, to = examples(slot, r.with.n)
	}
	for t := range r.steps {
		for n := from; n < to; n++ {
			for i := range r.phases {
				r.phase(w, sums, &r.phases[i], t*r.with.n+n)
			}
		}
	}
}

// phase adds what the pixels of one phase of one example give.
func (r *convWeight) phase(w *worker, sums []float32, f *kernel.Phase, row int) {
	pixels, channels := f.Rows*f.Cols, r.pixels.channels
	size := f.High * f.Wide * r.with.channels
	lists, coefs, counts := w.ints[:channels*pixels], w.floats[:channels*pixels], w.more[:channels]
	all := w.floats[r.most*channels:]
	x := r.with.f[row*r.with.size : (row+1)*r.with.size]
	clear(counts)
	for y := range f.Rows {
		for c := range f.Cols {
			at := y*f.Cols + c
			f.Window(all[at*size:(at+1)*size], x, y, c, r.with.high, r.with.wide, r.with.channels)
			pixel := (f.Row+f.Step*y)*r.pixels.wide + f.Col + f.Step*c
			if r.pixels.b != nil {
				first := pixel * channels
				src := r.pixels.row(row)
				for o := 0; o < channels; {
					n := min(64-(first+o)%64, channels-o)
					word := src[(first+o)/64] >> ((first + o) % 64) & (^uint64(0) >> (64 - n))
					for word != 0 {
						k := o + bits.TrailingZeros64(word)
						word &= word - 1
						lists[k*pixels+int(counts[k])] = int32(at * size)
						counts[k]++
					}
					o += n
				}
				continue
			}
			for o, v := range r.pixels.f[row*r.pixels.size+pixel*channels:][:channels] {
				if v != 0 {
					k := o*pixels + int(counts[o])
					lists[k], coefs[k] = int32(at*size), v
					counts[o]++
				}
			}
		}
	}
	for o, n := range counts {
		d := sums[f.Weights+o*size:][:size]
		if list := lists[o*pixels:][:n]; r.pixels.b != nil {
			kernel.AddRows(d, all, list)
		} else {
			kernel.AxpyRows(d, all, list, coefs[o*pixels:])
		}
	}
}

// convWeightSum adds the slots up.
type convWeightSum convWeight

// unit writes some of the weights.
func (r *convWeightSum) unit(_, k int) {
	n, units := len(r.order), min(r.slots, len(r.order))
	for i := k * n / units; i < (k+1)*n/units; i++ {
		s := r.p.floats[i:]
		if r.slots == 1 {
			r.out.f[r.order[i]] = s[0]
			continue
		}
		r.out.f[r.order[i]] = ((s[0] + s[n]) + (s[2*n] + s[3*n])) + ((s[4*n] + s[5*n]) + (s[6*n] + s[7*n]))
	}
}

// maxPool takes the first greatest element of each window, or hands a gradient back to it.
type maxPool struct {
	job
	x, y, out      picture // out is y, or the gradient by x
	kernel, stride int
	back           bool
	steps          int
	p              *Program
}

func bindMaxPool(p *Program, s *plan.Step) (runner, needs, error) {
	r := &maxPool{x: p.picture(s.In[0]), y: p.picture(s.Out[0]), out: p.picture(s.Out[0]), kernel: s.Node.Int("kernel"), stride: s.Node.Int("stride"),
		back: s.Node.Op == graph.OpMaxPoolGrad, steps: max(s.Out[0].Type.Steps, 1), p: p}
	if r.back {
		r.y = p.picture(s.In[1])
	}
	r.task = r
	return r, needs{}, nil
}

func (r *maxPool) run(p *Program) error {
	p.pool.run(&r.job, r.steps*r.x.n)
	return nil
}

func (r *maxPool) unit(_, row int) {
	r.out.clear(row, row+1)
	for y := range r.y.high {
		for x := range r.y.wide {
			for c := range r.y.channels {
				best, most := 0, float32(0)
				for u := range r.kernel {
					for v := range r.kernel {
						at := ((y*r.stride+u)*r.x.wide+x*r.stride+v)*r.x.channels + c
						if value := r.x.number(row, at); u+v == 0 || value > most {
							best, most = at, value
						}
					}
				}
				at := (y*r.y.wide+x)*r.y.channels + c
				if r.back {
					r.out.set(row, best, r.out.number(row, best)+r.y.number(row, at))
				} else {
					r.out.set(row, at, most)
				}
			}
		}
	}
}
