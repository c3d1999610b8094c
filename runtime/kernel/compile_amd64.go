//go:build !noasm

package kernel

import (
	"math"
	"slices"
	"unsafe"

	"snnc.dev/snnc/runtime/kernel/machine"
)

// Registers of the processor that compiled programs keep for one purpose. The block is where tapeCode puts it.
const (
	rBlock  = machine.R13
	rTable  = machine.R8  // of the addresses of the program's registers
	rAt     = machine.R9  // bytes done
	rEnd    = machine.R11 // where all ends
	rBits   = machine.R12 // bytes of bits done
	rBehind = machine.R14 // bytes done of what lies behind the chunk
	rFree   = machine.BX  // an address
)

// rows are those that hold addresses of registers for the whole of a chunk.
var bases = [...]machine.GP{machine.AX, machine.CX, machine.DX, machine.SI, machine.DI, machine.R10, machine.R15}

// The vector registers of constants; the others, from 0 on, are for the program.
const (
	zZero machine.Z = 28 + iota
	zMagnitudes
	zSigns
	zOne
)

// compiler makes machine code of a program: one loop over the vectors of a chunk, in which results stay in registers of the
// processor. What nobody reads after the program is never written to memory.
type compiler struct {
	machine.Assembler
	code  []Instr
	kept  func(r int) bool
	uses  map[int][]use
	at    int // the instruction at work
	where map[int]*place
	z     [zZero]int  // the program's register in each, -1 for none
	k     [8]int      // the program's register whose mask is in each, -1 for none
	pins  [zZero]bool // in use by the instruction at work
	next  machine.K   // the mask to be given out next
	base  map[int]machine.GP
	used  [4]bool // constants
	fetch bool
}

// place is where a register of the program is.
type place struct {
	z      machine.Z
	inZ    bool
	k      machine.K // a mask of where it is not 0; 0 for none
	bits   bool      // it is 0 or 1, so the mask says all of it
	stored bool      // memory has it too
}

// compile returns the machine code of a program, or nil where it has operations that are left to routines. Registers for
// which kept reports false are read by nobody after the program has run.
func compile(code []Instr, kept func(r int) bool) []byte {
	c := &compiler{code: code, kept: kept, uses: map[int][]use{}, where: map[int]*place{}, base: map[int]machine.GP{}, next: 1}
	for i := range c.z {
		c.z[i] = -1
	}
	for i := range c.k {
		c.k[i] = -1
	}
	for _, n := range code {
		switch n.Code {
		case Pow, Exp, Log, Tanh, Sigmoid, Sin, Cos:
			return nil
		case Fetch:
			c.fetch = true
		case Truncate, Sign:
			c.used[zZero-zZero] = true
		}
		switch n.Code {
		case Abs:
			c.used[zMagnitudes-zZero] = true
		case Neg:
			c.used[zSigns-zZero] = true
		case Less, LessEqual, Equal, Unequal, Not, Sign, Numbers:
			c.used[zOne-zZero] = true
		}
	}
	c.list()
	c.bind()
	for i, bits := range [4]uint32{0, 0x7fffffff, 1 << 31, math.Float32bits(1)} {
		if c.used[i] {
			c.Constant(zZero+machine.Z(i), bits)
		}
	}
	c.LoadQ(rTable, inBlock(unsafe.Offsetof(tapeBlock{}.now)))
	c.LoadQ(rEnd, inBlock(unsafe.Offsetof(tapeBlock{}.all)))
	time := c.Here()
	for _, r := range c.bound() {
		c.LoadQ(c.base[r], machine.Mem{Base: rTable, Disp: int32(8 * r)})
	}
	c.Clear(rAt)
	c.Clear(rBits)
	if c.fetch {
		c.MoveQ(rBehind, rEnd)
	}
	c.Align()
	vector := c.Here()
	for i := range code {
		c.at = i
		c.instr(&code[i])
	}
	c.Increase(rAt, 64)
	c.Increase(rBits, 2)
	if c.fetch {
		c.Increase(rBehind, 64)
	}
	c.CompareQ(rAt, rEnd)
	c.JumpLess(vector)
	// the addresses go on
	steps, left := machine.R10, rFree
	c.LoadQ(steps, inBlock(unsafe.Offsetof(tapeBlock{}.step)))
	c.Clear(left)
	step := c.Here()
	to := machine.Mem{Base: rTable, Index: left, Indexed: true}
	c.Load(0, to)
	c.AddQ(0, 0, machine.At(machine.Mem{Base: steps, Index: left, Indexed: true}))
	c.Store(to, 0)
	c.Increase(left, 64)
	c.CompareMemory(left, inBlock(unsafe.Offsetof(tapeBlock{}.size)))
	c.JumpLess(step)
	c.Decrease(inBlock(unsafe.Offsetof(tapeBlock{}.times)))
	c.JumpNotZero(time)
	c.Return()
	return c.Finish()
}

