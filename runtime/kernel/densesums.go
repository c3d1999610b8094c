package kernel

// Window is how a convolution's pixels meet those of its operand: pixel (i, j) of OutHigh x OutWide with Out channels meets the
// Kernel x Kernel pixels of High x Wide with In channels from (Stride*i - Pad, Stride*j - Pad) on.
type Window struct {
	High, Wide, In      int
	OutHigh, OutWide    int
	Out                 int
	Kernel, Stride, Pad int
}

// Batch is which rows of a value are summed together: those of Steps time steps of N examples each, where slot s of Slots has
// the examples from s*N/Slots up to (s+1)*N/Slots.
type Batch struct{ Steps, N, Slots int }

// slot returns the examples of a slot.
func (b *Batch) slot(s int) (from, to int) { return s * b.N / b.Slots, (s + 1) * b.N / b.Slots }

// DenseSums computes the derivative of a convolution, or of a product with a matrix, by its weights, in units that can run in
// any order: for each slot of the batch the sums over time steps, examples and pixels of x of a window's place times dy. A
// slot's sums lie as packed weights do: for each block of 64 channels out, for each row and column of the window and each
// channel in, the columns of the block.
type DenseSums struct {
	*gemm
	slotSums
	Window
	batch Batch
	flat  bool // pixels of all examples of a time step are alike, as one column

	tall, count, blocks int        // channels in: count blocks of tall, the others of one less
	merged              int        // how many columns of the window the rows of a tile hold
	parts               int        // into which the blocks of channels in are cut
	pixels              int        // of a band, about
	room                int        // numbers that a unit's memory holds
	segments            []int32    // where the rows of a band lie in what it copies of x
	steps               []int32    // and time steps in x
	lists               [2][]int32 // tiles of a block of 64 columns, and of the last block
}

// bandPixels is about how many pixels a band has: what a tile reads of x and dy for them stays in the first cache.
const bandPixels = 160

// NewDenseSums prepares the sums at a level; numbers says that x and dy are real numbers, what else they are
// is made such band by band.
func NewDenseSums(l Level, v Window, b Batch, numbers bool) *DenseSums {
	d := &DenseSums{gemm: gemmOf(l), slotSums: slotSums{gemmOf(l), v.In, v.Out, v.Kernel * v.Kernel, b.Slots}, Window: v, batch: b, merged: 1, pixels: bandPixels}
	if v.Kernel == 1 && v.Stride == 1 && v.Pad == 0 {
		d.flat = true
		d.High, d.Wide = v.High*v.Wide, 1
		d.OutHigh, d.OutWide = d.High, 1
	}
	var rest int
	d.tall, d.count, rest = even(v.In, d.gemm.rows)
	if d.blocks = d.count + rest; d.blocks == 1 && v.Kernel*v.In <= d.gemm.rows {
		d.merged = v.Kernel
	}
	d.parts = 1
	if v.Kernel > 1 || v.In > fewChannels { // else reading is what takes time, and each part would read all
		d.parts = max(1, min(d.blocks, fewUnits/(b.Slots*d.Blocks())))
	}
	unpacked := 1
	if numbers {
		unpacked = 0
	} else if d.flat {
		d.pixels = max(8, min(d.pixels, scratchFloats/(v.In+v.Out)))
	}
	group, rows := d.band(d.OutHigh)
	if d.flat { // slots differ in length
		group, rows = 1, 3*d.pixels/2+1
	}
	high, wide := d.window(rows)
	d.room = group*(high*(wide*d.tall+unpacked*d.Wide*v.In)+rows*d.OutWide*(Block+unpacked*v.Out)) + pixelPitch
	for image := range group {
		for y := range rows {
			d.segments = append(d.segments, int32((image*high+v.Stride*y)*wide*d.tall))
		}
	}
	for t := range b.Steps {
		d.steps = append(d.steps, int32(t*b.N*v.High*v.Wide*v.In))
	}
	for i, columns := range []int{Block, BlockColumns(v.Out, d.Blocks()-1)} {
		for ky := range v.Kernel {
			for kx := 0; kx < v.Kernel; kx += d.merged {
				d.lists[i] = append(d.lists[i], int32((ky*wide+kx)*d.tall), int32((ky*v.Kernel+kx)*v.In*columns))
			}
		}
		d.lists[i] = append(d.lists[i], d.lists[i][:2]...)
	}
	return d
}

const (
	fewUnits    = 16  // how many units are enough
	fewChannels = 256 // channels in that 1x1 windows are not cut in parts for
)

// band returns how many images of so many rows a band has, and how many of their rows: all unless it is one image.
func (d *DenseSums) band(high int) (group, rows int) {
	pixels := max(1, high*d.OutWide)
	if bands := (2*pixels + d.pixels) / (2 * d.pixels); bands > 1 {
		return 1, (high + bands - 1) / bands
	}
	return max(1, d.pixels/pixels), high
}

// window returns how much of an image meets so many rows of pixels.
func (d *DenseSums) window(rows int) (high, wide int) {
	return d.Stride*(rows-1) + d.Kernel, d.Stride*(d.OutWide-1) + d.Kernel
}

