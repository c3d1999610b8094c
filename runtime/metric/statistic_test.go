package metric

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestKernelDistance: of two sets of the same distribution it is 0 in the mean, and over subsets it is so too; by hand for two
// vectors of one number each: k(x, y) = (xy + 1)^3.
func TestKernelDistance(t *testing.T) {
	f := &Features{Name: "some", Size: 1}
	x, y := Vectors{2, 1, []float32{0, 1}}, Vectors{2, 1, []float32{2, -1}}
	got, err := KID(t.Context(), f, x, y, 0, 1, Protocol{Reference: "test"})
	// Within x: k(0, 1) = 1; within y: k(2, -1) = -1; across: k(0, .) = 1 twice, k(1, 2) = 27, k(1, -1) = 0.
	if want := 1. - 1 - 2*29./4; err != nil || got.Value != want {
		t.Errorf("%v, %v; want %v", got.Value, err, want)
	}
	if want := "kernel distance (unbiased, cubic) over some, all at once, 2 samples against 2 of test, not rounded"; got.Recipe != want || got.Name != "kid_some" {
		t.Errorf("%s: %s", got.Name, got.Recipe)
	}
	r := rand.New(rand.NewPCG(4, 4))
	var values []float64
	for range 100 {
		a, b := vectors(normal(r, 60, 3, nil)), vectors(normal(r, 80, 3, nil))
		g, err := KID(t.Context(), f, a, b, 30, 5, Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, g.Value)
	}
	mean, deviation := 0.0, 0.0
	for _, v := range values {
		mean += v / 100
		deviation += v * v / 100
	}
	if deviation = math.Sqrt(deviation / 100); math.Abs(mean) > 4*deviation {
		t.Errorf("of equal distributions it is %v in the mean, %v off is to be expected", mean, deviation)
	}
	for _, c := range [][2]int{{3, 1}, {1, 1}, {2, 0}} {
		if _, err := KID(t.Context(), f, x, y, c[0], c[1], Protocol{}); err == nil {
			t.Errorf("%d subsets of %d of two vectors were taken", c[1], c[0])
		}
	}
}

// TestNeighbourhoods by the definition, on small integers, whose distances are exact and often equal.
func TestNeighbourhoods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, k := rapid.IntRange(1, 3).Draw(t, "d"), rapid.IntRange(1, 3).Draw(t, "k")
		set := func(name string) Vectors {
			n := rapid.IntRange(k+1, 30).Draw(t, name)
			v := Vectors{N: n, Size: d}
			for range n * d {
				v.Data = append(v.Data, float32(rapid.IntRange(-4, 4).Draw(t, "x")))
			}
			return v
		}
		x, y := set("samples"), set("reference")
		distance := func(a, b []float32) (sum float64) {
			for i := range a {
				sum += float64(a[i]-b[i]) * float64(a[i]-b[i])
			}
			return sum
		}
		radius := func(v Vectors, i int) float64 {
			var all []float64
			for j := range v.N {
				if j != i {
					all = append(all, distance(v.Vector(i), v.Vector(j)))
				}
			}
			slices.Sort(all)
			return all[k-1]
		}
		var precision, recall, density, coverage float64
		for i := range x.N {
			balls := 0.0
			for j := range y.N {
				if distance(x.Vector(i), y.Vector(j)) <= radius(y, j) {
					balls++
				}
			}
			density += balls / float64(k*x.N)
			if balls > 0 {
				precision += 1 / float64(x.N)
			}
		}
		for j := range y.N {
			reached, covered := 0.0, 0.0
			for i := range x.N {
				if distance(x.Vector(i), y.Vector(j)) <= radius(x, i) {
					reached = 1
				}
				if distance(x.Vector(i), y.Vector(j)) <= radius(y, j) {
					covered = 1
				}
			}
			recall += reached / float64(y.N)
			coverage += covered / float64(y.N)
		}
		f := &Features{Name: "some"}
		pr, err := PrecisionRecall(context.Background(), f, x, y, k, Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		dc, err := DensityCoverage(context.Background(), f, x, y, k, Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{precision, recall, density, coverage} {
			if got := slices.Concat(pr, dc)[i]; math.Abs(got.Value-want) > 1e-12 {
				t.Fatalf("%s is %v, want %v", got.Name, got.Value, want)
			}
		}
	})
}

