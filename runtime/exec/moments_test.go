package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
)

// TestMoments: mean and variance of a convolution's channels, which are summed along with it, are those of its result, and
// the same bytes whoever computes what. All sums are exact, so that only the division is rounded.
func TestMoments(t *testing.T) {
	for _, c := range []struct {
		name           string
		op             graph.Op
		in, out, sides int
		steps, n       int
		spikes         bool
	}{
		{"images of numbers", graph.OpConv, 3, 5, 9, 3, 11, false},
		{"images of spikes", graph.OpConv, 16, 24, 7, 2, 9, true},
		{"few images of many channels, cut by channels", graph.OpConv, 24, 130, 7, 0, 2, false},
		{"large images, cut by rows", graph.OpConv, 64, 2, 64, 0, 1, false},
		{"transposed", graph.OpConvInput, 6, 4, 7, 2, 10, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graph.NewBuilder("f", nil)
			x := graph.Type{Steps: c.steps, Batch: true, Dims: []int{c.in, c.sides, c.sides}}
			if c.spikes {
				x.DType = graph.Bit
			}
			var y graph.Value
			if c.op == graph.OpConv {
				w := b.Input("w", graph.Type{Dims: []int{c.out, c.in, 3, 3}})
				y = b.Op(c.op, graph.Attrs{"stride": 1, "pad": 1}, b.Input("x", x), w)
			} else {
				w := b.Input("w", graph.Type{Dims: []int{c.in, c.out, 3, 3}})
				y = b.Op(c.op, graph.Attrs{"stride": 2, "pad": 1, "height": 2 * c.sides, "width": 2 * c.sides}, b.Input("x", x), w)
			}
			axes := graph.Axes{graph.BatchAxis, 1, 2}
			if c.steps > 0 {
				axes = append(graph.Axes{graph.TimeAxis}, axes...)
			}
			for i, v := range b.Ops(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": 1e-5}, y) {
				b.Output(fmt.Sprint("v", i), v)
			}
			g, err := b.Finish()
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.New(g, plan.Options{Batch: c.n})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(p.Steps, func(s *plan.Step) bool { return s.Moments != nil }) {
				t.Fatalf("they are not taken along:\n%s", p.Print())
			}
			w := filled(rand.New(rand.NewPCG(3, 4)), g, c.n, 1)
			w.same(t, g, ulps(4))
			var want []uint64
			for _, threads := range []int{1, 2, 7} {
				x := compiled(t, g, c.n, threads)
				env, _ := w.env()
				if err := x.Run(env); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = bytes(x)
				}
				if !slices.Equal(bytes(x), want) {
					t.Errorf("%d threads give other bytes", threads)
				}
			}
		})
	}
}
