package metric

import (
	"fmt"
	"math"
)

// Bound accumulates upper bounds on the negative log-likelihood of examples. The zero value has seen none.
type Bound struct {
	nats    []float64 // of each example
	numbers int       // of an example
}

// Add takes one example of so many numbers: its bound in nats, or an estimate whose mean over the random numbers in it is that.
func (b *Bound) Add(nats float64, numbers int) {
	b.nats, b.numbers = append(b.nats, nats), numbers
}

// Figures returns the mean over examples: bound_nats, of an example, and bound_bits, by the number, which is the former over numbers
// times log 2. of says what is told. The intervals are the bootstrap of the examples, whose random numbers are in them.
func (b *Bound) Figures(of string) ([]Figure, error) {
	if len(b.nats) == 0 || b.numbers == 0 {
		return nil, fmt.Errorf("bound: %w", ErrNone)
	}
	bits := 1 / (float64(b.numbers) * math.Ln2)
	nats, i := average(b.nats), bootstrap(b.nats, "bound")
	return []Figure{
		{Name: "bound_nats", Value: nats, Count: len(b.nats), Interval: i, Recipe: fmt.Sprintf("upper bound on the negative log-likelihood in nats, mean of %d of %s", len(b.nats), of)},
		{Name: "bound_bits", Value: nats * bits, Count: len(b.nats), Interval: Interval{i.Low * bits, i.High * bits},
			Recipe: fmt.Sprintf("upper bound on the negative log-likelihood in bits of each of %d numbers, mean of %d of %s", b.numbers, len(b.nats), of)},
	}, nil
}
