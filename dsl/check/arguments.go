package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// owner is whose arguments are judged: what it is called, and the model or action that keeps places and roles.
type owner struct {
	what    string
	model   *Model                // where roles are allowed
	places  map[string]diag.Range // attribute path to place; may be nil
	partial bool                  // an argument had a finding, so that what is missing is not told
}

// typeName says what values of a type are, in a sentence.
func typeName(t schema.Type, of schema.Type) string {
	switch t {
	case schema.Int:
		return "an int"
	case schema.List:
		return "a list of " + strings.TrimPrefix(strings.TrimPrefix(typeName(of, ""), "an "), "a ") + "s"
	case schema.ARole:
		return "a name"
	case schema.AField:
		return "a field of the data"
	case schema.OneOf:
		return "a name, with arguments or without"
	case schema.Bytes:
		return "an amount of memory"
	}
	return "a " + string(t)
}

// convert brings a value to a type; what is how messages call it.
func (c *checker) convert(v value, p schema.Param, what string, at diag.Range) (value, bool) {
	switch p.Type {
	case schema.Int:
		if i, ok := integral(v); ok && i >= -largestInt && i <= largestInt {
			return intOf(i), true
		} else if ok {
			c.fail(diag.OutOfRange, at, fmt.Sprintf("it is at most %d", largestInt), "%s is %d, which is too large", what, i)
			return value{}, false
		}
	case schema.Real:
		if v.numeric() {
			return realOf(v.number()), true
		}
	case schema.Bool:
		if v.kind == boolValue {
			return v, true
		}
	case schema.String:
		if v.kind == stringValue {
			return v, true
		}
	case schema.Range:
		if v.kind == rangeValue {
			return v, true
		}
	case schema.Size:
		if i, ok := integral(v); ok {
			v = value{kind: sizeValue, items: []value{intOf(i), intOf(i)}}
		}
		if v.kind == sizeValue && len(v.items) == 2 && v.items[0].i > 0 && v.items[1].i > 0 {
			return v, true
		}
		c.fail(diag.BadType, at, "write height and width, such as `8x8`", "%s is a size, and this is %s", what, v.describe())
		return value{}, false
	case schema.Time:
		if v.numeric() {
			c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: at, Label: "dimensionless", Summary: fmt.Sprintf("%s is a time, but %v has no unit", what, v), Help: c.unitHelp(v)})
			return value{}, false
		}
		if v.kind == quantityValue && (v.s == "s" || v.s == "steps") && v.f < 0 {
			c.fail(diag.OutOfRange, at, "a time is not negative", "%s is %v", what, v)
			return value{}, false
		}
		if v.kind == quantityValue && (v.s == "s" || v.s == "steps") {
			return v, true
		}
		if v.kind == quantityValue {
			c.fail(diag.WrongUnit, at, "times are in steps, s, ms, us or ns", "%s is a time, and %v is not", what, v)
			return value{}, false
		}
	case schema.Bytes:
		switch {
		case v.numeric():
			c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: at, Label: "dimensionless", Summary: fmt.Sprintf("%s is an amount of memory, but %v has no unit", what, v), Help: fmt.Sprintf("write `%v GB`", v)})
			return value{}, false
		case v.kind == quantityValue && v.s == "B":
			return v, true
		case v.kind == quantityValue:
			c.fail(diag.WrongUnit, at, "amounts of memory are in B, KB, MB or GB", "%s is an amount of memory, and %v is not", what, v)
			return value{}, false
		}
	case schema.List:
		if v.kind == listValue {
			out := value{kind: listValue, items: make([]value, len(v.items))}
			for i, x := range v.items {
				var ok bool
				if out.items[i], ok = c.convert(x, schema.Param{Type: p.Of}, fmt.Sprintf("item %d of %s", i, what), at); !ok {
					return value{}, false
				}
			}
			return out, true
		}
		if v.numeric() {
			c.fail(diag.BadType, at, fmt.Sprintf("write `[%v]`", v), "%s is %s, and this is %s", what, typeName(p.Type, p.Of), v.describe())
			return value{}, false
		}
	}
	c.fail(diag.BadType, at, c.typed(v, p, at), "%s is %s, and this is %s", what, typeName(p.Type, p.Of), v.describe())
	return value{}, false
}

