package rng

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The known answers for philox4x32-10 that Random123 publishes in tests/kat_vectors.
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, v := range [][10]uint32{
		{0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
		{
			0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
			0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
		},
		{
			0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
			0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
		},
	} {
		a, b, c, d := philox(v[0], v[1], v[2], v[3], v[4], v[5])
		if got, want := [4]uint32{a, b, c, d}, [4]uint32(v[6:]); got != want {
			t.Errorf("philox(%x) = %x, want %x", v[:6], got, want)
		}
	}
}

// Results of published runs depend on these; they never change. A program in another language that follows doc.go to the
// letter gave the same key, uniform numbers and permutation, and the same normal numbers but for their last bits.
const (
	goldenKey     = "5b16b9d7 491143f4"
	goldenUniform = "3f56299a 3f7aa861 3ed1f578 3f529a15 3f0d2882 3f264977 3f749d2e "
	goldenNormal  = "3fe2f3e0c32ceeb8 bfb3febe4cc09ee2 3fe2d639336b3cd3 bff32ce8e18d498b bff140393936188d " +
		"3fe60175199d5c84 3fa394348bd44576 "
	goldenPermutation = "[7 5 1 2 3 8 9 6 4 0]"
)

func TestGolden(t *testing.T) {
	s := New(7, "z", 3)
	if got, want := fmt.Sprintf("%08x %08x", s.k0, s.k1), goldenKey; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	var u, n string
	for _, at := range [][2]uint64{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 0}, {1 << 40, 1 << 36}} {
		u += fmt.Sprintf("%08x ", math.Float32bits(s.Uniform(at[0], at[1])))
		n += fmt.Sprintf("%016x ", math.Float64bits(s.Normal64(at[0], at[1])))
	}
	if u != goldenUniform {
		t.Errorf("uniform\n got %s\nwant %s", u, goldenUniform)
	}
	if n != goldenNormal {
		t.Errorf("normal\n got %s\nwant %s", n, goldenNormal)
	}
	if got := fmt.Sprint(s.Permutation(10)); got != goldenPermutation {
		t.Errorf("permutation %s, want %s", got, goldenPermutation)
	}
}

func TestFillAgreesWithElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(rapid.Uint64().Draw(t, "seed"), rapid.String().Draw(t, "label"), rapid.Uint64().Draw(t, "iteration"))
		index := rapid.Uint64().Draw(t, "index")
		n := rapid.IntRange(0, 23).Draw(t, "n")
		u, z := make([]float32, n), make([]float32, n)
		first := rapid.OneOf(rapid.Uint64Range(0, 9), rapid.Uint64Range(0, 1<<40)).Draw(t, "first")
		s.FillUniform(u, index, first)
		s.FillNormal(z, index, first)
		for i := range n {
			e := first + uint64(i)
			if u[i] != s.Uniform(index, e) || float64(u[i]) != s.Uniform64(index, e) {
				t.Fatalf("uniform %d differs", e)
			}
			if z[i] != s.Normal(index, e) || z[i] != float32(s.Normal64(index, e)) {
				t.Fatalf("normal %d differs", e)
			}
		}
	})
}

// Both sides of the comparison for the logarithm promise an error of 1 ulp, at most 2 units of 2^-53 of the value each.
// For sine and cosine the standard library gets an angle of at most pi that was rounded twice, hence wrong by up to
// pi 2^-52 < 7 2^-53; two units more are the roundings of the two results, at most 1 in size.
func TestElementaryFunctions(t *testing.T) {
	s := New(1, "elementary", 0)
	words := []uint32{0, 1, 2, 1<<29 - 1, 1 << 29, 1<<30 - 1, 1 << 30, 1 << 31, 3 << 30, 7 << 29, math.MaxUint32, math.MaxUint32 - 1}
	for b := range uint64(5000) {
		w := s.block(0, b)
		words = append(words, w[:]...)
	}
	near := func(got, want float64) bool {
		return math.Abs(got-want) <= 9*0x1p-53
	}
	for _, w := range words {
		if got, want := lnUnit(w), math.Log((float64(w)+1)/(1<<32)); math.Abs(got-want) > 4*0x1p-53*math.Abs(want) {
			t.Fatalf("lnUnit(%#x) = %v, want %v", w, got, want)
		}
		sin, cos := sinCosTurn(w)
		ws, wc := math.Sincos(float64(int32(w)) * (2 * math.Pi / (1 << 32)))
		if !near(sin, ws) || !near(cos, wc) {
			t.Fatalf("sinCosTurn(%#x) = %v, %v, want %v, %v", w, sin, cos, ws, wc)
		}
	}
}

