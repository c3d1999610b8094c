package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// action is an action with its settings after presets and --set.
type action struct {
	*dsl.Action
	settings []dsl.Setting
}

// settings returns the settings of a kind of action; the samplers are those of the model, where it is known.
func (c *checker) settings(kind string, m *Model) []schema.Param {
	out := slices.Clone(c.cat.Settings[kind])
	i := slices.IndexFunc(out, func(p schema.Param) bool { return p.Name == "sampler" })
	if i < 0 && (kind == "sample" || kind == "evaluate") && len(out) > 0 {
		out = append(out, schema.Param{Name: "sampler"})
		i = len(out) - 1
	}
	if i >= 0 && m != nil {
		out[i].Type, out[i].Choices = schema.OneOf, m.Component.Samplers
		switch open := len(m.Component.Samplers) > 0 && slices.ContainsFunc(m.Component.Samplers[0].Params, func(p schema.Param) bool { return p.Required }); {
		case open:
			out[i].Required = kind == "sample"
		case kind != "deploy" && out[i].Default == "" && len(m.Component.Samplers) > 0: // what is deployed is drawn as elsewhere in the file
			out[i].Default = m.Component.Samplers[0].Name
		}
	}
	return out
}

// unknownSetting reports a setting that a kind of action does not have; value is nil in a path of a preset or --set.
func (c *checker) unknownSetting(kind string, name dsl.Name, value dsl.Expr, a *action, list []schema.Param) {
	var known []string
	for _, p := range list {
		known = append(known, p.Name)
	}
	help := "the settings are " + quoted(known)
	if meant := foreign.Argument(name.Text, known); meant != "" {
		help = meant
	} else if meant := c.elsewhere(name.Text, value, a, list); meant != "" {
		help = meant
	} else if near := diag.Nearest(name.Text, known); near != "" {
		help = fmt.Sprintf("did you mean `%s`?", near)
	}
	c.fail(diag.UnknownName, name.Range, help, "`%s` has no setting `%s`", kind, name.Text)
}

// actions checks the actions in file order.
func (c *checker) actions() {
	trained := map[*def]*Action{} // nil where the train has a finding
	started := map[*def]diag.Range{}
	numbers := map[string]int{}
	for _, a := range c.acts {
		d := c.defs[a.Model.Text]
		if (d == nil || d.kind != "model") && c.silent(a.Model.Range) {
			continue
		}
		if d == nil || d.kind != "model" {
			c.unknown(a.Model, "model", c.known("model"))
			continue
		}
		first, begun := started[d]
		switch {
		case a.Kind != "train" && !begun && c.unread["train "+a.Model.Text]: // its `train` has its findings
		case a.Kind == "train" && begun:
			c.report(diag.Diagnostic{Code: diag.BadAction, Range: a.Model.Range, Summary: fmt.Sprintf("model `%s` is trained twice", d.name.Text), Help: "delete one of the two",
				Notes: []diag.Note{{Message: "the first `train`", Range: first}}})
			continue
		case a.Kind == "train":
			started[d] = a.Model.Range
		case !begun && len(c.acting["train "+a.Model.Text]) > 0:
			c.fail(diag.BadAction, a.Model.Range, fmt.Sprintf("put it behind `train %s`", d.name.Text), "`%s %s` stands in front of its `train`", a.Kind, d.name.Text)
			continue
		case !begun:
			if c.blind {
				continue
			}
			c.fail(diag.BadAction, a.Model.Range, fmt.Sprintf("write `train %s { ... }` in front", d.name.Text), "model `%s` is never trained", d.name.Text)
			continue
		}
		m := c.models[d]
		x := &Action{Kind: a.Kind, Model: m, Range: a.Range, Places: map[string]diag.Range{}, Number: numbers[a.Kind+" "+d.name.Text]}
		numbers[a.Kind+" "+d.name.Text]++
		if m != nil && a.Kind == "train" {
			for _, r := range m.Roles {
				if r.Model == nil {
					continue
				}
				if _, before := started[c.defs[r.Model.Name]]; !before && !c.unread["train "+r.Model.Name] {
					c.fail(diag.BadAction, a.Model.Range, fmt.Sprintf("put `train %s { ... }` in front", r.Model.Name), "model `%s` is made of `%s`, which is not trained before it", d.name.Text, r.Model.Name)
					m = nil
				}
			}
		}
		if m != nil && a.Kind == "sample" && len(m.Component.Samplers) == 0 {
			c.fail(diag.BadAction, a.Model.Range, "use `evaluate`", "model `%s`, a `%s`, draws no samples", d.name.Text, m.Component.Name)
			m = nil
		}
		if !c.set(a, x, m) {
			continue
		}
		if a.Kind == "train" {
			trained[d] = x
		} else if t := trained[d]; t != nil && x.Data == nil {
			x.Data = t.Data
		}
		if m != nil {
			c.spec.Actions = append(c.spec.Actions, x)
		}
	}
}