// paced returns a time, or a list of times, in steps, which are all that components know of time. Other values are as they were.
func (c *checker) paced(v value, p schema.Param, what string, at diag.Range) (value, bool) {
	switch {
	case p.Type == schema.List && p.Of == schema.Time:
		out := value{kind: listValue, items: make([]value, len(v.items))}
		for i, x := range v.items {
			var ok bool
			if out.items[i], ok = c.paced(x, schema.Param{Type: p.Of}, fmt.Sprintf("item %d of %s", i, what), at); !ok {
				return value{}, false
			}
		}
		return out, true
	case p.Type != schema.Time:
		return v, true
	}
	f, ok := c.inSteps(v)
	if !ok {
		c.fail(diag.NoStepLength, at, "declare `param dt: time = 1 ms`, or write the time in steps", "%s is %v, but the spec does not say how long a step is", what, v)
		return value{}, false
	}
	return value{kind: quantityValue, f: f, s: "steps"}, true
}

// plain turns a converted value into what plugins are passed.
func plain(v value, p schema.Param) schema.Value {
	out := schema.Value{Type: p.Type}
	switch v.kind {
	case intValue, realValue, boolValue:
		out.Number = v.number()
	case quantityValue:
		out.Number, out.Unit = v.f, v.s
	case stringValue:
		out.Text = v.s
	case listValue:
		for _, x := range v.items {
			out.Items = append(out.Items, plain(x, schema.Param{Type: p.Of}))
		}
	case rangeValue, sizeValue:
		for _, x := range v.items {
			item := schema.Value{Type: schema.Real, Number: x.number()}
			if v.kind == sizeValue {
				item.Type = schema.Int
			}
			if x.kind == quantityValue {
				item.Type, item.Unit = schema.Time, x.s
			}
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// argument judges one argument by its schema. path is its attribute path.
func (c *checker) argument(p *schema.Param, g given, o *owner, path string) (schema.Value, bool) {
	if o.places != nil && !g.s.plugin {
		o.places[path] = g.at
	}
	what := "`" + p.Name + "`"
	switch p.Type {
	case schema.OneOf:
		ref := reference(g.value)
		if ref == nil {
			help := "it is one of " + choices(p.Choices)
			if s, ok := g.value.(*dsl.String); ok {
				help = fmt.Sprintf("write it without quotes: `%s`", s.Value)
			}
			if x, ok := g.value.(*dsl.Binary); ok && x.Op == ".." {
				if i := slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return len(x.Params) == 1 && x.Params[0].Type == schema.Range }); i >= 0 {
					help = fmt.Sprintf("write `%s(%v)`", p.Choices[i].Name, c.eval(g.value, g.s))
				}
			}
			c.fail(diag.BadType, g.value.Span(), help, "%s is a name, with arguments or without", what)
			return schema.Value{}, false
		}
		return c.choice(p, ref, g, o, path)
	case schema.Terms:
		out := schema.Value{Type: schema.Terms}
		ok := c.terms(p, g, 1, o, path, &out.Items)
		return out, ok
	case schema.AField:
		ref := reference(g.value)
		if ref == nil || ref.Called {
			c.fail(diag.BadType, g.value.Span(), "write its name, such as `image` or `label`", "%s is a field of the data", what)
			return schema.Value{}, false
		}
		return schema.Value{Type: schema.AField, Text: ref.Name.Text}, true
	case schema.ARole:
		return c.roleArgument(p.Role, g, o, path)
	case schema.List:
		if p.Of == schema.OneOf || p.Of == schema.Terms || p.Of == schema.AField || p.Of == schema.ARole {
			return c.listOf(p, g, o, path)
		}
	}
	if p.Type == schema.String && c.unquoted(g.value) {
		c.fail(diag.BadType, g.value.Span(), fmt.Sprintf("write quotes around it, and on a command line others around the whole, which the shell takes away: `--set '%s=\"...\"'`", p.Name),
			"%s is a string, and this has no quotes", what)
		return schema.Value{}, false
	}
	v := c.eval(g.value, g.s)
	if v.kind == poison {
		return schema.Value{}, false
	}
	if help := inLists(v, p.Type); help != "" {
		c.fail(diag.BadType, g.value.Span(), help, "%s is %s, and this is %s", what, typeName(p.Type, p.Of), v.describe())
		return schema.Value{}, false
	}
	if p.Type == schema.Size {
		c.squared(g.value, v)
	}
	v, ok := c.convert(v, *p, what, g.value.Span())
	if !ok {
		return schema.Value{}, false
	}
	written := v
	if v, ok = c.paced(v, *p, what, g.value.Span()); !ok {
		return schema.Value{}, false
	}
	if v.numeric() || v.kind == quantityValue {
		if p.Min != nil && v.number() < *p.Min || p.Max != nil && v.number() > *p.Max {
			bounds := ""
			switch {
			case p.Min != nil && p.Max != nil:
				bounds = fmt.Sprintf("between %v and %v", *p.Min, *p.Max)
			case p.Min != nil:
				bounds = fmt.Sprintf("at least %v", *p.Min)
			default:
				bounds = fmt.Sprintf("at most %v", *p.Max)
			}
			if p.Type == schema.Time {
				bounds += " steps"
			}
			c.report(diag.Diagnostic{Code: diag.OutOfRange, Range: g.value.Span(), Label: "out of range", Summary: fmt.Sprintf("%s is %v, it must be %s", what, written, bounds)})
			return schema.Value{}, false
		}
	}
	return plain(v, *p), true
}

// unquoted reports whether an expression is a path whose quotes are missing: names that nothing defines, divided by each other.
func (c *checker) unquoted(e dsl.Expr) bool {
	x, ok := e.(*dsl.Binary)
	if !ok || x.Op != "/" {
		return false
	}
	for _, side := range []dsl.Expr{x.Left, x.Right} {
		ref := reference(side)
		if ref != nil && (ref.Called || c.defs[ref.Name.Text] != nil || c.broken[ref.Name.Text] || c.silent(ref.Range)) || ref == nil && !c.unquoted(side) {
			return false
		}
	}
	return true
}

// inLists says how a number is swept where a range or a list stands for it that is no sweep; "" for other values.
func inLists(v value, of schema.Type) string {
	switch {
	case of == schema.Real && v.kind == rangeValue:
		return fmt.Sprintf("a sweep over reals is a list of its values: `[%v, %v]`", v.items[0], v.items[1])
	case (of == schema.Int || of == schema.Real) && v.kind == listValue && len(v.items) == 1 && v.items[0].numeric():
		return fmt.Sprintf("write `%v`, and for a sweep one list of such values, `[%[1]v, ...]`", v.items[0])
	}
	return ""
}

// choices lists the names of choices.
func choices(list []schema.Choice) string {
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = x.Name
	}
	return quoted(names)
}

