package metric

import (
	"fmt"
	"math"
)

// Similarity accumulates the structural similarity of reconstructions with their originals (Z. Wang et al., "Image quality
// assessment: from error visibility to structural similarity", 2004): means, variances and covariance under a gaussian window of
// 11x11 with deviation 1.5, where it lies within the image; K1 = 0.01, K2 = 0.03, of pixels in 0..1; the mean over places and
// channels. The zero value has seen none.
type Similarity struct {
	values []float64
}

// Window is the side of the window of Similarity: images are at least as large.
const Window = 11

// Add takes originals and as many reconstructions of the same size.
func (s *Similarity) Add(originals, reconstructions Images) error {
	a, b := originals, reconstructions
	if a.N != b.N || a.Channels != b.Channels || a.Height != b.Height || a.Width != b.Width {
		return fmt.Errorf("structural similarity: %d images of %dx%dx%d against %d of %dx%dx%d", a.N, a.Channels, a.Height, a.Width, b.N, b.Channels, b.Height, b.Width)
	}
	if a.Height < Window || a.Width < Window {
		return fmt.Errorf("structural similarity: images of %dx%d, the window is %dx%d", a.Height, a.Width, Window, Window)
	}
	plane := a.Height * a.Width
	for i := range a.N {
		var sum float64
		for c := range a.Channels {
			at := c * plane
			sum += similarity(a.Image(i)[at:at+plane], b.Image(i)[at:at+plane], a.Width)
		}
		s.values = append(s.values, sum/float64(a.Channels))
	}
	return nil
}

// similarity returns that of two planes of one width.
func similarity(x, y []float32, width int) float64 {
	var window [Window]float64
	var total float64
	for i := range window {
		d := float64(i - Window/2)
		window[i] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		total += window[i]
	}
	for i := range window {
		window[i] /= total
	}
	smooth := func(value func(i int) float64) []float64 { // first across, then down
		height, w := len(x)/width, width-Window+1
		rows := make([]float64, height*w)
		for r := range height {
			for c := range w {
				for k, g := range window {
					rows[r*w+c] += g * value(r*width+c+k)
				}
			}
		}
		out := make([]float64, (height-Window+1)*w)
		for i := range out {
			for k, g := range window {
				out[i] += g * rows[i+k*w]
			}
		}
		return out
	}
	a, b := func(i int) float64 { return float64(x[i]) }, func(i int) float64 { return float64(y[i]) }
	mx, my := smooth(a), smooth(b)
	xx, yy := smooth(func(i int) float64 { return a(i) * a(i) }), smooth(func(i int) float64 { return b(i) * b(i) })
	xy := smooth(func(i int) float64 { return a(i) * b(i) })
	const c1, c2 = 0.01 * 0.01, 0.03 * 0.03
	var sum float64
	for i := range mx {
		m, v := mx[i]*mx[i]+my[i]*my[i], xx[i]-mx[i]*mx[i]+yy[i]-my[i]*my[i]
		sum += (2*mx[i]*my[i] + c1) * (2*(xy[i]-mx[i]*my[i]) + c2) / ((m + c1) * (v + c2))
	}
	return sum / float64(len(mx))
}

// Figure returns the mean over the examples as ssim.
func (s *Similarity) Figure(p Protocol) (Figure, error) {
	n := len(s.values)
	if n == 0 {
		return Figure{}, fmt.Errorf("structural similarity: %w", ErrNone)
	}
	return Figure{Name: "ssim", Value: average(s.values), Count: n, Interval: bootstrap(s.values, "ssim"),
		Recipe: fmt.Sprintf("structural similarity under a gaussian window of 11 with deviation 1.5, %d reconstructions of %s%s", n, p.Reference, p.rounding())}, nil
}
