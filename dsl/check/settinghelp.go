package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// elsewhere says where a setting belongs that an action does not have: to one of its choices (the rate of an optimiser), to the
// model (its loss), to the command line, or nowhere; "" for other names. value is nil where the setting stands in a path.
func (c *checker) elsewhere(name string, value dsl.Expr, a *action, list []schema.Param) string {
	for _, p := range list {
		if p.Type != schema.OneOf {
			continue
		}
		for _, x := range c.chosenFirst(p, a) {
			for _, q := range x.Params {
				if q.Name == name || foreign.Calls(name, q.Name) {
					if value == nil {
						return fmt.Sprintf("it is an argument of `%s`: write `%s.%s.%s.%s`", p.Name, a.Kind, a.Model.Text, p.Name, q.Name)
					}
					return fmt.Sprintf("it is an argument of `%s`: write `%s = %s(%s = %s)`", p.Name, p.Name, x.Name, q.Name, c.written(value.Span()))
				}
			}
		}
	}
	if help := foreign.Setting(name); help != "" {
		return help
	}
	if d := c.defs[a.Model.Text]; d != nil && d.kind == "model" && c.models[d] != nil {
		x := c.models[d].Component
		for _, p := range x.Params {
			if p.Name == name || foreign.Calls(name, p.Name) {
				if value == nil {
					return fmt.Sprintf("it is an argument of the model: write `%s.%s`", d.name.Text, p.Name)
				}
				return fmt.Sprintf("it is an argument of the model: write `model %s = %s(..., %s = %s)`", d.name.Text, x.Name, p.Name, c.written(value.Span()))
			}
		}
	}
	return ""
}

// chosenFirst lists the choices of a setting, first the one that the action takes.
func (c *checker) chosenFirst(p schema.Param, a *action) []schema.Choice {
	i := slices.IndexFunc(a.settings, func(s dsl.Setting) bool { return s.Name.Text == p.Name })
	if i < 0 {
		return p.Choices
	}
	ref := reference(a.settings[i].Value)
	if ref == nil {
		return p.Choices
	}
	j := slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
	if j < 0 {
		return p.Choices
	}
	return append([]schema.Choice{p.Choices[j]}, p.Choices...)
}

// example is how a setting or argument may be written that has to be given.
func example(p *schema.Param) string {
	value := "..."
	switch p.Type {
	case schema.Int:
		value = "64"
	case schema.Real:
		value = "1e-3"
	case schema.OneOf:
		if len(p.Choices) > 0 {
			value = callOf(p.Choices[0])
		}
	case schema.List:
		for _, x := range p.Choices {
			if !x.Later {
				value = "[" + callOf(x) + "]"
				break
			}
		}
	}
	return p.Name + " = " + value
}

// callOf is a choice with the arguments that it needs.
func callOf(x schema.Choice) string {
	var args []string
	for i := range x.Params {
		if x.Params[i].Required {
			args = append(args, example(&x.Params[i]))
		}
	}
	if len(args) == 0 {
		return x.Name
	}
	return x.Name + "(" + strings.Join(args, ", ") + ")"
}

// grouped returns the number that the arguments a and b are parts of, as in `take = 10,000`; "" where they are none.
func (c *checker) grouped(a, b dsl.Arg) string {
	const digits = "0123456789"
	x, y := c.written(a.Value.Span()), c.written(b.Value.Span())
	if a.Value.Span().End.Offset+1 != b.Value.Span().Start.Offset || len(y) != 3 || strings.Trim(x, digits+"_") != "" || strings.Trim(y, digits) != "" {
		return ""
	}
	return x + "_" + y
}
