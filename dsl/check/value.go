package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// value is what an expression comes to while a spec is checked.
type value struct {
	kind  valueKind
	i     int64   // of an int
	f     float64 // of a real or quantity; 0 or 1 of a bool
	s     string  // of a string; the base unit of a quantity
	items []value // of a list, range (low, high) or size
	wire  int     // of a wire: its layer
}

type valueKind uint8

const (
	poison valueKind = iota // something was found: silent from here on
	intValue
	realValue
	boolValue
	stringValue
	listValue
	rangeValue
	sizeValue
	quantityValue
	wireValue
)

func (k valueKind) String() string {
	return [...]string{"nothing", "an int", "a real", "a bool", "a string", "a list", "a range", "a size", "a quantity", "a wire"}[k]
}

func intOf(i int64) value    { return value{kind: intValue, i: i} }
func realOf(f float64) value { return value{kind: realValue, f: f} }
func boolOf(b bool) value {
	v := value{kind: boolValue}
	if b {
		v.f = 1
	}
	return v
}

func (v value) numeric() bool { return v.kind == intValue || v.kind == realValue }

func (v value) number() float64 {
	if v.kind == intValue {
		return float64(v.i)
	}
	return v.f
}

// String is the value as a spec writes it.
func (v value) String() string {
	switch v.kind {
	case intValue:
		return strconv.FormatInt(v.i, 10)
	case realValue:
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case boolValue:
		return strconv.FormatBool(v.f != 0)
	case stringValue:
		return strconv.Quote(v.s)
	case quantityValue:
		f, prefix := v.f, ""
		if v.s != "steps" && v.s != "Hz" && v.s != "B" {
			for _, p := range []string{"m", "u", "n", "p"} {
				if f != 0 && math.Abs(f) < 1 {
					f, prefix = f*1e3, p
				}
			}
		}
		return strconv.FormatFloat(f, 'g', 12, 64) + " " + prefix + v.s
	case listValue, sizeValue, rangeValue:
		sep, open, end := ", ", "[", "]"
		if v.kind == sizeValue {
			sep, open, end = "x", "", ""
		} else if v.kind == rangeValue {
			sep, open, end = "..", "", ""
		}
		var out []string
		for i, x := range v.items {
			if i == 8 {
				out = append(out, "...")
				break
			}
			out = append(out, x.String())
		}
		return open + strings.Join(out, sep) + end
	}
	return v.kind.String()
}

// describe is the value with its kind, for messages.
func (v value) describe() string {
	if v.kind == wireValue {
		return "a wire"
	}
	return fmt.Sprintf("%v, %v", v, v.kind)
}

// unit returns the base unit of a unit and how much of it one is.
func unit(word string) (base string, factor float64) {
	switch word {
	case "step", "steps":
		return "steps", 1
	case "KB":
		return "B", 1e3
	case "MB":
		return "B", 1e6
	case "GB":
		return "B", 1e9
	case "s", "V", "A", "Hz", "J", "B":
		return word, 1
	}
	prefix := map[byte]float64{'k': 1e3, 'm': 1e-3, 'u': 1e-6, 'n': 1e-9, 'p': 1e-12}
	return word[1:], prefix[word[0]]
}

// scope is where the names of an expression are looked up.
type scope struct {
	vars   map[string]value // names of a body; nil outside bodies
	own    string           // the definition whose right side or body this is: there its name is the built-in's
	b      *builder         // the network that is built; nil outside bodies
	stacks map[string][]pushed
	// guess: what a body went through is not known to the end, so unknown names and empty stacks are silent.
	guess  bool
	plugin bool // the text is a plugin's: the names of the file are unknown there
}

// eval computes an expression.
func (c *checker) eval(e dsl.Expr, s *scope) value {
	if !c.spend(1, e.Span()) {
		return value{}
	}
	if c.nested++; c.nested > maxNested {
		c.nested--
		c.fail(diag.TooMuchWork, e.Span(), "", "expressions stand in each other more than %d deep", maxNested)
		return value{}
	}
	v := c.compute(e, s)
	c.nested--
	return v
}

