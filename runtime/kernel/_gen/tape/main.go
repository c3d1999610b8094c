// Command tape writes what runs register programs: for each level a function that goes through a list of instructions, and a
// routine for each operation that it calls. A routine is no Go function: its operands are in the registers that machine
// names, and it has no stack of its own. The routines' addresses are in the list of instructions.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"snnc.dev/snnc/runtime/kernel/_gen/frame"
)

// machine is a level: its kind of registers.
type machine struct {
	name     string
	bytes    int // of a vector
	register func() reg.VecVirtual
}

var (
	avx2   = &machine{"AVX2", 32, YMM}
	avx512 = &machine{"AVX512", 64, ZMM}
)

// What a routine finds in registers, and must leave there but for at, bits and the two that are free.
var (
	result   = reg.RAX
	operands = [...]reg.GPPhysical{reg.RBX, reg.RCX, reg.RDX, reg.RDI} // A, B, C and E
	table    = reg.R8                                                  // of the registers of the program
	at       = reg.R9                                                  // bytes done, 0 at the start
	unrolled = reg.R10                                                 // where groups of vectors end, in bytes
	end      = reg.R11                                                 // where all ends
	bits     = reg.R12                                                 // where the bits of a vector are, 0 at the start
	block    = reg.R13
	next     = reg.RSI // the instruction after this one
)

// group is how many vectors of a routine's loop are worked on together.
const group = 4

func main() {
	ConstraintExpr("!noasm")
	constants()
	compiled()
	for _, m := range []*machine{avx2, avx512} {
		m.run()
		names := m.routines()
		m.addresses(names)
		m.sums()
	}
	Generate()
}

// run writes the function that goes through a list of instructions, again and again: after each time the addresses of the
// program's registers go on by their steps.
func (m *machine) run() {
	TEXT("tape"+m.name, NOSPLIT, "func(block *byte)")
	Pragma("noescape")
	Doc("tape" + m.name + " runs a program as often as the block says.")
	Load(Param("block"), block)
	restore := frame.Flush()
	f := frame.At("tapeBlock", block).Field
	MOVQ(f("now"), table)
	MOVQ(f("unrolled"), unrolled)
	MOVQ(f("all"), end)
	Label("time")
	MOVQ(f("code"), next)
	Label("instruction")
	instr := frame.At("tapeInstr", next)
	for i, r := range append([]reg.GPPhysical{result}, operands[:]...) {
		MOVL(instr.Field([]string{"d", "a", "b", "c", "e"}[i]), r.As32())
		MOVQ(Mem{Base: table, Index: r, Scale: 1}, r)
	}
	XORL(at.As32(), at.As32())
	XORL(bits.As32(), bits.As32())
	MOVQ(instr.Field("routine"), reg.R15)
	ADDQ(Imm(uint64(instr.Size())), next)
	Instruction(&ir.Instruction{Opcode: "CALL", Operands: []Op{reg.R15}, Inputs: []Op{reg.R15}}) // avo's own takes labels alone
	CMPQ(next, f("end"))
	JNE(LabelRef("instruction"))
	// the addresses go on
	steps, left := reg.RAX, reg.RBX
	MOVQ(f("step"), steps)
	XORL(left.As32(), left.As32())
	Label("step")
	v := m.register()
	to := Mem{Base: table, Index: left, Scale: 1}
	if m == avx512 {
		VMOVDQU64(to, v)
		VPADDQ(Mem{Base: steps, Index: left, Scale: 1}, v, v)
		VMOVDQU64(v, to)
	} else {
		VMOVDQU(to, v)
		VPADDQ(Mem{Base: steps, Index: left, Scale: 1}, v, v)
		VMOVDQU(v, to)
	}
	ADDQ(Imm(uint64(m.bytes)), left)
	CMPQ(left, f("size"))
	JLT(LabelRef("step"))
	DECQ(f("times"))
	JNE(LabelRef("time"))
	restore()
	VZEROUPPER()
	RET()
}

// compiled writes the function that calls a compiled program.
func compiled() {
	TEXT("tapeCode", NOSPLIT, "func(entry uintptr, block *byte)")
	Pragma("noescape")
	Doc("tapeCode runs machine code as often as the block says.")
	entry := Load(Param("entry"), reg.R15)
	Load(Param("block"), block)
	restore := frame.Flush()
	Instruction(&ir.Instruction{Opcode: "CALL", Operands: []Op{entry}, Inputs: []Op{entry}})
	restore()
	VZEROUPPER()
	RET()
}

// routine begins a routine and returns its name.
func (m *machine) routine(op string) string {
	name := "tape" + op + m.name
	TEXT(name, NOSPLIT|NOFRAME, "func()")
	Doc(name + " is a routine of the tape.")
	return name
}

