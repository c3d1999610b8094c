package experiment

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
)

// notes say of the models of the spec what a reader of the run folder wants to compare. Actions have the names that their files
// have there.
func (r *runner) notes() (record.Models, error) {
	out := record.Models{Program: r.o.Version, Models: []record.ModelNote{}}
	for _, t := range r.all {
		if t.Kind != "train" {
			continue
		}
		n := record.ModelNote{Name: t.model.Name, Kind: t.model.Component.Name, Training: r.called(t), Data: written(t.Data), Seed: seed(t),
			Examples: t.Settings.Int("batch") * max(1, t.Settings.Int("accumulate")), Roles: []record.RoleNote{}, Draws: []record.DrawNote{}}
		n.Parameters, n.Frozen = t.model.Size()
		if set := r.trainSet(t); set != nil { // of what is not run nothing has been read
			if seen := set.Seen(); !slices.Equal(seen, data.Labels(t.Data.Set, t.Data.Args)) {
				n.Seen = seen
			}
		}
		for _, role := range t.model.Roles {
			if role.Network != nil {
				n.Roles = append(n.Roles, record.RoleNote{Role: role.Path, Network: role.Network.Name, Steps: max(role.Steps, role.Network.Steps)})
			}
		}
		for _, j := range r.all {
			if j.model != t.model || j.use == nil {
				continue
			}
			d, err := r.draws(j)
			if err != nil {
				return out, fmt.Errorf("%s: %w", j.name, err)
			}
			n.Draws = append(n.Draws, d)
		}
		out.Models = append(out.Models, n)
	}
	return out, nil
}

// draws says what one sample takes as an action draws it.
func (r *runner) draws(j *job) (d record.DrawNote, err error) {
	d.Action = r.called(j)
	if v, ok := j.Settings["replace"]; ok && len(v.Items) > 0 {
		d.Replace = render(v)
	}
	if j.Kind == "evaluate" {
		d.Data = written(j.Data)
	}
	s := j.use.sampler
	if s == nil {
		return d, nil
	}
	d.Sampler = render(j.Settings["sampler"])
	if v, ok := j.Settings[labelsSetting]; ok && len(v.Items) > 0 {
		d.Labels = render(v)
	}
	p, linker := j.use.drawn.Program, j.use.drawn.Linker
	d.Evaluations = map[string]int{}
	for _, run := range []struct {
		name  string
		times int
	}{{s.Init, 1}, {s.Loop, s.Turns}, {s.Result, 1}} {
		if run.name == "" {
			continue
		}
		for role, n := range applications(p, run.name) {
			d.Evaluations[role] += run.times * n
		}
		g, err := linker.Function(run.name)
		if err != nil {
			return d, err
		}
		for _, n := range g.Nodes {
			d.Operations += run.times * n.MultiplyAccumulates(1)
		}
	}
	return d, nil
}

// applications counts how often a function of a Program applies each role.
func applications(p *program.Program, function string) map[string]int {
	out := map[string]int{}
	for _, n := range p.Function(function).Nodes {
		switch n.Op {
		case graph.OpApply:
			out[n.Text("role")]++
		case graph.OpCall, graph.OpCustom:
			for role, m := range applications(p, n.Text("function")) {
				out[role] += m
			}
		}
	}
	return out
}

// written is a data set as a spec writes it, with all its arguments.
func written(d *check.Data) string {
	return render(schema.Value{Type: schema.OneOf, Text: d.Set, Args: d.Args})
}
