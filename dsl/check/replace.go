package check

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// standIn is a neuron or coder of the file with other arguments, which stands in for its definition.
type standIn struct {
	name, kind string
	args       map[string]given
	values     schema.Arguments // what these are, for people
	at         diag.Range
	used       bool
}

// replaceSetting reads neurons and coders with other arguments: each stands in for the definition of its name, and whatever is
// derived from that. It makes the action's variant of the model.
func (c *checker) replaceSetting(p *schema.Param, g given, x *Action) (schema.Value, bool) {
	out := schema.Value{Type: schema.List}
	items, ok := c.literal(p, g)
	list := map[string]*standIn{}
	for i, e := range items {
		x.Places[fmt.Sprintf("replace[%d]", i)] = e.Span()
		s := c.standInOf(given{e, g.s, e.Span()})
		if s == nil {
			ok = false
			continue
		}
		if other := list[s.name]; other != nil {
			c.report(diag.Diagnostic{Code: diag.BadAction, Range: s.at, Summary: fmt.Sprintf("`%s` is replaced twice", s.name), Help: "put all arguments into one of the two; for a sweep over both, write `--set` with a list of lists, `[[...], [...]]`",
				Notes: []diag.Note{{Message: "the first time", Range: other.at}}})
			ok = false
			continue
		}
		list[s.name] = s
		out.Items = append(out.Items, schema.Value{Type: schema.ARole, Text: s.name, Args: s.values})
	}
	if ok && len(list) > 0 && x.Model != nil {
		x.Variant = c.variant(x.Model, list, g.at)
		ok = x.Variant != nil
	}
	return out, ok
}

// standInOf reads one item of `replace`; it returns nil where something was found.
func (c *checker) standInOf(g given) *standIn {
	ref := reference(g.value)
	if ref == nil || !ref.Called || len(ref.Args) == 0 {
		c.fail(diag.BadType, g.at, "write a neuron or coder of this file with other arguments, such as `fire(threshold = 0.997)`", "`replace` is a list of definitions with other arguments")
		return nil
	}
	d := c.defs[ref.Name.Text]
	if d == nil && c.builtin(ref.Name.Text) != "" {
		c.fail(diag.BadAction, ref.Name.Range, "replace what this file defines, such as `neuron fire = ...` by `fire(...)`", "`%s` is built in, and `replace` changes definitions of this file", ref.Name.Text)
		return nil
	}
	if d == nil || d.kind != "neuron" && d.kind != "coder" {
		c.unknown(ref.Name, "neuron or coder", c.known("neuron", "coder"))
		return nil
	}
	in := c.instance(d.kind, ref, g.s)
	if in == nil {
		return nil
	}
	s := &standIn{name: d.name.Text, kind: d.kind, at: g.at}
	trainable := map[string]string{}
	s.args, _ = c.bind("", in.formals, in.named, ref.Args, g.s) // instance has found nothing about them
	if d.kind == "neuron" {
		n := c.neuron(s.name, in)
		if n == nil {
			return nil
		}
		trainable = n.Trainable
		if n.Opaque != nil {
			s.values = s.written(nil, nil, n.Opaque.Args)
		} else {
			s.values = s.written(in.neuron.Params, n.Params, schema.Arguments{
				"integrate":    {Type: schema.OneOf, Text: n.Integrate},
				"detach_reset": {Type: schema.OneOf, Text: strconv.FormatBool(n.DetachReset)},
				"surrogate":    {Type: schema.OneOf, Text: n.Surrogate.Kind},
			})
		}
	} else {
		k := c.coder(s.name, in)
		if k == nil {
			return nil
		}
		trainable = k.Trainable
		var formals []dsl.Parameter
		if k.Definition != nil {
			formals = k.Definition.Params
		}
		s.values = s.written(formals, k.Params, k.Args)
	}
	for _, name := range slices.Sorted(maps.Keys(s.args)) {
		switch {
		case trainable[name] != "":
			c.fail(diag.BadAction, s.args[name].at, "leave it out: what the training has made of it stays", "`%s` of %s `%s` is trained", name, d.kind, s.name)
			return nil
		case d.kind == "neuron" && slices.Contains(in.inputs(), name):
			c.fail(diag.BadAction, s.args[name].at, "leave it out", "`%s` of neuron `%s` is an input, and `replace` changes parameters", name, s.name)
			return nil
		}
	}
	return s
}