// choice judges one of several named alternatives.
func (c *checker) choice(p *schema.Param, ref *dsl.Ref, g given, o *owner, path string) (schema.Value, bool) {
	i := slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
	if d := c.defs[ref.Name.Text]; p.Export != "" && d != nil && d.kind == "model" && !ref.Called {
		m := c.modelOf(d)
		if m != nil && !slices.Contains(m.Component.Exports, p.Export) {
			c.fail(diag.BadArguments, ref.Name.Range, fmt.Sprintf("name a model that does, or one of %s", choices(p.Choices)), "model `%s`, of kind `%s`, does not export `%s`, which `%s` asks for", ref.Name.Text, m.Component.Name, p.Export, p.Name)
			m = nil
		}
		return schema.Value{Type: schema.ARole, Text: ref.Name.Text}, m != nil
	}
	if i < 0 {
		var known []string
		for _, x := range p.Choices {
			known = append(known, x.Name)
		}
		if p.Export != "" {
			known = append(known, c.known("model")...)
		}
		c.choiceUnknown("`"+p.Name+"`", ref.Name, known, o.what, "it is one of "+quoted(known))
		if near := diag.Nearest(ref.Name.Text, known); slices.ContainsFunc(p.Choices, func(x schema.Choice) bool { return x.Name == near }) { // what the help proposes judges the arguments, in the same run
			c.chosen(&p.Choices[slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return x.Name == near })], ref, g.s, o, path)
		}
		return schema.Value{}, false
	}
	x := &p.Choices[i]
	args, ok := c.chosen(x, ref, g.s, o, path)
	return schema.Value{Type: schema.OneOf, Text: x.Name, Args: args}, ok
}

