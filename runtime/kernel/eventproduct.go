package kernel

import (
	"math"
	"unsafe"
)

// EventProduct multiplies spikes by weights: a convolution or its transpose, phase by phase, or a product by a matrix, which
// is a convolution by a kernel of one pixel. Its results are, bit for bit, those that Dense gives for the numbers 0 and 1.
//
// What is in the first cache decides the speed. So the weights of one row of a window, or of one of its pixels, meet all
// pixels of a few images before the next are taken; meanwhile sums wait in the result.
type EventProduct struct {
	level         Level
	shape         Shape
	images        int
	group, groups int  // images of a unit
	parts         int  // into which the blocks of columns are cut
	columns       int  // that are computed together, at most
	taps          int  // of a row that are
	square        bool // so are all taps of windows of 3 x 3
	left, right   int  // pixels that windows reach over the left and the right border
	limit         float64
}

// rowArgs is the argument block of the assembly that computes a row of pixels of a result.
type rowArgs struct {
	list, starts *uint32  // channels of events; where in list those of the first pixel's first tap begin
	weights      *float32 // of the first tap
	out          *float32 // the first pixel
	tap, pitch   uintptr  // bytes from a tap's weights to the next one's, and from a channel's
	next, step   uintptr  // bytes from a pixel of the result to the next, and in starts to its window, where there is one tap
	count        int      // pixels
	first        int      // 0: add to what is there
}

// squareArgs is the argument block of the assembly that adds what a row of pixels of the operand gives to the three rows of
// the result that see it, by windows of 3 x 3.
type squareArgs struct {
	list, starts *uint32
	weights      *float32
	tap, pitch   uintptr
	out          [3]*float32 // the row that sees it under the first row of its window, under the second, under the third
	back         int         // bytes to the pixel that has seen all its columns
	left, done   int         // pixels that are to begin; at how many left the first is done
	first        int         // 1: there is nothing yet in any row; 0: in the first
	next         int         // bytes from a pixel to the next
}

// squareCycles is what an event takes that adds weights of 3 x 3 taps to 32 columns.
const squareCycles = eventCycles + 9*2*nearCycles/2

// NewEventProduct prepares the product of so many images of spikes by packed weights.
func NewEventProduct(l Level, s Shape, images int) *EventProduct {
	s = flat(s)
	p := &EventProduct{level: l, shape: s, images: images, columns: Block, taps: 1}
	if l == AVX2 {
		p.columns = 32 // three pixels' sums fill the registers
	}
	wide, pixels := 0, 0
	for _, f := range s.Phases {
		wide, pixels = max(wide, f.Wide), pixels+f.Rows*f.Cols
		p.left = max(p.left, -f.Left)
		p.right = max(p.right, f.Stride*(f.Cols-1)+f.Left+f.Wide-s.Wide)
	}
	// A row of three taps is one loop over the events of a pixel where it would be three, but only where its weights fit.
	const cache = 48 << 10
	row := s.In * min(Block, PackedColumns(s.Out)) * 4 // of weights; those of fewer columns lie as far apart
	if n := min(wide, 3); n*row <= cache {
		p.taps = max(n, 1)
	}
	// All taps of a window of 3 x 3 are one loop where both their weights fit and their sums. A third of the loops end at a
	// place that cannot be foreseen.
	if f := &s.Phases[0]; l == AVX512 && len(s.Phases) == 1 && f.High == 3 && f.Wide == 3 && f.Stride == 1 && f.Cols*s.In <= atMost(squareCycles) {
		if 9*row <= cache {
			p.square, p.columns = true, min(PackedColumns(s.Out), 32)
		}
	}
	// Enough pixels for each tap's weights to be worth their way into the cache, and yet many units.
	const enough, units = 512, 16
	p.group = max(1, min(enough/max(1, pixels), images/units))
	p.groups = (images + p.group - 1) / p.group
	p.parts = max(1, min((s.Out+Block-1)/Block, units/max(1, p.groups)))
	p.limit = p.measure()
	return p
}

// Units returns how many units the product has, which can run in any order.
func (p *EventProduct) Units() int { return p.groups * p.parts }

