package metric

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestIntervalsCover draws many sets of gaussian samples and counts how often the interval holds the mean figure of them all,
// which is what other samples give. An interval that is right does so in 95% of the trials: in 200, with a deviation of
// 0.0154, of which four are allowed. Nor is it wide for nothing: 1.5 times the 3.92 deviations of the figures is allowed,
// since the jackknife's with its 20 groups is as wide as Student's distribution and its own variance make it.
func TestIntervalsCover(t *testing.T) {
	const trials, n, d = 200, 120, 4
	r := rand.New(rand.NewPCG(8, 9))
	draw := func(n int, shift float64, scale ...float64) Vectors {
		x := Vectors{N: n, Size: d}
		for i := range n * d {
			x.Data = append(x.Data, float32(shift+scale[i%d]*r.NormFloat64()))
		}
		return x
	}
	far, wide := draw(500, 0, 1, 1, 1, 1), draw(300, 0.2, 1, 0.8, 1, 1.5)
	reference, err := MomentsOf(far)
	if err != nil {
		t.Fatal(err)
	}
	f, p := &Features{Name: "some", Size: d, Classes: d}, Protocol{}
	one := func(g Figure, err error) ([]Figure, error) { return []Figure{g}, err }
	for _, c := range []struct {
		shift   float64
		measure func(x Vectors) ([]Figure, error)
	}{
		{0.7, func(x Vectors) ([]Figure, error) { return one(Frechet(f, x, reference, p)) }},
		{0, func(x Vectors) ([]Figure, error) { return one(Frechet(f, x, reference, p)) }},
		{0.7, func(x Vectors) ([]Figure, error) { return one(KID(t.Context(), f, x, wide, 0, 1, p)) }},
		{0.7, func(x Vectors) ([]Figure, error) { return one(KID(t.Context(), f, x, wide, 60, 20, p)) }},
		{0.7, func(x Vectors) ([]Figure, error) { return one(InceptionScore(f, x, 2, p)) }},
		{0.7, func(x Vectors) ([]Figure, error) { return DensityCoverage(t.Context(), f, x, wide, 5, p) }},
		{0.7, func(x Vectors) ([]Figure, error) { return PrecisionRecall(t.Context(), f, x, wide, 3, p) }},
		{0, func(x Vectors) ([]Figure, error) {
			g, err := Histogram(f, x, far, p)
			return g[:2], err
		}},
	} {
		figures := map[string][]Figure{}
		for range trials {
			g, err := c.measure(draw(n, c.shift, 1, 1.2, 0.9, 1.3))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range g {
				figures[f.Name] = append(figures[f.Name], f)
			}
		}
		for name, list := range figures {
			var mean, width, variance float64
			for _, g := range list {
				mean += g.Value / trials
				width += (g.Interval.High - g.Interval.Low) / trials
			}
			hits := 0
			for _, g := range list {
				if g.Interval.Low <= mean && mean <= g.Interval.High {
					hits++
				}
				variance += (g.Value - mean) * (g.Value - mean) / trials
			}
			if held := float64(hits) / trials; held < 0.95-4*0.0154 || width > 1.5*3.92*math.Sqrt(variance) {
				t.Errorf("%s, shift %v: %.3f of the intervals hold the mean %.4g; they are %.4g wide, the deviation is %.4g", name, c.shift, held, mean, width, math.Sqrt(variance))
			}
		}
	}
}

// TestBootstrap: the interval of a mean is that of the normal distribution, and the same each time and in each order of
// groups of equal values; of one value there is none.
func TestBootstrap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 250_000) // resampled in groups of 3
	for i := range values {
		values[i] = r.NormFloat64()
	}
	for _, n := range []int{1000, len(values)} {
		got := bootstrap(values[:n], "some")
		var mean float64
		for _, v := range values[:n] {
			mean += v / float64(n)
		}
		// A quantile of 1,000 replicates has a deviation of sqrt(0.025 0.975 / 1000) / 0.058 = 0.085 of the mean's; four of these, and
		// the sample's own deviation, 1/sqrt(2n).
		half := 1.96 / math.Sqrt(float64(n))
		tolerance := (4*0.085/1.96 + 4/math.Sqrt(2*float64(n))) * half
		if math.Abs(mean-half-got.Low) > tolerance || math.Abs(mean+half-got.High) > tolerance {
			t.Errorf("of %d: %v, want %v..%v", n, got, mean-half, mean+half)
		}
		if again := bootstrap(values[:n], "some"); again != got {
			t.Errorf("of %d: %v and then %v", n, got, again)
		}
	}
	if got := bootstrap(values[:1], "some"); got != (Interval{}) {
		t.Errorf("of one: %v", got)
	}
}

// TestShare compares with published Wilson intervals (R. G. Newcombe, "Two-sided confidence intervals for the single proportion",
// Statistics in Medicine 1998, table I: 81/263, 15/148, 0/20, 1/29).
func TestShare(t *testing.T) {
	for _, c := range [][4]float64{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		if got := share(c[0], c[1]); math.Abs(got.Low-c[2]) > 5e-5 || math.Abs(got.High-c[3]) > 5e-5 {
			t.Errorf("%v of %v: %v, want %v..%v", c[0], c[1], got, c[2], c[3])
		}
	}
}
