package plan

import (
	"cmp"
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
	"snnc.dev/snnc/runtime/tensor"
)

// fuser turns nodes into steps. Products, equations and the like become steps where they stand. Element-wise operators and
// views are put off until somebody needs them and then computed together, where they are used; sums run as soon as all that
// they read is there, so that they share passes and let memory go.
type fuser struct {
	p       *Plan
	s       *pass.Graph
	users   map[graph.Value][]*graph.Node
	outputs map[graph.Value]bool
	done    map[graph.Value]*Value
	ran     map[*graph.Node]bool
	when    map[*graph.Node]turn
	cached  map[string]Map    // from a loop's shape to a value's, see mapping and dropped
	packs   map[string]*Value // packed weights
	err     error
}

// turn says when a node can run: after the step of the node with that index, and depth sums after that.
type turn struct{ after, depth int }

// later reports whether t comes after u.
func (t turn) later(u turn) bool { return t.after > u.after || t.after == u.after && t.depth > u.depth }

func fuse(p *Plan, s *pass.Graph) (*fuser, error) {
	f := &fuser{p: p, s: s, users: map[graph.Value][]*graph.Node{}, outputs: map[graph.Value]bool{}, done: map[graph.Value]*Value{},
		ran: map[*graph.Node]bool{}, when: map[*graph.Node]turn{}, cached: map[string]Map{}, packs: map[string]*Value{}}
	for _, n := range s.Nodes {
		for i, v := range n.In {
			if !slices.Contains(n.In[:i], v) {
				f.users[v] = append(f.users[v], n)
			}
		}
	}
	for _, o := range slices.Concat(s.Outputs, s.Assigns) {
		f.outputs[o.Value] = true
	}
	sums := f.turns()
	f.sums(sums[-1])
	for i, n := range s.Nodes {
		if !lazy(n) && !source(n.Op) {
			if f.kernel(n); f.err != nil {
				return nil, f.err
			}
			f.sums(sums[i])
		}
	}
	for _, o := range s.Outputs {
		p.Outputs = append(p.Outputs, Output{o.Name, f.own(o.Value)})
	}
	for _, o := range s.Assigns {
		p.Assigns = append(p.Assigns, Output{o.Name, f.own(o.Value)})
	}
	return f, nil
}

func source(op graph.Op) bool {
	switch op {
	case graph.OpInput, graph.OpRead, graph.OpConstant, graph.OpIota:
		return true
	}
	return false
}

// sum reports whether n is a sum that a loop can take.
func sum(n *graph.Node) bool {
	return n.Op == pass.Moments || n.Op == graph.OpReduce && (n.Text("kind") == "sum" || n.Text("kind") == "mean")
}

func lazy(n *graph.Node) bool { return pass.Elementwise(n.Op) || pass.View(n) || sum(n) }

// turns finds when each node can run and returns the sums by the index of the node that they wait for.
func (f *fuser) turns() map[int][]*graph.Node {
	sums := map[int][]*graph.Node{}
	for i, n := range f.s.Nodes {
		t := turn{after: -1}
		for _, v := range n.In {
			if u := f.when[v.Node]; u.later(t) {
				t = u
			}
		}
		switch {
		case source(n.Op):
		case sum(n):
			t.depth++
			sums[t.after] = append(sums[t.after], n)
		case !lazy(n):
			t = turn{after: i}
		}
		f.when[n] = t
	}
	return sums
}

// sums runs sums that are ready, those over the same shape together.
func (f *fuser) sums(ns []*graph.Node) {
	slices.SortStableFunc(ns, func(a, b *graph.Node) int { return cmp.Compare(f.when[a].depth, f.when[b].depth) })
	for i, n := range ns {
		if f.ran[n] {
			continue
		}
		l := f.loop(n.In[0].Type())
		l.layer = n.Layer
		l.ready = turn{f.when[n].after, f.when[n].depth - 1}
		for _, m := range ns[i:] {
			if !f.ran[m] && f.when[m].depth == f.when[n].depth && pass.SameShape(m.In[0].Type(), n.In[0].Type()) && (m == n || l.shares(m.In[0])) {
				l.sum(m)
			}
		}
		l.finish()
	}
}

// value adds a value to the plan.
func (f *fuser) value(t graph.Type, place Place, source graph.Op) *Value {
	v := &Value{ID: len(f.p.Values), Type: t, Place: place, Source: source}
	f.p.Values = append(f.p.Values, v)
	return v
}