// Images returns which images a unit multiplies.
func (p *EventProduct) Images(unit int) (from, to int) {
	from = unit / p.parts * p.group
	return from, min(from+p.group, p.images)
}

// Whole reports whether units compute all channels of their images.
func (p *EventProduct) Whole() bool { return p.parts == 1 }

// Memory returns how much Run needs.
func (p *EventProduct) Memory() EventMemory {
	s := &p.shape
	size := EventMemory{list: p.group * s.High * s.Wide * s.In, starts: p.group*s.High*(p.left+s.Wide+p.right) + 1}
	if s.Out%16 != 0 {
		for _, f := range s.Phases {
			size.part = max(size.part, p.group*f.Rows*f.Cols*min(p.columns, PackedColumns(s.Out)))
		}
	}
	if p.square {
		size.spare = s.OutWide * max(s.Out, p.columns)
	}
	return size
}

// eventCosts is what a product of spikes takes, in units of what a dense one takes for a product with sixteen columns;
// measured.
type eventCosts struct {
	pass  float64 // for each pixel and tile of columns, where a row of a window begins: sums go to memory and back, a loop ends
	event float64 // for each row of weights that an event adds, by sixteen columns
	alone float64 // the same where a tap is a pass of its own
	far   float64 // the same where the weights of a tap do not stay near
}

var productCosts = [...]eventCosts{AVX2: {24, 1.4, 1.75, 2.5}, AVX512: {40, 1.25, 1.25, 2.4}}

// measure returns the share of spikes below which events are faster than numbers at this level.
func (p *EventProduct) measure() float64 {
	if p.level == Generic {
		return math.Inf(1) // there is no multiplying by zeros either
	}
	const near = 128 << 10
	s, c := &p.shape, productCosts[p.level]
	tiles, wide := (PackedColumns(s.Out)+p.columns-1)/p.columns, float64(PackedColumns(s.Out)/16)
	event := c.event
	switch {
	case s.In*min(p.columns, PackedColumns(s.Out))*4 > near:
		event = c.far
	case p.taps == 1:
		event = c.alone
	}
	var dense, passes float64
	for _, f := range s.Phases {
		taps := p.taps
		if f.Stride > 1 {
			taps = 1
		}
		pixels := float64(f.Rows * f.Cols)
		dense += pixels * float64(f.High*f.Wide*s.In) * wide
		rows := f.High * ((f.Wide + taps - 1) / taps)
		if p.square {
			rows = 2 // one loop, more sums
		}
		passes += pixels * float64(rows*tiles)
	}
	return (dense - c.pass*passes) / (dense * event)
}

// Pays reports whether a share of spikes is so small that they are faster to multiply as events than as numbers.
func (p *EventProduct) Pays(share float64) bool { return share < p.limit }

// Run computes a unit. out and the spikes x, which are bits, hold all images.
func (p *EventProduct) Run(w *Work, unit int, out []float32, x Operand, weights []float32) {
	s := &p.shape
	from, images := p.Images(unit)
	images -= from
	size, words := s.OutHigh*s.OutWide*s.Out, (s.High*s.Wide*s.In+63)/64
	p.list(&w.events, x.Bits[from*words:], images)
	r := phaseRun{EventProduct: p, high: s.High, wide: s.Wide, images: images, size: size, out: out[from*size : (from+images)*size]}
	if s.High == 1 && p.left == 0 && p.right == 0 && size == s.Wide*s.Out && len(s.Phases) == 1 && s.Phases[0].Cols == s.Wide {
		r.wide, r.images = images*s.Wide, 1 // pixels next to each other, and windows of one
	}
	part, blocks := unit%p.parts, (s.Out+Block-1)/Block
	for i := range s.Phases {
		r.f = s.Phases[i]
		f := &r.f
		if f.Rows*f.Cols == 0 {
			continue
		}
		if r.images < images {
			f.Cols = r.wide
		}
		for b := part * blocks / p.parts; b < (part+1)*blocks/p.parts; b++ {
			r.pitch = BlockColumns(s.Out, b)
			taps := f.High * f.Wide * s.In
			r.weights = weights[f.Weights+b*Block*taps:][:taps*r.pitch]
			r.unseen(b*Block, min(Block, s.Out-b*Block))
			for at := 0; at < r.pitch; at += r.columns {
				r.at, r.column, r.columns = at, b*Block+at, min(p.columns, r.pitch-at)
				r.tile(&w.events)
			}
		}
	}
}

