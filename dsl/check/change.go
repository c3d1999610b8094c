package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// change applies the preset and --set. The paths of all presets are judged, used or not, by what the file says.
func (c *checker) change(o Options) {
	var names []string
	for _, p := range c.named {
		names = append(names, p.Name.Text)
		for _, x := range p.Changes {
			c.apply(x, false)
		}
	}
	if p := c.presets[o.Preset]; p != nil {
		for _, x := range p.Changes {
			c.apply(x, true)
		}
	} else if o.Preset != "" && !c.broken[o.Preset] && !c.blind {
		help := "the spec has no presets"
		if near := diag.Nearest(o.Preset, names); near != "" {
			help = fmt.Sprintf("did you mean `%s`?", near)
		} else if len(names) > 0 {
			help = "the presets are " + quoted(names)
		}
		c.fail(diag.UnknownName, diag.Range{}, help, "unknown preset `%s`", o.Preset)
	}
	for _, x := range o.Sets {
		c.apply(x, true)
	}
}

// apply judges a change and, where it is wanted, makes it.
func (c *checker) apply(x dsl.Change, want bool) {
	if len(x.Path) == 0 {
		return
	}
	d, actions, n := c.reached(x.Path)
	way, rest := x.Path[:n], x.Path[n:]
	if d != nil {
		if v := c.replaced(d.value, way, rest, x.Value); v != nil && want {
			d.value = v
		}
		return
	}
	name := x.Path[max(n-1, 0)].Name
	other := map[string]string{"epochs": "iterations", "iterations": "epochs"}[name.Text]
	for _, a := range actions {
		i := slices.IndexFunc(a.settings, func(s dsl.Setting) bool { return s.Name.Text == name.Text })
		var old dsl.Expr
		if i >= 0 {
			old = a.settings[i].Value
		}
		v := c.replaced(old, way, rest, x.Value)
		if v == nil || !want {
			continue
		}
		a.settings = slices.DeleteFunc(slices.Clone(a.settings), func(s dsl.Setting) bool {
			return s.Name.Text == name.Text || s.Name.Text == other && a.Kind == "train"
		})
		a.settings = append(a.settings, dsl.Setting{Name: name, Value: v})
	}
}

// reached returns what a path leads to, and how many of its steps name that: a definition with a right side, or a setting of
// actions. The steps behind them are arguments. Neither where something was found.
func (c *checker) reached(path []dsl.PathStep) (*def, []*action, int) {
	head := path[0]
	kinds := []string{"train", "sample", "evaluate", "deploy"}
	if slices.Contains(kinds, head.Name.Text) && len(path) > 2 && head.Index < 0 {
		return nil, c.acted(head.Name.Text, path), 3
	}
	d := c.defs[head.Name.Text]
	at := head.Name.Range.Join(path[len(path)-1].Name.Range)
	if d == nil && c.silent(at) {
		return nil, nil, 0
	}
	if meant := c.meant(path, kinds); meant != "" {
		c.fail(diag.BadChange, at, fmt.Sprintf("write `%s`", meant), "this path leads nowhere")
		return nil, nil, 0
	}
	if slices.Contains(kinds, head.Name.Text) && d == nil || d == nil && len(path) > 1 && !c.broken[head.Name.Text] && !c.blind && diag.Nearest(head.Name.Text, c.all()) == "" {
		help := "write `NAME = value` for a definition, `NAME.ARGUMENT = value` for an argument of it, `train.MODEL.SETTING = value` for a setting, `sample.MODEL[1].SETTING = value` for one of several actions"
		if near := diag.Nearest(head.Name.Text, kinds); near != "" && near != head.Name.Text {
			help, at = fmt.Sprintf("did you mean `%s`?", near), head.Name.Range
		} else if d == nil && !slices.Contains(kinds, head.Name.Text) && len(c.changeable()) > 0 {
			help += "; the definitions with arguments are " + quoted(c.changeable())
		}
		c.fail(diag.BadChange, at, help, "this path leads nowhere")
		return nil, nil, 0
	}
	if d == nil {
		if !c.silent(head.Name.Range) {
			c.unknown(head.Name, "definition", c.all())
		}
		return nil, nil, 0
	}
	switch d.item.(type) {
	case *dsl.Param, *dsl.Definition:
		return d, nil, 1
	}
	help := "give it parameters, or use a `param` in its body, and change that"
	switch d.kind {
	case "use":
		help = "change the line itself"
	case "neuron", "coder":
		help = fmt.Sprintf("define another by it, `%s NAME = %s(...)`, and change that one's arguments, or let `param` values stand in its body; `replace` in `sample` and `evaluate` changes its parameters", d.kind, d.name.Text)
	}
	c.report(diag.Diagnostic{Code: diag.BadChange, Range: head.Name.Range, Summary: fmt.Sprintf("%s `%s` has no right side to replace", kindName(d.kind), d.name.Text),
		Help: help, Notes: []diag.Note{{Message: "it is defined here", Range: d.name.Range}}})
	return nil, nil, 0
}

// meant returns the path KIND.MODEL.SETTING that a path is meant as which leaves the model out, the kind and the model, or turns
// the two around; "" for others.
func (c *checker) meant(path []dsl.PathStep, kinds []string) string {
	name := func(i int) string { return path[i].Name.Text }
	kind, setting := "", name(len(path)-1)
	switch d := c.defs[name(0)]; {
	case len(path) == 1 && d == nil && !c.broken[name(0)]:
	case len(path) == 2 && d == nil && slices.Contains(kinds, name(0)):
		kind = name(0)
	case len(path) == 3 && d != nil && d.kind == "model" && slices.Contains(kinds, name(1)):
		return name(1) + "." + name(0) + "." + name(2)
	default:
		return ""
	}
	for _, a := range c.acts {
		if (kind == "" || a.Kind == kind) && slices.ContainsFunc(c.settings(a.Kind, nil), func(p schema.Param) bool { return p.Name == setting }) {
			return a.Kind + "." + a.Model.Text + "." + setting
		}
	}
	return ""
}