// inBlock returns where a field of the argument block is.
func inBlock(offset uintptr) machine.Mem { return machine.Mem{Base: rBlock, Disp: int32(offset)} }

// bind gives registers for addresses to the first registers of the program that lie in memory.
func (c *compiler) bind() {
	free := bases[:]
	take := func(r int) {
		if _, ok := c.base[r]; !ok && len(free) > 0 {
			c.base[r], free = free[0], free[1:]
		}
	}
	written := map[int]bool{}
	for i := range c.code {
		n := &c.code[i]
		for _, r := range n.Inputs() {
			if !written[r] {
				take(r)
			}
		}
		if written[n.D] = true; n.Code != Fetch && (c.kept(n.D) || n.Code == Bits) {
			take(n.D)
		}
	}
}

// bound returns the registers that have one for their address, in order.
func (c *compiler) bound() (rs []int) {
	for r := range c.base {
		rs = append(rs, r)
	}
	slices.Sort(rs)
	return rs
}

// memory returns where a register lies, at so many bytes done.
func (c *compiler) memory(r int, done machine.GP) machine.Mem {
	b, ok := c.base[r]
	if !ok {
		b = rFree
		c.LoadQ(b, machine.Mem{Base: rTable, Disp: int32(8 * r)})
	}
	return machine.Mem{Base: b, Index: done, Indexed: true}
}

// use is where an instruction reads a register, or else writes it.
type use struct {
	at    int
	reads bool
}

// list notes the uses of all registers, those of each in order. An instruction that reads a register and writes it has read it.
func (c *compiler) list() {
	note := func(r int, u use) {
		if l := c.uses[r]; len(l) == 0 || l[len(l)-1].at < u.at {
			c.uses[r] = append(l, u)
		}
	}
	for i := range c.code {
		if n := &c.code[i]; n.Code != Fetch {
			for _, r := range n.Inputs() {
				note(r, use{i, true})
			}
			note(n.D, use{i, false})
		}
	}
}

// soon returns the first instruction from number `at` on that reads what a register holds; len(c.code) for none.
func (c *compiler) soon(r, at int) int {
	l := c.uses[r]
	i, _ := slices.BinarySearchFunc(l, at, func(u use, at int) int { return u.at - at })
	if i < len(l) && l[i].reads {
		return l[i].at
	}
	return len(c.code)
}

// later reports whether an instruction after the one at work reads what a register holds.
func (c *compiler) later(r int) bool { return c.soon(r, c.at+1) < len(c.code) }

// wanted reports whether the instruction at work may still read it, or one after that does.
func (c *compiler) wanted(r int) bool { return c.soon(r, c.at) < len(c.code) }

