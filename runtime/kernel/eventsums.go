package kernel

import (
	"math/bits"
	"unsafe"
)

// EventSums computes the derivative of a convolution, or of a product with a matrix, by its weights where x or dy is spikes, in
// units that can run in any order. What DenseSums computes from the numbers 0 and 1 it computes from events: for each pixel of
// spikes and each channel that fires there, the window of numbers that meets the pixel is added to the sums of that channel.
// Each sum takes its events image by image of the slot, in the order of pixels; so its bits are those of DenseSums. A slot's
// sums are ordered in the same way too, with the channels of spikes for those in and those of numbers for those out.
//
// Spikes are listed channel by channel, for as many pixels as the first cache holds windows of: a band of an image or several
// images, and only a few columns of each. One channel's sums of a window are then all in registers.
type EventSums struct {
	*gemm
	level   Level
	batch   Batch
	kernel  int
	fires   picture // of spikes
	numbers picture
	phases  []Phase // of the pixels of spikes, those where there is something to add
	most    int     // columns that are added together
	pass    int     // channels of spikes that are listed together, at most
	parts   int     // into which the channels of spikes are cut
}

// picture is the shape of an image, channels last.
type picture struct{ high, wide, channels int }

// size returns how many elements an image has.
func (p picture) size() int { return p.high * p.wide * p.channels }

// windowArgs is the argument block of the assembly that adds windows to sums.
type windowArgs struct {
	list, ends     *uint32  // which pixel of part each window begins at, channel by channel; where in list those of each end
	part           *float32 // [row][column][columns]
	sums           *float32 // of the first channel and tap
	line           uintptr  // bytes from a row of part to the next
	first          int      // place in list where those of the first channel begin
	tapRow, tapCol int      // bytes from the sums of a tap to those of the next
	capacity, sum  int      // from a channel to the next: places in list, bytes in sums
	channels       int
	_              [2]uint32
}

