//go:build amd64 && !noasm

package kernel

import "unsafe"

// gemmOf returns the inner loops of dense products of a level.
func gemmOf(l Level) *gemm {
	switch l {
	case AVX512:
		return &gemm512
	case AVX2:
		return &gemm2
	}
	return &plain
}

var gemm2 = gemm{rows: 6, columns: 16, vectors: 2, lines: 1, gather: []func(d, x *float32, pixels, dStep, xStep uintptr, mask *int32){gatherAVX2x8, gatherAVX2x16, gatherAVX2x24, gatherAVX2x32},
	tile: [][4]func(*byte){{tileAVX2x1x16}, {tileAVX2x2x16}, {tileAVX2x3x16}, {tileAVX2x4x16}, {tileAVX2x5x16}, {tileAVX2x6x16}},
	sums: [][4]func(*byte){{sumsAVX2x1x16}, {sumsAVX2x2x16}, {sumsAVX2x3x16}, {sumsAVX2x4x16}, {sumsAVX2x5x16}, {sumsAVX2x6x16}},
}

// wide2 is for results of a multiple of 32 columns: of what 12 sums need, 3 numbers and 4 vectors are fewer loads than 6 and 2, and
// an image is read half as often.
var wide2 = gemm{rows: 3, columns: 32, vectors: 4, lines: 1, tile: [][4]func(*byte){{1: tileAVX2x1x32}, {1: tileAVX2x2x32}, {1: tileAVX2x3x32}}}

var gemm512 = gemm{rows: 14, columns: 32, vectors: 2, lines: 2, gather: []func(d, x *float32, pixels, dStep, xStep uintptr, mask *int32){gatherAVX512x16, gatherAVX512x32},
	tile: [][4]func(*byte){
		{tileAVX512x1x16, tileAVX512x1x32}, {tileAVX512x2x16, tileAVX512x2x32}, {tileAVX512x3x16, tileAVX512x3x32},
		{tileAVX512x4x16, tileAVX512x4x32}, {tileAVX512x5x16, tileAVX512x5x32}, {tileAVX512x6x16, tileAVX512x6x32},
		{tileAVX512x7x16, tileAVX512x7x32}, {tileAVX512x8x16, tileAVX512x8x32}, {tileAVX512x9x16, tileAVX512x9x32},
		{tileAVX512x10x16, tileAVX512x10x32}, {tileAVX512x11x16, tileAVX512x11x32}, {tileAVX512x12x16, tileAVX512x12x32},
		{tileAVX512x13x16, tileAVX512x13x32}, {tileAVX512x14x16, tileAVX512x14x32}},
	sums: [][4]func(*byte){
		{sumsAVX512x1x16, sumsAVX512x1x32}, {sumsAVX512x2x16, sumsAVX512x2x32}, {sumsAVX512x3x16, sumsAVX512x3x32},
		{sumsAVX512x4x16, sumsAVX512x4x32}, {sumsAVX512x5x16, sumsAVX512x5x32}, {sumsAVX512x6x16, sumsAVX512x6x32},
		{sumsAVX512x7x16, sumsAVX512x7x32}, {sumsAVX512x8x16, sumsAVX512x8x32}, {sumsAVX512x9x16, sumsAVX512x9x32},
		{sumsAVX512x10x16, sumsAVX512x10x32}, {sumsAVX512x11x16, sumsAVX512x11x32}, {sumsAVX512x12x16, sumsAVX512x12x32},
		{sumsAVX512x13x16, sumsAVX512x13x32}, {sumsAVX512x14x16, sumsAVX512x14x32}},
}

// tree adds n bytes of eight slots up, size bytes apart, and reports whether it did: not in plain Go. It calls by name, so that
// memory that it is handed may lie on the stack.
func (g *gemm) tree(d, x *float32, size, n uintptr) bool {
	switch g {
	case &gemm512:
		treeAVX512(d, x, size, n)
	case &gemm2:
		treeAVX2(d, x, size, n)
	default:
		return false
	}
	return true
}

// gemmBlock is the argument block of the kernels of tiles. Generators read blocks from here: after a change, run _gen/generate.sh.
// It lies in the worker's memory: called by a value, as kernels are, a function takes what it points at from the stack to the
// heap. Distances are in bytes.
type gemmBlock struct {
	list      *int32
	count     int // of the list's pairs; the kernel counts it down
	a         *float32
	aRow      int
	taps      int
	four, one int // how many times four k, and how many more
	b         *float32
	bRow      int
	c         *float32
	cRow      int
	add       int
	aSkip     int      // from behind the last k of a tap to the first of the next
	bits      uint32   // the columns that are there
	masks     *int32   // the same for AVX2, nil where all are there
	near      *float32 // asked for on the way, a line of the cache for every four k, two in AVX-512
	far       *float32 // as many
	farStep   int      // how far it goes on for every four k
	tap       int      // the taps that are left
}

