package exec

import (
	"snnc.dev/snnc/runtime/graph"
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
