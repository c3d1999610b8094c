package kernel

// Shape is what a product maps: images of High x Wide pixels with In channels each to images of OutHigh x OutWide pixels with
// Out channels, channels last, phase by phase. The product with a matrix is that of images of one pixel.
//
// Its weights are packed: for each phase in turn, for each block of 64 channels out (BlockColumns), for each row and column
// of the window and each channel in, the columns of the block. Phases must be made for In * PackedColumns(Out) pairs.
type Shape struct {
	High, Wide, In   int
	OutHigh, OutWide int
	Out              int
	Phases           []Phase
}

// Block is how many columns a block of packed weights has, but for the last.
const Block = 64

// PackedColumns returns how many columns packed weights for so many channels out have in all: the next multiple of 16.
func PackedColumns(out int) int { return (out + 15) &^ 15 }

// BlockColumns returns how many columns block b has.
func BlockColumns(out, b int) int { return min(Block, PackedColumns(out)-b*Block) }

// PackMatrix lays a matrix of in rows and out columns out as packed weights; transposed says that w has it column by column.
func PackMatrix(d, w []float32, in, out int, transposed bool) {
	for first := 0; first < out; first += Block {
		columns := BlockColumns(out, first/Block)
		n := min(columns, out-first)
		for i := range in {
			row := d[first*in+i*columns:][:columns]
			if !transposed {
				copy(row, w[i*out+first:][:n])
			} else {
				for o := range n {
					row[o] = w[(first+o)*in+i]
				}
			}
			clear(row[n:])
		}
	}
}

// Operand is the images or rows that a product multiplies: real numbers, bits whose rows of Size elements begin at words, or
// integers.
type Operand struct {
	Floats []float32
	Bits   []uint64
	Ints   []int32
	Size   int // elements of a row
}

// copy writes elements of a row from a place on to d as numbers.
func (x *Operand) copy(d []float32, row, from int) {
	switch {
	case x.Floats != nil:
		copy(d, x.Floats[row*x.Size+from:][:len(d)])
	case x.Bits != nil:
		words := (x.Size + 63) / 64
		Unpack(d, x.Bits[row*words:(row+1)*words], from)
	default:
		for i, v := range x.Ints[row*x.Size+from:][:len(d)] {
			d[i] = float32(v)
		}
	}
}

// Work is the memory of a worker for kernels. Grow makes it large enough.
type Work struct {
	Workers int // how many workers take units in turn: it is likely that after unit k this one takes unit k+Workers

	floats []float32
	near   near
	far    far
	blocks
	events events
}

// Grow makes w hold n numbers.
func (w *Work) Grow(n int) {
	if n > len(w.floats) {
		w.floats = Aligned(n)
	}
}

// Dense multiplies images of real numbers, or of spikes as such, by packed weights, in units that can run in any order: a
// band of the rows of an image, or a few small images, by all or a part of the channels out.
type Dense struct {
	// Add says that products are added to what is in the result.
	Add bool

	*gemm
	shape  Shape
	images int // in all

	// The memory of a unit's operand: images of pitch pixels a row, with zeros around them where windows stand out.
	top, left, pitch int
	lines            int // rows of pixels in a unit's image
	distance         int // elements from image to image
	direct           bool

	group, groups int  // images of a unit
	rows, bands   int  // rows of the phases of a unit
	parts         int  // into which the blocks of columns are cut
	heavy         bool // weights are read from far away
	whole, last   []phaseTiles
}

// phaseTiles is the tiles of a phase in a unit.
type phaseTiles struct {
	lists []tileList
	count int
}

// tileList is tiles of as many rows each, as pairs of places in the operand and the result. The last pair is there twice.
type tileList struct {
	rows       int
	aRow, cRow int
	pairs      []int32
}

// NewDense prepares the product of so many images at a level.
func NewDense(l Level, s Shape, images int) *Dense {
	d := &Dense{gemm: gemmOf(l).wide(s.Out), shape: flat(s), images: images}
	d.measure()
	d.cut()
	d.whole = d.tiles(min(d.group, images), 0, d.rows)
	d.last = d.whole
	if d.bands > 1 {
		d.last = d.tiles(d.group, (d.bands-1)*d.rows, d.rows)
	} else if rest := images % d.group; rest > 0 {
		d.last = d.tiles(rest, 0, d.rows)
	}
	return d
}