// set judges the settings of an action; m is nil where the model is not known.
func (c *checker) set(a *action, x *Action, m *Model) bool {
	list := c.settings(a.Kind, m)
	x.Settings = schema.Arguments{}
	args := map[string]given{}
	ok := true
	for _, s := range a.settings {
		i := slices.IndexFunc(list, func(p schema.Param) bool { return p.Name == s.Name.Text })
		if i < 0 {
			c.unknownSetting(a.Kind, s.Name, s.Value, a, list)
			ok = false
			continue
		}
		if _, twice := args[s.Name.Text]; twice {
			c.fail(diag.DuplicateName, s.Name.Range, "delete one of the two", "setting `%s` is given twice", s.Name.Text)
			ok = false
			continue
		}
		args[s.Name.Text] = given{s.Value, &scope{}, s.Value.Span()}
	}
	var missing, lines []string
	if a.Kind == "train" {
		_, epochs := args["epochs"]
		if g, both := args["iterations"]; both && epochs {
			c.fail(diag.BadAction, g.at, "delete one of the two", "`epochs` and `iterations` exclude each other")
			ok = false
		} else if !both && !epochs {
			missing, lines = append(missing, "`epochs` or `iterations`"), append(lines, "epochs = 10")
		}
		if _, is := args["data"]; !is {
			missing, lines = append(missing, "`data`"), append(lines, "data = "+cmp.Or(strings.Join(c.known("data")[:min(1, len(c.known("data")))], ""), "NAME"))
		}
	}
	for i := range list {
		if _, is := args[list[i].Name]; !is && list[i].Required {
			missing, lines = append(missing, "`"+list[i].Name+"`"), append(lines, example(&list[i]))
		}
		list[i].Required = false
	}
	if len(missing) > 0 && ok {
		c.fail(diag.BadAction, a.Model.Range, fmt.Sprintf("add `%s` to its braces", strings.Join(lines, ", ")), "`%s %s` needs %s", a.Kind, a.Model.Text, strings.Join(missing, ", "))
	}
	ok = ok && len(missing) == 0
	var rest []schema.Param
	for _, p := range list {
		g, is := args[p.Name]
		special := c.special(p.Name)
		if (special == nil || m == nil && p.Name == "network") && (p.Name != "sampler" || m != nil) {
			if ref := referenceOf(g); is && p.Type == schema.OneOf && ref != nil && ref.Called && ref.Name.Text == "each" {
				x.Places[p.Name] = g.at
				v, fine := c.each(&p, ref, x, m)
				x.Settings[p.Name], ok = v, ok && fine
				continue
			}
			if special == nil {
				rest = append(rest, p)
			}
			continue
		}
		if !is || special == nil {
			continue
		}
		x.Places[p.Name] = g.at
		v, fine := special(&p, g, x)
		x.Settings[p.Name], ok = v, ok && fine
	}
	settings, fine := c.fill(rest, args, &owner{what: "`" + a.Kind + "`", places: x.Places}, "", a.Model.Range)
	for name, v := range settings {
		x.Settings[name] = v
	}
	return ok && fine
}

func referenceOf(g given) *dsl.Ref {
	if g.value == nil {
		return nil
	}
	return reference(g.value)
}

// special returns how a setting is judged that names things of the file.
func (c *checker) special(name string) func(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	switch name {
	case "data":
		return c.dataSetting
	case "replace":
		return c.replaceSetting
	case "targets":
		return c.targetsSetting
	case "quantize":
		return c.quantizeSetting
	case "network":
		return c.networkSetting
	case "new":
		return c.newSetting
	}
	return nil
}

func (c *checker) dataSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	v := schema.Value{Type: schema.ARole}
	ref := reference(g.value)
	if ref == nil || ref.Called {
		c.fail(diag.BadType, g.at, "write `data NAME = ...` above, and its name here", "`data` is a data set of this file")
		return v, false
	}
	d := c.defs[ref.Name.Text]
	if d == nil || d.kind != "data" {
		if d == nil && slices.ContainsFunc(c.cat.Data, func(x schema.Choice) bool { return x.Name == ref.Name.Text }) {
			c.fail(diag.UnknownName, g.at, fmt.Sprintf("write `data images = %s` above, and `data = images` here", ref.Name.Text), "`%s` is a built-in data set, and `data` takes one that this file defines", ref.Name.Text)
			return v, false
		}
		c.unknown(ref.Name, "data set", c.known("data"))
		return v, false
	}
	v.Text = ref.Name.Text
	x.Data = c.dataOf(d)
	return v, x.Data != nil
}

func (c *checker) targetsSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	out := schema.Value{Type: schema.List}
	items, ok := c.literal(p, g)
	for i, e := range items {
		path := fmt.Sprintf("targets[%d]", i)
		x.Places[path] = e.Span()
		v, fine := c.target(p, e, g.s, path, "`targets` is a list of targets", x)
		if ok = ok && fine; v != nil {
			out.Items = append(out.Items, *v)
		}
	}
	return out, ok
}

// quantizeSetting reads the target whose rounding a training has.
func (c *checker) quantizeSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	v, ok := c.target(p, g.value, g.s, p.Name, "`quantize` is a target", x)
	if v == nil {
		return schema.Value{Type: schema.OneOf}, false
	}
	return *v, ok
}

