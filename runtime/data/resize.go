package data

// resizer changes the size of images with one byte per pixel: averaging over areas along an axis that shrinks, bilinear with
// half-pixel centres along one that grows. Sums are of integers and rounded once, half up, so a pixel is the same everywhere.
type resizer struct {
	across, down taps
	width        int      // of the images that come in
	rows         []uint32 // images shrunk or grown across: sums, not yet divided
}

// taps say how the pixels of an axis are made: pixel o is the sum of weights[o][i] times pixel first[o]+i, divided by total.
type taps struct {
	first   []int
	weights [][]uint32
	total   uint32
}

// newResizer returns what brings images of one size to another, each side at most maxSide; nil where they are the same.
func newResizer(height, width, toHeight, toWidth int) *resizer {
	if height == toHeight && width == toWidth {
		return nil
	}
	return &resizer{across: newTaps(width, toWidth), down: newTaps(height, toHeight), width: width, rows: make([]uint32, height*toWidth)}
}

// newTaps returns how n pixels become m. A total is at most n if they shrink and 2*maxSide if they grow.
func newTaps(n, m int) taps {
	t := taps{first: make([]int, m), weights: make([][]uint32, m)}
	if m <= n {
		// Measured in 1/m pixels, an old pixel i covers [i*m, (i+1)*m) and a new pixel o covers [o*n, (o+1)*n).
		t.total = uint32(n)
		for o := range m {
			t.first[o] = o * n / m
			for i := t.first[o]; i*m < (o+1)*n; i++ {
				t.weights[o] = append(t.weights[o], uint32(min((i+1)*m, (o+1)*n)-max(i*m, o*n)))
			}
		}
		return t
	}
	// Measured in 1/(2m) pixels, the centre of a new pixel o lies (2o+1)*n - m behind the centre of the old pixel 0.
	t.total = uint32(2 * m)
	for o := range m {
		at := max((2*o+1)*n-m, 0)
		i, part := at/(2*m), at%(2*m)
		if i >= n-1 {
			i, part = n-1, 0 // beyond the centre of the last pixel
		}
		t.first[o], t.weights[o] = i, []uint32{uint32(2*m - part)}
		if part > 0 {
			t.weights[o] = append(t.weights[o], uint32(part))
		}
	}
	return t
}

// resize writes the image src, row-major, to dst in the new size.
func (r *resizer) resize(dst, src []byte) {
	m := len(r.across.first)
	for y := range len(src) / r.width {
		from, to := src[y*r.width:(y+1)*r.width], r.rows[y*m:(y+1)*m]
		for o, first := range r.across.first {
			var sum uint32
			for i, w := range r.across.weights[o] {
				sum += w * uint32(from[first+i])
			}
			to[o] = sum
		}
	}
	// The largest sum, 255 * total, is under 255 * (2*maxSide)^2 < 2^31, so that twice the sum and a half fit as well.
	total := r.across.total * r.down.total
	for o, first := range r.down.first {
		weights, to := r.down.weights[o], dst[o*m:(o+1)*m]
		for x := range to {
			var sum uint32
			for i, w := range weights {
				sum += w * r.rows[(first+i)*m+x]
			}
			to[x] = byte((2*sum + total) / (2 * total))
		}
	}
}
