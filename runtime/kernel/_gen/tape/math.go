package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Functions are computed in double precision by the steps of ../../math.go, one rounding after another, so that they give
// its bits.

// reals and words are the constants that they take.
var (
	reals = []float64{0, 0.5, 1, 2, -1, math.Log2E, math.Ln2, 700, -700, magic, low, math.Inf(1), math.Inf(-1), math.NaN(),
		1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320,
		1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15}
	words = []uint64{signs, magnitudes, signDouble, signDouble - 1, oneDouble, oneDouble - rootHalf, two52}
)

const (
	magic     = 3 << 51      // added to a number it leaves an integer in the last bits
	low       = 1<<52 + 1023 // what an exponent put into the last bits of 2^52 is above itself
	oneDouble = 0x3ff00000_00000000
	rootHalf  = 0x3fe6a09e_667f3bcd // the bits of the root of 1/2
	two52     = 0x43300000_00000000
)

// real writes the routine of a function of n operands, over half a vector at a time: that many numbers in double precision
// fill a register.
func (m *machine) real(op string, n int, f func(x []reg.VecVirtual) reg.VecVirtual) string {
	return m.loop(op, 1, nil, func(off, _ int) {
		for at := off; at < off+m.bytes; at += m.bytes / 2 {
			x := make([]reg.VecVirtual, n)
			for i := range x {
				x[i] = m.register()
				VCVTPS2PD(operand(i, at), x[i])
			}
			y := f(x)
			if m == avx512 {
				v := YMM()
				VCVTPD2PS(y, v)
				VMOVUPS(v, to(at))
			} else {
				v := XMM()
				VCVTPD2PSY(y, v)
				VMOVUPS(v, to(at))
			}
		}
	})
}

// op returns f(a, b) in a new register; a may be in memory.
func (m *machine) op(f func(...Op), a Op, b reg.VecVirtual) reg.VecVirtual {
	v := m.register()
	f(a, b, v)
	return v
}

// from subtracts: a - b.
func (m *machine) from(a, b reg.VecVirtual) reg.VecVirtual { return m.op(VSUBPD, b, a) }

// powers returns e^r - 1 and 2^k with x = k ln 2 + r, |r| <= ln 2 / 2, for x in [-700, 700] or cut down to that.
func (m *machine) powers(x reg.VecVirtual) (rest, power reg.VecVirtual) {
	lo, hi := m.constant(double(-700)), m.constant(double(700))
	x = m.op(VMAXPD, x, lo) // the other where one is no number
	x = m.op(VMINPD, x, hi)
	k := m.op(VMULPD, double(math.Log2E), x)
	VADDPD(double(magic), k, k)
	power = m.register()
	VPSLLQ(Imm(52), k, power)
	VPADDQ(quad(oneDouble), power, power)
	VSUBPD(double(magic), k, k)
	VMULPD(double(math.Ln2), k, k)
	r := m.from(x, k)
	q := m.constant(double(1. / 40320))
	for _, c := range []float64{1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1} {
		VMULPD(r, q, q)
		VADDPD(double(c), q, q)
	}
	VMULPD(r, q, q)
	return q, power
}

func (m *machine) raise(x reg.VecVirtual) reg.VecVirtual {
	rest, power := m.powers(x)
	VADDPD(double(1), rest, rest)
	VMULPD(power, rest, rest)
	return rest
}

func (m *machine) exp() string {
	return m.real("Exp", 1, func(x []reg.VecVirtual) reg.VecVirtual { return m.raise(x[0]) })
}

func (m *machine) sigmoid() string {
	return m.real("Sigmoid", 1, func(x []reg.VecVirtual) reg.VecVirtual {
		VXORPD(quad(signDouble), x[0], x[0])
		e := m.raise(x[0])
		VADDPD(double(1), e, e)
		one := m.constant(double(1))
		VDIVPD(e, one, one)
		return one
	})
}

func (m *machine) tanh() string {
	return m.real("Tanh", 1, func(x []reg.VecVirtual) reg.VecVirtual {
		twice := m.op(VANDPD, quad(signDouble-1), x[0])
		VADDPD(twice, twice, twice)
		e, power := m.powers(twice)
		VMULPD(power, e, e)
		VSUBPD(double(1), power, power)
		VADDPD(power, e, e)
		d := m.op(VADDPD, double(2), e)
		VDIVPD(d, e, e)
		VANDPD(quad(signDouble), x[0], x[0])
		VORPD(x[0], e, e)
		return e
	})
}

// replace puts c where a compares to b.
func (m *machine) replace(v reg.VecVirtual, predicate uint64, b Op, a reg.VecVirtual, c Mem) {
	if m == avx512 {
		k := K()
		VCMPPD(Imm(predicate), b, a, k)
		VMOVUPD(c, k, v)
		return
	}
	mask := m.register()
	VCMPPD(Imm(predicate), b, a, mask)
	VBLENDVPD(mask, c, v, v)
}

