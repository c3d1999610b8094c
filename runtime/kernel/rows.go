package kernel

// Axpy adds c times the first elements of x to acc.
func Axpy(acc, x []float32, c float32) {
	x = x[:len(acc)]
	for j := range acc {
		acc[j] += float32(c * x[j])
	}
}

// axpyRows adds x[k*step] times the row of w that begins at k*pitch to acc for count k in order, where x[k*step] is not 0.
func axpyRows(acc, w []float32, pitch int, x []float32, step, count int) {
	n := len(acc)
	k := 0
	for ; k+4 <= count; k += 4 {
		c0, c1, c2, c3 := x[k*step], x[(k+1)*step], x[(k+2)*step], x[(k+3)*step]
		if c0 == 0 && c1 == 0 && c2 == 0 && c3 == 0 {
			continue
		}
		rows := w[k*pitch:]
		if c0 == 0 || c1 == 0 || c2 == 0 || c3 == 0 {
			for i, c := range [4]float32{c0, c1, c2, c3} {
				if c != 0 {
					Axpy(acc, rows[i*pitch:], c)
				}
			}
			continue
		}
		r0, r1, r2, r3 := rows[:n], rows[pitch:][:n], rows[2*pitch:][:n], rows[3*pitch:][:n]
		for j := range acc {
			acc[j] = acc[j] + float32(c0*r0[j]) + float32(c1*r1[j]) + float32(c2*r2[j]) + float32(c3*r3[j])
		}
	}
	for ; k < count; k++ {
		if c := x[k*step]; c != 0 {
			Axpy(acc, w[k*pitch:], c)
		}
	}
}

// Tree adds the eight slots up as a balanced binary tree.
func Tree(s *[8]float64) float64 {
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}
