// Command gemm writes the inner loops of dense products: tiles of results (gemm.go, tiles) and tiles of sums over pixels
// (gemm.go, sumTiles), for AVX2 with FMA and for AVX-512.
package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"snnc.dev/snnc/runtime/kernel/_gen/frame"
)

// vectors is a kind of registers: how many rows a tile of it has at most, and how many registers a row of one can have.
type vectors struct {
	name     string
	bytes    int
	rows     int
	register func() reg.VecVirtual
}

var (
	avx2   = vectors{"AVX2", 32, 6, YMM}
	avx512 = vectors{"AVX512", 64, 14, ZMM}
)

func main() {
	ConstraintExpr("!noasm")
	for rows := 1; rows <= avx2.rows; rows++ {
		tile(avx2, rows, 2)
		sums(avx2, rows, 2)
	}
	for rows := 1; rows <= avx2.rows/2; rows++ {
		tile(avx2, rows, 4)
	}
	for rows := 1; rows <= avx512.rows; rows++ {
		for _, width := range []int{1, 2} {
			tile(avx512, rows, width)
			sums(avx512, rows, width)
		}
	}
	for count := 1; count <= 128/avx2.bytes; count++ {
		gather(avx2, count)
	}
	for count := 1; count <= 128/avx512.bytes; count++ {
		gather(avx512, count)
	}
	tree(avx2)
	tree(avx512)
	Generate()
}

// accumulators returns the registers of a tile.
func accumulators(v vectors, rows, width int) [][]reg.VecVirtual {
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		for range width {
			acc[i] = append(acc[i], v.register())
		}
	}
	return acc
}

// multiply adds to each row of acc the number at a(row) times the vectors at b. Either row holds all of these and numbers come one
// by one, or number holds all numbers and vectors come one by one: the order changes no sum.
func multiply(v vectors, acc [][]reg.VecVirtual, row, number []reg.VecVirtual, a func(row int) Mem, b Mem) {
	vector := func(j int) Mem {
		m := b
		m.Disp += j * v.bytes
		return m
	}
	if width := len(acc[0]); len(row) < width {
		for i := range acc {
			VBROADCASTSS(a(i), number[i])
		}
		for j := range width {
			VMOVUPS(vector(j), row[0])
			for i := range acc {
				VFMADD231PS(number[i], row[0], acc[i][j])
			}
		}
		return
	}
	for j := range row {
		VMOVUPS(vector(j), row[j])
	}
	for i := range acc {
		x := number[i&1]
		VBROADCASTSS(a(i), x)
		for j := range row {
			VFMADD231PS(x, row[j], acc[i][j])
		}
	}
}

// element sets r to where the element of float32 lies whose number is at number, counted from where the pointer at base points.
func element(number, base Mem, r reg.Register) {
	MOVLQSX(number, r)
	SHLQ(Imm(2), r)
	ADDQ(base, r)
}

// fetch asks for the results of the next tile, which are far away: some bytes of each row.
func fetch(number, base, stride Mem, rows, bytes int) {
	at, step := GP64(), GP64()
	element(number, base, at)
	MOVQ(stride, step)
	for i := range rows {
		for disp := 0; disp < bytes; disp += 64 {
			PREFETCHT0(Mem{Base: at, Disp: disp})
		}
		if i+1 < rows {
			ADDQ(step, at)
		}
	}
}

// spread returns where a number lies that is i strides from the base: strides 1, 2 and 3 are addressed by registers.
func spread(base, stride, triple reg.Register, i, disp int) Mem {
	m := Mem{Base: base, Disp: disp}
	switch i {
	case 1:
		m.Index, m.Scale = stride, 1
	case 2:
		m.Index, m.Scale = stride, 2
	case 3:
		m.Index, m.Scale = triple, 1
	}
	return m
}

