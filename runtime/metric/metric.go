package metric

import (
	"errors"
	"fmt"
	"math"
)

// Figure is a number with the recipe that it was made by. Figures of one name may be compared where their recipes are equal:
// a recipe holds all that the number depends on besides the model and the seed, and nothing else that was measured.
type Figure struct {
	Name     string // as metrics.json has it: mse, mse_relative, accuracy, frechet_pixels
	Value    float64
	Count    int      // how many examples or samples were judged
	Interval Interval // of 95%, over other samples or examples from where these came from; none where there is no such thing
	Recipe   string   // what was computed of what, for people
	Detail   bool     // it is a part of another figure, such as that of one class or layer
}

// ErrNone is the error of a figure of nothing.
var ErrNone = errors.New("no examples")

// Reconstruction compares reconstructions with their originals. The zero value has seen none.
type Reconstruction struct {
	count   int
	squares float64   // of the differences, over examples and elements
	errors  []float64 // their mean, by example
	mean    []float64 // of the originals, by element
	spread  float64   // of the originals: squared distances from their mean, over examples and elements
}

// Add takes one example: original and its reconstruction, both with as many elements as the first one had.
func (r *Reconstruction) Add(original, reconstruction []float32) error {
	if r.count == 0 {
		r.mean = make([]float64, len(original))
	}
	if len(original) != len(r.mean) || len(reconstruction) != len(r.mean) || len(original) == 0 {
		return fmt.Errorf("compare reconstruction: %d elements, its original has %d, the first example has %d",
			len(reconstruction), len(original), len(r.mean))
	}
	r.count++
	var squares float64
	for i, x := range original {
		x := float64(x)
		d := float64(reconstruction[i]) - x
		squares += d * d
		// B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 1962.
		before := x - r.mean[i]
		r.mean[i] += before / float64(r.count)
		r.spread += before * (x - r.mean[i])
	}
	r.squares += squares
	r.errors = append(r.errors, squares/float64(len(original)))
	return nil
}

// Figures returns two figures of the examples of a split (test, train): `mse`, the mean over examples and elements of the
// squared error; and `mse_relative`, that divided by the same of the best constant answer, which is the mean of these
// originals. mse_relative is left out where all originals are equal. The interval is the bootstrap of the examples' errors, with
// the mean image as it is.
func (r *Reconstruction) Figures(split string) ([]Figure, error) {
	if r.count == 0 {
		return nil, fmt.Errorf("mean squared error: %w", ErrNone)
	}
	n := float64(r.count) * float64(len(r.mean))
	interval := bootstrap(r.errors, "mse")
	figures := []Figure{{Name: "mse", Value: r.squares / n, Count: r.count, Interval: interval,
		Recipe: fmt.Sprintf("mean squared error per element of %d reconstructions of %s", r.count, split)}}
	if r.spread > 0 {
		figures = append(figures, Figure{Name: "mse_relative", Value: r.squares / r.spread, Count: r.count,
			Interval: Interval{interval.Low * n / r.spread, interval.High * n / r.spread},
			Recipe:   fmt.Sprintf("mean squared error of %d reconstructions of %s, divided by that of their mean image (%.4g)", r.count, split, r.spread/n)})
	}
	return figures, nil
}

// Accuracy counts right classifications. The zero value has seen none.
type Accuracy struct {
	count, right int
}

// Add takes one example: its outputs by class and the number of its class. The answer is the largest output, of equal ones
// the first; an output that is no number makes the answer wrong.
func (a *Accuracy) Add(outputs []float32, label int) error {
	if label < 0 || label >= len(outputs) {
		return fmt.Errorf("judge classification: label %d, but %d classes", label, len(outputs))
	}
	a.count++
	best := 0
	for i, v := range outputs {
		if math.IsNaN(float64(v)) {
			return nil
		}
		if v > outputs[best] {
			best = i
		}
	}
	if best == label {
		a.right++
	}
	return nil
}

// Figure returns the share of the examples of a split that were answered right, with Wilson's interval.
func (a *Accuracy) Figure(split string) (Figure, error) {
	if a.count == 0 {
		return Figure{}, fmt.Errorf("accuracy: %w", ErrNone)
	}
	return Figure{Name: "accuracy", Value: float64(a.right) / float64(a.count), Count: a.count, Interval: share(float64(a.right), float64(a.count)),
		Recipe: fmt.Sprintf("share of %d examples of %s whose largest output is that of their label", a.count, split)}, nil
}
