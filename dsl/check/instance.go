package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// base is what definitions of a kind come down to: equations in the file or from a plugin, a component, or a data set.
type base struct {
	name    string // as it is called
	neuron  *dsl.Neuron
	coder   *dsl.Coder
	comp    *schema.Component
	choice  *schema.Choice
	plugin  bool           // the equations are a plugin's
	from    *schema.Plugin // what a used plugin has; nil for built-ins and what the file defines
	formals []string       // arguments by position
	named   []string       // arguments by name only
}

// instance is a base with arguments.
type instance struct {
	*base
	args    map[string]given
	at      diag.Range // the use
	partial bool       // an argument had a finding
	bare    bool       // the definition itself, without a use
}

// given is an argument: an expression and where its names are looked up.
type given struct {
	value dsl.Expr
	s     *scope
	at    diag.Range
}

// source says who declares the parameters of the base.
func (b *base) source(kind string) diag.Note {
	switch {
	case b.neuron != nil && !b.plugin:
		return diag.Note{Message: fmt.Sprintf("%s `%s` is defined here", kind, b.name), Range: b.neuron.Name.Range}
	case b.coder != nil && !b.plugin:
		return diag.Note{Message: fmt.Sprintf("%s `%s` is defined here", kind, b.name), Range: b.coder.Name.Range}
	case b.comp != nil:
		return diag.Note{Message: fmt.Sprintf("declared by %s `%s` (%s)", kind, b.name, origin(b.comp, b.from))}
	}
	return diag.Note{Message: fmt.Sprintf("declared by %s `%s`", kindName(kind), b.name)}
}

// pluginName returns the used plugin that the base is from; "" for the built-ins and what the file defines.
func (b *base) pluginName() string {
	if b.from == nil {
		return ""
	}
	return b.from.Name
}

// inputs returns the names of what flows into the base, a neuron.
func (b *base) inputs() []string {
	if b.neuron == nil {
		return b.comp.Opaque.Takes()
	}
	return inputs(b.neuron.Body)
}

// origin says where a component is from.
func origin(x *schema.Component, from *schema.Plugin) string {
	if from == nil {
		return "built-in " + x.Version
	}
	return from.Name + " " + from.Version
}

// kindName is the kind as a message calls it.
func kindName(kind string) string {
	switch kind {
	case "data":
		return "data set"
	case "use":
		return "plugin"
	}
	return kind
}

// instance resolves an expression to what it names, with the arguments of all definitions on the way.
func (c *checker) instance(kind string, e dsl.Expr, s *scope) *instance {
	ref := reference(e)
	if ref == nil {
		c.fail(diag.BadType, e.Span(), "", "a %s is wanted here, such as `NAME` or `NAME(...)`", kindName(kind))
		return nil
	}
	in := c.source(kind, ref.Name, s)
	if in == nil {
		return nil
	}
	args, ok := c.bind(kindName(kind)+" `"+ref.Name.Text+"`", in.formals, in.named, ref.Args, s)
	in.at = ref.Range
	maps.Copy(in.args, args)
	in.partial = in.partial || !ok
	return in
}