// logarithm returns the logarithm of x, which is a number in single precision, not less than the smallest normal one.
func (m *machine) logarithm(x reg.VecVirtual) reg.VecVirtual {
	e := m.op(VPADDQ, quad(oneDouble-rootHalf), x)
	VPSRLQ(Imm(52), e, e)
	f := m.register()
	VPSLLQ(Imm(52), e, f)
	VPSUBQ(f, x, f)
	VPADDQ(quad(oneDouble), f, f)
	VORPD(quad(two52), e, e)
	VSUBPD(double(low), e, e)
	d := m.op(VADDPD, double(1), f)
	VSUBPD(double(1), f, f)
	VDIVPD(d, f, f)
	s := m.op(VMULPD, f, f)
	q := m.constant(double(1. / 15))
	for _, c := range []float64{1. / 13, 1. / 11, 1. / 9, 1. / 7, 1. / 5, 1. / 3, 1} {
		VMULPD(s, q, q)
		VADDPD(double(c), q, q)
	}
	VADDPD(f, f, f)
	VMULPD(f, q, q)
	VMULPD(double(math.Ln2), e, e)
	VADDPD(q, e, e)
	return e
}

func (m *machine) log() string {
	return m.real("Log", 1, func(x []reg.VecVirtual) reg.VecVirtual {
		y := m.logarithm(x[0])
		m.replace(y, equal, double(0), x[0], double(math.Inf(-1)))
		m.replace(y, notGreatEq, double(0), x[0], double(math.NaN()))
		m.replace(y, equal, double(math.Inf(1)), x[0], double(math.Inf(1)))
		return y
	})
}

func (m *machine) truncate(x reg.VecVirtual) reg.VecVirtual {
	v := m.register()
	if m == avx512 {
		VRNDSCALEPD(Imm(11), x, v)
	} else {
		VROUNDPD(Imm(11), x, v)
	}
	return v
}

func (m *machine) pow() string {
	return m.real("Pow", 2, func(x []reg.VecVirtual) reg.VecVirtual {
		a, b := x[0], x[1]
		size := m.op(VANDPD, quad(signDouble-1), a)
		l := m.logarithm(size)
		m.replace(l, equal, double(0), size, double(math.Inf(-1)))
		m.replace(l, notGreatEq, double(0), size, double(math.NaN()))
		m.replace(l, equal, double(math.Inf(1)), size, double(math.Inf(1)))
		VMULPD(b, l, l)
		y := m.raise(l)
		// A negative number has powers that are whole, and is back to its sign if they are odd.
		whole, half := m.truncate(b), m.op(VMULPD, double(0.5), b)
		even := m.truncate(half)
		sign := m.op(VANDPD, quad(signDouble), a)
		negative := m.op(VXORPD, sign, y)
		if m == avx512 {
			isWhole, odd, below := K(), K(), K()
			VCMPPD(Imm(equal), b, whole, isWhole)
			VCMPPD(Imm(unequal), even, half, odd)
			KANDW(isWhole, odd, odd)
			VMOVAPD(negative, odd, y)
			KNOTW(isWhole, isWhole)
			VCMPPD(Imm(less), double(0), a, below)
			KANDW(isWhole, below, below)
			finite := K()
			VCMPPD(Imm(unequal), double(math.Inf(-1)), a, finite)
			KANDW(finite, below, below)
			VMOVUPD(double(math.NaN()), below, y)
			m.replace(y, equal, double(0), b, double(1))
			m.replace(y, equal, double(1), a, double(1))
			endless, minus := K(), K()
			VANDPD(quad(signDouble-1), b, b)
			VCMPPD(Imm(equal), double(math.Inf(1)), b, endless)
			VCMPPD(Imm(equal), double(-1), a, minus)
			KANDW(endless, minus, minus)
			VMOVUPD(double(1), minus, y)
			return y
		}
		VCMPPD(Imm(unequal), even, half, half)
		VCMPPD(Imm(equal), b, whole, whole)
		VANDPD(whole, half, half)
		VBLENDVPD(half, negative, y, y)
		below, finite := m.register(), m.register()
		VCMPPD(Imm(less), double(0), a, below)
		VANDNPD(below, whole, whole)
		VCMPPD(Imm(unequal), double(math.Inf(-1)), a, finite)
		VANDPD(finite, whole, whole)
		VBLENDVPD(whole, double(math.NaN()), y, y)
		m.replace(y, equal, double(0), b, double(1))
		m.replace(y, equal, double(1), a, double(1))
		endless, minus := m.op(VANDPD, quad(signDouble-1), b), m.register()
		VCMPPD(Imm(equal), double(math.Inf(1)), endless, endless)
		VCMPPD(Imm(equal), double(-1), a, minus)
		VANDPD(endless, minus, minus)
		VBLENDVPD(minus, double(1), y, y)
		return y
	})
}
