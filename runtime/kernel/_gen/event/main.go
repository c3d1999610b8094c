// Program event writes the kernels of products with spikes: sums of the rows of weights, or of gradients, that events name.
package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"snnc.dev/snnc/runtime/kernel/_gen/frame"
)

// set is a set of instructions.
type set struct {
	name  string
	lanes int
	reg   func() reg.VecVirtual
	zero  func(reg.VecVirtual)
}

var (
	avx512 = set{"512", 16, ZMM, func(v reg.VecVirtual) { VPXORD(v, v, v) }}
	avx2   = set{"2", 8, YMM, func(v reg.VecVirtual) { VXORPS(v, v, v) }}
)

func main() {
	ConstraintExpr("!noasm")
	list()
	for taps := 1; taps <= 3; taps++ {
		for columns := 16; columns <= 64; columns += 16 {
			row(avx512, taps, columns)
		}
		for columns := 16; columns <= 32; columns += 16 {
			row(avx2, taps, columns)
		}
	}
	for n := 1; n <= 4; n++ {
		split(avx512, n)
		split(avx2, 2*n)
	}
	square(avx512, 3, 16)
	square(avx512, 3, 32)
	for high := 1; high <= 3; high++ {
		for wide := 1; wide <= 3; wide++ {
			for columns := 8; columns <= 64; columns *= 2 {
				if columns >= 16 && high*wide*columns <= 9*16 {
					window(avx512, high, wide, columns)
				}
				if high*wide*columns <= 12*8 {
					window(avx2, high, wide, columns)
				}
			}
		}
	}
	Generate()
}

// list writes the numbers of the bits that are set among those of each pixel, and where each pixel's begin. Pixels have a
// multiple of 16 bits. See listArgs.
func list() {
	TEXT("eventList512", NOSPLIT, "func(block *byte)")
	Pragma("noescape")
	block := frame.At("listArgs", Load(Param("block"), GP64()))
	f, load := block.Field, block.Load
	out, starts, from, n := load("list"), load("starts"), load("from"), load("n")
	lanes, step, channels := ZMM(), ZMM(), ZMM()
	VMOVDQU32(f("lanes"), lanes)
	sixteen := GP32()
	MOVL(U32(16), sixteen)
	VPBROADCASTD(sixteen, step)
	Label("pixel")
	MOVL(n.As32(), Mem{Base: starts})
	ADDQ(Imm(4), starts)
	VMOVDQA32(lanes, channels)
	left := load("words")
	Label("word")
	word, count, set, few := GP32(), GP64(), K(), ZMM()
	MOVWLZX(Mem{Base: from}, word)
	KMOVW(word, set)
	POPCNTL(word, count.As32())
	VPCOMPRESSD_Z(channels, set, few)
	VMOVDQU32(few, Mem{Base: out, Index: n, Scale: 4})
	ADDQ(count, n)
	VPADDD(step, channels, channels)
	ADDQ(Imm(2), from)
	DECQ(left)
	JNZ(LabelRef("word"))
	DECQ(f("count"))
	JNZ(LabelRef("pixel"))
	MOVQ(n, f("n"))
	VZEROUPPER()
	RET()
}

