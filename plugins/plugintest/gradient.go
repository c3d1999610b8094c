package plugintest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"snnc.dev/snnc/runtime/opaque"
)

// gradient holds Backward against what a derivative is, whatever takes the place of that of a spike: it is linear, nothing flows back to
// what came later, and it is that of differences, also through time alone.
func (s *suite) gradient(t *trial) (string, error) {
	if !t.Gradient {
		return "", untested("not: the description has no `gradient`, and nothing is trained through it")
	}
	memory, op, _, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	if err := t.linear(memory, op); err != nil {
		return "", err
	}
	if t.Direction == "" {
		if err := t.causal(memory, op); err != nil {
			return "", err
		}
	}
	whole := t.differences
	if t.Spikes {
		whole = t.smoothed
	}
	found, unknown := whole(memory, op)
	if why := untested(""); unknown != nil && !errors.As(unknown, &why) {
		return "", unknown
	}
	if t.local {
		return found + ", and through time not, as it is `local`", unknown
	}
	late, err := t.through(memory, op)
	if err != nil {
		return "", err
	}
	return found + late, unknown
}

// noNumber is the fault of a gradient that is none.
func noNumber(input string, v float64) error {
	return &fault{Gradient, fmt.Sprintf("the gradient by input %s is %v", input, v), "look for a division by 0 and an exponential of much in Backward"}
}

// linear: a gradient by the output that is twice as large has one by the inputs that is, exactly.
func (t *trial) linear(s opaque.Server, op opaque.Operator) error {
	q := t.asked(1)
	a, err := t.forward(s, op, q)
	if err != nil {
		return err
	}
	w := t.weights(q.Block)
	one, err := t.backward(s, op, q.Block, a.saved, w)
	if err != nil {
		return err
	}
	for i := range w {
		w[i] *= 2
	}
	two, err := t.backward(s, op, q.Block, a.saved, w)
	if err != nil {
		return err
	}
	for i := range one {
		for k, v := range one[i] {
			const least = 1e-30 // below, numbers lose bits
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return noNumber(t.Inputs[i], float64(v))
			}
			if two[i][k] != 2*v && math.Abs(float64(v)) > least {
				return &fault{Gradient, fmt.Sprintf("twice the gradient by the output makes %v of a gradient of %v by input %s", two[i][k], v, t.Inputs[i]),
					"make Backward linear in the gradient by the output: products with what was saved, and sums"}
			}
		}
	}
	return nil
}

// causal: the output at time steps up to one depends on no input behind it, so the gradient by these is 0.
func (t *trial) causal(s opaque.Server, op opaque.Operator) error {
	q := t.asked(1)
	a, err := t.forward(s, op, q)
	if err != nil {
		return err
	}
	w, row, last := t.weights(q.Block), batch*t.size, steps/2
	clear(w[(last+1)*row:])
	g, err := t.backward(s, op, q.Block, a.saved, w)
	if err != nil {
		return err
	}
	for i := range g {
		for k := (last + 1) * row; k < len(g[i]); k++ {
			if g[i][k] != 0 {
				return &fault{Gradient, fmt.Sprintf("a gradient by the output at the time steps 0 to %d reaches input %s at time step %d", last, t.Inputs[i], k/row),
					"go backwards in time: what an input does comes out at its time step and later"}
			}
		}
	}
	return nil
}

// losses are sums of the output with weights, one for each example.
func (t *trial) losses(b opaque.Block, y, w []float32) (sum, size []float64) {
	sum, size = make([]float64, b.Batch), make([]float64, b.Batch)
	for k, v := range y {
		e := k / t.size % b.Batch
		p := float64(v) * float64(w[k])
		sum[e] += p
		size[e] += math.Abs(p)
	}
	return sum, size
}

// along returns for each example the sum of products of a gradient with a direction.
func (t *trial) along(b opaque.Block, g, d []float32) []float64 {
	sum, _ := t.losses(b, g, d)
	return sum
}

// moved is a question with one input a step further in a direction.
func (q question) moved(input int, d []float32, step []float64, size int) question {
	inputs := append([][]float32(nil), q.inputs...)
	x := append([]float32(nil), inputs[input]...)
	for k := range x {
		x[k] += float32(step[k/size%q.Batch]) * d[k]
	}
	inputs[input] = x
	q.inputs, q.keep = inputs, false
	return q
}