// tile writes the kernel of tiles of so many rows and vectors a row: for each tile of the list
//
//	c[row][column] (+)= sum over taps, k of a[row*aRow + tap*aTap + k] * b[(tap*k's + k)*bRow + column]
//
// On its way it asks for memory that is read afterwards.
func tile(v vectors, rows, width int) {
	name := fmt.Sprintf("tile%sx%dx%d", v.name, rows, width*v.bytes/4)
	block, leave := frame.Begin(name, fmt.Sprintf("computes tiles of %d rows and %d columns.", rows, width*v.bytes/4), "gemmBlock")
	f := block.Field
	list, aRow, aTriple, bRow, bTriple, b, k := GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(f("list"), list)
	MOVQ(f("aRow"), aRow)
	LEAQ(Mem{Base: aRow, Index: aRow, Scale: 2}, aTriple)
	MOVQ(f("bRow"), bRow)
	LEAQ(Mem{Base: bRow, Index: bRow, Scale: 2}, bTriple)
	q := make([]reg.GPVirtual, (rows+3)/4)
	for i := range q {
		q[i] = GP64()
	}
	near, far := GP64(), GP64()
	MOVQ(f("near"), near)
	MOVQ(f("far"), far)
	acc := accumulators(v, rows, width)
	// One side of the products lies in registers at a time: the weights, or where more vectors than rows meet, the numbers.
	var row, number []reg.VecVirtual
	if rows <= avx2.rows/2 && width > 2 {
		row, number = accumulators(v, 1, 1)[0], accumulators(v, 1, avx2.rows/2)[0]
	} else {
		row, number = accumulators(v, 1, width)[0], accumulators(v, 1, 2)[0]
	}
	var mask []reg.OpmaskVirtual
	if v.bytes == 64 {
		bits := GP32()
		MOVL(f("bits"), bits)
		for j := range width {
			mask = append(mask, K())
			if j > 0 {
				SHRL(Imm(16), bits)
			}
			KMOVW(bits, mask[j])
		}
	}

	masks := func() []reg.VecVirtual { return append(slices.Clone(row), number...)[:width] } // of AVX2, while nothing is multiplied

	// results runs over the rows of the tile's results, with or without masks in vector registers.
	results := func(use func(i int, m Mem, masked bool)) {
		c, stride := GP64(), GP64()
		element(Mem{Base: list, Disp: 4}, f("c"), c)
		MOVQ(f("cRow"), stride)
		if v.bytes == 64 {
			for i := range acc {
				use(i, Mem{Base: c}, true)
				if i+1 < rows {
					ADDQ(stride, c)
				}
			}
			return
		}
		end, some := label("end"), label("some")
		at := GP64()
		MOVQ(f("masks"), at)
		TESTQ(at, at)
		JNZ(LabelRef(some))
		rest := GP64()
		MOVQ(c, rest)
		for i := range acc {
			use(i, Mem{Base: rest}, false)
			if i+1 < rows {
				ADDQ(stride, rest)
			}
		}
		JMP(LabelRef(end))
		Label(some)
		for j, mask := range masks() {
			VMOVUPS(Mem{Base: at, Disp: j * v.bytes}, mask)
		}
		for i := range acc {
			use(i, Mem{Base: c}, true)
			if i+1 < rows {
				ADDQ(stride, c)
			}
		}
		Label(end)
	}

	Label("tile")
	fetch(Mem{Base: list, Disp: 12}, f("c"), f("cRow"), rows, width*v.bytes)
	add, started := GP64(), "started"
	MOVQ(f("add"), add)
	TESTQ(add, add)
	JNZ(LabelRef("more"))
	for i := range acc {
		for j := range acc[i] {
			VXORPS(acc[i][j].AsX(), acc[i][j].AsX(), acc[i][j].AsX())
		}
	}
	JMP(LabelRef(started))
	Label("more")
	results(func(i int, m Mem, masked bool) {
		for j := range acc[i] {
			m := m
			m.Disp = j * v.bytes
			switch {
			case !masked:
				VMOVUPS(m, acc[i][j])
			case v.bytes == 64:
				VMOVUPS_Z(m, mask[j], acc[i][j])
			default:
				VMASKMOVPS(m, masks()[j], acc[i][j])
			}
		}
	})
	Label(started)
	element(Mem{Base: list}, f("a"), q[0])
	for i := 1; i < len(q); i++ {
		LEAQ(Mem{Base: q[i-1], Index: aRow, Scale: 4}, q[i])
	}
	MOVQ(f("b"), b)
	MOVQ(f("taps"), k)
	MOVQ(k, f("tap"))
	Label("tap")
	MOVQ(f("four"), k)
	TESTQ(k, k)
	JZ(LabelRef("single"))
	Label("four")
	for u := range 4 {
		multiply(v, acc, row, number, func(i int) Mem { return spread(q[i/4], aRow, aTriple, i%4, 4*u) }, spread(b, bRow, bTriple, u, 0))
	}
	for i := range q {
		ADDQ(Imm(16), q[i])
	}
	for line := range v.bytes / 32 {
		PREFETCHT1(Mem{Base: near, Disp: 64 * line})
		PREFETCHT1(Mem{Base: far, Disp: 64 * line})
	}
	ADDQ(U32(uint32(2*v.bytes)), near)
	ADDQ(f("farStep"), far)
	LEAQ(Mem{Base: b, Index: bRow, Scale: 4}, b)
	DECQ(k)
	JNZ(LabelRef("four"))
	Label("single")
	MOVQ(f("one"), k)
	TESTQ(k, k)
	JZ(LabelRef("next"))
	Label("one")
	multiply(v, acc, row, number, func(i int) Mem { return spread(q[i/4], aRow, aTriple, i%4, 0) }, Mem{Base: b})
	for i := range q {
		ADDQ(Imm(4), q[i])
	}
	ADDQ(bRow, b)
	DECQ(k)
	JNZ(LabelRef("one"))
	Label("next")
	for i := range q {
		ADDQ(f("aSkip"), q[i])
	}
	DECQ(f("tap"))
	JNZ(LabelRef("tap"))

	results(func(i int, m Mem, masked bool) {
		for j := range acc[i] {
			m := m
			m.Disp = j * v.bytes
			switch {
			case !masked:
				VMOVUPS(acc[i][j], m)
			case v.bytes == 64:
				VMOVUPS(acc[i][j], mask[j], m)
			default:
				VMASKMOVPS(acc[i][j], masks()[j], m)
			}
		}
	})
	ADDQ(Imm(8), list)
	DECQ(f("count"))
	JNZ(LabelRef("tile"))
	leave()
}

