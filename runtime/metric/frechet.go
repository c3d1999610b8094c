package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// MaxFeatures is the largest number of features that Moments accepts: a covariance of 4096 takes 128 MiB, and its
// eigenvalues some minutes.
const MaxFeatures = 4096

// Moments accumulates mean and covariance of feature vectors. Make it with NewMoments.
type Moments struct {
	count   int
	mean    []float64
	scatter *mat.SymDense // sum of the outer products of the distances from the mean
	from    *mat.VecDense // of the newest vector
}

// NewMoments returns the moments of no vectors yet, of a given number of features.
func NewMoments(features int) (*Moments, error) {
	if features < 1 || features > MaxFeatures {
		return nil, fmt.Errorf("accumulate moments: %d features, can be 1 to %d", features, MaxFeatures)
	}
	return &Moments{mean: make([]float64, features), scatter: mat.NewSymDense(features, nil), from: mat.NewVecDense(features, nil)}, nil
}

// Add takes one feature vector of finite numbers.
func (m *Moments) Add(x []float32) error {
	if len(x) != len(m.mean) {
		return fmt.Errorf("accumulate moments: %d features, want %d", len(x), len(m.mean))
	}
	for i, v := range x {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("accumulate moments: feature %d of vector %d is %v", i, m.count, v)
		}
	}
	m.count++
	n := float64(m.count)
	for i, v := range x {
		d := float64(v) - m.mean[i]
		m.from.SetVec(i, d)
		m.mean[i] += d / n
	}
	// Welford's update for vectors: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance",
	// The American Statistician 1983, equation 2.1 with one set of one vector.
	m.scatter.SymRankOne(m.scatter, (n-1)/n, m.from)
	return nil
}

// covariance returns the unbiased covariance.
func (m *Moments) covariance() *mat.SymDense {
	var c mat.SymDense
	c.ScaleSym(1/float64(m.count-1), m.scatter)
	return &c
}

// Distance returns the Fréchet distance between the normal distributions with these moments (D. C. Dowson, B. V. Landau,
// "The Fréchet distance between multivariate normal distributions", J. Multivariate Analysis 1982), squared as is usual
// since M. Heusel et al., "GANs trained by a two time-scale update rule", 2017:
//
//	|mean1 - mean2|^2 + Tr(S1) + Tr(S2) - 2 Tr((S1 S2)^(1/2))
//
// with unbiased covariances S. Both need two vectors or more, and may have fewer than features. Rounding can leave a value
// a little below 0; it is returned as it is.
//
// The last trace is the sum of the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric. With S1 = V L V'
// these are those of L^(1/2) V' S2 V L^(1/2); computed on the columns of V alone whose eigenvalue is above rounding, the
// null space of a covariance of few vectors, whose rounding errors would enter by their roots, does not take part.
func Distance(a, b *Moments) (float64, error) {
	if len(a.mean) != len(b.mean) {
		return 0, fmt.Errorf("Fréchet distance: %d features against %d", len(a.mean), len(b.mean))
	}
	if a.count < 2 || b.count < 2 {
		return 0, fmt.Errorf("Fréchet distance: %d vectors against %d, needs two of each", a.count, b.count)
	}
	if a.count > b.count { // the smaller rank is taken apart
		a, b = b, a
	}
	s1, s2 := a.covariance(), b.covariance()
	sum := mat.Trace(s1) + mat.Trace(s2)
	for i := range a.mean {
		d := a.mean[i] - b.mean[i]
		sum += d * d
	}

	var eigen mat.EigenSym
	if !eigen.Factorize(s1, true) {
		return 0, fmt.Errorf("Fréchet distance: no eigenvalues found")
	}
	values := eigen.Values(nil) // rising
	n := len(values)
	const epsilon = 0x1p-52
	floor := values[n-1] * epsilon * float64(n)
	first := 0
	for first < n && values[first] <= floor {
		first++
	}
	if first == n { // all vectors equal: S1 is 0
		return sum, nil
	}
	var v mat.Dense
	eigen.VectorsTo(&v)
	root := mat.DenseCopyOf(v.Slice(0, n, first, n)) // V L^(1/2)
	root.Apply(func(_, j int, x float64) float64 { return x * math.Sqrt(values[first+j]) }, root)

	var right, product mat.Dense
	right.Mul(s2, root)
	product.Mul(root.T(), &right)
	inner := mat.NewSymDense(n-first, nil)
	for i := range n - first {
		for j := i; j < n-first; j++ {
			inner.SetSym(i, j, (product.At(i, j)+product.At(j, i))/2)
		}
	}
	if !eigen.Factorize(inner, false) {
		return 0, fmt.Errorf("Fréchet distance: no eigenvalues found")
	}
	for _, l := range eigen.Values(nil) {
		sum -= 2 * math.Sqrt(max(l, 0))
	}
	return sum, nil
}

// Frechet returns the distance of samples from a reference as a figure. features names what the vectors are (pixels);
// split names the reference (test, train). The distance is biased upwards with few samples, so the recipe counts them.
func Frechet(features string, samples, reference *Moments, split string) (Figure, error) {
	d, err := Distance(samples, reference)
	if err != nil {
		return Figure{}, err
	}
	return Figure{Name: "frechet_" + features, Value: d, Count: samples.count,
		Recipe: fmt.Sprintf("Fréchet distance over %s, %d samples against %d of %s", features, samples.count, reference.count, split)}, nil
}
