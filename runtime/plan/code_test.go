package plan

import (
	"testing"

	"snnc.dev/snnc/runtime/kernel"
)

// An operation on two constants is their result, also where dividing becomes multiplying: by powers of two.
func TestConstantsFold(t *testing.T) {
	for name, x := range map[string]struct {
		code kernel.Code
		want func(a, b float32) float32
	}{
		"add": {kernel.Add, func(a, b float32) float32 { return a + b }},
		"sub": {kernel.Sub, func(a, b float32) float32 { return a - b }},
		"mul": {kernel.Mul, func(a, b float32) float32 { return a * b }},
		"div": {kernel.Div, func(a, b float32) float32 { return a / b }},
		"min": {kernel.Min, func(a, b float32) float32 { return min(a, b) }},
		"max": {kernel.Max, func(a, b float32) float32 { return max(a, b) }},
	} {
		for _, a := range []float32{-3, 0, 0.5, 1, 8} {
			for _, b := range []float32{-4, -1, 0.25, 1, 2, 3, 65536} {
				c := newCoder()
				got, known := c.value[c.op(x.code, c.constant(a), c.constant(b))]
				if !known || got != x.want(a, b) || len(c.instrs) > 0 {
					t.Errorf("%s of %v and %v: %v, want %v", name, a, b, got, x.want(a, b))
				}
			}
		}
	}
}
