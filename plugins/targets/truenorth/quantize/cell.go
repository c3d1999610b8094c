package quantize

import (
	"math"

	"snnc.dev/snnc/plugins/schema"
)

// MaxWeight and the others are the ranges of registers: weights and the leak have 9 bits with sign, both thresholds 18 bits, the membrane 20
// bits with sign. Below it ends where it saturates at the negative threshold, which is the largest.
const (
	minWeight, MaxWeight       = -256, 255
	minLeak, maxLeak           = -256, 255
	maxThreshold               = 1<<18 - 1
	maxMembrane                = 1<<19 - 1
	resetTo, resetBy, resetNot = 0, 1, 2 // gamma
)

// Cell is the registers of a neuron.
type Cell struct {
	S          [4]int // the weight for each type of axon
	Leak       int    // lambda
	TowardZero bool   // epsilon
	Alpha      int    // threshold
	Beta       int    // negative threshold
	Saturates  bool   // kappa
	Reset      int    // gamma: to R, by alpha, not at all
	R          int
	V          int   // the membrane at the beginning
	On         uint8 // which of the axons that are kept active reach it, as bits
	bias       int   // the units of bias that flow in at each step
	cut        bool  // the beginning or the bias is not what it should be
}

// Setting is what of a layer is known before its weights.
type Setting struct {
	Axons      int
	Grouped    bool
	On         []int // the types of axons that are kept active
	Integrates int   // the tick of time step 0
	Steps      int
}

// stepped reports whether biases are multiples of the weights' step: the leak is taken, and four types of axons bring inputs.
func (at *Setting) stepped(p *schema.Population) bool {
	return p.Decay > 0 && p.Decay < 1 && at.Axons == 4 && len(at.On) > 0
}

// scaled is a population in the chip's units.
type scaled struct {
	p       *schema.Population
	at      Setting
	unit    float64 // units for 1
	a       int     // units of a step of the lattice; with Grouped not used
	leak    int     // toward zero
	exceeds int     // least membrane that fires
}

// near is how far from a whole number, as a share, a threshold may lie to be one.
const near = 1e-6

// level returns the least whole membrane that is above a threshold, or that is at least the threshold.
func level(x float64, strict bool) int {
	r := math.Round(x)
	if math.Abs(x-r) > near*math.Max(1, math.Abs(x)) {
		return int(math.Ceil(x))
	}
	if strict {
		return int(r) + 1
	}
	return int(r)
}

// cell returns the registers of a neuron with a bias, all but the weights of its inputs. ok is false where they do not hold the
// numbers; the cell is then the nearest that they hold.
func (z *scaled) cell(bias float64) (c Cell, ok bool) {
	p := z.p
	ok = true
	b := int(math.Round(math.Max(-1e9, math.Min(bias*z.unit, 1e9))))
	start := int(math.Round(p.Start * z.unit))
	limit := func(x *int, from, to int) {
		if *x < from || *x > to {
			*x, ok = min(max(*x, from), to), false
		}
	}
	if p.Decay == 0 { // fires at 0 and above, and is 0 again either way: the leak is bias and threshold
		most := maxLeak
		if z.at.Integrates > 0 {
			most = -1 // it is silent before its time
		}
		left := z.on(&c, b-z.exceeds, minLeak, most, most)
		c.Leak = left
		limit(&c.Leak, minLeak, most)
		c.bias, c.cut = b-left+c.Leak, !ok
		return c, ok
	}
	c.Beta, c.Saturates = maxThreshold, true
	shift := 0 // the chip's membrane is that of the network less this
	switch c.Alpha = z.exceeds; p.Reset.Kind {
	case schema.ResetTo:
		if z.leak == 0 && !p.Once {
			shift = int(math.Round(p.Reset.Value * z.unit))
		}
	case schema.ResetBy:
		c.Reset = resetBy
		if z.leak == 0 && !p.Once {
			shift = z.exceeds - int(math.Round(p.Reset.Value*z.unit))
		}
	case schema.ResetNone:
		c.Reset = resetNot
	}
	if p.Once {
		c.Reset, c.R = resetTo, -maxThreshold
	}
	if p.Decay == 1 && (p.Once || c.Reset == resetNot) && c.Alpha < 1 {
		shift = c.Alpha - 1
	}
	c.Alpha -= shift + z.leak // the chip asks behind the leak
	limit(&c.Alpha, 1, maxThreshold)
	if p.Decay < 1 {
		c.TowardZero, c.Leak = true, -z.leak
		if z.at.stepped(p) {
			c.bias = z.steps(&c, bias*z.unit)
			ok = ok && math.Abs(bias*z.unit-float64(c.bias)) <= float64(z.size()) // what is less than a step is rounding
		} else {
			left := z.on(&c, b, 0, 0, 0)
			ok = ok && left == 0
			c.bias = b - left
		}
		start = int(math.Round(p.Start * p.Decay * z.unit))
		switch {
		case start > 0:
			start += z.leak * z.at.Integrates
		case start < 0:
			start -= z.leak * z.at.Integrates
		}
		c.V = start
	} else {
		// A leak that is not negative never fires before its time.
		left := z.on(&c, b, 0, maxLeak, 0)
		c.Leak = left
		limit(&c.Leak, minLeak, maxLeak)
		c.bias = b - left + c.Leak
		c.V = start - shift - c.Leak*z.at.Integrates
	}
	limit(&c.V, -c.Beta, c.Alpha-1)
	c.cut = !ok
	return c, ok
}

// on lets axons that are kept active add up to a current such that the leak that is left is in a range, or as near to it as can be, and
// then as near to what is best; it returns the leak. A spare type of axon has a weight of its own for that. Four axons for each input
// leave none, and the active ones are of the inputs' types.
func (z *scaled) on(c *Cell, current, from, to, best int) (left int) {
	switch {
	case len(z.at.On) == 0:
		return current
	case z.at.Axons < 4:
		left = min(max(best, current-MaxWeight), current-minWeight)
		c.S[3], c.On = current-left, 1
		if c.S[3] == 0 {
			c.On = 0
		}
		return left
	}
	least := math.MaxInt
	for mask := range uint8(1) << len(z.at.On) {
		sum := z.sum(mask)
		x := current - sum
		away := max(from-x, x-to, 0)
		if cost := away<<20 + max(x-best, best-x) + count(mask); cost < least {
			least, left, c.On = cost, x, mask
		}
	}
	return left
}

// steps lets those of the axons that are kept active reach a neuron that add up to what is nearest to a current, and returns their sum.
func (z *scaled) steps(c *Cell, current float64) (nearest int) {
	least := math.Inf(1)
	for mask := range uint8(1) << len(z.at.On) {
		sum := z.sum(mask)
		if away := math.Abs(current - float64(sum)); away < least {
			least, nearest, c.On = away, sum, mask
		}
	}
	return nearest
}

// sum returns what those of the axons that are kept active add up to.
func (z *scaled) sum(mask uint8) (sum int) {
	for i, t := range z.at.On {
		if mask>>i&1 != 0 {
			sum += lattices[4].Values[t] * z.a
		}
	}
	return sum
}

// size returns the units of a step.
func (z *scaled) size() int { return max(z.a, -z.a) }

// Fires reports whether a neuron at rest would fire: that is before its time step 0.
func Fires(d schema.Dynamics) bool {
	return d.Start > d.Threshold || !d.Strict && d.Start == d.Threshold
}
