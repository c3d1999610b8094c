package plugintest

import (
	"fmt"
	"math"

	"snnc.dev/snnc/runtime/opaque"
)

// through compares what Backward says of late outputs by early inputs with differences of the smoothed model: a gradient that is right at
// each time step, and ends there, is about as well correlated with all differences as a right one is.
//
// For each example there is one direction of the early inputs and one sum of late outputs with weights. Under several draws of noise on the
// input it is asked how much the sum changes along the direction, and what the gradient says of that. In the mean over draws that is the
// derivative of the smoothed model, so where there is one the changes under two draws are alike: the sum of their products over pairs of
// draws and examples, in units of its standard deviation where changes were independent and zero in the mean, is how clear it is. Products
// of changes with what the gradient says under other draws tell likewise whether that points the same way.
//
// Only what is clear fails: where a late output depends on an early input, but without a direction, no gradient is as good as any.
func (t *trial) through(s opaque.Server, op opaque.Operator) (string, error) {
	const (
		examples = 256
		long     = 16 // time steps, of which half are early
		draws    = 8
		noise    = 0.25 // of the example's size
		sure     = 4    // standard deviations
	)
	q, draw := t.many(examples, long)
	half := long / 2 * examples * t.size
	w := t.weights(q.Block)
	if t.out() {
		clear(w[:half])
	}
	far := func(e int) float64 {
		if t.Direction == "" {
			return noise * sized(e, examples)
		}
		return noise
	}
	further := make([]float64, examples)
	for e := range further {
		further[e] = far(e)
	}
	found := ""
	for i, name := range t.Inputs {
		d := towards(draw, q.inputs[i])
		if t.in() {
			clear(d[half:])
		}
		var is, says [draws][]float64 // by example
		for k := range draws {
			own := q.moved(i, towards(draw, q.inputs[i]), further, t.size)
			own.keep = true
			a, err := t.forward(s, op, own)
			if err != nil {
				return "", err
			}
			g, err := t.backward(s, op, own.Block, a.saved, w)
			if err != nil {
				return "", err
			}
			if is[k], _, err = t.ahead(s, op, own, i, d, w, far); err != nil {
				return "", err
			}
			says[k] = t.along(q.Block, g[i], d)
			for e := range says[k] {
				says[k][e] *= 2 * far(e)
			}
		}
		var xx, yy, xy float64
		var alike, agrees significance
		for e := range examples {
			for k := range draws {
				x, y := says[k][e], is[k][e]
				xx, yy, xy = xx+x*x, yy+y*y, xy+x*y
				for j := range k {
					alike.add(y * is[j][e])
					agrees.add(y*says[j][e] + x*is[j][e])
				}
			}
		}
		r := xy / math.Sqrt(xx*yy)
		switch {
		case math.IsNaN(xx) || math.IsInf(xx, 0):
			return "", noNumber(name, xx)
		case xx == 0 && alike.deviations() > sure:
			return "", &fault{Gradient, fmt.Sprintf("no gradient goes through time: by input %s in the time steps 0 to %d that of the outputs behind them is 0, and differences of the smoothed model change them, by %.1f standard deviations",
				name, long/2-1, alike.deviations()), "carry the gradient by the states from each time step to the one before in Backward, which goes from the last step to the first; where a rule is meant that does not, say `local` in the description"}
		case xx > 0 && agrees.deviations() < -sure:
			return "", &fault{Gradient, fmt.Sprintf("through time it points away: by input %s in the time steps 0 to %d that of the outputs behind them and differences of the smoothed model have a correlation of %.2f",
				name, long/2-1, r), "look for the sign of what goes through the states from a time step to the one before in Backward"}
		case xx > 0 && yy > 0:
			found = fmt.Sprintf(", through time of %.2f", r)
		case yy > 0:
			found = ", and through time it is 0, where differences have no clear direction"
		}
	}
	return found, nil
}

// significance is a sum of numbers that are, where nothing is to be found, zero in the mean and not correlated.
type significance struct{ sum, squares float64 }

func (s *significance) add(x float64) { s.sum, s.squares = s.sum+x, s.squares+x*x }

// deviations is the sum in units of its standard deviation where nothing is to be found; 0 for a sum of zeros.
func (s *significance) deviations() float64 {
	if s.squares == 0 {
		return 0
	}
	return s.sum / math.Sqrt(s.squares)
}
