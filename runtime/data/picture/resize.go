package picture

import "math"

// resizer changes the size of pictures of one size. A resizer holds rows at work, so each goroutine has its own.
type resizer interface {
	// resize writes the picture src to dst in the new size; both are row-major with channels side by side.
	resize(dst, src []byte)
}

// newResizer returns what brings pictures of one size to another; nil where they are the same.
func newResizer(filter Filter, height, width, toHeight, toWidth, channels int) resizer {
	switch {
	case height == toHeight && width == toWidth:
		return nil
	case filter == Bilinear:
		return newTriangle(height, width, toHeight, toWidth, channels)
	}
	return newArea(height, width, toHeight, toWidth, channels)
}

// area averages over areas along an axis that shrinks, and is bilinear with half-pixel centres along one that grows. Sums are of
// integers and rounded once, half up.
type area struct {
	across, down    taps
	width, channels int      // of the pictures that come in
	rows            []uint32 // pictures shrunk or grown across: sums, not yet divided
}

// taps say how the pixels of an axis are made: pixel o is the sum of weights[o][i] times pixel first[o]+i, divided by total.
type taps struct {
	first   []int
	weights [][]uint32
	total   uint32
}

func newArea(height, width, toHeight, toWidth, channels int) *area {
	return &area{across: newTaps(width, toWidth), down: newTaps(height, toHeight), width: width, channels: channels, rows: make([]uint32, height*toWidth*channels)}
}

// newTaps returns how n pixels become m. The total is n if they shrink and 2m if they grow.
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

func (r *area) resize(dst, src []byte) {
	row, ch := len(r.across.first)*r.channels, r.channels
	for y := range len(src) / (r.width * ch) {
		from, to := src[y*r.width*ch:(y+1)*r.width*ch], r.rows[y*row:(y+1)*row]
		for o, first := range r.across.first {
			for c := range ch {
				var sum uint32 // at most 255 times a side
				for i, w := range r.across.weights[o] {
					sum += w * uint32(from[(first+i)*ch+c])
				}
				to[o*ch+c] = sum
			}
		}
	}
	total := uint64(r.across.total) * uint64(r.down.total)
	for o, first := range r.down.first {
		weights, to := r.down.weights[o], dst[o*row:(o+1)*row]
		for x := range to {
			var sum uint64
			for i, w := range weights {
				sum += uint64(w) * uint64(r.rows[(first+i)*row+x])
			}
			to[x] = byte((2*sum + total) / (2 * total))
		}
	}
}

// triangle is Pillow's bilinear filter.
type triangle struct {
	across, down            *weights // nil where that side stays
	height, width, channels int      // of the pictures that come in
	toWidth                 int
	rows                    []byte // pictures brought to the new width
}

// weights say how the pixels of an axis are made: pixel o is the rounded sum of of[o][i] * 2^-precision times pixel first[o]+i.
type weights struct {
	first []int
	of    [][]int32
}

// precision is how many bits the weights have behind the point: Pillow's 32 - 8 - 2.
const precision = 22

func newTriangle(height, width, toHeight, toWidth, channels int) *triangle {
	r := &triangle{height: height, width: width, channels: channels, toWidth: toWidth}
	if width != toWidth {
		r.across = newWeights(width, toWidth)
		r.rows = make([]byte, height*toWidth*channels)
	}
	if height != toHeight {
		r.down = newWeights(height, toHeight)
	}
	return r
}

// newWeights returns how n pixels become m, as precompute_coeffs and normalize_coeffs_8bpc of Pillow have it. The products are
// converted so that no processor fuses them with sums.
func newWeights(n, m int) *weights {
	w := &weights{first: make([]int, m), of: make([][]int32, m)}
	scale := float64(n) / float64(m)
	support := max(scale, 1)
	for o := range m {
		center := float64((float64(o) + 0.5) * scale)
		low, high := max(int(center-support+0.5), 0), min(int(center+support+0.5), n)
		real, sum := make([]float64, high-low), 0.0
		for i := range real {
			real[i] = max(1-math.Abs(float64((float64(i+low)-center+0.5)*(1/support))), 0)
			sum += real[i]
		}
		w.first[o], w.of[o] = low, make([]int32, len(real))
		for i, v := range real {
			w.of[o][i] = int32(0.5 + float64(v/sum*(1<<precision)))
		}
	}
	return w
}

func (r *triangle) resize(dst, src []byte) {
	ch, rows := r.channels, src
	if r.across != nil {
		if rows = r.rows; r.down == nil {
			rows = dst
		}
		for y := range r.height {
			from, to := src[y*r.width*ch:(y+1)*r.width*ch], rows[y*r.toWidth*ch:(y+1)*r.toWidth*ch]
			for o, first := range r.across.first {
				for c := range ch {
					sum := int32(1 << (precision - 1))
					for i, w := range r.across.of[o] {
						sum += w * int32(from[(first+i)*ch+c])
					}
					to[o*ch+c] = clip(sum)
				}
			}
		}
	}
	if r.down == nil {
		return
	}
	row := r.toWidth * ch
	for o, first := range r.down.first {
		to := dst[o*row : (o+1)*row]
		for x := range to {
			sum := int32(1 << (precision - 1))
			for i, w := range r.down.of[o] {
				sum += w * int32(rows[(first+i)*row+x])
			}
			to[x] = clip(sum)
		}
	}
}

// clip returns the 8-bit pixel of a sum; weights that were rounded may add up to a little more than 1.
func clip(sum int32) byte { return byte(min(max(sum>>precision, 0), 255)) }
