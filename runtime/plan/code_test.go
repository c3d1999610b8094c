package plan

import (
	"math"
	"testing"

	"pgregory.net/rapid"

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

// TestSimplified: what is left of a random chain of operations, after constants, signs and squares were simplified and products
// joined with sums, gives the same bits as the operations one by one.
func TestSimplified(t *testing.T) {
	codes := []kernel.Code{kernel.Add, kernel.Sub, kernel.Mul, kernel.Mul, kernel.Mul, kernel.Neg, kernel.Neg, kernel.Neg, kernel.Pow, kernel.Where, kernel.Div}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]float32{-3, -1, -0.7, 0, 0.1, 0.5, 1, 2, 1e-3, 7})
		eval := func(code kernel.Code, in ...float32) float32 {
			var d [1]float32
			var x [4][]float32
			for i := range x {
				x[i] = []float32{0}
				if i < len(in) {
					x[i][0] = in[i]
				}
			}
			kernel.Eval(code, d[:], x[0], x[1], x[2], x[3])
			return d[0]
		}
		c := newCoder()
		given := map[int]float32{}
		var regs []int
		var want []float32
		for range 3 {
			r := c.reg()
			given[r] = number.Draw(t, "input")
			regs, want = append(regs, r), append(want, given[r])
		}
		for range rapid.IntRange(1, 12).Draw(t, "operations") {
			pick := func() int { // most of all what came last
				return max(0, len(regs)-1-rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2, 3, 5, 8}).Draw(t, "operand"))
			}
			if rapid.Bool().Draw(t, "constant") {
				v := number.Draw(t, "value")
				regs, want = append(regs, c.constant(v)), append(want, v)
			}
			code := rapid.SampledFrom(codes).Draw(t, "code")
			in := []int{pick(), pick(), pick()}[:code.Operands()]
			if code == kernel.Pow { // by a constant, whose square is a product
				regs, want = append(regs, c.constant(2)), append(want, 2)
				in[1] = len(regs) - 1
			}
			if code == kernel.Where { // of a comparison
				regs, want = append(regs, c.op(kernel.Less, regs[in[0]], regs[in[1]])), append(want, eval(kernel.Less, want[in[0]], want[in[1]]))
				in[0] = len(regs) - 1
			}
			var r []int
			var x []float32
			for _, k := range in {
				r, x = append(r, regs[k]), append(x, want[k])
			}
			regs, want = append(regs, c.op(code, r...)), append(want, eval(code, x...))
		}
		keep := regs[len(regs)-1:]
		got := given
		for r, v := range c.value {
			got[r] = v
		}
		for _, n := range join(live(c.instrs, keep, nil), keep) {
			got[n.D] = eval(n.Code, got[n.A], got[n.B], got[n.C], got[n.E])
		}
		g, w := got[keep[0]], want[len(want)-1]
		if math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) && (g != 0 || w != 0) {
			t.Fatalf("%v, want %v: %v", g, w, c.instrs)
		}
	})
}
