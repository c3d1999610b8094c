package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// Whether a product runs on events or on numbers cannot be seen: of few spikes and of many, as bits or as the numbers 0 and 1,
// it gives the same bytes, and so it does where it is made to take what would not pay.
func TestSpikesAsNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 7))
	conv, strided := graph.Attrs{"stride": 1, "pad": 1}, graph.Attrs{"stride": 2, "pad": 1}
	back := graph.Attrs{"stride": 2, "pad": 1, "height": 8, "width": 8}
	weight, stridedWeight := graph.Attrs{"stride": 1, "pad": 1, "kernel": 3}, graph.Attrs{"stride": 2, "pad": 1, "kernel": 4}
	for _, c := range []struct {
		op    graph.Op
		attrs graph.Attrs
		fires int // which operand
		in    []graph.Type
	}{
		{graph.OpConv, conv, 0, []graph.Type{graph.Signal(2, 20, 7, 7), {Dims: []int{70, 20, 3, 3}}}},
		{graph.OpConv, strided, 0, []graph.Type{graph.Signal(2, 64, 8, 8), {Dims: []int{17, 64, 4, 4}}}},
		{graph.OpConvInput, back, 0, []graph.Type{graph.Signal(2, 32, 4, 4), {Dims: []int{32, 10, 4, 4}}}},
		{graph.OpMatmul, nil, 0, []graph.Type{graph.Signal(3, 100), {Dims: []int{100, 48}}}},
		{graph.OpMatmul, graph.Attrs{"transpose": true}, 0, []graph.Type{graph.Signal(3, 5, 80), {Dims: []int{9, 80}}}},
		{graph.OpConvWeight, weight, 0, []graph.Type{graph.Signal(2, 20, 7, 7), graph.Signal(2, 33, 7, 7)}},
		{graph.OpConvWeight, stridedWeight, 0, []graph.Type{graph.Signal(2, 20, 8, 8), graph.Signal(2, 33, 4, 4)}},
		{graph.OpConvWeight, stridedWeight, 1, []graph.Type{graph.Signal(2, 20, 8, 8), graph.Signal(2, 33, 4, 4)}},
		{graph.OpMatmulWeight, nil, 0, []graph.Type{graph.Signal(3, 70), graph.Signal(3, 20)}},
	} {
		bits := slices.Clone(c.in)
		bits[c.fires].DType = graph.Bit
		for _, density := range []float64{0, 0.1, 0.3, 0.95, 1} {
			name := fmt.Sprintf("%s of operand %d at %v", c.op, c.fires, density)
			g, h := one(t, c.op, nil, c.attrs, bits...), one(t, c.op, nil, c.attrs, c.in...)
			w := filled(r, h, 9, 0)
			for i := range c.in {
				v := w.inputs[fmt.Sprint("x", i)]
				for k := range v.Data {
					v.Data[k] = float64(float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10))))
				}
			}
			v := w.inputs[fmt.Sprint("x", c.fires)]
			for k := range v.Data {
				if v.Data[k] = 0; r.Float64() < density {
					v.Data[k] = 1
				}
			}
			x := compiled(t, h, w.n, 2)
			env, _ := w.env()
			if err := x.Run(env); err != nil {
				t.Fatal(name, err)
			}
			want := bytes(x)
			v.Type = bits[c.fires]
			w.inputs[fmt.Sprint("x", c.fires)] = v
			for _, threads := range []int{1, 3} {
				y := compiled(t, g, w.n, threads)
				run := func(way string) {
					env, _ := w.env()
					if err := y.Run(env); err != nil {
						t.Fatal(name, err)
					}
					if !slices.Equal(bytes(y), want) {
						t.Errorf("%s and %d threads: spikes%s give other bytes than numbers", name, threads, way)
					}
				}
				run("")
				for always, way := range map[bool]string{true: " as events", false: " as bits"} {
					if n := y.Events(always); n != 1 {
						t.Fatalf("%s: %d products have the choice", name, n)
					}
					run(way)
				}
			}
		}
	}
}
