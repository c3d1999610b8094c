package metric

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// block is how many vectors of each side a product of matrices takes at once; its result fits into a cache.
const block = 256

// products calls each with the inner products of x from a on with y from b on, rows x columns, for one block after the other,
// rows first; it is called with one block at a time. Only blocks with b >= a are computed where upper is set.
func products(ctx context.Context, x, y Vectors, upper bool, each func(a, b, rows, columns int, dot []float64)) error {
	wide := func(v Vectors, first int, to []float64) blas64.General {
		n := min(block, v.N-first)
		for i, e := range v.Data[first*v.Size : (first+n)*v.Size] {
			to[i] = float64(e)
		}
		return blas64.General{Rows: n, Cols: v.Size, Stride: v.Size, Data: to}
	}
	left, right, dot := make([]float64, block*x.Size), make([]float64, block*x.Size), make([]float64, block*block)
	for a := 0; a < x.N; a += block {
		l := wide(x, a, left)
		start := 0
		if upper {
			start = a
		}
		for b := start; b < y.N; b += block {
			if err := ctx.Err(); err != nil {
				return err
			}
			r := wide(y, b, right)
			out := blas64.General{Rows: l.Rows, Cols: r.Rows, Stride: r.Rows, Data: dot[:l.Rows*r.Rows]}
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, l, r, 0, out)
			each(a, b, l.Rows, r.Rows, out.Data)
		}
	}
	return nil
}

// squares returns the squared lengths of vectors.
func squares(v Vectors) []float64 {
	out := make([]float64, v.N)
	for i := range out {
		for _, e := range v.Vector(i) {
			out[i] += float64(e) * float64(e)
		}
	}
	return out
}

// distances calls each with the squared distances of x from a on and y from b on, as products does with products.
func distances(ctx context.Context, x, y Vectors, upper bool, each func(a, b, rows, columns int, d []float64)) error {
	xx, yy := squares(x), squares(y)
	return products(ctx, x, y, upper, func(a, b, rows, columns int, dot []float64) {
		for i := range rows {
			row := dot[i*columns : (i+1)*columns]
			for j := range row {
				row[j] = max(xx[a+i]+yy[b+j]-2*row[j], 0)
			}
		}
		each(a, b, rows, columns, dot)
	})
}

// radii returns the squared distance of each vector from its k-th nearest among the others.
func radii(ctx context.Context, x Vectors, k int) ([]float64, error) {
	nearest := make([]float64, x.N*k) // of each vector k distances, rising
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	put := func(i int, d float64) {
		list := nearest[i*k : (i+1)*k]
		if d >= list[k-1] {
			return
		}
		at := k - 1
		for ; at > 0 && list[at-1] > d; at-- {
			list[at] = list[at-1]
		}
		list[at] = d
	}
	err := distances(ctx, x, x, true, func(a, b, rows, columns int, d []float64) {
		for i := range rows {
			for j := range columns {
				if a+i < b+j { // each pair once, for both
					put(a+i, d[i*columns+j])
					put(b+j, d[i*columns+j])
				}
			}
		}
	})
	out := make([]float64, x.N)
	for i := range out {
		out[i] = nearest[i*k+k-1]
	}
	return out, err
}

// manifolds is what neighbourhoods say of samples and a reference: around each vector a ball up to its k-th nearest neighbour
// of its own side.
type manifolds struct {
	around  []float64 // of each sample: in how many balls of the reference it lies
	reached []bool    // of each of the reference: whether it lies in a ball of the samples
	covered []bool    // of each of the reference: whether its ball holds a sample
}

