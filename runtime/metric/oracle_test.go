package metric

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// oracle is testdata/figures.json.
type oracle struct {
	Cases []struct {
		Samples, Reference                                 [][]float32
		K                                                  int
		Frechet, Kid, Precision, Recall, Density, Coverage float64
	}
	Logits [][]float32
	Scores []struct {
		Splits int
		Score  float64
	}
	Images []struct {
		Height, Width int
		A, B          []float32
		Ssim          float64
	}
	Small   []float32
	Resized []struct {
		Height, Width int
		Pixels        []float64
	}
}

func recorded(t *testing.T) (o oracle) {
	t.Helper()
	text, err := os.ReadFile("testdata/figures.json")
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Cases) != 3 || len(o.Scores) != 3 || len(o.Images) != 3 || len(o.Resized) != 3 {
		t.Fatalf("%d cases, %d scores, %d images, %d resized", len(o.Cases), len(o.Scores), len(o.Images), len(o.Resized))
	}
	return o
}

// near judges a number; the tolerance is absolute.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestAgainstPublishedPrograms compares with pytorch-fid, torchmetrics and prdc (testdata/figures.py).
func TestAgainstPublishedPrograms(t *testing.T) {
	for i, c := range recorded(t).Cases {
		x, y := vectors(c.Samples), vectors(c.Reference)
		f := &Features{Name: "some", Size: x.Size}
		p := Protocol{Reference: "test"}
		d, err := Frechet(f, x, moments(t, c.Reference), p)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Fréchet distance", d.Value, c.Frechet, 1e-9*(1+c.Frechet))
		n := min(x.N, y.N)
		k, err := KID(t.Context(), f, vectors(c.Samples[:n]), vectors(c.Reference[:n]), 0, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		// It is a difference of means of kernels, which are up to (9 scale^2 / d + 1)^3, about 1000.
		near(t, "kernel distance", k.Value, c.Kid, 1e-11)
		pr, err := PrecisionRecall(t.Context(), f, x, y, c.K, p)
		if err != nil {
			t.Fatal(err)
		}
		dc, err := DensityCoverage(t.Context(), f, x, y, c.K, p)
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range []float64{c.Precision, c.Recall, c.Density, c.Coverage} {
			got := slices.Concat(pr, dc)[j]
			near(t, got.Name, got.Value, want, 1e-12)
			if got.Interval.Low > want || got.Interval.High < want || got.Interval.Low == got.Interval.High {
				t.Errorf("case %d: %s is %v in %v", i, got.Name, got.Value, got.Interval)
			}
		}
	}
}

func TestInceptionScoreAgainstTorchmetrics(t *testing.T) {
	o := recorded(t)
	l := vectors(o.Logits)
	f := &Features{Name: "some", Classes: l.Size}
	for _, c := range o.Scores {
		got, err := InceptionScore(f, l, c.Splits, Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		near(t, got.Recipe, got.Value, c.Score, 1e-12*c.Score)
		if got.Interval.Low >= got.Value || got.Interval.High <= got.Value {
			t.Errorf("%v in %v", got.Value, got.Interval)
		}
	}
	for _, splits := range []int{0, 31} {
		if _, err := InceptionScore(f, l, splits, Protocol{}); err == nil {
			t.Errorf("%d splits of 60 samples were taken", splits)
		}
	}
}

// Pixels are float32 here and float64 there: 2^-25 each, which the variances of the flattest windows, with 0.03^2 added, magnify by
// up to 1/0.0009.
func TestSimilarityAgainstScikitImage(t *testing.T) {
	for _, c := range recorded(t).Images {
		of := func(list []float32) Images {
			m := Images{N: 1, Channels: 1, Height: c.Height, Width: c.Width}
			for _, v := range list {
				m.Pixels = append(m.Pixels, v/255)
			}
			return m
		}
		var s Similarity
		if err := s.Add(of(c.A), of(c.B)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Figure(Protocol{})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "similarity", got.Value, c.Ssim, 2*0x1p-25/0.0009)
	}
}

// Two roundings to float32 of pixels up to 1.
func TestResizeAgainstPyTorch(t *testing.T) {
	o := recorded(t)
	m := Images{N: 1, Channels: 2, Height: 5, Width: 7}
	for _, v := range o.Small {
		m.Pixels = append(m.Pixels, v/255)
	}
	for _, c := range o.Resized {
		got := m.Resize(c.Height, c.Width)
		if len(got.Pixels) != len(c.Pixels) || got.Height != c.Height || got.Width != c.Width {
			t.Fatalf("%d pixels of %dx%d, want %d", len(got.Pixels), got.Height, got.Width, len(c.Pixels))
		}
		for i, want := range c.Pixels {
			near(t, "pixel", float64(got.Pixels[i]), want, 0x1p-23)
		}
	}
}
