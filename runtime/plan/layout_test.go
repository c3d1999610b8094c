package plan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// TestNests: the loops that say where the elements of a view lie say what a table of all elements does, for random views of rows in
// either layout; and what is copied by them, as runs or one by one, goes where that table says.
func TestNests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.IntRange(0, 2).Draw(t, "steps")
		from := graph.Signal(steps, rapid.SliceOfN(rapid.IntRange(1, 7), 1, 4).Draw(t, "dims")...)
		from.Batch = rapid.Bool().Draw(t, "batch")
		b := graph.NewBuilder("f", nil)
		x := b.Input("x", from)
		axis := rapid.IntRange(0, len(from.Dims)-1).Draw(t, "axis")
		length := from.Dims[axis]
		var v graph.Value
		switch rapid.IntRange(0, 3).Draw(t, "view") {
		case 0:
			v = b.Reshape(x, from.Size())
		case 1:
			var all graph.Axes
			for k := range from.Dims {
				all = append(all, graph.Axis(k))
			}
			v = b.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes(rapid.Permutation(all).Draw(t, "axes"))}, x)
		case 2:
			start := rapid.IntRange(0, length-1).Draw(t, "start")
			v = b.Op(graph.OpSlice, graph.Attrs{"axis": graph.Axis(axis), "start": start, "length": rapid.IntRange(1, length-start).Draw(t, "length")}, x)
		default:
			v = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(axis), "count": rapid.IntRange(1, 3).Draw(t, "count")}, x)
		}
		to := v.Type()
		x0, ok := nestOf(v.Node)
		if !ok {
			if v.Node.Op != graph.OpReshape || !tensor.ChannelsLast(from) {
				t.Fatalf("no loops for %s of %s", v.Node.Op, from)
			}
			return
		}
		want := compose(compose(broadcast(to, to.Dims), viewed(v.Node)), tensor.Places(from))
		if same := mapOf(want, from.Size()).Shape == Same; x0.same(from.Size()) != same {
			t.Fatalf("%+v is the row itself: %v, want %v", x0, !same, same)
		}
		got := make([]int32, to.Size())
		part := Part{}.nested(x0, false)
		for _, r := range part.Runs {
			for i := range r.Length {
				got[r.To+i] = r.From + i*r.Stride
			}
		}
		for i, k := range part.Elements {
			got[part.Target(i)] = k
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s of %s by %+v: %v, want %v", v.Node.Op, from, x0, got, want)
		}
	})
}
