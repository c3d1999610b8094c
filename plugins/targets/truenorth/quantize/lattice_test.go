package quantize

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
)

// The axons of a code add up to it.
func TestAxons(t *testing.T) {
	for k := 1; k <= 4; k++ {
		l := Of(k)
		for code := l.Low; code <= l.High; code++ {
			sum := 0
			for i, v := range l.Values {
				if l.Axons(code)>>i&1 != 0 {
					sum += v
				}
			}
			if sum != code || l.Axons(code)>>k != 0 {
				t.Errorf("%d axons: code %d is %b, which is %d", k, code, l.Axons(code), sum)
			}
		}
	}
}

// Weights that a lattice has are represented, whatever the step.
func TestStepExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Of(rapid.IntRange(2, 4).Draw(t, "axons"))
		step := rapid.Float64Range(1e-3, 1e3).Draw(t, "step")
		var values []value
		for _, c := range rapid.SliceOfN(rapid.IntRange(l.Low, l.High), 1, 20).Draw(t, "codes") {
			values = append(values, value{float64(c) * step, rapid.Float64Range(0.01, 1).Draw(t, "rate")})
		}
		for _, turned := range []bool{false, true} {
			s := l.step(values, turned)
			for _, v := range values {
				if d := math.Abs(v.w - s*float64(l.code(v.w/s))); d > 1e-6*step {
					t.Fatalf("step %v of %v: %v is missed by %v", s, step, v.w, d)
				}
			}
		}
	})
}

// The steps of -1, 0 and 1 and of 0 and 1 are the best: none of many others is better.
func TestStepBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []value
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			values = append(values, value{rapid.Float64Range(-1, 1).Draw(t, "w"), rapid.Float64Range(0.01, 1).Draw(t, "rate")})
		}
		miss := func(levels []float64) float64 {
			sum := 0.0
			for _, v := range values {
				d := math.Inf(1)
				for _, x := range levels {
					d = math.Min(d, math.Abs(v.w-x))
				}
				sum += v.h * d * d
			}
			return sum
		}
		three, two := ternary(values), single(values)
		for i := range 400 {
			x := -1 + float64(i)/200
			if miss([]float64{-x, 0, x}) < miss([]float64{-three, 0, three})-1e-9 {
				t.Fatalf("%v is better than %v", x, three)
			}
			if miss([]float64{0, x}) < miss([]float64{0, two})-1e-9 {
				t.Fatalf("%v is better than %v", x, two)
			}
		}
	})
}

// The leak that is chosen is nearer to the decay than others, and where integrals say it is.
func TestLeak(t *testing.T) {
	p := &schema.Population{Dynamics: schema.Dynamics{Decay: 0.9, Threshold: 1}, Measured: &schema.Measured{Low: 0, High: 2}}
	got := leak(p)
	all := membranes(p)
	for i := range 100 {
		if x := float64(i) / 100; away(0.9, all, x) < away(0.9, all, got)-1e-4 {
			t.Errorf("%v is better than %v", x, got)
		}
	}
	// Setting the derivative to 0 over v from 0 to 1: the integral of ((1-d) v - L) from L to 1 is 0, so (1-d)(1+L)/2 = L.
	if want := 0.1 / 2 / (1 - 0.1/2); math.Abs(got-want) > 0.005 {
		t.Errorf("a leak of %v, not %v", got, want)
	}
	if d := away(0.9, all, got); d <= 0 || d > 0.1 {
		t.Errorf("it is %v away", d)
	}
}

// Whole thresholds are strict or not; others are rounded up.
func TestLevel(t *testing.T) {
	for _, x := range []struct {
		at     float64
		strict bool
		want   int
	}{{3, false, 3}, {3, true, 4}, {3 + 1e-9, false, 3}, {3 - 1e-9, true, 4}, {2.5, false, 3}, {2.5, true, 3}, {-1, true, 0}, {-0.5, false, 0}} {
		if got := level(x.at, x.strict); got != x.want {
			t.Errorf("%v strict %v: %d, not %d", x.at, x.strict, got, x.want)
		}
	}
}
