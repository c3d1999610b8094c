package emulator

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// Vectors compute what the loop computes, at the ends of all ranges as well.
func TestLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	pick := func(bound int64) int32 { // near 0, near the bound, or anywhere
		switch r.IntN(4) {
		case 0:
			return int32(r.Int64N(7) - 3)
		case 1:
			return int32(bound - r.Int64N(3))
		case 2:
			return int32(r.Int64N(3) - bound)
		}
		return int32(r.Int64N(2*bound+1) - bound)
	}
	for range 2000 {
		n := padded(1 + r.IntN(300))
		draw := func(bound int64) []int32 {
			out := make([]int32, n)
			for i := range out {
				out[i] = pick(bound)
			}
			return out
		}
		const state = 1<<stateBits - 1
		low := int64(1)<<r.IntN(31) - 1
		a := lanes{u: draw(state), v: draw(max(low, 1)), q: draw(1<<31 - 1), keepU: int32(r.IntN(full + 1)), keepV: int32(r.IntN(full + 1)),
			threshold: int32(r.IntN(1<<17) * unit), vmin: int32(-low), vmax: state}
		if r.IntN(2) == 0 {
			a.keepU, a.keepV = full, full
		}
		if r.IntN(2) == 0 {
			a.bias = draw(4095 << 7)
		}
		b := a
		b.u, b.v, b.q = append([]int32(nil), a.u...), append([]int32(nil), a.v...), append([]int32(nil), a.q...)
		b.fired[(n-1)/64] = ^uint64(0) // of another step
		a.computeGo()
		b.compute()
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("vectors differ from the loop:\n%+v\n%+v", a, b)
		}
	}
}
