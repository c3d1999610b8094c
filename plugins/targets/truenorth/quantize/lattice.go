package quantize

import (
	"math"
	"math/bits"
	"slices"
)

// Lattice is the weights that several axons for each input give: whole numbers from Low to High times a step, each the sum of the
// values of some axons.
type Lattice struct {
	Low, High int
	Values    []int // of the axons of an input, by their type
}

// lattices by how many axons bring one input.
var lattices = [5]Lattice{
	1: {0, 1, []int{1}},
	2: {-1, 1, []int{1, -1}},
	3: {-4, 3, []int{1, 2, -4}},
	4: {-8, 7, []int{1, 2, 4, -8}},
}

// Of returns the lattice of so many axons, 1 to 4.
func Of(axons int) Lattice { return lattices[axons] }

// Axons returns which axons add up to a code, as bits.
func (l Lattice) Axons(code int) uint8 {
	if len(l.Values) == 2 && code < 0 {
		return 2
	}
	return uint8(code) & (1<<len(l.Values) - 1) // two's complement
}

// Bits returns how many bits of information a weight has.
func (l Lattice) Bits() float64 { return math.Log2(float64(l.High - l.Low + 1)) }

// code returns the nearest number of the lattice.
func (l Lattice) code(x float64) int {
	return int(math.Max(float64(l.Low), math.Min(math.Round(x), float64(l.High))))
}

// value is a weight and how much it counts.
type value struct {
	w, h float64
}

// step returns the step for which the weighted sum of squared differences is least of those that are tried: the largest weight by
// each number of half steps, and from there alternately the codes of a step and the best step for codes. Its sign may be negative
// where turned allows that, which turns the lattice round. A step that represents all weights is found where there is one.
func (l Lattice) step(values []value, turned bool) float64 {
	most, all := 0.0, 0.0
	for _, v := range values {
		most = math.Max(most, math.Abs(v.w))
		all += v.h * v.w * v.w
	}
	if most == 0 {
		return 1
	}
	miss := func(step float64) float64 {
		sum := 0.0
		for _, v := range values {
			d := v.w - step*float64(l.code(v.w/step))
			sum += v.h * d * d
		}
		return sum
	}
	best, least := most, math.Inf(1)
	try := func(step float64) {
		if e := miss(step); e < least-1e-9*all || math.IsInf(least, 1) {
			best, least = step, e
		}
	}
	signs := []float64{1}
	if turned && l.Low+l.High != 0 {
		signs = append(signs, -1)
	}
	for half := 2; half <= 4*max(-l.Low, l.High); half++ {
		for _, sign := range signs {
			step := sign * most * 2 / float64(half)
			try(step)
			for range 8 {
				up, down := 0.0, 0.0
				for _, v := range values {
					c := float64(l.code(v.w / step))
					up += v.h * v.w * c
					down += v.h * c * c
				}
				if down == 0 || up == 0 {
					break
				}
				next := up / down
				if math.Abs(next-step) < 1e-7*math.Abs(step) {
					break
				}
				step = next
			}
			try(step)
		}
	}
	if len(l.Values) == 2 {
		if s := ternary(values); s > 0 {
			try(s)
		}
	}
	return best
}

// ternary returns the step by which -1, 0 and 1 times it are nearest to the values: for each number of the largest ones their mean is
// the best, and one of these is the best of all.
func ternary(values []value) float64 {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b value) int {
		switch x, y := math.Abs(a.w), math.Abs(b.w); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	best, most := 0.0, 0.0
	sum, weight := 0.0, 0.0
	for _, v := range sorted {
		sum += v.h * math.Abs(v.w)
		weight += v.h
		if gain := sum * sum / weight; weight > 0 && gain > most*(1+1e-12) {
			best, most = sum/weight, gain
		}
	}
	return best
}

// single returns the value by which 0 and 1 times it are nearest to the values.
func single(values []value) float64 {
	best, most := 0.0, 0.0
	for _, sign := range []float64{1, -1} {
		sorted := make([]value, 0, len(values))
		for _, v := range values {
			if v.w*sign > 0 {
				sorted = append(sorted, value{v.w * sign, v.h})
			}
		}
		slices.SortFunc(sorted, func(a, b value) int {
			switch {
			case a.w > b.w:
				return -1
			case a.w < b.w:
				return 1
			}
			return 0
		})
		sum, weight := 0.0, 0.0
		for _, v := range sorted {
			sum += v.h * v.w
			weight += v.h
			if gain := sum * sum / weight; weight > 0 && gain > most*(1+1e-12) {
				best, most = sign*sum/weight, gain
			}
		}
	}
	return best
}

// count returns how many axons a mask has.
func count(mask uint8) int { return bits.OnesCount8(mask) }
