package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// modelOf returns the model of a definition; nil where something was found.
func (c *checker) modelOf(d *def) *Model {
	if m, seen := c.models[d]; seen {
		if m == nil && d.state == busy {
			c.fail(diag.Recursive, d.name.Range, "", "model `%s` is made of itself", d.name.Text)
		}
		return m
	}
	c.models[d], d.state = nil, busy
	m := c.model(d)
	c.models[d], d.state = m, done
	return m
}

func (c *checker) model(d *def) *Model {
	d.state = unseen // instance has its own mark
	in := c.instance("model", d.value, &scope{own: d.name.Text})
	d.state = busy
	if in == nil {
		return nil
	}
	m := &Model{Name: d.name.Text, Component: in.comp, Plugin: in.pluginName(), Definition: d.item.(*dsl.Definition), Places: map[string]diag.Range{}}
	o := &owner{what: "model `" + in.name + "`", model: m, places: m.Places, partial: in.partial}
	ok := !in.partial
	var missing []string
	for i := range in.comp.Roles {
		r := &in.comp.Roles[i]
		g, is := in.args[r.Name]
		if !is {
			if !r.Optional {
				missing = append(missing, r.Name)
			}
			continue
		}
		m.Places[r.Name] = g.at
		_, fine := c.roleArgument(r, g, o, r.Name)
		ok = ok && fine
	}
	if len(missing) > 0 && !in.partial {
		c.fail(diag.BadArguments, in.at, fmt.Sprintf("add `%s = NAME`", missing[0]), "%s needs %s", o.what, quoted(missing))
		ok = false
	}
	args, fine := c.fill(in.comp.Params, in.args, o, "", in.at)
	if !ok || !fine {
		return nil
	}
	m.Args = args
	for i := range m.Roles {
		ok = c.roleSteps(m, &m.Roles[i]) && ok
	}
	ok = ok && c.sharing(m)
	if !ok {
		return nil
	}
	return m
}

// roleArgument fills a role with what an argument names.
func (c *checker) roleArgument(r *schema.Role, g given, o *owner, path string) (schema.Value, bool) {
	out := schema.Value{Type: schema.ARole}
	if r == nil || o.model == nil {
		c.fail(diag.PluginText, g.at, "tell the plugin's author", "%s takes a role where there can be none", o.what)
		return out, false
	}
	ref := reference(g.value)
	if ref == nil || ref.Called && r.Takes != "coder" {
		c.fail(diag.BadType, g.value.Span(), "write its name", "`%s` is a %s of this file", r.Name, r.Takes)
		return out, false
	}
	out.Text = ref.Name.Text
	role := Role{Path: path}
	d := c.defs[ref.Name.Text]
	if r.Takes == "coder" {
		if d != nil && d.kind == "coder" && !ref.Called {
			role.Coder = c.coderOf(d)
		}
		if role.Coder != nil {
		} else if in := c.instance("coder", ref, g.s); in != nil {
			role.Coder = c.coder(ref.Name.Text, in)
		}
		o.model.Roles = append(o.model.Roles, role)
		return out, role.Coder != nil
	}
	if d == nil || d.kind != r.Takes {
		c.unknown(ref.Name, r.Takes, c.known(r.Takes))
		return out, false
	}
	switch r.Takes {
	case "network":
		role.Network = c.network(d)
	case "model":
		role.Model = c.modelOf(d)
	}
	o.model.Roles = append(o.model.Roles, role)
	return out, role.Network != nil || role.Model != nil
}

// role returns the schema of a filled role.
func (m *Model) role(path string) *schema.Role {
	for i := range m.Component.Roles {
		if m.Component.Roles[i].Name == path {
			return &m.Component.Roles[i]
		}
	}
	params := m.Component.Params
	args := m.Args
	for _, name := range strings.Split(path, ".") {
		i := slices.IndexFunc(params, func(p schema.Param) bool { return p.Name == name })
		if i < 0 {
			return nil
		}
		p := params[i]
		if p.Type == schema.ARole {
			return p.Role
		}
		v := args[name]
		args = v.Args
		j := slices.IndexFunc(p.Choices, func(x schema.Choice) bool { return x.Name == v.Text })
		if j < 0 {
			return nil
		}
		params = p.Choices[j].Params
	}
	return nil
}