// sumBlock is the argument block of the kernels of sums over pixels.
type sumBlock struct {
	list      *int32
	count     int
	a         *float32
	aStep     int
	segments  *int32
	left      int // how many segments
	four, one int // pixels of a segment
	b         *float32
	d         *float32
	dRow      int
	far       *float32 // asked for on the way, four lines of the cache for every four pixels
	farStep   int      // how far it goes on for every four pixels
}

// tileCycles is what a tile of so many rows takes for each product that its results sum, and beside that. A tile of few
// rows waits for sums or for memory; two lines of the cache a row come from there at the end, and go back.
func tileCycles(rows int) (product, tile int) {
	return max(rows, 4) + lineCycles, breakCycles + 4*rows*lineCycles
}

// most returns how many tiles one call computes.
func (t *tiles) most() int {
	product, tile := tileCycles(t.rows)
	return atMost(tile + product*t.taps*t.k)
}

// tiles calls the kernel, as often as is needed for no call to take long.
func (w *Work) tiles(g *gemm, t *tiles) {
	b := &w.gemm
	*b = gemmBlock{a: &t.a[0], aRow: 4 * t.aRow, taps: t.taps, four: t.k / 4, one: t.k % 4, b: &t.b[0], bRow: 4 * t.bRow, c: &t.c[0], cRow: 4 * t.cRow,
		aSkip: 4 * (t.aTap - t.k), bits: 1<<t.take - 1}
	if t.add {
		b.add = 1
	}
	if t.take < t.columns {
		b.masks = &masks[32-t.take]
	}
	kernel := g.tile[t.rows-1][t.columns/16-1]
	for at, step := 0, 2*t.most(); at < len(t.list)-2; at += step {
		b.list, b.count = &t.list[at], min(step, len(t.list)-2-at)/2
		fours := b.count * t.taps * (t.k / 4)
		b.near = w.near.take(g.lines*fours, b.a)
		b.far, b.farStep = w.far.take(fours, g.lines, b.a)
		kernel((*byte)(unsafe.Pointer(b)))
	}
}

// sums calls the kernel, as often as is needed for no call to take long: for a part of the tiles, or of one tile's pixels.
func (w *Work) sums(g *gemm, t *sumTiles) {
	b := &w.sum
	*b = sumBlock{aStep: 4 * t.aStep, dRow: 4 * t.dRow, d: &t.d[0]}
	kernel := g.sums[t.rows-1][t.columns/16-1]
	product, tile := tileCycles(t.rows)
	pixels := t.k
	if b.left = len(t.segments); b.left*pixels*product > callCycles {
		pixels, b.left = min(pixels, atMost(product)), 1
	}
	step := 2 * atMost(tile+product*pixels*b.left)
	for s := 0; s < len(t.segments); s += b.left {
		b.segments = &t.segments[s]
		for k := 0; k < t.k; k += pixels {
			n := min(pixels, t.k-k)
			b.four, b.one = n/4, n%4
			b.a, b.b = &t.a[k*t.aStep], &t.b[(s*t.k+k)*pixelPitch]
			for at := 0; at < len(t.list)-2; at += step {
				b.list, b.count = &t.list[at], min(step, len(t.list)-2-at)/2
				b.far, b.farStep = w.far.take(b.count*b.left*(n/4), 4, b.a)
				kernel((*byte)(unsafe.Pointer(b)))
			}
		}
	}
}

// take returns where the next lines of the cache begin that a kernel asks for, the other place where none are left.
func (m *near) take(lines int, other *float32) *float32 {
	x := *m
	if len(x) == 0 {
		return other
	}
	*m = x[min(16*lines, len(x)):]
	return &x[0]
}

// take returns what a kernel asks for that can do so so often, for some lines at most each time, and how many bytes it goes on each
// time: nothing but what other points at where nothing is left.
func (m *far) take(times, lines int, other *float32) (at *float32, step int) {
	left := max(m.times, times)
	m.times -= times
	if times == 0 {
		return other, 0
	}
	for i, x := range m.memory {
		if len(x) > 0 {
			all := len(m.memory[0]) + len(m.memory[1])
			step := min((all+left-1)/left, 16*lines)
			m.memory[i] = x[min(step*times, len(x)):]
			return &x[0], 4 * step
		}
	}
	return other, 0
}

// blocks is the memory of a worker that only kernels in assembly need.
type blocks struct {
	gemm gemmBlock
	sum  sumBlock
}

// wide returns the inner loops of tiles for results of so many columns.
func (g *gemm) wide(columns int) *gemm {
	if g == &gemm2 && PackedColumns(columns)%32 == 0 {
		return &wide2
	}
	return g
}
