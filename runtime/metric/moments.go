package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// MaxFeatures is the largest number of features that Moments accepts: a covariance of 4096 takes 128 MiB, and its
// eigenvalues some minutes.
const MaxFeatures = 4096

// Moments accumulates mean and covariance of feature vectors, in the order in which they come, whatever the batches. Make it
// with NewMoments.
type Moments struct {
	count   int
	mean    []float64
	scatter *mat.SymDense // sum of the outer products of the distances from the mean
	waiting []float64     // vectors that are not in mean and scatter yet
	few     []float64     // all vectors; nil where they are not fewer by much than features
	axes    *axes         // of the covariance; nil: not known
}

// together is how many vectors enter the moments at once, as one product of matrices.
const together = 128

// NewMoments returns the moments of no vectors yet, of a given number of features.
func NewMoments(features int) (*Moments, error) {
	if features < 1 || features > MaxFeatures {
		return nil, fmt.Errorf("accumulate moments: %d features, can be 1 to %d", features, MaxFeatures)
	}
	return &Moments{mean: make([]float64, features), scatter: mat.NewSymDense(features, nil)}, nil
}

// MomentsOf returns the moments of vectors.
func MomentsOf(v Vectors) (*Moments, error) {
	m, err := NewMoments(v.Size)
	if err != nil {
		return nil, err
	}
	for i := range v.N {
		if err := m.Add(v.Vector(i)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Add takes one feature vector of finite numbers.
func (m *Moments) Add(x []float32) error {
	if len(x) != len(m.mean) {
		return fmt.Errorf("accumulate moments: %d features, want %d", len(x), len(m.mean))
	}
	for i, v := range x {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("accumulate moments: feature %d of vector %d is %v", i, m.Count(), v)
		}
	}
	for _, v := range x {
		m.waiting = append(m.waiting, float64(v))
	}
	m.axes = nil
	if 3*m.Count() > len(x) { // and so it is from here on
		m.few = nil
	} else {
		m.few = append(m.few, m.waiting[len(m.waiting)-len(x):]...)
	}
	if len(m.waiting) == together*len(m.mean) {
		m.take()
	}
	return nil
}

// Count returns the number of vectors.
func (m *Moments) Count() int { return m.count + len(m.waiting)/len(m.mean) }

// take brings the waiting vectors into mean and scatter: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the
// sample variance", The American Statistician 1983, equation 2.1, for vectors.
func (m *Moments) take() {
	d := len(m.mean)
	if len(m.waiting) == 0 {
		return
	}
	x := mat.NewDense(len(m.waiting)/d, d, m.waiting)
	rows, _ := x.Dims()
	mean := make([]float64, d)
	for i := range rows {
		for j, v := range x.RawRowView(i) {
			mean[j] += v / float64(rows)
		}
	}
	for i := range rows {
		for j := range mean {
			x.RawRowView(i)[j] -= mean[j]
		}
	}
	m.scatter.SymRankK(m.scatter, 1, x.T())
	n, k := float64(m.count), float64(rows)
	for j := range mean {
		mean[j] -= m.mean[j]
		m.mean[j] += mean[j] * k / (n + k)
	}
	m.scatter.SymRankOne(m.scatter, n*k/(n+k), mat.NewVecDense(d, mean))
	m.count += rows
	m.waiting = m.waiting[:0]
}

// covariance returns the unbiased covariance.
func (m *Moments) covariance() *mat.SymDense {
	m.take()
	var c mat.SymDense
	c.ScaleSym(1/float64(m.count-1), m.scatter)
	return &c
}

// trace returns that of the covariance.
func (m *Moments) trace() float64 {
	m.take()
	return mat.Trace(m.scatter) / float64(m.count-1)
}