// Units returns how many units there are: so many for each slot.
func (d *DenseSums) Units() int { return d.batch.Slots * d.Blocks() * d.parts }

// Blocks returns how many blocks of channels out there are.
func (d *DenseSums) Blocks() int { return (d.Out + Block - 1) / Block }

// Scratch returns how many numbers a worker's memory must hold.
func (d *DenseSums) Scratch() int { return d.room }

// Run computes a unit. sums holds the sums of all slots, one after another; x and dy all images.
func (d *DenseSums) Run(w *Work, unit int, sums []float32, x, dy Operand) {
	part := unit % d.parts
	block := unit / d.parts % d.Blocks()
	slot := unit / d.parts / d.Blocks()
	from, to := d.batch.slot(slot)
	r := sumRun{DenseSums: d, w: w, x: x, dy: dy, block: block, width: BlockColumns(d.Out, block),
		first: part * d.blocks / d.parts, last: (part + 1) * d.blocks / d.parts}
	taps := d.Kernel * d.Kernel
	r.sums = sums[slot*d.Size()+block*Block*taps*d.In:][:taps*d.In*r.width]
	for tap := range taps {
		clear(r.sums[(tap*d.In+d.channel(r.first))*r.width : (tap*d.In+d.channel(r.last))*r.width])
	}
	if from == to {
		return
	}
	r.high, r.images, r.each, r.step = d.OutHigh, d.batch.Steps*(to-from), to-from, d.batch.N
	r.from = from
	if d.flat {
		r.high, r.images, r.each = r.high*(to-from), d.batch.Steps, 1
	}
	group, rows := d.band(r.high)
	for image := 0; image < r.images; image += group {
		n := min(group, r.images-image)
		for y := 0; y < r.high; y += rows {
			if y+rows < r.high {
				r.ahead(image, 1, y+rows, rows)
			} else {
				r.ahead(image+group, group, 0, rows)
			}
			r.band(image, n, y, min(rows, r.high-y))
		}
	}
}

// channel returns the first channel in of a block of them.
func (d *DenseSums) channel(block int) int { return block*d.tall - max(0, block-d.count) }

// sumRun is a unit of sums at work.
type sumRun struct {
	*DenseSums
	w            *Work
	x, dy        Operand
	sums         []float32 // of the unit's block
	block, width int
	first, last  int // blocks of channels in
	high         int // rows of pixels of an image
	images       int // of the slot, each of them in every step
	each, step   int
	from         int // the slot's first example
}

// ahead notes what the band of rows from row y of n images on reads, so that it is asked for while the one before it is at work.
func (r *sumRun) ahead(image, n, y, rows int) {
	r.w.far = far{}
	if image >= r.images || r.x.Floats == nil || r.dy.Floats == nil {
		return
	}
	row, last := r.row(image), r.row(min(image+n, r.images)-1)
	if last-row >= n { // not neighbours
		last = row
	}
	size := r.Wide * r.In
	from, to := max(0, r.Stride*y-r.Pad), min(r.lines(), r.Stride*(y+rows-1)-r.Pad+r.Kernel)
	if y > 0 {
		from = min(to, max(from, r.Stride*(y-1)-r.Pad+r.Kernel)) // the others are there
	}
	r.w.far.memory[1] = r.x.Floats[row*r.x.Size+from*size : last*r.x.Size+to*size]
	size = r.OutWide * r.Out
	r.w.far.memory[0] = r.dy.Floats[row*r.dy.Size+y*size : last*r.dy.Size+min(r.high, y+rows)*size]
	tiles := (r.last - r.first) * ((r.width + r.columns - 1) / r.columns) * (len(r.lists[0])/2 - 1)
	r.w.far.times = tiles * n * rows * r.OutWide / 4
}

// row returns the row of values that an image of the slot begins in.
func (r *sumRun) row(image int) int { return image/r.each*r.step + r.from + image%r.each }

