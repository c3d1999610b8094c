package kernel_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/kernel"
)

// sequence returns 0 to n-1.
func sequence(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

// TestBits: packing, unpacking and copying agree with each other bit by bit.
func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "bits")
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rapid.IntRange(0, 1).Draw(t, "bit"))
		}
		words := make([]uint64, (n+63)/64)
		for i := range words {
			words[i] = ^uint64(0)
		}
		kernel.Pack(words, x)
		if words[len(words)-1]>>((n-1)%64)>>1 != 0 {
			t.Fatal("bits past the end are set")
		}
		from := rapid.IntRange(0, n-1).Draw(t, "from")
		got := make([]float32, n-from)
		if kernel.Unpack(got, words, from); !slices.Equal(got, x[from:]) {
			t.Fatalf("unpacked from %d: %v, want %v", from, got, x[from:])
		}
		for i, v := range x {
			if kernel.Bit(words, i) != uint64(v) {
				t.Fatalf("bit %d", i)
			}
		}
		field := rapid.IntRange(1, min(64, n-from)).Draw(t, "field")
		bits := kernel.BitField(words, from, field)
		for i := range 64 {
			if want := i < field && x[from+i] == 1; (bits>>i&1 == 1) != want {
				t.Fatalf("bit %d of the %d from %d is not %v", i, field, from, want)
			}
		}
		to, length := rapid.IntRange(0, 70).Draw(t, "to"), rapid.IntRange(0, n-from).Draw(t, "length")
		d := make([]uint64, 5)
		for i := range d {
			d[i] = 0xaaaaaaaaaaaaaaaa
		}
		before := slices.Clone(d)
		kernel.CopyBits(d, to, words, from, length)
		for i := range 5 * 64 {
			want := kernel.Bit(before, i)
			if i >= to && i < to+length {
				want = kernel.Bit(words, from+i-to)
			}
			if kernel.Bit(d, i) != want {
				t.Fatalf("%d bits from %d to %d: bit %d is %d", length, from, to, i, kernel.Bit(d, i))
			}
		}
		targets := rapid.Permutation(sequence(n)).Draw(t, "targets")
		targets[rapid.IntRange(0, n-1).Draw(t, "dropped")] = -1
		scattered := make([]uint64, len(words))
		kernel.ScatterBits(scattered, words, targets)
		for i, at := range targets {
			if at >= 0 && kernel.Bit(scattered, int(at)) != kernel.Bit(words, i) {
				t.Fatalf("bit %d is not where it goes, %d", i, at)
			}
		}
	})
}

