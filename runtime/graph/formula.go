package graph

// Operators as methods, for readable formulas. The Python builder has the same, under the same names.

// Constants returns numbers of the given dims, in row-major order.
func (b *Builder) Constants(values []float64, dims ...int) Value {
	return b.Op(OpConstant, Attrs{"values": values, "dims": dims})
}

// Read returns a variable.
func (b *Builder) Read(variable string) Value { return b.Op(OpRead, Attrs{"var": variable}) }

// Assign makes v the next value of a variable.
func (b *Builder) Assign(variable string, v Value) { b.Ops(OpAssign, Attrs{"var": variable}, v) }

// Max returns the greater one of each pair.
func (b *Builder) Max(x, y Value) Value { return b.Op(OpMax, nil, x, y) }

// Min returns the smaller one of each pair.
func (b *Builder) Min(x, y Value) Value { return b.Op(OpMin, nil, x, y) }

// Abs returns the size of x.
func (b *Builder) Abs(x Value) Value { return b.Op(OpAbs, nil, x) }

// Exp returns e to the x.
func (b *Builder) Exp(x Value) Value { return b.Op(OpExp, nil, x) }

// Log returns the natural logarithm of x.
func (b *Builder) Log(x Value) Value { return b.Op(OpLog, nil, x) }

// Sqrt returns the square root of x.
func (b *Builder) Sqrt(x Value) Value { return b.Op(OpSqrt, nil, x) }

// Tanh returns the hyperbolic tangent of x.
func (b *Builder) Tanh(x Value) Value { return b.Op(OpTanh, nil, x) }

// Sigmoid returns 1 / (1 + exp(-x)).
func (b *Builder) Sigmoid(x Value) Value { return b.Op(OpSigmoid, nil, x) }

// Sin returns the sine of x.
func (b *Builder) Sin(x Value) Value { return b.Op(OpSin, nil, x) }

// Cos returns the cosine of x.
func (b *Builder) Cos(x Value) Value { return b.Op(OpCos, nil, x) }

// Round returns x to the nearest whole number, halves to the even one.
func (b *Builder) Round(x Value) Value { return b.Op(OpRound, nil, x) }

// Floor returns the whole number at or below x.
func (b *Builder) Floor(x Value) Value { return b.Op(OpFloor, nil, x) }

// Equal returns bits, 1 where x and y are equal.
func (b *Builder) Equal(x, y Value) Value { return b.Op(OpEqual, nil, x, y) }

// Less returns bits, 1 where x < y.
func (b *Builder) Less(x, y Value) Value { return b.Op(OpLess, nil, x, y) }

// LessEqual returns bits, 1 where x <= y.
func (b *Builder) LessEqual(x, y Value) Value { return b.Op(OpLessEq, nil, x, y) }

// Where returns x where the bit of condition is 1, else y.
func (b *Builder) Where(condition, x, y Value) Value { return b.Op(OpWhere, nil, condition, x, y) }

// Cast returns x with elements of another type; what is no whole number is cut off.
func (b *Builder) Cast(x Value, to DType) Value {
	return b.Op(OpCast, Attrs{"dtype": to.String()}, x)
}

// Repeat returns x with each element count times along an axis; along TimeAxis or BatchAxis of a value without that axis, it gets one, that
// of examples by a count of 0.
func (b *Builder) Repeat(x Value, axis Axis, count int) Value {
	attrs := Attrs{"axis": axis}
	if count != 0 {
		attrs["count"] = count
	}
	return b.Op(OpRepeat, attrs, x)
}

// Matmul returns x[k] or x[m k] times y[k n], or y[n k] if transposed.
func (b *Builder) Matmul(x, y Value, transpose bool) Value {
	var attrs Attrs
	if transpose {
		attrs = Attrs{"transpose": true}
	}
	return b.Op(OpMatmul, attrs, x, y)
}

// Opaque adds an opaque operator (or, with op OpOpaqueGrad, its derivative) and returns all its results.
func (b *Builder) Opaque(op Op, o *Opaque, attrs Attrs, in ...Value) []Value {
	return b.Like(&Node{Op: op, Opaque: o}, attrs, in...)
}

// Sum returns the sum of x over axes, without any over all of them.
func (b *Builder) Sum(x Value, axes ...Axis) Value { return b.over("sum", x, axes) }

// Mean returns the mean of x over axes, without any over all of them.
func (b *Builder) Mean(x Value, axes ...Axis) Value { return b.over("mean", x, axes) }

func (b *Builder) over(kind string, x Value, axes Axes) Value {
	if b.err == nil && len(axes) == 0 {
		axes = AllAxes(x.Type())
	}
	return b.Reduce(kind, x, axes...)
}
