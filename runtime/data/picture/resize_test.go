package picture

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The oracles are Pillow and OpenCV (testdata/resize.py), in float32 and printed with four digits: 0.5 is rounding, 0.0002
// covers their digits (0.00005) and their float32 sums of 255 * 2^-24 a term, up to 9 terms.
func TestResizeAgainstOracles(t *testing.T) {
	text, err := os.ReadFile("testdata/resize.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	numbers := func(line, name string) (out []float64) {
		fields := strings.Fields(line)
		if name != "" && fields[0] != name {
			t.Fatalf("line of %q, want %q", fields[0], name)
		} else if name != "" {
			fields = fields[1:]
		}
		for _, f := range fields {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	for i := 0; i+2 < len(lines); i += 3 {
		dims := numbers(lines[i], "")
		var from []byte
		for _, v := range numbers(lines[i+1], "from") {
			from = append(from, byte(v))
		}
		want := numbers(lines[i+2], "to")
		got := make([]byte, len(want))
		newResizer(Area, int(dims[0]), int(dims[1]), int(dims[2]), int(dims[3]), 1).resize(got, from)
		for j := range want {
			if math.Abs(float64(got[j])-want[j]) > 0.5002 {
				t.Errorf("%v: pixel %d is %d, the oracle says %v", dims, j, got[j], want[j])
			}
		}
	}
	if len(lines) != 39 {
		t.Errorf("%d lines, want 13 images of 3", len(lines))
	}
}

func side(t *rapid.T, name string) int { return rapid.IntRange(1, 33).Draw(t, name) }

func TestResizeKeepsConstantImages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, h2, w2 := side(t, "height"), side(t, "width"), side(t, "to height"), side(t, "to width")
		filter, channels := rapid.SampledFrom([]Filter{Area, Bilinear}).Draw(t, "filter"), rapid.SampledFrom([]int{1, 3}).Draw(t, "channels")
		v := rapid.Byte().Draw(t, "grey")
		r := newResizer(filter, h, w, h2, w2, channels)
		if (r == nil) != (h == h2 && w == w2) {
			t.Fatal("an image is resized exactly if its size changes")
		}
		if r == nil {
			return
		}
		got := make([]byte, h2*w2*channels)
		r.resize(got, bytes.Repeat([]byte{v}, h*w*channels))
		if !bytes.Equal(got, bytes.Repeat([]byte{v}, len(got))) {
			t.Fatalf("an image of %d became %d", v, got)
		}
	})
}

// Channels side by side are resized as three pictures of one channel are.
func TestResizeKeepsChannelsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, h2, w2 := side(t, "height"), side(t, "width"), side(t, "to height"), side(t, "to width")
		filter := rapid.SampledFrom([]Filter{Area, Bilinear}).Draw(t, "filter")
		r := newResizer(filter, h, w, h2, w2, 3)
		if r == nil {
			return
		}
		from := rapid.SliceOfN(rapid.Byte(), 3*h*w, 3*h*w).Draw(t, "pixels")
		got, one, alone := make([]byte, 3*h2*w2), make([]byte, h*w), make([]byte, h2*w2)
		r.resize(got, from)
		for c := range 3 {
			for i := range one {
				one[i] = from[3*i+c]
			}
			newResizer(filter, h, w, h2, w2, 1).resize(alone, one)
			for i, v := range alone {
				if got[3*i+c] != v {
					t.Fatalf("pixel %d of channel %d is %d, alone %d", i, c, got[3*i+c], v)
				}
			}
		}
	})
}

// Shrunk by integer factors, each old pixel has the same weight, so that means differ by the rounding of single pixels only.
func TestShrinkingKeepsTheMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, fh, fw := rapid.IntRange(1, 8).Draw(t, "height"), rapid.IntRange(1, 8).Draw(t, "width"), rapid.IntRange(1, 4).Draw(t, "down"), rapid.IntRange(2, 4).Draw(t, "across")
		from := rapid.SliceOfN(rapid.Byte(), h*w*fh*fw, h*w*fh*fw).Draw(t, "pixels")
		got := make([]byte, h*w)
		newResizer(Area, h*fh, w*fw, h, w, 1).resize(got, from)
		if d := math.Abs(meanOf(got) - meanOf(from)); d > 0.5 {
			t.Fatalf("the mean moved by %v", d)
		}
	})
}

func meanOf(pixels []byte) float64 {
	sum := 0
	for _, p := range pixels {
		sum += int(p)
	}
	return float64(sum) / float64(len(pixels))
}

// Mirroring an image and resizing it are independent of their order, along both axes.
func TestResizeIsSymmetric(t *testing.T) {
	mirror := func(pixels []byte, width int, across bool) []byte {
		out := make([]byte, len(pixels))
		for i, p := range pixels {
			y, x := i/width, i%width
			if across {
				x = width - 1 - x
			} else {
				y = len(pixels)/width - 1 - y
			}
			out[y*width+x] = p
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		h, w, h2, w2 := side(t, "height"), side(t, "width"), side(t, "to height"), side(t, "to width")
		r := newResizer(Area, h, w, h2, w2, 1)
		if r == nil {
			return
		}
		from := rapid.SliceOfN(rapid.Byte(), h*w, h*w).Draw(t, "pixels")
		across := rapid.Bool().Draw(t, "across")
		a, b := make([]byte, h2*w2), make([]byte, h2*w2)
		r.resize(a, from)
		r.resize(b, mirror(from, w, across))
		if !bytes.Equal(mirror(a, w2, across), b) {
			t.Fatal("the mirror image of the resized one is another than the resized mirror image")
		}
	})
}

// White stays white at the largest size that a spec may ask for, and of the largest pictures: no sum is too large for its type.
func TestResizeToTheLargest(t *testing.T) {
	for _, filter := range []Filter{Area, Bilinear} {
		got := make([]byte, 4)
		newResizer(filter, MaxPixels/4096, 4096, 2, 2, 1).resize(got, bytes.Repeat([]byte{255}, MaxPixels))
		if !bytes.Equal(got, []byte{255, 255, 255, 255}) {
			t.Errorf("%s: white became %d", filter, got)
		}
	}
	got := make([]byte, MaxSide*MaxSide)
	newResizer(Area, 28, 28, MaxSide, MaxSide, 1).resize(got, bytes.Repeat([]byte{255}, 28*28))
	if !bytes.Equal(got, bytes.Repeat([]byte{255}, len(got))) {
		t.Error("white did not stay white")
	}
}
