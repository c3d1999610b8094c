package quantize

import (
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/mapping"
)

// unknownRate is how much an input counts whose spikes per time step were not measured, and leastRate one that never spiked.
const (
	unknownRate = 0.1
	leastRate   = 0.001
)

// Channel is what the neurons of a channel have in common.
type Channel struct {
	Unit float64 // the chip's units for 1 of the network's
	Step int     // what the code 1 adds, in the chip's units: a, negative where the lattice is turned round
	// Groups, where each Synapses has a type of its own, has their values in the chip's units.
	Groups []int
}

// Layer is a population in the chip's units.
type Layer struct {
	Loss     schema.Loss
	Channels []Channel

	p       *schema.Population
	l       *mapping.Layer
	at      Setting
	weigher *mapping.Weigher
	bias    []float32
	away    float64 // what the leak toward zero takes
	room    int     // neurons of a channel
	lattice Lattice
	// What a neuron could meet: see Notes.
	beyond, cut int
}

// New quantizes a population that lies on the chip as a layer of a map.
func New(c *schema.Circuit, l *mapping.Layer, w circuit.Weights) *Layer {
	p := &c.Populations[l.Population]
	q := &Layer{p: p, l: l, weigher: l.Weigher(c, w), lattice: Of(l.Axons),
		at: Setting{Axons: l.Axons, Grouped: l.Grouped, On: l.On, Integrates: l.Integrates, Steps: c.Steps}}
	if p.Bias != nil {
		q.bias = w(*p.Bias)
	}
	channels := p.Dims[0]
	q.room = l.Size / channels
	q.Loss = schema.Loss{Circuit: c.Name, Layer: p.Name, Bits: q.lattice.Bits()}
	if l.Grouped {
		q.Loss.Bits = 9 // of the weight that all synapses of one kind have
	}
	if p.Decay > 0 && p.Decay < 1 {
		q.away = leak(p)
	}
	rates := measured(c, w)
	for i := range channels {
		q.channel(i, rates)
	}
	q.measure()
	return q
}

// measured returns how often an input spikes.
func measured(c *schema.Circuit, w circuit.Weights) func(s mapping.Source) float64 {
	all := make([][]float32, len(c.Populations))
	for i, p := range c.Populations {
		if p.Measured != nil && p.Measured.Rates != nil {
			all[i] = w(*p.Measured.Rates)
		}
	}
	return func(s mapping.Source) float64 {
		if s.Input || all[s.Index] == nil {
			return unknownRate
		}
		return math.Max(leastRate, float64(all[s.Index][s.Element]))
	}
}

// channel finds the step of a channel's weights, and how many of the chip's units it is.
func (q *Layer) channel(i int, rate func(mapping.Source) float64) {
	groups := 1
	if q.at.Grouped {
		groups = len(q.p.Synapses)
	}
	sums := make([]map[float64]float64, groups)
	for g := range sums {
		sums[g] = map[float64]float64{}
	}
	up, down := 0.0, 0.0 // the most that flows in at a step
	for n := range q.room {
		in, out := 0.0, 0.0
		for _, x := range q.weigher.Of(i*q.room + n) {
			g := 0
			if q.at.Grouped {
				g = x.Source.Synapses
			}
			sums[g][x.Value] += rate(x.Source)
			in, out = in+math.Max(0, x.Value), out+math.Min(0, x.Value)
		}
		b := q.biasOf(i*q.room + n)
		if q.at.stepped(q.p) {
			sums[0][b]++ // as an input that spikes at each step
		}
		up, down = math.Max(up, in+math.Max(0, b)), math.Min(down, out+math.Min(0, b))
	}
	steps := make([]float64, groups)
	largest := 0.0
	for g, sum := range sums {
		var values []value
		for w, h := range sum {
			values = append(values, value{w, h})
		}
		slices.SortFunc(values, func(a, b value) int {
			if a.w < b.w {
				return -1
			}
			return 1
		})
		if q.at.Axons == 1 {
			steps[g] = single(values)
		} else {
			steps[g] = q.lattice.step(values, q.l.Turns())
		}
		largest = math.Max(largest, math.Abs(steps[g]))
	}
	if largest == 0 {
		largest = 1
	}
	q.Channels = append(q.Channels, q.scale(i, steps, largest, up, down))
}

func (q *Layer) biasOf(neuron int) float64 {
	if q.bias == nil {
		return 0
	}
	return float64(q.bias[neuron*len(q.bias)/q.l.Size])
}

