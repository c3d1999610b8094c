package quantize

import (
	"math"
	"math/bits"
)

const (
	mostSampled = 1024 // weights of a group that clip looks at
	narrowest   = 0.1  // the least share of the largest weight that it clips to
	shares      = 25   // that it tries
)

// clip lowers what the largest mantissa stands for to where the squared error of the weights is least: few bits are better spent on many
// weights than on the largest. Weights that are whole multiples of a unit, and such of 8 bits, stay as they are.
func (x *numbers) clip() {
	if x.width == 8 || x.largest == 0 {
		return
	}
	if _, exact := x.levels(); exact {
		return
	}
	largest, shift := Mantissas(x.width)
	full := float64(largest >> shift)
	best, share, most := math.Inf(1), 1.0, make([]float64, len(x.most))
	for k := range shares {
		c := math.Pow(narrowest, float64(k)/(shares-1))
		sum, kept := 0.0, make([]float64, len(x.most))
		for g, list := range x.weights {
			per := c * x.largest / full
			if x.most[g] == 0 {
				continue
			}
			least := lost(list, per, full)
			for x.most[g] < x.largest { // the exponents of others are lower by whole numbers
				e := lost(list, per/2, full)
				if e >= least {
					break
				}
				least, per = e, per/2
			}
			kept[g] = math.Min(x.most[g], full*per)
			sum += least
		}
		if sum < best {
			best, share = sum, c
			copy(most, kept)
		}
	}
	x.largest *= share
	copy(x.most, most)
}

// lost is the squared error of weights that are rounded to multiples of per, at most so many. Of many weights some are looked at, which
// lie spread over all of them whatever the sides of kernels are.
func lost(list []float32, per, full float64) (sum float64) {
	n := min(len(list), mostSampled)
	for k := range n {
		at := k
		if n < len(list) { // multiples of the golden ratio
			high, _ := bits.Mul64(uint64(k)*0x9e3779b97f4a7c15, uint64(len(list)))
			at = int(high)
		}
		w := math.Abs(float64(list[at]))
		d := w - per*math.Min(math.RoundToEven(w/per), full)
		sum += d * d
	}
	return sum * float64(len(list)) / float64(max(n, 1))
}