// flat takes the pixels of a product by 1x1 windows as one row: they are alike. Large images keep their rows, to be cut there.
func flat(s Shape) Shape {
	f := s.Phases[0]
	if len(s.Phases) == 1 && f.High == 1 && f.Wide == 1 && f.Stride == 1 && f.Top == 0 && f.Left == 0 && s.High == s.OutHigh && s.Wide == s.OutWide &&
		(s.Wide == 1 || s.High*s.Wide <= flatPixels) {
		f.Rows, f.Cols = 1, f.Rows*f.Cols
		s.High, s.Wide, s.OutHigh, s.OutWide, s.Phases = 1, s.High*s.Wide, 1, s.OutHigh*s.OutWide, []Phase{f}
	}
	return s
}

// measure finds out how much room an image with its border takes.
func (d *Dense) measure() {
	s := &d.shape
	var top, left, bottom, right, rows int
	for i := range s.Phases {
		f := &s.Phases[i]
		if i == 0 {
			top, left, bottom, right = f.Top, f.Left, f.Top+f.High, f.Left+f.Wide
		}
		top, left = min(top, f.Top), min(left, f.Left)
		bottom, right = max(bottom, f.Stride*(f.Rows-1)+f.Top+f.High), max(right, f.Stride*(f.Cols-1)+f.Left+f.Wide)
		rows = max(rows, f.Rows)
	}
	d.top, d.left, d.pitch, d.lines, d.rows = top, left, right-left, bottom-top, rows
}

// Choices of the unit. They depend on nothing but the shape, so that every machine cuts alike.
const (
	unitProducts  = 8 << 20   // multiplications in a unit, about: 40 to 200 us
	heavyWeights  = 128 << 10 // weights beyond which they are read anew for every unit, from far away
	heavyPixels   = 192       // pixels that heavy weights are to be multiplied with once they are there
	scratchFloats = 192 << 10 // numbers in the memory of a unit's images
	enoughUnits   = 32        // units so that all workers have some
	flatPixels    = 4096      // of an image that is taken as one row
	chunkProducts = 288       // products of a tile before the next tile: their weights stay in the first cache
)

// cut decides what a unit is.
func (d *Dense) cut() {
	s := &d.shape
	work, weights, pixels := 0, 0, 0
	for i := range s.Phases {
		f := &s.Phases[i]
		taps := f.High * f.Wide * s.In * s.Out
		work, weights, pixels = work+f.Rows*f.Cols*taps, weights+taps, pixels+f.Rows*f.Cols
	}
	work, pixels = max(work, 1), max(pixels, 1)
	image := max(d.lines*d.pitch*s.In, 1)
	group := max(1, (unitProducts+work-1)/work)
	if d.heavy = weights > heavyWeights; d.heavy {
		group = max(group, (heavyPixels+pixels-1)/pixels)
	}
	if tall := d.gemm.rows; group > 1 && d.along(tall, s.Phases[0].Cols) {
		group = (group + tall - 1) / tall * tall
	}
	d.group = max(1, min(group, d.images, scratchFloats/image))
	d.groups = (d.images + d.group - 1) / d.group
	d.bands = 1
	if d.group == 1 && d.rows > 1 {
		d.bands = min(d.rows, max((image+scratchFloats-1)/scratchFloats, work/(4*unitProducts)))
		d.bands = max(1, d.bands)
	}
	rows := d.rows
	d.rows = max(1, (rows+d.bands-1)/d.bands)
	d.bands = max(1, (rows+d.rows-1)/d.rows)
	if d.bands > 1 {
		d.lines = 0
		for i := range s.Phases {
			f := &s.Phases[i]
			d.lines = max(d.lines, f.Stride*(d.rows-1)+f.Top+f.High-d.top)
		}
	}
	blocks := (s.Out + Block - 1) / Block
	d.parts = max(1, min(blocks, enoughUnits/(d.groups*d.bands)))
	d.distance = d.lines * d.pitch * s.In
	d.direct = d.bands == 1 && d.top == 0 && d.left == 0 && d.pitch == s.Wide && d.lines <= s.High
	if d.direct {
		d.distance = s.High * s.Wide * s.In
	} else if d.group > 1 { // so that images do not lie at the same places of the cache
		d.distance = (d.distance+15)&^15 | 16
	}
}

// Units returns how many units the product has.
func (d *Dense) Units() int { return d.groups * d.bands * d.parts }

// Images returns which images a unit multiplies.
func (d *Dense) Images(unit int) (from, to int) {
	g := unit / d.parts / d.bands
	return g * d.group, min((g+1)*d.group, d.images)
}

// Whole reports whether a unit computes all of its images.
func (d *Dense) Whole() bool { return d.bands == 1 && d.parts == 1 }

// Scratch returns how many numbers a worker's memory must hold for operands of either kind.
func (d *Dense) Scratch() int { return d.group*d.distance + 16 }

