package cut

import (
	"fmt"
	"slices"
	"strconv"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// emitter builds a graph from nodes of the network's: the rewritten one, or one of what follows from variables.
type emitter struct {
	c      *finder
	b      *graph.Builder
	values map[graph.Value]graph.Value
	stills map[slot]graph.Value // the zero Value: 0
	calms  map[*graph.Node]graph.Value
	origin map[*graph.Node]*graph.Node // of the nodes built

	// Of a rewritten graph: its circuits, and which populations are outputs of them. nil: all is copied.
	circuits []*assembled
	where    []int // the circuit of each population
	gives    []bool
}

// slot is some elements of a value along its first dim.
type slot struct {
	graph.Value
	lo, hi int
}

// value returns a value of the network in the new graph.
func (e *emitter) value(v graph.Value) graph.Value {
	if x, ok := e.values[v]; ok {
		return x
	}
	if e.values == nil {
		e.values, e.stills, e.calms, e.origin = map[graph.Value]graph.Value{}, map[slot]graph.Value{}, map[*graph.Node]graph.Value{}, map[*graph.Node]*graph.Node{}
	}
	n := v.Node
	if e.circuits != nil && v.Index == 0 && len(e.c.of[n]) > 0 {
		x := e.fromChip(n)
		e.values[v] = x
		return x
	}
	if n.Op == graph.OpInput { // those of a rewritten graph are there
		e.b.Fail(fmt.Errorf("input %s is no variable", n.Text("name")))
		return v
	}
	args := make([]graph.Value, len(n.In))
	for i, in := range n.In {
		args[i] = e.value(in)
	}
	for i, x := range e.like(n, n.Attrs, args...) {
		e.values[graph.Value{Node: n, Index: i}] = x
	}
	return e.values[v]
}

// like adds a node that does what n does.
func (e *emitter) like(n *graph.Node, attrs graph.Attrs, in ...graph.Value) []graph.Value {
	e.b.Layer, e.b.Origin = n.Layer, n.Origin
	out := e.b.Like(n, attrs, in...)
	e.b.Layer, e.b.Origin = "", nil
	if len(out) > 0 {
		e.origin[out[0].Node] = n
	}
	return out
}

// calm returns a value that is the same at all time steps, without them.
func (e *emitter) calm(v graph.Value) graph.Value {
	n := v.Node
	if v.Type().Steps == 0 {
		return e.value(v)
	}
	if x, ok := e.calms[n]; ok {
		return graph.Value{Node: x.Node, Index: v.Index}
	}
	args := make([]graph.Value, len(n.In))
	for i, in := range n.In {
		args[i] = e.calm(in)
	}
	attrs := n.Attrs
	switch {
	case n.Op == graph.OpRepeat && n.Axis() == graph.TimeAxis:
		e.calms[n] = args[0]
		return args[0]
	case n.Op == graph.OpEquation && len(args) > 0 && echoes(n.Equation):
		e.calms[n] = args[0]
		return args[0]
	case n.Op == graph.OpEquation:
		attrs = graph.Attrs{"steps": 1, "last": true}
	}
	out := e.like(n, attrs, args...)
	e.calms[n] = out[0]
	return out[v.Index]
}

// echoes reports whether an equation emits what flows in.
func echoes(e *graph.Equation) bool {
	return e.Step.Outputs[0].Value.Node == e.Step.Inputs[0] && len(e.Inputs) > 0
}

// part returns elements along the first dim.
func (e *emitter) part(x graph.Value, lo, hi int) graph.Value {
	if dims := x.Type().Dims; len(dims) == 0 || lead(dims) == 1 || lo == 0 && hi == dims[0] {
		return x
	}
	return e.b.Slice(x, 0, lo, hi-lo)
}

// still returns what some elements of a value are without spikes, in dims that broadcast to theirs; not ok where that is 0.
func (e *emitter) still(v graph.Value, lo, hi int) (x graph.Value, ok bool) {
	n, t := v.Node, v.Type()
	if x, done := e.stills[slot{v, lo, hi}]; done {
		return x, x.Valid()
	}
	defer func() {
		if !ok {
			x = graph.Value{}
		}
		e.stills[slot{v, lo, hi}] = x
	}()
	if t.Steps == 0 || e.c.steady[n] {
		return e.part(e.calm(v), lo, hi), true
	}
	if f := e.c.formOf(v); !slices.ContainsFunc(f.parts, func(p part) bool { return p.constant != nothing }) {
		return x, false
	}
	// operand is an input of an element-wise node, some elements of it.
	operand := func(i int) (graph.Value, bool) {
		if lead(n.In[i].Type().Dims) == 1 {
			return e.still(n.In[i], 0, 1)
		}
		return e.still(n.In[i], lo, hi)
	}
	switch n.Op {
	case graph.OpAdd, graph.OpSub:
		a, first := operand(0)
		b, second := operand(1)
		switch {
		case first && second:
			return e.like(n, n.Attrs, a, b)[0], true
		case first || !second:
			return a, first
		case n.Op == graph.OpSub:
			return e.b.Neg(b), true
		}
		return b, true
	case graph.OpNeg, graph.OpStop, graph.OpCast:
		if x, ok = operand(0); ok {
			x = e.like(n, n.Attrs, x)[0]
		}
		return x, ok
	case graph.OpMul, graph.OpDiv:
		i := 0
		if n.Op == graph.OpMul && !e.c.varies[n.In[0].Node] {
			i = 1
		}
		if x, ok = operand(i); !ok {
			return x, false
		}
		args := []graph.Value{x, e.value(n.In[1-i])}
		if lead(n.In[1-i].Type().Dims) > 1 {
			args[1] = e.part(args[1], lo, hi)
		}
		return e.like(n, n.Attrs, args...)[0], true
	case graph.OpConcat:
		var all []graph.Value
		from := 0
		for _, in := range n.In {
			own := in.Type()
			to := from + lead(own.Dims)
			if a, b := max(from, lo), min(to, hi); a < b {
				y, there := e.still(in, a-from, b-from)
				if lo >= from && hi <= to {
					return y, there
				}
				if !there {
					y = e.b.Const(0)
				}
				dims := slices.Clone(own.Dims)
				dims[0] = b - a
				all = append(all, e.full(y, dims))
			}
			from = to
		}
		return e.b.Concat(0, all...), true
	case graph.OpSlice:
		return e.still(n.In[0], n.Int("start")+lo, n.Int("start")+hi)
	case graph.OpReshape:
		from := n.In[0].Type().Dims
		if a, b, in := lo*inner(t.Dims), hi*inner(t.Dims), inner(from); a%in == 0 && b%in == 0 {
			if x, ok = e.still(n.In[0], a/in, b/in); !ok {
				return x, false
			}
			own, dims := slices.Clone(from), slices.Clone(t.Dims)
			if len(own) > 0 {
				own[0] = b/in - a/in
			}
			if len(dims) > 0 {
				dims[0] = hi - lo
			}
			return e.b.Reshape(e.full(x, own), dims...), true
		}
	}
	// What takes all of its first input, and of variables what there is besides.
	if x, ok = e.still(n.In[0], 0, lead(n.In[0].Type().Dims)); !ok {
		return x, false
	}
	args := []graph.Value{e.full(x, n.In[0].Type().Dims)}
	for _, in := range n.In[1:] {
		args = append(args, e.value(in))
	}
	return e.part(e.like(n, n.Attrs, args...)[0], lo, hi), true
}

// full returns x, which broadcasts to dims, in these, with examples where these are many.
func (e *emitter) full(x graph.Value, dims []int) graph.Value {
	return e.b.Expand(x, graph.Type{DType: x.Type().DType, Batch: x.Type().Batch || e.circuits != nil, Dims: dims})
}

// flow returns what flows into a population besides spikes, of the dims that it has: gain and offset included. Not ok where that is 0.
func (e *emitter) flow(p *population) (graph.Value, bool) {
	x, ok := graph.Value{}, false
	if p.constant != nothing {
		x, ok = e.still(p.x, p.lo, p.hi)
	}
	if !ok && p.Offset == 0 {
		return x, false
	}
	if !ok {
		x = e.b.Const(p.Offset)
	} else {
		if x.Type().DType == graph.Bit {
			x = e.b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		if p.Gain != 1 {
			x = e.b.Scale(x, p.Gain)
		}
		if p.Offset != 0 {
			x = e.b.Add(x, e.b.Const(p.Offset))
		}
	}
	own := slices.Clone(p.x.Type().Dims)
	if len(own) > 0 {
		own[0] = p.hi - p.lo
	}
	if x = e.full(x, own); !slices.Equal(own, p.dims) {
		x = e.b.Reshape(x, p.dims...)
	}
	return x, true
}

// assembled is a circuit with what it is in a graph.
type assembled struct {
	schema.Circuit
	populations []int // of the finder, those that the circuit could have
	members     []int // those that it has
	inputs      []graph.Value
	outputs     map[int]graph.Value
	chip        *graph.Chip
	over        bool
	level       int
}

// fromChip returns the value of an equation or a pooling that is populations.
func (e *emitter) fromChip(n *graph.Node) graph.Value {
	var all []graph.Value
	t := n.Out[0]
	for _, i := range e.c.of[n] {
		p := &e.c.found[i]
		x, own := e.population(i), slices.Clone(t.Dims)
		if len(own) > 0 {
			own[0] = p.hi - p.lo
		}
		if !slices.Equal(own, p.dims) {
			x = e.b.Reshape(x, own...)
		}
		if p.Rest != 0 {
			x = e.b.Add(x, e.b.Const(p.Rest))
		}
		all = append(all, x)
	}
	if len(all) == 1 {
		return all[0]
	}
	return e.b.Concat(0, all...)
}

// population returns what a population gives, of its dims.
func (e *emitter) population(i int) graph.Value {
	a := e.circuits[e.where[i]]
	if a.chip == nil {
		e.assemble(a)
	}
	x, ok := a.outputs[i]
	if !ok {
		e.b.Fail(fmt.Errorf("population %s of circuit %s is read and not given", e.c.found[i].name, a.Name))
		return graph.Value{Node: &graph.Node{}}
	}
	return x
}

// assemble adds the node of a circuit, with all that flows into its members.
func (e *emitter) assemble(a *assembled) {
	c := e.c
	a.members = e.living(a)
	a.chip = &graph.Chip{Name: "c" + strconv.Itoa(len(c.m.Chips)+slices.Index(e.circuits, a)), Circuit: a.Name, Steps: a.Steps}
	index := map[int]int{} // of a population in the circuit
	inputs := map[any]int{}
	input := func(key any, kind schema.InputKind, name string, dims []int, once bool, x graph.Value) int {
		k, ok := inputs[key]
		if !ok {
			k = len(a.Inputs)
			inputs[key] = k
			a.Inputs = append(a.Inputs, schema.Input{Name: name, Kind: kind, Dims: dims, Once: once})
			a.inputs = append(a.inputs, x)
		}
		return k
	}
	for _, i := range a.members {
		p := &c.found[i]
		q := schema.Population{Name: p.name, Dims: p.dims, Dynamics: p.Dynamics.Dynamics, Gives: e.gives[i]}
		deepest := 0
		for _, t := range p.terms {
			s := schema.Synapses{Population: -1, Kind: t.kind, View: t.view, Kernel: t.kernel, Stride: t.stride, Pad: t.pad, Weights: schema.Tensor{Dims: t.weights.dims}}
			from := t.from.population
			k, inside := index[from]
			switch {
			case from >= 0 && inside:
				s.Population = k
				deepest = max(deepest, a.Populations[k].Depth)
			case from >= 0:
				s.Input = input(t.from, schema.SpikeInput, c.found[from].name, c.found[from].dims, c.found[from].Once, e.population(from))
			default:
				h := t.from.host
				dims := shape(h.Type().Dims)
				x := e.value(h)
				x = e.full(x, h.Type().Dims)
				if !slices.Equal(dims, h.Type().Dims) {
					x = e.b.Reshape(x, dims...)
				}
				s.Input = input(t.from, schema.SpikeInput, c.nameOf(h.Node), dims, h.Node.Once, x)
			}
			q.Synapses = append(q.Synapses, s)
		}
		if p.constant == varies {
			x, _ := e.flow(p)
			name := p.name
			if near := nearest(p.x.Node); len(near) > 0 && len(p.terms) == 0 {
				name = c.nameOf(near[0])
			}
			q.Drive = []int{input(x, schema.DriveInput, name, p.dims, false, x)}
		} else if p.constant == known || p.Offset != 0 {
			q.Bias = &schema.Tensor{Dims: p.dims[:1]}
		}
		if q.Depth = deepest; !q.Late {
			q.Depth++
		}
		for k := range q.Synapses {
			s := &q.Synapses[k]
			if s.Delay = q.Depth; !q.Late {
				s.Delay--
			}
			if s.Population >= 0 {
				s.Delay -= a.Populations[s.Population].Depth
			}
		}
		index[i] = len(a.Populations)
		a.Populations = append(a.Populations, q)
	}
	for _, x := range a.inputs {
		a.chip.Inputs = append(a.chip.Inputs, x.Type())
	}
	var given []int
	for k, q := range a.Populations {
		if !q.Gives {
			continue
		}
		t := graph.Spikes(a.Steps, q.Dims...)
		if q.Reads {
			t = graph.Real(q.Dims...)
		}
		a.chip.Outputs = append(a.chip.Outputs, t)
		given = append(given, a.members[k])
	}
	e.b.Layer = "chip"
	out := e.b.Like(&graph.Node{Op: graph.OpChip, Chip: a.chip}, graph.Attrs{"label": a.chip.Name}, a.inputs...)
	e.b.Layer = ""
	a.outputs = map[int]graph.Value{}
	for k, i := range given {
		a.outputs[i] = out[k]
	}
}

// living returns the populations of a circuit that somebody needs.
func (e *emitter) living(a *assembled) []int {
	need := map[int]bool{}
	for k := len(a.populations) - 1; k >= 0; k-- {
		i := a.populations[k]
		if need[i] = need[i] || e.gives[i]; !need[i] {
			continue
		}
		for _, t := range e.c.found[i].terms {
			if from := t.from.population; from >= 0 && e.where[from] == e.where[i] {
				need[from] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(a.populations), func(i int) bool { return !need[i] })
}
