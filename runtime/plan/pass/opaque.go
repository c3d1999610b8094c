package pass

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// plain gives opaque operators real numbers for the bits that they read, and makes bits of the spikes that they give. Where one reads
// the spikes of another, no bits stand between them.
func plain(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	if n.Op != graph.OpOpaque && n.Op != graph.OpOpaqueGrad {
		return nil, false
	}
	spikes := n.Op == graph.OpOpaque && n.Opaque.Spikes
	done := spikes
	for i, v := range in {
		if v.Type().DType != graph.Bit {
			continue
		}
		if c := v.Node; c.Op == graph.OpCast && c.In[0].Node.Op == graph.OpOpaque {
			in[i] = c.In[0]
		} else {
			in[i] = r.op(graph.OpCast, graph.Attrs{"dtype": graph.F32.String()}, v)
		}
		done = true
	}
	out := slices.Clone(n.Out)
	out[0].DType = graph.F32
	results := r.put(&graph.Node{Op: n.Op, Attrs: n.Attrs, Out: out, Opaque: n.Opaque, Origin: n.Origin, In: in})
	if spikes {
		results[0] = r.op(graph.OpCast, graph.Attrs{"dtype": graph.Bit.String()}, results[0])
	}
	return results, done
}
