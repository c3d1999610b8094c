package machine

import "encoding/binary"

// GP is a general register.
type GP byte

// The general registers. SP and BP are not among them: code that is called from Go leaves them alone.
const (
	AX  GP = 0
	CX  GP = 1
	DX  GP = 2
	BX  GP = 3
	SI  GP = 6
	DI  GP = 7
	R8  GP = 8
	R9  GP = 9
	R10 GP = 10
	R11 GP = 11
	R12 GP = 12
	R13 GP = 13
	R14 GP = 14
	R15 GP = 15
)

// Z is a vector register of 64 bytes, Z0 to Z31.
type Z byte

// K is a mask register, K1 to K7; 0 stands for none.
type K byte

// Operand is a vector register or 64 bytes in memory.
type Operand struct {
	memory bool
	z      Z
	m      Mem
}

// Reg returns a register as an operand.
func Reg(z Z) Operand { return Operand{z: z} }

// At returns memory as an operand.
func At(m Mem) Operand { return Operand{memory: true, m: m} }

// Mem is an address: the sum of a register, of another one if Indexed, and of Disp.
type Mem struct {
	Base, Index GP
	Indexed     bool
	Disp        int32
}

// Assembler encodes instructions.
type Assembler struct {
	code  []byte
	fixed []fix
	pool  []byte // constants, which stand behind the code
}

// fix is a distance of 32 bits that is known later: where it stands, and what in the pool it is to.
type fix struct{ at, to int }

// Label is a place in code.
type Label int

// Here returns the place of the next instruction.
func (a *Assembler) Here() Label { return Label(len(a.code)) }

// Finish returns the code.
func (a *Assembler) Finish() []byte {
	for len(a.code)%64 != 0 {
		a.code = append(a.code, 0xcc) // a trap
	}
	for _, f := range a.fixed {
		binary.LittleEndian.PutUint32(a.code[f.at:], uint32(len(a.code)+f.to-f.at-4))
	}
	return append(a.code, a.pool...)
}

// The maps of opcodes and the prefixes that are part of them.
const (
	map0F   = 1
	map0F38 = 2
	map0F3A = 3

	none = 0
	p66  = 1
)

// masking says how an instruction uses a mask, whether elements that are not set become 0; and whether elements have 64 bits.
type masking struct {
	k          K
	zero, wide bool
}

// evex encodes an instruction on 64 bytes: reg and v are registers by number, rm is the last operand.
func (a *Assembler) evex(opmap, prefix, op byte, reg, v byte, rm Operand, m masking) {
	inverted := func(set bool, bit byte) byte {
		if set {
			return 0
		}
		return 1 << bit
	}
	var x, b bool // the fourth bits of what ModRM and SIB name
	if rm.memory {
		x, b = rm.m.Indexed && rm.m.Index >= 8, rm.m.Base >= 8
	} else {
		x, b = rm.z&16 != 0, rm.z&8 != 0
	}
	p2 := byte(2<<5) | inverted(v&16 != 0, 3) | byte(m.k)
	if m.zero {
		p2 |= 1 << 7
	}
	p1 := (^v&15)<<3 | 1<<2 | prefix
	if m.wide {
		p1 |= 1 << 7
	}
	a.code = append(a.code, 0x62,
		inverted(reg&8 != 0, 7)|inverted(x, 6)|inverted(b, 5)|inverted(reg&16 != 0, 4)|opmap,
		p1, p2, op)
	if rm.memory {
		a.address(reg&7, rm.m)
	} else {
		a.code = append(a.code, 3<<6|reg&7<<3|byte(rm.z&7))
	}
}

// address encodes ModRM, SIB and a displacement.
func (a *Assembler) address(reg byte, m Mem) {
	mod := byte(2) // with 32 bits
	if m.Disp == 0 && m.Base&7 != 5 {
		mod = 0
	}
	switch {
	case m.Indexed:
		a.code = append(a.code, mod<<6|reg<<3|4, byte(m.Index&7)<<3|byte(m.Base&7))
	case m.Base&7 == 4: // these need a SIB
		a.code = append(a.code, mod<<6|reg<<3|4, 4<<3|byte(m.Base&7))
	default:
		a.code = append(a.code, mod<<6|reg<<3|byte(m.Base&7))
	}
	if mod == 2 {
		a.code = binary.LittleEndian.AppendUint32(a.code, uint32(m.Disp))
	}
}

