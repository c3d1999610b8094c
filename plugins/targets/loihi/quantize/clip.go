package quantize

import "math"

const (
	mostSampled = 1024 // weights of a group that clip looks at
	narrowest   = 0.3  // the least share of the largest weight that it clips to
	shares      = 29   // that it tries
)

// clip lowers what the largest mantissa stands for to where the squared error of the weights is least: few bits are better spent on many
// weights than on the largest. Weights that are whole multiples of a unit, and such of 8 bits, stay as they are.
func (x *numbers) clip() {
	if _, exact := x.levels(); exact || x.width == 8 || x.largest == 0 {
		return
	}
	largest, shift := Mantissas(x.width)
	full := float64(largest >> shift)
	best, most := math.Inf(1), make([]float64, len(x.most))
	share := 1.0
	for k := range shares {
		c := 1 - (1-narrowest)*float64(k)/(shares-1)
		sum, kept := 0.0, make([]float64, len(x.most))
		for g, list := range x.weights {
			least := math.Inf(1)
			for per := c * x.largest / full; per > 0 && x.most[g] > 0; per /= 2 { // exponents are of powers of two
				if e := lost(list, per, full); e < least {
					least, kept[g] = e, math.Min(x.most[g], full*per)
				} else {
					break
				}
			}
			if x.most[g] > 0 {
				sum += least
			}
		}
		if sum < best {
			best, share = sum, c
			copy(most, kept)
		}
	}
	x.largest *= share
	copy(x.most, most)
}

// lost is the squared error of weights that are rounded to multiples of per, at most so many.
func lost(list []float32, per, full float64) float64 {
	step := (len(list) + mostSampled - 1) / mostSampled
	sum := 0.0
	for i := 0; i < len(list); i += step {
		w := math.Abs(float64(list[i]))
		d := w - per*math.Min(math.RoundToEven(w/per), full)
		sum += d * d
	}
	return sum * float64(step)
}
