package reference

import (
	"reflect"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// Parts returns what a name stands for inside of entries: an argument, a role, a sampler, an export, or one of the values that an
// argument chooses among. What several entries of a kind have alike is one, Of all of them: "schedule of optimizer adam, sgd".
func Parts(entries []Entry, name string) []Entry {
	var out []Entry
	var owners [][]string
	add := func(part Entry, of string, e Entry) {
		part.Name, part.Of, part.Plugin = name, of+e.Kind, e.Plugin
		i := slices.IndexFunc(out, func(x Entry) bool {
			return x.Kind == part.Kind && x.Of == part.Of && x.Plugin == part.Plugin && x.Doc == part.Doc &&
				reflect.DeepEqual(x.Params, part.Params) && reflect.DeepEqual(x.Roles, part.Roles)
		})
		if i < 0 {
			i = len(out)
			out, owners = append(out, part), append(owners, nil)
		}
		owners[i] = append(owners[i], e.Name)
	}
	var walk func(list []schema.Param, of string, e Entry)
	values := func(list []schema.Choice, of string, e Entry) {
		for _, c := range list {
			if c.Name == name {
				add(Entry{Kind: "value", Doc: c.Doc, Params: c.Params, Later: c.Later}, of, e)
			}
			walk(c.Params, c.Name+" of "+of, e)
		}
	}
	walk = func(list []schema.Param, of string, e Entry) {
		for _, p := range list {
			if p.Name == name && e.Kind != "setting" { // which have entries of their own
				add(Entry{Kind: "argument", Form: name, Params: []schema.Param{p}}, of, e)
			}
			values(p.Choices, p.Name+" of "+of, e)
		}
	}
	for _, e := range entries {
		if e.Kind == "statement" || e.Kind == "setting" && slices.Contains([]string{"optimizer", "metrics"}, e.Name) {
			continue // what stands in them has entries of its own
		}
		for _, r := range e.Roles {
			if r.Name == name {
				add(Entry{Kind: "role", Form: name, Roles: []schema.Role{r}}, "", e)
			}
		}
		walk(e.Params, "", e)
		values(e.Samplers, "sampler of ", e)
		if slices.Contains(e.Exports, name) {
			add(Entry{Kind: "export", Doc: "What a trained model offers metrics and other models."}, "", e)
		}
	}
	for i := range out {
		out[i].Of += " " + strings.Join(owners[i], ", ")
	}
	return out
}
