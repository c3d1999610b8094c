package kernel

// gemm is the inner loops of dense products at one level.
type gemm struct {
	rows    int // most rows of a tile
	columns int // most columns of a tile, of the 64 of a block
	vectors int // that these are
	lines   int // of the cache that a kernel of tiles can ask for with every four products, near and far
	// By rows-1 and columns/16-1. A nil kernel is the plain one.
	tile, sums [][4]func(block *byte)
	gather     []func(d, x *float32, pixels, dStep, xStep uintptr, mask *int32) // by the vectors of a pixel-1
}

// plain is the inner loops in Go.
var plain = gemm{rows: 8, columns: 32, vectors: 2}

// masks begins n elements before its middle with n ones of a mask.
var masks = func() (m [64]int32) {
	for k := range 32 {
		m[k] = -1
	}
	return m
}()

// tiles is what a kernel of tiles computes: for each pair (from, to) of list
//
//	c[to + row*cRow + column] (+)= sum over taps, then k, of a[from + row*aRow + tap*aTap + k] * b[(tap*k's + k)*bRow + column]
//
// for so many rows and columns, in that order, with fused products but in plain Go. With add the sums begin with what is
// there. list ends with a pair more, which is only looked at.
type tiles struct {
	list          []int32
	rows, columns int // width of the tile; of these, take columns are there
	take          int
	a             []float32
	aRow, aTap    int
	taps, k       int
	b             []float32
	bRow          int
	c             []float32
	cRow          int
	add           bool
}

// run computes the tiles; w holds the argument block.
func (g *gemm) run(w *Work, t *tiles) {
	if g.tile == nil {
		t.plain()
		return
	}
	w.tiles(g, t)
}

// plain computes the tiles in Go. Numbers that are 0 are left out: spikes are often given as numbers.
func (t *tiles) plain() {
	for i := 0; i < len(t.list)-2; i += 2 {
		a, c := t.a[t.list[i]:], t.c[t.list[i+1]:]
		for row := range t.rows {
			acc := c[row*t.cRow:][:t.take]
			if !t.add {
				clear(acc)
			}
			for tap := range t.taps {
				axpyRows(acc, t.b[tap*t.k*t.bRow:], t.bRow, a[row*t.aRow+tap*t.aTap:], 1, t.k)
			}
		}
	}
}

// pixelPitch is how far apart the columns of neighbouring pixels lie that sumTiles adds up.
const pixelPitch = 32

// sumTiles is what a kernel of sums over pixels computes: for each pair (from, to) of list
//
//	d[to + row*dRow + column] += sum over segments, then k, of a[from + segment + k*aStep + row] * b[k'*pixelPitch + column]
//
// where k' counts the pixels of all segments. list ends with a pair more, which is only looked at.
type sumTiles struct {
	list          []int32
	rows, columns int
	a             []float32
	aStep         int
	segments      []int32
	k             int // pixels of a segment
	b             []float32
	d             []float32
	dRow          int
}

// add computes the sums; w holds the argument block.
func (g *gemm) add(w *Work, t *sumTiles) {
	if g.sums == nil {
		t.plain()
		return
	}
	w.sums(g, t)
}

// plain adds up in Go.
func (t *sumTiles) plain() {
	for i := 0; i < len(t.list)-2; i += 2 {
		from, d := int(t.list[i]), t.d[t.list[i+1]:]
		for row := range t.rows {
			acc := d[row*t.dRow:][:t.columns]
			b := t.b
			for _, s := range t.segments {
				axpyRows(acc, b, pixelPitch, t.a[from+int(s)+row:], t.aStep, t.k)
				b = b[min(t.k*pixelPitch, len(b)):]
			}
		}
	}
}

// near is weights that a worker is about to read, and far is images of its next unit: kernels ask for them while they work on what
// is there, for the far ones evenly over the times that they can do so. It changes no result.
type (
	near []float32
	far  struct {
		memory [2][]float32
		times  int
	}
)

// addSlots writes the sums of eight rows of x, size elements apart, to d, whose length is a multiple of 16, added as a balanced
// binary tree.
func (g *gemm) addSlots(d, x []float32, size int) {
	_ = x[7*size+len(d)-1]
	if g.tree(&d[0], &x[0], uintptr(4*size), uintptr(4*len(d))) {
		return
	}
	for j := range d {
		s := x[j:]
		d[j] = ((s[0] + s[size]) + (s[2*size] + s[3*size])) + ((s[4*size] + s[5*size]) + (s[6*size] + s[7*size]))
	}
}

// mostGathered is how many pixels one call copies: up to three lines of the cache each, and as many where they go.
const mostGathered = callCycles / (6 * lineCycles)

// gatherPixels copies width neighbouring numbers, at most 32, of each of some pixels.
func (g *gemm) gatherPixels(d, x []float32, pixels, dStep, xStep, width int) {
	if pixels == 0 || width == 0 {
		return
	}
	if g.gather != nil {
		_, _ = d[(pixels-1)*dStep+width-1], x[(pixels-1)*xStep+width-1]
		kernel := g.gather[(width-1)/(pixelPitch/len(g.gather))]
		for p := 0; p < pixels; p += mostGathered {
			kernel(&d[p*dStep], &x[p*xStep], uintptr(min(mostGathered, pixels-p)), uintptr(4*dStep), uintptr(4*xStep), &masks[32-width])
		}
		return
	}
	for p := range pixels {
		copy(d[p*dStep:][:width], x[p*xStep:])
	}
}
