package plan

import (
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// TestOverlays: what takes the place of its operand, in loops over y = matmul(x, w) and z = matmul(y, w).
func TestOverlays(t *testing.T) {
	type values struct{ y, z graph.Value }
	for name, c := range map[string]struct {
		build func(b *graph.Builder, v values)
		want  int // results that lie over y or z
	}{
		"read for the last time by what computes the result": {func(b *graph.Builder, v values) {
			b.Output("a", b.Mul(b.Add(v.y, b.Const(1)), v.y))
		}, 1},
		"one of two results": {func(b *graph.Builder, v values) {
			b.Output("a", b.Add(v.y, b.Const(1)))
			b.Output("b", b.Mul(v.y, v.y))
		}, 1},
		"two operands, by one result each": {func(b *graph.Builder, v values) {
			b.Output("a", b.Mul(v.y, v.z))
			b.Output("b", b.Sub(b.Op(graph.OpTanh, nil, v.z), b.Mul(v.y, v.z)))
		}, 2},
		"an operand that is a result": {func(b *graph.Builder, v values) {
			b.Output("a", b.Op(graph.OpTanh, nil, v.y))
			b.Output("y", v.y)
		}, 0},
		"another shape": {func(b *graph.Builder, v values) {
			b.Output("a", b.Op(graph.OpTanh, nil, b.Reshape(v.y, 2, 2)))
		}, 0},
		"turned around": {func(b *graph.Builder, v values) {
			y := b.Reshape(v.y, 2, 2)
			b.Output("a", b.Add(y, b.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0}}, y)))
		}, 0},
	} {
		b := graph.NewBuilder("f", nil)
		x, w := b.Input("x", graph.Real(4)), b.Input("w", graph.Type{Dims: []int{4, 4}})
		y := b.Op(graph.OpMatmul, nil, x, w)
		c.build(b, values{y, b.Op(graph.OpMatmul, nil, b.Mul(y, y), w)})
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(g, Options{Batch: 3})
		if err != nil {
			t.Fatal(err)
		}
		over := 0
		for _, v := range p.Values {
			if v.Over != nil && v.Over.Source == graph.OpMatmul {
				over++
			}
		}
		if over != c.want {
			t.Errorf("%s: %d results over operands, want %d\n%s", name, over, c.want, p.Print())
		}
	}
}
