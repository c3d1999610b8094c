package kernel

// Phase is a part of the result of a convolution whose pixels all see the same taps of the kernel: pixel (i, j) of the phase
// is pixel (Row + Step*i, Col + Step*j) of the result, and its window of High x Wide pixels begins at (Stride*i + Top,
// Stride*j + Left) of the operand. A convolution has one phase, a transposed one stride^2.
type Phase struct {
	Row, Col, Step    int
	Rows, Cols        int
	High, Wide        int
	Stride, Top, Left int
	Weights           int   // how many weights the phases before it have
	Taps              []int // ky*k+kx of each place in the window
}

// Phases takes a convolution by a k x k kernel apart, or its transpose where back is set. high and wide are those of the
// result, pairs is how many pairs of channels there are.
func Phases(back bool, k, stride, pad, high, wide, pairs int) []Phase {
	if !back {
		p := Phase{Step: 1, Rows: high, Cols: wide, High: k, Wide: k, Stride: stride, Top: -pad, Left: -pad}
		for tap := range k * k {
			p.Taps = append(p.Taps, tap)
		}
		return []Phase{p}
	}
	// Result row y takes operand row o where y = o*stride + ky - pad: the ky that fit are those congruent to y + pad, and
	// the greater ky is, the smaller is o.
	line := func(first, size int) (count, window, start, least int) {
		least = (first + pad) % stride
		if first < size {
			count = (size - first + stride - 1) / stride
		}
		if least < k {
			window = (k - least + stride - 1) / stride
		}
		return count, window, (first+pad)/stride - window + 1, least
	}
	var list []Phase
	at := 0
	for row := range stride {
		for col := range stride {
			p := Phase{Row: row, Col: col, Step: stride, Stride: 1, Weights: at}
			var ky, kx int
			p.Rows, p.High, p.Top, ky = line(row, high)
			p.Cols, p.Wide, p.Left, kx = line(col, wide)
			for u := range p.High {
				for v := range p.Wide {
					p.Taps = append(p.Taps, (ky+stride*(p.High-1-u))*k+kx+stride*(p.Wide-1-v))
				}
			}
			at += len(p.Taps) * pairs
			list = append(list, p)
		}
	}
	return list
}