// target reads a target at a path of a setting: a component of that kind, a definition, or a choice. It is nil where there is none; what
// is the words for what is no name.
func (c *checker) target(p *schema.Param, e dsl.Expr, s *scope, path, what string, x *Action) (*schema.Value, bool) {
	ref := reference(e)
	if ref == nil {
		c.fail(diag.BadType, e.Span(), "write its name", "%s", what)
		return nil, false
	}
	d := c.defs[ref.Name.Text]
	if d != nil && d.kind == "target" && len(ref.Args) == 0 {
		v := c.targetOf(d)
		if v != nil {
			x.from(path, d.plugin)
		}
		return v, v != nil
	}
	j := slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
	if (d == nil || d.kind != "target" && d.kind != "use") && j >= 0 && !c.plugged(schema.Target, ref.Name.Text) {
		args, fine := c.chosen(&p.Choices[j], ref, s, &owner{places: x.Places}, path)
		return &schema.Value{Type: schema.OneOf, Text: ref.Name.Text, Args: args}, fine
	}
	in := c.instance("target", ref, s)
	if in == nil {
		return nil, false
	}
	args, fine := c.fill(in.comp.Params, in.args, &owner{what: "target `" + in.name + "`", places: x.Places, partial: in.partial}, path, in.at)
	x.from(path, in.from)
	return &schema.Value{Type: schema.OneOf, Text: in.comp.Name, Args: args}, fine
}

// from notes that what stands at a path is a used plugin's.
func (x *Action) from(path string, p *schema.Plugin) {
	if p == nil {
		return
	}
	if x.Plugins == nil {
		x.Plugins = map[string]string{}
	}
	x.Plugins[path] = p.Name
}

// newSetting reads names of weights that a training begins without. Whether weights are called so is seen when the model is built.
func (c *checker) newSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	out := schema.Value{Type: schema.List}
	items, ok := c.literal(p, g)
	for i, e := range items {
		x.Places[fmt.Sprintf("new[%d]", i)] = e.Span()
		ref := reference(e)
		if ref == nil || ref.Called {
			c.fail(diag.BadType, e.Span(), "write a neuron, coder, layer, network or role by its name: `new = [NAME]`", "`new` is a list of names in those of weights")
			ok = false
			continue
		}
		out.Items = append(out.Items, schema.Value{Type: schema.ARole, Text: ref.Name.Text})
	}
	return out, ok
}

// networkSetting reads the name of a network of the model. What it comes to are the roles that the network fills, by attribute
// path: the name of the definition is the spec's own business.
func (c *checker) networkSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	v := schema.Value{Type: schema.List}
	ref := reference(g.value)
	if ref == nil || ref.Called {
		c.fail(diag.BadType, g.at, "write its name", "`network` is a network of the model")
		return v, false
	}
	if x.Model == nil {
		return v, true
	}
	var known []string
	for _, r := range x.Model.Roles {
		if r.Network == nil {
			continue
		}
		if r.Network.Name == ref.Name.Text {
			v.Items = append(v.Items, schema.Value{Type: schema.ARole, Text: r.Path})
		}
		if !slices.Contains(known, r.Network.Name) {
			known = append(known, r.Network.Name)
		}
	}
	if len(v.Items) > 0 {
		return v, true
	}
	if d := c.defs[ref.Name.Text]; d != nil && d.kind == "network" {
		c.fail(diag.BadAction, g.at, "its networks are "+quoted(known), "network `%s` is no part of model `%s`", ref.Name.Text, x.Model.Name)
	} else {
		c.unknown(ref.Name, "network", known)
	}
	return v, false
}

// each reads a setting that differs per role: `each(generator = sgd(rate = 0.02), discriminator = sgd(rate = 0.005))`. Roles
// inside choices go by the last part of their path.
func (c *checker) each(p *schema.Param, ref *dsl.Ref, x *Action, m *Model) (schema.Value, bool) {
	out := schema.Value{Type: schema.OneOf, Text: "each", Args: schema.Arguments{}}
	paths := map[string]string{}
	var names []string
	if m != nil {
		for _, r := range m.Roles {
			if r.Network != nil {
				name := r.Path[strings.LastIndexByte(r.Path, '.')+1:]
				names, paths[name] = append(names, name), r.Path
			}
		}
	} else {
		for _, a := range ref.Args {
			if a.Name.Text != "" {
				names, paths[a.Name.Text] = append(names, a.Name.Text), a.Name.Text
			}
		}
	}
	args, ok := c.bind("`each`", nil, names, ref.Args, &scope{})
	var missing []string
	for _, name := range names {
		g, is := args[name]
		if !is {
			missing = append(missing, name)
			continue
		}
		v, fine := c.argument(p, g, &owner{what: "`each`", places: x.Places}, p.Name+"."+paths[name])
		out.Args[paths[name]], ok = v, ok && fine
	}
	if len(missing) > 0 && ok {
		c.fail(diag.BadArguments, ref.Range, fmt.Sprintf("add `%s = ...`", missing[0]), "`each` needs %s", quoted(missing))
		ok = false
	}
	return out, ok
}
