package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// params computes all params of the file.
func (c *checker) params() {
	if d := c.defs["dt"]; d != nil && d.kind == "param" {
		v := c.param(d)
		switch {
		case v.kind == poison:
			c.dt = 1 // what counts in seconds has its finding
		case v.kind != quantityValue || v.s != "s" || v.f <= 0:
			c.fail(diag.WrongUnit, d.item.Span(), "write `param dt: time = 1 ms`", "`dt` is the length of a time step, a time above 0 in s, ms, us or ns")
			c.dt = 1
		default:
			c.dt = v.f
		}
	}
	for _, d := range c.order {
		if d.kind == "param" {
			c.param(d)
		}
	}
}

// param returns the value of a param; poison where something was found.
func (c *checker) param(d *def) value {
	p := d.item.(*dsl.Param)
	switch d.state {
	case done:
		return d.param
	case busy:
		c.fail(diag.Recursive, d.name.Range, "give one of the params of the circle a value of its own", "param `%s` is defined by itself", d.name.Text)
		return value{}
	}
	d.state = busy
	defer func() { d.state = done }()
	if d.value == nil {
		c.fail(diag.BadArguments, d.name.Range, fmt.Sprintf("write `= VALUE` behind its type, or give it from outside: `--set %s=VALUE`", d.name.Text), "param `%s` has no value", d.name.Text)
		return value{}
	}
	t, ok := c.paramType(p.Type)
	v := c.eval(d.value, &scope{own: d.name.Text})
	if !ok || v.kind == poison {
		return value{}
	}
	if d.name.Text == "dt" && t.Type == schema.Time && v.numeric() { // it cannot be in steps
		help := "write `1 ms`"
		if v.number() > 0 {
			help = fmt.Sprintf("write `%v ms`", v)
		}
		c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: d.value.Span(), Label: "dimensionless", Help: help,
			Summary: fmt.Sprintf("`dt` is a time, but %v has no unit", v)})
		return value{}
	}
	if t.Type == schema.Size {
		c.squared(d.value, v)
	}
	if v, ok = c.convert(v, t, "`"+d.name.Text+"`", d.value.Span()); !ok {
		return value{}
	}
	if p.In != nil && !c.within(v, c.eval(p.In, &scope{}), "`"+d.name.Text+"`", d.value.Span(), p.In.Span()) {
		return value{}
	}
	d.param = v
	return v
}

// paramType returns the type that a param or parameter of a block is declared with.
func (c *checker) paramType(t dsl.Type) (schema.Param, bool) {
	types := []string{"int", "real", "bool", "string", "time", "range", "size"}
	name := t.Name.Text
	if !slices.Contains(types, name) || len(t.Dims) > 0 {
		help := "the types of values are " + quoted(types) + " and lists such as `[int]`"
		if here := foreign.Type(name, false); here != "" {
			help = fmt.Sprintf("here it is `%s`", here)
			if t.List {
				help = fmt.Sprintf("here it is `[%s]`", here)
			}
		} else if near := diag.Nearest(name, types); near != "" && near != name {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		c.fail(diag.BadType, t.Range, help, "unknown type `%s`", name)
		return schema.Param{}, false
	}
	if t.List {
		return schema.Param{Type: schema.List, Of: schema.Type(name)}, true
	}
	return schema.Param{Type: schema.Type(name)}, true
}

// within judges a value by a declared range, both ends included.
func (c *checker) within(v, r value, what string, at, declared diag.Range) bool {
	if r.kind == poison {
		return false
	}
	if !v.numeric() && v.kind != quantityValue || v.kind == quantityValue && r.items[0].s != v.s {
		c.fail(diag.BadType, declared, "", "%s has a range of another type", what)
		return false
	}
	if v.number() < r.items[0].number() || v.number() > r.items[1].number() {
		c.report(diag.Diagnostic{Code: diag.OutOfRange, Range: at, Summary: fmt.Sprintf("%s is %v, outside %v", what, v, r), Label: "out of range",
			Notes: []diag.Note{{Message: "the range is declared here", Range: declared}}})
		return false
	}
	return true
}