// row adds to each pixel of a row of results the rows of weights of the events under a row of taps. See rowArgs.
func row(s set, taps, columns int) {
	block, leave := frame.Begin(fmt.Sprintf("eventRow%sx%dx%d", s.name, taps, columns), fmt.Sprintf("runs %d taps over %d columns.", taps, columns), "rowArgs")
	f, load := block.Field, block.Load
	list, starts, w, begun := load("list"), load("starts"), load("weights"), load("out")
	tap, pitch, next, left := load("tap"), load("pitch"), load("next"), load("count")
	n := columns / s.lanes
	// acc[k] is of the pixel that began k columns ago
	acc := make([][]reg.VecVirtual, taps)
	for k := range acc {
		for range n {
			acc[k] = append(acc[k], s.reg())
			s.zero(acc[k][len(acc[k])-1])
		}
	}
	width := 4 * s.lanes
	done, total := GP64(), GP64()
	if taps > 1 {
		MOVQ(begun, done)
		for range taps - 1 {
			SUBQ(next, done)
		}
		LEAQ(Mem{Base: left, Disp: taps - 1}, total)
	} else {
		done, total = begun, left
	}
	Label("column")
	if taps > 1 {
		TESTQ(left, left)
		JLE(LabelRef("zero"))
	}
	CMPQ(f("first"), Imm(0))
	JNE(LabelRef("zero"))
	for j, v := range acc[0] {
		VMOVUPS(Mem{Base: begun, Disp: width * j}, v)
	}
	JMP(LabelRef("events"))
	Label("zero")
	for _, v := range acc[0] {
		s.zero(v)
	}
	Label("events")
	l, last := GP64(), GP64()
	MOVL(Mem{Base: starts}, l.As32())
	MOVL(Mem{Base: starts, Disp: 4}, last.As32())
	LEAQ(Mem{Base: list, Index: l, Scale: 4}, l)
	LEAQ(Mem{Base: list, Index: last, Scale: 4}, last)
	CMPQ(l, last)
	JEQ(LabelRef("store"))
	Label("event")
	x := GP64()
	MOVL(Mem{Base: l}, x.As32())
	IMULQ(pitch, x)
	ADDQ(w, x)
	for k := range acc {
		if k > 0 {
			ADDQ(tap, x)
		}
		for j, v := range acc[k] {
			VADDPS(Mem{Base: x, Disp: width * j}, v, v)
		}
	}
	ADDQ(Imm(4), l)
	CMPQ(l, last)
	JNE(LabelRef("event"))
	Label("store")
	if taps > 1 {
		// pixels before the first are not there
		CMPQ(done, f("out"))
		JCS(LabelRef("shift"))
	}
	for j, v := range acc[taps-1] {
		VMOVUPS(v, Mem{Base: done, Disp: width * j})
	}
	Label("shift")
	for k := taps - 1; k > 0; k-- {
		for j, v := range acc[k-1] {
			VMOVAPS(v, acc[k][j])
		}
	}
	if taps > 1 {
		ADDQ(next, done)
		ADDQ(next, begun)
		DECQ(left)
		ADDQ(Imm(4), starts)
	} else {
		ADDQ(next, begun)
		ADDQ(f("step"), starts)
	}
	DECQ(total)
	JNZ(LabelRef("column"))
	leave()
}

// square adds to rows of pixels, as many as a window has, the rows of weights of the events of one row of the operand: for the
// first of them they are under the first row of the window, for the next, which lies before it, under the second. See
// squareArgs.
func square(s set, taps, columns int) {
	name := fmt.Sprintf("eventSquare%sx%dx%d", s.name, taps, columns)
	block, leave := frame.Begin(name, fmt.Sprintf("runs %d x %d taps over %d columns.", taps, taps, columns), "squareArgs")
	f, load := block.Field, block.Load
	starts, w, tap, pitch := load("starts"), load("weights"), load("tap"), load("pitch")
	begun := make([]reg.GPVirtual, taps)
	n, width := columns/s.lanes, 4*s.lanes
	// acc[u][k] is of row u and the pixel that began k columns ago
	acc := make([][][]reg.VecVirtual, taps)
	for u := range acc {
		begun[u] = GP64()
		MOVQ(f("out").Offset(8*u), begun[u])
		acc[u] = make([][]reg.VecVirtual, taps)
		for k := range acc[u] {
			for j := range n {
				acc[u][k] = append(acc[u][k], s.reg())
				s.zero(acc[u][k][j])
			}
		}
	}
	Label("column")
	for u := range acc {
		for _, v := range acc[u][0] {
			s.zero(v)
		}
	}
	CMPQ(f("left"), Imm(0)) // pixels that have yet to begin
	JLE(LabelRef("events"))
	CMPQ(f("first"), Imm(0))
	JNE(LabelRef("events"))
	for u := 1; u < taps; u++ {
		for j, v := range acc[u][0] {
			VMOVUPS(Mem{Base: begun[u], Disp: width * j}, v)
		}
	}
	Label("events")
	l, last, x := GP64(), GP64(), GP64()
	MOVQ(f("list"), x)
	MOVL(Mem{Base: starts}, l.As32())
	MOVL(Mem{Base: starts, Disp: 4}, last.As32())
	LEAQ(Mem{Base: x, Index: l, Scale: 4}, l)
	LEAQ(Mem{Base: x, Index: last, Scale: 4}, last)
	CMPQ(l, last)
	JEQ(LabelRef("store"))
	Label("event")
	MOVL(Mem{Base: l}, x.As32())
	IMULQ(pitch, x)
	ADDQ(w, x)
	for u := range acc {
		for k := range acc[u] {
			if u+k > 0 {
				ADDQ(tap, x)
			}
			for j, v := range acc[u][k] {
				VADDPS(Mem{Base: x, Disp: width * j}, v, v)
			}
		}
	}
	ADDQ(Imm(4), l)
	CMPQ(l, last)
	JNE(LabelRef("event"))
	Label("store")
	MOVQ(f("left"), x)
	CMPQ(x, f("done")) // pixels before the first are not there
	JGT(LabelRef("shift"))
	MOVQ(f("back"), x)
	for u := range acc {
		for j, v := range acc[u][taps-1] {
			VMOVUPS(v, Mem{Base: begun[u], Index: x, Scale: 1, Disp: width * j})
		}
	}
	Label("shift")
	for u := range acc {
		for k := taps - 1; k > 0; k-- {
			for j, v := range acc[u][k-1] {
				VMOVAPS(v, acc[u][k][j])
			}
		}
	}
	ADDQ(Imm(4), starts)
	for _, b := range begun {
		ADDQ(f("next"), b)
	}
	DECQ(f("left"))
	CMPQ(f("left"), I8(int8(1-taps)))
	JGT(LabelRef("column"))
	leave()
}

