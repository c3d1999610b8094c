package kernel

import "math/bits"

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

// Window copies the window of f that belongs to its pixel (y, x) out of an image of high x wide pixels with so many channels,
// channels last, to d; outside the image are zeros.
func (f *Phase) Window(d, image []float32, y, x, high, wide, channels int) {
	top, left := f.Stride*y+f.Top, f.Stride*x+f.Left
	line := f.Wide * channels
	a, b := max(left, 0), min(left+f.Wide, wide)
	for u := range f.High {
		to := d[u*line : (u+1)*line]
		if top+u < 0 || top+u >= high || a >= b {
			clear(to)
			continue
		}
		if b-a < f.Wide {
			clear(to)
		}
		at := (top + u) * wide
		from := image[(at+a)*channels : (at+b)*channels]
		if to = to[(a-left)*channels:]; len(from) < 8 {
			for i, v := range from {
				to[i] = v
			}
			continue
		}
		copy(to, from)
	}
}

// WindowEvents writes to d where in packed weights the rows of the spikes in the window of f at its pixel (y, x) begin, and
// returns how many there are. An image has high x wide pixels with so many channels; list has its spikes and starts where
// those of each pixel begin, as PixelEvents gives them. A row of weights has width elements.
func (f *Phase) WindowEvents(d, list, starts []int32, y, x, high, wide, channels, width int) int {
	top, left := f.Stride*y+f.Top, f.Stride*x+f.Left
	a, b := max(left, 0), min(left+f.Wide, wide)
	count := 0
	for u := max(0, -top); u < f.High && top+u < high && a < b; u++ {
		line := (top + u) * wide
		shift := int32((u*f.Wide - line - left) * channels)
		for _, e := range list[starts[line+a]:starts[line+b]] {
			d[count] = (e + shift) * int32(width)
			count++
		}
	}
	return count
}

// PixelEvents lists the spikes of an image of so many pixels, channels last, in the order of memory, and where those of each
// pixel begin; starts has room for one more, the end of the last.
func PixelEvents(list, starts []int32, image []uint64, pixels, channels int) (events, ends []int32) {
	starts, list = starts[:pixels+1], list[:0]
	if channels%64 == 0 {
		words := channels / 64
		for pixel := range pixels {
			starts[pixel] = int32(len(list))
			for k, word := range image[pixel*words : (pixel+1)*words] {
				base := int32((pixel*words + k) * 64)
				for word != 0 {
					list = append(list, base+int32(bits.TrailingZeros64(word)))
					word &= word - 1
				}
			}
		}
		starts[pixels] = int32(len(list))
		return list, starts
	}
	list = Events(list, image, 1)
	at := 0
	for pixel := range starts {
		for at < len(list) && int(list[at]) < pixel*channels {
			at++
		}
		starts[pixel] = int32(at)
	}
	return list, starts
}