// ahead returns for each example how much more its loss is with an input so far ahead in a direction than as far behind, and the size of the
// numbers that both are sums of.
func (t *trial) ahead(s opaque.Server, op opaque.Operator, q question, input int, d, w []float32, step func(example int) float64) (by, size []float64, err error) {
	by, size = make([]float64, q.Batch), make([]float64, q.Batch)
	for _, sign := range []float64{1, -1} {
		steps := make([]float64, q.Batch)
		for e := range steps {
			steps[e] = sign * step(e)
		}
		a, err := t.forward(s, op, q.moved(input, d, steps, t.size))
		if err != nil {
			return nil, nil, err
		}
		loss, of := t.losses(q.Block, a.output, w)
		for e := range by {
			by[e] += sign * loss[e]
			size[e] += of[e]
		}
	}
	return by, size, nil
}

// towards draws a direction of an input.
func towards(draw *rand.Rand, input []float32) []float32 {
	d := make([]float32, len(input))
	for k := range d {
		d[k] = float32(draw.NormFloat64())
	}
	return d
}

// differences compares the gradient of what does not spike with central differences, in one direction for each of many examples. The
// error of these is what they differ by from differences of twice the step, and what the rounding of outputs to 24 bits makes of it; where
// a function has a kink some examples may be further apart.
func (t *trial) differences(s opaque.Server, op opaque.Operator) (string, error) {
	const (
		examples = 64
		h        = 1.0 / 64
		kinks    = 4 // one in so many may be off
	)
	q, draw := t.many(examples, steps)
	a, err := t.forward(s, op, q)
	if err != nil {
		return "", err
	}
	moved, err := t.forward(s, op, q.moved(0, towards(draw, q.inputs[0]), slices.Repeat([]float64{h}, examples), t.size))
	if err != nil {
		return "", err
	}
	if levels(a.output) && levels(moved.output) {
		return t.smoothed(s, op)
	}
	w := t.weights(q.Block)
	g, err := t.backward(s, op, q.Block, a.saved, w)
	if err != nil {
		return "", err
	}
	for i, name := range t.Inputs {
		d := towards(draw, q.inputs[i])
		fine, size, err := t.ahead(s, op, q, i, d, w, func(int) float64 { return h })
		if err != nil {
			return "", err
		}
		coarse, _, err := t.ahead(s, op, q, i, d, w, func(int) float64 { return 2 * h })
		if err != nil {
			return "", err
		}
		for e := range fine {
			fine[e], coarse[e] = fine[e]/(2*h), coarse[e]/(4*h)
		}
		wrong, worst := 0, 0
		got := t.along(q.Block, g[i], d)
		off := func(e int) float64 {
			return math.Abs(got[e]-fine[e]) - 2*math.Abs(fine[e]-coarse[e]) - size[e]*0x1p-22/h // a few roundings of each number
		}
		for e := range got {
			if math.IsNaN(got[e]) || math.IsInf(got[e], 0) {
				return "", noNumber(name, got[e])
			}
			if off(e) > 1e-3*math.Abs(fine[e]) {
				wrong++
			}
			if off(e) > off(worst) {
				worst = e
			}
		}
		if wrong > examples/kinks {
			return "", &fault{Gradient, fmt.Sprintf("by input %s it is %.4g in a direction in which the output changes by %.4g, and so in %d of %d directions", name, got[worst], fine[worst], wrong, examples),
				"make Backward the derivative of Forward by " + name + ": all ways by which the input reaches the output, at its time step and through the states at later ones"}
		}
	}
	return fmt.Sprintf("as differences say, in %d directions", examples*len(t.Inputs)), nil
}

// levels reports whether numbers have few values, as spikes of several sizes have, or are all whole, as counts of spikes are: what gives them
// is a step function, whose derivative is 0, and what takes its place may go straight through the rounding.
func levels(x []float32) bool {
	const most = 64
	seen, whole := map[float32]bool{}, true
	for _, v := range x {
		seen[v] = true
		whole = whole && v == float32(math.Round(float64(v)))
		if len(seen) > most && !whole {
			return false
		}
	}
	return true
}

// many is a question of many examples, of all sizes from 1/4 to 8.
func (t *trial) many(examples, steps int) (question, *rand.Rand) {
	draw := rand.New(rand.NewPCG(5, 6))
	q := question{Block: opaque.Block{Steps: steps, Batch: examples, Count: examples}, keep: true}
	for range t.Inputs {
		q.inputs = append(q.inputs, t.drawn(draw, q.Block, func(e int) float64 { return sized(e, examples) }))
	}
	for range examples {
		q.seeds = append(q.seeds, draw.Uint64N(1<<48))
	}
	return q, draw
}

// sized is the size of an example among so many.
func sized(e, examples int) float64 { return math.Exp2(5*float64(e)/float64(examples) - 2) }