// free returns a vector register for the instruction at work: one that nothing needs, or else the one that is needed last,
// whose contents go to memory first.
func (c *compiler) free() machine.Z {
	best, latest := -1, -1
	for z, r := range c.z {
		if c.pins[z] {
			continue
		}
		if r < 0 {
			best = z
			break
		}
		if when := c.soon(r, c.at); when > latest {
			best, latest = z, when
		}
	}
	if r := c.z[best]; r >= 0 {
		if p := c.where[r]; c.wanted(r) && !p.stored && !(p.bits && p.k > 0) {
			c.Store(c.memory(r, rAt), machine.Z(best))
			p.stored = true
		}
		c.leave(r)
	}
	c.pins[best] = true
	return machine.Z(best)
}

// leave forgets that a register is in a vector register.
func (c *compiler) leave(r int) {
	if p := c.where[r]; p != nil && p.inZ {
		c.z[p.z], c.pins[p.z], p.inZ = -1, false, false
	}
}

// put says that a register is in a vector register.
func (c *compiler) put(r int, z machine.Z) *place {
	p := c.where[r]
	if p == nil {
		p = &place{}
		c.where[r] = p
	}
	p.z, p.inZ, c.z[z] = z, true, r
	return p
}

// vector returns the vector register that holds a register of the program, after loading it if none does.
func (c *compiler) vector(r int) machine.Z {
	p := c.where[r]
	switch {
	case p != nil && p.inZ:
		c.pins[p.z] = true
	case p != nil && p.bits && p.k > 0:
		z := c.free()
		c.Where(z, p.k, zOne)
		c.put(r, z)
	default:
		z := c.free()
		c.Load(z, c.memory(r, rAt))
		c.put(r, z).stored = true
	}
	return c.where[r].z
}

// operand returns a register of the program as the last operand of an instruction: in memory if it is nowhere else and not
// wanted again.
func (c *compiler) operand(r int) machine.Operand {
	if p := c.where[r]; (p == nil || !p.inZ && !(p.bits && p.k > 0)) && !c.later(r) {
		return machine.At(c.memory(r, rAt))
	}
	return machine.Reg(c.vector(r))
}

// mask returns a mask of where a register is not 0.
func (c *compiler) mask(r int) machine.K {
	if p := c.where[r]; p != nil && p.k > 0 {
		return p.k
	}
	z := c.vector(r)
	k := c.newMask(r)
	c.Test(k, z, machine.Reg(z))
	return k
}

// newMask returns a mask for a register. Whose mask it was becomes a vector, if it is wanted.
func (c *compiler) newMask(r int) machine.K {
	k := c.next
	if c.next++; c.next == 8 {
		c.next = 1
	}
	if old := c.k[k]; old >= 0 && c.where[old].k == k {
		if p := c.where[old]; p.bits && !p.inZ && !p.stored && c.wanted(old) {
			c.vector(old)
		}
		c.where[old].k = 0
	}
	c.k[k] = -1
	if p := c.where[r]; p != nil {
		p.k, c.k[k] = k, r
	}
	return k
}

// define says that the result of the instruction at work is in a vector register, and writes it to memory if it is kept.
func (c *compiler) define(r int, z machine.Z) {
	c.forget(r)
	p := c.put(r, z)
	if c.kept(r) {
		c.Store(c.memory(r, rAt), z)
		p.stored = true
	}
}

// forget forgets what a register held.
func (c *compiler) forget(r int) {
	c.leave(r)
	if p := c.where[r]; p != nil && p.k > 0 {
		c.k[p.k] = -1
	}
	delete(c.where, r)
}

// defineMask says that the result, 0 or 1, is a mask.
func (c *compiler) defineMask(r int, k machine.K) {
	c.forget(r)
	c.where[r] = &place{k: k, bits: true}
	c.k[k] = r
	if c.kept(r) {
		z := c.vector(r)
		c.Store(c.memory(r, rAt), z)
		c.where[r].stored = true
	}
}

