package kernel

// Axpy adds c times the first elements of x to acc.
func Axpy(acc, x []float32, c float32) {
	x = x[:len(acc)]
	for j := range acc {
		acc[j] += float32(c * x[j])
	}
}

// axpyPitch adds x[k] times the row of w that begins at k*pitch to acc for every k in order, where x[k] is not 0.
func axpyPitch(acc, w []float32, pitch int, x []float32) {
	n := len(acc)
	for len(x) >= 4 {
		c0, c1, c2, c3 := x[0], x[1], x[2], x[3]
		if c0 != 0 && c1 != 0 && c2 != 0 && c3 != 0 {
			r0, r1, r2, r3 := w[:n], w[pitch:][:n], w[2*pitch:][:n], w[3*pitch:][:n]
			for j := range acc {
				acc[j] = acc[j] + float32(c0*r0[j]) + float32(c1*r1[j]) + float32(c2*r2[j]) + float32(c3*r3[j])
			}
		} else {
			for k, v := range x[:4] {
				if v != 0 {
					Axpy(acc, w[k*pitch:], v)
				}
			}
		}
		if x = x[4:]; len(x) > 0 {
			w = w[4*pitch:]
		}
	}
	for k, v := range x {
		if v != 0 {
			Axpy(acc, w[k*pitch:], v)
		}
	}
}

// Tree adds the eight slots up as a balanced binary tree.
func Tree(s *[8]float64) float64 {
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

// TreeRows writes the sums of eight rows to d, the rows taken as a balanced binary tree.
func TreeRows(d []float32, s *[8][]float32) {
	n := len(d)
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0][:n], s[1][:n], s[2][:n], s[3][:n], s[4][:n], s[5][:n], s[6][:n], s[7][:n]
	for j := range d {
		d[j] = ((s0[j] + s1[j]) + (s2[j] + s3[j])) + ((s4[j] + s5[j]) + (s6[j] + s7[j]))
	}
}
