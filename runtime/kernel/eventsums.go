package kernel

import (
	"math"
	"math/bits"
	"unsafe"
)

// EventSums computes the derivative of a convolution, or of a product with a matrix, by its weights where x or dy is spikes, in
// units that can run in any order. What DenseSums computes from the numbers 0 and 1 it computes from events: for each pixel of
// spikes and each channel that fires there, the window of numbers that meets the pixel is added to the sums of that channel, to
// the same bits. A slot's sums lie as those of DenseSums do, with the channels of spikes as channels in and those of numbers as
// channels out.
//
// Spikes are listed channel by channel, for as many pixels as the first cache holds windows of: a band of an image or several
// images, and only a few columns of each. One channel's sums of a window are then all in registers.
type EventSums struct {
	slotSums
	level   Level
	back    bool // x fires
	batch   Batch
	fires   picture // of spikes
	numbers picture
	phases  []Phase // of the pixels of spikes, those where there is something to add
	columns int     // columns that are added together
	pass    int     // channels of spikes that are listed together, at most
	parts   int     // into which the channels of spikes are cut
	limit   float64
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
}

// NewEventSums prepares the sums at a level. back says that x is what fires; else dy is.
func NewEventSums(l Level, v Window, b Batch, back bool) *EventSums {
	p := &EventSums{level: l, back: back, batch: b, columns: Block,
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
		for ; p.columns > 8 && !hasWindow(l, high, wide, p.columns); p.columns /= 2 {
		}
	}
	p.slotSums = slotSums{gemmOf(l), p.fires.channels, p.numbers.channels, v.Kernel * v.Kernel, b.Slots}
	const channels = 256
	words := (p.fires.channels + 63) / 64
	p.parts = max(1, min(words, fewUnits/max(1, b.Slots)))
	p.pass = min((words+p.parts-1)/p.parts*64, channels)
	p.limit = p.measure()
	return p
}

// side returns how long the first part of a side of a window is where that is cut into parts of at most three, as even as
// can be.
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
	pixels := cache / 4 / p.columns
	line := f.Stride*(f.Cols-1) + f.Wide
	if whole := (f.Stride*(f.Rows-1) + f.High) * line; whole <= pixels {
		return max(1, pixels/whole), f.Rows
	}
	rows = max(1, (pixels/line-f.High)/f.Stride+1)
	parts := (f.Rows + rows - 1) / rows
	return 1, (f.Rows + parts - 1) / parts
}

// Memory returns how much Run needs.
func (p *EventSums) Memory() EventMemory {
	s := EventMemory{ends: p.pass + 1}
	for i := range p.phases {
		f := &p.phases[i]
		images, rows := p.cut(f)
		s.list = max(s.list, p.pass*images*rows*f.Cols)
		s.part = max(s.part, images*(f.Stride*(rows-1)+f.High)*(f.Stride*(f.Cols-1)+f.Wide)*min(Block, PackedColumns(p.numbers.channels)))
	}
	return s
}

// sumCosts is what sums of events take, in units of what dense ones take for a product with sixteen columns; measured.
type sumCosts struct {
	pixel float64 // for each pixel, once and for each tile of columns: listing, copying, sums to memory and back
	event float64 // for each row of numbers that an event adds, by sixteen columns
	list  float64 // for each event
}

var eventSumCosts = [...]sumCosts{AVX2: {20, 1.2, 4}, AVX512: {40, 1.3, 4}}

// measure returns the share of spikes below which events are faster than numbers at this level.
func (p *EventSums) measure() float64 {
	if p.level == Generic {
		return math.Inf(1) // there is no multiplying by zeros either
	}
	c := eventSumCosts[p.level]
	var taps, pixels float64
	for _, f := range p.phases {
		pixels += float64(f.Rows * f.Cols)
		taps += float64(f.Rows * f.Cols * f.High * f.Wide)
	}
	taps /= max(pixels, 1)
	fires, numbers := float64(p.fires.channels), float64(p.numbers.channels)
	wide, tiles := float64(PackedColumns(p.numbers.channels)/16), float64((p.numbers.channels+p.columns-1)/p.columns)
	dense := taps * fires * wide
	if !p.back {
		dense = taps * numbers * float64(PackedColumns(p.fires.channels)/16)
	}
	return (dense - c.pixel*(1+tiles)) / (fires * (taps*wide*c.event + c.list))
}

// Pays reports whether a share of spikes is so small that they are faster to add as events than as numbers.
func (p *EventSums) Pays(share float64) bool { return share < p.limit }

// Total adds the slots of a part of the sums up as DenseSums does.
func (p *EventSums) Total(unit int, out, sums []float32, place Totals) {
	if !p.back { // then channels out are what the sums have for channels in
		place.In, place.Out = place.Out, place.In
	}
	p.slotSums.Total(unit, out, sums, place)
}