// written are the values of the arguments of a stand-in, times in steps: those of the formal parameters of its definition, and others.
func (s *standIn) written(formals []dsl.Parameter, values map[string]float64, others schema.Arguments) schema.Arguments {
	out := schema.Arguments{}
	for name := range s.args {
		if v, is := others[name]; is {
			out[name] = v
		}
	}
	for _, p := range formals {
		if _, is := s.args[p.Name.Text]; !is {
			continue
		}
		v := schema.Value{Type: schema.Real, Number: values[p.Name.Text]}
		if p.Type != nil && schema.Type(p.Type.Name.Text) == schema.Time {
			v.Type, v.Unit = schema.Time, "steps"
		}
		out[p.Name.Text] = v
	}
	return out
}

// variant checks a model once more, with stand-ins in the place of definitions; nil where something was found. Models that it is
// made of stay as they are.
func (c *checker) variant(m *Model, list map[string]*standIn, at diag.Range) *Model {
	if c.variants++; c.variants > maxVariants {
		if c.variants == maxVariants+1 {
			c.fail(diag.TooMuchWork, at, "draw from the finished run: `snnc sample RUN --replace ...`", "more than %d actions have a `replace`", maxVariants)
		}
		return nil
	}
	v := *c
	v.found, v.at, v.standIns = nil, map[diag.Range]bool{}, list
	v.asides = []diag.Note{{Message: "with what `replace` puts in", Range: at}}
	v.defs, v.models = map[string]*def{}, map[*def]*Model{}
	v.order = make([]*def, len(c.order))
	for i, d := range c.order {
		e := &def{name: d.name, kind: d.kind, item: d.item, value: d.value, plugin: d.plugin}
		if d.kind == "param" {
			e.param, e.state = d.param, d.state
		}
		if d.kind == "model" && d.name.Text != m.Name {
			v.models[e] = c.models[d]
		}
		v.defs[e.name.Text], v.order[i] = e, e
	}
	var out *Model
	if v.spend(len(c.order), at) {
		out = v.modelOf(v.defs[m.Name])
	}
	c.used, c.work = v.used, v.work
	for _, d := range v.found {
		c.found.Add(d)
		c.at[d.Range] = true
	}
	if out == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if s := list[name]; !s.used {
			help := "leave it out"
			if names := c.replaceable(m); len(names) > 0 {
				help = "it uses " + quoted(names)
			}
			c.fail(diag.BadAction, s.at, help, "model `%s` does not use %s `%s`", m.Name, s.kind, name)
			out = nil
		}
	}
	return out
}

// replaceable lists the definitions of neurons and coders that a model uses.
func (c *checker) replaceable(m *Model) []string {
	names := map[string]bool{}
	add := func(name string) {
		if d := c.defs[name]; d != nil && (d.kind == "neuron" || d.kind == "coder") {
			names[name] = true
		}
	}
	for _, r := range m.Roles {
		if r.Coder != nil {
			add(r.Coder.Name)
		}
		if r.Network == nil {
			continue
		}
		for _, l := range r.Network.Layers {
			if l.Neuron != nil {
				add(l.Neuron.Name)
			}
			if l.Coder != nil {
				add(l.Coder.Name)
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// standing puts the arguments of a stand-in over those of the definition.
func (c *checker) standing(d *def, in *instance) *instance {
	s := c.standIns[d.name.Text]
	if s == nil || in == nil {
		return in
	}
	s.used = true
	maps.Copy(in.args, s.args)
	return in
}
