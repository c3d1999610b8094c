package quantize

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// The widths of registers (lava, proc/lif/models.py; nengo-loihi, builder/discretize.py).
const (
	MaxDecay     = 4095
	MaxThreshold = 1<<17 - 1 // mantissa
	MaxBias      = 4095      // mantissa
	MaxExponent  = 7         // of weights and biases
	unit         = 64        // weights and thresholds are multiples of it
	maxSum       = 1<<21 - 1 // of the weights that arrive in one step
	maxState     = 1<<23 - 1 // of current and membrane
	maxBias      = MaxBias << MaxExponent
)

// Registers is a population in the chip's terms.
//
//	u = D(u, DecayU + 1) + q;  v = D(v, DecayV) + u + bias;  spike where v > 64 Threshold, and then v = 0, or v - ResetBy
type Registers struct {
	DecayU, DecayV int
	Threshold      int // mantissa
	ResetBy        int // units that a spike takes off v; 0: v becomes 0
	Refractory     int // refract_delay: 1 is no rest
	Hold           int // steps at the beginning in which v is 0
	Start          int // v before the first step, where Hold is 0
	BiasExponent   int
	Bias           []int // mantissas of the biases of the neurons; nil: all 0, or the host writes them for each example
	Groups         []Group
	Scale          float64 // units of v for 1 of the network's

	bias []float32 // by channel or neuron, as the circuit has it
}

// Group is synapses: the effective weight is 2^(6 + Exponent) Mantissas.
type Group struct {
	Exponent  int
	Sign      int     // 0: the mantissas are of both signs; 1 or -1: of one
	Mantissas []int16 // as the weights lie
}

// Drive returns the mantissa of the bias of neuron n where the host adds a drive to it, and whether it is beyond the register.
func (r *Registers) Drive(n, neurons int, drive float64) (mantissa int, clipped bool) {
	if len(r.bias) > 0 {
		drive += float64(r.bias[n*len(r.bias)/neurons])
	}
	x := math.RoundToEven(math.Ldexp(drive*r.Scale, -r.BiasExponent))
	switch {
	case x > MaxBias:
		return MaxBias, true
	case x >= -MaxBias:
		return int(x), false
	}
	return -MaxBias, true // and what is no number
}

// Mantissas returns the largest mantissa of weights of so many bits, and the power of two of which all are multiples: those of both
// signs, or of 1 bit and one sign. Mantissas are multiples of what the chip keeps of them, so that it does not matter how it rounds
// (lava, brian2_loihi and nengo-loihi differ).
func Mantissas(width int) (largest, shift int) {
	if width == 1 {
		return 128, 7
	}
	return (1<<(width-1) - 1) << (9 - width), 9 - width
}

// Population puts population i of a circuit into registers, with weights of so many bits. The population is one that the chip's neuron
// can be but for its numbers: problem says where these are beyond it. Synapses onto itself, which come last, are those that Silenced asks for.
func Population(c *schema.Circuit, i int, w circuit.Weights, width int) (r Registers, loss schema.Loss, problem string) {
	p := c.Populations[i]
	own := slices.IndexFunc(p.Synapses, func(s schema.Synapses) bool { return s.Population == i })
	x := numbers{c: c, p: &p, width: width}
	if own >= 0 {
		x.silenced, x.delay = true, p.Synapses[own].Delay
		p.Synapses = p.Synapses[:own]
	}
	for k := range p.Synapses {
		x.weights = append(x.weights, w(p.Synapses[k].Weights))
	}
	if p.Bias != nil {
		x.bias = w(*p.Bias)
	}
	for k, list := range append(x.weights[:len(x.weights):len(x.weights)], x.bias) {
		for _, v := range list {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				what := "a bias"
				if k < len(x.weights) {
					what = "a weight"
				}
				return r, loss, fmt.Sprintf("%s is %v", what, f)
			}
		}
	}
	if problem = x.signs(); problem != "" {
		return r, loss, problem
	}
	x.clip()
	x.bounds()
	var note []string
	for top := MaxExponent; ; top-- {
		var e int
		if e, note, problem = x.scale(top); problem != "" {
			return r, loss, problem
		}
		r = Registers{DecayU: decayU(&p), DecayV: decayV(&p), Refractory: 1, Scale: x.s, bias: x.bias}
		loss = schema.Loss{Circuit: c.Name, Layer: p.Name, Bits: float64(width), Scale: x.s}
		x.round(&r, &loss)
		if r.Start = int(math.Round(p.Start * x.s)); p.Start != 0 && (r.Start > maxState || r.Start < -maxState) {
			return r, loss, fmt.Sprintf("its membrane starts at %v, which is %v in the scale of its weights, and the chip holds %d", p.Start, p.Start*x.s, maxState)
		}
		if soft(&p) {
			r.ResetBy = max(int(math.Round(p.Reset.Value*x.s)), 1) // 0 would be a reset to 0
		}
		if p.Reads {
			r.Threshold = MaxThreshold
		} else {
			r.Threshold, loss.Threshold = x.threshold(&r)
		}
		y := x.rounded(&r)
		good := len(note) > 0 || y.within(x.s, y.up, y.down, y.reach(y.up, y.down))
		if x.silenced && good {
			var w inhibition
			if w, good = y.silence(x.s); good {
				r.Groups = append(r.Groups, Group{Exponent: w.exponent, Sign: -1, Mantissas: []int16{int16(-w.mantissa)}})
			}
		}
		if good {
			break
		}
		top = e // and then one less: what was proved of the numbers does not hold of what they were rounded to
	}
	loss.Decay = float64(4096-r.DecayV)/4096 - p.Decay
	if d := float64(4095-r.DecayU)/4096 - p.CurrentDecay; p.Current && math.Abs(d) > 0.5/4096 {
		note = append(note, fmt.Sprintf("the current decays to %.4f of what it was, and should to %v", p.CurrentDecay+d, p.CurrentDecay))
	}
	switch {
	case x.silenced: // it rests until its inhibition is there
		r.Refractory = x.delay + 1
	case p.Once: // it rests until the end
		r.Refractory = min(max(c.Steps, p.Refractory+1), MaxRest+1)
	case p.Refractory > 0:
		r.Refractory = p.Refractory + 1
	}
	if p.Bias != nil || len(p.Drive) > 0 { // which must not act before
		if r.Hold = p.Depth - 1; p.Late {
			r.Hold++
		}
	}
	if p.Decay == 0 && !p.Reads {
		note = append(note, x.rounded(&r).left(&r, x.lattice(&r))...)
	}
	loss.Note = strings.Join(note, "; ")
	return r, loss, ""
}