// TestEval: every operation on all pairs of difficult numbers, against its definition in double precision, rounded once.
func TestEval(t *testing.T) {
	truth := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	inf, nan := math.Inf(1), math.NaN()
	hard := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -2.5, 1.5, 3e38, -3e38, 1e-40, float32(inf), float32(-inf), float32(nan)}
	binary := map[kernel.Code]func(a, b float64) float64{
		kernel.Add: func(a, b float64) float64 { return a + b }, kernel.Sub: func(a, b float64) float64 { return a - b },
		kernel.Mul: func(a, b float64) float64 { return a * b }, kernel.Div: func(a, b float64) float64 { return a / b },
		kernel.Pow:  math.Pow,
		kernel.Less: func(a, b float64) float64 { return truth(a < b) }, kernel.LessEqual: func(a, b float64) float64 { return truth(a <= b) },
		kernel.Equal: func(a, b float64) float64 { return truth(a == b) }, kernel.Unequal: func(a, b float64) float64 { return truth(a != b) },
		kernel.Min: func(a, b float64) float64 {
			if a <= b {
				return a
			}
			return b
		},
		kernel.Max: func(a, b float64) float64 {
			if a >= b {
				return a
			}
			return b
		},
	}
	unary := map[kernel.Code]func(a float64) float64{
		kernel.Neg: func(a float64) float64 { return -a }, kernel.Abs: math.Abs, kernel.Sign: func(a float64) float64 { return truth(a > 0) - truth(a < 0) },
		kernel.Exp: math.Exp, kernel.Log: math.Log, kernel.Sqrt: math.Sqrt, kernel.Tanh: math.Tanh, kernel.Sin: math.Sin, kernel.Cos: math.Cos,
		kernel.Sigmoid: func(a float64) float64 { return 1 / (1 + math.Exp(-a)) }, kernel.Round: math.RoundToEven, kernel.Floor: math.Floor, kernel.Truncate: math.Trunc,
	}
	same := func(a float32, b float64) bool { return a == float32(b) || math.IsNaN(float64(a)) && math.IsNaN(b) }
	seen := 0
	for code := kernel.Code(0); code < kernel.Codes; code++ {
		for _, x := range hard {
			for _, y := range hard {
				a, b, c, e, d := []float32{x, x}, []float32{y, y}, []float32{2, 0}, []float32{0.25, 0.25}, make([]float32, 2)
				kernel.Eval(code, d, a, b, c, e)
				var want [2]float64
				switch f, ok := binary[code]; {
				case ok:
					want = [2]float64{f(float64(x), float64(y)), f(float64(x), float64(y))}
				case unary[code] != nil:
					want = [2]float64{unary[code](float64(x)), unary[code](float64(x))}
				case code == kernel.MulAdd:
					want = [2]float64{float64(x*y) + 2, float64(x * y)}
				case code == kernel.MulSub:
					want = [2]float64{float64(x*y) - 2, float64(x * y)}
				case code == kernel.SubMul:
					want = [2]float64{float64(x-y) * 2, float64(x-y) * 0}
				case code == kernel.SubMulAdd:
					want = [2]float64{float64(float32(x-y)*2) + 0.25, float64(float32(x-y)*0) + 0.25}
				case code == kernel.Where:
					cond := []float32{1, 0}
					kernel.Eval(code, d, cond, a, b, nil)
					want = [2]float64{float64(x), float64(y)}
				default: // of bits
					bit := []float32{0, 1}
					kernel.Eval(code, d, bit, []float32{1, 1}, nil, nil)
					want = map[kernel.Code][2]float64{kernel.And: {0, 1}, kernel.Or: {1, 1}, kernel.Not: {1, 0}}[code]
				}
				for i := range d {
					if !same(d[i], want[i]) {
						t.Fatalf("%v of %v and %v: %v, want %v", code, x, y, d, want)
					}
				}
			}
		}
		seen++
	}
	if seen < len(binary)+len(unary) {
		t.Error("operations are missing")
	}
}

// TestSums: sums by column and of all, of lengths around the sizes that are unrolled.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 3, 4, 7, 8, 9, 16, 30} {
		for _, rows := range []int{0, 1, 5} {
			x := make([]float32, n*rows)
			for i := range x {
				x[i] = float32(r.IntN(64)) / 8
			}
			sums, squares, alone := make([]float64, n), make([]float64, n), make([]float64, n)
			want, wantSquares := make([]float64, n), make([]float64, n)
			var all, allSquares float64
			for i, v := range x {
				want[i%n] += float64(v)
				wantSquares[i%n] += float64(v) * float64(v)
				all, allSquares = all+float64(v), allSquares+float64(v)*float64(v)
			}
			kernel.SumSquareColumns(sums, squares, x)
			kernel.SumColumns(alone, x)
			if !slices.Equal(sums, want) || !slices.Equal(squares, wantSquares) || !slices.Equal(alone, want) || kernel.Sum(x) != all || kernel.Squares(x) != allSquares {
				t.Errorf("%d columns, %d rows: sums differ", n, rows)
			}
		}
	}
}

// TestTree: eight slots add up as a balanced binary tree, which another order would not equal.
func TestTree(t *testing.T) {
	x := [8]float64{1e16, 1, -1e16, 1, 3, 1e16, 1, -1e16}
	pairs := func(x []float64) []float64 {
		var out []float64
		for i := 0; i < len(x); i += 2 {
			out = append(out, x[i]+x[i+1])
		}
		return out
	}
	if want := pairs(pairs(pairs(x[:]))); kernel.Tree(&x) != want[0] {
		t.Errorf("%v, want %v", kernel.Tree(&x), want[0])
	}
}

// TestAligned: memory begins at a multiple of 64 bytes, is zero and has room for no more than was asked for.
func TestAligned(t *testing.T) {
	for n := range 70 {
		x := kernel.Aligned(n)
		if len(x) != n || cap(x) != n || n > 0 && uintptr(unsafe.Pointer(&x[0]))%64 != 0 || slices.ContainsFunc(x, func(v float32) bool { return v != 0 }) {
			t.Fatalf("%d elements: length %d, capacity %d", n, len(x), cap(x))
		}
	}
}