// scale chooses how many of the chip's units a step is: of those whose numbers fit the registers the one that rounds least, and of
// those that round alike the largest.
func (q *Layer) scale(i int, steps []float64, largest, up, down float64) Channel {
	p := q.p
	most := 255
	if q.at.Axons > 2 {
		most = 256 / -q.lattice.Low
		if steps[0] < 0 {
			most = 255 / -q.lattice.Low
		}
	}
	biases := []float64{0}
	if q.bias != nil {
		per := q.room * len(q.bias) / q.l.Size
		biases = biases[:0]
		for _, b := range q.bias[i*max(per, 1):][:max(per, 1)] {
			biases = append(biases, float64(b))
		}
	}
	var best *scaled
	bestError, bestFits := 0.0, false
	for a := most; a >= 1; a-- {
		z := q.scaled(float64(a)/largest, a)
		if steps[0] < 0 {
			z.a = -a
		}
		fits := q.away*z.unit <= -minLeak
		rounded := func(x float64) float64 { return math.Abs(math.Round(x*z.unit)-x*z.unit) / z.unit }
		miss := rounded(p.Threshold) + rounded(p.Start) + rounded(p.Reset.Value) + rounded(q.away)
		worst := 0.0 // of the biases
		for _, b := range biases {
			c, ok := z.cell(b)
			fits = fits && ok
			worst = math.Max(worst, math.Abs(float64(c.bias)/z.unit-b))
		}
		miss += worst
		if q.at.Grouped {
			for _, s := range steps {
				miss += rounded(s)
			}
		}
		// The membrane stays in its range whatever comes in.
		steps := float64(q.at.Steps)
		top := z.unit * up
		if grows(p) {
			top *= steps
		}
		bottom := z.unit * down
		if p.Decay > 0 {
			bottom *= steps
		}
		fits = fits && top+z.unit*math.Max(0, p.Threshold) <= maxMembrane && bottom >= -maxThreshold
		if p.Once {
			fits = fits && z.unit*up*steps+float64(z.leak)*steps < maxThreshold
		}
		if miss < near*math.Max(largest, math.Abs(p.Threshold)) {
			miss = 0
		}
		// Where no number fits, the smallest is the nearest.
		if best == nil || fits && !bestFits || fits && miss < bestError || !fits && !bestFits {
			best, bestError, bestFits = z, miss, fits
		}
	}
	ch := Channel{Unit: best.unit, Step: best.a}
	if q.at.Grouped || q.at.Axons == 1 {
		for _, s := range steps {
			ch.Groups = append(ch.Groups, int(math.Round(s*best.unit)))
		}
	}
	return ch
}

// scaled is the population with so many units for 1.
func (q *Layer) scaled(unit float64, a int) *scaled {
	z := &scaled{p: q.p, at: q.at, unit: unit, a: a, exceeds: level(q.p.Threshold*unit, q.p.Strict)}
	if q.p.Decay > 0 && q.p.Decay < 1 {
		z.leak = min(int(math.Round(q.away*unit)), z.exceeds-1, -minLeak)
	}
	return z
}

// grows reports whether a membrane may rise at each step although it fires: a leak takes only so much, whatever the membrane is.
func grows(p *schema.Population) bool { return p.Decay > 0 && p.Reset.Kind != schema.ResetTo }

// points is how many membranes are looked at.
const points = 64

// membranes returns some that are as often at each value between the quantiles that were measured and the threshold, or between minus
// and plus the threshold where nothing was measured.
func membranes(p *schema.Population) []float64 {
	high := math.Abs(p.Threshold)
	low := -high
	if m := p.Measured; m != nil {
		high, low = math.Min(high, m.High), m.Low
	}
	if high <= low {
		return nil
	}
	out := make([]float64, points)
	for i := range out {
		out[i] = math.Abs(low + (high-low)*(float64(i)+0.5)/points)
	}
	return out
}

// leak returns the additive leak that is nearest to a membrane's decay: the mean squared difference of what a step takes away is least.
func leak(p *schema.Population) float64 {
	const steps = 1000
	all := membranes(p)
	if all == nil {
		return 0
	}
	best, least := 0.0, math.Inf(1)
	most := slices.Max(all)
	for i := range steps + 1 {
		l := most * float64(i) / steps
		if d := away(p.Decay, all, l); d < least {
			best, least = l, d
		}
	}
	return best
}