// Dequantized returns the numbers that the registers stand for: the population's dynamics, and weights and biases of the circuit's
// tensors; a bias that a drive is added to is as it was. The threshold lies half a unit above the register's, since a membrane is a whole number.
func (r *Registers) Dequantized(p *schema.Population) (d schema.Dynamics, weights [][]float32, bias []float32) {
	d = p.Dynamics
	d.Decay = float64(4096-r.DecayV) / 4096
	if p.Current {
		d.CurrentDecay = float64(4095-r.DecayU) / 4096
	}
	if r.ResetBy > 0 {
		d.Reset.Value = float64(r.ResetBy) / r.Scale
	}
	d.Threshold, d.Strict, d.Start = (float64(r.Threshold)*unit+0.5)/r.Scale, true, float64(r.Start)/r.Scale
	for _, g := range r.Groups {
		list := make([]float32, len(g.Mantissas))
		for i, m := range g.Mantissas {
			list[i] = float32(math.Ldexp(float64(m), 6+g.Exponent) / r.Scale)
		}
		weights = append(weights, list)
	}
	if len(p.Drive) > 0 { // it is rounded with the drive
		return d, weights, r.bias
	}
	for i, n := 0, circuit.Size(p.Dims); i < len(r.bias); i++ {
		m, _ := r.Drive(i*n/len(r.bias), n, 0)
		bias = append(bias, float32(math.Ldexp(float64(m), r.BiasExponent)/r.Scale))
	}
	return d, weights, bias
}

// rounded returns the numbers that the registers stand for.
func (x *numbers) rounded(r *Registers) *numbers {
	y, p := *x, *x.p
	p.Dynamics, y.weights, y.bias = r.Dequantized(x.p)
	if p.Reads {
		p.Threshold = x.p.Threshold
	}
	y.p = &p
	y.bounds()
	return &y
}

// soft reports whether a spike takes a number off the membrane.
func soft(p *schema.Population) bool {
	return !p.Reads && !p.Once && p.Reset.Kind == schema.ResetBy && p.Decay > 0
}

// decayU and decayV are the registers of the decays of a population.
func decayU(p *schema.Population) int {
	if !p.Current {
		return MaxDecay
	}
	return min(max(int(math.Round(4096*(1-p.CurrentDecay)))-1, 0), MaxDecay)
}

func decayV(p *schema.Population) int { return min(int(math.Round(4096*(1-p.Decay))), MaxDecay) }