// Load sets a register to memory.
func (a *Assembler) Load(d Z, m Mem) { a.evex(map0F, none, 0x10, byte(d), 0, At(m), masking{}) }

// Store sets memory to a register.
func (a *Assembler) Store(m Mem, s Z) { a.evex(map0F, none, 0x11, byte(s), 0, At(m), masking{}) }

// Move sets a register to another one.
func (a *Assembler) Move(d, s Z) { a.evex(map0F, none, 0x28, byte(d), 0, Reg(s), masking{}) }

// Where sets a register to another one where a mask is set, and to 0 where not.
func (a *Assembler) Where(d Z, k K, s Z) {
	a.evex(map0F, none, 0x28, byte(d), 0, Reg(s), masking{k: k, zero: true})
}

// The operations of Binary.
const (
	ADDPS byte = 0x58
	MULPS byte = 0x59
	SUBPS byte = 0x5c
	DIVPS byte = 0x5e
	ANDPS byte = 0x54
	ORPS  byte = 0x56
	XORPS byte = 0x57
)

// Binary sets d to an operation of x and y, in single precision.
func (a *Assembler) Binary(op byte, d, x Z, y Operand) {
	a.evex(map0F, none, op, byte(d), byte(x), y, masking{})
}

// BinaryWhere is Binary where a mask is set, and leaves d elsewhere.
func (a *Assembler) BinaryWhere(op byte, d Z, k K, x Z, y Operand) {
	a.evex(map0F, none, op, byte(d), byte(x), y, masking{k: k})
}

// Sqrt sets d to the square root of x.
func (a *Assembler) Sqrt(d Z, x Operand) { a.evex(map0F, none, 0x51, byte(d), 0, x, masking{}) }

// Round sets d to x rounded to an integer, in a mode of VRNDSCALEPS.
func (a *Assembler) Round(d Z, x Operand, mode byte) {
	a.evex(map0F3A, p66, 0x08, byte(d), 0, x, masking{})
	a.code = append(a.code, mode)
}

// Compare sets a mask to where x and y are as a predicate of VCMPPS says.
func (a *Assembler) Compare(k K, x Z, y Operand, predicate byte) {
	a.evex(map0F, none, 0xc2, byte(k), byte(x), y, masking{})
	a.code = append(a.code, predicate)
}

// Test sets a mask to where x has a bit that y has.
func (a *Assembler) Test(k K, x Z, y Operand) {
	a.evex(map0F38, p66, 0x27, byte(k), byte(x), y, masking{})
}

// Blend sets d to y where a mask is set, and to x where not.
func (a *Assembler) Blend(d Z, k K, x Z, y Operand) {
	a.evex(map0F38, p66, 0x65, byte(d), byte(x), y, masking{k: k})
}

// AddQ sets d to the sums of x and y, integers of 64 bits.
func (a *Assembler) AddQ(d, x Z, y Operand) {
	a.evex(map0F, p66, 0xd4, byte(d), byte(x), y, masking{wide: true})
}

// Constant sets d to a number everywhere, given by its bits.
func (a *Assembler) Constant(d Z, bits uint32) {
	a.evex(map0F38, p66, 0x18, byte(d), 0, Operand{memory: true, m: Mem{Base: AX}}, masking{})
	a.code[len(a.code)-1] = byte(d&7)<<3 | 5 // relative to the next instruction
	a.fixed = append(a.fixed, fix{len(a.code), len(a.pool)})
	a.code = append(a.code, 0, 0, 0, 0)
	a.pool = binary.LittleEndian.AppendUint32(a.pool, bits)
}

// vex encodes an instruction on a mask and 16 bits of memory.
func (a *Assembler) vex(op byte, k K, m Mem) {
	var p byte = 7 << 5
	if m.Indexed && m.Index >= 8 {
		p &^= 1 << 6
	}
	if m.Base >= 8 {
		p &^= 1 << 5
	}
	a.code = append(a.code, 0xc4, p|map0F, 15<<3, op)
	a.address(byte(k), m)
}

