package metric

import "fmt"

// The energy of an operation in picojoule, in 32-bit floating point at 45 nm and 0.9 V: M. Horowitz, "Computing's energy problem (and
// what we can do about it)", ISSCC 2014: an addition 0.9, a multiplication 3.7.
const (
	addition   = 0.9
	accumulate = 4.6
)

// Energy returns the energy of synaptic additions and of multiply-accumulates of real numbers, in picojoule: of arithmetic alone.
func Energy(synaptic, accumulates float64) float64 {
	return addition*synaptic + accumulate*accumulates
}

// Work accumulates what samples take, in parts of equally many samples.
type Work struct {
	samples                       int
	synaptic, accumulates, energy []float64 // of one sample, in the mean of each part
}

// Add takes a part: the operations of one of its samples.
func (w *Work) Add(samples int, synaptic, accumulates float64) {
	w.samples += samples
	w.synaptic, w.accumulates = append(w.synaptic, synaptic), append(w.accumulates, accumulates)
	w.energy = append(w.energy, Energy(synaptic, accumulates)/1e6)
}

// Figures returns what one sample takes, over the whole of its sampler: synaptic_operations, weights that are added for a
// spike; multiply_accumulates, of products with real numbers; and energy_uj, the energy of both in microjoule by the 45 nm
// model that papers of spiking networks use. It is that of the arithmetic of products alone: memory, neurons, normalisation
// and what a chip takes at rest are not in it. The intervals are the bootstrap of the parts.
func (w *Work) Figures() ([]Figure, error) {
	if w.samples == 0 {
		return nil, fmt.Errorf("energy: %w", ErrNone)
	}
	one := func(name, what string, values []float64) Figure {
		return Figure{Name: name, Value: average(values), Count: w.samples, Interval: bootstrap(values, name), Recipe: fmt.Sprintf("%s for one sample, mean of %d", what, w.samples)}
	}
	return []Figure{
		one("synaptic_operations", "weights added for a spike", w.synaptic),
		one("multiply_accumulates", "multiply-accumulates of real numbers in products", w.accumulates),
		one("energy_uj", fmt.Sprintf("microjoule of arithmetic in products at 45 nm (%v pJ a synaptic operation, %v pJ a multiply-accumulate; no memory, neurons or rest)", addition, accumulate), w.energy),
	}, nil
}
