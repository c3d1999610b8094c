package opaque

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
)

// TestSpikes: zeros and ones in any number and at any place in memory pass, also the zero with a sign; anything else among them is told.
func TestSpikes(t *testing.T) {
	o := &graph.Opaque{Plugin: "acme", Component: "leap"}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.SampledFrom([]float32{0, 1, float32(math.Copysign(0, -1))}), 0, 40).Draw(t, "x")
		x = x[rapid.IntRange(0, min(3, len(x))).Draw(t, "from"):]
		if err := Spikes(o, x); err != nil {
			t.Fatal(err)
		}
		if len(x) == 0 {
			return
		}
		other := math.Float32frombits(rapid.OneOf(rapid.Uint32(), rapid.SampledFrom([]uint32{0xbf800000, 0x3f800001, 0x3f000000, 0x40000000, 1, 0x7f800000, 0x1f800000, 0x20000000})).Draw(t, "bits"))
		x[rapid.IntRange(0, len(x)-1).Draw(t, "at")] = other
		if err := Spikes(o, x); err == nil != (other == 0 || other == 1) || err != nil && !strings.Contains(err.Error(), "component leap of plugin \"acme\" gives") {
			t.Fatalf("%v among spikes: %v", other, err)
		}
	})
}

// TestSpikesBits: of all numbers that have some of the bits of 1, 0 and 1 alone pass, wherever they stand among zeros or ones.
func TestSpikesBits(t *testing.T) {
	o := &graph.Opaque{Plugin: "acme", Component: "leap"}
	for _, others := range []float32{0, 1} {
		for at := range 12 {
			x := slices.Repeat([]float32{others}, 12)
			for bits := range uint32(1 << 7) {
				x[at] = math.Float32frombits(bits << 23)
				if err := Spikes(o, x); err == nil != (bits == 0 || bits == 1<<7-1) {
					t.Fatalf("%v at %d among %v: %v", x[at], at, others, err)
				}
			}
		}
	}
}

// TestRanges: the calls of a block are about each of its examples once, in order, few where it is small, never more than eight, and they
// depend on its size alone.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch, floats := rapid.IntRange(1, 300).Draw(t, "batch"), rapid.IntRange(1, 1<<20).Draw(t, "floats")
		next := 0
		all := Ranges(batch, floats)
		for _, b := range all {
			if b.Batch != batch || b.First != next || b.Count < 1 {
				t.Fatalf("%+v", all)
			}
			next += b.Count
		}
		if next != batch || len(all) > slots || len(all) > 1 && batch*floats <= piece {
			t.Fatalf("%d calls of %d numbers: %+v", len(all), batch*floats, all)
		}
	})
	if n := len(Ranges(64, 4096*16)); n != slots {
		t.Errorf("16 MB of 64 examples are %d calls", n)
	}
}

// TestSeed: the seeds are whole numbers below 2^48, which any language's numbers hold, and differ where one of the two does.
func TestSeed(t *testing.T) {
	const last = 1 - 1.0/(1<<24)
	for _, c := range []struct {
		a, b float64
		want uint64
	}{{0, 0, 0}, {0, 1.0 / (1 << 24), 1}, {1.0 / (1 << 24), 0, 1 << 24}, {last, last, 1<<48 - 1}} {
		if got := Seed(c.a, c.b); got != c.want {
			t.Errorf("%v %v: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