// LoadMask sets a mask to 16 bits of memory.
func (a *Assembler) LoadMask(k K, m Mem) { a.vex(0x90, k, m) }

// StoreMask sets 16 bits of memory to a mask.
func (a *Assembler) StoreMask(m Mem, k K) { a.vex(0x91, k, m) }

// rex encodes an instruction on 64 bits of a general register, or an opcode's extension, and memory.
func (a *Assembler) rex(wide bool, reg byte, m Mem, op ...byte) {
	p := byte(0x40)
	if wide {
		p |= 8
	}
	if reg >= 8 {
		p |= 4
	}
	if m.Indexed && m.Index >= 8 {
		p |= 2
	}
	if m.Base >= 8 {
		p |= 1
	}
	if p != 0x40 {
		a.code = append(a.code, p)
	}
	a.code = append(a.code, op...)
	a.address(reg&7, m)
}

// LoadQ sets a general register to memory.
func (a *Assembler) LoadQ(d GP, m Mem) { a.rex(true, byte(d), m, 0x8b) }

// MoveQ sets a general register to another one.
func (a *Assembler) MoveQ(d, s GP) {
	a.code = append(a.code, 0x48|byte(d)>>3<<2|byte(s)>>3, 0x8b, 3<<6|byte(d&7)<<3|byte(s&7))
}

// Clear sets a general register to 0.
func (a *Assembler) Clear(d GP) {
	if d >= 8 {
		a.code = append(a.code, 0x45)
	}
	a.code = append(a.code, 0x31, 3<<6|byte(d&7)<<3|byte(d&7))
}

// Increase adds a number below 128 to a general register.
func (a *Assembler) Increase(d GP, by byte) {
	a.code = append(a.code, 0x48|byte(d)>>3, 0x83, 3<<6|byte(d&7), by)
}

// CompareQ compares two general registers, or a general register and memory, for JumpLess.
func (a *Assembler) CompareQ(x, y GP) {
	a.code = append(a.code, 0x48|byte(x)>>3<<2|byte(y)>>3, 0x3b, 3<<6|byte(x&7)<<3|byte(y&7))
}

// CompareMemory is CompareQ with memory.
func (a *Assembler) CompareMemory(x GP, m Mem) { a.rex(true, byte(x), m, 0x3b) }

// Decrease subtracts 1 from 64 bits of memory, for JumpNotZero.
func (a *Assembler) Decrease(m Mem) { a.rex(true, 1, m, 0xff) }

// Prefetch asks for memory in the cache of the second level.
func (a *Assembler) Prefetch(m Mem) { a.rex(false, 2, m, 0x0f, 0x18) }

// JumpLess goes back to a label where the first of what was compared is less.
func (a *Assembler) JumpLess(l Label) { a.jump(0x8c, l) }

// JumpNotZero goes back to a label where what was decreased is not 0.
func (a *Assembler) JumpNotZero(l Label) { a.jump(0x85, l) }

func (a *Assembler) jump(op byte, l Label) {
	a.code = append(a.code, 0x0f, op)
	a.code = binary.LittleEndian.AppendUint32(a.code, uint32(int(l)-len(a.code)-4))
}

// Return ends the code.
func (a *Assembler) Return() { a.code = append(a.code, 0xc3) }

// Align puts the next instruction at a multiple of 32 bytes.
func (a *Assembler) Align() {
	for len(a.code)%32 != 0 {
		n := min(32-len(a.code)%32, 9)
		a.code = append(a.code, nops[n-1][:n]...)
	}
}

// nops are instructions of 1 to 9 bytes that do nothing.
var nops = [9][9]byte{{0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}, {0x0f, 0x1f, 0x40, 0}, {0x0f, 0x1f, 0x44, 0, 0}, {0x66, 0x0f, 0x1f, 0x44, 0, 0},
	{0x0f, 0x1f, 0x80, 0, 0, 0, 0}, {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}}
