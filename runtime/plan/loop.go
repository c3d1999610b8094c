package plan

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
)

// looper builds one loop, or the element-wise part of an equation.
type looper struct {
	f       *fuser
	shape   graph.Type
	layer   string
	c       *coder
	loop    *Loop
	regs    map[graph.Value]int
	members []graph.Value // element-wise values computed here
	sums    []*graph.Node
	wanted  graph.Value // must be stored
	ready   turn        // what can run then can run in this loop
}

func (f *fuser) loop(shape graph.Type) *looper {
	n := 1
	if shape.Batch {
		n = f.p.Batch
	}
	return &looper{f: f, shape: shape.With(graph.F32), c: newCoder(), regs: map[graph.Value]int{},
		loop: &Loop{Steps: max(shape.Steps, 1), N: n, Batched: shape.Batch, Size: shape.Size()}}
}

// register returns the register with the elements of v, which broadcasts to the loop's shape.
func (l *looper) register(v graph.Value) int {
	if r, ok := l.regs[v]; ok {
		return r
	}
	var r int
	if x, ok := pass.Number(v); ok {
		r = l.c.constant(float32(x))
	} else if l.f.pending(v, l.shape) {
		in := make([]int, len(v.Node.In))
		for i, u := range v.Node.In {
			in[i] = l.register(u)
		}
		l.c.node = v.Node
		r = l.c.apply(v.Node, in)
		l.members = append(l.members, v)
	} else {
		r = l.load(v)
	}
	l.regs[v] = r
	return r
}

func (l *looper) load(v graph.Value) int {
	x, m := l.f.trace(v, l.shape)
	r := l.c.reg()
	l.loop.Loads = append(l.loop.Loads, Load{Reg: r, Value: x, Timed: x.Type.Steps > 0, Batched: x.Type.Batch, Map: m})
	return r
}

// shares reports whether v reads a value of the loop's shape that the loop has already.
func (l *looper) shares(v graph.Value) bool {
	seen := map[graph.Value]bool{}
	var visit func(u graph.Value) bool
	visit = func(u graph.Value) bool {
		if seen[u] {
			return false
		}
		seen[u] = true
		if _, ok := l.regs[u]; ok && pass.SameShape(u.Type(), l.shape) {
			return true
		}
		return l.f.pending(u, l.shape) && slices.ContainsFunc(u.Node.In, visit)
	}
	return visit(v)
}

// sum adds the sum of a node to the loop.
func (l *looper) sum(n *graph.Node) {
	l.f.ran[n] = true
	l.sums = append(l.sums, n)
	x, out, axes := n.In[0].Type(), n.Out[0], n.Axes()
	s := Sum{Reg: l.register(n.In[0]), Count: float64(pass.Elements(x, axes, l.f.p.Batch)), Timed: out.Steps > 0, Batched: out.Batch,
		Map: l.f.dropped(l.shape, out, axes)}
	switch {
	case n.Op == pass.Moments:
		s.Kind = Moments
	case n.Text("kind") == "mean":
		s.Kind = Mean
	}
	for i, t := range n.Out {
		v := l.f.value(t, Buffer, n.Op)
		l.f.done[graph.Value{Node: n, Index: i}] = v
		s.Out = append(s.Out, v)
	}
	l.loop.Sums = append(l.loop.Sums, s)
}

