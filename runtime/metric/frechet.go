package metric

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

var errEigen = errors.New("Fréchet distance: no eigenvalues found")

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
	if a.Count() < 2 || b.Count() < 2 {
		return 0, fmt.Errorf("Fréchet distance: %d vectors against %d, needs two of each", a.Count(), b.Count())
	}
	if a.Count() > b.Count() { // the smaller rank is taken apart
		a, b = b, a
	}
	s2 := b.covariance()
	sum := a.trace() + mat.Trace(s2)
	for i := range a.mean {
		d := a.mean[i] - b.mean[i]
		sum += d * d
	}
	x, err := a.axesOf()
	if err != nil || x.v == nil { // all vectors equal: S1 is 0
		return sum, err
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(inner(x.v, x.values, s2), false) {
		return 0, errEigen
	}
	for _, l := range eigen.Values(nil) {
		sum -= 2 * math.Sqrt(max(l, 0))
	}
	return sum, nil
}

// axes are the eigenvectors of a covariance, as columns, whose eigenvalues are above rounding, and these; v is nil where none is.
type axes struct {
	v      *mat.Dense
	values []float64
}

// axesOf returns the axes of the covariance S. Of few vectors, the rows of X without their mean, they are those of the small matrix
// X X' / (n - 1) = U L U', whose eigenvalues are those of S: X' U / ((n - 1) L)^(1/2).
func (m *Moments) axesOf() (*axes, error) {
	if m.axes != nil {
		return m.axes, nil
	}
	var s *mat.SymDense
	var x *mat.Dense
	features, rank := len(m.mean), len(m.mean)
	if m.few == nil {
		s = m.covariance()
	} else {
		m.take()
		x = mat.NewDense(m.count, features, append([]float64(nil), m.few...))
		for i := range m.count {
			for j := range m.mean {
				x.RawRowView(i)[j] -= m.mean[j]
			}
		}
		s, rank = mat.NewSymDense(m.count, nil), m.count
		s.SymRankK(s, 1/float64(m.count-1), x)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s, true) {
		return nil, errEigen
	}
	values := eigen.Values(nil) // rising
	const epsilon = 0x1p-52
	floor := values[rank-1] * epsilon * float64(features)
	first := 0
	for first < rank && values[first] <= floor {
		first++
	}
	m.axes = &axes{}
	if first == rank {
		return m.axes, nil
	}
	var u mat.Dense
	eigen.VectorsTo(&u)
	m.axes.values = values[first:]
	v := mat.DenseCopyOf(u.Slice(0, rank, first, rank))
	if x != nil {
		v.Apply(func(_, j int, e float64) float64 { return e / math.Sqrt(float64(m.count-1)*m.axes.values[j]) }, v)
		var wide mat.Dense
		wide.Mul(x.T(), v)
		v = &wide
	}
	m.axes.v = v
	return m.axes, nil
}

// inner returns L^(1/2) V' S V L^(1/2).
func inner(v *mat.Dense, values []float64, s *mat.SymDense) *mat.SymDense {
	root := mat.DenseCopyOf(v)
	root.Apply(func(_, j int, x float64) float64 { return x * math.Sqrt(values[j]) }, root)
	var right, product mat.Dense
	right.Mul(s, root)
	product.Mul(root.T(), &right)
	out := mat.NewSymDense(len(values), nil)
	for i := range values {
		for j := i; j < len(values); j++ {
			out.SetSym(i, j, (product.At(i, j)+product.At(j, i))/2)
		}
	}
	return out
}

// influences returns what each sample adds to the distance of the samples from the reference by first order, up to a constant:
//
//	2 (mean1 - mean2)'(x - mean1) + (x - mean1)'(I - T)(x - mean1)
//
// The derivative by the samples' covariance S1 is I - T, where T = S1^(-1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2) transports
// one normal distribution to the other (Dowson and Landau); it is taken on the range of S1, in which the samples lie.
func influences(x Vectors, samples, reference *Moments) ([]float64, error) {
	a, err := samples.axesOf()
	out := make([]float64, x.N)
	if err != nil || a.v == nil {
		return out, err
	}
	v, values, s2 := a.v, a.values, reference.covariance()
	var eigen mat.EigenSym
	if !eigen.Factorize(inner(v, values, s2), true) {
		return nil, errEigen
	}
	// With M = U K U' the inner matrix, (x - m)' T (x - m) = |K^(1/4) U' L^(-1/2) V' (x - m)|^2.
	var u, map1 mat.Dense
	eigen.VectorsTo(&u)
	k := eigen.Values(nil)
	u.Apply(func(i, j int, e float64) float64 { return e * math.Sqrt(math.Sqrt(max(k[j], 0))/values[i]) }, &u)
	map1.Mul(v, &u)
	centred := mat.NewDense(min(together, x.N), x.Size, nil)
	for first := 0; first < x.N; first += together {
		n := min(together, x.N-first)
		part := centred.Slice(0, n, 0, x.Size).(*mat.Dense)
		for i := range n {
			row := part.RawRowView(i)
			for j, e := range x.Vector(first + i) {
				row[j] = float64(e) - samples.mean[j]
				out[first+i] += 2*(samples.mean[j]-reference.mean[j])*row[j] + row[j]*row[j]
			}
		}
		var moved mat.Dense
		moved.Mul(part, &map1)
		for i := range n {
			for _, e := range moved.RawRowView(i) {
				out[first+i] -= e * e
			}
		}
	}
	return out, nil
}

// Frechet returns the distance of samples from a reference as a figure: frechet_FEATURES, or fid over the features that this
// name belongs to, inception. It is biased upwards, the more the fewer samples there are; where there are no more than
// features, the recipe says so. The interval is that of other draws of as many samples: the bootstrap of their influences.
func Frechet(f *Features, samples Vectors, reference *Moments, p Protocol) (Figure, error) {
	m, err := MomentsOf(samples)
	if err != nil {
		return Figure{}, err
	}
	d, err := Distance(m, reference)
	if err != nil {
		return Figure{}, err
	}
	by, err := influences(samples, m, reference)
	if err != nil {
		return Figure{}, err
	}
	name := "frechet_" + f.Name
	if f.Name == Inception {
		name = FID
	}
	recipe := p.recipe("Fréchet distance over "+f.String(), samples.N, reference.Count())
	if n := min(samples.N, reference.Count()); n <= f.Size {
		recipe += fmt.Sprintf("; unreliable: %d vectors do not span %d features", n, f.Size)
	}
	return Figure{Name: name, Value: d, Count: samples.N, Interval: about(d, by, "frechet"), Recipe: recipe}, nil
}