// away is the root of the mean squared difference of what a leak and a decay take from membranes, as a share of these.
func away(decay float64, all []float64, leak float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range all {
		d := (1-decay)*v - math.Min(v, leak)
		sum += d * d
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	return math.Sqrt(sum / squares)
}

// Input is how an input reaches a neuron: Axons says which of its axons do, as bits.
type Input struct {
	Source mapping.Source
	Axons  uint8
}

// Cell returns the registers of a neuron, and adds to inputs what reaches it.
func (q *Layer) Cell(neuron int, inputs []Input) (Cell, []Input) {
	i := neuron / q.room
	ch := &q.Channels[i]
	z := q.scaled(ch.Unit, ch.Step)
	c, _ := z.cell(q.biasOf(neuron))
	if q.at.Axons == 1 {
		copy(c.S[:], ch.Groups)
	} else {
		for g, v := range q.lattice.Values {
			c.S[g] = v * ch.Step
		}
	}
	for _, x := range q.weigher.Of(neuron) {
		if mask, _ := q.code(ch, x); mask != 0 {
			inputs = append(inputs, Input{x.Source, mask})
		}
	}
	return c, inputs
}

// code returns which axons of an input reach a neuron, and the weight that they have together.
func (q *Layer) code(ch *Channel, x mapping.Weight) (mask uint8, weight int) {
	if q.at.Axons == 1 {
		v := ch.Groups[0]
		if q.at.Grouped {
			v = ch.Groups[x.Source.Synapses]
		}
		if w := x.Value * ch.Unit; math.Abs(w-float64(v)) < math.Abs(w) {
			return 1, v
		}
		return 0, 0
	}
	code := q.lattice.code(x.Value * ch.Unit / float64(ch.Step))
	return q.lattice.Axons(code), code * ch.Step
}

// measure fills in the loss.
func (q *Layer) measure() {
	p := q.p
	miss, all := 0.0, 0.0
	off, biases := 0.0, 0.0
	weights, zeroed := 0, 0
	for i := range q.Channels {
		ch := &q.Channels[i]
		z := q.scaled(ch.Unit, ch.Step)
		q.Loss.Scale += ch.Unit / float64(len(q.Channels))
		if p.Threshold != 0 {
			at := float64(z.exceeds)
			if p.Strict && math.Abs(at-1-p.Threshold*ch.Unit) <= near*math.Max(1, math.Abs(at)) {
				at--
			}
			if d := math.Abs(at/ch.Unit-p.Threshold) / math.Abs(p.Threshold); d > near {
				q.Loss.Threshold = math.Max(q.Loss.Threshold, d)
			}
		}
		if p.Decay > 0 && p.Decay < 1 {
			q.Loss.Decay = math.Max(q.Loss.Decay, away(p.Decay, membranes(p), float64(z.leak)/ch.Unit))
		}
		for n := range q.room {
			neuron := i*q.room + n
			up, down := 0.0, 0.0
			for _, x := range q.weigher.Of(neuron) {
				mask, w := q.code(ch, x)
				d := x.Value - float64(w)/ch.Unit
				miss += d * d
				all += x.Value * x.Value
				if x.Value != 0 {
					weights++
					if mask == 0 {
						zeroed++
					}
				}
				if q.at.Axons > 1 {
					if c := x.Value * ch.Unit / float64(ch.Step); c < float64(q.lattice.Low)-0.5 || c > float64(q.lattice.High)+0.5 {
						q.Loss.Clipped++
					}
				}
				up, down = up+math.Max(0, float64(w)), down+math.Min(0, float64(w))
			}
			b := q.biasOf(neuron)
			c, _ := z.cell(b)
			if c.cut {
				q.cut++
				q.Loss.Clipped++
			}
			off += (float64(c.bias)/ch.Unit - b) * (float64(c.bias)/ch.Unit - b)
			biases += b * b
			b *= ch.Unit
			up, down = up+math.Max(0, b), down+math.Min(0, b)
			steps := float64(q.at.Steps)
			top := up + float64(c.Alpha)
			if grows(p) {
				top = up * steps
			}
			if p.Decay > 0 && (down*steps < -maxThreshold || top > maxMembrane || p.Once && (up+float64(z.leak))*steps >= maxThreshold) {
				q.beyond++
			}
		}
	}
	share := func(miss, all float64) float64 {
		if x := math.Sqrt(miss / all); all > 0 && x >= near {
			return x
		}
		return 0
	}
	q.Loss.Weights, q.Loss.Bias = share(miss, all), share(off, biases)
	if weights > 0 {
		q.Loss.Zeroed = float64(zeroed) / float64(weights)
	}
}

// Cut returns how many neurons have a bias, threshold or beginning that their registers do not hold, and Beyond how many have a
// membrane that could leave its range.
func (q *Layer) Cut() int    { return q.cut }
func (q *Layer) Beyond() int { return q.beyond }