// band adds what some rows of n images give.
func (r *sumRun) band(image, n, y, rows int) {
	high, wide := r.window(rows)
	count := n * rows * r.OutWide
	room := r.w.floats
	take := func(n int) []float32 {
		var d []float32
		d, room = room[:n], room[n:]
		return d
	}
	b := take(2 * count * pixelPitch)
	var a []float32
	direct := r.flat && r.x.Floats != nil // what a tile reads lies in a column of the operand as it is
	if !direct {
		a = take(n * high * wide * r.tall)
	}
	top := r.Stride*y - r.Pad
	xs, dys := r.x.Floats, r.dy.Floats
	if r.x.Floats == nil {
		xs = take(n * high * r.Wide * r.In)
	}
	if r.dy.Floats == nil {
		dys = take(count * r.Out)
	}
	t := sumTiles{dRow: r.width, aStep: r.Stride * r.tall, k: r.OutWide, segments: r.segments}
	switch {
	case direct:
		t.k, t.aStep, t.segments = rows, r.In, r.steps[:n]
		a = r.x.Floats[r.row(image)*r.x.Size+y*r.In:]
	case r.flat:
		t.k, t.segments = count, r.steps[:1]
	default:
		t.segments = r.segments[:n*rows]
	}
	t.list = r.lists[0]
	if r.block == r.Blocks()-1 {
		t.list = r.lists[1]
	}
	for i := range n {
		from := r.rows(dys, &r.dy, image+i, i*rows, y, rows, r.OutHigh, r.OutWide*r.Out)
		for at := 0; at < r.width; at += pixelPitch {
			width := min(pixelPitch, r.Out-r.block*Block-at)
			d := b[(at/pixelPitch*count+i*rows*r.OutWide)*pixelPitch:][:rows*r.OutWide*pixelPitch]
			if width%16 != 0 { // what is multiplied beside them
				clear(d)
			}
			r.gatherPixels(d, from[r.block*Block+at:], rows*r.OutWide, pixelPitch, r.Out, width)
		}
	}
	for block := r.first; block < r.last; block++ {
		c := r.channel(block)
		tall := r.channel(block+1) - c
		for i := range n {
			if direct {
				break
			}
			r.channels(a[i*high*wide*r.tall:], xs, image+i, i*high, top, high, wide, c, tall, block == r.first)
		}
		if t.a, t.rows = a, tall*r.merged; direct {
			t.a = a[c:]
		}
		for at := 0; at < r.width; at += r.columns {
			t.columns = min(r.columns, r.width-at)
			t.b = b[at/pixelPitch*count*pixelPitch+at%pixelPitch:]
			t.d = r.sums[c*r.width+at:]
			r.add(r.w, &t)
		}
	}
}

// rows returns n rows of pixels of size elements each from row y of an image on. Bits and integers become numbers in d, at row `at`.
func (r *sumRun) rows(d []float32, v *Operand, image, at, y, n, high, size int) []float32 {
	row := r.row(image)
	if v.Floats != nil {
		return v.Floats[row*v.Size+y*size:][:n*size]
	}
	d = d[at*size : (at+n)*size]
	for k := range n {
		// The images of a flat one lie behind each other, each from a word on.
		v.copy(d[k*size:(k+1)*size], row+(y+k)/high, (y+k)%high*size)
	}
	return d
}

// channels copies some channels of the pixels that a band's windows meet: high rows from `top` on, of wide pixels, zeros where
// the image ends.
func (r *sumRun) channels(d, xs []float32, image, at, top, high, wide, c, tall int, fresh bool) {
	line := wide * r.tall
	before := min(high, max(0, -top))
	after := min(high-before, max(0, top+high-r.lines()))
	clear(d[:before*line])
	n := high - before - after
	clear(d[(before+n)*line : high*line])
	if n == 0 {
		return
	}
	size := r.Wide * r.In
	var from []float32
	if fresh || r.x.Floats != nil {
		from = r.rows(xs, &r.x, image, at, top+before, n, r.High, size)
	} else {
		from = xs[at*size:][:n*size]
	}
	if r.flat {
		r.gatherPixels(d, from[c:], n, r.tall, r.In, tall)
		return
	}
	left := min(r.Pad, wide)
	pixels := min(r.Wide, wide-left)
	for k := range n {
		row := d[(before+k)*line:][:line]
		clear(row[:left*r.tall])
		r.gatherPixels(row[left*r.tall:], from[k*size+c:], pixels, r.tall, r.In, tall)
		clear(row[(left+pixels)*r.tall:])
	}
}

// lines returns how many rows of pixels an image of the operand has.
func (r *sumRun) lines() int {
	if r.flat {
		return r.high
	}
	return r.High
}

// slotSums is the sums of a product's weights, slot by slot of a batch: for each block of 64 columns, for each tap and each
// channel in, the columns of the block, which are channels out.
type slotSums struct {
	loops                *gemm
	in, out, taps, slots int
}

// Size returns how many sums a slot has.
func (d slotSums) Size() int { return d.taps * d.in * PackedColumns(d.out) }

// Totals says where in a variable the sum for channel in, channel out and tap goes: to in*In + out*Out + tap.
type Totals struct{ In, Out int }

// TotalUnits returns how many units adding the slots up has.
func (d slotSums) TotalUnits() int { return (d.out + Block - 1) / Block * min(d.in, fewUnits) }

// Total adds the slots of a part of the sums up, as a balanced binary tree where there are eight, and writes them to out.
func (d slotSums) Total(unit int, out, sums []float32, place Totals) {
	cuts := min(d.in, fewUnits)
	block, cut := unit/cuts, unit%cuts
	columns, size := BlockColumns(d.out, block), d.Size()
	var total [Block]float32
	for i := cut * d.in / cuts; i < (cut+1)*d.in/cuts; i++ {
		for tap := range d.taps {
			at := block*Block*d.taps*d.in + (tap*d.in+i)*columns
			n := min(columns, d.out-block*Block)
			sum := sums[at:][:n]
			if d.slots == 8 {
				d.loops.addSlots(total[:columns], sums[at:], size)
				sum = total[:n]
			}
			if to := i*place.In + block*Block*place.Out + tap; place.Out == 1 {
				copy(out[to:], sum)
			} else {
				for o, v := range sum {
					out[to+o*place.Out] = v
				}
			}
		}
	}
}