// TestNeighbourhoodsOfItself: a set against itself has precision and recall 1, and what is far away 0.
func TestNeighbourhoodsOfItself(t *testing.T) {
	x := vectors(normal(rand.New(rand.NewPCG(5, 1)), 300, 3, nil)) // more than a block
	far := vectors(normal(rand.New(rand.NewPCG(5, 2)), 280, 3, []float32{100, 0, 0}))
	for want, y := range map[float64]Vectors{1: x, 0: far} {
		pr, err := PrecisionRecall(t.Context(), &Features{Name: "some"}, x, y, 3, Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range pr {
			if g.Value != want || g.Interval.High-g.Interval.Low < 0.005 {
				t.Errorf("%s is %v in %v, want %v", g.Name, g.Value, g.Interval, want)
			}
		}
	}
	if _, err := PrecisionRecall(t.Context(), &Features{}, Vectors{N: 3, Size: 1, Data: []float32{1, 2, 3}}, x, 3, Protocol{}); err == nil {
		t.Error("three vectors have a third nearest other")
	}
}

// TestCopying: samples of the data's distribution are as near to the training as held-out ones, exact copies nearer than all. The
// parts in which the training comes change nothing.
func TestCopying(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	train, fresh, heldout := vectors(normal(r, 700, 4, nil)), vectors(normal(r, 400, 4, nil)), vectors(normal(r, 300, 4, nil))
	search := func(v Vectors, cuts ...int) *Search {
		s := NewSearch(v)
		first := 0
		for _, end := range append(cuts, train.N) {
			part := Vectors{N: end - first, Size: 4, Data: train.Data[first*4 : end*4]}
			if err := s.Add(t.Context(), part); err != nil {
				t.Fatal(err)
			}
			first = end
		}
		return s
	}
	if a, b := search(fresh), search(fresh, 100, 101, 600); !slices.Equal(a.Found, b.Found) {
		t.Error("the parts change what is found")
	}
	copies := pick(train, []int{5, 699, 0, 5})
	found := search(copies, 300)
	for i, want := range []int{5, 699, 0, 5} {
		if found.Found[i] != (Neighbour{want, 0}) {
			t.Errorf("the copy of %d is found as %v", want, found.Found[i])
		}
	}
	f := &Features{Name: "some"}
	got, err := Copying(f, found, search(heldout), Protocol{})
	if err != nil || got[0].Value != 0 || got[2].Value != 1 || got[2].Name != "copying_some" {
		t.Errorf("%v, %v", got, err)
	}
	got, err = Copying(f, search(fresh), search(heldout), Protocol{})
	// The Mann-Whitney statistic of 400 and 300 has the deviation sqrt((400 + 300 + 1) / (12 400 300)) = 0.022.
	if err != nil || math.Abs(got[2].Value-0.5) > 4*0.022 || got[0].Value <= 0 {
		t.Errorf("%v, %v", got, err)
	}
	if order := search(fresh).Closest(3); len(order) != 3 || search(fresh).Found[order[0]].Distance > search(fresh).Found[order[2]].Distance {
		t.Errorf("closest: %v", order)
	}
}

// TestHistogram by hand: shares 3/4 and 1/4 against 1/2 and 1/2, with halves added.
func TestHistogram(t *testing.T) {
	x := Vectors{4, 2, []float32{1, 0, 2, 1, 5, 5, 0, 1}}
	y := Vectors{2, 2, []float32{1, 0, 0, 1}}
	got, err := Histogram(&Features{Name: "judge"}, x, y, Protocol{Reference: "test"})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	want := 0.7*math.Log(0.7/0.5) + 0.3*math.Log(0.3/0.5)
	near(t, got[0].Name, got[0].Value, want, 1e-15)
	if got[1].Value != 0.75 || got[2].Value != 0.25 || got[2].Name != "classes_judge_1" {
		t.Errorf("%+v", got[1:])
	}
}

// TestImages: pixels are clipped and rounded to 255ths, half up, and counted as lit above a level.
func TestImages(t *testing.T) {
	m := Images{N: 2, Channels: 1, Height: 1, Width: 3, Pixels: []float32{-0.5, 0.5, 1.5, 0.2, 0.0019, 0.002}}
	m.Round()
	want := []float32{0, 128. / 255, 1, 51. / 255, 0, 1. / 255}
	if !slices.Equal(m.Pixels, want) {
		t.Errorf("%v, want %v", m.Pixels, want)
	}
	var a, b Active
	a.Add(m)
	b.Above = 0.25
	b.Add(m)
	got, err := ActivePixels(&a, &b, Protocol{})
	if err != nil || math.Abs(got[0].Value-4./6) > 1e-15 || math.Abs(got[1].Value-2./6) > 1e-15 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSimilarityOfItself is 1, and at most 1 with another.
func TestSimilarityOfItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Images{N: 1, Channels: 2, Height: 11, Width: 12}
		for range m.Size() {
			m.Pixels = append(m.Pixels, float32(rapid.IntRange(0, 255).Draw(t, "p"))/255)
		}
		other := m
		other.Pixels = slices.Clone(m.Pixels)
		slices.Reverse(other.Pixels)
		for _, c := range []struct {
			with Images
			same bool
		}{{m, true}, {other, false}} {
			var s Similarity
			if err := s.Add(m, c.with); err != nil {
				t.Fatal(err)
			}
			g, _ := s.Figure(Protocol{})
			if g.Value > 1+1e-12 || c.same && math.Abs(g.Value-1) > 1e-12 {
				t.Fatalf("%v", g.Value)
			}
		}
	})
}

