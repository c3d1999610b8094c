package reference

import (
	"cmp"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// Entry is one name that a spec may write.
type Entry struct {
	Kind      string // statement, layer, neuron ...: one of Kinds
	Name      string
	Of        string // of a setting, the action; of a word of equations or networks, ""
	Plugin    string // of a component that is no built-in, NAME VERSION of its plugin
	Doc       string // Markdown; the first sentence stands alone
	Form      string // how it is written; "" where Params say it
	Params    []schema.Param
	Roles     []schema.Role
	Samplers  []schema.Choice
	Exports   []string
	Equations string
	Aliases   []string // what other libraries call a component
	Later     bool     // known and checked, but nothing in this version can run it
}

// Kinds are the kinds of entries in the order of the reference, with their headings.
func Kinds() []struct{ Kind, Heading, Intro string } {
	return []struct{ Kind, Heading, Intro string }{
		{"statement", "Statements", "What stands at the top of a file. Settings of actions are [below](#settings)."},
		{"word", "Words of networks", "What stands in the body of a network or block besides layers, neurons and blocks."},
		{"wire", "Wires", "What flows through networks, as types of their parameters and results."},
		{"layer", "Layers", "What a wire flows through: `x -> conv(16, kernel = 3)`. Arguments may be given by position in the order shown. Dims are those of one example, channels first; a layer does the same at every time step."},
		{"neuron", "Neurons", "Each takes `integrate`, one of the [integrators](#integrators), `surrogate`, one of the [surrogates](#surrogates), and `detach_reset`, which keeps the gradient out of the reset, besides its own arguments. What a neuron does in one step is its equations."},
		{"integrator", "Integrators", "What `integrate =` of a neuron takes: how neighbouring equations v' = f advance over one step."},
		{"surrogate", "Surrogates", "What `surrogate =` of a neuron takes, besides an expression of `u`: the derivative that stands in for that of the spike, as a function of u = left side - right side of its condition."},
		{"equation", "Lines of equations", "What the body of a neuron, or of `encode` and `decode` in a coder, is made of."},
		{"coder", "Coders", "How values become signals over time, in `encode(...)`, and back, in `decode(...)`."},
		{"model", "Models", "What networks make up together."},
		{"type", "Types", "What a `param`, and an argument of a block, neuron or coder, may be; `[TYPE]` is a list."},
		{"unit", "Units", "What stands behind a number, on its line."},
		{"data", "Data sets", "Images with labels, and random numbers. `snnc data list` says which are on this machine."},
		{"optimizer", "Optimisers", "What moves the parameters: `optimizer = adam(rate = 1e-3)` in `train`."},
		{"metric", "Metrics", "What `metrics = [...]` of `evaluate` takes."},
		{"target", "Targets", "Chips, for `targets = [...]` of `deploy`."},
		{"setting", "Settings", "What stands in the braces of an action."},
	}
}

// Entries lists all that a spec may name, by kind in the order of Kinds; within a kind built-ins in the order of their plugin.
func Entries(cat *check.Catalogue) []Entry {
	out := statements()
	out = append(out, words()...)
	out = append(out, equations()...)
	out = append(out, wires()...)
	out = append(out, valueTypes()...)
	out = append(out, units()...)
	choices := func(kind string, list []schema.Choice) {
		for _, c := range list {
			out = append(out, Entry{Kind: kind, Name: c.Name, Doc: c.Doc, Params: c.Params, Later: c.Later})
		}
	}
	choices("layer", check.Layers())
	choices("integrator", check.Integrators())
	choices("surrogate", check.Surrogates())
	choices("data", cat.Data)
	for _, action := range []string{"train", "sample", "evaluate", "deploy"} {
		i := slices.IndexFunc(out, func(e Entry) bool { return e.Kind == "statement" && e.Name == action })
		out[i].Params = cat.Settings[action]
		for _, p := range cat.Settings[action] {
			out = append(out, Entry{Kind: "setting", Name: p.Name, Of: action, Doc: p.Doc, Params: []schema.Param{p}})
			switch {
			case action == "train" && p.Name == "optimizer":
				choices("optimizer", p.Choices)
			case action == "evaluate" && p.Name == "metrics":
				choices("metric", p.Choices)
			}
		}
	}
	out = append(out, componentEntries(cat.Components, "")...)
	for _, p := range cat.Used {
		out = append(out, componentEntries(p.Components, p.Name+" "+p.Version)...)
	}
	rank := map[string]int{}
	for i, k := range Kinds() {
		rank[k.Kind] = i
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), strings.Compare(a.Plugin, b.Plugin))
	})
	return out
}

// componentEntries are those of a plugin's components.
func componentEntries(list []schema.Component, plugin string) (out []Entry) {
	for _, x := range list {
		out = append(out, Entry{Kind: string(x.Kind), Name: x.Name, Plugin: plugin, Doc: x.Doc, Params: x.Params, Roles: x.Roles,
			Samplers: x.Samplers, Exports: x.Exports, Equations: strings.TrimSpace(x.Equations), Aliases: x.Aliases, Later: x.Later})
	}
	return out
}

// OfKind returns the kind whose heading a name is, such as "layer" of "layers"; "" where it is none. What has an entry, such as
// the statement neuron, is no heading; `integrate` is that of what it takes.
func OfKind(name string) string {
	if name == "integrate" {
		return "integrator"
	}
	for _, k := range Kinds() {
		if strings.EqualFold(name, k.Heading) || strings.EqualFold(name, k.Kind+"s") {
			return k.Kind
		}
	}
	return ""
}

// Find returns the entries of a name, or of a setting as ACTION.NAME; where there is none, those that differ by the case of
// letters alone, else what other libraries call so, else none and the name that may have been meant, or "".
func Find(entries []Entry, name string) (found []Entry, near string) {
	var known []string
	for _, e := range entries {
		known = append(known, e.Name)
	}
	for _, is := range []func(e Entry) bool{
		func(e Entry) bool { return e.Name == name || e.Of != "" && e.Of+"."+e.Name == name },
		func(e Entry) bool { return strings.EqualFold(e.Name, name) },
		func(e Entry) bool {
			return slices.ContainsFunc(e.Aliases, func(a string) bool { return strings.EqualFold(a, name) })
		},
	} {
		for _, e := range entries {
			if is(e) {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			return found, ""
		}
	}
	return nil, diag.Nearest(name, known)
}

// Signature is how the entry is written with all its arguments, such as `conv(c, kernel, stride = 1)`.
func (e Entry) Signature() string {
	if e.Form != "" {
		return e.Form
	}
	if e.Kind == "setting" {
		return strings.TrimSuffix(call(e.Name, e.Params[:1], nil)[len(e.Name)+1:], ")")
	}
	if e.Equations != "" {
		head, _, _ := strings.Cut(e.Equations, "{")
		_, head, _ = strings.Cut(strings.TrimSpace(head), " ")
		return head
	}
	return call(e.Name, e.Params, e.Roles)
}

// call writes a name with its arguments.
func call(name string, params []schema.Param, roles []schema.Role) string {
	var args []string
	for _, r := range roles {
		if !r.Optional {
			args = append(args, r.Name)
		}
	}
	for _, p := range params {
		if p.Default == "" {
			args = append(args, p.Name)
		} else {
			args = append(args, p.Name+" = "+p.Default)
		}
	}
	if len(args) == 0 {
		return name
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}