// split copies n vectors of each of some pixels, each to a place of its own. See splitArgs.
func split(s set, n int) {
	TEXT(fmt.Sprintf("eventSplit%sx%d", s.name, n), NOSPLIT, "func(block *byte)")
	Pragma("noescape")
	block := frame.At("splitArgs", Load(Param("block"), GP64()))
	f, load := block.Field, block.Load
	to, from, pixels := load("to"), load("from"), load("pixels")
	places := make([]reg.GPVirtual, n)
	for q := 1; q < n; q++ {
		places[q] = GP64()
		MOVQ(f("places").Offset(8*q), places[q])
	}
	width := 4 * s.lanes
	Label("pixel")
	for q := range n {
		v := s.reg()
		VMOVUPS(Mem{Base: from, Disp: width * q}, v)
		m := Mem{Base: to}
		if q > 0 {
			m.Index, m.Scale = places[q], 1
		}
		VMOVUPS(v, m)
	}
	ADDQ(f("next"), from)
	ADDQ(f("distance"), to)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// window adds to each channel's row of sums, one per tap of a window, the rows of gradients that its events see. See
// windowArgs.
func window(s set, high, wide, columns int) {
	name := fmt.Sprintf("eventWindow%sx%dx%dx%d", s.name, high, wide, columns)
	block, leave := frame.Begin(name, fmt.Sprintf("runs %d x %d taps over %d columns.", high, wide, columns), "windowArgs")
	f, load := block.Field, block.Load
	list, ends, from, sums, line, first := load("list"), load("ends"), load("part"), load("sums"), load("line"), load("first")
	n, width := columns/s.lanes, 4*s.lanes
	acc := make([]reg.VecVirtual, high*wide*n)
	for i := range acc {
		acc[i] = s.reg()
	}
	// each walks over the sums of a channel
	each := func(visit func(m Mem, v reg.VecVirtual)) {
		row, at := GP64(), GP64()
		MOVQ(sums, row)
		for u := range high {
			if u > 0 {
				ADDQ(f("tapRow"), row)
			}
			MOVQ(row, at)
			for v := range wide {
				if v > 0 {
					ADDQ(f("tapCol"), at)
				}
				for j := range n {
					visit(Mem{Base: at, Disp: width * j}, acc[(u*wide+v)*n+j])
				}
			}
		}
	}
	Label("channel")
	l, last := GP64(), GP64()
	MOVL(Mem{Base: ends}, last.As32())
	CMPQ(first, last)
	JEQ(LabelRef("next"))
	LEAQ(Mem{Base: list, Index: first, Scale: 4}, l)
	LEAQ(Mem{Base: list, Index: last, Scale: 4}, last)
	each(func(m Mem, v reg.VecVirtual) { VMOVUPS(m, v) })
	Label("event")
	x := GP64()
	MOVL(Mem{Base: l}, x.As32())
	SHLQ(U8(bits.TrailingZeros(uint(4*columns))), x)
	ADDQ(from, x)
	for u := range high {
		if u > 0 {
			ADDQ(line, x)
		}
		for i := range wide * n {
			v := acc[u*wide*n+i]
			VADDPS(Mem{Base: x, Disp: width * i}, v, v)
		}
	}
	ADDQ(Imm(4), l)
	CMPQ(l, last)
	JNE(LabelRef("event"))
	each(func(m Mem, v reg.VecVirtual) { VMOVUPS(v, m) })
	Label("next")
	ADDQ(f("capacity"), first)
	ADDQ(f("sum"), sums)
	ADDQ(Imm(4), ends)
	DECQ(f("channels"))
	JNZ(LabelRef("channel"))
	leave()
}
