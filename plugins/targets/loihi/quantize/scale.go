package quantize

import (
	"cmp"
	"fmt"
	"math"
)

// snap is how far, relatively, numbers may be apart that are taken to be the same: float32 has 2^-24.
const snap = 1.0 / (1 << 20)

// signs finds the largest weights, and the sign of weights of 1 bit.
func (x *numbers) signs() (problem string) {
	for k, list := range x.weights {
		most, up, down := 0.0, false, false
		for _, w := range list {
			most = math.Max(most, math.Abs(float64(w)))
			up, down = up || w > 0, down || w < 0
		}
		sign := 0
		if x.width == 1 {
			if sign = 1; down {
				sign = -1
			}
			if up && down {
				return fmt.Sprintf("weights of 1 bit have one sign, and those of its synapses %d have both", k)
			}
		}
		x.sign, x.most = append(x.sign, sign), append(x.most, most)
		x.largest = math.Max(x.largest, most)
	}
	return ""
}

// levels returns the least number of which the largest weight is so many times a unit of which all weights are whole multiples, and, if
// that can be, biases, threshold and start too; no more than the mantissas have, and as many as these where there is no such unit, which
// is not exact.
func (x *numbers) levels() (n int, exact bool) {
	largest, shift := Mantissas(x.width)
	full := largest >> shift
	weights := 0
	for n := 1; n <= full; n++ {
		per := float64(n) / x.largest
		good := true
		for k := 0; k < len(x.weights) && good; k++ {
			good = x.whole(x.weights[k], per)
		}
		if !good {
			continue
		}
		if weights == 0 {
			weights = n
		}
		if (x.p.Reads || x.multiple(x.p.Threshold*per)) && x.multiple(x.p.Start*per) && (!soft(x.p) || x.multiple(x.p.Reset.Value*per)) && x.whole(x.bias, per) {
			return n, true
		}
	}
	return cmp.Or(weights, full), weights > 0
}

// multiple reports whether a number is whole but for what rounding to float32 does to it.
func (x *numbers) multiple(v float64) bool {
	return math.Abs(v-math.Round(v)) <= 1e-5*math.Max(1, math.Abs(v)/128)
}

// whole reports whether all numbers are whole multiples of 1 / per.
func (x *numbers) whole(list []float32, per float64) bool {
	for _, w := range list {
		if !x.multiple(float64(w) * per) {
			return false
		}
	}
	return true
}

