package metric

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
)

func TestSchemas(t *testing.T) {
	seen := map[string]bool{}
	var walk func(prefix string, list []schema.Choice)
	walk = func(prefix string, list []schema.Choice) {
		for _, c := range list {
			if seen[prefix+c.Name] || c.Doc == "" || c.Later {
				t.Errorf("%s%s is declared twice, has no doc or cannot be computed", prefix, c.Name)
			}
			seen[prefix+c.Name] = true
			for _, p := range c.Params {
				walk(prefix+c.Name+".", p.Choices)
			}
		}
	}
	walk("", Schemas())
}

func TestReconstruction(t *testing.T) {
	var r Reconstruction
	if _, err := r.Figures("test"); !errors.Is(err, ErrNone) {
		t.Errorf("of none: %v", err)
	}
	// Squared errors 0.25 + 0 + 0 + 1 over four elements; the mean image is (2, 4), from which the originals are
	// 1 + 4 + 1 + 4 away.
	for _, x := range [][2][]float32{{{1, 2}, {1.5, 2}}, {{3, 6}, {3, 7}}} {
		if err := r.Add(x[0], x[1]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Figures("test")
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	want := []Figure{
		{"mse", 1.25 / 4, 2, Interval{0.25 / 2, 1. / 2}, "mean squared error per element of 2 reconstructions of test", false},
		{"mse_relative", 1.25 / 10, 2, Interval{0.25 / 2 / 2.5, 1. / 2 / 2.5}, "mean squared error of 2 reconstructions of test, divided by that of their mean image (2.5)", false},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
	if err := r.Add([]float32{1}, []float32{1}); err == nil {
		t.Error("an example of another size was taken")
	}
	if err := r.Add([]float32{1, 2}, []float32{1}); err == nil {
		t.Error("a reconstruction of another size was taken")
	}

	var same Reconstruction
	same.Add([]float32{1, 2}, []float32{1, 2})
	if got, err := same.Figures("train"); err != nil || len(got) != 1 || got[0].Value != 0 {
		t.Errorf("of equal originals: %v, %v", got, err)
	}
}

// TestMeanImageIsTheBestConstant: answering with the mean image has the relative error 1, and any other constant more.
func TestMeanImageIsTheBestConstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, n := rapid.IntRange(1, 5).Draw(t, "size"), rapid.IntRange(2, 20).Draw(t, "n")
		images := make([][]float32, n)
		mean := make([]float32, size)
		for i := range images {
			images[i] = make([]float32, size)
			for j := range images[i] {
				images[i][j] = float32(rapid.IntRange(-8, 8).Draw(t, "pixel")) / 8
				mean[j] += images[i][j] / float32(n)
			}
		}
		relative := func(constant []float32) float64 {
			var r Reconstruction
			for _, x := range images {
				r.Add(x, constant)
			}
			f, err := r.Figures("test")
			if err != nil {
				t.Fatal(err)
			}
			if len(f) < 2 {
				return 1 // all images equal
			}
			return f[1].Value
		}
		// The constant is float32: its error of up to n 2^-24 enters squared.
		if got := relative(mean); math.Abs(got-1) > 1e-8 {
			t.Errorf("the mean image has the relative error %v", got)
		}
		mean[0] += 0.5
		if got := relative(mean); got < 1 {
			t.Errorf("another image has the relative error %v", got)
		}
	})
}

