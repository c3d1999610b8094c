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

// ranks are the nearest others of each of some vectors: depth squared distances each, rising, and the numbers of the others.
type ranks struct {
	depth   int
	squared []float64
	numbers []int
}

// rank returns the nearest others of each vector, at most depth of them.
func rank(ctx context.Context, x Vectors, depth int) (*ranks, error) {
	r := &ranks{min(depth, x.N-1), nil, nil}
	r.squared, r.numbers = make([]float64, x.N*r.depth), make([]int, x.N*r.depth)
	for i := range r.squared {
		r.squared[i] = math.Inf(1)
	}
	put := func(i, other int, d float64) {
		list, numbers := r.squared[i*r.depth:(i+1)*r.depth], r.numbers[i*r.depth:(i+1)*r.depth]
		at := r.depth - 1
		if d >= list[at] {
			return
		}
		for ; at > 0 && list[at-1] > d; at-- {
			list[at], numbers[at] = list[at-1], numbers[at-1]
		}
		list[at], numbers[at] = d, other
	}
	err := distances(ctx, x, x, true, func(a, b, rows, columns int, d []float64) {
		for i := range rows {
			for j := range columns {
				if a+i < b+j { // each pair once, for both
					put(a+i, b+j, d[i*columns+j])
					put(b+j, a+i, d[i*columns+j])
				}
			}
		}
	})
	return r, err
}

// radius returns the squared distance of vector i from its k-th nearest other among those that are kept; from the last that
// is known where there are not so many.
func (r *ranks) radius(i, k int, kept func(number int) bool) float64 {
	last := 0.0
	for at, d := range r.squared[i*r.depth : (i+1)*r.depth] {
		if !kept(r.numbers[i*r.depth+at]) {
			continue
		}
		if last = d; k == 1 {
			break
		}
		k--
	}
	return last
}

// groups is how many parts of the samples are left out by turns, to find how much a figure depends on them; as many bits
// besides one stand for it in a mask.
const groups = 20

// whole is the bit of a mask for all samples; bit g is for those without group g.
const whole = uint32(1) << groups

// manifolds is what neighbourhoods say of samples and a reference: around each vector a ball up to its k-th nearest neighbour
// of its own side.
type manifolds struct {
	around  []float64 // of each sample: in how many balls of the reference it lies
	reached []uint32  // of each of the reference: a mask of the samples in one of whose balls it lies
	covered []uint32  // of each of the reference: a mask of the samples of which one lies in its ball
}

func neighbourhoods(ctx context.Context, samples, reference Vectors, k int) (*manifolds, error) {
	if k < 1 || samples.N <= k || reference.N <= k {
		return nil, fmt.Errorf("find %d nearest neighbours: %d samples and %d of the reference, needs more of each", k, samples.N, reference.N)
	}
	// Of so many more of the nearest some are left whatever group is left out, almost always: each is in it by chance of 1/20.
	own, err := rank(ctx, samples, k+8)
	if err != nil {
		return nil, err
	}
	group := func(i int) int { return i * groups / samples.N }
	radii := make([]float64, samples.N*(groups+1)) // of each sample: without each group, and of all
	largest := make([]float64, samples.N)
	for i := range samples.N {
		for g := range groups + 1 {
			r := own.radius(i, k, func(number int) bool { return group(number) != g })
			radii[i*(groups+1)+g], largest[i] = r, max(largest[i], r)
		}
	}
	ranked, err := rank(ctx, reference, k)
	if err != nil {
		return nil, err
	}
	other := make([]float64, reference.N)
	for i := range other {
		other[i] = ranked.radius(i, k, func(int) bool { return true })
	}
	m := &manifolds{make([]float64, samples.N), make([]uint32, reference.N), make([]uint32, reference.N)}
	err = distances(ctx, samples, reference, false, func(a, b, rows, columns int, d []float64) {
		for i := range rows {
			without := uint32(1) << group(a+i)
			for j, e := range d[i*columns : (i+1)*columns] {
				if e <= other[b+j] {
					m.around[a+i]++
					m.covered[b+j] |= (2*whole - 1) &^ without
				}
				if e <= largest[a+i] {
					for g, r := range radii[(a+i)*(groups+1) : (a+i+1)*(groups+1)] {
						if e <= r {
							m.reached[b+j] |= 1 << g &^ without
						}
					}
				}
			}
		}
	})
	return m, err
}

