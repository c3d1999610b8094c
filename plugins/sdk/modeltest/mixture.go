package modeltest

import (
	"fmt"
	"math"
	"testing"

	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// Mixture is a mixture of three normal distributions in the plane.
type Mixture struct {
	Shares  [3]float64
	Centres [3][2]float64
	Spread  float64 // standard deviation of each, in both directions
}

// Three is a mixture of unequal shares whose centres are well apart.
func Three() Mixture {
	return Mixture{[3]float64{0.5, 0.3, 0.2}, [3][2]float64{{-1.2, 0.3}, {1, 1.1}, {0.7, -1.3}}, 0.2}
}

// Of returns the mixture with other shares.
func (m Mixture) Of(shares [3]float64) Mixture {
	m.Shares = shares
	return m
}

// Examples returns n draws from the mixture as examples to train on: `image` is real[2], `label` the number of its centre. The shares
// are exact.
func (m Mixture) Examples(n int) Drawn { return Drawn{m, n} }

// Drawn are draws from a mixture, train.Examples.
type Drawn struct {
	from Mixture
	n    int
}

// Len returns how many there are.
func (d Drawn) Len() int { return d.n }

// Fill writes a field of the examples with the given numbers.
func (d Drawn) Fill(field string, examples []int, dst *tensor.Tensor) error {
	noise := rng.New(1, "points", 0)
	for i, e := range examples {
		u, m := (float64(e)+0.5)/float64(d.n), 0
		for ; u > d.from.Shares[m]; m++ {
			u -= d.from.Shares[m]
		}
		if field == "label" {
			dst.I32[i] = int32(m)
			continue
		}
		for k := range 2 {
			dst.F32[2*i+k] = float32(d.from.Centres[m][k] + d.from.Spread*noise.Normal64(uint64(e), uint64(k)))
		}
	}
	return nil
}

// Judge compares samples with the mixture: the share of each centre, mean and covariance of what is around it, within four spreads,
// how much is around none, and mean and covariance of all. A figure may be off by five of its standard errors, and by the share bias
// of its scale that a model is allowed to be off: of a standard deviation, a variance, a share.
func (m Mixture) Judge(t testing.TB, what string, samples [][2]float64, bias float64) {
	t.Helper()
	n := float64(len(samples))
	near := func(figure string, got, want, scale, err float64) {
		t.Helper()
		if math.Abs(got-want) > 5*err+bias*scale {
			t.Errorf("%s: %s is %.4f, want %.4f (standard error %.4f)", what, figure, got, want, err)
		}
	}
	moments := func(figure string, x [][2]float64, mean [2]float64, cov [2][2]float64) {
		t.Helper()
		n := float64(len(x))
		for i := range 2 {
			sum := 0.0
			for _, p := range x {
				sum += p[i] / n
			}
			near(fmt.Sprintf("mean %d %s", i, figure), sum, mean[i], math.Sqrt(cov[i][i]), math.Sqrt(cov[i][i]/n))
			for k := range 2 {
				sum, square := 0.0, 0.0
				for _, p := range x {
					v := (p[i] - mean[i]) * (p[k] - mean[k])
					sum += v / n
					square += v * v / n
				}
				near(fmt.Sprintf("covariance %d %d %s", i, k, figure), sum, cov[i][k], math.Sqrt(cov[i][i]*cov[k][k]), math.Sqrt((square-sum*sum)/n))
			}
		}
	}
	var nearest [3]float64
	var around [3][][2]float64
	nowhere := 0.0
	for _, p := range samples {
		best := 0
		far := func(c int) float64 { return math.Hypot(p[0]-m.Centres[c][0], p[1]-m.Centres[c][1]) }
		for c := range m.Centres {
			if far(c) < far(best) {
				best = c
			}
		}
		nearest[best]++
		if far(best) < 4*m.Spread {
			around[best] = append(around[best], p)
		} else {
			nowhere++
		}
	}
	beyond := math.Exp(-8.0) // the chance of more than four spreads in the plane
	near("share around no centre", nowhere/n, beyond, 1, math.Sqrt(beyond/n))
	v := m.Spread * m.Spread
	var mean [2]float64
	for c, w := range m.Shares {
		near(fmt.Sprintf("share %d", c), nearest[c]/n, w, w, math.Sqrt(w*(1-w)/n))
		if w > 0 {
			moments(fmt.Sprintf("at centre %d", c), around[c], m.Centres[c], [2][2]float64{{v, 0}, {0, v}})
		}
		for i := range mean {
			mean[i] += w * m.Centres[c][i]
		}
	}
	cov := [2][2]float64{{v, 0}, {0, v}}
	for c, w := range m.Shares {
		for i := range 2 {
			for k := range 2 {
				cov[i][k] += w * (m.Centres[c][i] - mean[i]) * (m.Centres[c][k] - mean[k])
			}
		}
	}
	moments("of all", samples, mean, cov)
}
