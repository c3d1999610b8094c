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

// events lists the spikes of a row in the order of memory and where those of each pixel begin.
func (x *picture) events(row int, list, starts []int32) (events, ends []int32) {
	starts = starts[:x.high*x.wide+1]
	list = list[:0]
	if x.channels%64 == 0 {
		words := x.channels / 64
		for pixel := range x.high * x.wide {
			starts[pixel] = int32(len(list))
			for k, word := range x.row(row)[pixel*words : (pixel+1)*words] {
				base := int32((pixel*words + k) * 64)
				for word != 0 {
					list = append(list, base+int32(bits.TrailingZeros64(word)))
					word &= word - 1
				}
			}
		}
		starts[x.high*x.wide] = int32(len(list))
		return list, starts
	}
	list = kernel.Events(list, x.row(row), 1)
	at := 0
	for pixel := range starts {
		for at < len(list) && int(list[at]) < pixel*x.channels {
			at++
		}
		starts[pixel] = int32(at)
	}
	return list, starts
}

// conv is a convolution, or its transpose, as one or more phases.
type conv struct {
	job
	x      picture
	w      *memory
	out    picture
	phases []plan.Phase
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
	return r, needs{ints: r.x.size + window, more: r.x.high*r.x.wide + 1}, nil
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
	var list, starts, offsets []int32
	var x []float32
	if r.x.b != nil {
		list, starts = r.x.events(row, w.ints[:r.x.size], w.more)
		offsets = w.ints[r.x.size:]
	} else {
		x = r.x.f[row*r.x.size : (row+1)*r.x.size]
	}
	co, ci := r.out.channels, r.x.channels
	for i := range r.phases {
		f := &r.phases[i]
		weights := r.w.f[f.Weights:]
		for y := range f.Rows {
			for c := range f.Cols {
				at := ((f.Row+f.Step*y)*r.out.wide + f.Col + f.Step*c) * co
				acc := out[at : at+co]
				left := f.Stride*c + f.Left
				a, b := max(left, 0), min(left+f.Wide, r.x.wide)
				count := 0
				for u := max(0, -(f.Stride*y + f.Top)); u < f.High; u++ {
					line := f.Stride*y + f.Top + u
					if line >= r.x.high || a >= b {
						break
					}
					line *= r.x.wide
					if x != nil {
						kernel.Product(acc, weights[(u*f.Wide+a-left)*ci*co:], x[(line+a)*ci:(line+b)*ci])
						continue
					}
					shift := int32((u*f.Wide - line - left) * ci)
					for _, e := range list[starts[line+a]:starts[line+b]] {
						offsets[count] = (e + shift) * int32(co)
						count++
					}
				}
				if x == nil {
					kernel.AddRows(acc, weights, offsets[:count])
				}
			}
		}
	}
}

// convWeight is the derivative of a convolution by its weights. It runs over the pixels of the result's gradient, or over
// its spikes where it is a transposed convolution's operand.
type convWeight struct {
	job
	x, dy           picture
	out             *memory
	steps           int
	kernel          int
	stride, pad     int
	batched         bool
	spikes          bool // of dy
	size            int  // of the weights
	tree            job
	units, parts    int
	p               *Program
	outputs, inputs int
}

func bindConvWeight(p *Program, s *plan.Step) (runner, needs, error) {
	n := s.Node
	r := &convWeight{x: p.picture(s.In[0]), dy: p.picture(s.In[1]), out: p.value(s.Out[0]), steps: max(n.In[0].Type().Steps, 1),
		kernel: n.Int("kernel"), stride: n.Int("stride"), pad: n.Int("pad"), batched: n.In[0].Type().Batch, spikes: n.In[1].Type().DType == graph.Bit, p: p}
	r.outputs, r.inputs = r.dy.channels, r.x.channels
	r.size = r.kernel * r.kernel * r.inputs * r.outputs
	if r.parts = 1; r.batched {
		r.parts = plan.Slots
	}
	r.task = r
	r.tree.task = (*convWeightSum)(r)
	most := max(r.x.size, r.dy.size)
	return r, needs{parts: r.parts * r.size, ints: most + r.kernel*r.kernel*r.inputs, more: max(r.x.high*r.x.wide, r.dy.high*r.dy.wide) + 1}, nil
}