// each writes a routine: body works on the vector at a distance of `off` bytes from the index, and on the bits at `bit`.
func (m *machine) each(op string, body func(off, bit int)) string {
	return m.loop(op, group, nil, body)
}

// loop writes a routine whose body works on n vectors at a time, after prepare.
func (m *machine) loop(op string, n int, prepare func(), body func(off, bit int)) string {
	name := m.routine(op)
	if prepare != nil {
		prepare()
	}
	if n > 1 {
		CMPQ(unrolled, Imm(0))
		JEQ(LabelRef("rest"))
		Label("many")
		for i := range n {
			body(i*m.bytes, i*m.bytes/32)
		}
		ADDQ(I32(int32(n*m.bytes)), at)
		ADDQ(Imm(uint64(n*m.bytes/32)), bits)
		CMPQ(at, unrolled)
		JLT(LabelRef("many"))
	}
	Label("rest")
	CMPQ(at, end)
	JGE(LabelRef("done"))
	Label("one")
	body(0, 0)
	ADDQ(Imm(uint64(m.bytes)), at)
	ADDQ(Imm(uint64(m.bytes/32)), bits)
	CMPQ(at, end)
	JLT(LabelRef("one"))
	Label("done")
	RET()
	return name
}

// operand returns where operand number i of the vector is, to where its result goes.
func operand(i, off int) Mem { return Mem{Base: operands[i], Index: at, Scale: 1, Disp: off} }

func to(off int) Mem { return Mem{Base: result, Index: at, Scale: 1, Disp: off} }

// load returns operand number i in a register.
func (m *machine) load(i, off int) reg.VecVirtual {
	v := m.register()
	VMOVUPS(operand(i, off), v)
	return v
}

// with writes a routine whose body takes a constant.
func (m *machine) with(op string, constant Mem, body func(c reg.VecVirtual, off, bit int)) string {
	var c reg.VecVirtual
	return m.loop(op, group, func() { c = m.constant(constant) }, func(off, bit int) { body(c, off, bit) })
}

// constant returns a register with a constant.
func (m *machine) constant(c Mem) reg.VecVirtual {
	v := m.register()
	VMOVUPD(c, v)
	return v
}

// addresses writes the function that says where the routines are, in the order of the operations.
func (m *machine) addresses(names []string) {
	TEXT("tapeRoutines"+m.name, NOSPLIT, "func(addresses *uintptr)")
	Pragma("noescape")
	Doc(fmt.Sprintf("tapeRoutines%s sets %d addresses to those of the routines, in the order of the operations; 0 where there is none.", m.name, len(names)))
	p := Load(Param("addresses"), GP64())
	r := GP64()
	for i, name := range names {
		if name == "" {
			XORL(r.As32(), r.As32())
		} else {
			LEAQ(Mem{Symbol: Symbol{Name: "·" + name}, Base: reg.StaticBase}, r)
		}
		MOVQ(r, Mem{Base: p, Disp: 8 * i})
	}
	RET()
}

// The constants of the routines, each as often as fits a vector of 64 bytes.
var (
	floats  = map[float32]int{}
	doubles = map[uint64]int{}
	area    Mem
	size    int
	places  int // where vectors of the bits of a byte are
)

// single returns where vectors of a number in single precision are.
func single(v float32) Mem {
	o, ok := floats[v]
	if !ok {
		panic(fmt.Sprint("no constant ", v))
	}
	return area.Offset(o)
}

// double returns where vectors of a number in double precision are.
func double(v float64) Mem { return quad(math.Float64bits(v)) }

// quad returns where vectors of an integer are.
func quad(b uint64) Mem {
	o, ok := doubles[b]
	if !ok {
		panic(fmt.Sprintf("no constant %x", b))
	}
	return area.Offset(o)
}

func constants() {
	area = GLOBL("tapeConstants", RODATA|NOPTR)
	for _, v := range []float32{1, -1, 0} {
		floats[v] = size
		for i := range 16 {
			DATA(size+4*i, U32(math.Float32bits(v)))
		}
		size += 64
	}
	whole := func(b uint64) {
		if _, ok := doubles[b]; ok {
			return
		}
		doubles[b] = size
		for i := range 8 {
			DATA(size+8*i, U64(b))
		}
		size += 64
	}
	for _, v := range reals {
		whole(math.Float64bits(v))
	}
	for _, b := range words {
		whole(b)
	}
	places = size
	for i := range 16 {
		DATA(size+4*i, U32(1<<(i%8)))
	}
	size += 64
}
