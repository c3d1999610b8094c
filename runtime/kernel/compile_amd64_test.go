//go:build !noasm

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// randomProgram is a program over registers of conditions, from number 0 on, of numbers and of bits.
type randomProgram struct {
	conditions, numbers, bits int
	code                      []Instr
	kept                      []bool
	n, times                  int
	steps                     []int // -1, 0 or 1 chunks
}

// newRandomProgram draws a program of all operations that are compiled.
func newRandomProgram(r *rand.Rand) *randomProgram {
	p := &randomProgram{conditions: 1 + r.IntN(12), numbers: 1 + r.IntN([]int{3, 12, 60}[r.IntN(3)]), bits: 1 + r.IntN(3), n: 1 + r.IntN(200), times: 1 + r.IntN(4)}
	condition := func() int { return r.IntN(p.conditions) }
	number := func() int { return p.conditions + r.IntN(p.numbers) }
	either := func() int { return r.IntN(p.conditions + p.numbers) }
	bits := func() int { return p.conditions + p.numbers + r.IntN(p.bits) }
	codes := []Code{Add, Sub, Mul, Div, Min, Max, Less, LessEqual, Equal, Unequal, And, Or, Not, Where, Neg, Abs, Sign, Sqrt, Round, Floor,
		Truncate, MulAdd, MulSub, SubMul, SubMulAdd, Copy, Numbers, Bits, Fetch}
	for range 1 + r.IntN([]int{5, 30, 200}[r.IntN(3)]) {
		c := Instr{Code: codes[r.IntN(len(codes))], D: number(), A: either(), B: either(), C: either(), E: either()}
		switch c.Code {
		case And, Or, Not:
			c.D, c.A, c.B = condition(), condition(), condition()
		case Less, LessEqual, Equal, Unequal:
			c.D = condition()
		case Numbers:
			c.D, c.A = condition(), bits()
		case Bits:
			c.D, c.A = bits(), condition()
		case Fetch:
			c.D, c.B = 0, r.IntN(4)
		}
		p.code = append(p.code, c)
	}
	all := p.conditions + p.numbers + p.bits
	written := make([]bool, all)
	for range all {
		p.kept, p.steps = append(p.kept, r.IntN(3) == 0), append(p.steps, r.IntN(3)-1)
	}
	for _, c := range p.code { // what goes on from one time to the next is kept
		for _, x := range c.Inputs() {
			p.kept[x] = p.kept[x] || !written[x]
		}
		written[c.D] = written[c.D] || c.Code != Fetch
	}
	return p
}

// run runs the program at AVX512 and returns the bits of what is kept.
func (p *randomProgram) run(r *rand.Rand, kept func(int) bool) (out []uint32) {
	pitch := (p.n + 63) &^ 63
	tape := NewTape(len(p.kept))
	first := func(i, pitch int) int { return max(0, -p.steps[i]*pitch*(p.times-1)) }
	var rows [][]float32
	for i := range p.conditions + p.numbers {
		x := make([]float32, pitch*p.times)
		for j := range x {
			switch {
			case i < p.conditions:
				x[j] = float32(r.IntN(2))
			case r.IntN(3) == 0:
				x[j] = special[r.IntN(len(special))]
			default:
				x[j] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10)))
			}
		}
		rows = append(rows, x)
		tape.Set(i, x, first(i, pitch), p.steps[i]*pitch)
	}
	words := make([][]uint64, p.bits)
	for i := range words {
		words[i] = make([]uint64, pitch/64*p.times)
		for j := range words[i] {
			words[i][j] = r.Uint64()
		}
		at := len(rows) + i
		tape.SetBits(at, words[i], first(at, pitch/64), p.steps[at]*pitch/64)
	}
	tape.Run(NewScript(AVX512, p.code, kept), p.n, p.times)
	for k := range p.times {
		for i, x := range rows {
			for _, v := range x[k*pitch:][:p.n] {
				switch {
				case !p.kept[i]:
				case v != v:
					out = append(out, math.Float32bits(float32(math.NaN())))
				default:
					out = append(out, math.Float32bits(v))
				}
			}
		}
		for _, w := range words {
			for j := range p.n {
				out = append(out, uint32(Bit(w, k*pitch+j)))
			}
		}
	}
	return out
}

// TestCompiled: machine code gives the same bits as routines do, for all operations that are compiled, on special numbers, with
// more results than registers and masks.
func TestCompiled(t *testing.T) {
	if best() < AVX512 {
		return // nothing is compiled
	}
	for seed := range uint64(400) {
		p := newRandomProgram(rand.New(rand.NewPCG(seed, 1)))
		want := p.run(rand.New(rand.NewPCG(seed, 2)), nil)
		got := p.run(rand.New(rand.NewPCG(seed, 2)), func(r int) bool { return p.kept[r] })
		for i, v := range want {
			if got[i] != v {
				t.Fatalf("program %d: element %d is %x, want %x:\n%v", seed, i, got[i], v, p.code)
			}
		}
	}
}

// TestCompileLong: what it takes to compile a program does not grow with the square of its length. This one has thousands of results
// that are read at its end, as the derivative of a long equation has.
func TestCompileLong(t *testing.T) {
	const many = 5000
	var code []Instr
	for i := range many {
		code = append(code, Instr{Code: Add, D: 2 + i, A: 0, B: 1})
	}
	for i := range many {
		code = append(code, Instr{Code: Add, D: 1, A: 1, B: 2 + i})
	}
	start := time.Now()
	compile(code, func(r int) bool { return r < 2 })
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("compiling %d instructions takes %v", len(code), d)
	}
}
