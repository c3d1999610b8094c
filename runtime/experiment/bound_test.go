package experiment

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// The bound of a density is that of the levels of 8 bits: of what the export says of examples that are moved within their levels, of
// which 127.5 are as wide as the unit of values in -1..1.
func TestBoundOfDensity(t *testing.T) {
	const n = 70
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, plugins, spec(t, "bound"))
	mustRun(t, x, dir)
	metrics, err := record.ReadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	nats, bits := metrics["evaluate m"]["bound_nats"], metrics["evaluate m"]["bound_bits"]
	m := restored(t, x, dir, "m", false)
	set, err := data.Open(t.Context(), x.Models[0].Data.Set, x.Models[0].Data.Args, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	image := tensor.New(graph.Real(1, 8, 8), n)
	numbers := every(set)[:n]
	if err := set.Fill(data.ImageField, numbers, image); err != nil {
		t.Fatal(err)
	}
	spread(image, -1, 1, rng.New(9, build.Bound, 0), 0)
	out, err := m.Apply(build.Bound, map[string]*tensor.Tensor{data.ImageField: image}, n, 9, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := 64 * math.Log(127.5)
	for _, v := range out.F32 {
		want += float64(v) / n
	}
	near(t, "nats", nats.Value, want, 1e-12) // the same numbers, added in another order
	near(t, "bits", bits.Value, want/(64*math.Ln2), 1e-12)
	if nats.Count != n || !strings.HasPrefix(bits.Recipe, "upper bound on the negative log-likelihood in bits of each of 64 numbers, mean of 70 of the images of 8 bits, test of optdigits (data ") {
		t.Errorf("%+v", bits)
	}
}

// A value is rounded to one of 256 levels, and lies anywhere within half a level of it; what lies outside of the range is at its end.
func TestSpread(t *testing.T) {
	x := tensor.New(graph.Real(3), 200)
	for i := range x.N {
		copy(x.F32[3*i:], []float32{-7, 0.1, 5})
	}
	spread(x, -2, 3, rng.New(1, "x", 0), 0)
	level := 5. / 255
	for k, at := range []float64{-2, -2 + math.Round(2.1/level)*level, 3} {
		low, high := math.Inf(1), math.Inf(-1)
		for i := range x.N {
			v := float64(x.F32[3*i+k])
			low, high = min(low, v), max(high, v)
		}
		if low < at-level/2-1e-6 || high > at+level/2+1e-6 || high-low < 0.9*level {
			t.Errorf("number %d lies in %v..%v about %v", k, low, high, at)
		}
	}
}

// What judges a model and trains nothing is no part of the training: the Program without the export `bound` is that of before it.
func TestUnbound(t *testing.T) {
	before := `program 1

function step(image: f32[N 4]) {
  %0 = abs %image : f32[N 4]
  return total = %0
}

export other = step
`
	after := strings.Replace(before, "export other", `function told(image: f32[N 4]) {
  %0 = abs %image : f32[N 4]
  return density = %0
}

export other`, 1) + "export bound = told\n"
	for _, text := range []string{before, after} {
		p, err := program.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := unbound(p); got != before {
			t.Errorf("the Program is\n%s", got)
		}
		if p.Print() != text {
			t.Errorf("the Program is changed to\n%s", p.Print())
		}
	}
}