func neighbourhoods(ctx context.Context, samples, reference Vectors, k int) (*manifolds, error) {
	if k < 1 || samples.N <= k || reference.N <= k {
		return nil, fmt.Errorf("find %d nearest neighbours: %d samples and %d of the reference, needs more of each", k, samples.N, reference.N)
	}
	own, err := radii(ctx, samples, k)
	if err != nil {
		return nil, err
	}
	other, err := radii(ctx, reference, k)
	if err != nil {
		return nil, err
	}
	m := &manifolds{make([]float64, samples.N), make([]bool, reference.N), make([]bool, reference.N)}
	err = distances(ctx, samples, reference, false, func(a, b, rows, columns int, d []float64) {
		for i := range rows {
			for j, e := range d[i*columns : (i+1)*columns] {
				if e <= other[b+j] {
					m.around[a+i]++
					m.covered[b+j] = true
				}
				if e <= own[a+i] {
					m.reached[b+j] = true
				}
			}
		}
	})
	return m, err
}

func count(list []bool) (n float64) {
	for _, is := range list {
		if is {
			n++
		}
	}
	return n
}

// PrecisionRecall returns improved precision and recall (T. Kynkäänniemi et al., "Improved precision and recall metric for
// assessing generative models", 2019) as precision_FEATURES and recall_FEATURES: the share of the samples that lie in a ball
// around one of the reference up to its k-th nearest neighbour there, and the same the other way round. The intervals are Wilson's,
// of other samples and of other images of the reference, with the balls as they are.
func PrecisionRecall(ctx context.Context, f *Features, samples, reference Vectors, k int, p Protocol) ([]Figure, error) {
	m, err := neighbourhoods(ctx, samples, reference, k)
	if err != nil {
		return nil, err
	}
	var inside float64
	for _, n := range m.around {
		if n > 0 {
			inside++
		}
	}
	reached, n, r := count(m.reached), float64(samples.N), float64(reference.N)
	recipe := func(what string) string {
		return p.recipe(fmt.Sprintf("%s over %s, k = %d", what, f, k), samples.N, reference.N)
	}
	return []Figure{
		{Name: "precision_" + f.Name, Value: inside / n, Count: samples.N, Interval: share(inside, n), Recipe: recipe("improved precision")},
		{Name: "recall_" + f.Name, Value: reached / r, Count: samples.N, Interval: share(reached, r), Recipe: recipe("improved recall")},
	}, nil
}

// DensityCoverage returns density and coverage (M. F. Naeem et al., "Reliable fidelity and diversity metrics for generative
// models", 2020) as density_FEATURES and coverage_FEATURES: 1/k of the number of balls around the reference, up to the k-th nearest
// neighbour there, that a sample lies in, and the share of these balls that hold a sample. Density is about 1, and can be more,
// where samples lie like the reference. The intervals are the bootstrap of the samples' shares in it, and Wilson's of other images of
// the reference, with the balls as they are.
func DensityCoverage(ctx context.Context, f *Features, samples, reference Vectors, k int, p Protocol) ([]Figure, error) {
	m, err := neighbourhoods(ctx, samples, reference, k)
	if err != nil {
		return nil, err
	}
	var density float64
	for i := range m.around {
		m.around[i] /= float64(k)
		density += m.around[i] / float64(samples.N)
	}
	covered := count(m.covered)
	recipe := func(what string) string {
		return p.recipe(fmt.Sprintf("%s over %s, k = %d", what, f, k), samples.N, reference.N)
	}
	return []Figure{
		{Name: "density_" + f.Name, Value: density, Count: samples.N, Interval: bootstrap(m.around, "density"), Recipe: recipe("density")},
		{Name: "coverage_" + f.Name, Value: covered / float64(reference.N), Count: samples.N, Interval: share(covered, float64(reference.N)), Recipe: recipe("coverage")},
	}, nil
}

// Neighbour is the nearest vector to another: its number, and the euclidean distance.
type Neighbour struct {
	Number   int
	Distance float64
}

// Search finds the nearest to each of some vectors among others that come in parts.
type Search struct {
	Found   []Neighbour // of each vector, of equally near ones the first; its number is that in the order of Add
	vectors Vectors
	among   int
}