// With n independent numbers the mean of a quantity of variance v has standard deviation sqrt(v / n); bounds are five of
// these. Nothing here is random: a pass today is a pass for ever.
func TestMoments(t *testing.T) {
	const n = 1 << 18
	buf := make([]float32, n)
	check := func(name string, got, want, variance float64) {
		t.Helper()
		if bound := 5 * math.Sqrt(variance/n); math.Abs(got-want) > bound {
			t.Errorf("%s = %v, want %v within %v", name, got, want, bound)
		}
	}
	moments := func() (m [5]float64) {
		for _, x := range buf {
			p := 1.0
			for k := range m {
				m[k] += p / n
				p *= float64(x)
			}
		}
		return m
	}
	s := New(11, "moments", 0)
	s.FillUniform(buf, 5, 0)
	if lo, hi := slices.Min(buf), slices.Max(buf); lo < 0 || hi >= 1 {
		t.Errorf("uniform numbers from %v to %v", lo, hi)
	}
	m := moments()
	check("uniform E x", m[1], 1./2, 1./12)
	check("uniform E x^2", m[2], 1./3, 1./5-1./9)
	check("uniform E x^4", m[4], 1./5, 1./9-1./25)
	s.FillNormal(buf, 5, 0)
	m = moments()
	check("normal E x", m[1], 0, 1)
	check("normal E x^2", m[2], 1, 2)
	check("normal E x^3", m[3], 0, 15)
	check("normal E x^4", m[4], 3, 96)
	var pair float64
	for i := 0; i < n; i += 2 {
		pair += float64(buf[i]) * float64(buf[i+1]) / (n / 2)
	}
	check("normal E of neighbours' product", pair, 0, 2)
}

// Streams that differ in seed, label, iteration or index share no block of four words and do not correlate.
func TestStreamsDoNotOverlap(t *testing.T) {
	type source struct {
		s     Stream
		index uint64
	}
	sources := []source{
		{New(1, "z", 0), 0}, {New(1, "z", 0), 1}, {New(1, "z", 1), 0}, {New(2, "z", 0), 0}, {New(1, "zz", 0), 0},
		{New(1, "", 0), 0}, {New(1<<32, "z", 0), 0}, {New(1, "z", 1<<32), 0}, {New(1, "z", 0), 1 << 32},
	}
	const n = 1 << 14
	seen := map[[4]uint32]bool{}
	numbers := make([][]float32, len(sources))
	for i, src := range sources {
		for b := range uint64(n / 4) {
			w := src.s.block(src.index, b)
			if seen[w] {
				t.Fatalf("source %d repeats block %x", i, w)
			}
			seen[w] = true
		}
		numbers[i] = make([]float32, n)
		src.s.FillNormal(numbers[i], src.index, 0)
		for j := range i {
			var dot float64
			for e := range n {
				dot += float64(numbers[i][e]) * float64(numbers[j][e])
			}
			// The dot product of independent normal vectors has variance n.
			if math.Abs(dot) > 5*math.Sqrt(n) {
				t.Errorf("sources %d and %d correlate: %v", i, j, dot/n)
			}
		}
	}
}

func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-2, 200).Draw(t, "n")
		p := New(rapid.Uint64().Draw(t, "seed"), "order", 0).Permutation(n)
		slices.Sort(p)
		for i, v := range p {
			if v != i {
				t.Fatalf("place %d holds %d", i, v)
			}
		}
		if len(p) != max(n, 0) {
			t.Fatalf("%d numbers, want %d", len(p), n)
		}
	})
	// Every one of the 24 orders of four appears as often as another: chi-squared with 23 degrees of freedom is below 49.7
	// in all but 0.1 % of cases.
	const n = 24000
	count := map[string]int{}
	for i := range uint64(n) {
		count[fmt.Sprint(New(3, "order", i).Permutation(4))]++
	}
	chi := 0.0
	for _, c := range count {
		chi += float64((c-n/24)*(c-n/24)) / (n / 24)
	}
	if len(count) != 24 || chi > 49.7 {
		t.Errorf("%d orders, chi-squared %v", len(count), chi)
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	s, buf := New(1, "z", 0), make([]float32, 1001)
	if n := testing.AllocsPerRun(10, func() { s.FillUniform(buf, 1, 0); s.FillNormal(buf, 1, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkUniform(b *testing.B) { benchmark(b, Stream.FillUniform) }
func BenchmarkNormal(b *testing.B)  { benchmark(b, Stream.FillNormal) }

func benchmark(b *testing.B, fill func(s Stream, dst []float32, index, first uint64)) {
	s, buf := New(1, "z", 0), make([]float32, 4096)
	for i := range b.N {
		fill(s, buf, uint64(i), 0)
	}
	b.ReportMetric(float64(b.N)*float64(len(buf))/b.Elapsed().Seconds()/1e6, "M/s")
}
