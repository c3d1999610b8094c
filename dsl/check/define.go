package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
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
			return &instance{base: neuronBase(x, nil), args: map[string]given{}}
		case *dsl.Coder:
			if !c.holds(x, false) {
				return nil
			}
			return &instance{base: coderBase(x, nil), args: map[string]given{}}
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
		return in
	}
	if d := c.defs[name.Text]; d != nil && d.kind == "use" && !s.plugin {
		if x := c.offers(kind, d, name); x != nil {
			if b := c.component(x, d.plugin, name); b != nil {
				return &instance{base: b, args: map[string]given{}}
			}
		}
		return nil
	}
	known := c.aliases(kind)
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
		c.unknown(name, kindName(kind), slices.DeleteFunc(append(c.known(kind), known...), func(n string) bool { return n == s.own }))
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
	switch y := item.(type) {
	case *dsl.Neuron:
		if x.Kind == schema.Neuron {
			b = neuronBase(y, x)
			b.from = from
			return b
		}
	case *dsl.Coder:
		if x.Kind == schema.Coder {
			b = coderBase(y, x)
			b.from = from
			return b
		}
	}
	if item != nil {
		c.fail(diag.PluginText, use.Range, "", "the equations of %s `%s` define something else", x.Kind, x.Name)
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
			c.fail(diag.BadArguments, a.Range, "put it in front, or write its name", "an argument without a name stands behind one with a name")
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
			if near := diag.Nearest(name, known); near != "" {
				help = fmt.Sprintf("did you mean `%s`?", near)
			} else if len(known) > 0 {
				help = "it takes " + quoted(known)
			}
			c.fail(diag.BadArguments, at, help, "%s has no argument `%s`", what, name)
			continue
		default:
			byName = true
		}
		if _, twice := out[name]; twice {
			c.fail(diag.BadArguments, at, "delete one of the two", "argument `%s` is given twice", name)
			ok = false
			continue
		}
		out[name] = given{a.Value, s, a.Range}
	}
	return out, ok
}

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
		if near := diag.Nearest(name, types); near != "" && near != name {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		c.fail(diag.BadType, t.Range, help, "a value has no type like this")
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

// neuronOf returns the neuron of a definition; nil where something was found.
func (c *checker) neuronOf(d *def) *Neuron {
	if d.state == unseen {
		switch x := d.item.(type) {
		case *dsl.Neuron:
			d.state = busy
			if c.holds(x, false) {
				d.neuron = c.neuron(d.name.Text, &instance{base: neuronBase(x, nil), args: map[string]given{}, at: x.Name.Range, bare: true})
			}
		default:
			d.state = busy
			if in := c.instance("neuron", d.value, &scope{own: d.name.Text}); in != nil {
				d.neuron = c.neuron(d.name.Text, in)
			}
		}
		d.state = done
	}
	return d.neuron
}

// neuron makes a neuron of its equations and arguments.
func (c *checker) neuron(name string, in *instance) *Neuron {
	if !c.spend(len(in.neuron.Body), in.at) {
		return nil
	}
	n := &Neuron{Name: name, Definition: in.neuron, Integrate: "euler", Surrogate: Surrogate{Kind: "atan", Alpha: 2}, Times: c.times}
	var ok bool
	n.Params, n.Trainable, ok = c.parameters("neuron", in, in.neuron.Params)
	for _, q := range in.neuron.Body {
		switch q := q.(type) {
		case *dsl.SpikeWhen:
			n.Spikes = true
		case *dsl.Refractory:
			n.Once = n.Once || q.Forever
		}
	}
	if g, is := in.args["integrate"]; is {
		methods := []schema.Choice{{Name: "euler"}, {Name: "exact"}, {Name: "exponential"}, {Name: "rk2"}, {Name: "rk4"}}
		v, fine := c.argument(&schema.Param{Name: "integrate", Type: schema.OneOf, Choices: methods}, g, &owner{}, "")
		n.Integrate, ok = v.Text, ok && fine
	}
	if g, is := in.args["detach_reset"]; is {
		v, fine := c.argument(&schema.Param{Name: "detach_reset", Type: schema.Bool}, g, &owner{}, "")
		n.DetachReset, ok = v.Number != 0, ok && fine
	}
	if g, is := in.args["surrogate"]; is {
		if !n.Spikes {
			c.fail(diag.BadArguments, g.at, "leave it out", "neuron `%s` has an `output` and no spike, so no surrogate either", in.name)
			return nil
		}
		s, fine := c.surrogate(g, in.neuron)
		n.Surrogate, ok = s, ok && fine
	}
	if !ok {
		return nil
	}
	return n
}

// parameters computes the arguments of a neuron or coder; times are in steps.
func (c *checker) parameters(kind string, in *instance, params []dsl.Parameter) (map[string]float64, map[string]string, bool) {
	values, trainable, ok := map[string]float64{}, map[string]string{}, !in.partial
	var missing []string
	for _, p := range params {
		g, set := in.args[p.Name.Text]
		if !set {
			if p.Default == nil {
				missing = append(missing, p.Name.Text)
				continue
			}
			g = given{p.Default, &scope{plugin: in.plugin}, p.Default.Span()}
		}
		v, fine := c.parameter(kind, in, p, g)
		values[p.Name.Text], ok = v, ok && fine
		if p.Trainable != "" {
			trainable[p.Name.Text] = p.Trainable
		}
	}
	if len(missing) > 0 {
		if in.partial || in.bare { // a definition that cannot be used as it is may still be used with arguments
			return nil, nil, false
		}
		c.report(diag.Diagnostic{Code: diag.BadArguments, Range: in.at, Summary: fmt.Sprintf("%s `%s` needs %s", kind, in.name, quoted(missing)),
			Notes: []diag.Note{in.source(kind)}})
		return nil, nil, false
	}
	return values, trainable, ok
}

// parameter computes one argument of a neuron or coder; a time is in steps.
func (c *checker) parameter(kind string, in *instance, p dsl.Parameter, g given) (float64, bool) {
	note := in.source(kind)
	note.Message = fmt.Sprintf("`%s` is %s", p.Name.Text, note.Message)
	if !note.Range.IsZero() {
		note = diag.Note{Message: fmt.Sprintf("`%s` is declared by %s `%s`", p.Name.Text, kind, in.name), Range: p.Range}
	}
	v := c.judged(p, g, in.plugin, []diag.Note{note})
	if v.kind == quantityValue && v.s == "s" {
		if c.dt == 0 {
			c.fail(diag.NoStepLength, g.value.Span(), "declare `param dt: time = 1 ms`, or write the time in steps", "`%s` is %v, but the spec does not say how long a step is", p.Name.Text, v)
			return 0, false
		}
		return v.f / c.dt, true
	}
	return v.number(), v.kind != poison
}

// judged computes a value for a parameter and judges it by the parameter's type and range.
func (c *checker) judged(p dsl.Parameter, g given, plugin bool, notes []diag.Note) value {
	t := schema.Param{Type: schema.Real}
	if p.Type != nil {
		t.Type = schema.Type(p.Type.Name.Text)
	}
	what := "`" + p.Name.Text + "`"
	v := c.eval(g.value, g.s)
	if v.kind == poison {
		return v
	}
	if t.Type == schema.Time && v.numeric() {
		c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: g.value.Span(), Label: "dimensionless",
			Summary: fmt.Sprintf("%s is a time, but %v has no unit", what, v), Help: c.unitHelp(v), Notes: notes})
		return value{}
	}
	v, ok := c.convert(v, t, what, g.value.Span())
	if !ok || p.In != nil && !c.within(v, c.eval(p.In, &scope{plugin: plugin}), what, g.value.Span(), p.In.Span()) {
		return value{}
	}
	return v
}