// smoothed compares the gradient of what spikes with differences of the smoothed model: of the mean output under normal noise on the
// input, whose derivative is the mean of noise times the difference of outputs with the noise added and taken away (Stein's lemma). What
// takes the place of a spike's derivative is the author's choice, and so is its scale; but it has to point where more spikes are. So what is
// compared is the correlation, over many examples and draws, of differences with what the gradient says of them.
func (t *trial) smoothed(s opaque.Server, op opaque.Operator) (string, error) {
	const (
		examples = 512
		enough   = 64 // pairs in which a spike changes: fewer say nothing, of a neuron whose threshold is far from such inputs
	)
	q, draw := t.many(examples, steps)
	worst, without := math.Inf(1), "" // the smallest correlation by an input, and the last input that has none
	var why untested
	a, err := t.forward(s, op, q)
	if err != nil {
		return "", err
	}
	w := t.weights(q.Block)
	g, err := t.backward(s, op, q.Block, a.saved, w)
	if err != nil {
		return "", err
	}
	for i, name := range t.Inputs {
		for _, p := range t.parts() {
			r, err := t.pairs(s, op, q, i, p, w, g[i], draw)
			switch {
			case err != nil:
				return "", err
			case r.changed < enough && !p.whole:
			case r.changed == 0:
				without, why = name, "not by differences: nothing that comes in changes what comes out"
			case r.changed < enough:
				without, why = name, untested(fmt.Sprintf("not by differences: of %d changes of the input few change what comes out; pass --use with a threshold near 1", r.all))
			case r.xx == 0:
				return "", &fault{Gradient, fmt.Sprintf("it is 0 everywhere by input %s%s, whose changes change what comes out", name, p.said), "give the spike, or the rounding, a surrogate derivative in Backward, or take `gradient` out of the description"}
			case r.correlation() < p.least:
				return "", &fault{Gradient, fmt.Sprintf("by input %s%s it does not point where differences of the smoothed model do: their correlation is %.2f", name, p.said, r.correlation()),
					"look for a sign, a time step and a state in Backward: all ways by which " + name + " reaches a spike, at its time step and through the states at later ones"}
			case p.whole:
				worst = min(worst, r.correlation())
			}
		}
	}
	if math.IsInf(worst, 1) {
		return "", why
	}
	found := fmt.Sprintf("as differences of the smoothed model say, with a correlation of %.2f", worst)
	if without != "" {
		found += "; by input " + without + " " + string(why)
	}
	return found, nil
}

// part is the time steps at which an input is moved, and the correlation that there has to be.
type part struct {
	from, to int
	whole    bool
	least    float64
	said     string
}

// parts are all time steps and, of what comes in with time steps, each half: what is missing in one hides behind the other.
func (t *trial) parts() []part {
	const least = 0.1 // chance makes 0.02 of 2,048 pairs; surrogates have about 0.7, derivatives of probabilities of spikes, seen by single ones, 0.25
	all := part{0, steps, true, least, ""}
	if t.Direction != "" {
		return []part{all}
	}
	half := func(from, to int) part {
		return part{from, to, false, 0, fmt.Sprintf(" at the time steps %d to %d", from, to-1)}
	}
	return []part{all, half(0, steps/2), half(steps/2, steps)}
}

// pairs are what a gradient says of changes of an input, x, and what these change, y.
type pairs struct {
	xy, xx, yy   float64 // sums of products
	all, changed int     // how many, and those in which a spike changes
}

func (p pairs) correlation() float64 { return p.xy / math.Sqrt(p.xx*p.yy) }

// pairs moves an input at some time steps in directions that are drawn.
func (t *trial) pairs(s opaque.Server, op opaque.Operator, q question, input int, p part, w, g []float32, draw *rand.Rand) (out pairs, err error) {
	const (
		draws = 4
		noise = 0.25 // of the example's size
	)
	for range draws {
		d := towards(draw, q.inputs[input])
		if !p.whole {
			row := len(d) / steps
			clear(d[:p.from*row])
			clear(d[p.to*row:])
		}
		far := func(e int) float64 {
			if t.Direction == "" {
				return noise * sized(e, q.Batch)
			}
			return noise
		}
		by, _, err := t.ahead(s, op, q, input, d, w, far)
		if err != nil {
			return out, err
		}
		for e, says := range t.along(q.Block, g, d) {
			is := by[e]
			says *= far(e)
			if math.IsNaN(says) || math.IsInf(says, 0) {
				return out, noNumber(t.Inputs[input], says)
			}
			if is != 0 {
				out.changed++
			}
			out.all++
			out.xy, out.xx, out.yy = out.xy+says*is, out.xx+says*says, out.yy+is*is
		}
	}
	return out, nil
}