// chosen judges the arguments of an alternative.
func (c *checker) chosen(x *schema.Choice, ref *dsl.Ref, s *scope, o *owner, path string) (schema.Arguments, bool) {
	var formals []string
	for _, q := range x.Params {
		formals = append(formals, q.Name)
	}
	what := "`" + x.Name + "`"
	bound, ok := c.bind(what, formals, nil, ref.Args, s)
	return c.fill(x.Params, bound, &owner{what: what, model: o.model, places: o.places, partial: !ok}, path, ref.Range)
}

// choiceUnknown reports a name that is not among the choices.
func (c *checker) choiceUnknown(what string, name dsl.Name, known []string, owner, help string) {
	if near := diag.Nearest(name.Text, known); near != "" {
		help = fmt.Sprintf("did you mean `%s`?", near)
	}
	if owner != "" {
		owner = " of " + owner
	}
	c.fail(diag.UnknownChoice, name.Range, help, "%s%s cannot be `%s`", what, owner, name.Text)
}

// listOf judges a list whose items are names or calls.
func (c *checker) listOf(p *schema.Param, g given, o *owner, path string) (schema.Value, bool) {
	items, ok := c.literal(p, g)
	out := schema.Value{Type: schema.List}
	for i, e := range items {
		item := *p
		item.Type, item.Of = p.Of, ""
		if s, is := e.(*dsl.String); is {
			c.fail(diag.BadType, e.Span(), fmt.Sprintf("write it without quotes: `%s`", s.Value), "an item of `%s` is a name", p.Name)
			ok = false
			continue
		}
		v, fine := c.argument(&item, given{e, g.s, e.Span()}, o, fmt.Sprintf("%s[%d]", path, i))
		out.Items, ok = append(out.Items, v), ok && fine
	}
	return out, ok
}

// literal returns the items of a list that must be written out.
func (c *checker) literal(p *schema.Param, g given) ([]dsl.Expr, bool) {
	e := g.value
	for {
		x, ok := e.(*dsl.Paren)
		if !ok {
			break
		}
		e = x.Of
	}
	l, ok := e.(*dsl.List)
	if !ok {
		help := "write it in brackets"
		if ref := reference(e); ref != nil && !ref.Called {
			help = fmt.Sprintf("write `[%s]`", ref.Name.Text)
		}
		c.fail(diag.BadType, g.value.Span(), help, "`%s` is a list", p.Name)
		return nil, false
	}
	return l.Items, true
}

