package metric

import (
	"math"
	"slices"

	"snnc.dev/snnc/runtime/rng"
)

// Interval is a confidence interval of 95%. The zero value is none.
type Interval struct{ Low, High float64 }

const (
	replicates = 1000    // of a bootstrap: its quantiles at 2.5% and 97.5% are then known to about a tenth of the width
	most       = 100_000 // values that are resampled one by one
)

// bootstrap returns the percentile interval of the mean of values (B. Efron, R. J. Tibshirani, "An introduction to the
// bootstrap", 1993, section 13.3): the 2.5% and 97.5% quantiles of the means of 1,000 resamples with replacement, drawn by the
// counter-based generator under the label. Of more than 100,000 values, neighbours are resampled together.
func bootstrap(values []float64, label string) Interval {
	n := len(values)
	if n < 2 {
		return Interval{}
	}
	group := (n + most - 1) / most
	sums := make([]float64, 0, (n+group-1)/group)
	counts := make([]float64, 0, cap(sums))
	for part := range slices.Chunk(values, group) {
		var sum float64
		for _, v := range part {
			sum += v
		}
		sums, counts = append(sums, sum), append(counts, float64(len(part)))
	}
	means := make([]float64, replicates)
	draws := make([]float32, len(sums))
	s := rng.New(0, "bootstrap/"+label, 0)
	for b := range means {
		s.FillUniform(draws, uint64(b), 0)
		var sum, count float64
		for _, u := range draws {
			i := int(float64(u) * float64(len(sums)))
			sum += sums[i]
			count += counts[i]
		}
		means[b] = sum / count
	}
	slices.Sort(means)
	return Interval{quantile(means, 0.025), quantile(means, 0.975)}
}

// quantile returns a quantile of rising values, between two of them in proportion.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// average returns the mean of values.
func average(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// share returns the interval of a share that is found to be right in so many of n (E. B. Wilson, "Probable inference, the
// law of succession, and statistical inference", J. American Statistical Association 1927). The bootstrap of a share of 0 or 1
// would have no width.
func share(right, n float64) Interval {
	if n == 0 {
		return Interval{}
	}
	const z = 1.959963984540054 // the normal distribution's quantile at 97.5%
	p := right / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return Interval{max(middle-half, 0), min(middle+half, 1)}
}

// about returns the interval of a value by the bootstrap of its influences, what each sample adds to it by first order: those
// of the mean, with the mean of the influences moved to the value. (The infinitesimal jackknife's linear statistic, L. A. Jaeckel
// 1972, resampled.)
func about(value float64, influences []float64, label string) Interval {
	b := bootstrap(influences, label)
	if b == (Interval{}) {
		return b
	}
	mean := average(influences)
	return Interval{value + b.Low - mean, value + b.High - mean}
}
