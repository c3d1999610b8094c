package plan

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// align is where buffers begin, in elements: a cache line of numbers.
const align = 16

// place gives every buffer its offset: values that do not hold at the same time share memory. Largest first, each at the
// lowest offset where no value that it meets lies (the greedy-by-size heuristic of Pisarchyk & Lee 2020).
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
	p.F32 = p.arena(graph.F32)
	p.I32 = p.arena(graph.I32)
	p.Bits = p.arena(graph.Bit)
}

// Elements returns how many elements of its type (words for bits) a value takes.
func (p *Plan) Elements(v *Value) int { return tensor.Elements(v.Type, p.Batch) }

func (p *Plan) arena(d graph.DType) int {
	var vs []*Value
	for _, v := range p.Values {
		if v.Place == Buffer && v.Type.DType == d && v.last >= 0 {
			vs = append(vs, v)
		}
	}
	slices.SortStableFunc(vs, func(a, b *Value) int { return cmp.Compare(p.Elements(b), p.Elements(a)) })
	var placed []*Value // by offset
	total := 0
	for _, v := range vs {
		size := (p.Elements(v) + align - 1) / align * align
		at := 0
		for _, u := range placed {
			if u.first > v.last || u.last < v.first {
				continue
			}
			if at+size <= u.Offset {
				break
			}
			at = max(at, u.Offset+(p.Elements(u)+align-1)/align*align)
		}
		v.Offset = at
		total = max(total, at+size)
		i, _ := slices.BinarySearchFunc(placed, v, func(a, b *Value) int { return cmp.Compare(a.Offset, b.Offset) })
		placed = slices.Insert(placed, i, v)
	}
	return total
}