// fill judges the arguments that are given by a list of declarations, and completes them with defaults.
func (c *checker) fill(params []schema.Param, args map[string]given, o *owner, path string, at diag.Range) (schema.Arguments, bool) {
	out, ok := schema.Arguments{}, !o.partial
	var missing []string
	for i := range params {
		p := &params[i]
		g, set := args[p.Name]
		if !set {
			if p.Required {
				missing = append(missing, p.Name)
			}
			if p.Default == "" {
				continue
			}
			e := c.parsed(p, o, at)
			if e == nil {
				ok = false
				continue
			}
			g = given{e, &scope{plugin: true}, e.Span()}
		}
		v, fine := c.argument(p, g, o, join(path, p.Name))
		if fine {
			out[p.Name] = v
		}
		ok = ok && fine
	}
	if len(missing) > 0 && !o.partial {
		c.fail(diag.BadArguments, at, fmt.Sprintf("add `%s = ...`", missing[0]), "%s needs %s", o.what, quoted(missing))
		ok = false
	}
	return out, ok
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// parsed returns the default of a declaration as an expression.
func (c *checker) parsed(p *schema.Param, o *owner, at diag.Range) dsl.Expr {
	if e, ok := c.defaults[p.Default]; ok {
		return e
	}
	file := fmt.Sprintf("default `%s`", p.Default)
	e, found := dsl.ParseExpr(file, p.Default)
	if found.HasErrors() {
		c.fail(diag.PluginText, at, "tell the plugin's author", "%s declares `%s` with a default that is no value: `%s`", o.what, p.Name, p.Default)
		e = nil
	}
	c.spec.Sources[file] = []byte(p.Default)
	c.defaults[p.Default] = e
	return e
}

// terms reads a weighted sum of named terms, such as `mse + kl / 240`.
func (c *checker) terms(p *schema.Param, g given, weight float64, o *owner, path string, out *[]schema.Value) bool {
	part := func(e dsl.Expr, weight float64) bool {
		return c.terms(p, given{e, g.s, e.Span()}, weight, o, path, out)
	}
	switch e := g.value.(type) {
	case *dsl.Paren:
		return part(e.Of, weight)
	case *dsl.Unary:
		if e.Op == "-" || e.Op == "+" {
			if e.Op == "-" {
				weight = -weight
			}
			return part(e.Of, weight)
		}
	case *dsl.Binary:
		switch e.Op {
		case "+", "-":
			left := part(e.Left, weight)
			if e.Op == "-" {
				weight = -weight
			}
			return part(e.Right, weight) && left
		case "*", "/":
			sum, factor := e.Left, e.Right
			if e.Op == "*" && !mentionsChoice(e.Left, p.Choices) && (mentionsChoice(e.Right, p.Choices) || c.nameless(e.Right)) {
				sum, factor = e.Right, e.Left
			}
			if mentionsChoice(factor, p.Choices) && mentionsChoice(sum, p.Choices) || e.Op == "/" && mentionsChoice(factor, p.Choices) {
				c.fail(diag.BadModel, e.Range, "add them, each with a number for its weight", "the terms of `%s` are added, not multiplied or divided", p.Name)
				return false
			}
			v := c.eval(factor, g.s)
			switch {
			case v.kind == poison:
				return false
			case !v.numeric():
				c.fail(diag.BadType, factor.Span(), "", "a weight is a number, and this is %s", v.describe())
				return false
			case e.Op == "/" && v.number() == 0:
				c.fail(diag.BadArithmetic, factor.Span(), "", "division by zero")
				return false
			case e.Op == "/":
				return part(sum, weight/v.number())
			}
			return part(sum, weight*v.number())
		}
	case *dsl.Ref:
		one := *p
		one.Type = schema.OneOf
		v, ok := c.choice(&one, e, g, o, join(path, e.Name.Text))
		v.Weight = weight
		*out = append(*out, v)
		return ok
	}
	c.fail(diag.BadModel, g.value.Span(), "write a sum such as `"+p.Choices[0].Name+"` or `0.5 * "+p.Choices[0].Name+"`; the terms are "+choices(p.Choices), "`%s` is a weighted sum of terms", p.Name)
	return false
}

// nameless reports whether an expression is a name that the file does not define: in a sum of terms a term that is misspelt.
func (c *checker) nameless(e dsl.Expr) bool {
	ref := reference(e)
	return ref != nil && c.defs[ref.Name.Text] == nil
}

// mentionsChoice reports whether a term stands in a product.
func mentionsChoice(e dsl.Expr, list []schema.Choice) bool {
	found := false
	dsl.Inspect(e, func(e dsl.Expr) {
		r, ok := e.(*dsl.Ref)
		found = found || ok && slices.ContainsFunc(list, func(x schema.Choice) bool { return x.Name == r.Name.Text })
	})
	return found
}