var labels int

// label returns a name that no other label of the function has.
func label(name string) string {
	labels++
	return fmt.Sprint(name, labels)
}

// sums writes the kernel of tiles of sums over pixels: for each tile of the list
//
//	d[row][column] += sum over segments, k of a[segment + k*aStep + row] * b[k][column]
//
// where b goes on from segment to segment and has rows of 32 columns. On its way it asks for memory that is read afterwards.
func sums(v vectors, rows, width int) {
	pitch := 4 * frame.Integer("pixelPitch")
	name := fmt.Sprintf("sums%sx%dx%d", v.name, rows, width*v.bytes/4)
	block, leave := frame.Begin(name, fmt.Sprintf("adds to tiles of %d rows and %d columns.", rows, width*v.bytes/4), "sumBlock")
	f := block.Field
	list, origin, segment, left, a, step, triple, b, k := GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(f("list"), list)
	MOVQ(f("aStep"), step)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, triple)
	acc := accumulators(v, rows, width)
	row := accumulators(v, 1, width)[0]
	number := accumulators(v, 1, 2)[0]
	d, stride, far := GP64(), GP64(), GP64()
	MOVQ(f("far"), far)

	Label("tile")
	fetch(Mem{Base: list, Disp: 12}, f("d"), f("dRow"), rows, width*v.bytes)
	MOVQ(f("dRow"), stride)
	results := func(use func(m Mem, x reg.VecVirtual)) {
		element(Mem{Base: list, Disp: 4}, f("d"), d)
		for i := range acc {
			for j, x := range acc[i] {
				use(Mem{Base: d, Disp: j * v.bytes}, x)
			}
			if i+1 < rows {
				ADDQ(stride, d)
			}
		}
	}
	results(func(m Mem, x reg.VecVirtual) { VMOVUPS(m, x) })
	element(Mem{Base: list}, f("a"), origin)
	MOVQ(f("segments"), segment)
	MOVQ(f("left"), left)
	MOVQ(f("b"), b)
	Label("segment")
	MOVLQSX(Mem{Base: segment}, a)
	LEAQ(Mem{Base: origin, Index: a, Scale: 4}, a)
	ADDQ(Imm(4), segment)
	MOVQ(f("four"), k)
	TESTQ(k, k)
	JZ(LabelRef("single"))
	Label("four")
	for u := range 4 {
		multiply(v, acc, row, number, func(i int) Mem { return spread(a, step, triple, u, 4*i) }, Mem{Base: b, Disp: u * pitch})
		PREFETCHT1(Mem{Base: far, Disp: 64 * u})
	}
	ADDQ(f("farStep"), far)
	LEAQ(Mem{Base: a, Index: step, Scale: 4}, a)
	ADDQ(U32(uint32(4*pitch)), b)
	DECQ(k)
	JNZ(LabelRef("four"))
	Label("single")
	MOVQ(f("one"), k)
	TESTQ(k, k)
	JZ(LabelRef("next"))
	Label("one")
	multiply(v, acc, row, number, func(i int) Mem { return Mem{Base: a, Disp: 4 * i} }, Mem{Base: b})
	ADDQ(step, a)
	ADDQ(U32(uint32(pitch)), b)
	DECQ(k)
	JNZ(LabelRef("one"))
	Label("next")
	DECQ(left)
	JNZ(LabelRef("segment"))
	results(func(m Mem, x reg.VecVirtual) { VMOVUPS(x, m) })
	ADDQ(Imm(8), list)
	DECQ(f("count"))
	JNZ(LabelRef("tile"))
	leave()
}

