package kernel

import (
	"math/bits"
	"unsafe"
)

// EventWeights computes the derivative by the weights of an EventProduct, or of a product of numbers whose gradient spikes:
// for each pixel of spikes and each channel that fires there, the window of numbers that meets the pixel is added to the sums
// of that channel. Each sum takes its events image by image, in the order of pixels; so its bits are those of the same sum
// over the numbers 0 and 1.
//
// Spikes are listed channel by channel, for as many pixels as the first cache holds windows of: a band of an image or several
// images, and only a few columns of each. One channel's sums of a window are then all in registers.
type EventWeights struct {
	*gemm
	level  Level
	shape  Shape
	phases []Phase // those where there is something to add
	most   int     // columns that are added together
}

// windowArgs is the argument block of the assembly that adds windows to sums.
type windowArgs struct {
	list, ends     *uint32  // which pixel of part each window begins at, channel by channel; where in list those of each end
	part           *float32 // [row][column][columns]
	sums           *float32 // of the first channel and tap
	line           uintptr  // bytes from a row of part to the next
	first          int      // place in list where those of the first channel begin
	tapRow, tapCol uintptr  // bytes from the sums of a tap to those of the next
	capacity, sum  uintptr  // from a channel to the next: places in list, bytes in sums
	channels       int
	_              [2]uint32
}

// NewEventWeights prepares the sums for images of spikes and images of numbers. The shape maps numbers to spikes: its phases
// are the windows of numbers that pixels of spikes meet. Where a phase's sums begin is its Weights; they are ordered [window
// row][window column][channel of spikes][channel of numbers], with as many of the last as PackedColumns.
func NewEventWeights(l Level, s Shape) *EventWeights {
	p := &EventWeights{gemm: gemmOf(l), level: l, shape: s, most: 64}
	for _, f := range s.Phases {
		if len(f.Taps)*f.Rows*f.Cols == 0 {
			continue
		}
		p.phases = append(p.phases, f)
		high, wide := side(f.High), side(f.Wide)
		for ; p.most > 8 && !hasWindow(l, high, wide, p.most); p.most /= 2 {
		}
	}
	return p
}

// side returns how long the first part of a side of a window is where that is cut into parts of at most three, as even as can be.
func side(n int) int {
	parts := (n + 2) / 3
	return (n + parts - 1) / parts
}

// hasWindow reports whether the sums of a window fit in the registers.
func hasWindow(l Level, high, wide, columns int) bool {
	switch l {
	case AVX512:
		return high*wide*columns <= 9*16 && columns >= 16
	case AVX2:
		return high*wide*columns <= 12*8
	}
	return true
}

// Images are some of the images of an operand, in the order in which sums take them: Count from image From on, and as many
// again after each Next images, Times times.
type Images struct{ From, Count, Next, Times int }

// at returns the number of one.
func (r Images) at(k int) int { return r.From + k/r.Count*r.Next + k%r.Count }

// width returns how many columns the sums have.
func (p *EventWeights) width() int { return PackedColumns(p.shape.In) }

// cut returns how many images of a phase are listed together, and how many rows of it.
func (p *EventWeights) cut(f *Phase) (images, rows int) {
	const cache = 32 << 10
	pixels := cache / 4 / p.most
	line := f.Stride*(f.Cols-1) + f.Wide
	if whole := (f.Stride*(f.Rows-1) + f.High) * line; whole <= pixels {
		return max(1, pixels/whole), f.Rows
	}
	rows = max(1, (pixels/line-f.High)/f.Stride+1)
	parts := (f.Rows + rows - 1) / rows
	return 1, (f.Rows + parts - 1) / parts
}

// Size returns the memory that Add needs for so many channels of spikes.
func (p *EventWeights) Size(channels int) EventSize {
	s := EventSize{ends: (channels+63)&^63 + 1}
	for i := range p.phases {
		f := &p.phases[i]
		images, rows := p.cut(f)
		s.list = max(s.list, channels*images*rows*f.Cols)
		s.part = max(s.part, images*(f.Stride*(rows-1)+f.High)*(f.Stride*(f.Cols-1)+f.Wide)*p.most)
	}
	return s
}

// Pays reports whether a share of spikes is so small that they are faster to multiply as events than as numbers.
func (p *EventWeights) Pays(share float64) bool { return share < 0.4 }

// Add adds what the spikes of channels [from, to) of some images give with the same images of numbers. x and numbers are of
// all images; each image's bits begin at a whole word.
func (p *EventWeights) Add(w *Work, sums []float32, x []uint64, numbers []float32, r Images, from, to int) {
	if from == to {
		return
	}
	for i := range p.phases {
		f := &p.phases[i]
		images, rows := p.cut(f)
		for first := 0; first < r.Count*r.Times; first += images {
			for top := 0; top < f.Rows; top += rows {
				band := band{EventWeights: p, f: f, images: r, first: first, count: min(images, r.Count*r.Times-first), top: top, rows: min(rows, f.Rows-top), from: from, to: to}
				band.capacity = images * rows * f.Cols
				band.high, band.wide = f.Stride*(band.rows-1)+f.High, f.Stride*(f.Cols-1)+f.Wide
				band.add(&w.events, sums, x, numbers)
			}
		}
	}
}