// even returns how n rows are cut into tiles of at most `most`, as even as possible: so many of so many rows, then rest of
// one row less.
func even(n, most int) (rows, count, rest int) {
	tiles := (n + most - 1) / most
	if tiles == 0 {
		return 0, 0, 0
	}
	rows = (n + tiles - 1) / tiles
	rest = rows*tiles - n
	return rows, tiles - rest, rest
}

// cost is about how many half cycles a product of tiles of n rows in all takes. A tile of fewer than eight sums waits for them.
func (g *gemm) cost(n int) int {
	rows, count, rest := even(n, g.rows)
	return count*(max(rows*g.vectors, 8)+1) + rest*(max((rows-1)*g.vectors, 8)+1)
}

// along reports whether a tile has the same pixel of several images, and not several pixels of a row of cols.
func (g *gemm) along(images, cols int) bool {
	return images > 1 && g.cost(images)*cols < g.cost(cols)*images
}

// tiles lists the tiles of n images and of some rows from `from` on of each phase. Places count from the unit's first.
func (d *Dense) tiles(n, from, rows int) []phaseTiles {
	s := &d.shape
	list := make([]phaseTiles, len(s.Phases))
	size := s.OutHigh * s.OutWide * s.Out
	for i := range s.Phases {
		f := &s.Phases[i]
		high := max(0, min(rows, f.Rows-from))
		if f.Cols == 0 || high == 0 {
			continue
		}
		place := func(image, y, x int) (a, c int32) {
			a = int32(image*d.distance + ((f.Stride*y+f.Top-d.top)*d.pitch+f.Stride*x+f.Left-d.left)*s.In)
			return a, int32(image*size + ((f.Row+f.Step*y)*s.OutWide+f.Col+f.Step*x)*s.Out)
		}
		along := d.along(n, f.Cols)
		aRow, cRow, length := f.Stride*s.In, f.Step*s.Out, f.Cols
		if along {
			aRow, cRow, length = d.distance, size, n
		}
		tall, count, rest := even(length, d.gemm.rows)
		full, less := tileList{rows: tall, aRow: aRow, cRow: cRow}, tileList{rows: tall - 1, aRow: aRow, cRow: cRow}
		add := func(k, image, y, x int) {
			a, c := place(image, y, x)
			if k < count {
				full.pairs = append(full.pairs, a, c)
			} else {
				less.pairs = append(less.pairs, a, c)
			}
		}
		first := func(k int) int { return k*tall - max(0, k-count) }
		if along {
			for y := range high {
				for x := range f.Cols {
					for k := range count + rest {
						add(k, first(k), y, x)
					}
				}
			}
		} else {
			for image := range n {
				for y := range high {
					for k := range count + rest {
						add(k, image, y, first(k))
					}
				}
			}
		}
		p := &list[i]
		p.count = (len(full.pairs) + len(less.pairs)) / 2
		for _, l := range []tileList{full, less} {
			if n := len(l.pairs); n > 0 {
				l.pairs = append(l.pairs, l.pairs[n-2:]...)
				p.lists = append(p.lists, l)
			}
		}
	}
	return list
}

// Run computes a unit. out and x hold all images; w holds Scratch numbers.
func (d *Dense) Run(w *Work, unit int, out []float32, x Operand, weights []float32) {
	s := &d.shape
	part, band := unit%d.parts, unit/d.parts%d.bands
	from, to := d.Images(unit)
	lists := d.whole
	if band == d.bands-1 && (d.bands > 1 || to-from < d.group) {
		lists = d.last
	}
	first := band * d.rows
	size, all := s.OutHigh*s.OutWide*s.Out, out
	// The result's first row: phases of steps have rows step by step.
	out = out[from*size+s.Phases[0].Step*first*s.OutWide*s.Out : to*size]
	var a []float32
	if d.direct && x.Floats != nil {
		a = x.Floats[from*d.distance : to*d.distance]
	} else {
		a = w.floats[:d.group*d.distance]
		d.pad(a, &x, from, to, s.Phases[0].Stride*first+d.top)
	}
	d.ahead(w, unit+w.Workers, lists, all, x)
	blocks := (s.Out + Block - 1) / Block
	for b := part * blocks / d.parts; b < (part+1)*blocks/d.parts; b++ {
		d.block(w, lists, out, a, weights, b, BlockColumns(s.Out, b))
	}
}

