package exec

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// random draws uniform or normal numbers.
type random struct {
	job
	label   string
	normal  bool
	out     *memory
	steps   int
	batched bool
	order   []int
	stream  rng.Stream
	units   int
	p       *Program
}

func bindRandom(p *Program, s *plan.Step) (runner, needs, error) {
	t := s.Out[0].Type
	r := &random{label: s.Node.Text("label"), normal: s.Node.Op == graph.OpNormal, out: p.value(s.Out[0]), steps: max(t.Steps, 1),
		batched: t.Batch, order: tensor.Order(t), p: p}
	r.units = min(r.out.n, 4*plan.Slots)
	r.task = r
	return r, needs{floats: r.steps * r.out.size}, nil
}

func (r *random) run(p *Program) error {
	r.stream = rng.New(p.env.Seed, r.label, p.env.Iteration)
	p.pool.run(&r.job, r.units)
	return nil
}

// unit draws for some examples: all steps of one are one stretch of numbers.
func (r *random) unit(worker, k int) {
	d := r.p.workers[worker].floats[:r.steps*r.out.size]
	for n := k * r.out.n / r.units; n < (k+1)*r.out.n/r.units; n++ {
		index := uint64(0)
		if r.batched {
			index = r.p.env.example(n)
		}
		if r.normal {
			r.stream.FillNormal(d, index, 0)
		} else {
			r.stream.FillUniform(d, index, 0)
		}
		for t := range r.steps {
			x, to := d[t*r.out.size:(t+1)*r.out.size], r.out.f[(t*r.out.n+n)*r.out.size:]
			if r.order == nil {
				copy(to, x)
				continue
			}
			for i, from := range r.order {
				to[i] = x[from]
			}
		}
	}
}

// host asks the trainer for a number.
type host struct {
	what string
	out  *memory
}

func bindHost(p *Program, s *plan.Step) (runner, needs, error) {
	return &host{s.Node.Text("what"), p.value(s.Out[0])}, needs{}, nil
}

func (r *host) run(p *Program) error {
	if p.env.Host == nil {
		return fmt.Errorf("the trainer's number %s is not given", r.what)
	}
	r.out.f[0] = float32(p.env.Host(r.what))
	return nil
}

// extreme reduces to the greatest or least element, or to its index. Sums are loops.
type extreme struct {
	job
	x, out  *memory
	in      graph.Type
	timed   bool
	batched bool
	least   bool
	index   bool
	to      []int32 // where each element of a row goes
	units   int
	p       *Program
}

func bindReduce(p *Program, s *plan.Step) (runner, needs, error) {
	n, x, out := s.Node, s.In[0], s.Out[0]
	kind := n.Text("kind")
	r := &extreme{x: p.value(x), out: p.value(out), in: x.Type, timed: out.Type.Steps > 0, batched: out.Type.Batch, p: p,
		least: kind == "min" || kind == "argmin", index: kind == "argmax" || kind == "argmin", to: tensor.Dropped(x.Type, out.Type, n.Axes()), units: 1}
	if r.batched {
		r.units = plan.Slots
	}
	r.task = r
	most := max(out.Type.Steps, 1) * r.out.n * r.out.size
	return r, needs{results: most, sums: most}, nil
}

func (r *extreme) run(p *Program) error {
	p.pool.run(&r.job, r.units)
	return nil
}

// unit visits the elements of some examples in the order of memory, in which those of one result stand in the order of the
// axis; the first of equal ones counts.
func (r *extreme) unit(_, k int) {
	best, seen := r.p.floats, r.p.sums
	from, to := k*r.x.n/r.units, (k+1)*r.x.n/r.units
	place := func(t, n int) int {
		if !r.timed {
			t = 0
		}
		if !r.batched {
			n = 0
		}
		return (t*r.out.n + n) * r.out.size
	}
	steps := max(r.in.Steps, 1)
	for t := range steps {
		for n := from; n < to; n++ {
			clear(seen[place(t, n):][:r.out.size])
		}
	}
	for t := range steps {
		for n := from; n < to; n++ {
			row, base := t*r.x.n+n, place(t, n)
			for i, o := range r.to {
				o := base + int(o)
				v := r.x.number(row, i)
				if seen[o] == 0 || !r.least && v > best[o] || r.least && v < best[o] {
					best[o] = v
					if r.index {
						r.out.i[o] = int32(seen[o])
					} else {
						r.out.f[o] = v
					}
				}
				seen[o]++
			}
		}
	}
}
