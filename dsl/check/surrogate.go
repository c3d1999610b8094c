package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// surrogateText is what findings call an expression of `u`.
const surrogateText = "a surrogate"

// surrogate reads the derivative that stands in for the spike's.
func (c *checker) surrogate(g given, n *dsl.Neuron) (Surrogate, bool) {
	number := func(name, value string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value}
	}
	table := []schema.Choice{
		{Name: "atan", Params: []schema.Param{number("alpha", "2")}},
		{Name: "rectangle", Params: []schema.Param{number("width", "1")}},
		{Name: "triangle", Params: []schema.Param{number("alpha", "1")}},
		{Name: "sigmoid", Params: []schema.Param{number("alpha", "4")}},
		{Name: "temporal", Params: []schema.Param{
			{Name: "gate", Type: schema.OneOf, Default: "strict", Choices: []schema.Choice{{Name: "strict"}, {Name: "open"}}},
			{Name: "normalize", Type: schema.Bool, Default: "false"}}},
	}
	ref := reference(g.value)
	i := -1
	if text, is := g.value.(*dsl.String); is {
		c.fail(diag.BadType, text.Range, fmt.Sprintf("write it without quotes: `%s`", text.Value), "`surrogate` is a name, with arguments or without, or an expression of `u`")
		return Surrogate{}, false
	}
	if ref != nil {
		i = slices.IndexFunc(table, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
	}
	if i < 0 || mentions(ref, "u") {
		if ref != nil && i < 0 && !ref.Called && ref.Name.Text != "u" || ref != nil && ref.Called && i < 0 && functions()[ref.Name.Text].arity == 0 {
			var names []string
			for _, x := range table {
				names = append(names, x.Name)
			}
			if meant := c.foreignSurrogate(ref); meant != "" {
				c.fail(diag.UnknownChoice, ref.Range, meant, "`surrogate` cannot be `%s`", ref.Name.Text)
				return Surrogate{}, false
			}
			c.choiceUnknown("`surrogate`", ref.Name, names, "", "it is one of "+quoted(names)+", or an expression of `u`")
			return Surrogate{}, false
		}
		eq := &equations{c: c, what: surrogateText, kinds: map[string]exprKind{"u": numberKind}}
		for _, p := range n.Params {
			eq.kinds[p.Name.Text] = numberKind
		}
		if k := eq.expr(g.value); k == conditionKind {
			eq.fail(g.value.Span(), "write `where(condition, 1, 0)`", "a surrogate is a number, not a condition")
		}
		return Surrogate{Kind: "expression", Expr: g.value}, !eq.bad
	}
	x := table[i]
	formals := []string{}
	for _, p := range x.Params {
		formals = append(formals, p.Name)
	}
	s := Surrogate{Kind: x.Name}
	var named []string
	if s.Kind != "temporal" {
		named = []string{"center"}
	}
	args, ok := c.bind("surrogate `"+x.Name+"`", formals, named, ref.Args, g.s)
	if center, is := args["center"]; is {
		delete(args, "center")
		if r := reference(center.value); r != nil && r.Called && r.Name.Text == "absolute" {
			in, fine := c.bind("`absolute`", []string{"center"}, nil, r.Args, g.s)
			s.Absolute = true
			if center, is = in["center"]; !is && fine {
				c.fail(diag.BadArguments, r.Range, "write `absolute(0)`", "`absolute` needs a value")
			}
			if !is {
				return s, false
			}
		}
		v, fine := c.argument(&schema.Param{Name: "center", Type: schema.Real}, center, &owner{}, "")
		s.Center, ok = v.Number, ok && fine
	}
	values, fine := c.fill(x.Params, args, &owner{what: "surrogate `" + x.Name + "`", partial: !ok}, "", ref.Range)
	if !ok || !fine {
		return s, false
	}
	s.Alpha, s.Width, s.Open, s.Normalize = values.Real("alpha"), values.Real("width"), values.Text("gate") == "open", values.Bool("normalize")
	for _, name := range []string{"alpha", "width"} {
		if values.Has(name) && values.Real(name) <= 0 {
			at := ref.Range
			if g, is := args[name]; is {
				at = g.at
			}
			c.fail(diag.OutOfRange, at, "", "`%s` of a surrogate must be above 0, and this is %v", name, values.Real(name))
			return s, false
		}
	}
	return s, true
}
