package metric

import "fmt"

// Active accumulates the share of the pixels that are brighter than a level, over all channels.
type Active struct {
	Above  float64 // in 0..1
	shares []float64
}

// Add takes images.
func (a *Active) Add(m Images) {
	for i := range m.N {
		n := 0
		for _, v := range m.Image(i) {
			if float64(v) > a.Above {
				n++
			}
		}
		a.shares = append(a.shares, float64(n)/float64(m.Size()))
	}
}

// ActivePixels returns the mean share of samples as active_pixels and that of the reference as active_pixels_reference.
func ActivePixels(samples, reference *Active, p Protocol) ([]Figure, error) {
	if len(samples.shares) == 0 || len(reference.shares) == 0 {
		return nil, fmt.Errorf("active pixels: %w", ErrNone)
	}
	one := func(name, what string, a *Active) Figure {
		return Figure{Name: name, Value: average(a.shares), Count: len(a.shares), Interval: bootstrap(a.shares, name),
			Recipe: p.recipe(fmt.Sprintf("%s of pixels above %v", what, a.Above), len(samples.shares), len(reference.shares))}
	}
	return []Figure{one("active_pixels", "share", samples), one("active_pixels_reference", "share in the reference", reference)}, nil
}
