package quantize

import (
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// numbers is a population's numbers on their way.
type numbers struct {
	c       *schema.Circuit
	p       *schema.Population
	width   int
	weights [][]float32
	bias    []float32
	sign    []int     // of groups: see Group
	most    []float64 // the largest magnitude of each group that is kept
	largest float64   // that of all, of which the largest mantissa is

	// Of the channel for which they are largest, what one step can bring: the sums of the weights above 0 and of those below (as a
	// magnitude), and what is likely at most.
	up, down             float64
	likelyUp, likelyDown float64

	// Of a population that synapses onto itself silence: how many steps their spikes wait, what sources that spike once can bring in
	// all of an example, and what others can in each step.
	silenced   bool
	delay      int
	once, many float64

	s float64 // the scale
}

// sums are what flows into the neurons of one channel, at most.
type sums struct{ up, down, mean, variance float64 }

func (a *sums) add(w, rate float64) {
	if w > 0 {
		a.up += w
	} else {
		a.down -= w
	}
	a.mean += w * rate
	a.variance += w * w * rate * (1 - rate)
}

// bounds adds up the weights onto a neuron: the sums of each of its synapses, those of the neuron of a channel for which they are largest.
func (x *numbers) bounds() {
	channels := x.p.Dims[0]
	all := make([]sums, channels)
	low := make([]float64, channels) // of the means
	once, many := make([]float64, channels), make([]float64, channels)
	for k := range x.p.Synapses {
		s := &x.p.Synapses[k]
		rate := 0.5
		if s.Population >= 0 {
			if m := x.c.Populations[s.Population].Measured; m != nil {
				rate = m.Rate
			}
		}
		first := make([]bool, channels)
		high, least := make([]sums, channels), make([]float64, channels)
		x.each(s, x.weights[k], rate, func(channel int, n sums) {
			h := &high[channel]
			if !first[channel] {
				first[channel], *h, least[channel] = true, n, n.mean
				return
			}
			h.up, h.down, h.variance = math.Max(h.up, n.up), math.Max(h.down, n.down), math.Max(h.variance, n.variance)
			h.mean, least[channel] = math.Max(h.mean, n.mean), math.Min(least[channel], n.mean)
		})
		for i := range all {
			all[i].up += high[i].up
			all[i].down += high[i].down
			all[i].mean += high[i].mean
			all[i].variance += high[i].variance
			low[i] += least[i]
			if spikesOnce(x.c, s) {
				once[i] += high[i].up
			} else {
				many[i] += high[i].up
			}
		}
	}
	x.up, x.down, x.likelyUp, x.likelyDown = 0, 0, 0, 0
	x.once, x.many = slices.Max(once), slices.Max(many)
	for i, a := range all {
		x.up, x.down = math.Max(x.up, a.up), math.Max(x.down, a.down)
		x.likelyUp = math.Max(x.likelyUp, math.Min(a.up, a.mean+6*math.Sqrt(a.variance)))
		x.likelyDown = math.Max(x.likelyDown, math.Min(a.down, 6*math.Sqrt(a.variance)-low[i]))
	}
}

// each calls give with the sums of neurons of the channels: of each neuron, or of one that has all that any neuron of its channel has.
func (x *numbers) each(s *schema.Synapses, w []float32, rate float64, give func(channel int, n sums)) {
	switch s.Kind {
	case schema.Dense:
		in, out := s.Weights.Dims[1], s.Weights.Dims[0]
		for j := range out {
			var n sums
			for _, v := range w[j*in:][:in] {
				n.add(float64(v), rate)
			}
			give(j*x.p.Dims[0]/out, n)
		}
	case schema.Conv:
		in := circuit.Size(s.Weights.Dims[1:])
		for o := range s.Weights.Dims[0] {
			var n sums
			for _, v := range w[o*in:][:in] {
				n.add(float64(v), rate)
			}
			give(o, n)
		}
	case schema.Deconv: // a neuron has the places of the kernel that are a stride apart
		in, out, k := s.Weights.Dims[0], s.Weights.Dims[1], s.Kernel
		for o := range out {
			for a := range min(s.Stride, k) {
				for b := range min(s.Stride, k) {
					var n sums
					for i := range in {
						for y := a; y < k; y += s.Stride {
							for z := b; z < k; z += s.Stride {
								n.add(float64(w[((i*out+o)*k+y)*k+z]), rate)
							}
						}
					}
					give(o, n)
				}
			}
		}
	default:
		times := 1
		if s.Kind == schema.Pool {
			times = min(s.Kernel, s.View.Dims[1]) * min(s.Kernel, s.View.Dims[2])
		}
		v := float64(w[0])
		n := sums{mean: v * rate * float64(times), variance: v * v * rate * (1 - rate) * float64(times)}
		if n.up = v * float64(times); v < 0 {
			n.up, n.down = 0, -n.up
		}
		for c := range x.p.Dims[0] {
			give(c, n)
		}
	}
}

// biasRange returns the least and the most of biases and drives. How large a drive can be is not known: what was measured of the
// membrane, which its drive alone can bring to twice its range at most, or some thresholds.
func (x *numbers) biasRange() (least, most float64) {
	for _, b := range x.bias {
		least, most = math.Min(least, float64(b)), math.Max(most, float64(b))
	}
	if len(x.p.Drive) == 0 {
		return least, most
	}
	d := 8 * math.Max(math.Abs(x.p.Threshold), x.largest)
	if m := x.p.Measured; m != nil {
		d = 2 * math.Max(math.Abs(m.Low), math.Abs(m.High))
	}
	if d == 0 {
		d = 1
	}
	return math.Min(least, -d), math.Max(most, d)
}

// gain returns what a state that keeps a share of itself becomes of inputs of 1 in so many steps.
func gain(decay float64, steps int) float64 {
	if decay == 1 {
		return float64(steps)
	}
	return (1 - math.Pow(decay, float64(steps))) / (1 - decay)
}
