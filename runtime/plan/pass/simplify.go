package pass

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
)

// Graph is a flat graph as passes and planner see it: its assignments are results beside its outputs.
type Graph struct {
	Nodes   []*graph.Node  // each after those that it reads
	Outputs []graph.Output // named results
	Assigns []graph.Output // the next values of variables
}

// take returns g with its assignments as results beside its outputs.
func take(g *graph.Graph) *Graph {
	s := &Graph{Outputs: g.Outputs}
	for _, n := range g.Nodes {
		if n.Op == graph.OpAssign {
			s.Assigns = append(s.Assigns, graph.Output{Name: n.Text("var"), Value: n.In[0]})
			continue
		}
		s.Nodes = append(s.Nodes, n)
	}
	return s
}

// rewriter builds a graph node by node. Equal nodes become one.
type rewriter struct {
	batch int
	nodes []*graph.Node
	id    map[*graph.Node]int
	known map[string]*graph.Node
	layer string
	err   error

	users map[*graph.Node][]*graph.Node // of the nodes that are rewritten
	kept  map[*graph.Node]bool          // those that are results

	steady map[*graph.Node]bool        // see fixed
	readBy map[*graph.Node]*graph.Node // see overTime
}

// rule returns what takes the place of the results of n, whose inputs are in; not ok where it has nothing to say about n.
type rule func(r *rewriter, n *graph.Node, in []graph.Value) (results []graph.Value, ok bool)

// rewrite returns s rewritten node after node by a rule, and the structural places of the nodes that it had something to say
// about. Whatever the rule, what becomes superfluous is dropped.
func (s *Graph) rewrite(batch int, apply rule) (out *Graph, places []string, err error) {
	r := &rewriter{batch: batch, id: map[*graph.Node]int{}, known: map[string]*graph.Node{},
		users: map[*graph.Node][]*graph.Node{}, kept: map[*graph.Node]bool{}, steady: map[*graph.Node]bool{}, readBy: map[*graph.Node]*graph.Node{}}
	for _, n := range s.Nodes {
		for _, v := range n.In {
			r.users[v.Node] = append(r.users[v.Node], n)
		}
	}
	for _, o := range slices.Concat(s.Outputs, s.Assigns) {
		r.kept[o.Value.Node] = true
	}
	to := map[graph.Value]graph.Value{}
	for _, n := range s.Nodes {
		in := make([]graph.Value, len(n.In))
		for i, v := range n.In {
			in[i] = to[v]
		}
		r.layer = n.Layer
		results, ok := apply(r, n, in)
		if ok {
			places = append(places, n.Layer)
		} else {
			results = r.tidy(n, in)
		}
		for i, v := range results {
			to[graph.Value{Node: n, Index: i}] = v
		}
	}
	renamed := func(list []graph.Output) []graph.Output {
		list = slices.Clone(list)
		for i := range list {
			list[i].Value = to[list[i].Value]
		}
		return list
	}
	out = &Graph{Outputs: renamed(s.Outputs), Assigns: renamed(s.Assigns)}
	used := map[*graph.Node]bool{}
	for _, o := range slices.Concat(out.Outputs, out.Assigns) {
		used[o.Value.Node] = true
	}
	for i := len(r.nodes) - 1; i >= 0; i-- {
		if n := r.nodes[i]; used[n] {
			for _, v := range n.In {
				used[v.Node] = true
			}
		}
	}
	out.Nodes = slices.DeleteFunc(r.nodes, func(n *graph.Node) bool { return !used[n] })
	return out, places, r.err
}

// add adds a node of the given types unless there is an equal one, and returns its results.
func (r *rewriter) add(op graph.Op, e *graph.Equation, attrs graph.Attrs, out []graph.Type, in ...graph.Value) []graph.Value {
	return r.put(&graph.Node{Op: op, Attrs: attrs, Out: out, Equation: e, In: in})
}

// put adds a node unless there is an equal one, and returns its results.
func (r *rewriter) put(n *graph.Node) []graph.Value {
	n.Layer = r.layer
	key := r.key(n)
	if old := r.known[key]; old != nil {
		n = old
	} else {
		r.known[key] = n
		r.id[n] = len(r.nodes)
		r.nodes = append(r.nodes, n)
	}
	res := make([]graph.Value, len(n.Out))
	for i := range res {
		res[i] = graph.Value{Node: n, Index: i}
	}
	return res
}

func (r *rewriter) key(n *graph.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %p %p %p %v", n.Op, n.Equation, n.Opaque, n.Chip, n.Out) // the type of a constant does not follow from the rest
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		fmt.Fprintf(&b, " %s=%v", name, n.Attrs[name])
	}
	for _, v := range n.In {
		fmt.Fprintf(&b, " %d.%d", r.id[v.Node], v.Index)
	}
	return b.String()
}

// op adds a node whose types inference knows.
func (r *rewriter) op(op graph.Op, attrs graph.Attrs, in ...graph.Value) graph.Value {
	out, err := graph.Infer(&graph.Node{Op: op, Attrs: attrs, In: in}, nil)
	if err != nil {
		if r.err == nil {
			r.err = fmt.Errorf("simplify: %w", err)
		}
		return in[0]
	}
	return r.add(op, nil, attrs, out, in...)[0]
}

func (r *rewriter) number(v float64) graph.Value {
	return r.op(graph.OpConstant, graph.Attrs{"value": v})
}