// left returns the share of masks that hold all samples' bit, and its interval by the jackknife over groups of n samples (B.
// Efron, C. Stein, "The jackknife estimate of variance", 1981), with Student's distribution of 19 degrees of freedom. Where
// no group makes a difference or there are too few samples it is Wilson's.
func left(masks []uint32, n int) (float64, Interval) {
	var counts [groups + 1]float64
	for _, m := range masks {
		for g := range counts {
			counts[g] += float64(m >> g & 1)
		}
	}
	total := float64(len(masks))
	value, mean := counts[groups]/total, 0.0
	for _, c := range counts[:groups] {
		mean += c / total / groups
	}
	var variance float64
	for _, c := range counts[:groups] {
		d := c/total - mean
		variance += d * d * (groups - 1) / groups
	}
	if variance == 0 || n < 5*groups {
		return value, share(counts[groups], total)
	}
	const t = 2.093024054408263 // the quantile at 97.5%
	half := t * math.Sqrt(variance)
	return value, Interval{max(value-half, 0), min(value+half, 1)}
}

// PrecisionRecall returns improved precision and recall (T. Kynkäänniemi et al., "Improved precision and recall metric for
// assessing generative models", 2019) as precision_FEATURES and recall_FEATURES: the share of the samples that lie in a ball
// around one of the reference up to its k-th nearest neighbour there, and the same the other way round. The intervals are of other
// samples, the reference as it is: Wilson's, and by the jackknife over 20 groups of samples.
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
	n := float64(samples.N)
	recall, interval := left(m.reached, samples.N)
	recipe := func(what string) string {
		return p.recipe(fmt.Sprintf("%s over %s, k = %d", what, f, k), samples.N, reference.N)
	}
	return []Figure{
		{Name: "precision_" + f.Name, Value: inside / n, Count: samples.N, Interval: share(inside, n), Recipe: recipe("improved precision")},
		{Name: "recall_" + f.Name, Value: recall, Count: samples.N, Interval: interval, Recipe: recipe("improved recall")},
	}, nil
}

// DensityCoverage returns density and coverage (M. F. Naeem et al., "Reliable fidelity and diversity metrics for generative
// models", 2020) as density_FEATURES and coverage_FEATURES: 1/k of the number of balls around the reference, up to the k-th nearest
// neighbour there, that a sample lies in, and the share of these balls that hold a sample. Density is about 1, and can be more,
// where samples lie like the reference. The intervals are of other samples, the reference as it is: the bootstrap of the samples'
// shares in it, and by the jackknife over 20 groups of samples.
func DensityCoverage(ctx context.Context, f *Features, samples, reference Vectors, k int, p Protocol) ([]Figure, error) {
	m, err := neighbourhoods(ctx, samples, reference, k)
	if err != nil {
		return nil, err
	}
	for i := range m.around {
		m.around[i] /= float64(k)
	}
	coverage, interval := left(m.covered, samples.N)
	recipe := func(what string) string {
		return p.recipe(fmt.Sprintf("%s over %s, k = %d", what, f, k), samples.N, reference.N)
	}
	return []Figure{
		{Name: "density_" + f.Name, Value: average(m.around), Count: samples.N, Interval: bootstrap(m.around, "density"), Recipe: recipe("density")},
		{Name: "coverage_" + f.Name, Value: coverage, Count: samples.N, Interval: interval, Recipe: recipe("coverage")},
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
	lengths := func(list []Neighbour) (out []float64) {
		for _, n := range list {
			out = append(out, n.Distance)
		}
		return out
	}
	own, other := lengths(samples.Found), lengths(heldout.Found)
	shares := make([]float64, len(own))
	for i, d := range own {
		farther := 0.0
		for _, e := range other {
			if d < e {
				farther++
			} else if d == e {
				farther += 0.5
			}
		}
		shares[i] = farther / float64(len(other))
	}
	recipe := func(what string, n int) string {
		return p.recipe(fmt.Sprintf("%s among %d training images over %s", what, samples.among, f), n, 0)
	}
	return []Figure{
		{Name: "nearest_" + f.Name, Value: average(own), Count: len(own), Interval: bootstrap(own, "nearest"), Recipe: recipe("mean distance from the nearest", len(own))},
		{Name: "nearest_heldout_" + f.Name, Value: average(other), Count: len(other), Interval: bootstrap(other, "nearest held-out"),
			Recipe: recipe(fmt.Sprintf("mean distance of %d held-out images from the nearest", len(other)), len(own))},
		{Name: "copying_" + f.Name, Value: average(shares), Count: len(own), Interval: bootstrap(shares, "copying"),
			Recipe: recipe(fmt.Sprintf("chance to be nearer than one of %d held-out images to the nearest", len(other)), len(own))},
	}, nil
}
