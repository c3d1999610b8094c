package cut

import (
	"fmt"
	"slices"
	"strconv"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// emitter builds a graph from nodes of the network's: the rewritten one, or one of what follows from variables.
type emitter struct {
	c      *finder
	b      *graph.Builder
	values map[graph.Value]graph.Value
	calms  map[graph.Value]graph.Value
	origin map[*graph.Node]*graph.Node // of the nodes built

	constants map[*synapse.Constant]graph.Value

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

func newEmitter(c *finder, b *graph.Builder) *emitter {
	return &emitter{c: c, b: b, values: map[graph.Value]graph.Value{}, calms: map[graph.Value]graph.Value{}, origin: map[*graph.Node]*graph.Node{}, constants: map[*synapse.Constant]graph.Value{}}
}

// Builder returns that of the new graph.
func (e *emitter) Builder() *graph.Builder { return e.b }

// Value returns a value of the network in the new graph.
func (e *emitter) Value(v graph.Value) graph.Value {
	if x, ok := e.values[v]; ok {
		return x
	}
	n := v.Node
	if e.circuits != nil && v.Index == 0 && len(e.c.fact(n).of) > 0 {
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
		args[i] = e.Value(in)
	}
	for i, x := range e.Like(n, n.Attrs, args...) {
		e.values[graph.Value{Node: n, Index: i}] = x
	}
	return e.values[v]
}

// Like adds a node that does what n does.
func (e *emitter) Like(n *graph.Node, attrs graph.Attrs, in ...graph.Value) []graph.Value {
	e.b.Layer, e.b.Origin = n.Layer, n.Origin
	out := e.b.Like(n, attrs, in...)
	e.b.Layer, e.b.Origin = "", nil
	if len(out) > 0 {
		e.origin[out[0].Node] = n
	}
	return out
}

// Calm returns a value that is the same at all time steps, without them.
func (e *emitter) Calm(v graph.Value) graph.Value {
	n := v.Node
	if v.Type().Steps == 0 {
		return e.Value(v)
	}
	if x, ok := e.calms[v]; ok {
		return x
	}
	args := make([]graph.Value, len(n.In))
	for i, in := range n.In {
		args[i] = e.Calm(in)
	}
	attrs := n.Attrs
	switch {
	case n.Op == graph.OpRepeat && n.Axis() == graph.TimeAxis:
		e.calms[v] = args[0]
		return args[0]
	case n.Op == graph.OpEquation && len(args) > 0 && echoes(n.Equation):
		e.calms[v] = args[0]
		return args[0]
	case n.Op == graph.OpEquation:
		attrs = graph.Attrs{"steps": 1, "last": true}
	}
	for i, x := range e.Like(n, attrs, args...) {
		e.calms[graph.Value{Node: n, Index: i}] = x
	}
	return e.calms[v]
}

// echoes reports whether an equation emits what flows in.
func echoes(e *graph.Equation) bool {
	return e.Step.Outputs[0].Value.Node == e.Step.Inputs[0] && len(e.Inputs) > 0
}

// Constant returns what of a part is the same at all time steps, which is built once.
func (e *emitter) Constant(k *synapse.Constant) graph.Value {
	x, ok := e.constants[k]
	if !ok {
		x = k.Build(e)
		e.constants[k] = x
	}
	return x
}

// Full returns x, which broadcasts to dims, in these, with examples where these are many.
func (e *emitter) Full(x graph.Value, dims []int) graph.Value {
	return e.b.Expand(x, graph.Type{DType: x.Type().DType, Batch: x.Type().Batch || e.circuits != nil, Dims: dims})
}

// flow returns what flows into a population besides spikes, of the dims that it has: gain and offset included. Not ok where that is 0.
func (e *emitter) flow(p *population) (graph.Value, bool) {
	var x graph.Value
	switch {
	case p.constant == nil && p.Offset == 0:
		return x, false
	case p.constant == nil:
		x = e.b.Const(p.Offset)
	default:
		if x = e.Constant(p.constant); p.Gain != 1 {
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
	if x = e.Full(x, own); !slices.Equal(own, p.dims) {
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
	for _, i := range e.c.fact(n).of {
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
			s := schema.Synapses{Population: -1, Kind: t.Kind, View: t.View, Kernel: t.Kernel, Stride: t.Stride, Pad: t.Pad, Weights: schema.Tensor{Dims: t.Weights.Dims}}
			from := t.From.Population
			k, inside := index[from]
			switch {
			case from >= 0 && inside:
				s.Population = k
				deepest = max(deepest, a.Populations[k].Depth)
			case from >= 0:
				s.Input = input(t.From, schema.SpikeInput, c.found[from].name, c.found[from].dims, c.found[from].Once, e.population(from))
			default:
				h := t.From.Host
				dims := synapse.Shape(h.Type().Dims)
				x := e.Value(h)
				x = e.Full(x, h.Type().Dims)
				if !slices.Equal(dims, h.Type().Dims) {
					x = e.b.Reshape(x, dims...)
				}
				s.Input = input(t.From, schema.SpikeInput, c.nameOf(h.Node), dims, h.Node.Once, x)
			}
			q.Synapses = append(q.Synapses, s)
		}
		if p.constant != nil && p.constant.Varies {
			x, _ := e.flow(p)
			name := p.name
			if near := nearest(p.x.Node); len(near) > 0 && len(p.terms) == 0 {
				name = c.nameOf(near[0])
			}
			q.Drive = []int{input(x, schema.DriveInput, name, p.dims, false, x)}
		} else if p.constant != nil || p.Offset != 0 {
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
			if from := t.From.Population; from >= 0 && e.where[from] == e.where[i] {
				need[from] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(a.populations), func(i int) bool { return !need[i] })
}