func (r *convWeight) run(p *Program) error {
	p.pool.run(&r.job, r.parts)
	p.pool.run(&r.tree, r.outputs)
	return nil
}

// unit computes the sum over one part of the batch, in the order [ky kx ci co], or [co ky kx ci] over spikes of dy.
func (r *convWeight) unit(worker, part int) {
	w := r.p.workers[worker]
	sums := r.p.parts[part*r.size : (part+1)*r.size]
	clear(sums)
	from, to := 0, 1
	if r.batched {
		from, to = slot(part, r.x.n)
	}
	for t := range r.steps {
		for n := from; n < to; n++ {
			if r.spikes {
				r.bySpike(w, sums, t*r.x.n+n)
			} else {
				r.byPixel(w, sums, t*r.x.n+n)
			}
		}
	}
}

func (r *convWeight) byPixel(w *worker, sums []float32, row int) {
	k, ci, co := r.kernel, r.inputs, r.outputs
	dy := r.dy.f[row*r.dy.size : (row+1)*r.dy.size]
	var list, starts, offsets []int32
	var x []float32
	if r.x.b != nil {
		list, starts = r.x.events(row, w.ints[:r.x.size], w.more)
		offsets = w.ints[r.x.size:]
	} else {
		x = r.x.f[row*r.x.size : (row+1)*r.x.size]
	}
	for y := range r.dy.high {
		for c := range r.dy.wide {
			g := dy[(y*r.dy.wide+c)*co:][:co]
			top, left := r.stride*y-r.pad, r.stride*c-r.pad
			a, b := max(left, 0), min(left+k, r.x.wide)
			count := 0
			for u := max(0, -top); u < k && top+u < r.x.high && a < b; u++ {
				line := (top + u) * r.x.wide
				if x != nil {
					kernel.Outer(sums[(u*k+a-left)*ci*co:], g, x[(line+a)*ci:(line+b)*ci])
					continue
				}
				shift := int32((u*k - line - left) * ci)
				for _, e := range list[starts[line+a]:starts[line+b]] {
					offsets[count] = (e + shift) * int32(co)
					count++
				}
			}
			kernel.Scatter(sums, g, offsets[:count])
		}
	}
}

func (r *convWeight) bySpike(w *worker, sums []float32, row int) {
	k, ci, co := r.kernel, r.inputs, r.outputs
	x := r.x.f[row*r.x.size : (row+1)*r.x.size]
	list, starts := r.dy.events(row, w.ints[:r.dy.size], w.more)
	for y := range r.dy.high {
		for c := range r.dy.wide {
			pixel := y*r.dy.wide + c
			top, left := r.stride*y-r.pad, r.stride*c-r.pad
			a, b := max(left, 0), min(left+k, r.x.wide)
			if a >= b {
				continue
			}
			for _, e := range list[starts[pixel]:starts[pixel+1]] {
				o := int(e) - pixel*co
				for u := max(0, -top); u < k && top+u < r.x.high; u++ {
					line := (top + u) * r.x.wide
					d := sums[((o*k+u)*k+a-left)*ci:][:(b-a)*ci]
					kernel.Eval(kernel.Add, d, d, x[(line+a)*ci:(line+b)*ci], nil)
				}
			}
		}
	}
}

// convWeightSum adds the parts up.
type convWeightSum convWeight

// unit writes the weights of one output channel, [ci k k].
func (r *convWeightSum) unit(_, o int) {
	k, ci, co := r.kernel, r.inputs, r.outputs
	sums := r.p.parts
	out := r.out.f[o*ci*k*k : (o+1)*ci*k*k]
	for i := range ci {
		for tap := range k * k {
			at := (tap*ci+i)*co + o
			if r.spikes {
				at = (o*k*k+tap)*ci + i
			}
			if r.parts == 1 {
				out[i*k*k+tap] = sums[at]
				continue
			}
			n := r.size
			out[i*k*k+tap] = ((sums[at] + sums[n+at]) + (sums[2*n+at] + sums[3*n+at])) + ((sums[4*n+at] + sums[5*n+at]) + (sums[6*n+at] + sums[7*n+at]))
		}
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