// list lists the spikes of the images pixel by pixel, and in starts where those of each begin, row by row of pixels;
// between the rows are pixels without any, for what lies beyond the border.
func (p *EventProduct) list(e *events, x []uint64, images int) {
	n, at := uint32(0), 0
	s := &p.shape
	words := (s.High*s.Wide*s.In + 63) / 64
	for image := range images {
		bit := image * words * 64
		for range s.High {
			for range p.left {
				e.starts[at] = n
				at++
			}
			n = e.listPixels(p.level, x, bit, s.Wide, s.In, e.starts[at:], n)
			bit += s.Wide * s.In
			at += s.Wide
			for range p.right {
				e.starts[at] = n
				at++
			}
		}
	}
	e.starts[at] = n
}

// phaseRun is a phase of a product at work on a tile of columns.
type phaseRun struct {
	*EventProduct
	f                  Phase
	high, wide, images int // of the operand
	size               int // of an image of the result
	out                []float32
	weights            []float32 // of the block
	pitch              int       // columns of the block
	at, column         int       // first column, in the block and in the result
	columns            int
}

// pixel returns where in the result the first pixel of row i of the phase begins, and how far apart its pixels are.
func (r *phaseRun) pixel(image, i int) (at, next int) {
	s, f := &r.shape, &r.f
	return image*r.size + ((f.Row+f.Step*i)*s.OutWide+f.Col)*s.Out, f.Step * s.Out
}

// seen reports whether row i of the phase sees anything.
func (r *phaseRun) seen(i int) bool {
	top := r.f.Stride*i + r.f.Top
	return r.f.Wide > 0 && max(top, 0) < min(top+r.f.High, r.high)
}

// unseen clears some columns of the rows of the phase whose windows are outside of the image.
func (r *phaseRun) unseen(column, columns int) {
	for i := range r.f.Rows {
		if r.seen(i) {
			continue
		}
		for image := range r.images {
			at, next := r.pixel(image, i)
			for range r.f.Cols {
				clear(r.out[at+column:][:columns])
				at += next
			}
		}
	}
}

// tile computes a tile of columns of all pixels of the phase.
func (r *phaseRun) tile(e *events) {
	if r.square {
		r.squares(e)
		return
	}
	f, channels := &r.f, r.shape.In
	line := r.left + r.wide + r.right
	there := min(r.columns, r.shape.Out-r.column) // columns that the result has
	for u := range f.High {
		for v := 0; v < f.Wide; {
			taps := 1
			if f.Stride == 1 {
				taps = min(r.taps, f.Wide-v)
			}
			weights := r.weights[(u*f.Wide+v)*channels*r.pitch+r.at:]
			for image := range r.images {
				for i := range f.Rows {
					y := f.Stride*i + f.Top + u
					if y < 0 || y >= r.high {
						continue
					}
					starts := e.starts[(image*r.high+y)*line+r.left+f.Left+v:]
					first := v == 0 && (u == 0 || y == 0)
					if there < r.columns {
						r.row(e, e.part[(image*f.Rows+i)*f.Cols*r.columns:], starts, weights, r.columns, taps, first)
						continue
					}
					at, next := r.pixel(image, i)
					r.row(e, r.out[at+r.column:], starts, weights, next, taps, first)
				}
			}
			v += taps
		}
	}
	r.take(e, there)
}

// take copies those columns of a tile that the result has out of part, where it has not all.
func (r *phaseRun) take(e *events, there int) {
	if there == r.columns {
		return
	}
	for image := range r.images {
		for i := range r.f.Rows {
			if !r.seen(i) {
				continue
			}
			at, next := r.pixel(image, i)
			part := e.part[(image*r.f.Rows+i)*r.f.Cols*r.columns:]
			for j := range r.f.Cols {
				copy(r.out[at+j*next+r.column:][:there], part[j*r.columns:])
			}
		}
	}
}