// round fills in weights and biases, and what was lost.
func (x *numbers) round(r *Registers, loss *schema.Loss) {
	largest, shift := Mantissas(x.width)
	var sum, lost float64
	zeroed, weights := 0, 0
	for k, list := range x.weights {
		g := Group{Mantissas: make([]int16, len(list)), Sign: x.sign[k]}
		for g.Exponent < MaxExponent && x.most[k]*x.s > math.Ldexp(unit*float64(largest), g.Exponent)*(1+snap) {
			g.Exponent++
		}
		per := math.Ldexp(unit, g.Exponent+shift)
		for i, w := range list {
			v := float64(w) * x.s / per
			n := math.RoundToEven(v)
			if bound := float64(largest >> shift); math.Abs(n) > bound {
				n = math.Copysign(bound, n)
				if math.Abs(v) > bound*(1+snap)+0.5 && math.Abs(float64(w)) <= x.most[k] { // not what clip lets go
					loss.Clipped++
				}
			}
			g.Mantissas[i] = int16(n) << shift
			d := n*per/x.s - float64(w)
			sum, lost = sum+float64(w)*float64(w), lost+d*d
			if w != 0 {
				weights++
				if n == 0 {
					zeroed++
				}
			}
		}
		r.Groups = append(r.Groups, g)
	}
	if sum > 0 {
		loss.Weights = math.Sqrt(lost / sum)
	}
	if weights > 0 {
		loss.Zeroed = float64(zeroed) / float64(weights)
	}
	if x.bias == nil && len(x.p.Drive) == 0 {
		return
	}
	r.BiasExponent = x.biasExponent(x.s)
	if len(x.p.Drive) > 0 {
		return
	}
	r.Bias = make([]int, circuit.Size(x.p.Dims))
	sum, lost = 0, 0
	for n := range r.Bias {
		clipped := false
		if r.Bias[n], clipped = r.Drive(n, len(r.Bias), 0); clipped {
			loss.Clipped++
		}
		if len(x.bias) > 0 {
			b := float64(x.bias[n*len(x.bias)/len(r.Bias)])
			d := math.Ldexp(float64(r.Bias[n]), r.BiasExponent)/x.s - b
			sum, lost = sum+b*b, lost+d*d
		}
	}
	if sum > 0 {
		loss.Bias = math.Sqrt(lost / sum)
	}
}

// biasExponent is the least with which a bias holds all that there are, in a scale.
func (x *numbers) biasExponent(s float64) (e int) {
	least, most := x.biasRange()
	for e < MaxExponent && math.Max(-least, most)*s > float64(int(MaxBias)<<e)*(1+snap) {
		e++
	}
	return e
}

// threshold returns the mantissa, and how far it is from where it should be. A neuron spikes where v > 64 mantissa. Where all that v
// can be are multiples of a number, the threshold lies between two of them, and on its right side: what the chip does with these
// integers is what the network would. Else a threshold that is a multiple of 64 is met exactly, so that a single input as large as the
// threshold spikes as it does in the network, and one that is none to the nearest.
func (x *numbers) threshold(r *Registers) (mantissa int, off float64) {
	p := x.p
	want := p.Threshold * x.s
	if lattice := x.lattice(r); lattice >= 2*unit {
		first := math.Ceil(want/lattice - snap*want/lattice) // the first multiple that spikes
		if p.Strict {
			first = math.Floor(want/lattice+snap*want/lattice) + 1
		}
		m := math.Floor((first*lattice - lattice/2) / unit)
		if m >= 0 && m <= MaxThreshold {
			return int(m), 0
		}
	}
	m := math.Round(want / unit)
	if math.Abs(want/unit-m) <= snap*want/unit && !p.Strict {
		m--
	}
	mantissa = int(math.Min(math.Max(m, 0), MaxThreshold))
	if want > 0 {
		off = (float64(mantissa)*unit - want) / want
	}
	return mantissa, off
}

// left says what a membrane that should keep nothing keeps, where that can decide about a spike: the register of its decay leaves a
// 4096th, rounded toward 0. x is the numbers that the registers stand for,
// and lattice that of what was to be stood for.
func (x *numbers) left(r *Registers, lattice float64) []string {
	highest := float64(r.Threshold) * unit // beyond it a spike brings v back to 0
	lowest := math.Max(x.reach(x.up, x.down)*x.s, math.Abs(float64(r.Start)))
	above, below := math.Floor(math.Max(highest, float64(r.Start))/MaxDecay), math.Floor(lowest/MaxDecay) // with what is left of what is left
	if lattice == 0 {
		if lattice = math.Min(unit, highest/256); above < lattice && below < lattice {
			return nil // it is as small as what thresholds are rounded by
		}
	} else if last := math.Floor(highest/lattice) * lattice; last+above <= highest && last+lattice-below > highest {
		return nil
	}
	return []string{fmt.Sprintf("a membrane should keep nothing and keeps a 4096th, up to %.4g of its threshold in the worst case, so that spikes can come or stay away where they should not", math.Max(above, below)/math.Max(highest, unit))}
}

// lattice returns the largest power of two of which all are multiples that v can be; 0 where it is a matter of decays.
func (x *numbers) lattice(r *Registers) float64 {
	p := x.p
	if p.Current || p.Decay != 0 && p.Decay != 1 || len(p.Drive) > 0 {
		return 0
	}
	all := uint(r.Start) | uint(r.ResetBy)
	for _, g := range r.Groups {
		for _, m := range g.Mantissas {
			all |= uint(int(m) << (g.Exponent + 6))
		}
	}
	for n, b := range r.Bias {
		if _, clipped := r.Drive(n, len(r.Bias), 0); !clipped { // else it spikes always or never
			all |= uint(b << r.BiasExponent)
		}
	}
	if all == 0 {
		return 0
	}
	return math.Ldexp(1, min(bits.TrailingZeros(all), 30))
}