// source resolves a name to what it names.
func (c *checker) source(kind string, name dsl.Name, s *scope) *instance {
	if !c.spend(10, name.Range) || c.broken[name.Text] {
		return nil
	}
	if d := c.defs[name.Text]; d != nil && d.kind == kind && name.Text != s.own && !s.plugin {
		switch x := d.item.(type) {
		case *dsl.Neuron:
			if !c.holds(x, false) {
				return nil
			}
			return c.standing(d, &instance{base: neuronBase(x, nil), args: map[string]given{}})
		case *dsl.Coder:
			if !c.holds(x, false) {
				return nil
			}
			return c.standing(d, &instance{base: coderBase(x, nil), args: map[string]given{}})
		}
		if d.state == busy {
			c.fail(diag.Recursive, name.Range, "let the chain of definitions end at a built-in, or at equations", "`%s` is defined by itself", name.Text)
			for _, other := range c.order {
				if other.state == busy {
					c.broken[other.name.Text] = true // the circle is reported once
				}
			}
			return nil
		}
		before := d.state
		d.state = busy
		in := c.instance(kind, d.value, &scope{own: d.name.Text})
		d.state = before
		return c.standing(d, in)
	}
	if d := c.defs[name.Text]; d != nil && d.kind == "use" && !s.plugin {
		if x := c.offers(kind, d, name); x != nil {
			if b := c.component(x, d.plugin, name); b != nil {
				return &instance{base: b, args: map[string]given{}}
			}
		}
		return nil
	}
	var known []string
	if kind == "data" {
		for i := range c.cat.Data {
			x := &c.cat.Data[i]
			if x.Name == name.Text {
				b := &base{name: x.Name, choice: x}
				for _, p := range x.Params {
					b.formals = append(b.formals, p.Name)
				}
				return &instance{base: b, args: map[string]given{}}
			}
			known = append(known, x.Name)
		}
	}
	for i := range c.cat.Components {
		x := &c.cat.Components[i]
		if string(x.Kind) != kind {
			continue
		}
		if x.Name == name.Text {
			if b := c.component(x, nil, name); b != nil {
				return &instance{base: b, args: map[string]given{}}
			}
			return nil
		}
		known = append(known, x.Name)
	}
	if name.Text == s.own && c.defs[name.Text] != nil {
		c.fail(diag.Recursive, name.Range, fmt.Sprintf("on its own right side `%s` means a built-in of that name, and there is none", name.Text), "`%s` is defined by itself", name.Text)
		return nil
	}
	if !c.silent(name.Range) {
		c.unknown(name, kindName(kind), slices.DeleteFunc(slices.Concat(c.known(kind), c.aliases(kind), known), func(n string) bool { return n == s.own }))
	}
	return nil
}

// component returns the base of a component of a used plugin (nil: of the built-ins); its equations are parsed and judged once.
func (c *checker) component(x *schema.Component, from *schema.Plugin, use dsl.Name) *base {
	b := &base{name: x.Name, comp: x, from: from}
	for _, r := range x.Roles {
		b.formals = append(b.formals, r.Name)
	}
	for _, p := range x.Params {
		b.formals = append(b.formals, p.Name)
	}
	if x.Equations == "" {
		if x.Kind == schema.Neuron && x.Opaque != nil {
			b.named = x.Opaque.Takes()[1:]
			return b
		}
		if x.Kind == schema.Neuron {
			c.fail(diag.PluginText, use.Range, "", "neuron `%s` of its plugin has no equations", x.Name)
			return nil
		}
		return b
	}
	item, seen := c.texts[x]
	if !seen {
		file := fmt.Sprintf("%s `%s` (%s)", x.Kind, x.Name, origin(x, from))
		c.spec.Sources[file] = []byte(x.Equations)
		parsed, found := dsl.ParseEquations(file, x.Equations)
		c.asides = append(c.asides, diag.Note{Message: "this is the text of a plugin, used here", Range: use.Range})
		for _, d := range found {
			c.report(d)
		}
		if !found.HasErrors() && c.holds(parsed, true) {
			item = parsed
		}
		c.asides = c.asides[:len(c.asides)-1]
		c.texts[x] = item
	}
	defines := "something else"
	switch y := item.(type) {
	case *dsl.Neuron:
		defines = "neuron `" + y.Name.Text + "`"
		if x.Kind == schema.Neuron && x.Name == y.Name.Text {
			b = neuronBase(y, x)
			b.from = from
			return b
		}
	case *dsl.Coder:
		defines = "coder `" + y.Name.Text + "`"
		if x.Kind == schema.Coder && x.Name == y.Name.Text {
			b = coderBase(y, x)
			b.from = from
			return b
		}
	}
	if item != nil {
		c.fail(diag.PluginText, use.Range, "the plugin's author writes one name in both", "the equations of %s `%s` define %s", x.Kind, x.Name, defines)
	}
	return nil
}

