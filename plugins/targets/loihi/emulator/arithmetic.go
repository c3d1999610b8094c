package emulator

import "math"

// The widths of the chip's numbers, in bits beside the sign (lava, proc/lif/models.py; nengo-loihi, builder/discretize.py).
const (
	sumBits   = 21 // of the weights that arrive in one step
	stateBits = 23 // of current and membrane
	unit      = 64 // weights and thresholds are multiples of it
	unitBits  = 6
	full      = 4096 // a decay of all
)

// decay is D(x, k): x with the share k / 4096 taken off, rounded toward zero; keep is 4096 - k. |x| may have 33 bits. It
// has no branch: the signs of membranes are what no processor foresees.
func decay(x, keep int64) int64 {
	sign := x >> 63
	return (((x^sign)-sign)*keep>>12 ^ sign) - sign
}

// wrap is x in two's complement of so many bits and a sign.
func wrap(x int64, bits uint) int64 {
	shift := 63 - bits
	return x << shift >> shift
}

// Dialect is whose arithmetic counts where open codes differ.
type Dialect string

// The dialects. Chip is the order and the widths of hardware tests in nengo-loihi; it takes no weights that the codes round in
// different ways.
const (
	Chip   Dialect = "chip"
	Lava   Dialect = "lava"         // PyLifModelBitAcc and Dense of lava
	Nengo  Dialect = "nengo-loihi"  // its emulator
	Brian2 Dialect = "brian2_loihi" // its Brian equations
)

// Sign is which weights a set of synapses holds.
type Sign string

// The signs.
const (
	Mixed      Sign = "mixed"
	Excitatory Sign = "excitatory"
	Inhibitory Sign = "inhibitory"
)

// Mantissa returns the mantissa that a dialect keeps of w in so many bits. For Chip w must be one that all keep as it is.
func Mantissa(w int, bits int, sign Sign, d Dialect) int {
	shift := 8 - bits
	if sign == Mixed {
		shift++
	}
	low, high := -256, 255
	switch {
	case sign == Excitatory:
		low = 0
	case sign == Inhibitory:
		high = 0
	}
	if d != Brian2 && sign == Inhibitory {
		low = -255
	}
	w = min(max(w, low), high)
	per := 1 << shift
	switch d {
	case Lava:
		if sign == Inhibitory { // on the magnitude
			return -(-w >> shift << shift)
		}
		return w >> shift << shift
	case Brian2:
		return w / per * per
	}
	// nengo-loihi (the chip takes multiples only)
	bound := 1<<(8-shift) - 1
	return min(max(int(math.RoundToEven(float64(w)/float64(per))), -bound), bound) * per
}

// Effective returns the weight that a mantissa and an exponent come to, a multiple of 64. Lava shifts the sum of what arrives where the
// exponent is negative, see synapses.late.
func Effective(mantissa, exponent int, d Dialect) int64 {
	if exponent >= 0 {
		w := int64(mantissa) << (unitBits + exponent)
		if d == Brian2 {
			const most = 1<<sumBits - unit
			w = min(max(w, -most), most)
		}
		return w
	}
	if d == Brian2 {
		return int64(mantissa) << unitBits >> -exponent >> unitBits << unitBits
	}
	return int64(math.RoundToEven(math.Ldexp(float64(mantissa), exponent))) << unitBits
}