// ahead notes what unit next reads and writes, so that it is asked for while the unit of these tiles is at work.
func (d *Dense) ahead(w *Work, next int, lists []phaseTiles, out []float32, x Operand) {
	w.near, w.far = nil, far{}
	if next >= d.Units() {
		return
	}
	if x.Floats != nil {
		w.far.memory[0] = d.reads(next, x)
	}
	s := &d.shape
	if d.Whole() {
		from, to := d.Images(next)
		w.far.memory[1] = out[from*s.OutHigh*s.OutWide*s.Out : to*s.OutHigh*s.OutWide*s.Out]
	}
	columns := PackedColumns(s.Out) / d.parts
	for i := range lists {
		f := &s.Phases[i]
		w.far.times += lists[i].count * ((columns + d.columns - 1) / d.columns) * (f.High * f.Wide * s.In / 4)
	}
}

// reads returns what a unit reads of its operand.
func (d *Dense) reads(unit int, x Operand) []float32 {
	from, to := d.Images(unit)
	if d.bands == 1 {
		return x.Floats[from*x.Size : to*x.Size]
	}
	s := &d.shape
	first := s.Phases[0].Stride*(unit/d.parts%d.bands)*d.rows + d.top
	line := s.Wide * s.In
	return x.Floats[from*x.Size+min(max(first, 0), s.High)*line : from*x.Size+min(max(first+d.lines, 0), s.High)*line]
}

// pad copies images from row top on to a, as numbers and with zeros around them.
func (d *Dense) pad(a []float32, x *Operand, from, to, top int) {
	s := &d.shape
	row := d.pitch * s.In
	before := max(0, -d.left)
	skip := max(0, d.left)
	n := max(0, min(s.Wide-skip, d.pitch-before))
	for image := from; image < to; image++ {
		for y := range d.lines {
			line := a[(image-from)*d.distance+y*row:][:row]
			if top+y < 0 || top+y >= s.High || n == 0 {
				clear(line)
				continue
			}
			clear(line[:before*s.In])
			x.copy(line[before*s.In:][:n*s.In], image, ((top+y)*s.Wide+skip)*s.In)
			clear(line[(before+n)*s.In:])
		}
	}
}

// block computes a block of width columns.
func (d *Dense) block(w *Work, lists []phaseTiles, out, a, weights []float32, block, width int) {
	s := &d.shape
	t := tiles{aTap: d.pitch * s.In, bRow: width}
	out = out[block*Block:]
	for i := range lists {
		f, l := &s.Phases[i], &lists[i]
		if f.High*f.Wide == 0 {
			if !d.Add {
				nothing(out, l, min(width, s.Out-block*Block))
			}
			continue
		}
		if l.count == 0 {
			continue
		}
		k := f.Wide * s.In
		first := f.Weights + block*Block*f.High*k
		taps, step := l.chunk(f.High, k)
		for tap := 0; tap < f.High; tap += taps {
			for from := 0; from < k; from += step {
				t.taps, t.k, t.add = min(taps, f.High-tap), min(step, k-from), d.Add || tap+from > 0
				t.a = a[tap*t.aTap+from:]
				at := first + (tap*k+from)*width
				if next := at + t.taps*t.k*width; d.heavy {
					w.near = weights[next:min(next+taps*step*width, len(weights))]
				}
				for column := 0; column < width; column += d.columns {
					t.columns = min(d.columns, width-column)
					t.take = min(t.columns, s.Out-block*Block-column)
					t.b, t.c = weights[at+column:], out[column:]
					for _, list := range l.lists {
						t.rows, t.aRow, t.cRow, t.list = list.rows, list.aRow, list.cRow, list.pairs
						d.run(w, &t)
					}
				}
			}
		}
	}
}

// chunk returns how many taps and products of each a chunk has, of taps that have k each. The products of a chunk run over all
// tiles before those of the next, so that its weights are read once, where there are tiles enough for that to be worth the sums'
// way to memory and back.
func (l *phaseTiles) chunk(taps, k int) (most, step int) {
	switch {
	case l.count < fewTiles:
		return max(1, min(taps, manyProducts/k)), min(k, manyProducts)
	case k > chunkProducts:
		n := (k + chunkProducts - 1) / chunkProducts
		return 1, ((k+n-1)/n + 3) &^ 3
	}
	return min(taps, chunkProducts/k), k
}

// nothing writes zeros to the pixels of a phase whose windows are empty.
func nothing(out []float32, l *phaseTiles, columns int) {
	for _, list := range l.lists {
		for i := 1; i < len(list.pairs); i += 2 {
			for row := range list.rows {
				clear(out[int(list.pairs[i])+row*list.cRow:][:columns])
			}
		}
	}
}

const (
	fewTiles     = 4    // tiles that one chunk of weights is worth being held for
	manyProducts = 8192 // products of one call
)
