package quantize

import (
	"math"
	"sort"

	"snnc.dev/snnc/plugins/schema"
)

// MaxRest is how many steps a neuron can rest behind a spike: the refractory counter holds 63, one of which is the spike's own.
const MaxRest = 62

// Silenced says whether population i of a circuit needs synapses of its neurons onto themselves: it fires once in an example that is
// longer than a refractory period, and the inhibition of its own spike keeps it silent behind that. It arrives delay steps later
// than it could, when the neuron has just ceased to rest. There are dialects in which a neuron rests not at all.
//
// Where a membrane keeps all and all that comes in comes once, it does not matter when the inhibition begins: it need be no more than the
// sum of the weights. Else it has the less to outweigh the later it begins.
func Silenced(c *schema.Circuit, i int, rests bool) (delay int, yes bool) {
	p := &c.Populations[i]
	switch {
	case !p.Once || rests && c.Steps-1 <= MaxRest:
		return 0, false
	case !rests:
		return 0, true
	}
	if p.Decay != 1 || p.Current || p.Bias != nil || len(p.Drive) > 0 {
		return MaxRest, true
	}
	for k := range p.Synapses {
		if s := &p.Synapses[k]; s.Population != i && !spikesOnce(c, s) {
			return MaxRest, true
		}
	}
	return 0, true
}

// spikesOnce reports whether each element of the source of synapses spikes at most once in an example.
func spikesOnce(c *schema.Circuit, s *schema.Synapses) bool {
	if s.Population < 0 {
		return c.Inputs[s.Input].Once
	}
	return c.Populations[s.Population].Once
}

// inhibition is a weight of synapses of neurons onto themselves.
type inhibition struct{ mantissa, exponent int }

func (w inhibition) units() int { return w.mantissa << (w.exponent + 6) }

// silence returns the least inhibition that keeps every neuron silent behind its spike whatever comes in, in a scale; ok is false where none
// does. It is proved of the chip's integers. Rounding towards 0 adds less than 1 to what is below 0, so a membrane is at most what it
// would be without the inhibition, with 1 more for each step in which a state decays, less what the inhibition alone would leave.
func (x *numbers) silence(s float64) (w inhibition, ok bool) {
	bounds := x.silent(s)
	keepU, keepV := 4095-decayU(x.p), 4096-decayV(x.p)
	threshold := math.Floor(x.p.Threshold * s * (1 - snap))
	enough := func(w inhibition) bool {
		u, v := w.units(), 0
		for _, bound := range bounds {
			v = min(v*keepV/4096+u, maxState)
			if bound-float64(v) > threshold {
				return false
			}
			u = u * keepU / 4096
		}
		return true
	}
	per := 1 << (8 - x.width) // of mantissas of one sign
	most := 256/per - 1
	for w.exponent = 0; w.exponent <= MaxExponent; w.exponent++ {
		if w.mantissa = most * per; !enough(w) {
			continue
		}
		n := sort.Search(most, func(n int) bool { return enough(inhibition{n * per, w.exponent}) })
		w.mantissa = max(n, 1) * per
		return w, x.fitting(s, float64(w.units()))
	}
	return w, false
}

// silent returns the most that the membrane of a neuron that has fired can come to, without inhibition, in each step from the end of its
// rest on.
func (x *numbers) silent(s float64) (bounds []float64) {
	p := x.p
	keepU, keepV := float64(4095-decayU(p)), float64(4096-decayV(p))
	left := func(v, keep float64) float64 { // of a state, at most
		if v *= keep / 4096; keep > 0 && keep < 4096 {
			v++
		}
		return v
	}
	each, once := math.Ceil(x.many*s*(1+snap)), math.Ceil(x.once*s*(1+snap)) // snap is for float32
	bias := 0.0
	if _, most := x.biasRange(); len(p.Drive) > 0 {
		bias = math.Ldexp(MaxBias, x.biasExponent(s))
	} else if len(x.bias) > 0 {
		bias = math.Min(math.Ceil(most*s*(1+snap)+math.Ldexp(0.5, x.biasExponent(s))), maxBias)
	}
	// What comes once adds most to the membrane in the step in which it comes, or, through a current, some steps later.
	most, u, v := 0.0, 1.0, 0.0
	for range x.c.Steps {
		v = v*keepV/4096 + u
		most, u = math.Max(most, v), u*keepU/4096
	}
	once *= most
	for u, v = 0, 0; len(bounds) < x.c.Steps; { // the current of all steps before, at most
		u = left(u, keepU) + each
		bounds = append(bounds, 0)
	}
	free := x.c.Steps - 1 - x.delay // of the neuron that fires first
	if p.Late {
		free--
	}
	bounds = bounds[:max(free, 0)]
	for k := range bounds {
		u = left(u, keepU) + each
		v = left(v, keepV) + u + bias
		bounds[k] = v + once
	}
	return bounds
}

// fitting reports whether sums of one step and the current keep within their widths where an inhibition comes in beside all else.
func (x *numbers) fitting(s, inhibition float64) bool {
	current := 1.0
	if x.p.Current {
		current = gain(x.p.CurrentDecay, x.c.Steps)
	}
	least, most := x.biasRange()
	bias := math.Min(math.Max(-least, most)*s, maxBias)
	return x.up*s <= maxSum && x.down*s+inhibition <= maxSum && (math.Max(x.up, x.down)*s+inhibition)*current+bias <= maxState
}
