package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// special are numbers that operations treat in a way of their own, and such next to them.
var special = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 1.5, -1.5, 2, -2, 2.5, 3, -3, 1e-6, -1e-6, 1 << 24, -1 << 24, 1 << 25, 88.7, 88.8, -87.3, -87.4,
	-104, 1e10, -1e10, 3.4e38, -3.4e38, 1.17549435e-38, -1.17549435e-38, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}

// alike reports whether two numbers have the same bits, or are both no numbers. Denormal numbers are 0 of either sign.
func alike(a, b float32) bool {
	small := func(x float32) bool { return math.Abs(float64(x)) < 0x1p-126 }
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b || small(a) && small(b) && (a != 0 || b != 0)
}

// everything keeps all registers of a program.
func everything(int) bool { return true }

// TestCodes: an operation gives the same bits at all levels, on all pairs of special numbers and on random ones, whatever the
// number of elements, and none outside them in whole vectors.
func TestCodes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var in [4][]float32
	for _, a := range special {
		for _, b := range special {
			c := special[r.IntN(len(special))]
			for i, v := range []float32{a, b, c, a} {
				in[i] = append(in[i], v)
			}
		}
	}
	for range 3000 {
		for i := range in {
			in[i] = append(in[i], float32(r.NormFloat64()*math.Exp2(float64(r.IntN(12)-4))))
		}
	}
	all := len(in[0])
	for i := range in {
		in[i] = append(in[i], make([]float32, 16)...)
	}
	for code := range Codes {
		x := in
		if code == And || code == Or || code == Not || code == Where {
			x[0] = make([]float32, all+16)
			x[1] = in[1]
			for i := range x[0] {
				x[0][i] = float32(r.IntN(2))
			}
			if code != Where {
				x[1] = make([]float32, all+16)
				for i := range x[1] {
					x[1][i] = float32(r.IntN(2))
				}
			}
		}
		for _, n := range []int{1, 15, 16, 17, 64, 65, 100, 128, all} {
			var want []float32
			for _, l := range levels() {
				tape := NewTape(5)
				const guard = 42
				got := make([]float32, (n+15)&^15+16)
				for i := range got {
					got[i] = guard
				}
				tape.Set(0, got, 0, 0)
				for i := range x {
					tape.Set(1+i, x[i], 0, 0)
				}
				tape.Run(NewScript(l, []Instr{{Code: code, D: 0, A: 1, B: 2, C: 3, E: 4}}, everything), n, 1)
				for i, v := range got[(n+15)&^15:] {
					if v != guard {
						t.Fatalf("%v at %v writes element %d of %d", code, l, i+(n+15)&^15, n)
					}
				}
				if l == Generic {
					want = got
					continue
				}
				bad := 0
				for i := range n {
					if !alike(got[i], want[i]) {
						if bad++; bad < 5 {
							t.Errorf("%v at %v, element %d of %d: %v of %v %v %v gives %v, want %v", code, l, i, n, code, x[0][i], x[1][i], x[2][i], got[i], want[i])
						}
					}
				}
			}
		}
	}
}

// TestBitsOfTape: bits become numbers and numbers bits.
func TestBitsOfTape(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for _, l := range levels() {
		for _, n := range []int{1, 16, 64, 65, 200, 512} {
			words := make([]uint64, 10)
			for i := range words {
				words[i] = r.Uint64()
			}
			x, back := make([]float32, 512), make([]uint64, 11)
			tape := NewTape(3)
			tape.SetBits(0, words, 1, 0)
			tape.Set(1, x, 0, 0)
			tape.SetBits(2, back, 1, 0)
			tape.Run(NewScript(l, []Instr{{Code: Numbers, D: 1, A: 0}, {Code: Bits, D: 2, A: 1}}, everything), n, 1)
			for i := range n {
				if want := Bit(words, i+64); x[i] != float32(want) || Bit(back, i+64) != want {
					t.Fatalf("%v: bit %d of %d is %d, became %v and %d", l, i, n, want, x[i], Bit(back, i+64))
				}
			}
			if w := 1 + (n+63)/64; back[0] != 0 || back[w] != 0 {
				t.Fatalf("%v: %d bits write the words next to them", l, n)
			}
		}
	}
}