// TestExtract: batches change nothing, and what is not finite is an error.
func TestExtract(t *testing.T) {
	all := Images{N: 150, Channels: 1, Height: 1, Width: 2}
	for i := range 300 {
		all.Pixels = append(all.Pixels, float32(i))
	}
	source := Source{N: 150, Images: func(first, end int) (Images, error) {
		m := all
		m.N, m.Pixels = end-first, slices.Clone(all.Pixels[2*first:2*end])
		return m, nil
	}}
	v, l, err := Extracted(t.Context(), Pixels(2), source)
	if err != nil || v.N != 150 || l.Size != 0 || !slices.Equal(v.Data, all.Pixels) {
		t.Errorf("%d vectors, %v", v.N, err)
	}
	all.Pixels[299] = float32(math.NaN())
	if _, _, err := Extracted(t.Context(), Pixels(2), source); err == nil || err.Error() != "apply features pixels: image 149 gives NaN" {
		t.Error(err)
	}
}

// BenchmarkFigures is an evaluation of 10,000 samples by 84 features.
func BenchmarkFigures(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 7))
	x, y := vectors(normal(r, 10_000, 84, nil)), vectors(normal(r, 10_000, 84, nil))
	f := &Features{Name: "some", Size: 84}
	reference, err := MomentsOf(y)
	if err != nil {
		b.Fatal(err)
	}
	for name, figure := range map[string]func() error{
		"frechet":   func() error { _, err := Frechet(f, x, reference, Protocol{}); return err },
		"kid":       func() error { _, err := KID(b.Context(), f, x, y, 0, 1, Protocol{}); return err },
		"precision": func() error { _, err := PrecisionRecall(b.Context(), f, x, y, 3, Protocol{}); return err },
		"nearest":   func() error { return NewSearch(x).Add(b.Context(), y) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := figure(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The axes of few vectors come from their own products, and the distance is the one that the covariance gives.
func TestFewVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	draw := func(n, size int) Vectors {
		v := Vectors{N: n, Size: size, Data: make([]float32, n*size)}
		for i := range v.Data {
			v.Data[i] = float32(r.NormFloat64() + float64(i%7))
		}
		return v
	}
	for _, c := range []struct{ n, reference, size int }{{2, 50, 40}, {13, 11, 40}, {13, 40, 40}, {10, 100, 60}} {
		x, y := draw(c.n, c.size), draw(c.reference, c.size)
		var distances [2]float64
		var all [2][]float64
		for k := range 2 {
			a, err := MomentsOf(x)
			b, err2 := MomentsOf(y)
			if err = errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			if k == 1 {
				a.few, b.few = nil, nil
			} else if a.few == nil {
				t.Errorf("%d vectors of %d features are not few", c.n, c.size)
			}
			if distances[k], err = Distance(a, b); err != nil {
				t.Fatal(err)
			}
			if all[k], err = influences(x, a, b); err != nil {
				t.Fatal(err)
			}
		}
		near(t, "distance", distances[0], distances[1], 1e-9*distances[1])
		for i, v := range all[1] {
			near(t, "influence", all[0][i], v, 1e-6*(1+math.Abs(v))) // where the reference has few vectors, too, roots of what rounding leaves of 0 are in it
		}
	}
}
