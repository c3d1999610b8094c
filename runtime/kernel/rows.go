package kernel

// AddRows adds rows of len(acc) elements to acc, one after another in the order of offsets, which say where each begins in
// base. It is the inner loop of every product with spikes: the rows are those of the inputs that fired.
func AddRows(acc, base []float32, offsets []int32) {
	n := len(acc)
	for len(offsets) >= 8 {
		o := offsets[:8:8]
		r0, r1, r2, r3 := base[o[0]:][:n], base[o[1]:][:n], base[o[2]:][:n], base[o[3]:][:n]
		r4, r5, r6, r7 := base[o[4]:][:n], base[o[5]:][:n], base[o[6]:][:n], base[o[7]:][:n]
		for j := range acc {
			acc[j] = acc[j] + r0[j] + r1[j] + r2[j] + r3[j] + r4[j] + r5[j] + r6[j] + r7[j]
		}
		offsets = offsets[8:]
	}
	if len(offsets) >= 4 {
		o := offsets[:4:4]
		r0, r1, r2, r3 := base[o[0]:][:n], base[o[1]:][:n], base[o[2]:][:n], base[o[3]:][:n]
		for j := range acc {
			acc[j] = acc[j] + r0[j] + r1[j] + r2[j] + r3[j]
		}
		offsets = offsets[4:]
	}
	if len(offsets) >= 2 {
		r0, r1 := base[offsets[0]:][:n], base[offsets[1]:][:n]
		for j := range acc {
			acc[j] = acc[j] + r0[j] + r1[j]
		}
		offsets = offsets[2:]
	}
	if len(offsets) == 1 {
		r0 := base[offsets[0]:][:n]
		for j := range acc {
			acc[j] += r0[j]
		}
	}
}

// AxpyRows adds coefs[i] times the row that begins at offsets[i] of base to acc, one after another.
func AxpyRows(acc, base []float32, offsets []int32, coefs []float32) {
	n := len(acc)
	coefs = coefs[:len(offsets)]
	for len(offsets) >= 4 && len(coefs) >= 4 {
		o, c := offsets[:4:4], coefs[:4:4]
		r0, r1, r2, r3 := base[o[0]:][:n], base[o[1]:][:n], base[o[2]:][:n], base[o[3]:][:n]
		c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
		for j := range acc {
			acc[j] = acc[j] + float32(c0*r0[j]) + float32(c1*r1[j]) + float32(c2*r2[j]) + float32(c3*r3[j])
		}
		offsets, coefs = offsets[4:], coefs[4:]
	}
	for i, o := range offsets {
		Axpy(acc, base[o:], coefs[i])
	}
}

// Axpy adds c times the first elements of x to acc.
func Axpy(acc, x []float32, c float32) {
	x = x[:len(acc)]
	for j := range acc {
		acc[j] += float32(c * x[j])
	}
}

// Product adds x[k] times row k of w, whose rows have len(acc) elements, to acc for every k in order. Elements that are 0
// are left out.
func Product(acc, w, x []float32) {
	n := len(acc)
	for len(x) >= 4 {
		c0, c1, c2, c3 := x[0], x[1], x[2], x[3]
		if c0 != 0 && c1 != 0 && c2 != 0 && c3 != 0 {
			r0, r1, r2, r3 := w[:n], w[n:][:n], w[2*n:][:n], w[3*n:][:n]
			for j := range acc {
				acc[j] = acc[j] + float32(c0*r0[j]) + float32(c1*r1[j]) + float32(c2*r2[j]) + float32(c3*r3[j])
			}
		} else {
			few(acc, w, x[:4])
		}
		x, w = x[4:], w[4*n:]
	}
	few(acc, w, x)
}

func few(acc, w, x []float32) {
	n := len(acc)
	for k, c := range x {
		if c != 0 {
			Axpy(acc, w[k*n:], c)
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
