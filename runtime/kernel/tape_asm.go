//go:build amd64 && !noasm

package kernel

import (
	"runtime"
	"slices"
	"unsafe"

	"snnc.dev/snnc/runtime/kernel/machine"
)

// NewScript makes a program ready to run at a level. Nobody reads the registers for which kept reports false once it has
// run; with nil it is compiled nowhere.
func NewScript(l Level, code []Instr, kept func(r int) bool) *Script {
	s := &Script{code: code}
	if l == Generic {
		return s
	}
	for from := 0; from < len(code); { // parts of which one call can run a whole chunk
		to, cycles := from+1, code[from].Code.cycles()
		for to < len(code) && cycles+code[to].Code.cycles() <= callCycles/(Chunk/16) {
			cycles += code[to].Code.cycles()
			to++
		}
		s.add(l, from, to, cycles, kept)
		from = to
	}
	return s
}

// add adds the pieces of a part of the program, which takes so many cycles for 16 elements.
func (s *Script) add(l Level, from, to, cycles int, kept func(r int) bool) {
	if l == AVX512 && kept != nil {
		wanted := func(r int) bool {
			reads := func(i Instr) bool { return slices.Contains(i.Inputs(), r) }
			return kept(r) || slices.ContainsFunc(s.code[:from], reads) || slices.ContainsFunc(s.code[to:], reads)
		}
		if code := compile(s.code[from:to], wanted); code != nil {
			if m, err := machine.NewMemory(code); err == nil { // else the system forbids it, and routines do the same
				s.pieces = append(s.pieces, piece{compiled: m, cycles: cycles})
				return
			}
		}
	}
	run, routine := tapeAVX2, &routinesAVX2
	if l == AVX512 {
		run, routine = tapeAVX512, &routinesAVX512
	}
	fast := false
	for k, c := range s.code[from:to] {
		if routine[c.Code] == 0 {
			s.pieces = append(s.pieces, piece{at: from + k})
			fast = false
			continue
		}
		if !fast {
			s.pieces = append(s.pieces, piece{run: run, cycles: cycles})
			fast = true
		}
		p := &s.pieces[len(s.pieces)-1]
		at := func(r int) uint32 { return uint32(8 * r) }
		i := tapeInstr{routine[c.Code], at(c.D), at(c.A), at(c.B), at(c.C), at(c.E), 0}
		if c.Code == Fetch {
			i.b, i.part = 0, uint32(c.B)
		}
		p.list = append(p.list, i)
	}
}

// piece is a part of a program: all of it compiled, a list that runs in assembly, or else one instruction for which there is no
// routine.
type piece struct {
	compiled *machine.Memory
	run      func(*byte)
	list     []tapeInstr
	at       int
	cycles   int // of 16 elements at most, where it is not one instruction alone
}

// most returns how often one call runs the piece on n elements.
func (p *piece) most(n int) int { return atMost(p.cycles * (n + 15) / 16) }

// tapeInstr is an instruction as the assembly reads it: the address of its routine, and where in the table the addresses
// of its registers are.
type tapeInstr struct {
	routine       uintptr
	d, a, b, c, e uint32
	part          uint32
}

var routinesAVX2, routinesAVX512 = routines(tapeRoutinesAVX2), routines(tapeRoutinesAVX512)

// routines returns the addresses of a level's routines, by operation.
func routines(f func(*uintptr)) (r [Fetch + 1]uintptr) {
	f(&r[0])
	return r
}

// addresses is the table of a tape's registers. What lies at them is kept by the rows of the tape.
type addresses struct {
	now, step []uintptr // whole vectors of 8
	still     []uintptr // no steps
	block     tapeBlock
}

// tapeBlock is what the assembly takes. Generators and the compiler read where its fields are.
type tapeBlock struct {
	code     *tapeInstr
	end      uintptr // of the code
	now      *uintptr
	step     *uintptr
	size     int // of these in bytes
	times    int // the assembly counts it down
	unrolled int // bytes in whole groups of 64 elements
	all      int // bytes in whole vectors of 16
}

func newAddresses(registers int) addresses {
	n := max(8, (registers+7)&^7)
	return addresses{now: make([]uintptr, n), step: make([]uintptr, n), still: make([]uintptr, n)}
}

func (a *addresses) set(r int, x []float32, at, step int) {
	a.now[r], a.step[r] = uintptr(unsafe.Pointer(&x[at])), uintptr(4*step)
}

func (a *addresses) setBits(r int, x []uint64, at, step int) {
	a.now[r], a.step[r] = uintptr(unsafe.Pointer(&x[at])), uintptr(8*step)
}

func (a *addresses) advance() {
	for i, s := range a.step {
		a.now[i] += s
	}
}

// assembly is Run.
func (t *Tape) assembly(s *Script, n, times int) {
	b := &t.asm.block
	b.now, b.size = &t.asm.now[0], 8*len(t.asm.now)
	b.unrolled, b.all = n&^63*4, (n+15)&^15*4
	if p := &s.pieces[0]; len(s.pieces) == 1 && p.cycles > 0 {
		b.step = &t.asm.step[0]
		most := p.most(n)
		for done := 0; done < times; done += most {
			p.call(b, min(most, times-done))
		}
		for i := range t.rows {
			t.rows[i].at += times * t.rows[i].step
		}
		return
	}
	b.step = &t.asm.still[0]
	for range times {
		for i := range s.pieces {
			if p := &s.pieces[i]; p.cycles > 0 {
				p.call(b, 1)
			} else {
				t.eval(&s.code[p.at], n)
			}
		}
		t.advance()
	}
}

func (p *piece) call(b *tapeBlock, times int) {
	if p.compiled != nil {
		b.times = times
		tapeCode(p.compiled.Entry(), (*byte)(unsafe.Pointer(b)))
		runtime.KeepAlive(p.compiled) // its pages go with it
		return
	}
	b.code, b.times = &p.list[0], times
	b.end = uintptr(unsafe.Pointer(b.code)) + uintptr(len(p.list))*unsafe.Sizeof(tapeInstr{})
	p.run((*byte)(unsafe.Pointer(b)))
}