func neuronBase(n *dsl.Neuron, comp *schema.Component) *base {
	b := &base{name: n.Name.Text, neuron: n, comp: comp, plugin: comp != nil, named: []string{"surrogate", "detach_reset", "integrate"}}
	for _, p := range n.Params {
		b.formals = append(b.formals, p.Name.Text)
	}
	if in := inputs(n.Body); len(in) > 1 {
		b.named = append(b.named, in[1:]...)
	}
	return b
}

func coderBase(k *dsl.Coder, comp *schema.Component) *base {
	b := &base{name: k.Name.Text, coder: k, comp: comp, plugin: comp != nil}
	for _, p := range k.Params {
		b.formals = append(b.formals, p.Name.Text)
	}
	return b
}

// reference returns the name or call that an expression is; nil where it is something else.
func reference(e dsl.Expr) *dsl.Ref {
	for {
		switch x := e.(type) {
		case *dsl.Ref:
			return x
		case *dsl.Paren:
			e = x.Of
		default:
			return nil
		}
	}
}

// bind gives arguments their names: the first ones may stand by position.
func (c *checker) bind(what string, formals, named []string, args []dsl.Arg, s *scope) (map[string]given, bool) {
	out := map[string]given{}
	ok, byName := true, false
	if len(args) == 0 || !c.spend((len(formals)+len(named))/8, args[0].Range) {
		return out, len(args) == 0
	}
	known := append(slices.Clone(formals), named...)
	isKnown := map[string]bool{}
	for _, n := range known {
		isKnown[n] = true
	}
	for i, a := range args {
		name, at := a.Name.Text, a.Name.Range
		switch {
		case name == "" && byName:
			if whole := c.grouped(args[i-1], a); whole != "" {
				c.fail(diag.BadArguments, args[i-1].Value.Span().Join(a.Range), "write `"+whole+"`", "digits are grouped by `_`")
				ok = false
				continue
			}
			help := "put it in front, or write its name"
			if before := args[i-1]; before.Name.Text != "" && reference(before.Value) != nil && reference(a.Value) != nil { // terms of a loss, or items
				one, other := reference(before.Value).Name.Text, reference(a.Value).Name.Text
				help += fmt.Sprintf("; a sum is written `%s = %s + %s`, a list `%s = [%s, %s]`", before.Name.Text, one, other, before.Name.Text, one, other)
			}
			c.fail(diag.BadArguments, a.Range, help, "an argument without a name stands behind one with a name")
			ok = false
			continue
		case name == "" && i >= len(formals):
			help := fmt.Sprintf("it takes %s", quoted(known))
			if len(known) == 0 {
				help = fmt.Sprintf("%s takes no arguments", what)
			} else if len(formals) == 0 {
				help = "write the name of the argument: it takes " + quoted(known)
			}
			c.fail(diag.BadArguments, a.Range, help, "too many arguments for %s", what)
			ok = false
			continue
		case name == "":
			name, at = formals[i], a.Range
		case !isKnown[name]:
			ok = false
			if byName = true; c.silent(at) {
				continue
			}
			help := "it takes no arguments"
			if meant := foreign.Argument(name, known); meant != "" {
				help = meant
			} else if meant := c.leak(a, known); meant != "" {
				help = meant
			} else if near := diag.Nearest(name, known); near != "" {
				help = fmt.Sprintf("did you mean `%s`?", near)
			} else if len(known) > 0 {
				help = "it takes " + quoted(known)
			}
			c.fail(diag.BadArguments, at, help, "%s has no argument `%s`", what, name)
			continue
		default:
			byName = true
		}
		if _, twice := out[name]; twice && !a.Replaces {
			c.fail(diag.BadArguments, at, "delete one of the two", "argument `%s` is given twice", name)
			ok = false
			continue
		}
		out[name] = given{a.Value, s, a.Range}
	}
	return out, ok
}
