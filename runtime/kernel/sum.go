package kernel

// lanes is how many parts the sum of all numbers has, of every lanes-th number each.
const lanes = 32

// Sum adds x up in double precision, in 32 interleaved parts and those in halves.
func Sum(x []float32) float64 { return sum(level, x) }

// Squares adds the squares of x up likewise.
func Squares(x []float32) float64 { return sumOfSquares(level, x) }

// SumColumns adds the rows of x, each of len(sums) elements, to sums, one row after another.
func SumColumns(sums []float64, x []float32) { sumColumns(level, sums, nil, x) }

// SumSquareColumns is SumColumns, and adds the squares to squares.
func SumSquareColumns(sums, squares []float64, x []float32) { sumColumns(level, sums, squares, x) }

func sum(l Level, x []float32) float64 {
	var p [lanes]float64
	whole := len(x) / lanes * lanes
	sumColumns(l, p[:], nil, x[:whole])
	for i, v := range x[whole:] {
		p[i] += float64(v)
	}
	return halves(&p)
}

func sumOfSquares(l Level, x []float32) float64 {
	var p, q [lanes]float64
	whole := len(x) / lanes * lanes
	sumColumns(l, p[:], q[:], x[:whole])
	for i, v := range x[whole:] {
		q[i] += float64(float64(v) * float64(v))
	}
	return halves(&q)
}

// halves adds up the first half of the parts and the second, and so on.
func halves(p *[lanes]float64) float64 {
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			p[i] += p[i+n]
		}
	}
	return p[0]
}

// sumColumns is SumColumns, or SumSquareColumns where squares is not nil.
func sumColumns(l Level, sums, squares []float64, x []float32) {
	n := len(sums)
	if n == 0 || len(x) == 0 {
		return
	}
	j := sumGroups(l, sums, squares, x)
	for ; j+4 <= n; j += 4 {
		s, q := (*[4]float64)(sums[j:]), new([4]float64)
		if squares != nil {
			q = (*[4]float64)(squares[j:])
		}
		s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
		q0, q1, q2, q3 := q[0], q[1], q[2], q[3]
		for r := j; r+4 <= len(x); r += n {
			y := (*[4]float32)(x[r:])
			y0, y1, y2, y3 := float64(y[0]), float64(y[1]), float64(y[2]), float64(y[3])
			s0 += y0
			s1 += y1
			s2 += y2
			s3 += y3
			q0 += float64(y0 * y0)
			q1 += float64(y1 * y1)
			q2 += float64(y2 * y2)
			q3 += float64(y3 * y3)
		}
		s[0], s[1], s[2], s[3] = s0, s1, s2, s3
		q[0], q[1], q[2], q[3] = q0, q1, q2, q3
	}
	for ; j < n; j++ {
		s, q := sums[j], 0.0
		if squares != nil {
			q = squares[j]
		}
		for r := j; r < len(x); r += n {
			y := float64(x[r])
			s += y
			q += float64(y * y)
		}
		if sums[j] = s; squares != nil {
			squares[j] = q
		}
	}
}