func TestAccuracy(t *testing.T) {
	var a Accuracy
	if _, err := a.Figure("test"); !errors.Is(err, ErrNone) {
		t.Errorf("of none: %v", err)
	}
	nan := float32(math.NaN())
	for _, x := range []struct {
		outputs []float32
		label   int
	}{
		{[]float32{0, 2, 1}, 1},                       // right
		{[]float32{0, 2, 1}, 2},                       // wrong
		{[]float32{1, 1, 0}, 0},                       // right: the first of equal ones
		{[]float32{1, 1, 0}, 1},                       // wrong
		{[]float32{nan, 1, 0}, 0},                     // wrong
		{[]float32{1, 0, nan}, 0},                     // wrong
		{[]float32{float32(math.Inf(-1)), -5, -6}, 1}, // right
		{[]float32{0, 0, 3}, 2},                       // right
	} {
		if err := a.Add(x.outputs, x.label); err != nil {
			t.Fatal(err)
		}
	}
	// Wilson: z^2 = 3.8415; (p + z^2/2n) / (1 + z^2/n) is p, and half of the width z sqrt(1/4n + z^2/4n^2) / (1 + z^2/n) is 0.2848.
	want := Figure{"accuracy", 0.5, 8, Interval{0.2152160, 0.7847840}, "share of 8 examples of test whose largest output is that of their label", false}
	got, err := a.Figure("test")
	if math.Abs(got.Interval.Low-want.Interval.Low)+math.Abs(got.Interval.High-want.Interval.High) < 2e-7 {
		got.Interval = want.Interval
	}
	if err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	for _, label := range []int{-1, 3} {
		if err := a.Add([]float32{0, 1, 2}, label); err == nil {
			t.Errorf("label %d of 3 classes was taken", label)
		}
	}
}