// Units returns how many units there are: so many for each slot.
func (p *EventSums) Units() int { return p.batch.Slots * p.parts }

// Run computes a unit. sums holds the sums of all slots, one after another; x and dy hold all images, one of them as bits and
// the other as real numbers.
func (p *EventSums) Run(w *Work, unit int, sums []float32, x, dy Operand) {
	if !p.back {
		x, dy = dy, x
	}
	slot, part := unit/p.parts, unit%p.parts
	words := (p.fires.channels + 63) / 64
	from, to := part*words/p.parts*64, min((part+1)*words/p.parts*64, p.fires.channels)
	sums = sums[slot*p.Size() : (slot+1)*p.Size()]
	for first := 0; first < p.numbers.channels; first += Block {
		columns := BlockColumns(p.numbers.channels, first/Block)
		for tap := range p.taps {
			clear(sums[first*p.taps*p.fires.channels+(tap*p.fires.channels+from)*columns:][:(to-from)*columns])
		}
	}
	b := band{EventSums: p, sums: sums, numbers: dy.Floats, spikes: x.Bits}
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
	spikes        []uint64
	example, each int       // first example of the slot, and how many it has
	first, count  int       // images, of those of the slot
	top, rows     int       // of the phase
	from, to      int       // channels
	capacity      int       // of a channel's list
	high, wide    int       // of an image's part
	block         []float32 // sums of a block of columns: [tap][channel of spikes][column]
	pitch         int       // its columns
}

// image returns the number of an image of the slot.
func (r *band) image(k int) int { return k/r.each*r.batch.N + r.example + k%r.each }

// add adds what the band gives.
func (r *band) add(e *events) {
	r.list(e)
	f, rows := r.f, r.EventSums.numbers.channels
	high, wide := side(f.High), side(f.Wide)
	for first := 0; first < rows; first += Block {
		r.pitch = BlockColumns(rows, first/Block)
		r.block = r.sums[first*r.taps*r.fires.channels:][:r.taps*r.fires.channels*r.pitch]
		r.pack(e, first)
		for column := 0; column < r.pitch; {
			columns := r.tile(column)
			for u := 0; u < f.High; u += high {
				for v := 0; v < f.Wide; v += wide {
					r.window(e, u, v, min(high, f.High-u), min(wide, f.Wide-v), column, columns)
				}
			}
			column += columns
		}
	}
}

