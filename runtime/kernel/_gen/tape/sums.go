package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"snnc.dev/snnc/runtime/kernel/_gen/frame"
)

// sums writes the sums of columns in double precision, of many columns and of 8 at a time.
func (m *machine) sums() {
	many := 32
	if m == avx2 {
		many = 16 // and their squares fill 8 registers
	}
	for _, columns := range []int{8, many} {
		m.columns(columns, false)
		m.columns(columns, true)
	}
}

// columns writes a function that adds rows of numbers to sums, and their squares to other sums, for one group of columns after
// another.
func (m *machine) columns(columns int, squares bool) {
	name := fmt.Sprintf("columns%sx%d", m.name, columns)
	if squares {
		name = fmt.Sprintf("squares%sx%d", m.name, columns)
	}
	block, leave := frame.Begin(name, fmt.Sprintf("adds up groups of %d columns.", columns), "columnBlock")
	f := block.Field
	to, squaresTo, x, pitch, at, rows := GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(f("sums"), to)
	if squares {
		MOVQ(f("squares"), squaresTo)
	}
	MOVQ(f("x"), x)
	MOVQ(f("pitch"), pitch)
	each := m.bytes / 8
	sum, square := make([]reg.VecVirtual, columns/each), make([]reg.VecVirtual, columns/each)
	for i := range sum {
		sum[i] = m.register()
		if squares {
			square[i] = m.register()
		}
	}
	Label("group")
	for i := range sum {
		VMOVUPD(Mem{Base: to, Disp: i * m.bytes}, sum[i])
		if squares {
			VMOVUPD(Mem{Base: squaresTo, Disp: i * m.bytes}, square[i])
		}
	}
	MOVQ(x, at)
	MOVQ(f("rows"), rows)
	Label("row")
	for i := range sum {
		v := m.register()
		VCVTPS2PD(Mem{Base: at, Disp: i * m.bytes / 2}, v)
		VADDPD(v, sum[i], sum[i])
		if squares { // of 24 bits each: the product is exact
			VFMADD231PD(v, v, square[i])
		}
	}
	ADDQ(pitch, at)
	DECQ(rows)
	JNE(LabelRef("row"))
	for i := range sum {
		VMOVUPD(sum[i], Mem{Base: to, Disp: i * m.bytes})
		if squares {
			VMOVUPD(square[i], Mem{Base: squaresTo, Disp: i * m.bytes})
		}
	}
	ADDQ(U32(uint32(8*columns)), to)
	if squares {
		ADDQ(U32(uint32(8*columns)), squaresTo)
	}
	ADDQ(U32(uint32(4*columns)), x)
	DECQ(f("groups"))
	JNE(LabelRef("group"))
	leave()
}
