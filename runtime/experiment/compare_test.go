package experiment

import (
	"fmt"
	"math"
	"testing"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/rng"
)

// Images of a data set are measured as if they were samples: brought to 0..1 by their own range, to 8 bits, and to the size of the
// reference, and by the recipe of an evaluation. They are chosen at random, so that the order of a set does not matter.
func TestCompare(t *testing.T) {
	const n = 200
	o := CompareOptions{Images: "optdigits(range = -1..1)", Reference: "optdigits(size = 5x4)", Split: "train", Against: "test", Count: n, Metrics: "frechet(features = pixels), nearest(features = pixels)", Threads: 1}
	got, found, _, err := Compare(t.Context(), plugins, o)
	if err != nil || found.HasErrors() {
		t.Fatal(err, found)
	}
	images := func(text string, split data.Split) (*data.Set, metric.Images) {
		x := load(t, plugins, spec(t, "images", "optdigits(range = -1..1, take = 150)", text, "[1, 8, 8]", "[1, 5, 4]", "linear(64) -> reshape(1, 8, 8)", "linear(20) -> reshape(1, 5, 4)"))
		set, err := data.Open(t.Context(), "optdigits", x.Models[0].Data.Args, split, nil)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := set.Range()
		d := set.Fields()["image"].Dims
		m := metric.Images{N: set.Len(), Channels: 1, Height: d[1], Width: d[2]}
		for _, v := range all(t, set, "image").Logical() {
			m.Pixels = append(m.Pixels, float32(math.Floor(float64(float32((v-lo)/(hi-lo)))*255+0.5)/255))
		}
		return set, m
	}
	reference, test := images("optdigits(size = 5x4)", data.Test)
	_, training := images("optdigits(size = 5x4)", data.Train)
	set, err := data.Open(t.Context(), "optdigits", nil, data.Train, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := all(t, set, "image").Logical() // in 0..1, whatever the range of the other was
	small := metric.Images{N: n, Channels: 1, Height: 8, Width: 8}
	for _, k := range rng.New(0, "samples", 0).Permutation(set.Len())[:n] {
		for _, v := range whole[64*k : 64*k+64] {
			small.Pixels = append(small.Pixels, float32(math.Floor(v*255+0.5)/255))
		}
	}
	small = small.Fit(5, 4)
	small.Round()
	vectors := func(m metric.Images) metric.Vectors { return metric.Vectors{N: m.N, Size: m.Size(), Data: m.Pixels} }
	moments, err := metric.MomentsOf(vectors(test))
	if err != nil {
		t.Fatal(err)
	}
	want, err := metric.Frechet(metric.Pixels(20), vectors(small), moments, metric.Protocol{Reference: fmt.Sprintf("test of optdigits (data %s)", reference.Pictures()[:12]), Rounded: true})
	if err != nil {
		t.Fatal(err)
	}
	if f := got.Figures[0]; f != want {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
	var mean float64
	for i := range n {
		least := math.Inf(1)
		for k := range training.N {
			var sum float64
			for q, v := range small.Image(i) {
				d := float64(v) - float64(training.Image(k)[q])
				sum += d * d
			}
			least = min(least, math.Sqrt(sum))
		}
		mean += least / n
	}
	if f := got.Figures[1]; f.Name != "nearest_pixels" {
		t.Errorf("%+v", f)
	} else {
		near(t, f.Name, f.Value, mean, 1e-12)
	}
	if got.Count != n || got.Images != "optdigits(range = -1..1, size = 8x8, split = train)" || got.Reference != "optdigits(range = 0..1, size = 5x4, split = train)" {
		t.Errorf("%+v", got)
	}

	// More are not compared than there are, and the number of threads changes nothing.
	o.Count, o.Threads, o.Split = 5000, 2, "test"
	more, found, _, err := Compare(t.Context(), plugins, o)
	if err != nil || found.HasErrors() || more.Count != 360 || more.Figures[0].Count != 360 {
		t.Fatalf("%+v %v %v", more, found, err)
	}
	o.Threads = 1
	again, _, _, err := Compare(t.Context(), plugins, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range again.Figures {
		if f != more.Figures[i] {
			t.Errorf("%+v and %+v", f, more.Figures[i])
		}
	}
}