func (f *fuser) step(s *Step) {
	f.p.Steps = append(f.p.Steps, s)
}

// need returns v as a value in memory, after adding the steps that compute it.
func (f *fuser) need(v graph.Value) *Value {
	if got := f.done[v]; got != nil {
		return got
	}
	n := v.Node
	switch {
	case source(n.Op):
		f.source(v)
	case pass.View(n):
		f.view(n)
	case sum(n):
		f.sums([]*graph.Node{n})
	case pass.Elementwise(n.Op):
		l := f.loop(v.Type())
		l.layer, l.ready = n.Layer, f.when[n]
		l.register(v)
		l.wanted = v
		l.finish()
	default:
		f.kernel(n)
	}
	return f.done[v]
}

// own returns v in memory that no other run and nobody but the plan writes: not that of an input, a variable or a constant, nor that
// which a plugin sees.
func (f *fuser) own(v graph.Value) *Value {
	got := f.need(v)
	if root := got.Root(); root.Place == Buffer && !root.Shared {
		return got
	}
	return f.copied(v, got)
}

// copied returns a copy of v, which is in memory as got.
func (f *fuser) copied(v graph.Value, got *Value) *Value {
	t := v.Type()
	return f.copy(got, t, "copy", v.Node.Layer, Part{Steps: max(t.Steps, 1), Timed: true, Batched: true, Runs: []Run{{Length: int32(t.Size()), Stride: 1}}})
}

// copy adds a step that copies part of x to a new value.
func (f *fuser) copy(x *Value, t graph.Type, source graph.Op, layer string, part Part) *Value {
	to := f.value(t, Buffer, source)
	f.step(&Step{In: []*Value{x}, Out: []*Value{to}, Layer: layer, Move: &Move{Parts: []Part{part}}})
	return to
}

func (f *fuser) source(v graph.Value) {
	n := v.Node
	var got *Value
	switch n.Op {
	case graph.OpInput:
		got = f.value(v.Type(), Input, n.Op)
		got.Name = n.Text("name")
	case graph.OpRead:
		got = f.value(v.Type(), Variable, n.Op)
		got.Name, got.Average = n.Text("var"), n.Flag("average")
	default:
		got = f.value(v.Type(), Constant, n.Op)
		got.Data = constantOf(n)
	}
	f.done[v] = got
}

// constantOf returns the data of a constant node.
func constantOf(n *graph.Node) *tensor.Tensor {
	t := n.Out[0]
	data := make([]float64, max(t.Steps, 1)*t.Size())
	switch v := n.Attrs["value"].(type) {
	case float64:
		for i := range data {
			data[i] = v
		}
	default:
		copy(data, n.Reals("values"))
	}
	if n.Op == graph.OpIota {
		for i := range data {
			data[i] = float64(i)
		}
	}
	return tensor.FromLogical(t, 1, data)
}

// view makes a view a value: an alias where the elements lie the same way, else a copy.
func (f *fuser) view(n *graph.Node) {
	to := graph.Value{Node: n}
	t, from := n.Out[0], n.In[0].Type()
	timed, batched := from.Steps > 0 || t.Steps == 0, from.Batch || !t.Batch
	x := f.need(n.In[0]) // first: aliases come after what they stand for
	part := Part{Steps: max(t.Steps, 1), Timed: from.Steps > 0, Batched: from.Batch}
	lies, ok := nestOf(n)
	same := ok && lies.same(from.Size())
	if !ok {
		index := compose(compose(broadcast(t, t.Dims), viewed(n)), tensor.Places(from))
		if same = mapOf(index, from.Size()).Shape == Same; !same {
			part = part.elements(index, nil)
		}
	}
	if timed && batched && same {
		got := f.value(t, Alias, n.Op)
		got.Of = x
		f.done[to] = got
		return
	}
	if ok {
		part = part.nested(lies, false)
	} else if same {
		part.Runs = []Run{{Length: int32(t.Size()), Stride: 1}}
	}
	f.done[to] = f.copy(x, t, n.Op, n.Layer, part)
}

