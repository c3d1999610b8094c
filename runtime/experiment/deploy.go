package experiment

import (
	"context"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/record"
)

// deploy does a deploy action: it asks each target how the networks lie on the chip, and keeps the answers.
func (r *runner) deploy(ctx context.Context, j *job) error {
	var networks []schema.Network
	only := j.Settings["network"].Items // the roles of the network that is named
	applied := j.model.Generates()
	for _, n := range j.model.Request().Networks {
		if n.Kind == "coder" || n.Kind == "model" && !applied[n.Role] {
			continue // a coder works outside of the chip, and so does what only trains
		}
		if len(only) == 0 || slices.ContainsFunc(only, func(v schema.Value) bool { return v.Text == n.Role }) {
			networks = append(networks, n)
		}
	}
	targets := targetNames(j)
	replies := map[string]schema.TargetReply{}
	for i, target := range j.Settings["targets"].Items {
		path := fmt.Sprintf("targets[%d]", i)
		reply, err := r.x.host.Check(ctx, j.Plugins[path], schema.TargetRequest{Component: target.Text, Arguments: target.Args, Networks: networks})
		if err != nil {
			return err
		}
		if len(reply.Complaints) > 0 {
			return r.complained(j, path, target.Text, reply.Complaints)
		}
		replies[targets[i]] = reply
		r.placed(j.name, targets[i], reply)
	}
	return r.folder.SetDeploy(r.called(j), replies)
}

// targetNames names the targets of a deploy action: by their components, and by their places too where one is there twice.
func targetNames(j *job) []string {
	var names []string
	items := j.Settings["targets"].Items
	for i, t := range items {
		name := t.Text
		for k := range items {
			if k != i && items[k].Text == name {
				name = fmt.Sprintf("%s[%d]", t.Text, i)
				break
			}
		}
		names = append(names, name)
	}
	return names
}

// complained makes findings of what a target says of its arguments, each at its place in the spec.
func (r *runner) complained(j *job, path, target string, complaints []schema.Complaint) error {
	var found diag.List
	for _, c := range complaints {
		place, notes := build.Attributed(c.Path, func(at string) (diag.Range, bool) { r, ok := j.Places[path+"."+at]; return r, ok }, j.Places[path])
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: place, Summary: c.Summary, Help: c.Help, Notes: append(notes, diag.Note{Message: fmt.Sprintf("so says target `%s`", target)})})
	}
	return &Refused{found}
}

// placed says how networks lie on a chip. A layer that is used several times, as in a coder's turns, is told of once.
func (r *runner) placed(action, target string, reply schema.TargetReply) {
	if reply.Fits {
		r.o.Watch.Say(action, fmt.Sprintf("fits %s: %s", target, record.Amounts(reply.Used)))
	} else {
		r.o.Watch.Say(action, fmt.Sprintf("does not fit %s", target))
	}
	for _, l := range reply.Layers {
		if l.Problem == "" {
			continue
		}
		line := "    " + l.Network
		if l.Layer != "" {
			line += ", layer " + l.Layer
		}
		line += ": " + l.Problem
		if l.Change != "" {
			line += "; " + l.Change
		}
		r.o.Watch.Say(action, line)
	}
	times := map[string]int{}
	for _, note := range reply.Notes {
		times[note]++
	}
	for _, note := range reply.Notes {
		switch n := times[note]; {
		case n == 1:
			r.o.Watch.Say(action, "    "+note)
		case n > 1:
			r.o.Watch.Say(action, fmt.Sprintf("    %s (%d times)", note, n))
		}
		delete(times, note)
	}
}