// filled returns the role of a path; nil where it is not filled.
func (m *Model) filled(path string) *Role {
	for i := range m.Roles {
		if m.Roles[i].Path == path {
			return &m.Roles[i]
		}
	}
	return nil
}

// roleSteps finds out at how many time steps a role runs.
func (c *checker) roleSteps(m *Model, r *Role) bool {
	switch {
	case r.Coder != nil:
		r.Steps = r.Coder.Steps
		return true
	case r.Network == nil:
		return true
	}
	n := r.Network
	decl := m.role(r.Path)
	at := m.Places[r.Path]
	from, seen := (*Role)(nil), (*Data)(nil)
	if decl != nil && decl.Steps != "" && decl.Steps != r.Path {
		from = m.filled(decl.Steps)
	}
	steps := 0
	if from != nil {
		if from.Coder != nil {
			steps = from.Coder.Steps
		} else if from.Network != nil {
			steps = from.Network.Steps
		}
	}
	if decl == nil || decl.Steps == "" {
		if seen = c.trainedOn(m); seen != nil && steps == 0 {
			steps = seen.Steps
		}
	}
	defined := diag.Note{Message: fmt.Sprintf("network `%s` is defined here", n.Name), Range: n.Range}
	if !n.FreeSteps {
		r.Steps = n.Steps
		outside := n.Result.Timed() || slices.ContainsFunc(n.Params, func(p Port) bool { return p.Wire.Timed() })
		if outside && from != nil && steps > 0 && steps != n.Steps {
			c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: at, Notes: []diag.Note{defined}, Help: "let both encode with one number of steps",
				Summary: fmt.Sprintf("network `%s` has %d time steps, and `%s` of the model has %d", n.Name, n.Steps, decl.Steps, steps)})
			return false
		}
		if takes := slices.ContainsFunc(n.Params, func(p Port) bool { return p.Wire.Timed() }); takes && seen != nil && steps > 0 && steps != n.Steps {
			c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: at, Notes: []diag.Note{defined}, Help: "let both have one number of steps",
				Summary: fmt.Sprintf("network `%s` has %d time steps, and the examples of `%s` have %d", n.Name, n.Steps, seen.Name, steps)})
			return false
		}
		return true
	}
	r.Steps = steps
	if steps == 0 && c.unread["train "+m.Name] && (decl == nil || decl.Steps == "") {
		return false // the data that it would be trained on may have some
	}
	if steps == 0 {
		d := diag.Diagnostic{Code: diag.StepsDisagree, Range: at, Notes: []diag.Note{defined}, Summary: fmt.Sprintf("nothing fixes the number of time steps of network `%s`", n.Name), Help: "let it `encode` its input"}
		if from != nil {
			d.Help = fmt.Sprintf("let `%s`, whose time steps it has, `encode` its input", decl.Steps)
			if from.Network != nil {
				d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("network `%s` has no time steps", from.Network.Name), Range: from.Network.Range})
			}
		}
		c.report(d)
		return false
	}
	before := len(c.found)
	for _, g := range n.graphs {
		c.graph(g, steps, diag.Note{Message: fmt.Sprintf("as `%s` of model `%s`", r.Path, m.Name), Range: at})
	}
	for _, l := range n.Layers {
		if l.Kind == "decode" && n.Layers[l.In[0]].Wire.Steps == 0 && l.Coder.Component == nil && usesSteps(l.Coder.Definition.Decode.Body) {
			c.steps(l.Coder, steps, l.Origin[0], []diag.Note{{Message: fmt.Sprintf("as `%s` of model `%s`", r.Path, m.Name), Range: at}})
		}
	}
	return len(c.found) == before
}

// trainedOn returns the data set that the model's `train` names; nil where there is none, or something is found there, which is
// reported with the settings of the action.
func (c *checker) trainedOn(m *Model) *Data {
	for _, a := range c.acting["train "+m.Name] {
		for _, s := range a.settings {
			if ref := reference(s.Value); s.Name.Text == "data" && ref != nil && !ref.Called {
				if d := c.defs[ref.Name.Text]; d != nil && d.kind == "data" {
					return c.dataOf(d)
				}
			}
		}
	}
	return nil
}