// instr compiles one instruction.
func (c *compiler) instr(n *Instr) {
	switch n.Code {
	case Fetch:
		if n.B == 0 {
			c.Prefetch(c.memory(n.A, rBehind))
		}
		return
	case Bits:
		k := c.mask(n.A)
		c.StoreMask(c.memory(n.D, rBits), k)
	case Numbers:
		c.forget(n.D)
		k := c.newMask(-1)
		c.LoadMask(k, c.memory(n.A, rBits))
		c.defineMask(n.D, k)
	case Less, LessEqual, Equal, Unequal:
		predicate := map[Code]byte{Less: 0x11, LessEqual: 0x12, Equal: 0x00, Unequal: 0x04}[n.Code]
		k, x := c.newMask(-1), c.vector(n.A)
		c.Compare(k, x, c.operand(n.B), predicate)
		c.defineMask(n.D, k)
	default:
		c.define(n.D, c.value(n))
	}
	c.release(n)
}

// release frees the vector registers of what nobody reads any more.
func (c *compiler) release(n *Instr) {
	clear(c.pins[:])
	for _, r := range append(n.Inputs(), n.D) {
		if !c.later(r) {
			c.leave(r)
		}
	}
}

// value compiles an operation whose result is a vector, and returns where that is. An operand comes last, since its address may
// be in a register that is used for others too.
func (c *compiler) value(n *Instr) machine.Z {
	switch n.Code {
	case Where:
		k, d := c.mask(n.A), c.free()
		x := c.vector(n.C)
		c.Blend(d, k, x, c.operand(n.B))
		return d
	case Min, Max:
		x, y := c.vector(n.A), c.vector(n.B)
		k, d := c.newMask(-1), c.free()
		c.Compare(k, x, machine.Reg(y), map[Code]byte{Min: 0x12, Max: 0x1d}[n.Code])
		c.Blend(d, k, y, machine.Reg(x))
		return d
	case Sqrt:
		d := c.free()
		c.Sqrt(d, c.operand(n.A))
		return d
	case Round, Floor, Truncate:
		d := c.free()
		c.Round(d, c.operand(n.A), map[Code]byte{Round: 8, Floor: 9, Truncate: 11}[n.Code])
		if n.Code == Truncate {
			c.Binary(machine.ADDPS, d, d, machine.Reg(zZero)) // an integer has no -0
		}
		return d
	case Sign:
		x, d := c.vector(n.A), c.free()
		up := c.newMask(-1)
		c.Compare(up, x, machine.Reg(zZero), 0x1e)
		c.Where(d, up, zOne)
		down := c.newMask(-1)
		c.Compare(down, x, machine.Reg(zZero), 0x11)
		c.BinaryWhere(machine.SUBPS, d, down, zZero, machine.Reg(zOne))
		return d
	case Copy:
		x, d := c.vector(n.A), c.free()
		c.Move(d, x)
		return d
	case Not, Neg, Abs:
		d := c.free()
		x := c.operand(n.A)
		switch n.Code {
		case Not:
			c.Binary(machine.XORPS, d, zOne, x)
		case Neg:
			c.Binary(machine.XORPS, d, zSigns, x)
		default:
			c.Binary(machine.ANDPS, d, zMagnitudes, x)
		}
		return d
	}
	ops := steps[n.Code]
	in := n.Inputs()
	d := c.free()
	x := c.vector(in[0])
	c.Binary(ops[0], d, x, c.operand(in[1]))
	for i, op := range ops[1:] {
		c.Binary(op, d, d, c.operand(in[2+i]))
	}
	return d
}

// steps are the operations of an instruction, each of what came before and the next operand.
var steps = map[Code][]byte{Add: {machine.ADDPS}, Sub: {machine.SUBPS}, Mul: {machine.MULPS}, Div: {machine.DIVPS}, And: {machine.ANDPS}, Or: {machine.ORPS},
	MulAdd: {machine.MULPS, machine.ADDPS}, MulSub: {machine.MULPS, machine.SUBPS}, SubMul: {machine.SUBPS, machine.MULPS},
	SubMulAdd: {machine.SUBPS, machine.MULPS, machine.ADDPS}}