// Number returns the value of a constant scalar; not ok where v is none.
func Number(v graph.Value) (float64, bool) {
	n := v.Node
	if n.Op != graph.OpConstant || len(n.Out[0].Dims) > 0 || n.Out[0].Steps > 0 {
		return 0, false
	}
	if many := n.Reals("values"); len(many) == 1 {
		return many[0], true
	}
	return n.Real("value"), true
}

// Length returns how many elements of t lie along an axis, in a batch of so many examples.
func Length(t graph.Type, a graph.Axis, batch int) int {
	switch a {
	case graph.TimeAxis:
		return max(t.Steps, 1)
	case graph.BatchAxis:
		return batch
	}
	return t.Dims[a]
}

// Elements returns how many elements of t lie along axes together, in a batch of so many examples.
func Elements(t graph.Type, axes graph.Axes, batch int) int {
	n := 1
	for _, a := range axes {
		n *= Length(t, a, batch)
	}
	return n
}

// reals turns operands of products into real numbers, except spikes where a kernel takes them.
func (r *rewriter) reals(op graph.Op, in []graph.Value) {
	for i, v := range in {
		d := v.Type().DType
		spikes := i == 0
		switch op {
		case graph.OpMatmul, graph.OpMatmulWeight, graph.OpConv, graph.OpConvInput:
		case graph.OpConvWeight: // either of the two
			spikes = i == 0 || in[0].Type().DType != graph.Bit
		case graph.OpMaxPoolGrad:
			spikes = true
		default:
			continue
		}
		if d == graph.I32 || d == graph.Bit && !spikes {
			in[i] = r.op(graph.OpCast, graph.Attrs{"dtype": "f32"}, v)
		}
	}
}

// tidy returns what takes the place of the results of n, whose inputs are in: itself, unless it changes nothing or is known.
func (r *rewriter) tidy(n *graph.Node, in []graph.Value) []graph.Value {
	one := func(v graph.Value) []graph.Value { return []graph.Value{v} }
	r.reals(n.Op, in)
	switch n.Op {
	case graph.OpStop:
		return one(in[0])
	case graph.OpCast:
		if n.Out[0].DType == in[0].Type().DType {
			return one(in[0])
		}
	case graph.OpCount:
		return one(r.number(float64(Elements(in[0].Type(), n.Axes(), r.batch))))
	case graph.OpReshape:
		if slices.Equal(n.Out[0].Dims, in[0].Type().Dims) {
			return one(in[0])
		}
	case graph.OpRepeat:
		if n.Axis() != graph.BatchAxis && n.Int("count") == 1 && n.Out[0].Equal(in[0].Type()) {
			return one(in[0])
		}
	case graph.OpMatmul, graph.OpConv, graph.OpConvInput, graph.OpMatmulWeight, graph.OpConvWeight, graph.OpMaxPool, graph.OpMaxPoolGrad:
		return one(r.product(n.Op, n.Attrs, n.Out[0], in...))
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpDiv:
		if v, ok := r.folded(n, in); ok {
			return one(v)
		}
		if v, ok := neutral(n, in); ok {
			return one(v)
		}
	}
	return r.put(&graph.Node{Op: n.Op, Attrs: n.Attrs, Out: n.Out, Equation: n.Equation, Opaque: n.Opaque, Chip: n.Chip, Origin: n.Origin, In: in})
}

// product adds a product or pooling. Images that have neither time nor batch axis would lie channels first, which no kernel
// reads: they get a time axis of one step.
func (r *rewriter) product(op graph.Op, attrs graph.Attrs, out graph.Type, in ...graph.Value) graph.Value {
	if x := in[0].Type(); op == graph.OpMatmul || op == graph.OpMatmulWeight || x.Steps > 0 || x.Batch {
		return r.add(op, nil, attrs, []graph.Type{out}, in...)[0]
	}
	for i, v := range in {
		if len(v.Type().Dims) == 3 {
			in[i] = r.op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 1}, v)
		}
	}
	if op == graph.OpConvWeight {
		return r.add(op, nil, attrs, []graph.Type{out}, in...)[0]
	}
	y := r.add(op, nil, attrs, []graph.Type{out.WithSteps(1)}, in...)[0]
	y = r.op(graph.OpReduce, graph.Attrs{"kind": "sum", "axes": graph.Axes{graph.TimeAxis}}, y)
	if y.Type().DType != out.DType {
		y = r.op(graph.OpCast, graph.Attrs{"dtype": out.DType.String()}, y)
	}
	return y
}

// folded computes what is known now.
func (r *rewriter) folded(n *graph.Node, in []graph.Value) (graph.Value, bool) {
	x, okX := Number(in[0])
	y, okY := Number(in[1])
	if !okX || !okY {
		return graph.Value{}, false
	}
	var out, a, b [1]float32
	a[0], b[0] = float32(x), float32(y)
	code, _ := Code(n.Op)
	kernel.Eval(code, out[:], a[:], b[:], nil, nil)
	if v := float64(out[0]); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return r.number(v), true
	}
	return graph.Value{}, false
}

// neutral returns x for x + 0, x - 0, x * 1, x / 1 where that has the type of n.
func neutral(n *graph.Node, in []graph.Value) (graph.Value, bool) {
	unit := 0.0
	if n.Op == graph.OpMul || n.Op == graph.OpDiv {
		unit = 1
	}
	if v, ok := Number(in[1]); ok && v == unit && in[0].Type().Equal(n.Out[0]) {
		return in[0], true
	}
	if v, ok := Number(in[0]); ok && v == unit && (n.Op == graph.OpAdd || n.Op == graph.OpMul) && in[1].Type().Equal(n.Out[0]) {
		return in[1], true
	}
	return graph.Value{}, false
}
