package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"snnc.dev/snnc/runtime/kernel/_gen/frame"
)

// routines writes the routines of all operations and returns their names in the order of kernel.Code.
func (m *machine) routines() []string {
	return []string{
		m.binary("Add", VADDPS), m.binary("Sub", VSUBPS), m.binary("Mul", VMULPS), m.halves("Div", 2, VDIVPS), m.pow(),
		m.choose("Min", lessEqual), m.choose("Max", greaterEqual),
		m.compare("Less", less), m.compare("LessEqual", lessEqual), m.compare("Equal", equal), m.compare("Unequal", unequal),
		m.binary("And", VANDPS), m.binary("Or", VORPS), m.masked("Not", VXORPS, single(1)), m.where(),
		m.masked("Neg", VXORPS, quad(signs)), m.masked("Abs", VANDPS, quad(magnitudes)), m.sign(),
		m.exp(), m.log(), m.halves("Sqrt", 1, VSQRTPS), m.tanh(), m.sigmoid(), "", "", // sine and cosine are Go's
		m.rounded("Round", 8), m.rounded("Floor", 9), m.rounded("Truncate", 11),
		m.fused("MulAdd", false, VADDPS), m.fused("MulSub", false, VSUBPS), m.fused("SubMul", true, nil), m.fused("SubMulAdd", true, VADDPS),
		m.copy(), m.numbers(), m.bits(), m.fetch(),
	}
}

// The predicates of comparisons, none of which raises an exception; with no number all but unequal are false.
const (
	equal        = 0x00
	unequal      = 0x04
	less         = 0x11
	lessEqual    = 0x12
	notGreatEq   = 0x19
	greaterEqual = 0x1d
	greater      = 0x1e
)

// signs and magnitudes are the bits of signs and of what is left, of two numbers.
const (
	signs      = 0x80000000_80000000
	magnitudes = 0x7fffffff_7fffffff
	signDouble = 1 << 63
)

func (m *machine) binary(op string, f func(...Op)) string {
	return m.each(op, func(off, _ int) {
		v := m.load(0, off)
		f(operand(1, off), v, v)
		VMOVUPS(v, to(off))
	})
}

// halves is for divisions and roots: two of 8 numbers take less time than one of 16 (Intel Ice Lake and after: 10 cycles
// instead of 16).
func (m *machine) halves(op string, takes int, f func(...Op)) string {
	return m.each(op, func(off, _ int) {
		for at := off; at < off+m.bytes; at += 32 {
			v := YMM()
			if takes == 1 {
				f(operand(0, at), v)
			} else {
				VMOVUPS(operand(0, at), v)
				f(operand(1, at), v, v)
			}
			VMOVUPS(v, to(at))
		}
	})
}

// masked combines the operand with a constant.
func (m *machine) masked(op string, f func(...Op), constant Mem) string {
	return m.with(op, constant, func(c reg.VecVirtual, off, _ int) {
		v := m.register()
		f(operand(0, off), c, v)
		VMOVUPS(v, to(off))
	})
}

func (m *machine) rounded(op string, mode uint64) string {
	return m.each(op, func(off, _ int) {
		v := m.register()
		if m == avx512 {
			VRNDSCALEPS(Imm(mode), operand(0, off), v)
		} else {
			VROUNDPS(Imm(mode), operand(0, off), v)
		}
		if op == "Truncate" {
			VADDPS(single(0), v, v) // an integer has no -0
		}
		VMOVUPS(v, to(off))
	})
}

// fused is (A - B) * C + E, or A * B + C or - C, without a sum if add is nil.
func (m *machine) fused(op string, difference bool, add func(...Op)) string {
	return m.each(op, func(off, _ int) {
		v, k := m.load(0, off), 1
		if difference {
			VSUBPS(operand(k, off), v, v)
			k++
		}
		VMULPS(operand(k, off), v, v)
		if add != nil {
			add(operand(k+1, off), v, v)
		}
		VMOVUPS(v, to(off))
	})
}

func (m *machine) compare(op string, predicate uint64) string {
	return m.with(op, single(1), func(one reg.VecVirtual, off, _ int) {
		v := m.load(0, off)
		if m == avx512 {
			k := K()
			VCMPPS(Imm(predicate), operand(1, off), v, k)
			VMOVAPS_Z(one, k, v)
		} else {
			VCMPPS(Imm(predicate), operand(1, off), v, v)
			VANDPS(one, v, v)
		}
		VMOVUPS(v, to(off))
	})
}

