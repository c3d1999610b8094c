package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/train"
)

// use is a model as a sample or evaluate action uses it.
type use struct {
	*build.Built                  // the model, or what it is with what `replace` puts in
	trained      *build.Built     // the model
	drawn        *build.Built     // whose sampler draws: the model, or what the plugin made of the sampler's options
	sampler      *program.Sampler // nil where nothing is drawn
}

// prepare finds out how actions use their models: it builds those in which an action replaces definitions, and asks plugins for
// samplers with options.
func (x *Experiment) prepare(ctx context.Context) (found diag.List) {
	x.uses = map[*check.Action]*use{}
	x.complete()
	samplers := map[string]*build.Built{} // by model and options: actions that draw alike ask once
	for _, a := range x.Spec.Actions {
		i := slices.IndexFunc(x.Models, func(m *build.Model) bool { return m.Model == a.Model })
		if i < 0 || a.Kind == "train" {
			continue
		}
		m := x.Models[i]
		u := &use{Built: m.Built, trained: m.Built}
		if a.Variant != nil {
			own, bad := m.Variant(ctx, x.host, a)
			if found = append(found, bad...); bad.HasErrors() {
				continue
			}
			u.Built = own
		}
		u.drawn = u.Built
		x.uses[a] = u
		if !draws(a) {
			continue
		}
		v := a.Settings["sampler"]
		if optional(m.Component, v.Text) {
			key := fmt.Sprintf("%p %s", u.Built, render(v))
			own, asked := samplers[key]
			if !asked {
				var bad diag.List
				own, bad = u.Built.WithSampler(ctx, x.host, a)
				found, samplers[key] = append(found, bad...), own
			}
			if own == nil {
				continue
			}
			u.drawn = own
		}
		u.sampler = u.drawn.Program.Sampler(v.Text)
	}
	return found
}

// draws reports whether an action draws samples.
func draws(a *check.Action) bool {
	if _, ok := a.Settings["sampler"]; !ok {
		return false
	}
	return a.Kind == "sample" || a.Kind == "deploy" || slices.ContainsFunc(a.Settings["metrics"].Items, func(v schema.Value) bool { return measures()[v.Text].samples })
}

// optional reports whether a sampler of a model has options.
func optional(c *schema.Component, sampler string) bool {
	i := slices.IndexFunc(c.Samplers, func(s schema.Choice) bool { return s.Name == sampler })
	return i >= 0 && len(c.Samplers[i].Params) > 0
}

// parts are what an action computes beyond its settings and the training that it reads.
func (u *use) parts() map[string]string {
	out := map[string]string{}
	if u.Built != u.trained {
		out["replaced program"] = digest(unbound(u.Program))
		for role, m := range u.OwnNetworks() {
			out["replaced network of "+role] = digest(structure(m))
		}
	}
	if u.drawn != u.Built {
		out["sampler's program"] = digest(u.drawn.Program.Print())
	}
	return out
}

// texts are the Programs that an action has of its own, by file, for the run folder.
func (u *use) texts(action string) map[string]string {
	out := map[string]string{}
	if u.Built != u.trained {
		out[fileName(action)+".replaced.txt"] = u.Program.Print()
		for role, m := range u.Modules {
			out[fileName(action)+".replaced."+role+".txt"] = m.Print()
		}
	}
	if u.drawn != u.Built {
		out[fileName(action)+".sampler.txt"] = u.drawn.Program.Print()
	}
	return out
}

// fileName names the files of an action.
func fileName(action string) string { return strings.ReplaceAll(action, " ", "-") }

// as returns a trained model as an action applies it, and as it draws from it.
func (u *use) as(m *train.Model) (whole, drawn *train.Model, err error) {
	whole = m
	if u.Built != u.trained {
		if whole, err = m.As(u.Program, u.Modules); err != nil {
			return nil, nil, err
		}
	}
	if u.drawn == u.Built {
		return whole, whole, nil
	}
	drawn, err = m.As(u.drawn.Program, u.drawn.Modules)
	return whole, drawn, err
}