// squares computes a tile of columns by windows of 3 x 3, row by row of the operand.
func (r *phaseRun) squares(e *events) {
	f, s := &r.f, &r.shape
	line, there := r.left+r.wide+r.right, min(r.columns, s.Out-r.column)
	for image := range r.images {
		for y := range r.high {
			a := &e.square
			at, next := 0, f.Step*s.Out
			if there < r.columns {
				next = r.columns
			}
			for u := range a.out {
				out := e.spare
				if i := y - f.Top - u; i >= 0 && i < f.Rows {
					if at, _ = r.pixel(image, i); there < r.columns {
						out = e.part[(image*f.Rows+i)*f.Cols*r.columns:]
					} else {
						out = r.out[at+r.column:]
					}
				}
				a.out[u] = &out[:(f.Cols-1)*next+r.columns][0]
			}
			starts := e.starts[(image*r.high+y)*line+r.left+f.Left:][:f.Cols+3]
			a.list, a.starts, a.weights = &e.list[0], &starts[0], &r.weights[r.at]
			a.tap, a.pitch, a.next, a.back = uintptr(4*s.In*r.pitch), uintptr(4*r.pitch), 4*next, -8*next
			a.left, a.done, a.first = f.Cols, f.Cols-2, 0
			if y == 0 {
				a.first = 1
			}
			squareKernel(r.columns)((*byte)(unsafe.Pointer(a)))
		}
	}
	r.take(e, there)
}

// row adds what the events under a few taps of a row of the window give to a row of pixels.
func (r *phaseRun) row(e *events, out []float32, starts []uint32, weights []float32, next, taps int, first bool) {
	stride, channels := r.f.Stride, r.shape.In
	kernel := rowKernel(r.level, taps, r.columns)
	if kernel == nil {
		r.addRow(e, out, starts, weights, next, taps, first)
		return
	}
	a := &e.row
	*a = rowArgs{list: &e.list[0], weights: &weights[0],
		tap: uintptr(4 * channels * r.pitch), pitch: uintptr(4 * r.pitch), next: uintptr(4 * next), step: uintptr(4 * stride)}
	cost := rowCycles(taps, r.columns)
	if most := ofOneCall(channels, cost); taps == 1 && channels > most { // pixel by pixel, and these part by part
		for j := range r.f.Cols {
			from, to := starts[j*stride], starts[j*stride+1]
			a.out, a.starts, a.count, a.first = &out[j*next:][:r.columns][0], &e.cut[0], 1, 0
			if first {
				a.first = 1
			}
			for once := true; from < to || once && first; once = false {
				e.cut = [2]uint32{from, min(from+uint32(most), to)}
				kernel((*byte)(unsafe.Pointer(a)))
				from, a.first = e.cut[1], 0
			}
		}
		return
	}
	most := ofOneCall(r.f.Cols, breakCycles+channels*cost)
	for j := 0; j < r.f.Cols; j += most {
		count := min(most, r.f.Cols-j)
		d := out[j*next : (j+count-1)*next+r.columns]
		s := starts[j*stride : (j+count-1)*stride+taps+1]
		if a.starts, a.out, a.count, a.first = &s[0], &d[0], count, 0; first {
			a.first = 1
		}
		kernel((*byte)(unsafe.Pointer(a)))
	}
}

// rowCycles is what an event takes that adds weights of so many taps to so many columns.
func rowCycles(taps, columns int) int { return eventCycles + taps*columns/16*nearCycles }

// addRow is row in plain Go.
func (r *phaseRun) addRow(e *events, out []float32, starts []uint32, weights []float32, next, taps int, first bool) {
	for j := range r.f.Cols {
		acc, s := out[j*next:][:r.columns], starts[j*r.f.Stride:]
		if first {
			clear(acc)
		}
		for v := range taps {
			addRows(acc, weights[v*r.shape.In*r.pitch:], e.list[s[v]:s[v+1]], r.pitch)
		}
	}
}
