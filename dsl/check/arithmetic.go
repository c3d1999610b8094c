package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

func (c *checker) unary(e *dsl.Unary, s *scope) value {
	v := c.eval(e.Of, s)
	switch {
	case v.kind == poison:
		return v
	case e.Op == "not" && v.kind == boolValue:
		return boolOf(v.f == 0)
	case e.Op == "not":
		c.fail(diag.BadType, e.Of.Span(), "", "`not` takes a bool, and this is %s", v.describe())
		return value{}
	case e.Op == "+" && (v.numeric() || v.kind == quantityValue || v.kind == wireValue):
		return v
	case v.kind == wireValue:
		return s.b.negate(v, e)
	case v.kind == intValue && v.i != math.MinInt64:
		return intOf(-v.i)
	case v.kind == realValue || v.kind == quantityValue:
		v.f = -v.f
		return v
	}
	c.fail(diag.BadType, e.Of.Span(), "", "`%s` takes a number, and this is %s", e.Op, v.describe())
	return value{}
}

func (c *checker) binary(e *dsl.Binary, s *scope) value {
	l := c.eval(e.Left, s)
	if (e.Op == "or" || e.Op == "and") && l.kind == boolValue && (l.f != 0) == (e.Op == "or") {
		return l // the right side is not needed
	}
	r := c.eval(e.Right, s)
	if l.kind == poison || r.kind == poison {
		return value{}
	}
	mismatch := func() value {
		help := ""
		if l.kind == quantityValue && r.numeric() && (e.Op == "+" || e.Op == "-") {
			help = fmt.Sprintf("give both a unit, such as `%s %s %s`", c.written(e.Left.Span()), e.Op, c.written(e.Right.Span())+unitOf(c.written(e.Left.Span())))
		}
		c.report(diag.Diagnostic{Code: diag.BadType, Range: e.Range, Help: help, Summary: fmt.Sprintf("`%s` does not take %v and %v", e.Op, l.kind, r.kind)})
		return value{}
	}
	switch e.Op {
	case "or", "and":
		if l.kind != boolValue || r.kind != boolValue {
			return mismatch()
		}
		return r
	case "in":
		if !c.spend(len(r.items), e.Range) {
			return value{}
		}
		switch {
		case r.kind == listValue:
			return boolOf(slices.ContainsFunc(r.items, func(x value) bool { return equal(l, x) }))
		case r.kind == rangeValue && l.numeric():
			return boolOf(l.number() >= r.items[0].number() && l.number() <= r.items[1].number())
		}
		c.fail(diag.BadType, e.Right.Span(), "", "`in` takes a list or a range on its right, and this is %s", r.describe())
		return value{}
	case "==", "!=":
		if l.kind != r.kind && !(l.numeric() && r.numeric()) || l.kind == wireValue || l.kind == listValue {
			return mismatch()
		}
		return boolOf(equal(l, r) == (e.Op == "=="))
	case "<", "<=", ">", ">=":
		if !l.numeric() || !r.numeric() {
			if l.kind != quantityValue || r.kind != quantityValue || l.s != r.s {
				return mismatch()
			}
		}
		n := cmp.Compare(l.number(), r.number())
		if l.kind == intValue && r.kind == intValue {
			n = cmp.Compare(l.i, r.i)
		}
		return boolOf(n < 0 && e.Op[0] == '<' || n > 0 && e.Op[0] == '>' || n == 0 && len(e.Op) == 2)
	case "..":
		if (!l.numeric() || !r.numeric()) && (l.kind != quantityValue || r.kind != quantityValue || l.s != r.s) {
			return mismatch()
		}
		if l.number() >= r.number() {
			help := fmt.Sprintf("write `%v..%v`", r, l)
			if l.number() == r.number() {
				help = "write `LO..HI` with LO < HI"
			}
			c.fail(diag.OutOfRange, e.Range, help, "a range goes from the lower to the higher value")
			return value{}
		}
		return value{kind: rangeValue, items: []value{l, r}}
	}
	if l.kind == wireValue || r.kind == wireValue {
		return s.b.arithmetic(e, l, r)
	}
	return c.arithmetic(e, l, r, mismatch)
}