func moments(t testing.TB, vectors [][]float32) *Moments {
	t.Helper()
	m, err := NewMoments(len(vectors[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range vectors {
		if err := m.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func vectors(list [][]float32) Vectors {
	return Vectors{N: len(list), Size: len(list[0]), Data: slices.Concat(list...)}
}

func normal(r *rand.Rand, n, d int, shift []float32) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, d)
		for j := range out[i] {
			out[i][j] = float32(r.NormFloat64())
			if shift != nil {
				out[i][j] += shift[j]
			}
		}
	}
	return out
}

// TestMoments compares with the two-pass definition.
func TestMoments(t *testing.T) {
	const n, d = 300, 4 // in three products of matrices, the last of them smaller
	x := normal(rand.New(rand.NewPCG(1, 2)), n, d, []float32{1000, 0, -3, 1})
	m := moments(t, x)
	var mean [d]float64
	for _, v := range x {
		for i := range v {
			mean[i] += float64(v[i]) / n
		}
	}
	cov := m.covariance()
	for i := range d {
		if math.Abs(m.mean[i]-mean[i]) > 1e-12*(1+math.Abs(mean[i])) {
			t.Errorf("mean %d is %v, want %v", i, m.mean[i], mean[i])
		}
		for j := range d {
			var want float64
			for _, v := range x {
				want += (float64(v[i]) - mean[i]) * (float64(v[j]) - mean[j]) / (n - 1)
			}
			// Two roundings of numbers near 1000 per vector and factor, each 2^-53 * 1000.
			if got := cov.At(i, j); math.Abs(got-want) > 4*n*0x1p-53*1000 {
				t.Errorf("covariance %d, %d is %v, want %v", i, j, got, want)
			}
		}
	}
	if err := m.Add([]float32{1, 2, 3, float32(math.Inf(1))}); err == nil {
		t.Error("an infinite feature was taken")
	}
	if err := m.Add([]float32{1}); err == nil {
		t.Error("a short vector was taken")
	}
	for _, features := range []int{-1, 0, MaxFeatures + 1} {
		if _, err := NewMoments(features); err == nil {
			t.Errorf("%d features were taken", features)
		}
	}
}

// TestFrechetOfASetAgainstItself also with fewer vectors than features and with features that never change.
func TestFrechetOfASetAgainstItself(t *testing.T) {
	for _, c := range []struct{ n, d, constant int }{{500, 20, 0}, {300, 64, 10}, {30, 64, 0}, {2, 5, 0}, {40, 200, 100}} {
		x := normal(rand.New(rand.NewPCG(uint64(c.n), uint64(c.d))), c.n, c.d, nil)
		for _, v := range x {
			for j := range c.constant {
				v[j] = -1
			}
		}
		m := moments(t, x)
		got, err := Distance(m, moments(t, x))
		var traces float64
		for i := range c.d {
			traces += 2 * m.covariance().At(i, i)
		}
		if err != nil || math.Abs(got) > 1e-6*traces {
			t.Errorf("%d vectors of %d features: %v, %v; traces %v", c.n, c.d, got, err, traces)
		}
	}
}

// TestFrechetOfShiftedNormals: N(0, I) against N(a, I) has |a|^2. The two sets are the same vectors, so the covariances
// agree but for the rounding of float32 after the shift: 2^-24 * 4 per element.
func TestFrechetOfShiftedNormals(t *testing.T) {
	shift := []float32{1, -2, 0.5, 0, 3}
	x := normal(rand.New(rand.NewPCG(3, 4)), 1000, 5, nil)
	y := normal(rand.New(rand.NewPCG(3, 4)), 1000, 5, shift)
	got, err := Distance(moments(t, x), moments(t, y))
	const want = 1 + 4 + 0.25 + 9
	if err != nil || math.Abs(got-want) > 1e-5 {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

// TestFrechetAgainstScipy compares with numbers of scipy's matrix square root (testdata/frechet.py).
func TestFrechetAgainstScipy(t *testing.T) {
	text, err := os.ReadFile("testdata/frechet.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Cases []struct {
			A, B     [][]float32
			Distance float64
		}
	}
	if err := json.Unmarshal(text, &oracle); err != nil {
		t.Fatal(err)
	}
	if len(oracle.Cases) != 3 {
		t.Fatalf("%d cases", len(oracle.Cases))
	}
	for i, c := range oracle.Cases {
		a, b := moments(t, c.A), moments(t, c.B)
		got, err := Distance(a, b)
		if err != nil || math.Abs(got-c.Distance) > 1e-9*c.Distance {
			t.Errorf("case %d: %v, %v; scipy says %v", i, got, err, c.Distance)
		}
		// The distance is symmetric.
		if back, err := Distance(b, a); err != nil || math.Abs(got-back) > 1e-9*got {
			t.Errorf("case %d: %v, %v the other way", i, back, err)
		}
	}
}

func TestFrechetFigure(t *testing.T) {
	// Moments by hand: both unit variance in one dimension apart by 2, and the other constant.
	a, b := moments(t, [][]float32{{0, 5}, {1, 5}, {2, 5}}), moments(t, [][]float32{{2, 5}, {3, 5}, {4, 5}})
	f := &Features{Name: "pixels", Size: 2}
	got, err := Frechet(f, vectors([][]float32{{0, 5}, {1, 5}, {2, 5}}), b, Protocol{"test of digits", true})
	if err != nil || math.Abs(got.Value-4) > 1e-12 {
		t.Errorf("%v, %v; want 4", got.Value, err)
	}
	if got.Name != "frechet_pixels" || got.Count != 3 || got.Recipe != "Fréchet distance over pixels, 3 samples against 3 of test of digits, clipped and rounded to 8 bits" {
		t.Errorf("%+v", got)
	}
	same := moments(t, [][]float32{{1, 1}, {1, 1}}) // covariance 0: |mean difference|^2 + the other's trace
	if got, err := Distance(same, a); err != nil || got != 0+16+1 {
		t.Errorf("against a point: %v, %v; want 17", got, err)
	}
	if _, err := Distance(moments(t, [][]float32{{1, 1}}), a); err == nil {
		t.Error("one vector was enough")
	}
	if _, err := Distance(moments(t, [][]float32{{1}, {2}}), a); err == nil {
		t.Error("another number of features was taken")
	}
}

// BenchmarkFrechet is an evaluation of 28x28 images: 2,000 samples, and the distance from moments known already.
func BenchmarkFrechet(b *testing.B) {
	x := normal(rand.New(rand.NewPCG(5, 6)), 2000, 784, nil)
	reference := moments(b, x)
	for b.Loop() {
		if _, err := Distance(moments(b, x), reference); err != nil {
			b.Fatal(err)
		}
	}
}
