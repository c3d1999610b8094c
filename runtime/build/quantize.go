package build

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/quantize"
)

// quantizeSetting names the target whose rounding of weights a training has.
const quantizeSetting = "quantize"

// rounding returns what rounds the networks that a model's samplers and exports apply, as the target of a train action does; nil where the
// action names none.
func rounding(ctx context.Context, h *host.Host, a *check.Action) func(b *Built) diag.List {
	target, ok := a.Settings[quantizeSetting]
	if !ok || target.Text == "" {
		return nil
	}
	at := a.Places[quantizeSetting]
	return func(b *Built) diag.List {
		applied := b.Generates()
		var networks []place.Network
		for _, r := range b.model.Roles {
			if r.Network != nil && applied[r.Path] {
				networks = append(networks, place.Network{Name: r.Path, Module: b.Modules[r.Path]})
			}
		}
		p, err := place.Networks(ctx, Checker(h, a.Plugins[quantizeSetting], target), networks, nil)
		if err != nil {
			return diag.List{PluginFailed(err, at)}
		}
		if found := Complained(a, quantizeSetting, target.Text, p.Reply.Complaints); found.HasErrors() {
			return found
		}
		if len(p.Circuits) == 0 {
			d := diag.Diagnostic{Code: diag.NothingOnChip, Range: at, Summary: fmt.Sprintf("nothing of model `%s` lies on target `%s`, so there is nothing to round", b.model.Name, target.Text), Help: "leave `quantize` out, or give the model layers of spiking neurons that take spikes"}
			for _, r := range p.Refused[:min(len(p.Refused), 5)] {
				d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("layer %s of role `%s`: %s", r.Population, r.Network, r.Reason)})
			}
			return diag.List{d}
		}
		modules := maps.Clone(b.Modules)
		any := false
		for i, n := range networks {
			rules := rules(p.Cut[i], p.Reply.Grids)
			any = any || len(rules) > 0
			rounded, err := quantize.Weights(n.Module, func(variable string) quantize.Rule { return rules[variable] })
			if err != nil {
				return diag.List{b.nonsense(at, err)}
			}
			modules[n.Name] = rounded
		}
		if !any {
			return diag.List{{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf("target `%s` does not say how it rounds weights", target.Text), Help: "leave `quantize` out, or choose other arguments of the target"}}
		}
		b.Modules = modules
		return nil
	}
}

// Checker asks a target, a value of a setting of an action, whether circuits fit.
func Checker(h *host.Host, plugin string, target schema.Value) place.Check {
	return func(ctx context.Context, circuits []schema.Circuit) (schema.TargetReply, error) {
		return h.Check(ctx, plugin, schema.TargetRequest{Component: target.Text, Arguments: target.Args, Circuits: circuits})
	}
}

// Complained makes findings of what a target that stands at a path of an action says of its arguments, each at its place in the spec.
func Complained(a *check.Action, path, target string, complaints []schema.Complaint) (found diag.List) {
	for _, c := range complaints {
		at, notes := Attributed(c.Path, func(argument string) (diag.Range, bool) { r, ok := a.Places[path+"."+argument]; return r, ok }, a.Places[path])
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: at, Summary: c.Summary, Help: c.Help, Notes: append(notes, diag.Note{Message: fmt.Sprintf("so says target `%s`", target)})})
	}
	return found
}

// gridOf is how the weights of a layer are rounded; nil where they are not.
func gridOf(grids []schema.Grid, layer string) *schema.Grid {
	i := slices.IndexFunc(grids, func(g schema.Grid) bool { return g.Layer == layer })
	if i < 0 {
		i = slices.IndexFunc(grids, func(g schema.Grid) bool { return g.Layer == "" })
	}
	if i < 0 {
		return nil
	}
	return &grids[i]
}

// rules say how variables of a network are rounded whose products lie on the chip. One whose products are in several layers is rounded as
// that of the first of them which has a grid.
func rules(r *cut.Result, grids []schema.Grid) map[string]quantize.Rule {
	out := map[string]quantize.Rule{}
	for _, c := range r.Circuits {
		for _, q := range c.Populations {
			grid := gridOf(grids, q.Name)
			if grid == nil {
				continue
			}
			for _, w := range r.Weights[q.Name] {
				rule, known := out[w.Variable]
				if !known {
					rule.Grid = grid
				}
				for _, other := range r.Weights[q.Name] {
					if !slices.Contains(rule.With, other.Variable) {
						rule.With = append(rule.With, other.Variable)
					}
				}
				out[w.Variable] = rule
			}
		}
	}
	return out
}

// link parses and links a Program with the networks, as they are or rounded.
func (b *Built) link(text string) (found diag.List, err error) {
	if b.Program, err = program.Parse(text); err != nil {
		return nil, err
	}
	if b.round != nil {
		if found = b.round(b); found.HasErrors() {
			return found, nil
		}
	}
	if b.Linker, err = program.NewLinker(b.Program, b.Modules); err != nil {
		return nil, err
	}
	return nil, b.Linker.LinkAll()
}