// NewSearch returns a search that has seen none of the others.
func NewSearch(vectors Vectors) *Search {
	s := &Search{Found: make([]Neighbour, vectors.N), vectors: vectors}
	for i := range s.Found {
		s.Found[i].Distance = math.Inf(1)
	}
	return s
}

// Add searches among more vectors.
func (s *Search) Add(ctx context.Context, among Vectors) error {
	nearest := make([]float64, len(s.Found)) // squared
	numbers := make([]int, len(s.Found))
	for i := range nearest {
		nearest[i], numbers[i] = math.Inf(1), -1
	}
	err := distances(ctx, s.vectors, among, false, func(a, b, rows, columns int, d []float64) {
		for i := range rows {
			for j, e := range d[i*columns : (i+1)*columns] {
				if e < nearest[a+i] {
					nearest[a+i], numbers[a+i] = e, b+j
				}
			}
		}
	})
	for i, n := range numbers { // again, without the cancellation that an exact copy suffers from most
		if n < 0 {
			continue
		}
		var sum float64
		for j, e := range among.Vector(n) {
			d := float64(e) - float64(s.vectors.Vector(i)[j])
			sum += d * d
		}
		if d := math.Sqrt(sum); d < s.Found[i].Distance {
			s.Found[i] = Neighbour{s.among + n, d}
		}
	}
	s.among += among.N
	return err
}

// Closest returns the numbers of the n vectors that are nearest to one of the others, nearest first.
func (s *Search) Closest(n int) []int {
	order := all(len(s.Found))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Found[a].Distance, s.Found[b].Distance) })
	return order[:min(n, len(order))]
}

// Copying judges how near samples come to the images of the training, with the nearest of these to each sample and to each of some
// held-out images. nearest_FEATURES is the mean distance of a sample from its nearest, nearest_heldout_FEATURES the same of
// held-out images. copying_FEATURES is the share of pairs in which the sample is nearer than the held-out image, ties counting half:
// 0.5 for samples from the distribution of the data, towards 1 where training images are copied (the statistic of C. Meehan,
// K. Chaudhuri, S. Dasgupta, "A non-parametric test to detect data-copying in generative models", 2020, on the whole space).
func Copying(f *Features, samples, heldout *Search, p Protocol) ([]Figure, error) {
	if len(samples.Found) == 0 || len(heldout.Found) == 0 || samples.among == 0 {
		return nil, fmt.Errorf("copying: %w", ErrNone)
	}
	lengths := func(list []Neighbour) (out []float64, mean float64) {
		for _, n := range list {
			out = append(out, n.Distance)
			mean += n.Distance / float64(len(list))
		}
		return out, mean
	}
	own, mean := lengths(samples.Found)
	other, otherMean := lengths(heldout.Found)
	shares, value := make([]float64, len(own)), 0.0
	for i, d := range own {
		for _, e := range other {
			if d < e {
				shares[i] += 1 / float64(len(other))
			} else if d == e {
				shares[i] += 0.5 / float64(len(other))
			}
		}
		value += shares[i] / float64(len(own))
	}
	recipe := func(what string, n int) string {
		return p.recipe(fmt.Sprintf("%s among %d training images over %s", what, samples.among, f), n, 0)
	}
	return []Figure{
		{Name: "nearest_" + f.Name, Value: mean, Count: len(own), Interval: bootstrap(own, "nearest"), Recipe: recipe("mean distance from the nearest", len(own))},
		{Name: "nearest_heldout_" + f.Name, Value: otherMean, Count: len(other), Interval: bootstrap(other, "nearest held-out"),
			Recipe: recipe(fmt.Sprintf("mean distance of %d held-out images from the nearest", len(other)), len(own))},
		{Name: "copying_" + f.Name, Value: value, Count: len(own), Interval: bootstrap(shares, "copying"),
			Recipe: recipe(fmt.Sprintf("chance to be nearer than one of %d held-out images to the nearest", len(other)), len(own))},
	}, nil
}
