package exec

import "snnc.dev/snnc/runtime/kernel"

// firing counts the spikes of an operand. How many there are decides whether a product adds events up or multiplies numbers,
// which takes another time and gives the same bits.
type firing struct {
	job
	bits   []uint64
	counts [32]int // by unit
}

// share returns which share of the elements of m is 1.
func (r *firing) share(p *Program, m *memory) float64 {
	const few = 1 << 12 // words that are counted sooner than workers are told
	sum := 0
	if len(m.b) <= few {
		sum = kernel.Count(m.b)
	} else {
		r.bits, r.task = m.b, r
		p.pool.run(&r.job, len(r.counts))
		for _, n := range r.counts {
			sum += n
		}
	}
	return float64(sum) / float64(max(1, len(m.b)/max(1, m.words)*m.size))
}

// unit counts a part of the bits.
func (r *firing) unit(_, k int) {
	n, units := len(r.bits), len(r.counts)
	r.counts[k] = kernel.Count(r.bits[k*n/units : (k+1)*n/units])
}