// band is some images, or rows of one image, of a phase.
type band struct {
	*EventWeights
	f            *Phase
	images       Images
	first, count int // images
	top, rows    int // of the phase
	from, to     int // channels
	capacity     int // of a channel's list
	high, wide   int // of an image's part
}

func (r *band) add(e *events, sums []float32, x []uint64, numbers []float32) {
	r.list(e, x)
	f, width := r.f, r.width()
	for column := 0; column < r.shape.In; {
		columns := min(r.most, width-column)
		for columns&(columns-1) != 0 {
			columns &= columns - 1
		}
		r.pack(e.part, numbers, column, columns)
		high, wide := side(f.High), side(f.Wide)
		for u := 0; u < f.High; u += high {
			for v := 0; v < f.Wide; v += wide {
				at := f.Weights + ((u*f.Wide+v)*r.shape.Out+r.from)*width + column
				r.window(e, sums[at:], u, v, min(high, f.High-u), min(wide, f.Wide-v), columns)
			}
		}
		column += columns
	}
}

// list lists for each channel the pixels of the band where it fires: which pixel of part its window begins at.
func (r *band) list(e *events, x []uint64) {
	channels := r.to - r.from
	ends := e.ends[:(channels+63)&^63+1]
	for c := range channels {
		ends[c] = uint32(c * r.capacity)
	}
	words := (r.shape.OutHigh*r.shape.OutWide*r.shape.Out + 63) / 64
	for k := range r.count {
		image := r.images.at(r.first+k) * words * 64
		for i := range r.rows {
			row := image + ((r.f.Row+r.f.Step*(r.top+i))*r.shape.OutWide+r.f.Col)*r.shape.Out + r.from
			at := (k*r.high + r.f.Stride*i) * r.wide
			for j := range r.f.Cols {
				bit, place := row+j*r.f.Step*r.shape.Out, uint32(at+j*r.f.Stride)
				for o := 0; o < channels; o += 64 {
					word := bitsAt(x, bit+o, min(64, channels-o))
					// Eight at a time, whether there are so many or not: how many follow is hard to foresee. What is none goes
					// to the end of the list.
					d := (*[65]uint32)(ends[o:])
					behind := d[64]
					for count := bits.OnesCount64(word); count > 0; count -= 8 {
						d[64] = uint32(len(e.list) - 8)
						for range 8 {
							c := bits.TrailingZeros64(word)
							word &= word - 1
							e.list[d[c]] = place
							d[c]++
						}
					}
					d[64] = behind
				}
			}
		}
	}
}

// pack copies some columns of the numbers that the windows of the band see, with zeros where they see what is not there.
func (r *band) pack(part, numbers []float32, column, columns int) {
	const gathered = 32 // by a call of gatherPixels
	there := min(columns, r.shape.In-column)
	line := r.wide * columns
	a, z := max(0, -r.f.Left), min(r.wide, r.shape.Wide-r.f.Left)
	for k := range r.count {
		image := numbers[r.images.at(r.first+k)*r.shape.High*r.shape.Wide*r.shape.In:]
		for i := range r.high {
			d := part[(k*r.high+i)*line:][:line]
			y := r.f.Stride*r.top + r.f.Top + i
			if y < 0 || y >= r.shape.High || a >= z {
				clear(d)
				continue
			}
			clear(d[:a*columns])
			clear(d[z*columns:])
			from := image[(y*r.shape.Wide+r.f.Left+a)*r.shape.In+column:]
			d = d[a*columns : z*columns]
			if there < columns {
				clear(d)
			}
			for at := 0; at < there; at += gathered {
				r.gatherPixels(d[at:], from[at:], z-a, columns, r.shape.In, min(gathered, there-at))
			}
		}
	}
}

// window adds to the sums of each channel, for a few taps of the window from (u, v) on.
func (r *band) window(e *events, sums []float32, u, v, high, wide, columns int) {
	channels, width := r.to-r.from, r.width()
	part := e.part[(u*r.wide+v)*columns:]
	tapCol := r.shape.Out * width
	tapRow := r.f.Wide * tapCol
	sums = sums[:(high-1)*tapRow+(wide-1)*tapCol+(channels-1)*width+columns]
	const events = 1 << 17 // a call of assembly cannot be interrupted: no more than so many
	kernel, most := windowKernel(r.level, high, wide, columns), max(1, events/r.capacity)
	for c := 0; c < channels; c += most {
		n := min(most, channels-c)
		d := sums[c*width:]
		if kernel != nil {
			e.window = windowArgs{list: &e.list[0], first: c * r.capacity, ends: &e.ends[c], part: &part[0], sums: &d[0], line: uintptr(4 * r.wide * columns),
				tapRow: uintptr(4 * tapRow), tapCol: uintptr(4 * tapCol), capacity: uintptr(r.capacity), sum: uintptr(4 * width), channels: n}
			kernel((*byte)(unsafe.Pointer(&e.window)))
			continue
		}
		for k := range n {
			own := e.list[(c+k)*r.capacity : e.ends[c+k]]
			for i := range high {
				for j := range wide {
					addRows(d[i*tapRow+j*tapCol+k*width:][:columns], part[(i*r.wide+j)*columns:], own, columns)
				}
			}
		}
	}
}