// TestPrograms: whole programs of exact operations, with registers that go on from one time to the next, forward and back, give
// the same bits at all levels; and what Each shows is what Run computes.
func TestPrograms(t *testing.T) {
	compiled := []Code{Add, Sub, Mul, Min, Max, Less, LessEqual, Equal, Unequal,
		Where, Neg, Abs, Sign, Round, Floor, MulAdd, MulSub, SubMul, SubMulAdd,
		Copy, Fetch}
	exact := append([]Code{Tanh, Sin}, compiled...)
	rapid.Check(t, func(t *rapid.T) {
		exact := exact
		regs := 12
		if rapid.Bool().Draw(t, "compiled") {
			exact, regs = compiled, rapid.SampledFrom([]int{12, 60}).Draw(t, "registers")
		}
		n, times := rapid.IntRange(1, 150).Draw(t, "elements"), rapid.IntRange(1, 5).Draw(t, "times")
		reg := rapid.IntRange(0, regs-1)
		code := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Instr {
			return Instr{Code: rapid.SampledFrom(exact).Draw(t, "code"), D: reg.Draw(t, "d"), A: reg.Draw(t, "a"), B: reg.Draw(t, "b"), C: reg.Draw(t, "c"), E: reg.Draw(t, "e")}
		}), 1, 2*regs).Draw(t, "program")
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 { // more than one call may run
			long := code
			for code = nil; len(long) > 0; long = long[1:] {
				code = append(code, long[0])
				for range 300 / len(long) {
					code = append(code, Instr{Code: Sqrt, D: regs, A: regs + 1})
				}
			}
			regs += 2
		}
		kept := rapid.SliceOfN(rapid.Bool(), regs, regs).Draw(t, "kept")
		// What goes on from one time to the next must be kept.
		written := make([]bool, regs)
		for _, c := range code {
			for _, r := range c.Inputs() {
				kept[r] = kept[r] || !written[r]
			}
			written[c.D] = written[c.D] || c.Code != Fetch
		}
		steps := rapid.SliceOfN(rapid.IntRange(-1, 1), regs, regs).Draw(t, "steps")
		seed := rapid.Uint64().Draw(t, "seed")
		pitch := (n + 15) &^ 15
		run := func(l Level, each bool, keep func(int) bool) (out []float32) {
			r := rand.New(rand.NewPCG(seed, 0))
			tape := NewTape(regs)
			rows := make([][]float32, regs)
			for i := range rows {
				rows[i] = make([]float32, pitch*times)
				for j := range rows[i] {
					rows[i][j] = float32(r.IntN(65)-32) / 4
				}
				at := 0
				if steps[i] < 0 {
					at = pitch * (times - 1)
				}
				tape.Set(i, rows[i], at, steps[i]*pitch)
			}
			s := NewScript(l, code, keep)
			if each {
				tape.Each(s, n, times, func(i int, d []float32) {
					if len(d) != n {
						t.Fatalf("%d elements shown, want %d", len(d), n)
					}
				})
			} else {
				tape.Run(s, n, times)
			}
			for i := range rows {
				for k := 0; k < len(rows[i]) && kept[i]; k += pitch {
					out = append(out, rows[i][k:k+n]...)
				}
			}
			return out
		}
		want := run(Generic, false, nil)
		for _, l := range levels() {
			for _, each := range []bool{false, true} {
				for _, keep := range []func(int) bool{nil, everything, func(r int) bool { return kept[r] }} {
					for i, v := range run(l, each, keep) {
						if !alike(v, want[i]) {
							t.Fatalf("%v, each %v, compiled %v: element %d is %v, want %v", l, each, keep != nil, i, v, want[i])
						}
					}
				}
			}
		}
	})
}

// TestManyRegisters: a program with more results alive than the processor has vectors and masks gives the same bits at all
// levels.
func TestManyRegisters(t *testing.T) {
	const many, n = 50, 40
	var code []Instr // 0 and 1 are read, 2 to many+1 results, and all of these are needed, twice, from the first to the last
	for i := range many {
		op := []Code{Add, Less, SubMul, LessEqual, Mul}[i%5]
		code = append(code, Instr{Code: op, D: 2 + i, A: max(0, i-3), B: 1, C: 0})
	}
	sum := many + 2
	code = append(code, Instr{Code: Copy, D: sum, A: 0})
	for range 2 {
		for i := range many {
			code = append(code, Instr{Code: Where, D: sum + 1, A: 2 + i, B: 1, C: 0}, Instr{Code: MulAdd, D: sum, A: sum + 1, B: 2 + i, C: sum})
		}
	}
	var want []float32
	for _, l := range levels() {
		tape := NewTape(many + 4)
		r := rand.New(rand.NewPCG(5, 6))
		out := make([]float32, 48)
		for i := range many + 4 {
			x := make([]float32, 48)
			for j := range x {
				x[j] = float32(r.IntN(9)-4) / 4
			}
			tape.Set(i, x, 0, 0)
		}
		tape.Set(sum, out, 0, 0)
		tape.Run(NewScript(l, code, func(r int) bool { return r == sum }), n, 1)
		if l == Generic {
			want = out
			continue
		}
		for i := range n {
			if !alike(out[i], want[i]) {
				t.Fatalf("%v: element %d is %v, want %v", l, i, out[i], want[i])
			}
		}
	}
}

