package plan

import (
	"snnc.dev/snnc/runtime/graph"
)

// opaque adds the step of an opaque operator or of its derivative.
func (f *fuser) opaque(n *graph.Node) {
	s := &Step{Node: n, Layer: n.Layer, Opaque: &Opaque{}}
	for _, v := range n.In {
		got := f.need(v)
		if got.Root().Place != Buffer {
			got = f.copied(v, got)
		}
		got.Root().Shared = true
		s.In = append(s.In, got)
	}
	results := func(from, to int) (out []*Value) {
		for i := from; i < to; i++ {
			v := f.value(n.Out[i], Buffer, n.Op)
			v.Shared = true
			f.done[graph.Value{Node: n, Index: i}] = v
			s.Out = append(s.Out, v)
			out = append(out, v)
		}
		return out
	}
	// read is results where somebody reads one of them.
	read := func(from, to int) []*Value {
		for i := from; i < to; i++ {
			if v := (graph.Value{Node: n, Index: i}); len(f.users[v]) > 0 || f.outputs[v] {
				return results(from, to)
			}
		}
		return nil
	}
	if n.Op == graph.OpOpaqueGrad {
		s.Opaque.Inputs = results(0, len(n.Out))
	} else {
		saved := 1 + len(n.Opaque.Saved)
		s.Opaque.Output = results(0, 1)[0]
		s.Opaque.Saved = read(1, saved)
		s.Opaque.Next = read(saved, len(n.Out))
	}
	f.step(s)
}