// changeable lists the names of definitions that a path may lead into, in file order: 16 at most.
func (c *checker) changeable() (out []string) {
	for _, d := range c.order {
		if _, is := d.item.(*dsl.Definition); is && len(out) < 16 {
			out = append(out, d.name.Text)
		}
	}
	return out
}

// all lists the names of all definitions, in file order.
func (c *checker) all() []string {
	var out []string
	for _, d := range c.order {
		out = append(out, d.name.Text)
	}
	return out
}

// acted returns the actions that a path KIND.MODEL.SETTING leads to; none where something was found.
func (c *checker) acted(kind string, path []dsl.PathStep) []*action {
	model, setting := path[1], path[2]
	at := path[0].Name.Range.Join(setting.Name.Range)
	id := kind + " " + model.Name.Text
	found := c.acting[id]
	if c.unread[id] { // which number an action has is not known
		return nil
	}
	if len(found) == 0 {
		if len(c.imported[at.File]) > 0 || c.silent(at) || c.blind || c.broken[model.Name.Text] || len(c.broken) > 0 && c.defs[model.Name.Text] == nil {
			return nil // the first: an action of the imported file, which is not imported
		}
		var models []string
		for _, a := range c.acts {
			if a.Kind == kind && !slices.Contains(models, a.Model.Text) && len(models) < 16 {
				models = append(models, a.Model.Text)
			}
		}
		help := fmt.Sprintf("the file has no `%s`", kind)
		if near := diag.Nearest(model.Name.Text, models); near != "" {
			help, at = fmt.Sprintf("did you mean `%s.%s`?", kind, near), path[0].Name.Range.Join(model.Name.Range)
		} else if len(models) > 0 {
			help = fmt.Sprintf("the file has `%s` for %s", kind, quoted(models))
		}
		c.fail(diag.BadChange, at, help, "there is no `%s %s`", kind, model.Name.Text)
		return nil
	}
	if model.Index >= len(found) {
		c.fail(diag.BadChange, at, fmt.Sprintf("they count from 0: write `%s.%s[%d].%s`", kind, model.Name.Text, len(found)-1, setting.Name.Text), "there is no `%s %s` number %d", kind, model.Name.Text, model.Index)
		return nil
	}
	if model.Index >= 0 {
		found = found[model.Index : model.Index+1]
	}
	if s := c.settings(kind, nil); len(s) > 0 && !slices.ContainsFunc(s, func(p schema.Param) bool { return p.Name == setting.Name.Text }) {
		c.unknownSetting(kind, setting.Name, nil, found[0], s)
		return nil
	}
	return found
}

// replaced returns old with what the rest of a path leads to, arguments and items of lists, replaced by a value; way are the
// steps that lead to old, which is nil where the file gives none. The result is nil where something was found.
func (c *checker) replaced(old dsl.Expr, way, rest []dsl.PathStep, by dsl.Expr) dsl.Expr {
	for {
		p, ok := old.(*dsl.Paren)
		if !ok {
			break
		}
		old = p.Of
	}
	last := way[len(way)-1]
	if last.Index >= 0 {
		whole := append(slices.Clone(way[:len(way)-1]), dsl.PathStep{Name: last.Name, Index: -1})
		list, ok := old.(*dsl.List)
		if !ok || last.Index >= len(list.Items) {
			summary, help := fmt.Sprintf("`%s` is no list", dsl.PathText(whole)), fmt.Sprintf("write `%s = ...`", dsl.PathText(whole))
			if ok {
				summary = fmt.Sprintf("`%s` has no item %d", dsl.PathText(whole), last.Index)
				help = fmt.Sprintf("it has %d, and they count from 0", len(list.Items))
			}
			c.fail(diag.BadChange, last.Name.Range, help, "%s", summary)
			return nil
		}
		v := c.replaced(list.Items[last.Index], whole, rest, by)
		if v == nil {
			return nil
		}
		out := *list
		out.Items = slices.Clone(list.Items)
		out.Items[last.Index] = v
		return &out
	}
	if len(rest) == 0 {
		return by
	}
	ref, ok := old.(*dsl.Ref)
	if !ok {
		path := dsl.PathText(way)
		summary := "`%s` is nothing with arguments, so there is no `%s` in it"
		if old == nil {
			summary = "`%s` is not given by name in the file, so there is no `%s` in it"
		}
		c.fail(diag.BadChange, rest[0].Name.Range, fmt.Sprintf("write `%s = NAME(%s = ...)`, or `%s = value`", path, rest[0].Name.Text, path), summary, path, rest[0].Name.Text)
		return nil
	}
	var given dsl.Expr
	for _, a := range ref.Args {
		if a.Name.Text == rest[0].Name.Text {
			given = a.Value
		}
	}
	v := c.replaced(given, append(slices.Clone(way), rest[0]), rest[1:], by)
	if v == nil {
		return nil
	}
	out := *ref
	out.Called = true
	out.Args = append(slices.Clone(ref.Args), dsl.Arg{Name: rest[0].Name, Value: v, Range: rest[0].Name.Range.Join(by.Span()), Replaces: true})
	return &out
}
