package kernel

import "math"

// Code is an operation of the register program. Registers hold a chunk of real numbers; bits are the numbers 0 and 1.
type Code uint8

// The operations: D is the result, A, B and C what it takes.
const (
	Add Code = iota
	Sub
	Mul
	Div
	Pow
	Min // A where A <= B, else B
	Max // A where A >= B, else B
	Less
	LessEqual
	Equal
	Unequal
	And
	Or
	Not
	Where // B where A is not 0, else C
	Neg
	Abs
	Sign
	Exp
	Log
	Sqrt
	Tanh
	Sigmoid
	Sin
	Cos
	Round // half to even
	Floor
	Truncate
	MulAdd    // A * B + C, rounded twice
	MulSub    // A * B - C, rounded twice
	SubMul    // (A - B) * C, rounded twice
	SubMulAdd // (A - B) * C + E, rounded three times

	Codes // how many an expression has

	// What a program copies: a register, and bits to numbers and back.
	Copy    Code = iota - 1
	Numbers      // A holds bits
	Bits         // D holds bits, A the numbers 0 and 1
	Fetch        // the quarter number B of what lies behind register A is wanted soon
)

var codeNames = [...]string{"add", "sub", "mul", "div", "pow", "min", "max", "lt", "le", "eq", "ne", "and", "or", "not", "where",
	"neg", "abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "round", "floor", "truncate",
	"mul-add", "mul-sub", "sub-mul", "sub-mul-add", "copy", "numbers", "bits", "fetch"}

// String returns the name of the operation.
func (c Code) String() string { return codeNames[c] }

// Cost says what an operation costs next to an addition, roughly.
func (c Code) Cost() int {
	switch c {
	case Div:
		return 3
	case Sqrt:
		return 4
	case Pow, Exp, Log, Tanh, Sigmoid, Sin, Cos:
		return 20
	}
	return 1
}

// Operands returns how many registers an operation takes.
func (c Code) Operands() int {
	switch {
	case c == SubMulAdd:
		return 4
	case c == Where || c >= MulAdd && c < Codes:
		return 3
	case c == Not || c > Where:
		return 1
	}
	return 2
}

// Eval computes one operation on chunks: d[i] from a[i], b[i], c[i] and e[i], as far as the operation takes them. They are
// of the length of d, which may be one of them. Products and sums are rounded one by one: no processor fuses them.
// Comparisons and choices are written on integers, which the compiler turns into moves without a branch that the data would
// decide.
func Eval(code Code, d, a, b, c, e []float32) {
	a = a[:len(d)]
	switch code {
	case Add:
		b = b[:len(d)]
		for i := range d {
			d[i] = a[i] + b[i]
		}
	case Sub:
		b = b[:len(d)]
		for i := range d {
			d[i] = a[i] - b[i]
		}
	case Mul:
		b = b[:len(d)]
		for i := range d {
			d[i] = a[i] * b[i]
		}
	case Div:
		b = b[:len(d)]
		for i := range d {
			d[i] = a[i] / b[i]
		}
	case MulAdd:
		b, c = b[:len(d)], c[:len(d)]
		for i := range d {
			d[i] = float32(a[i]*b[i]) + c[i]
		}
	case MulSub:
		b, c = b[:len(d)], c[:len(d)]
		for i := range d {
			d[i] = float32(a[i]*b[i]) - c[i]
		}
	case SubMul:
		b, c = b[:len(d)], c[:len(d)]
		for i := range d {
			d[i] = (a[i] - b[i]) * c[i]
		}
	case SubMulAdd:
		b, c, e = b[:len(d)], c[:len(d)], e[:len(d)]
		for i := range d {
			d[i] = float32((a[i]-b[i])*c[i]) + e[i]
		}
	case Min:
		b = b[:len(d)]
		for i := range d {
			x, y := math.Float32bits(a[i]), math.Float32bits(b[i])
			if a[i] <= b[i] {
				y = x
			}
			d[i] = math.Float32frombits(y)
		}
	case Max:
		b = b[:len(d)]
		for i := range d {
			x, y := math.Float32bits(a[i]), math.Float32bits(b[i])
			if a[i] >= b[i] {
				y = x
			}
			d[i] = math.Float32frombits(y)
		}
	case Less:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(bit(a[i] < b[i]) * one)
		}
	case LessEqual:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(bit(a[i] <= b[i]) * one)
		}
	case Equal:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(bit(a[i] == b[i]) * one)
		}
	case Unequal:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(bit(a[i] != b[i]) * one)
		}
	case And:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(math.Float32bits(a[i]) & math.Float32bits(b[i]))
		}
	case Or:
		b = b[:len(d)]
		for i := range d {
			d[i] = math.Float32frombits(math.Float32bits(a[i]) | math.Float32bits(b[i]))
		}
	case Not:
		for i := range d {
			d[i] = math.Float32frombits(math.Float32bits(a[i]) ^ one)
		}
	case Where:
		b, c = b[:len(d)], c[:len(d)]
		for i := range d {
			x, y := math.Float32bits(b[i]), math.Float32bits(c[i])
			if math.Float32bits(a[i]) != 0 {
				y = x
			}
			d[i] = math.Float32frombits(y)
		}
	case Neg:
		for i := range d {
			d[i] = -a[i]
		}
	case Abs:
		for i := range d {
			d[i] = math.Float32frombits(math.Float32bits(a[i]) &^ (1 << 31))
		}
	case Sign:
		for i := range d {
			d[i] = float32(int32(bit(a[i] > 0)) - int32(bit(a[i] < 0)))
		}
	case Sqrt:
		for i := range d {
			d[i] = float32(math.Sqrt(float64(a[i])))
		}
	case Pow:
		b = b[:len(d)]
		for i := range d {
			d[i] = float32(pow(float64(a[i]), float64(b[i])))
		}
	case Sigmoid:
		each(d, a, sigmoid)
	case Exp:
		each(d, a, exp)
	case Log:
		each(d, a, log)
	case Tanh:
		each(d, a, tanh)
	case Sin:
		each(d, a, math.Sin)
	case Cos:
		each(d, a, math.Cos)
	case Round:
		each(d, a, math.RoundToEven)
	case Floor:
		each(d, a, math.Floor)
	case Truncate:
		for i := range d {
			d[i] = float32(math.Trunc(float64(a[i]))) + 0
		}
	case Copy:
		copy(d, a)
	}
}

// one is the bits of the number 1.
const one = 0x3f800000

// bit is 1 for true, without a branch.
func bit(b bool) uint32 {
	var x uint32
	if b {
		x = 1
	}
	return x
}

// each computes f in double precision and rounds once.
func each(d, a []float32, f func(float64) float64) {
	for i := range d {
		d[i] = float32(f(float64(a[i])))
	}
}
