package check

import (
	"fmt"
	"regexp"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// typed says how a value of another type, as it is written at a place, is written as one of type p; "" where nothing is near.
func (c *checker) typed(v value, p schema.Param, at diag.Range) string {
	text := c.written(at)
	switch {
	case v.kind == quantityValue:
		if number := regexp.MustCompile(`^[0-9][0-9_.e]*`).FindString(text); number != "" && strings.TrimSpace(text) != number {
			return fmt.Sprintf("write `%s`, without the unit", number)
		}
		return "leave the unit out"
	case v.kind == stringValue && p.Type != schema.String && readsAs(v.s, p.Type):
		return fmt.Sprintf("write it without quotes: `%s`", v.s)
	case p.Type == schema.Range && v.kind == listValue && len(v.items) == 2:
		return fmt.Sprintf("write `%v..%v`", v.items[0], v.items[1])
	case p.Type == schema.Range:
		if m := regexp.MustCompile(`^([0-9.]+) ?- ?([0-9.]+)$`).FindStringSubmatch(text); m != nil {
			return fmt.Sprintf("write `%s..%s`", m[1], m[2])
		}
		return "write `LO..HI`"
	case p.Type == schema.Int && v.kind == wireValue:
		return "a wire has the numbers `.channels`, `.height`, `.width` and `.size`, such as `x.channels`"
	case p.Type == schema.Bool && v.numeric() && (v.number() == 0 || v.number() == 1):
		return fmt.Sprintf("write `%v`", boolOf(v.number() != 0))
	case p.Type == schema.Bool:
		return "write `true` or `false`"
	case p.Type == schema.Int && v.kind == realValue && v.f >= 1:
		return fmt.Sprintf("write an int, such as `%.0f`", v.f)
	case p.Type == schema.String && text != "...":
		return fmt.Sprintf("write it in quotes: `\"%s\"`", text)
	}
	return ""
}

// readsAs reports whether a text is a value of a type, as a spec writes it.
func readsAs(text string, t schema.Type) bool {
	e, found := dsl.ParseExpr("value", text)
	if found.HasErrors() || e == nil {
		return false
	}
	switch e := e.(type) {
	case *dsl.Number:
		return e.Unit == "" && (t == schema.Int || t == schema.Real) || e.Unit != "" && t == schema.Time
	case *dsl.Bool:
		return t == schema.Bool
	case *dsl.Size:
		return t == schema.Size
	case *dsl.Binary:
		return e.Op == ".." && t == schema.Range
	case *dsl.List:
		return t == schema.List
	}
	return false
}

// squared warns of `28 * 28` where a size is wanted, which is the size 784x784.
func (c *checker) squared(e dsl.Expr, v value) {
	b, is := e.(*dsl.Binary)
	if !is || b.Op != "*" || !v.numeric() {
		return
	}
	left, right := c.written(b.Left.Span()), c.written(b.Right.Span())
	if _, a := b.Left.(*dsl.Number); !a || strings.ContainsAny(left+right, ". ") {
		return
	}
	if _, b := b.Right.(*dsl.Number); b {
		c.warn(diag.UnlikelyArgument, e.Span(), fmt.Sprintf("write `%sx%s`", left, right), "this is the size %vx%v", v, v)
	}
}

// unitOf returns the unit that a text ends with, with a space in front; "" where it ends otherwise.
func unitOf(text string) string {
	words := strings.Fields(text)
	if len(words) < 2 || !dsl.Unit(words[len(words)-1]) {
		return ""
	}
	return " " + words[len(words)-1]
}