// finish decides what is stored and adds the loop to the plan.
func (l *looper) finish() {
	f := l.f
	in := map[*graph.Node]bool{}
	// What would be stored only for another element-wise operator that can run now is handed to that here instead.
	for i := 0; i < len(l.members); i++ {
		m := l.members[i]
		in[m.Node] = true
		if f.done[m] != nil || f.material(m) || f.cheap(m) {
			continue
		}
		for _, n := range f.users[m] {
			if v := (graph.Value{Node: n}); !f.when[n].later(l.ready) && f.pending(v, l.shape) && !f.cheap(v) && l.free(v) {
				l.register(v)
			}
		}
	}
	for _, m := range l.members {
		if f.done[m] != nil {
			continue // another step stored it meanwhile
		}
		keep := m == l.wanted || f.material(m)
		if !keep && slices.ContainsFunc(f.users[m], func(n *graph.Node) bool { return !in[n] && !f.ran[n] }) {
			keep = !f.cheap(m)
		}
		if !keep {
			continue
		}
		v := f.value(m.Type(), Buffer, m.Node.Op)
		f.done[m] = v
		l.loop.Stores = append(l.loop.Stores, Store{Reg: l.regs[m], Value: v})
		if m.Type().DType == graph.Bit && v.Type.Size()%64 != 0 {
			l.loop.Rows = true
		}
	}
	l.registers()
	step := &Step{Loop: l.loop, Layer: l.layer}
	for _, x := range l.loop.Loads {
		step.In = append(step.In, x.Value)
	}
	for _, x := range l.loop.Stores {
		step.Out = append(step.Out, x.Value)
	}
	for _, x := range l.loop.Sums {
		step.Out = append(step.Out, x.Out...)
	}
	f.step(step)
}

// free reports whether v can be computed in the loop before anything that the loop stores is in memory: it takes what is
// computed here element by element only, never by way of a view or another shape.
func (l *looper) free(v graph.Value) bool {
	type way struct {
		v    graph.Value
		here bool // element by element all the way
	}
	seen := map[way]bool{}
	var visit func(u graph.Value, here bool) bool
	visit = func(u graph.Value, here bool) bool {
		if l.f.done[u] != nil || seen[way{u, here}] {
			return true
		}
		if slices.Contains(l.members, u) {
			return here
		}
		seen[way{u, here}] = true
		here = here && l.f.pending(u, l.shape)
		return !slices.ContainsFunc(u.Node.In, func(w graph.Value) bool { return !visit(w, here) })
	}
	return visit(v, true)
}

// registers leaves out what is not needed, joins operations and gives out the registers.
func (l *looper) registers() {
	var keep []int
	for _, s := range l.loop.Stores {
		keep = append(keep, s.Reg)
	}
	for _, s := range l.loop.Sums {
		keep = append(keep, s.Reg)
	}
	code := join(live(l.c.instrs, keep, nil), keep)
	fixed := map[int]bool{}
	for _, r := range keep {
		fixed[r] = true
	}
	for _, x := range l.loop.Loads {
		fixed[x.Reg] = true
	}
	for _, x := range l.c.consts {
		fixed[x.Reg] = true
	}
	rename, count := share(code, l.c.regs, func(r int) bool { return fixed[r] })
	l.loop.Code, l.loop.Regs = code, count
	used := map[int]bool{}
	for i := range code {
		for _, r := range code[i].inputs() {
			used[r] = true
		}
	}
	for _, r := range keep {
		used[rename[r]] = true
	}
	for _, x := range l.c.consts {
		if x.Reg = rename[x.Reg]; used[x.Reg] {
			l.loop.Consts = append(l.loop.Consts, x)
		}
	}
	direct := map[int]bool{}
	for i := range code {
		direct[code[i].D] = true
	}
	l.loop.Loads = slices.DeleteFunc(l.loop.Loads, func(x Load) bool { return !used[rename[x.Reg]] })
	for i := range l.loop.Loads {
		l.loop.Loads[i].Reg = rename[l.loop.Loads[i].Reg]
	}
	for i := range l.loop.Stores {
		s := &l.loop.Stores[i]
		s.Reg = rename[s.Reg]
		s.Direct = direct[s.Reg] && s.Value.Type.DType == graph.F32
		delete(direct, s.Reg)
	}
	for i := range l.loop.Sums {
		l.loop.Sums[i].Reg = rename[l.loop.Sums[i].Reg]
	}
}