func (c *checker) compute(e dsl.Expr, s *scope) value {
	switch e := e.(type) {
	case *dsl.Number:
		if e.Unit != "" {
			base, factor := unit(e.Unit)
			return value{kind: quantityValue, f: e.Value * factor, s: base}
		}
		if e.IsInt {
			return intOf(e.Int)
		}
		return realOf(e.Value)
	case *dsl.Size:
		v := value{kind: sizeValue}
		for _, d := range e.Dims {
			v.items = append(v.items, intOf(d))
		}
		return v
	case *dsl.String:
		return value{kind: stringValue, s: e.Value}
	case *dsl.Bool:
		return boolOf(e.Value)
	case *dsl.Paren:
		return c.eval(e.Of, s)
	case *dsl.List:
		v := value{kind: listValue, items: make([]value, 0, len(e.Items))}
		bad := false
		for _, x := range e.Items {
			item := c.eval(x, s)
			if item.kind == wireValue {
				c.fail(diag.BadType, x.Span(), "join wires by `concat(a, b)`", "a list cannot hold wires")
				item = value{}
			}
			bad = bad || item.kind == poison
			v.items = append(v.items, item)
		}
		if bad {
			return value{}
		}
		return v
	case *dsl.Ref:
		if e.Called {
			return c.function(e, s)
		}
		return c.lookup(e.Name, s)
	case *dsl.Index:
		return c.index(e, s)
	case *dsl.Field:
		return c.field(e, s)
	case *dsl.Unary:
		return c.unary(e, s)
	case *dsl.Binary:
		return c.binary(e, s)
	case *dsl.Flow:
		if s.b == nil {
			c.fail(diag.BadType, e.Range, "a flow stands in the body of a block or network", "a value is wanted here, not a flow")
			return value{}
		}
		v := c.eval(e.From, s)
		for _, step := range e.Steps {
			v = s.b.step(v, step, s, e.From.Span())
		}
		return v
	}
	return value{}
}

func (c *checker) lookup(name dsl.Name, s *scope) value {
	if v, ok := s.vars[name.Text]; ok {
		return v
	}
	if d := c.defs[name.Text]; d != nil && d.kind == "param" && !s.plugin {
		return c.param(d)
	}
	if s.guess || c.silent(name.Range) {
		return value{}
	}
	known := slices.DeleteFunc(c.known("param"), func(n string) bool { return n == s.own })
	want := "param"
	if s.vars != nil {
		want = "wire or value"
		for n := range s.vars {
			known = append(known, n)
		}
	}
	if s.plugin {
		known = nil
	}
	c.unknown(name, want, known)
	return value{}
}

// function calls `reverse`, `concat` or `pop`, the functions that stand in expressions.
func (c *checker) function(e *dsl.Ref, s *scope) value {
	for _, a := range e.Args {
		if a.Name.Text != "" && slices.Contains([]string{"reverse", "concat", "pop"}, e.Name.Text) {
			c.fail(diag.BadArguments, a.Name.Range, "leave the name out", "`%s` takes no named arguments", e.Name.Text)
			return value{}
		}
	}
	switch e.Name.Text {
	case "reverse":
		if len(e.Args) != 1 {
			c.fail(diag.BadArguments, e.Range, "write `reverse(list)`", "`reverse` takes one list, not %d arguments", len(e.Args))
			return value{}
		}
		v := c.eval(e.Args[0].Value, s)
		if v.kind == poison {
			return v
		}
		if v.kind != listValue {
			c.fail(diag.BadType, e.Args[0].Range, "", "`reverse` takes a list, and this is %s", v.describe())
			return value{}
		}
		if !c.spend(len(v.items), e.Range) {
			return value{}
		}
		v.items = slices.Clone(v.items)
		slices.Reverse(v.items)
		return v
	case "concat":
		if s.b != nil {
			return s.b.concat(e, s)
		}
	case "pop":
		if s.b != nil {
			return s.b.pop(e, s)
		}
	}
	help := "the functions are `reverse(list)`, `concat(a, b)` and `pop(stack)`"
	if d := c.defs[e.Name.Text]; s.b != nil && (c.layers[e.Name.Text] != nil || d != nil && (d.kind == "block" || d.kind == "neuron" || d.kind == "network")) {
		help = fmt.Sprintf("write `x -> %s(...)`: what flows in stands in front of the arrow", e.Name.Text)
	} else if meant := c.foreignFunction(e); meant != "" {
		help = meant
	} else if near := diag.Nearest(e.Name.Text, []string{"reverse", "concat", "pop"}); near != "" {
		help = fmt.Sprintf("did you mean `%s`?", near)
	}
	if !c.broken[e.Name.Text] && !c.blind {
		c.fail(diag.UnknownName, e.Name.Range, help, "`%s` is no function", e.Name.Text)
	}
	return value{}
}