// unitHelp says how a time is written.
func (c *checker) unitHelp(v value) string {
	if c.dt > 0 {
		return fmt.Sprintf("write `%v steps` or `%v ms`", v, v)
	}
	return fmt.Sprintf("write `%v steps`, or `%v ms` if the spec declares a dt", v, v)
}

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
	if ref != nil {
		i = slices.IndexFunc(table, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
	}
	if i < 0 || mentions(ref, "u") {
		if ref != nil && i < 0 && !ref.Called && ref.Name.Text != "u" || ref != nil && ref.Called && i < 0 && functions()[ref.Name.Text].arity == 0 {
			var names []string
			for _, x := range table {
				names = append(names, x.Name)
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

// coderOf returns the coder of a definition; nil where something was found.
func (c *checker) coderOf(d *def) *Coder {
	if d.state == unseen {
		d.state = busy
		if x, ok := d.item.(*dsl.Coder); ok {
			if c.holds(x, false) {
				d.coder = c.coder(d.name.Text, &instance{base: coderBase(x, nil), args: map[string]given{}, at: x.Name.Range, bare: true})
			}
		} else if in := c.instance("coder", d.value, &scope{own: d.name.Text}); in != nil {
			d.coder = c.coder(d.name.Text, in)
		}
		d.state = done
	}
	return d.coder
}

// coder makes a coder of its equations and arguments.
func (c *checker) coder(name string, in *instance) *Coder {
	k := &Coder{Name: name, Definition: in.coder, Times: c.times}
	if in.coder == nil {
		args, ok := c.fill(in.comp.Params, in.args, &owner{what: "coder `" + in.name + "`", partial: in.partial}, "", in.at)
		if !ok {
			return nil
		}
		k.Component, k.Args = in.comp, args
		return k
	}
	var ok bool
	if k.Params, k.Trainable, ok = c.parameters("coder", in, in.coder.Params); !ok {
		return nil
	}
	if in.coder.Encode != nil {
		steps := k.Params["steps"]
		k.Steps = int(steps)
		at := in.at
		if g, is := in.args["steps"]; is {
			at = g.at
		}
		if steps < 1 || steps > 1<<20 {
			c.fail(diag.OutOfRange, at, "", "a coder takes between 1 and %d time steps, not %v", 1<<20, realOf(steps))
			return nil
		}
	}
	return k
}

// dataOf returns the data set of a definition; nil where something was found.
func (c *checker) dataOf(d *def) *Data {
	if d.state != unseen {
		return d.data
	}
	d.state = busy
	defer func() { d.state = done }()
	in := c.instance("data", d.value, &scope{own: d.name.Text})
	if in == nil {
		return nil
	}
	args, ok := c.fill(in.choice.Params, in.args, &owner{what: "data set `" + in.name + "`", partial: in.partial}, "", in.at)
	if !ok {
		return nil
	}
	x := &Data{Name: d.name.Text, Set: in.choice.Name, Args: args, Later: in.choice.Later, Range: d.item.Span()}
	if c.cat.Shape != nil {
		var err error
		if x.Channels, x.Height, x.Width, err = c.cat.Shape(x.Set, args); err != nil && !x.Later {
			c.fail(diag.DataFailed, d.value.Span(), "", "data set `%s`: %v", x.Set, err)
			return nil
		}
	}
	d.data = x
	return x
}

// targetOf returns the target of a definition as a choice; nil where something was found.
func (c *checker) targetOf(d *def) *schema.Value {
	if d.state == unseen {
		d.state = busy
		if in := c.instance("target", d.value, &scope{own: d.name.Text}); in != nil {
			if args, ok := c.fill(in.comp.Params, in.args, &owner{what: "target `" + in.name + "`", partial: in.partial}, "", in.at); ok {
				d.target, d.plugin = &schema.Value{Type: schema.OneOf, Text: in.comp.Name, Args: args}, in.from
			}
		}
		d.state = done
	}
	return d.target
}
