package exec

import (
	"math"

	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// moments takes the mean and variance of each channel of a product's result: the sums and the squares of each image, in double
// precision, then those of the images of each slot of the batch, step by step, and last those of the slots. So it does not
// matter which worker has the sums of an image taken, nor when.
type moments struct {
	job
	*plan.ChannelMoments
	out            *memory
	mean, variance *memory
	steps          int
	channels       int
	p              *Program
}

// newMoments returns the moments that a step takes, nil where it takes none, and the sums that they need.
func newMoments(p *Program, s *plan.Step) (*moments, int) {
	if s.Moments == nil {
		return nil, 0
	}
	t := s.Out[0].Type
	m := &moments{ChannelMoments: s.Moments, out: p.value(s.Out[0]), mean: p.value(s.Moments.Mean), variance: p.value(s.Moments.Variance), steps: max(t.Steps, 1), channels: t.Dims[0], p: p}
	m.task = m
	return m, 2 * m.channels * (tensor.Rows(t, p.plan.Batch) + plan.Slots)
}

// images adds up some images.
func (m *moments) images(from, to int) {
	for i := from; i < to; i++ {
		d := m.p.sums[2*m.channels*i:][:2*m.channels]
		clear(d)
		kernel.SumSquareColumns(d[:m.channels], d[m.channels:], m.out.f[i*m.out.size:(i+1)*m.out.size])
	}
}

// unit adds up the image of that number.
func (m *moments) unit(_, image int) { m.images(image, image+1) }

// all adds up all images, where the units of the product were none of whole images.
func (m *moments) all() { m.p.pool.run(&m.job, m.steps*m.out.n) }

// finish adds up what the images have and writes the results.
func (m *moments) finish() {
	n := 2 * m.channels
	slots := m.p.sums[n*m.steps*m.out.n:][:n*plan.Slots]
	clear(slots)
	for s := range plan.Slots {
		from, to := examples(s, m.out.n)
		d := slots[s*n : (s+1)*n]
		for t := range m.steps {
			for i := t*m.out.n + from; i < t*m.out.n+to; i++ {
				for j, v := range m.p.sums[i*n : (i+1)*n] {
					d[j] += v
				}
			}
		}
	}
	var x [plan.Slots]float64
	total := func(j int) float64 {
		for s := range x {
			x[s] = slots[s*n+j]
		}
		return kernel.Tree(&x)
	}
	for c := range m.channels {
		m.mean.f[c], m.variance.f[c] = meanAndVariance(total(c), total(m.channels+c), m.Count)
	}
}

// meanAndVariance returns the mean and the biased variance of count numbers, given their sum and that of their squares.
func meanAndVariance(sum, squares, count float64) (mean, variance float32) {
	m := sum / count
	if math.IsNaN(m) {
		return float32(m), float32(m)
	}
	return float32(m), float32(max(squares/count-float64(m*m), 0))
}