func (c *checker) index(e *dsl.Index, s *scope) value {
	of, at := c.eval(e.Of, s), c.eval(e.At, s)
	if of.kind == poison || at.kind == poison {
		return value{}
	}
	if of.kind != listValue && of.kind != sizeValue {
		c.fail(diag.BadType, e.Of.Span(), "", "an index takes an item of a list, and this is %s", of.describe())
		return value{}
	}
	i, ok := integral(at)
	if !ok {
		c.fail(diag.BadType, e.At.Span(), "", "an index is an int, and this is %s", at.describe())
		return value{}
	}
	n := int64(len(of.items))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		help := fmt.Sprintf("it goes from 0 to %d, or from -1, the last, down to %d", n-1, -n)
		if n == 0 {
			help = "the list is empty"
		}
		c.fail(diag.BadArithmetic, e.At.Span(), help, "the list has no item %v", at)
		return value{}
	}
	return of.items[i]
}

func (c *checker) field(e *dsl.Field, s *scope) value {
	of := c.eval(e.Of, s)
	if of.kind == poison {
		return value{}
	}
	fields := []string{"channels", "height", "width", "size"}
	if of.kind != wireValue {
		if text := c.written(e.Of.Span()); dsl.Unit(e.Name.Text) && of.numeric() {
			c.fail(diag.WrongUnit, e.Range, fmt.Sprintf("write `%s %s`", text, e.Name.Text), "a unit stands behind its number, without a point")
			return value{}
		}
		c.fail(diag.BadType, e.Of.Span(), "", "only a wire has `.%s`, and this is %s", e.Name.Text, of.describe())
		return value{}
	}
	w := s.b.n.Layers[of.wire].Wire
	i := slices.Index(fields, e.Name.Text)
	switch {
	case i < 0:
		help := "a wire has `.channels`, `.height`, `.width` and `.size`"
		if near := diag.Nearest(e.Name.Text, fields); near != "" {
			help = fmt.Sprintf("did you mean `%s`?", near)
		} else if here, ok := map[string]string{"c": "channels", "h": "height", "w": "width", "numel": "size", "out_channels": "channels"}[e.Name.Text]; ok {
			help = fmt.Sprintf("here it is `%s`", here)
		}
		c.fail(diag.UnknownName, e.Name.Range, help, "a wire has no `.%s`", e.Name.Text)
		return value{}
	case i == 3:
		return intOf(int64(size(w.Dims)))
	case i >= len(w.Dims) || i > 0 && len(w.Dims) != 3:
		c.fail(diag.ShapeMismatch, e.Range, "a map, [channels, height, width], has all of them; a wire of another shape has `.channels`, its first axis, and `.size`", "%v has no %s", w, e.Name.Text)
		return value{}
	}
	return intOf(int64(w.Dims[i]))
}

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

// integral returns an int, or a real without a fraction.
func integral(v value) (int64, bool) {
	if v.kind == realValue && v.f == math.Trunc(v.f) && math.Abs(v.f) < 1<<53 {
		return int64(v.f), true
	}
	return v.i, v.kind == intValue
}
