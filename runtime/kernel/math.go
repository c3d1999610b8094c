package kernel

import "math"

// Functions of numbers in single precision, computed in double precision and rounded once. Each step is one rounded
// operation, in the order that _gen/tape/math.go takes too. What is left out of a series is below 6e-10 of the result, 0.01
// of the last bit in single precision.

const (
	magic     = 3 << 51            // added to a number below 2^51 it leaves the nearest integer in the last bits
	oneDouble = 0x3ff0000000000000 // the bits of 1
	rootHalf  = 0x3fe6a09e667f3bcd // the bits of the root of 1/2
	two52     = 0x4330000000000000 // the bits of 2^52
	low       = 1<<52 + 1023       // 2^52 and what is added to an exponent
)

// powers returns e^r - 1, by its series, and 2^k with x = k ln 2 + r and |r| <= ln 2 / 2. An x outside [-700, 700], where
// the result is 0 or infinite in single precision, is cut down to that.
func powers(x float64) (rest, power float64) {
	if -700 > x {
		x = -700
	}
	if 700 < x {
		x = 700
	}
	k := float64(math.Log2E*x) + magic
	power = math.Float64frombits(math.Float64bits(k)<<52 + oneDouble)
	k -= magic
	r := x - float64(k*math.Ln2)
	q := 1. / 40320
	q = float64(q*r) + 1./5040
	q = float64(q*r) + 1./720
	q = float64(q*r) + 1./120
	q = float64(q*r) + 1./24
	q = float64(q*r) + 1./6
	q = float64(q*r) + 1./2
	q = float64(q*r) + 1
	return q * r, power
}

func exp(x float64) float64 {
	rest, power := powers(x)
	return (rest + 1) * power
}

func sigmoid(x float64) float64 { return 1 / (1 + exp(-x)) }

// tanh is (e^2x - 1) / (e^2x + 1): the difference is not taken of rounded numbers.
func tanh(x float64) float64 {
	twice := math.Abs(x)
	rest, power := powers(twice + twice)
	e := float64(rest*power) + (power - 1)
	return math.Copysign(e/(e+2), x)
}

// logarithm returns the logarithm of a number of single precision above 0: x = 2^k m with m about 1, and with f = (m - 1) /
// (m + 1) the logarithm of m is 2 f (1 + f^2 / 3 + f^4 / 5 + ...).
func logarithm(x float64) float64 {
	b := math.Float64bits(x)
	e := (b + (oneDouble - rootHalf)) >> 52
	m := math.Float64frombits(b - e<<52 + oneDouble)
	f := (m - 1) / (m + 1)
	s := f * f
	q := 1. / 15
	q = float64(q*s) + 1./13
	q = float64(q*s) + 1./11
	q = float64(q*s) + 1./9
	q = float64(q*s) + 1./7
	q = float64(q*s) + 1./5
	q = float64(q*s) + 1./3
	q = float64(q*s) + 1
	return float64((math.Float64frombits(e|two52)-low)*math.Ln2) + float64(q*(f+f))
}

func log(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case !(x >= 0):
		return math.NaN()
	case x == math.Inf(1):
		return x
	}
	return logarithm(x)
}

// pow returns a to the power of b, of numbers in single precision: what IEEE 754 says of special ones, as math.Pow does.
func pow(a, b float64) float64 {
	minus, endless := a == -1, math.IsInf(b, 0)
	if b == 0 || a == 1 || minus && endless {
		return 1
	}
	y := exp(log(math.Abs(a)) * b)
	if !math.Signbit(a) {
		return y
	}
	switch half := b / 2; {
	case math.Trunc(b) != b:
		if a < 0 && a != math.Inf(-1) {
			return math.NaN()
		}
	case math.Trunc(half) != half:
		return -y
	}
	return y
}
