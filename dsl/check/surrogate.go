package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// surrogateText is what findings call an expression of `u`.
const surrogateText = "a surrogate"

// Surrogates describes what `surrogate =` of a neuron takes besides an expression of u: the derivative of a spike as a function
// of u = left side - right side of the spike's condition. All but temporal take `center` by name.
func Surrogates() []schema.Choice {
	number := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Doc: doc}
	}
	center := schema.Param{Name: "center", Type: schema.Real, Default: "0", Doc: "by name: subtracted from u; `absolute(V)` measures u from the value V of the condition's left side instead of from the threshold"}
	return []schema.Choice{
		{Name: "atan", Doc: "(a / 2) / (1 + (pi a u / 2)^2), the default (Fang et al. 2021).", Params: []schema.Param{number("alpha", "2", "a"), center}},
		{Name: "rectangle", Doc: "1 / w where |u| < w / 2, else 0 (Wu et al. 2018).", Params: []schema.Param{number("width", "1", "w"), center}},
		{Name: "triangle", Doc: "max(0, a - a^2 |u|) (Bellec et al. 2018).", Params: []schema.Param{number("alpha", "1", "a"), center}},
		{Name: "sigmoid", Doc: "a q (1 - q) with q = 1 / (1 + exp(-a u)).", Params: []schema.Param{number("alpha", "4", "a"), center}},
		{Name: "temporal", Doc: "The gradient at a neuron's own spike goes to its input current of other time steps; a neuron that stays silent counts as spiking at the last one (Kheradpisheh and Masquelier 2020).", Params: []schema.Param{
			{Name: "gate", Type: schema.OneOf, Default: "strict", Doc: "which time steps", Choices: []schema.Choice{{Name: "strict", Doc: "those before the spike"}, {Name: "open", Doc: "all"}}},
			{Name: "normalize", Type: schema.Bool, Default: "false", Doc: "whether the gradient is divided by its norm over the layer, per example"}}},
	}
}

// surrogate reads the derivative that stands in for the spike's.
func (c *checker) surrogate(g given, n *dsl.Neuron) (Surrogate, bool) {
	table := Surrogates()
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
			argument := ""
			if len(ref.Args) == 1 {
				if text := c.written(ref.Args[0].Value.Span()); text != "..." {
					argument = text
				}
			}
			if meant := foreign.Surrogate(ref.Name.Text, argument); meant != "" {
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
	s := Surrogate{Kind: x.Name}
	var formals, named []string
	var params []schema.Param // all but the center, which is read here
	for _, p := range x.Params {
		if p.Name == "center" {
			named = append(named, p.Name)
			continue
		}
		formals, params = append(formals, p.Name), append(params, p)
	}
	args, ok := c.bind("surrogate `"+x.Name+"`", formals, named, ref.Args, g.s)
	if center, is := args["center"]; is {
		delete(args, "center")
		if r := reference(center.value); r != nil && r.Name.Text == "absolute" && (r.Called || c.defs["absolute"] == nil) {
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
	values, fine := c.fill(params, args, &owner{what: "surrogate `" + x.Name + "`", partial: !ok}, "", ref.Range)
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
			c.fail(diag.OutOfRange, at, fmt.Sprintf("write a number above 0, such as `%s = 1`", name), "`%s` of a surrogate must be above 0, and this is %v", name, values.Real(name))
			return s, false
		}
	}
	return s, true
}