// choose is A where it compares to B, else B.
func (m *machine) choose(op string, predicate uint64) string {
	return m.each(op, func(off, _ int) {
		a, b := m.load(0, off), m.load(1, off)
		if m == avx512 {
			k := K()
			VCMPPS(Imm(predicate), b, a, k)
			VMOVAPS(a, k, b)
		} else {
			mask := YMM()
			VCMPPS(Imm(predicate), b, a, mask)
			VBLENDVPS(mask, a, b, b)
		}
		VMOVUPS(b, to(off))
	})
}

func (m *machine) where() string {
	return m.each("Where", func(off, _ int) {
		a, c := m.load(0, off), m.load(2, off)
		if m == avx512 {
			k := K()
			VPTESTMD(a, a, k)
			VMOVUPS(operand(1, off), k, c)
		} else {
			VPCMPEQD(single(0), a, a)
			b := m.load(1, off)
			VBLENDVPS(a, c, b, c)
		}
		VMOVUPS(c, to(off))
	})
}

func (m *machine) sign() string {
	return m.with("Sign", single(1), func(one reg.VecVirtual, off, _ int) {
		a, zero, v := m.load(0, off), m.register(), m.register()
		VXORPS(zero, zero, zero)
		if m == avx512 {
			up, down := K(), K()
			VCMPPS(Imm(greater), zero, a, up)
			VCMPPS(Imm(less), zero, a, down)
			VMOVAPS_Z(one, up, v)
			VSUBPS(one, zero, down, v)
		} else {
			VCMPPS(Imm(greater), zero, a, v)
			VANDPS(one, v, v)
			VCMPPS(Imm(less), zero, a, a)
			VANDPS(single(-1), a, a)
			VORPS(a, v, v)
		}
		VMOVUPS(v, to(off))
	})
}

func (m *machine) copy() string {
	return m.each("Copy", func(off, _ int) { VMOVUPS(m.load(0, off), to(off)) })
}

// numbers makes numbers of bits.
func (m *machine) numbers() string {
	c := single(1)
	if m == avx2 {
		c = area.Offset(places)
	}
	return m.with("Numbers", c, func(c reg.VecVirtual, off, bit int) {
		from, v := Mem{Base: operands[0], Index: bits, Scale: 1, Disp: bit}, m.register()
		if m == avx512 {
			k := K()
			KMOVW(from, k)
			VMOVAPS_Z(c, k, v)
		} else {
			VPBROADCASTB(from, v)
			VPAND(c, v, v)
			VPCMPEQD(c, v, v)
			VANDPS(single(1), v, v)
		}
		VMOVUPS(v, to(off))
	})
}

// bits makes bits of numbers: 0 where they are 0.
func (m *machine) bits() string {
	return m.each("Bits", func(off, bit int) {
		v, to := m.load(0, off), Mem{Base: result, Index: bits, Scale: 1, Disp: bit}
		if m == avx512 {
			k := K()
			VPTESTMD(v, v, k)
			KMOVW(k, to)
		} else {
			VPSLLD(Imm(2), v, v) // a bit of the exponent of 1 becomes the sign
			r := reg.R15
			VMOVMSKPS(v, r.As32())
			MOVB(r.As8(), to)
		}
	})
}

// fetch brings a quarter of what lies behind a register into the cache of the second level: what the next chunk takes.
func (m *machine) fetch() string {
	name := m.routine("Fetch")
	from, quarter, size := operands[0], reg.R15, operands[1]
	instr := frame.At("tapeInstr", next)
	MOVL(instr.Field("part").Offset(-instr.Size()), quarter.As32())
	MOVQ(end, size)
	SHRQ(Imm(2), size)
	IMULQ(size, quarter)
	ADDQ(end, from)
	ADDQ(quarter, from)
	Label("line")
	PREFETCHT1(Mem{Base: from, Index: at, Scale: 1})
	ADDQ(Imm(64), at)
	CMPQ(at, size)
	JLT(LabelRef("line"))
	RET()
	return name
}