// kernel adds the step of a node that is neither element-wise nor view nor sum.
func (f *fuser) kernel(n *graph.Node) {
	if f.ran[n] {
		return
	}
	f.ran[n] = true
	if f.moves(n) {
		return
	}
	switch n.Op {
	case graph.OpEquation, graph.OpEquationGrad:
		f.equation(n)
		return
	case graph.OpOpaque, graph.OpOpaqueGrad:
		f.opaque(n)
		return
	}
	s := &Step{Node: n, Layer: n.Layer}
	for i, v := range n.In {
		if i == 1 {
			if name := packing(n); name != "" {
				s.In = append(s.In, f.packed(n, name))
				continue
			}
		}
		s.In = append(s.In, f.need(v))
	}
	for i, t := range n.Out {
		out := f.value(t, Buffer, n.Op)
		f.done[graph.Value{Node: n, Index: i}] = out
		s.Out = append(s.Out, out)
	}
	f.moments(n, s)
	f.step(s)
}

// moments adds the moments of a convolution's channels to its step, where somebody wants them and an image is large against the sums
// that are kept of it.
func (f *fuser) moments(n *graph.Node, s *Step) {
	const pixels = 49
	t := n.Out[0]
	if slices.Contains(f.p.without, moments) || n.Op != graph.OpConv && n.Op != graph.OpConvInput || !t.Batch || t.Dims[1]*t.Dims[2] < pixels {
		return
	}
	for _, m := range f.users[graph.Value{Node: n}] {
		if m.Op != pass.Moments || !m.Out[0].Equal(graph.Type{Dims: t.Dims[:1]}) || f.ran[m] {
			continue
		}
		f.ran[m] = true
		s.Moments = &ChannelMoments{Mean: f.value(m.Out[0], Buffer, m.Op), Variance: f.value(m.Out[1], Buffer, m.Op), Count: float64(pass.Elements(t, m.Axes(), f.p.Batch))}
		f.done[graph.Value{Node: m}], f.done[graph.Value{Node: m, Index: 1}] = s.Moments.Mean, s.Moments.Variance
		s.Out = append(s.Out, s.Moments.Mean, s.Moments.Variance)
		return
	}
}

// moves adds the step of a node that copies rows: a slice, pad or repeat along time, pad and concat along a dim.
func (f *fuser) moves(n *graph.Node) bool {
	out := n.Out[0]
	all := []Run{{Length: int32(out.Size()), Stride: 1}}
	move := &Move{}
	switch {
	case n.Op == graph.OpSlice: // along time
		x := f.need(n.In[0]) // first: aliases come after what they stand for
		got := f.value(out, Alias, n.Op)
		got.Of, got.From = x, n.Int("start")
		f.done[graph.Value{Node: n}] = got
		return true
	case n.Op == graph.OpPad && n.Axis() == graph.TimeAxis:
		move.Zero = true
		move.Parts = []Part{{Steps: n.In[0].Type().Steps, TimeTo: n.Int("before"), Timed: true, Batched: true, Runs: all}}
	case n.Op == graph.OpPad:
		move.Zero = true
		move.Parts = []Part{shifted(n.In[0].Type(), out, int(n.Axis()), n.Int("before"))}
	case n.Op == graph.OpRepeat: // of time steps
		for step := range out.Steps {
			move.Parts = append(move.Parts, Part{Steps: 1, TimeIn: step / n.Int("count"), TimeTo: step, Timed: true, Batched: true, Runs: all})
		}
	case n.Op == graph.OpConcat:
		at := 0
		for i, v := range n.In {
			part := Part{Steps: v.Type().Steps, TimeTo: at, Timed: true, Batched: true, Runs: all}
			if n.Axis() != graph.TimeAxis {
				part = shifted(v.Type(), out, int(n.Axis()), at)
			}
			part.From = i
			at += pass.Length(v.Type(), n.Axis(), f.p.Batch)
			move.Parts = append(move.Parts, part)
		}
	default:
		return false
	}
	s := &Step{Move: move, Layer: n.Layer}
	for _, v := range n.In {
		s.In = append(s.In, f.need(v))
	}
	to := f.value(out, Buffer, n.Op)
	f.done[graph.Value{Node: n}] = to
	s.Out = []*Value{to}
	f.step(s)
	return true
}

// shifted copies rows of type from to those of type to, which have the same axes, with by added to the index along a dim.
func shifted(from, to graph.Type, axis, by int) Part {
	strides := tensor.Strides(to)
	lies := nest{start: by * strides[axis]}
	for _, k := range inMemory(from) {
		lies.loop(from.Dims[k], strides[k])
	}
	return Part{Steps: max(to.Steps, 1), Timed: true, Batched: true}.nested(lies, true)
}

