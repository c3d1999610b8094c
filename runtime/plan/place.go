package plan

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
	"snnc.dev/snnc/runtime/tensor"
)

// align is where buffers begin, in elements: a cache line of numbers.
const align = 16

// place gives every buffer its offset: values that do not hold at the same time share memory. What a step computes element for
// element takes the place of an operand that nobody reads after it. The rest is placed largest first, each at the lowest offset
// where no value that it meets lies (the greedy-by-size heuristic of Pisarchyk & Lee 2020).
func place(p *Plan) {
	for _, v := range p.Values {
		v.first, v.last = len(p.Steps), -1
	}
	for i, s := range p.Steps {
		for _, v := range s.Out {
			r := v.Root()
			r.first, r.last = min(r.first, i), max(r.last, i)
		}
		for _, v := range s.In {
			r := v.Root()
			r.last = max(r.last, i)
		}
	}
	for _, o := range slices.Concat(p.Outputs, p.Assigns) {
		o.Value.Root().last = len(p.Steps)
	}
	if p.repeated && len(p.Assigns) == 0 {
		p.fix()
	}
	for i, s := range p.Steps {
		if slices.Contains(p.without, inPlace) {
			break
		}
		for _, v := range s.Out {
			k := slices.IndexFunc(s.In, func(u *Value) bool {
				return u.Place == Buffer && u.Shared == v.Shared && u.last == i && s.overlays(v, u) && !slices.ContainsFunc(s.Out, func(w *Value) bool { return w.Over == u })
			})
			if k >= 0 {
				v.Over = s.In[k]
			}
		}
	}
	p.F32 = p.arena(graph.F32, false)
	p.Shared = p.arena(graph.F32, true)
	p.I32 = p.arena(graph.I32, false)
	p.Bits = p.arena(graph.Bit, false)
}

// fix finds the steps that depend on nothing but variables, and keeps what others read of them for all runs.
func (p *Plan) fix() {
	varies := map[*Value]bool{}
	for _, v := range p.Values {
		varies[v] = v.Place == Input
	}
	for _, s := range p.Steps {
		s.Fixed = s.Equation == nil && (s.Node == nil || s.Node.Op == graph.OpMatmul) &&
			!slices.ContainsFunc(s.In, func(v *Value) bool { return varies[v.Root()] }) &&
			!slices.ContainsFunc(s.Out, func(v *Value) bool { return v.Type.Batch || v.Type.Steps > 0 })
		for _, v := range s.Out {
			varies[v] = !s.Fixed
		}
	}
	keep := func(v *Value) {
		if r := v.Root(); r.Place == Buffer && !varies[r] {
			r.first, r.last = 0, len(p.Steps)
		}
	}
	for _, s := range p.Steps {
		if !s.Fixed {
			for _, v := range s.In {
				keep(v)
			}
		}
	}
	for _, o := range p.Outputs {
		keep(o.Value)
	}
}

// overlays reports whether the result v of s may lie where its operand u does: s reads each element of u before it writes the
// element of v in its place, and never after that, or v begins as u.
func (s *Step) overlays(v, u *Value) bool {
	if v.Type.DType != graph.F32 || !v.Type.Equal(u.Type) || s.Move != nil || s.Node != nil && (len(s.In) != 3 || s.In[2] != u || !pass.Weighted(s.Node)) {
		return false
	}
	for i, w := range s.In { // nor does it read u by another name
		if w != u && w.Root() == u || w == u && slices.Contains(s.In[:i], u) {
			return false
		}
	}
	if s.Node != nil {
		return v == s.Out[0] // a product that adds to it
	}
	var loads []Load
	var code []Instr
	reg, batched := -1, false
	read := map[int]bool{} // registers that are read when the program has run
	switch q := s.Equation; {
	case s.Loop != nil:
		loads, code, batched = s.Loop.Loads, s.Loop.Code, s.Loop.Batched
		for _, x := range s.Loop.Stores {
			if read[x.Reg] = true; x.Value == v {
				reg = x.Reg
			}
		}
		for _, x := range s.Loop.Sums {
			read[x.Reg] = true
		}
	case q.Gradient && q.Temporal == nil:
		loads, code, batched = q.Loads, q.Backward, q.Batched
		for _, g := range q.Grads {
			if read[g.Reg] = true; g.Value == v && g.Timed && g.Batched == q.Batched && g.Map.Shape == Same {
				reg = g.Reg
			}
		}
		for _, x := range q.States {
			read[x.DBefore] = true
		}
		for _, x := range q.Sums {
			read[x.Reg] = true
		}
	}
	k := slices.IndexFunc(loads, func(x Load) bool { return x.Value == u })
	if reg < 0 || k < 0 || loads[k].Map.Shape != Same || loads[k].Batched != batched || read[loads[k].Reg] {
		return false
	}
	defined := false
	for i := range code {
		if defined && slices.Contains(code[i].inputs(), loads[k].Reg) {
			return false
		}
		defined = defined || code[i].D == reg
	}
	return defined
}

// Elements returns how many elements of its type (words for bits) a value takes.
func (p *Plan) Elements(v *Value) int { return tensor.Elements(v.Type, p.Batch) }

// block is memory that values of one size take one after another, each element for element over the one before.
type block struct {
	size, offset, first, last int
	values                    []*Value
}

// arena places the buffers of one element type, those that plugins see or the others, and returns how many elements they take in all.
func (p *Plan) arena(d graph.DType, shared bool) int {
	var blocks []*block
	of := map[*Value]*block{}
	for _, v := range p.Values { // an operand comes before what is computed from it
		if v.Place != Buffer || v.Type.DType != d || v.Shared != shared || v.last < 0 {
			continue
		}
		b := of[v.Over]
		if v.Over == nil {
			b = &block{size: (p.Elements(v) + align - 1) / align * align, first: v.first}
			blocks = append(blocks, b)
		}
		b.first, b.last = min(b.first, v.first), max(b.last, v.last)
		b.values = append(b.values, v)
		of[v] = b
	}
	slices.SortStableFunc(blocks, func(a, b *block) int { return cmp.Compare(b.size, a.size) })
	var placed []*block // by offset
	total := 0
	for _, b := range blocks {
		for _, c := range placed {
			if c.first > b.last || c.last < b.first {
				continue
			}
			if b.offset+b.size <= c.offset {
				break
			}
			b.offset = max(b.offset, c.offset+c.size)
		}
		total = max(total, b.offset+b.size)
		i, _ := slices.BinarySearchFunc(placed, b, func(a, b *block) int { return cmp.Compare(a.offset, b.offset) })
		placed = slices.Insert(placed, i, b)
		for _, v := range b.values {
			v.Offset = b.offset
		}
	}
	return total
}