// TestFunctions: functions are right to half of the last bit and 0.01 of it more, against double precision.
func TestFunctions(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for _, c := range []struct {
		code   Code
		want   func(a, b float64) float64
		lo, hi float64
	}{
		{Exp, func(a, _ float64) float64 { return math.Exp(a) }, -87, 88.7},
		{Log, func(a, _ float64) float64 { return math.Log(a) }, 0, 4},
		{Log, func(a, _ float64) float64 { return math.Log(a) }, 0, 1e38},
		{Tanh, func(a, _ float64) float64 { return math.Tanh(a) }, -10, 10},
		{Tanh, func(a, _ float64) float64 { return math.Tanh(a) }, -1e-3, 1e-3},
		{Sigmoid, func(a, _ float64) float64 { return 1 / (1 + math.Exp(-a)) }, -87, 30},
		{Pow, math.Pow, 0, 8},
		{Sin, func(a, _ float64) float64 { return math.Sin(a) }, -100, 100},
		{Cos, func(a, _ float64) float64 { return math.Cos(a) }, -100, 100},
	} {
		const n = 1 << 14
		a, b, d := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range a {
			a[i], b[i] = float32(c.lo+(c.hi-c.lo)*r.Float64()), float32(40*r.Float64()-20)
		}
		for _, l := range levels() {
			tape := NewTape(3)
			tape.Set(0, d, 0, 0)
			tape.Set(1, a, 0, 0)
			tape.Set(2, b, 0, 0)
			tape.Run(NewScript(l, []Instr{{Code: c.code, D: 0, A: 1, B: 2}}, everything), n, 1)
			worst := 0.0
			for i := range d {
				want := c.want(float64(a[i]), float64(b[i]))
				if size := math.Abs(want); size < 0x1p-126 || size > math.MaxFloat32 {
					continue
				}
				_, e := math.Frexp(want)
				worst = max(worst, math.Abs(float64(d[i])-want)/math.Exp2(float64(e-24)))
			}
			if worst > 0.51 {
				t.Errorf("%v at %v on %v to %v: off by %.3f of the last bit", c.code, l, c.lo, c.hi, worst)
			}
		}
	}
}

// BenchmarkTape runs one operation over and over, on registers of 512 elements.
func BenchmarkTape(b *testing.B) {
	for _, code := range []Code{Add, MulAdd, Less, Where, Div, Sqrt, Exp, Log, Tanh, Pow} {
		for _, l := range levels() {
			b.Run(fmt.Sprintf("%v/%v", code, l), func(b *testing.B) {
				const n, times = 512, 100
				tape := NewTape(5)
				for i := range 5 {
					x := Aligned(n)
					for j := range x {
						x[j] = 1.5
					}
					tape.Set(i, x, 0, 0)
				}
				s := NewScript(l, []Instr{{Code: code, D: 0, A: 1, B: 2, C: 3, E: 4}}, everything)
				for b.Loop() {
					tape.Run(s, n, times)
				}
				b.ReportMetric(n*times*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}

// TestDenormals: assembly counts denormal numbers as 0, in what it reads and what it writes, and leaves the processor as it
// was: Go's own arithmetic has them after that.
func TestDenormals(t *testing.T) {
	for _, l := range levels()[1:] {
		x := [3][]float32{make([]float32, 16), make([]float32, 16), make([]float32, 16)}
		tape := NewTape(3)
		for i := range x {
			tape.Set(i, x[i], 0, 0)
		}
		x[0][0], x[1][0] = 0x1p-120, 0x1p-20 // a product below the normal numbers
		x[0][1], x[1][1] = 0x1p-130, 0x1p20  // a factor below them
		tape.Run(NewScript(l, []Instr{{Code: Mul, D: 2, A: 0, B: 1}}, everything), 16, 1)
		if x[2][0] != 0 || x[2][1] != 0 {
			t.Errorf("%v: products with denormal numbers are %v and %v", l, x[2][0], x[2][1])
		}
		sums := make([]float64, 8)
		sumColumns(l, sums, nil, x[0][:8])
		if x[0][0]*x[1][0] != 0x1p-140 || sums[1] != 0 {
			t.Errorf("%v: a product in Go is %v, the sum of a denormal number %v", l, x[0][0]*x[1][0], sums[1])
		}
	}
}
