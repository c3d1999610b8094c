package kernel

// Sum adds x up in double precision, in four interleaved parts.
func Sum(x []float32) float64 {
	var a, b, c, d float64
	for len(x) >= 4 {
		y := (*[4]float32)(x)
		a += float64(y[0])
		b += float64(y[1])
		c += float64(y[2])
		d += float64(y[3])
		x = x[4:]
	}
	for _, v := range x {
		a += float64(v)
	}
	return (a + b) + (c + d)
}

// Squares adds the squares of x up in double precision, in four interleaved parts.
func Squares(x []float32) float64 {
	var a, b, c, d float64
	for len(x) >= 4 {
		y := (*[4]float32)(x)
		y0, y1, y2, y3 := float64(y[0]), float64(y[1]), float64(y[2]), float64(y[3])
		a += float64(y0 * y0)
		b += float64(y1 * y1)
		c += float64(y2 * y2)
		d += float64(y3 * y3)
		x = x[4:]
	}
	for _, v := range x {
		a += float64(float64(v) * float64(v))
	}
	return (a + b) + (c + d)
}

// SumColumns adds the rows of x, each of len(sums) elements, to sums.
func SumColumns(sums []float64, x []float32) {
	n, j := len(sums), 0
	for ; j+8 <= n; j += 8 {
		s := (*[8]float64)(sums[j:])
		s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
		for r := j; r+8 <= len(x); r += n {
			y := (*[8]float32)(x[r:])
			s0 += float64(y[0])
			s1 += float64(y[1])
			s2 += float64(y[2])
			s3 += float64(y[3])
			s4 += float64(y[4])
			s5 += float64(y[5])
			s6 += float64(y[6])
			s7 += float64(y[7])
		}
		s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7] = s0, s1, s2, s3, s4, s5, s6, s7
	}
	for ; j < n; j++ {
		s := sums[j]
		for r := j; r < len(x); r += n {
			s += float64(x[r])
		}
		sums[j] = s
	}
}

// SumSquareColumns is SumColumns, and adds the squares to squares.
func SumSquareColumns(sums, squares []float64, x []float32) {
	n, j := len(sums), 0
	squares = squares[:n]
	for ; j+4 <= n; j += 4 {
		s, q := (*[4]float64)(sums[j:]), (*[4]float64)(squares[j:])
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
		s, q := sums[j], squares[j]
		for r := j; r < len(x); r += n {
			y := float64(x[r])
			s += y
			q += float64(y * y)
		}
		sums[j], squares[j] = s, q
	}
}
