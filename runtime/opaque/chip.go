package opaque

import (
	"errors"
	"fmt"

	"snnc.dev/snnc/runtime/graph"
)

// Chips computes the circuits of networks that lie on emulated chips. Its methods may be called concurrently.
type Chips interface {
	// Run computes a circuit for examples, each from its beginning. It returns when the outputs are written, all of them; after an
	// error what it has written is undefined. What it gives for an example depends on that example and its seed alone.
	Run(c *graph.Chip, b Examples) error
}

// Examples is a block of examples of a circuit. Spikes are [Steps][Batch][dims], numbers without time steps [Batch][dims]; dims are
// row-major with channels first, as schema.EmulateRequest has them. The slices hold during the call only.
type Examples struct {
	Steps, Batch int
	Inputs       [][]float32 // to be read only
	Outputs      [][]float32 // spikes are written as 0 and 1
	Seeds        []uint64    // one for each example, below 2^48; nil: 0 for all
}

// ErrNoChips is the error where there is nobody who computes circuits.
var ErrNoChips = errors.New("no chips are at hand that compute the circuits of a network")

// ChipSpikes returns an error where numbers that a chip gives as spikes are neither 0 nor 1.
func ChipSpikes(c *graph.Chip, x []float32) error {
	if v, bad := odd(x); bad {
		return fmt.Errorf("the chip gives %v in circuit %q where it should spike, with 0 or 1", v, c.Circuit)
	}
	return nil
}