func equal(a, b value) bool {
	switch {
	case a.kind == intValue && b.kind == intValue:
		return a.i == b.i
	case a.numeric() && b.numeric():
		return a.number() == b.number()
	case a.kind != b.kind:
		return false
	case a.kind == listValue || a.kind == rangeValue || a.kind == sizeValue:
		return slices.EqualFunc(a.items, b.items, equal)
	}
	return a.f == b.f && a.s == b.s
}

func (c *checker) arithmetic(e *dsl.Binary, l, r value, mismatch func() value) value {
	if l.kind == quantityValue || r.kind == quantityValue {
		return c.quantities(e, l, r, mismatch)
	}
	if !l.numeric() || !r.numeric() {
		return mismatch()
	}
	if e.Op == "/" && r.number() == 0 {
		c.fail(diag.BadArithmetic, e.Right.Span(), "", "division by zero")
		return value{}
	}
	if l.kind == intValue && r.kind == intValue {
		v, exact, fits := integers(e.Op, l.i, r.i)
		if !fits {
			c.fail(diag.BadArithmetic, e.Range, "make one side a real, such as `2.0`, if a rounded result will do", "%v %s %v is more than an int holds", l, e.Op, r)
			return value{}
		}
		if exact {
			return intOf(v)
		}
	}
	a, b := l.number(), r.number()
	var v float64
	switch e.Op {
	case "+":
		v = a + b
	case "-":
		v = a - b
	case "*":
		v = a * b
	case "/":
		v = a / b
	case "^":
		v = math.Pow(a, b)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(diag.BadArithmetic, e.Range, "", "%v %s %v has no value", l, e.Op, r)
		return value{}
	}
	return realOf(v)
}

// integers computes with ints: exact is false where the result is no int, fits where int64 does not hold it.
func integers(op string, a, b int64) (v int64, exact, fits bool) {
	switch op {
	case "+":
		v = a + b
		return v, true, (v > a) == (b > 0)
	case "-":
		v = a - b
		return v, true, (v < a) == (b > 0)
	case "*":
		return times(a, b)
	case "/":
		if a == math.MinInt64 && b == -1 {
			return 0, true, false
		}
		return a / b, a%b == 0, true
	}
	if b < 0 {
		return 0, false, true
	}
	v = 1
	for range b {
		if v, _, fits = times(v, a); !fits || v == 0 || a == 1 {
			return v, true, fits
		}
		if a == -1 {
			return 1 - 2*(b&1), true, true
		}
	}
	return v, true, true
}

func times(a, b int64) (v int64, exact, fits bool) {
	v = a * b
	return v, true, a == 0 || v/a == b && !(a == -1 && b == math.MinInt64)
}

// quantities computes with units: a quantity times or by a number, quantities of one unit plus, minus and by each other.
func (c *checker) quantities(e *dsl.Binary, l, r value, mismatch func() value) value {
	both := l.kind == quantityValue && r.kind == quantityValue
	var v value
	switch {
	case both && l.s != r.s:
		c.fail(diag.WrongUnit, e.Range, "give both sides the same unit", "`%s` does not take %s and %s", e.Op, l.s, r.s)
		return value{}
	case both && e.Op == "+":
		v = value{kind: quantityValue, f: l.f + r.f, s: l.s}
	case both && e.Op == "-":
		v = value{kind: quantityValue, f: l.f - r.f, s: l.s}
	case both && e.Op == "/" && r.f != 0:
		v = realOf(l.f / r.f)
	case l.numeric() && e.Op == "*":
		v = value{kind: quantityValue, f: l.number() * r.f, s: r.s}
	case r.numeric() && e.Op == "*":
		v = value{kind: quantityValue, f: l.f * r.number(), s: l.s}
	case r.numeric() && e.Op == "/" && r.number() != 0:
		v = value{kind: quantityValue, f: l.f / r.number(), s: l.s}
	case e.Op == "/" && r.number() == 0:
		c.fail(diag.BadArithmetic, e.Right.Span(), "", "division by zero")
		return value{}
	default:
		return mismatch()
	}
	if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
		c.fail(diag.BadArithmetic, e.Range, "", "%v %s %v has no value", l, e.Op, r)
		return value{}
	}
	return v
}
