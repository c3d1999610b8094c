package check

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
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
			help := "leave the name out"
			if strings.Trim(c.written(a.Value.Span()), "-0123456789") == "" { // an axis
				help = fmt.Sprintf("leave `%s = %s` out", a.Name.Text, c.written(a.Value.Span()))
			}
			c.fail(diag.BadArguments, a.Name.Range, help, "`%s` takes no named arguments", e.Name.Text)
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
	if d := c.defs[e.Name.Text]; d != nil && e.Name.Text == s.own && (d.kind == "block" || d.kind == "network") {
		c.usesItself(d, e.Name)
		return value{}
	} else if s.b != nil && (c.layers[e.Name.Text] != nil || d != nil && (d.kind == "block" || d.kind == "neuron" || d.kind == "network")) {
		help = fmt.Sprintf("write `x -> %s(...)`: what flows in stands in front of the arrow", e.Name.Text)
	} else if meant := foreign.Function(e.Name.Text, c.arguments(e.Args)); meant != "" {
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

// integral returns an int, or a real without a fraction.
func integral(v value) (int64, bool) {
	if v.kind == realValue && v.f == math.Trunc(v.f) && math.Abs(v.f) < 1<<53 {
		return int64(v.f), true
	}
	return v.i, v.kind == intValue
}
