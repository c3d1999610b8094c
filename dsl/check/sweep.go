package check

import (
	"fmt"
	"slices"
	"strconv"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// MaxSweep is the largest number of runs in a sweep.
const MaxSweep = 1000

// Sweep returns the values, as a spec writes them, that a change of a file goes through: the ints of `LO..HI` where an int is
// wanted, the items of a list where none is, or where it is a list of lists. Of what stands for one value it returns nil.
// The options say what is changed before; text is what the change was parsed from.
func Sweep(f *dsl.File, o Options, x dsl.Change, text string) (values []string, found diag.List) {
	if len(x.Path) == 0 {
		return nil, nil
	}
	c := newChecker(f, o)
	c.declare(f)
	c.change(o) // what is found is found again when the spec is checked
	t, ok := c.takes(x.Path)
	if !ok {
		return nil, nil // judged when the change is made
	}
	at := x.Value.Span()
	tooMany := func(n string) ([]string, diag.List) {
		return nil, diag.List{{Code: diag.TooMuchWork, Range: at, Help: "choose fewer values", Summary: fmt.Sprintf("a sweep is of %d runs at most, and this asks for %s", MaxSweep, n)}}
	}
	switch e := x.Value.(type) {
	case *dsl.List:
		lists := !slices.ContainsFunc(e.Items, func(e dsl.Expr) bool { _, is := e.(*dsl.List); return !is })
		if t.Type == schema.List && !lists || len(e.Items) == 0 {
			return nil, nil
		}
		if len(e.Items) > MaxSweep {
			return tooMany(strconv.Itoa(len(e.Items)))
		}
		for _, item := range e.Items {
			value := text[item.Span().Start.Offset:item.Span().End.Offset]
			if slices.Contains(values, value) {
				return nil, diag.List{{Code: diag.BadChange, Range: item.Span(), Help: "leave it out", Summary: fmt.Sprintf("the sweep has the value `%s` twice", value)}}
			}
			values = append(values, value)
		}
	case *dsl.Binary:
		lo, isLow := literalInt(e.Left)
		hi, isHigh := literalInt(e.Right)
		if e.Op != ".." || t.Type != schema.Int || !isLow || !isHigh || lo > hi {
			return nil, nil
		}
		if n := uint64(hi) - uint64(lo); n >= MaxSweep {
			return tooMany("more")
		}
		for i := lo; ; i++ {
			if values = append(values, strconv.FormatInt(i, 10)); i == hi {
				break
			}
		}
	}
	return values, nil
}

// literalInt returns the int that is written as such.
func literalInt(e dsl.Expr) (int64, bool) {
	switch e := e.(type) {
	case *dsl.Number:
		return e.Int, e.IsInt && e.Unit == ""
	case *dsl.Unary:
		v, ok := literalInt(e.Of)
		if e.Op == "-" {
			v = -v
		}
		return v, ok && e.Op != "not"
	}
	return 0, false
}

// takes returns what type of value stands where a path leads; false where that is not known.
func (c *checker) takes(path []dsl.PathStep) (schema.Param, bool) {
	d, actions, n := c.reached(path)
	var t schema.Param
	var value dsl.Expr
	switch {
	case d != nil:
		value = d.value
		t = schema.Param{Type: schema.ARole}
		if p, ok := d.item.(*dsl.Param); ok {
			if t, ok = c.paramType(p.Type); !ok {
				return t, false
			}
		} else if len(path) > n {
			if ref := reference(value); ref != nil {
				t = schema.Param{Type: schema.OneOf, Choices: []schema.Choice{{Name: ref.Name.Text, Params: c.formals(d.kind, ref.Name.Text, d.name.Text, 0)}}}
			}
		}
	case len(actions) > 0:
		name := path[n-1].Name.Text
		s := c.settings(actions[0].Kind, c.modelType(actions[0].Model.Text))
		i := slices.IndexFunc(s, func(p schema.Param) bool { return p.Name == name })
		if i < 0 {
			return t, false
		}
		t = s[i]
		for _, x := range actions[0].settings {
			if x.Name.Text == name {
				value = x.Value
			}
		}
	default:
		return t, false
	}
	for i := n - 1; ; i++ {
		if path[i].Index >= 0 {
			if t.Type != schema.List {
				return t, false
			}
			t = schema.Param{Type: t.Of, Choices: t.Choices}
			list, ok := value.(*dsl.List)
			if value = nil; ok && path[i].Index < len(list.Items) {
				value = list.Items[path[i].Index]
			}
		}
		if i == len(path)-1 {
			return t, true
		}
		if value == nil {
			return t, false
		}
		ref := reference(value)
		if ref == nil {
			return t, false
		}
		name := path[i+1].Name.Text
		value = nil
		for _, a := range ref.Args {
			if a.Name.Text == name {
				value = a.Value
			}
		}
		if ref.Name.Text == "each" && len(actions) > 0 {
			continue // each role has the type of the setting
		}
		if d := c.defs[ref.Name.Text]; d != nil && len(t.Choices) == 0 { // a definition with other arguments, as `replace` takes it
			t.Choices = []schema.Choice{{Name: ref.Name.Text, Params: c.formals(d.kind, ref.Name.Text, "", 0)}}
		}
		k := slices.IndexFunc(t.Choices, func(x schema.Choice) bool { return x.Name == ref.Name.Text })
		if k < 0 {
			return t, false
		}
		j := slices.IndexFunc(t.Choices[k].Params, func(p schema.Param) bool { return p.Name == name })
		if j < 0 {
			return t, false
		}
		t = t.Choices[k].Params[j]
	}
}

// modelType returns the component that a model is of, as far as settings depend on it; nil where it is not known.
func (c *checker) modelType(name string) *Model {
	d := c.defs[name]
	if d == nil || d.kind != "model" {
		return nil
	}
	ref := reference(d.value)
	if ref == nil {
		return nil
	}
	for i := range c.cat.Components {
		if x := &c.cat.Components[i]; x.Kind == schema.Model && x.Name == ref.Name.Text {
			return &Model{Component: x}
		}
	}
	return nil
}

// formals returns the parameters of what a name stands for in a definition of a kind.
func (c *checker) formals(kind, name, own string, depth int) []schema.Param {
	if d := c.defs[name]; d != nil && d.kind == kind && name != own && depth < maxDepth {
		switch x := d.item.(type) {
		case *dsl.Neuron:
			return typed(x.Params)
		case *dsl.Coder:
			return typed(x.Params)
		}
		if ref := reference(d.value); ref != nil {
			return c.formals(kind, ref.Name.Text, name, depth+1)
		}
		return nil
	}
	for _, x := range c.cat.Data {
		if kind == "data" && x.Name == name {
			return x.Params
		}
	}
	offered := c.cat.Components
	if d := c.defs[name]; d != nil && d.kind == "use" {
		offered = d.plugin.Components
		if have := d.offered(kind); len(have) == 1 {
			name = have[0].Name
		}
	}
	for _, x := range offered {
		if string(x.Kind) != kind || x.Name != name {
			continue
		}
		out := slices.Clone(x.Params)
		for _, r := range x.Roles {
			out = append(out, schema.Param{Name: r.Name, Type: schema.ARole})
		}
		item, _ := dsl.ParseEquations(name, x.Equations)
		switch item := item.(type) {
		case *dsl.Neuron:
			out = append(out, typed(item.Params)...)
		case *dsl.Coder:
			out = append(out, typed(item.Params)...)
		}
		return out
	}
	return nil
}

// typed returns the parameters of equations, and those that neurons have besides.
func typed(params []dsl.Parameter) []schema.Param {
	var out []schema.Param
	for _, p := range params {
		t := schema.Real
		if p.Type != nil {
			t = schema.Type(p.Type.Name.Text)
		}
		out = append(out, schema.Param{Name: p.Name.Text, Type: t})
	}
	for _, name := range []string{"surrogate", "integrate", "detach_reset"} {
		out = append(out, schema.Param{Name: name, Type: schema.OneOf})
	}
	return out
}