// NewEventSums prepares the sums at a level. back says that x is what fires; else dy is.
func NewEventSums(l Level, v Window, b Batch, back bool) *EventSums {
	p := &EventSums{gemm: gemmOf(l), level: l, batch: b, kernel: v.Kernel, most: Block,
		fires: picture{v.OutHigh, v.OutWide, v.Out}, numbers: picture{v.High, v.Wide, v.In}}
	if back {
		p.fires, p.numbers = p.numbers, p.fires
	}
	for _, f := range Phases(back, v.Kernel, v.Stride, v.Pad, p.fires.high, p.fires.wide, 0) {
		if len(f.Taps)*f.Rows*f.Cols == 0 {
			continue
		}
		p.phases = append(p.phases, f)
		high, wide := side(f.High), side(f.Wide)
		for ; p.most > 8 && !hasWindow(l, high, wide, p.most); p.most /= 2 {
		}
	}
	const channels = 256
	words := (p.fires.channels + 63) / 64
	p.parts = max(1, min(words, fewUnits/max(1, b.Slots)))
	p.pass = min((words+p.parts-1)/p.parts*64, channels)
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

// cut returns how many images of a phase are listed together, and how many rows of it.
func (p *EventSums) cut(f *Phase) (images, rows int) {
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

// Size returns how many sums a slot has.
func (p *EventSums) Size() int {
	return p.kernel * p.kernel * p.fires.channels * PackedColumns(p.numbers.channels)
}

// Memory returns how much Run needs.
func (p *EventSums) Memory() EventSize {
	s := EventSize{ends: p.pass + 1}
	for i := range p.phases {
		f := &p.phases[i]
		images, rows := p.cut(f)
		s.list = max(s.list, p.pass*images*rows*f.Cols)
		s.part = max(s.part, images*(f.Stride*(rows-1)+f.High)*(f.Stride*(f.Cols-1)+f.Wide)*p.most)
	}
	return s
}

// Pays reports whether a share of spikes is so small that they are faster to add as events than as numbers.
func (p *EventSums) Pays(share float64) bool { return share < 0.4 }

// Units returns how many units there are: so many for each slot.
func (p *EventSums) Units() int { return p.batch.Slots * p.parts }

// Run computes a unit. sums holds the sums of all slots, one after another; x is the spikes and numbers what they meet, both of
// all images; each image's bits begin at a whole word.
func (p *EventSums) Run(w *Work, unit int, sums []float32, x []uint64, numbers []float32) {
	slot, part := unit/p.parts, unit%p.parts
	words := (p.fires.channels + 63) / 64
	from, to := part*words/p.parts*64, min((part+1)*words/p.parts*64, p.fires.channels)
	sums = sums[slot*p.Size() : (slot+1)*p.Size()]
	taps := p.kernel * p.kernel
	for first := 0; first < p.numbers.channels; first += Block {
		columns := BlockColumns(p.numbers.channels, first/Block)
		for tap := range taps {
			clear(sums[first*taps*p.fires.channels+(tap*p.fires.channels+from)*columns:][:(to-from)*columns])
		}
	}
	b := band{EventSums: p, sums: sums, numbers: numbers, x: x}
	b.example, b.each = p.batch.slot(slot)
	b.each -= b.example
	all := b.each * p.batch.Steps
	for ; from < to; from += p.pass {
		b.from, b.to = from, min(from+p.pass, to)
		for i := range p.phases {
			f := &p.phases[i]
			b.f = f
			images, rows := p.cut(f)
			b.capacity = images * rows * f.Cols
			for b.first = 0; b.first < all; b.first += images {
				b.count = min(images, all-b.first)
				for b.top = 0; b.top < f.Rows; b.top += rows {
					b.rows = min(rows, f.Rows-b.top)
					b.high, b.wide = f.Stride*(b.rows-1)+f.High, f.Stride*(f.Cols-1)+f.Wide
					b.add(&w.events)
				}
			}
		}
	}
}

// band is some images of a slot, or rows of one image, of a phase, and some channels of spikes.
type band struct {
	*EventSums
	f             *Phase
	sums, numbers []float32
	x             []uint64
	example, each int // first example of the slot, and how many it has
	first, count  int // images, of those of the slot
	top, rows     int // of the phase
	from, to      int // channels
	capacity      int // of a channel's list
	high, wide    int // of an image's part
}

// image returns the number of an image of the slot.
func (r *band) image(k int) int { return k/r.each*r.batch.N + r.example + k%r.each }

// add adds what the band gives.
func (r *band) add(e *events) {
	r.list(e)
	f, taps := r.f, r.kernel*r.kernel
	for column := 0; column < r.EventSums.numbers.channels; {
		block := column / Block
		width := BlockColumns(r.EventSums.numbers.channels, block)
		columns := min(r.most, block*Block+width-column)
		for columns&(columns-1) != 0 {
			columns &= columns - 1
		}
		r.pack(e.part, column, columns)
		t := windowSums{band: r, sums: r.sums[block*Block*taps*r.fires.channels:][:taps*r.fires.channels*width], column: column % Block, columns: columns, pitch: width}
		high, wide := side(f.High), side(f.Wide)
		for u := 0; u < f.High; u += high {
			for v := 0; v < f.Wide; v += wide {
				t.add(e, u, v, min(high, f.High-u), min(wide, f.Wide-v))
			}
		}
		column += columns
	}
}

// list lists for each channel the pixels of the band where it fires: which pixel of part its window begins at.
func (r *band) list(e *events) {
	channels := r.to - r.from
	ends := e.ends[:(channels+63)&^63+1]
	for c := range channels {
		ends[c] = uint32(c * r.capacity)
	}
	words := (r.fires.size() + 63) / 64
	for k := range r.count {
		image := r.image(r.first+k) * words * 64
		for i := range r.rows {
			row := image + ((r.f.Row+r.f.Step*(r.top+i))*r.fires.wide+r.f.Col)*r.fires.channels + r.from
			at := (k*r.high + r.f.Stride*i) * r.wide
			for j := range r.f.Cols {
				bit, place := row+j*r.f.Step*r.fires.channels, uint32(at+j*r.f.Stride)
				for o := 0; o < channels; o += 64 {
					word := bitsAt(r.x, bit+o, min(64, channels-o))
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
func (r *band) pack(part []float32, column, columns int) {
	const gathered = 32 // by a call of gatherPixels
	p := r.EventSums.numbers
	there := min(columns, p.channels-column)
	line := r.wide * columns
	gather := func(d, from []float32, pixels int) {
		if there < columns {
			clear(d[:pixels*columns])
		}
		for at := 0; at < there; at += gathered {
			r.gatherPixels(d[at:], from[at:], pixels, columns, p.channels, min(gathered, there-at))
		}
	}
	a, z := max(0, -r.f.Left), min(r.wide, p.wide-r.f.Left)
	if a == 0 && z == p.wide && r.wide == p.wide && r.f.Top == 0 && r.high == p.high { // images as they are
		for k := 0; k < r.count; {
			n := min(r.count-k, r.each-(r.first+k)%r.each)
			gather(part[k*p.high*line:], r.numbers[r.image(r.first+k)*p.size()+column:], n*p.high*p.wide)
			k += n
		}
		return
	}
	for k := range r.count {
		image := r.numbers[r.image(r.first+k)*p.size():]
		for i := range r.high {
			d := part[(k*r.high+i)*line:][:line]
			y := r.f.Stride*r.top + r.f.Top + i
			if y < 0 || y >= p.high || a >= z {
				clear(d)
				continue
			}
			clear(d[:a*columns])
			clear(d[z*columns:])
			gather(d[a*columns:], image[(y*p.wide+r.f.Left+a)*p.channels+column:], z-a)
		}
	}
}

// windowSums is the sums that some columns of a band's windows are added to.
type windowSums struct {
	*band
	sums            []float32 // of a block of columns: [tap][channel of spikes][column]
	column, columns int       // of the block
	pitch           int       // columns of the block
}

// add adds for each channel a part of the window: high x wide taps from (u, v) on.
func (t *windowSums) add(e *events, u, v, high, wide int) {
	taps, all := t.f.Taps[u*t.f.Wide+v:], t.fires.channels*t.pitch
	var row, col int // from the sums of a tap to those below and beside it; a transpose has its taps backwards
	if high > 1 {
		row = (taps[t.f.Wide] - taps[0]) * all
	}
	if wide > 1 {
		col = (taps[1] - taps[0]) * all
	}
	const events = 1 << 17 // a call of assembly cannot be interrupted: no more than so many
	part, channels := e.part[(u*t.wide+v)*t.columns:], t.to-t.from
	kernel, most := windowKernel(t.level, high, wide, t.columns), max(1, events/t.capacity)
	for c := 0; c < channels; c += most {
		n := min(most, channels-c)
		at := taps[0]*all + (t.from+c)*t.pitch + t.column
		if kernel != nil {
			_, _ = t.sums[at+min(0, (high-1)*row)+min(0, (wide-1)*col)], t.sums[at+max(0, (high-1)*row)+max(0, (wide-1)*col)+(n-1)*t.pitch+t.columns-1]
			e.window = windowArgs{list: &e.list[0], first: c * t.capacity, ends: &e.ends[c], part: &part[0], sums: &t.sums[at], line: uintptr(4 * t.wide * t.columns),
				tapRow: 4 * row, tapCol: 4 * col, capacity: t.capacity, sum: 4 * t.pitch, channels: n}
			kernel((*byte)(unsafe.Pointer(&e.window)))
			continue
		}
		for k := range n {
			list := e.list[(c+k)*t.capacity : e.ends[c+k]]
			for i := range high {
				for j := range wide {
					addRows(t.sums[at+i*row+j*col+k*t.pitch:][:t.columns], part[(i*t.wide+j)*t.columns:], list, t.columns)
				}
			}
		}
	}
}