// packed returns the weights of a product in the order of that name; the same weights are packed once per run.
func (f *fuser) packed(n *graph.Node, name string) *Value {
	x := f.need(n.In[1])
	key := fmt.Sprint(x.ID, " ", name)
	if got := f.packs[key]; got != nil {
		return got
	}
	runs, size, padding := packed(n)
	got := f.value(graph.Type{Dims: []int{size}}, Buffer, "pack")
	f.step(&Step{In: []*Value{x}, Out: []*Value{got}, Layer: n.Layer, Move: &Move{Zero: padding, Parts: []Part{{Steps: 1, Runs: runs}}}})
	f.packs[key] = got
	return got
}

// cheap reports whether v, element-wise and not computed yet, had better be computed anew wherever it is used than be
// stored: it costs little and reads no more than one value of its own size.
func (f *fuser) cheap(v graph.Value) bool {
	const most = 8
	t := v.Type()
	if t.Steps == 0 && !t.Batch {
		return false
	}
	var leaves []graph.Value
	cost := 0
	var visit func(u graph.Value)
	seen := map[graph.Value]bool{}
	visit = func(u graph.Value) {
		if seen[u] || cost > most {
			return
		}
		seen[u] = true
		if f.pending(u, t) {
			if u.Node.Op != graph.OpCast {
				code, _ := pass.Code(u.Node.Op)
				cost += code.Cost()
			}
			for _, in := range u.Node.In {
				visit(in)
			}
			return
		}
		for f.done[u] == nil && pass.View(u.Node) {
			u = u.Node.In[0]
		}
		if w := u.Type(); w.Steps == t.Steps && w.Batch == t.Batch && w.Size() == t.Size() && !slices.Contains(leaves, u) {
			leaves = append(leaves, u)
		}
	}
	visit(v)
	return cost <= most && len(leaves) <= 1
}

// pending reports whether u is element-wise over the shape t and not in memory.
func (f *fuser) pending(u graph.Value, t graph.Type) bool {
	return f.done[u] == nil && pass.Elementwise(u.Node.Op) && pass.SameShape(u.Type(), t)
}

// material reports whether somebody needs v in memory: a result, a kernel, a view, or a loop over another shape.
func (f *fuser) material(v graph.Value) bool {
	if f.outputs[v] {
		return true
	}
	for _, n := range f.users[v] {
		switch {
		case f.ran[n]:
		case n.Op == graph.OpEquation || n.Op == graph.OpEquationGrad:
			if !pass.SameShape(pass.EquationShape(n), v.Type()) {
				return true
			}
		case pass.Elementwise(n.Op):
			if !pass.SameShape(n.Out[0], v.Type()) {
				return true
			}
		case !sum(n):
			return true
		}
	}
	return false
}

// trace follows views from v to a value that is in memory or must be, and returns it with the table from the elements of a
// row of the loop to those of its rows.
func (f *fuser) trace(v graph.Value, shape graph.Type) (*Value, Map) {
	index, viewing := []int32(nil), false
	for of := v; f.done[v] == nil && pass.View(v.Node); v = v.Node.In[0] {
		if !viewing {
			index, viewing = broadcast(shape, of.Type().Dims), true
		}
		index = compose(index, viewed(v.Node))
	}
	x := f.need(v)
	if !viewing {
		return x, f.mapping(shape, x.Type)
	}
	return x, mapOf(compose(index, tensor.Places(x.Type)), x.Type.Size())
}

// mapping returns where the elements of a row of the loop lie in a row of type t, which broadcasts to it. Values of the same dims share
// their tables.
func (f *fuser) mapping(shape, t graph.Type) Map {
	key := fmt.Sprint(shape.Dims, t.Dims, tensor.ChannelsLast(t), tensor.ChannelsLast(shape))
	m, ok := f.cached[key]
	if !ok {
		m = mapOf(compose(broadcast(shape, t.Dims), tensor.Places(t)), t.Size())
		f.cached[key] = m
	}
	return m
}

// dropped returns where the elements of a row of the loop are added up in a row of type t, which lacks the dims among axes.
func (f *fuser) dropped(shape, t graph.Type, axes graph.Axes) Map {
	key := fmt.Sprint("dropped", shape.Dims, t.Dims, axes, tensor.ChannelsLast(t), tensor.ChannelsLast(shape))
	m, ok := f.cached[key]
	if !ok {
		m = mapOf(tensor.Dropped(shape, t, axes), t.Size())
		f.cached[key] = m
	}
	return m
}
