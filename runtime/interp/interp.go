package interp

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// Value is a value in logical order: time, batch, then dims channels first, row-major. N is 1 where the type has no batch
// axis. The values of a Result may share memory with each other and with those of Env.
type Value struct {
	Type graph.Type
	N    int
	Data []float64
}

// Env is what the run of a linked graph sees.
type Env struct {
	N         int // examples in the batch
	Inputs    map[string]Value
	Variables map[string]Value
	Averages  map[string]Value // what a read with `average` sees; nil: Variables
	// Random gives a uniform number of [0, 1) or a standard normal one. index is the number of the example in the batch, 0
	// where the value has no batch axis; element = t * size + logical index within the example.
	Random func(label string, normal bool, index, element uint64) float64
	Host   func(what string) float64 // the numbers that the trainer knows
	Opaque opaque.Server             // computes opaque operators, in single precision
	Chips  opaque.Chips              // computes what lies on chips
	Base   *Base                     // nil: a plain run
}

// Result is what a run gives: the outputs by name and the next values of the variables that the graph assigns.
type Result struct {
	Outputs  map[string]Value
	Assigned map[string]Value
}

// Base makes a graph smooth around a point, for finite differences. A run with Record set computes as ever and stores what
// stops, comparisons, roundings and picks gave and, for each spike, its value s0, its derivative d0 and its place u0 =
// left - right. A later run of the same graph with Record unset and other inputs takes from there what was stored, and
// s0 + d0 (left - right - u0) for a spike. At the recorded point the exact derivative of that smooth twin is what
// graph.Gradient gives, for every surrogate.
type Base struct {
	Record bool
	store  map[place]float64
}

// place is where a number of Base belongs: a node, an element of it and, inside an equation, a step and a node of the step.
type place struct {
	node, element           int
	step, example, in, part int
}

// NewValue returns a value of zeros for a batch of n examples.
func NewValue(t graph.Type, n int) Value {
	if !t.Batch {
		n = 1
	}
	return Value{t, n, make([]float64, max(t.Steps, 1)*n*t.Size())}
}

// offset returns where the element of step t and example e at the place d lies. A missing axis counts as repeated, dims
// align with d from the first, and an axis of length 1 meets any index: the broadcasting of graph.Broadcast.
func (v Value) offset(t, e int, d []int) int {
	if v.Type.Steps == 0 {
		t = 0
	}
	if !v.Type.Batch {
		e = 0
	}
	o := t*v.N + e
	for i, size := range v.Type.Dims {
		o *= size
		if size > 1 {
			o += d[i]
		}
	}
	return o
}

// at returns the element of step t and example e at the place d.
func (v Value) at(t, e int, d []int) float64 { return v.Data[v.offset(t, e, d)] }

// each calls f for every element of v in logical order; i counts them. f must not keep d.
func (v Value) each(f func(i, t, e int, d []int)) {
	d := make([]int, len(v.Type.Dims))
	size := v.Type.Size()
	for i := range v.Data {
		for k, rest := len(d)-1, i%size; k >= 0; k-- {
			d[k] = rest % v.Type.Dims[k]
			rest /= v.Type.Dims[k]
		}
		f(i, i/size/v.N, i/size%v.N, d)
	}
}

// Run computes g, which must be linked and verified. Assignments take effect after the whole graph has run: they are in
// the result and change no value of env.
func Run(g *graph.Graph, env *Env) (*Result, error) {
	r := &run{env: env, values: map[graph.Value]Value{}}
	if b := env.Base; b != nil && b.Record {
		b.store = map[place]float64{}
	}
	res := &Result{map[string]Value{}, map[string]Value{}}
	for i, n := range g.Nodes {
		r.index = i
		if err := r.node(n); err != nil {
			return nil, fmt.Errorf("interpret %s: node %d (%s): %w", g.Name, i, n.Op, err)
		}
		if n.Op == graph.OpAssign {
			res.Assigned[n.Text("var")] = r.values[n.In[0]]
		}
	}
	for _, o := range g.Outputs {
		res.Outputs[o.Name] = r.values[o.Value]
	}
	return res, nil
}

// run is the state of one run.
type run struct {
	env    *Env
	values map[graph.Value]Value
	index  int   // of the node at work
	err    error // a number that Base lacks
}

func (r *run) node(n *graph.Node) error {
	f, ok := operators[n.Op]
	if !ok {
		return fmt.Errorf("it is not linked, or has its place in the step of an equation alone")
	}
	in := make([]Value, len(n.In))
	for i, v := range n.In {
		if in[i], ok = r.values[v]; !ok {
			return fmt.Errorf("its input %d is no earlier value", i)
		}
	}
	out := make([]Value, len(n.Out))
	for i, t := range n.Out {
		if t.Batch && r.env.N < 1 {
			return fmt.Errorf("a batch of %d examples", r.env.N)
		}
		out[i] = NewValue(t, r.env.N)
	}
	if err := f(r, n, in, out); err != nil {
		return err
	}
	for i, v := range out {
		r.values[graph.Value{Node: n, Index: i}] = v
	}
	return r.err
}

// replays reports whether this is a run over a recorded base.
func (r *run) replays() bool { return r.env.Base != nil && !r.env.Base.Record }

// frozen records v under p, or returns what was recorded there; without a base it returns v.
func (r *run) frozen(p place, v float64) float64 {
	b := r.env.Base
	if b == nil {
		return v
	}
	p.node = r.index
	if b.Record {
		b.store[p] = v
		return v
	}
	old, ok := b.store[p]
	if !ok && r.err == nil {
		r.err = fmt.Errorf("the base has no record of it; it belongs to another graph")
	}
	return old
}

// given takes a value from outside as one of type t.
func (r *run) given(kind, name string, from map[string]Value, out *Value) error {
	v, ok := from[name]
	if !ok {
		return fmt.Errorf("%s %s is not given", kind, name)
	}
	if len(v.Data) != len(out.Data) {
		return fmt.Errorf("%s %s has %d elements, want %d for %v and a batch of %d", kind, name, len(v.Data), len(out.Data), out.Type, out.N)
	}
	out.Data = v.Data
	return nil
}
