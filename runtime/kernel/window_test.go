package kernel_test

import (
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
