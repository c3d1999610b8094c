package plan

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
)

// within returns a plan like p, which f has made, that takes at most so many bytes, and the smallest that it finds where none does:
// results that are kept for the way back are forgotten and computed once more where that needs them, as few of them as do.
// What is computed twice is the same both times, so no result changes by a bit.
func within(p *Plan, f *fuser, bytes int) (*Plan, error) {
	candidates := f.forgettable()
	best := p
	for low, high := 1, len(candidates); low <= high; {
		count := (low + high) / 2
		q := &Plan{Name: p.Name, Batch: p.Batch, repeated: p.repeated, without: p.without}
		s, places := f.forgetting(candidates[:count])
		q.rewritten = append(slices.Clone(p.rewritten), pass.Pass{Name: "recomputation", Does: "what would be kept for the way back is computed once more there", Places: places})
		if _, err := q.build(s); err != nil {
			return nil, err
		}
		if q.Bytes() <= bytes {
			best, high = q, count-1
			continue
		}
		if q.Bytes() < best.Bytes() && best.Bytes() > bytes {
			best = q
		}
		low = count + 1
	}
	return best, nil
}

// gradient reports whether n is a node of the way back that no other way has.
func gradient(n *graph.Node) bool {
	switch n.Op {
	case graph.OpEquationGrad, graph.OpOpaqueGrad, graph.OpMatmulWeight, graph.OpConvWeight, graph.OpMaxPoolGrad:
		return true
	}
	return false
}

// forgettable returns what is kept for the way back and can be computed from what else is: products and element-wise results, those
// first that give most memory for their operations.
func (f *fuser) forgettable() []graph.Value {
	kept := f.p.Kept()
	type candidate struct {
		graph.Value
		worth float64 // bytes by operation
	}
	var found []candidate
	for _, n := range f.s.Nodes[:f.turn()] {
		v := graph.Value{Node: n}
		got := f.done[v]
		if got == nil || !kept[got] || f.outputs[v] || f.p.bytes(got) < f.p.Bytes()/1000 {
			continue
		}
		// Reading and writing a number takes the time of tens of operations on it.
		const touch = 30
		work := touch
		switch {
		case n.Op == graph.OpConv || n.Op == graph.OpConvInput || n.Op == graph.OpMatmul:
			work += terms(n)
		case !pass.Elementwise(n.Op):
			continue
		}
		found = append(found, candidate{v, 1 / float64(work)})
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.worth, a.worth) })
	var out []graph.Value
	for _, c := range found {
		// One of two element-wise results of which the other is computed has to stay.
		if pass.Elementwise(c.Node.Op) && slices.ContainsFunc(out, func(v graph.Value) bool {
			return pass.Elementwise(v.Node.Op) && (f.reads(v, c.Value) || f.reads(c.Value, v))
		}) {
			continue
		}
		out = append(out, c.Value)
	}
	return out
}

// terms returns how many products each result of n sums, on average.
func terms(n *graph.Node) int {
	w := n.In[1].Type().Dims
	switch n.Op {
	case graph.OpMatmul:
		return n.In[0].Type().Dims[len(n.In[0].Type().Dims)-1]
	case graph.OpConvInput:
		return n.In[0].Type().Size() * w[1] * w[2] * w[3] / n.Out[0].Size()
	}
	return w[1] * w[2] * w[3]
}

// turn returns the index of the first node of the way back.
func (f *fuser) turn() int {
	if i := slices.IndexFunc(f.s.Nodes, gradient); i >= 0 {
		return i
	}
	return len(f.s.Nodes)
}

// reads reports whether v, which is element-wise, is computed from u and from nothing in memory between them.
func (f *fuser) reads(v, u graph.Value) bool {
	return slices.ContainsFunc(v.Node.In, func(w graph.Value) bool {
		return w == u || (pass.Elementwise(w.Node.Op) || pass.View(w.Node)) && (f.done[w] == nil || f.done[w].Place == Alias) && f.reads(w, u)
	})
}

// forgetting returns the graph with the values given computed once more for the nodes of the way back, and the layers of those.
func (f *fuser) forgetting(values []graph.Value) (s *pass.Graph, places []string) {
	turn, kept := f.turn(), f.p.Kept()
	ahead, again := map[*graph.Node]bool{}, map[graph.Value]bool{}
	for _, n := range f.s.Nodes[:turn] {
		ahead[n] = true
	}
	for _, v := range values {
		again[v] = true
		places = append(places, v.Node.Layer)
	}
	s = &pass.Graph{Nodes: slices.Clone(f.s.Nodes[:turn]), Outputs: slices.Clone(f.s.Outputs), Assigns: slices.Clone(f.s.Assigns)}
	known := map[graph.Value]bool{}
	// anew reports whether the way back has to compute v: it is forgotten, or read from what is, or needed by that and not kept.
	var anew func(v graph.Value) bool
	anew = func(v graph.Value) bool {
		if is, ok := known[v]; ok {
			return is
		}
		n, got := v.Node, f.done[v]
		is := again[v]
		switch {
		case is || source(n.Op) || !ahead[n]:
		case got != nil && got.Place == Buffer:
			product := n.Op == graph.OpConv || n.Op == graph.OpConvInput || n.Op == graph.OpMatmul
			is = !kept[got] && (product || pass.Elementwise(n.Op))
		case pass.Elementwise(n.Op) || pass.View(n):
			is = slices.ContainsFunc(n.In, anew)
		}
		known[v] = is
		return is
	}
	copies := map[*graph.Node]*graph.Node{}
	var renamed func(v graph.Value) graph.Value
	copied := func(n *graph.Node) *graph.Node {
		c := *n
		c.In = make([]graph.Value, len(n.In))
		for i, v := range n.In {
			c.In[i] = renamed(v)
		}
		s.Nodes = append(s.Nodes, &c)
		return &c
	}
	renamed = func(v graph.Value) graph.Value {
		if copies[v.Node] == nil && ahead[v.Node] && anew(v) {
			copies[v.Node] = copied(v.Node)
		}
		if c := copies[v.Node]; c != nil && (!ahead[v.Node] || anew(v)) {
			v.Node = c
		}
		return v
	}
	for _, n := range f.s.Nodes[turn:] {
		copies[n] = copied(n)
	}
	for _, list := range [][]graph.Output{s.Outputs, s.Assigns} {
		for i, o := range list {
			if !ahead[o.Value.Node] {
				list[i].Value = renamed(o.Value)
			}
		}
	}
	return s, places
}