// gather writes the kernels that copy up to so many vectors of neighbouring numbers of each of some pixels.
func gather(v vectors, count int) {
	name := fmt.Sprintf("gather%sx%d", v.name, count*v.bytes/4)
	TEXT(name, NOSPLIT, "func(d, x *float32, pixels, dStep, xStep uintptr, mask *int32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s copies up to %d numbers, those that mask has, of each of some pixels; steps are in bytes.", name, count*v.bytes/4))
	d, x, n := Load(Param("d"), GP64()), Load(Param("x"), GP64()), Load(Param("pixels"), GP64())
	dStep, xStep, at := Load(Param("dStep"), GP64()), Load(Param("xStep"), GP64()), Load(Param("mask"), GP64())
	value := accumulators(v, 1, count)[0]
	// All vectors but the last are whole.
	last := (count - 1) * v.bytes
	VMOVUPS(Mem{Base: at, Disp: last}, value[0])
	if v.bytes == 64 {
		mask := K()
		VPMOVD2M(value[0], mask)
		Label("pixel")
		for j := range value[1:] {
			VMOVUPS(Mem{Base: x, Disp: j * v.bytes}, value[j])
		}
		VMOVUPS_Z(Mem{Base: x, Disp: last}, mask, value[count-1])
		for j := range value[1:] {
			VMOVUPS(value[j], Mem{Base: d, Disp: j * v.bytes})
		}
		VMOVUPS(value[count-1], mask, Mem{Base: d, Disp: last})
	} else {
		mask := v.register()
		VMOVAPS(value[0], mask)
		Label("pixel")
		for j := range value[1:] {
			VMOVUPS(Mem{Base: x, Disp: j * v.bytes}, value[j])
		}
		VMASKMOVPS(Mem{Base: x, Disp: last}, mask, value[count-1])
		for j := range value[1:] {
			VMOVUPS(value[j], Mem{Base: d, Disp: j * v.bytes})
		}
		VMASKMOVPS(value[count-1], mask, Mem{Base: d, Disp: last})
	}
	ADDQ(xStep, x)
	ADDQ(dStep, d)
	DECQ(n)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// tree writes the kernel that adds the rows of eight slots up.
func tree(v vectors) {
	name := "tree" + v.name
	TEXT(name, NOSPLIT, "func(d, x *float32, size, n uintptr)")
	Pragma("noescape")
	Doc(name + " writes the sums of eight rows of n bytes, size bytes apart, to d, added as a balanced binary tree. n is a multiple of 64.")
	d, size, n := Load(Param("d"), GP64()), Load(Param("size"), GP64()), Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	triple, far := GP64(), GP64()
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, triple)
	LEAQ(Mem{Base: x, Index: size, Scale: 4}, far)
	Label("more")
	var pair []reg.VecVirtual
	for slot := range 8 {
		base := x
		if slot >= 4 {
			base = far
		}
		m := spread(base, size, triple, slot%4, 0)
		if slot%2 == 0 {
			pair = append(pair, v.register())
			VMOVUPS(m, pair[slot/2])
		} else {
			VADDPS(m, pair[slot/2], pair[slot/2])
		}
	}
	VADDPS(pair[1], pair[0], pair[0])
	VADDPS(pair[3], pair[2], pair[2])
	VADDPS(pair[2], pair[0], pair[0])
	VMOVUPS(pair[0], Mem{Base: d})
	for _, p := range []reg.Register{d, x, far} {
		ADDQ(Imm(uint64(v.bytes)), p)
	}
	SUBQ(Imm(uint64(v.bytes)), n)
	JNZ(LabelRef("more"))
	VZEROUPPER()
	RET()
}