// tile returns how many columns of the block are added together from one on: a power of two.
func (r *band) tile(column int) int {
	columns := min(r.columns, r.pitch-column)
	for columns&(columns-1) != 0 {
		columns &= columns - 1
	}
	return columns
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
					word := BitField(r.spikes, bit+o, min(64, channels-o))
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

// pack copies the columns of a block of the numbers that the windows of the band see, tile by tile of columns, with zeros where
// they see what is not there. All tiles of a row are copied at once: it comes from far away.
func (r *band) pack(e *events, first int) {
	p := r.EventSums.numbers
	a, z := max(0, -r.f.Left), min(r.wide, p.wide-r.f.Left)
	if a == 0 && z == p.wide && r.wide == p.wide && r.f.Top == 0 && r.high == p.high { // images as they are
		for k := 0; k < r.count; {
			n := min(r.count-k, r.each-(r.first+k)%r.each)
			r.split(e, r.numbers[r.image(r.first+k)*p.size()+first:], p.channels-first, k*p.high*p.wide, n*p.high*p.wide)
			k += n
		}
		return
	}
	for k := range r.count {
		image := r.numbers[r.image(r.first+k)*p.size():]
		for i := range r.high {
			at, y := (k*r.high+i)*r.wide, r.f.Stride*r.top+r.f.Top+i
			if y < 0 || y >= p.high || a >= z {
				r.clear(e.part, at, r.wide)
				continue
			}
			r.clear(e.part, at, a)
			r.clear(e.part, at+z, r.wide-z)
			r.split(e, image[(y*p.wide+r.f.Left+a)*p.channels+first:], p.channels-first, at+a, z-a)
		}
	}
}

// pixels returns how many pixels part has: a tile of it begins at so many times its first column.
func (r *band) pixels() int { return r.count * r.high * r.wide }

// clear writes zeros to n pixels of part from one on, in all tiles.
func (r *band) clear(part []float32, at, n int) {
	for column := 0; n > 0 && column < r.pitch; {
		columns := r.tile(column)
		clear(part[r.pixels()*column+at*columns:][:n*columns])
		column += columns
	}
}

// splitArgs is the argument block of the assembly that copies the vectors of pixels apart.
type splitArgs struct {
	to, from       *float32
	next, distance int // bytes from pixel to pixel, where they come from and where they go
	pixels         int
	places         [8]int // bytes from where the first vector of a pixel goes to where this one does
}

// mostSplit is how many pixels one call copies: four or five lines of the cache each, and as many where they go.
const mostSplit = callCycles / (9 * lineCycles)

// split copies n pixels to part, from one on, and tile by tile. there says how many columns they have from the block's
// first on.
func (r *band) split(e *events, from []float32, there, at, n int) {
	next := r.EventSums.numbers.channels
	for column := 0; column < r.pitch; {
		columns := r.tile(column)
		tiles := 1
		for same := column + columns; same < r.pitch && r.tile(same) == columns; same += columns {
			tiles++
		}
		d := e.part[r.pixels()*column+at*columns:]
		kernel, lanes := splitKernel(r.level, tiles*columns)
		switch {
		case kernel != nil && column+tiles*columns <= there:
			_, _ = d[(tiles-1)*r.pixels()*columns+n*columns-1], from[(n-1)*next+column+tiles*columns-1]
			s := &e.split
			s.next, s.distance = 4*next, 4*columns
			for q := range tiles * columns / lanes {
				s.places[q] = 4 * (q*lanes/columns*r.pixels()*columns + q*lanes%columns)
			}
			for k := 0; k < n; k += mostSplit {
				s.to, s.from, s.pixels = &d[k*columns], &from[k*next+column], min(mostSplit, n-k)
				kernel((*byte)(unsafe.Pointer(s)))
			}
		default:
			for tile := range tiles {
				column, d := column+tile*columns, d[tile*r.pixels()*columns:]
				for k := range n {
					to := d[k*columns:][:columns]
					for j := range to {
						if to[j] = 0; column+j < there {
							to[j] = from[k*next+column+j]
						}
					}
				}
			}
		}
		column += tiles * columns
	}
}

// window adds for each channel, to some columns of the block, a part of the window: high x wide taps from (u, v) on.
func (r *band) window(e *events, u, v, high, wide, column, columns int) {
	taps, all := r.f.Taps[u*r.f.Wide+v:], r.fires.channels*r.pitch
	var row, col int // from the sums of a tap to those below and beside it; a transpose has its taps backwards
	if high > 1 {
		row = (taps[r.f.Wide] - taps[0]) * all
	}
	if wide > 1 {
		col = (taps[1] - taps[0]) * all
	}
	part, channels := e.part[r.pixels()*column+(u*r.wide+v)*columns:], r.to-r.from
	kernel, cost := windowKernel(r.level, high, wide, columns), windowCycles(high, wide, columns)
	most := ofOneCall(channels, breakCycles+r.capacity*cost)
	for c := 0; c < channels; c += most {
		n := min(most, channels-c)
		at := taps[0]*all + (r.from+c)*r.pitch + column
		if kernel != nil {
			_, _ = r.block[at+min(0, (high-1)*row)+min(0, (wide-1)*col)], r.block[at+max(0, (high-1)*row)+max(0, (wide-1)*col)+(n-1)*r.pitch+columns-1]
			e.window = windowArgs{list: &e.list[0], first: c * r.capacity, ends: &e.ends[c], part: &part[0], sums: &r.block[at], line: uintptr(4 * r.wide * columns),
				tapRow: 4 * row, tapCol: 4 * col, capacity: r.capacity, sum: 4 * r.pitch, channels: n}
			if events := ofOneCall(r.capacity, cost); r.capacity > events { // one channel, part by part
				r.oneByParts(e, kernel, events)
			} else {
				kernel((*byte)(unsafe.Pointer(&e.window)))
			}
			continue
		}
		for k := range n {
			list := e.list[(c+k)*r.capacity : e.ends[c+k]]
			for i := range high {
				for j := range wide {
					addRows(r.block[at+i*row+j*col+k*r.pitch:][:columns], part[(i*r.wide+j)*columns:], list, columns)
				}
			}
		}
	}
}

// windowCycles is what an event takes that adds a window of so many taps and columns.
func windowCycles(high, wide, columns int) int {
	return eventCycles + high*wide*columns/16*nearCycles/2
}

// oneByParts adds what the window says of its one channel, so many events at a time.
func (r *band) oneByParts(e *events, kernel func(*byte), most int) {
	a := e.window
	for from, end := a.first, int(*a.ends); from < end; from += most {
		e.cut[0] = uint32(min(from+most, end))
		e.window = a
		e.window.first, e.window.ends = from, &e.cut[0]
		kernel((*byte)(unsafe.Pointer(&e.window)))
	}
}
