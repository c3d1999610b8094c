package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/kernel"
)

// TestPhases: every pair of an operand's pixel and a tap that meets a pixel of the result is in the window of that pixel in
// exactly one phase, and every pixel of the result is in one phase: against the definitions of a convolution, y*stride + ky -
// pad, and of its transpose.
func TestPhases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, stride := rapid.IntRange(1, 5).Draw(t, "kernel"), rapid.IntRange(1, 4).Draw(t, "stride")
		pad := rapid.IntRange(0, k-1).Draw(t, "pad")
		from, to := rapid.IntRange(1, 9).Draw(t, "from"), rapid.IntRange(1, 9).Draw(t, "to")
		back := rapid.Bool().Draw(t, "back")
		const pairs = 3
		type meeting struct{ ry, rx, oy, ox, ky, kx int }
		want := map[meeting]int{}
		for ry := range to {
			for rx := range to {
				for oy := range from {
					for ox := range from {
						for ky := range k {
							for kx := range k {
								y, x, v, u := ry, rx, oy, ox
								if back {
									y, x, v, u = oy, ox, ry, rx
								}
								if y*stride+ky-pad == v && x*stride+kx-pad == u {
									want[meeting{ry, rx, oy, ox, ky, kx}]++
								}
							}
						}
					}
				}
			}
		}
		pixels := make([]int, to*to)
		weights := 0
		for _, f := range kernel.Phases(back, k, stride, pad, to, to, pairs) {
			if f.Weights != weights || len(f.Taps) != f.High*f.Wide {
				t.Fatalf("phase %+v begins at weight %d, want %d", f, f.Weights, weights)
			}
			weights += len(f.Taps) * pairs
			for i := range f.Rows {
				for j := range f.Cols {
					ry, rx := f.Row+f.Step*i, f.Col+f.Step*j
					pixels[ry*to+rx]++
					for at, tap := range f.Taps {
						oy, ox := f.Stride*i+f.Top+at/f.Wide, f.Stride*j+f.Left+at%f.Wide
						if oy >= 0 && oy < from && ox >= 0 && ox < from {
							want[meeting{ry, rx, oy, ox, tap / k, tap % k}]--
						}
					}
				}
			}
		}
		for m, n := range want {
			if n != 0 {
				t.Fatalf("%+v is %d times too rare", m, n)
			}
		}
		for at, n := range pixels {
			if n != 1 {
				t.Fatalf("pixel %d is in %d phases", at, n)
			}
		}
	})
}

// TestWindows: windows of numbers and of spikes, against looking up pixel by pixel.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high, wide := rapid.IntRange(1, 6).Draw(t, "high"), rapid.IntRange(1, 6).Draw(t, "wide")
		channels := rapid.SampledFrom([]int{1, 3, 9, 64, 128}).Draw(t, "channels")
		f := kernel.Phase{High: rapid.IntRange(0, 4).Draw(t, "rows"), Wide: rapid.IntRange(0, 4).Draw(t, "columns"), Stride: rapid.IntRange(1, 2).Draw(t, "stride"),
			Top: rapid.IntRange(-4, 3).Draw(t, "top"), Left: rapid.IntRange(-4, 3).Draw(t, "left")}
		y, x := rapid.IntRange(0, 3).Draw(t, "y"), rapid.IntRange(0, 3).Draw(t, "x")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		image := make([]float32, high*wide*channels)
		for i := range image {
			image[i] = float32(r.IntN(2))
		}
		bits := make([]uint64, (len(image)+63)/64)
		kernel.Pack(bits, image)
		want := make([]float32, f.High*f.Wide*channels)
		var events []int32
		const width = 5
		for i := range want {
			v, u := f.Stride*y+f.Top+i/channels/f.Wide, f.Stride*x+f.Left+i/channels%f.Wide
			if v < 0 || v >= high || u < 0 || u >= wide {
				continue
			}
			if want[i] = image[(v*wide+u)*channels+i%channels]; want[i] != 0 {
				events = append(events, int32(i*width))
			}
		}
		got := make([]float32, len(want))
		for i := range got {
			got[i] = 7
		}
		if f.Window(got, image, y, x, high, wide, channels); !slices.Equal(got, want) {
			t.Fatalf("window %v, want %v", got, want)
		}
		list, starts := kernel.PixelEvents(make([]int32, len(image)), make([]int32, high*wide+1), bits, high*wide, channels)
		if all := kernel.Events(make([]int32, 0, len(image)), bits, 1); !slices.Equal(list, all) {
			t.Fatalf("spikes %v, want %v", list, all)
		}
		for pixel, at := range starts {
			if n, _ := slices.BinarySearch(list, int32(pixel*channels)); n != int(at) {
				t.Fatalf("spikes of pixel %d begin at %d, want %d", pixel, at, n)
			}
		}
		found := make([]int32, len(want))
		n := f.WindowEvents(found, list, starts, y, x, high, wide, channels, width)
		if !slices.Equal(found[:n], events) {
			t.Fatalf("spikes of the window at %v, want %v", found[:n], events)
		}
	})
}
