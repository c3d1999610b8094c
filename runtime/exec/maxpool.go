package exec

import (
	"math/bits"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
)

// picture is a row of channels-last pixels.
type picture struct {
	*memory
	high, wide, channels int
}

func (p *Program) picture(v *plan.Value) picture {
	d := v.Type.Dims
	return picture{p.value(v), d[1], d[2], d[0]}
}

// maxPool takes the first greatest element of each window, or hands a gradient back to it.
type maxPool struct {
	job
	x, y, out picture // out is y, or the gradient by x
	stride    int
	window    []int // where the pixels of a window are, from its first one on, in elements
	back      bool
	steps     int
}

func bindMaxPool(p *Program, s *plan.Step) (runner, needs, error) {
	r := &maxPool{x: p.picture(s.In[0]), y: p.picture(s.Out[0]), out: p.picture(s.Out[0]), stride: s.Node.Int("stride"),
		back: s.Node.Op == graph.OpMaxPoolGrad, steps: max(s.Out[0].Type.Steps, 1)}
	if r.back {
		r.y = p.picture(s.In[1])
	}
	for u := range s.Node.Int("kernel") {
		for v := range s.Node.Int("kernel") {
			r.window = append(r.window, (u*r.x.wide+v)*r.x.channels)
		}
	}
	r.task = r
	return r, needs{}, nil
}

func (r *maxPool) run(p *Program) error {
	p.pool.run(&r.job, r.steps*r.x.n)
	return nil
}

func (r *maxPool) unit(_, row int) {
	if r.back || r.x.b != nil {
		r.out.clear(row, row+1) // gradients are added up, and bits set
	}
	for y := range r.y.high {
		for x := range r.y.wide {
			// The first elements of the window, and of its result.
			from, to := (y*r.stride*r.x.wide+x*r.stride)*r.x.channels, (y*r.y.wide+x)*r.y.channels
			switch {
			case r.x.b != nil && r.back:
				r.spikesBack(row, from, to)
			case r.x.b != nil:
				r.spikes(row, from, to)
			case r.x.i != nil && r.back:
				greatestBack(r.out.f[row*r.x.size+from:], r.y.f[row*r.y.size+to:][:r.y.channels], r.x.i[row*r.x.size+from:], r.window)
			case r.x.i != nil:
				greatest(r.out.i[row*r.y.size+to:][:r.y.channels], r.x.i[row*r.x.size+from:], r.window)
			case r.back:
				greatestBack(r.out.f[row*r.x.size+from:], r.y.f[row*r.y.size+to:][:r.y.channels], r.x.f[row*r.x.size+from:], r.window)
			default:
				greatest(r.out.f[row*r.y.size+to:][:r.y.channels], r.x.f[row*r.x.size+from:], r.window)
			}
		}
	}
}

// greatest sets d to the greatest elements of a window, channel by channel.
func greatest[E float32 | int32](d, x []E, window []int) {
	copy(d, x)
	for _, at := range window[1:] {
		for c, v := range x[at:][:len(d)] {
			if v > d[c] {
				d[c] = v
			}
		}
	}
}

// greatestBack adds dy to d where the first greatest elements of a window are.
func greatestBack[E float32 | int32](d, dy []float32, x []E, window []int) {
	for c, g := range dy {
		best, most := c, x[c]
		for _, at := range window[1:] {
			if v := x[at+c]; v > most {
				best, most = at+c, v
			}
		}
		d[best] += g
	}
}

// spikes is greatest for bits, 64 channels at a time: one is there where one is anywhere in the window.
func (r *maxPool) spikes(row, from, to int) {
	x, d := r.x.row(row), r.out.row(row)
	for c := 0; c < r.y.channels; c += 64 {
		n := min(64, r.y.channels-c)
		seen := uint64(0)
		for _, at := range r.window {
			seen |= kernel.BitField(x, from+at+c, n)
		}
		i := to + c
		d[i/64] |= seen << (i % 64)
		if i%64+n > 64 {
			d[i/64+1] |= seen >> (64 - i%64)
		}
	}
}

// spikesBack is greatestBack for bits: the first greatest is the first spike, and the first pixel where there is none.
func (r *maxPool) spikesBack(row, from, to int) {
	x, d, dy := r.x.row(row), r.out.f[row*r.x.size+from:], r.y.f[row*r.y.size+to:]
	for c := 0; c < r.y.channels; c += 64 {
		n := min(64, r.y.channels-c)
		left := ^uint64(0) >> (64 - n) // channels without a spike so far
		for _, at := range r.window {
			first := kernel.BitField(x, from+at+c, n) & left
			left &^= first
			addWhere(d[at+c:], dy[c:], first)
		}
		addWhere(d[c:], dy[c:], left)
	}
}

// addWhere adds to d the elements of dy at which a bit is set.
func addWhere(d, dy []float32, set uint64) {
	for ; set != 0; set &= set - 1 {
		c := bits.TrailingZeros64(set)
		d[c] += dy[c]
	}
}
