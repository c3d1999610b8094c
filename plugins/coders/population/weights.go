package population

import (
	"errors"

	"gonum.org/v1/gonum/mat"
)

// Tuning curves are looked at in so many points between the means of two, and where they are less than nothing they are taken for 0.
const (
	between = 64
	nothing = 1e-12
)

// weights returns what each neuron's activity counts for in the decoded value, which is that in the middle of the range plus the sum
// of activities times weights. They are those of the least mean squared error for values that are uniform in the range, where each
// activity is told with an error of its own: of variance a (1 - a) / T for T random spikes, and 1 / 12 T² for what is rounded to 1 / T.
// These are the optimal linear decoders of C. Eliasmith, C. H. Anderson, "Neural Engineering", 2003, chapter 2, with the noise of
// this code in the place of one that is chosen.
func (p *population) weights() ([]float64, error) {
	n := p.neurons
	gram, with := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	middle, width := (p.low+p.high)/2, p.high-p.low
	points := between * (n - 2)
	part := 1 / float64(points)
	for k := range points {
		u := (float64(k)+0.5)*part - 0.5
		a := p.activities(middle + u*width)
		for i := range n {
			gram.SetSym(i, i, gram.At(i, i)+p.variance(a[i])*part)
			if a[i] < nothing {
				continue
			}
			with.SetVec(i, with.AtVec(i)+a[i]*u*part)
			for j := i; j < n && a[j] >= nothing; j++ { // they rise and then fall with j
				gram.SetSym(i, j, gram.At(i, j)+a[i]*a[j]*part)
			}
		}
	}
	var c mat.Cholesky
	if !c.Factorize(gram) {
		return nil, errors.New("the tuning curves of the population do not tell values apart")
	}
	solved := mat.NewVecDense(n, nil)
	if err := c.SolveVecTo(solved, with); err != nil {
		return nil, err
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = solved.AtVec(i) * width
	}
	return out, nil
}

// variance is that of the error of an activity that spikes tell.
func (p *population) variance(a float64) float64 {
	t := float64(p.steps)
	if p.code == poisson {
		return a * (1 - a) / t
	}
	return 1 / (12 * t * t)
}
