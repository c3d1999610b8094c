package exec

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// shared is what a program with opaque operators has of its pool's server: memory and operators.
type shared struct {
	memory    opaque.Memory
	operators map[prepared]opaque.Operator
}

// prepared is what an operator is made ready for.
type prepared struct {
	of   *graph.Opaque
	dims string
}

// share takes shared memory for the program's plan and returns it. It goes back, with the operators, when nobody holds the program
// any more: no result of a program lies in it.
func (p *Program) share() ([]float32, error) {
	if p.plan.Shared == 0 {
		return nil, nil
	}
	if p.pool.Opaque == nil {
		return nil, opaque.ErrNone
	}
	m, err := p.pool.Opaque.Memory(p.plan.Shared)
	if err != nil {
		return nil, err
	}
	p.shared = &shared{memory: m, operators: map[prepared]opaque.Operator{}}
	runtime.AddCleanup(p, func(s *shared) {
		for _, op := range s.operators {
			op.Close()
		}
		s.memory.Close()
	}, p.shared)
	return m.Floats(), nil
}

// CallError is the error of a call of the plugin that computes an opaque operator or a chip.
type CallError struct {
	Node *graph.Node // the operator, its derivative or the chip, with its layer and its places in the spec
	Err  error
}

// Error says in which layer, and what went wrong.
func (e *CallError) Error() string {
	if e.Node.Layer == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("layer %s: %v", e.Node.Layer, e.Err)
}

// Unwrap returns what went wrong.
func (e *CallError) Unwrap() error { return e.Err }

// outsourced is an opaque operator or its derivative: calls of a plugin, each about some examples.
type outsourced struct {
	s      *plan.Step
	op     opaque.Operator
	steps  int
	size   int // numbers of an example at a time step
	blocks []opaque.Block

	in, saved, next, grads []int
	output                 int
}

func bindOpaque(p *Program, s *plan.Step) (runner, needs, error) {
	n := s.Node
	r := &outsourced{s: s, in: p.places(s.In), saved: p.places(s.Opaque.Saved), next: p.places(s.Opaque.Next), grads: p.places(s.Opaque.Inputs)}
	var t graph.Type
	for _, v := range slices.Concat(s.In, s.Out) {
		if t = v.Type; t.Steps > 0 {
			r.steps = t.Steps
		}
	}
	r.size = t.Size()
	if n.Op == graph.OpOpaqueGrad {
		r.steps = n.Int("steps")
	} else {
		r.output = p.places([]*plan.Value{s.Opaque.Output})[0]
	}
	dims := tensor.Memory(graph.Real(t.Dims...))
	key := prepared{n.Opaque, fmt.Sprint(dims)}
	if r.op = p.shared.operators[key]; r.op == nil {
		var err error
		if r.op, err = p.pool.Opaque.Prepare(n.Opaque, dims); err != nil {
			return nil, needs{}, &CallError{n, err}
		}
		p.shared.operators[key] = r.op
	}
	r.blocks = opaque.Ranges(p.plan.Batch, r.steps*r.size)
	for i := range r.blocks {
		r.blocks[i].Steps = r.steps
	}
	return r, needs{}, nil
}

// places returns where values lie in shared memory.
func (p *Program) places(vs []*plan.Value) []int {
	var at []int
	base := uintptr(unsafe.Pointer(unsafe.SliceData(p.shared.memory.Floats())))
	for _, v := range vs {
		at = append(at, int(uintptr(unsafe.Pointer(unsafe.SliceData(p.value(v).f)))-base)/4)
	}
	return at
}

// seeds returns the seed of each example of the batch by a label.
func (p *Program) seeds(label string) []uint64 {
	stream := rng.New(p.env.Seed, label, p.env.Iteration)
	out := make([]uint64, p.plan.Batch)
	for k := range out {
		index := p.env.example(k)
		out[k] = opaque.Seed(stream.Uniform64(index, 0), stream.Uniform64(index, 1))
	}
	return out
}

func (r *outsourced) run(p *Program) error {
	if err := r.calls(p); err != nil {
		return &CallError{r.s.Node, err}
	}
	return nil
}

// calls makes the calls of the step, all at the same time.
func (r *outsourced) calls(p *Program) error {
	n := r.s.Node
	if n.Op == graph.OpOpaqueGrad {
		last := len(r.in) - 1
		return opaque.Each(r.blocks, func(_ int, b opaque.Block) error {
			return r.op.Backward(p.shared.memory, opaque.Backward{Block: b, Saved: r.in[:last], Gradient: r.in[last], Inputs: r.grads})
		})
	}
	inputs := len(n.Opaque.Inputs)
	f := opaque.Forward{Inputs: r.in[:inputs], State: r.in[inputs:], Output: r.output, Saved: r.saved, Next: r.next}
	var seeds []uint64
	if n.Opaque.Random {
		seeds = p.seeds(n.Text("label"))
	}
	return opaque.Each(r.blocks, func(_ int, b opaque.Block) error {
		f := f
		f.Block = b
		if n.Opaque.Random {
			f.Seeds = seeds[b.First:][:b.Count]
		}
		if err := r.op.Forward(p.shared.memory, f); err != nil || !n.Opaque.Spikes {
			return err
		}
		y := p.value(r.s.Opaque.Output)
		for t := range r.steps {
			if err := opaque.Spikes(n.Opaque, y.f[(t*y.n+b.First)*y.size:][:b.Count*y.size]); err != nil {
				return err
			}
		}
		return nil
	})
}