// scale chooses the scale with an exponent of at most top: the largest for which the chip's registers hold threshold and biases and no sum leaves its width, and in which
// the weights take all bits that there are. note says what could not be proved; where nothing will do, problem says why.
func (x *numbers) scale(top int) (e int, note []string, problem string) {
	p := x.p
	largest, shift := Mantissas(x.width)
	base := 0.0 // the scale with exponent 0
	spare := 0  // low bits of mantissas that no weight has
	switch {
	case x.largest > 0:
		n, _ := x.levels()
		units := 1 << shift
		for ; 2*n*units <= largest; spare++ {
			units *= 2
		}
		base = float64(n*units) * unit / x.largest
	case p.Reads || p.Threshold <= 0: // nothing but biases and drives, or nothing at all
		base = 1 << 12
		if least, most := x.biasRange(); math.Max(-least, most) > 0 {
			base = maxBias / 8 / math.Max(-least, most)
		}
	default:
		base = 4092 / p.Threshold // so that a drive of 8 thresholds takes all of a bias
		for n := 1; n < 64; n++ { // or so that biases and threshold stay what they are
			if x.whole(x.bias, float64(n)/p.Threshold) && len(x.bias) > 0 {
				units := float64(n * unit)
				for 2*units <= 4092 {
					units *= 2
				}
				base = units / p.Threshold
				break
			}
		}
	}
	at := func(e int) float64 { return math.Ldexp(base, e) }
	held := func(s float64) bool {
		return p.Reads || p.Threshold*s <= MaxThreshold*unit*(1+snap) && (!soft(p) || p.Reset.Value*s <= maxState)
	}
	least, most := x.biasRange()
	if !p.Reads { // beyond this a bias always makes spikes, or never lets one
		most = math.Min(most, p.Threshold+x.down)
		least = math.Max(least, -x.up*gain(p.CurrentDecay, x.c.Steps))
	}
	biased := func(s float64) bool { return math.Max(-least, most)*s <= maxBias*(1+snap) }
	silent := func(s float64) bool { // it stays so behind its spike
		if !x.silenced {
			return true
		}
		_, ok := x.silence(s)
		return ok
	}
	proved := func(s float64) bool { return x.within(s, x.up, x.down, x.reach(x.up, x.down)) }
	for e := top; e >= -spare; e-- {
		if s := at(e); held(s) && biased(s) && proved(s) && silent(s) {
			x.s = s
			return e, nil, ""
		}
	}
	likely := x.reach(x.likelyUp, x.likelyDown)
	if m := p.Measured; m != nil {
		likely = 2 * math.Max(math.Abs(m.Low), math.Abs(m.High))
	}
	for e := min(top, 0); e >= -4; e-- {
		if s := at(e); held(s) && biased(s) && x.within(s, x.likelyUp, x.likelyDown, likely) && silent(s) {
			x.s = s
			note = x.said(s)
			if -e > spare {
				note = append(note, fmt.Sprintf("its weights take %d bits less, so that sums keep within their widths", -e-spare))
			}
			return e, note, ""
		}
	}
	for e := min(top, 0); e >= -8; e-- {
		if s := at(e); held(s) && silent(s) {
			x.s = s
			if note = x.said(s); !biased(s) {
				note = append(note, "biases are larger than the chip holds beside its weights")
			}
			return e, note, ""
		}
	}
	if x.silenced && held(at(-8)) {
		return 0, nil, fmt.Sprintf("it fires once in %d steps, and no inhibition that the chip has keeps it silent for the rest of them whatever comes in", x.c.Steps)
	}
	return 0, nil, fmt.Sprintf("its threshold is %.4g times its largest weight, and the chip's at most %.4g times", p.Threshold/x.largest,
		float64(MaxThreshold)/float64(largest)*256)
}

// reach returns how far a membrane comes of such sums in all steps: upwards only where no spike brings it back to 0.
func (x *numbers) reach(up, down float64) float64 {
	p := x.p
	least, most := x.biasRange()
	current := 1.0
	if p.Current {
		current = gain(p.CurrentDecay, x.c.Steps)
	}
	far := down*current - least
	if p.Reads || soft(p) {
		far = math.Max(far, up*current+most)
	}
	return far * gain(p.Decay, x.c.Steps)
}

// within reports whether sums of one step and a membrane that comes so far keep within their widths in a scale.
func (x *numbers) within(s, up, down, far float64) bool {
	p := x.p
	current := 1.0
	if p.Current {
		current = gain(p.CurrentDecay, x.c.Steps)
	}
	least, most := x.biasRange()
	sum := math.Max(up, down) * s
	membrane := float64(maxState)
	if p.Reads {
		membrane = MaxThreshold * unit // and it does not spike
	}
	return sum <= maxSum && sum*current+math.Min(math.Max(-least, most)*s, maxBias) <= maxState && far*s <= membrane
}

// said says what is not proved in a scale.
func (x *numbers) said(s float64) (note []string) {
	if sum := math.Max(x.up, x.down) * s; sum > maxSum {
		note = append(note, fmt.Sprintf("the sum of one step leaves 21 bits if more than %.0f %% of the synapses of one sign have spikes at once", 100*maxSum/sum))
	}
	if far := x.reach(x.up, x.down) * s; far > maxState {
		note = append(note, fmt.Sprintf("its membrane would leave 23 bits in %.0f %% of the worst case", 100*maxState/far))
	}
	return note
}
