package experiment

import (
	"context"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/record"
)

// checked asks a target that emulates nothing how the networks lie on its chip, as far as it takes them.
func (r *runner) checked(ctx context.Context, j *job, path, name string, target schema.Value, out *record.Deployment) error {
	var networks []place.Network
	applied := j.model.Generates()
	for _, n := range j.model.Request().Networks {
		if n.Kind == "coder" || n.Kind == "model" && !applied[n.Role] || !j.chosen(n.Role) { // a coder works outside of the chip
			continue
		}
		m, err := graph.Parse(n.Graph)
		if err != nil {
			return fmt.Errorf("read network %s: %w", n.Role, err)
		}
		networks = append(networks, place.Network{Name: n.Role, Module: m})
	}
	p, err := place.Networks(ctx, func(ctx context.Context, circuits []schema.Circuit) (schema.TargetReply, error) {
		return r.x.host.Check(ctx, j.Plugins[path], schema.TargetRequest{Component: target.Text, Arguments: target.Args, Circuits: circuits})
	}, networks)
	if err != nil {
		return err
	}
	reply := p.Reply
	if len(reply.Complaints) > 0 {
		return r.complained(j, path, target.Text, reply.Complaints)
	}
	for i, n := range networks {
		for _, l := range p.Cut[i].Host {
			reply.Layers = append(reply.Layers, schema.Placement{Network: n.Name, Layer: l.Name, Host: true})
		}
		if len(p.Cut[i].Circuits) == 0 {
			reply.Fits = false
			reply.Layers = append(reply.Layers, schema.Placement{Network: n.Name, Host: true, Problem: "no layer of it is for this chip"})
		}
	}
	for _, x := range p.Refused {
		reply.Notes = append(reply.Notes, fmt.Sprintf("%s of %s runs on the host: %s", x.Population, x.Network, x.Reason))
	}
	out.Inference = "nothing: the target only tells whether networks fit"
	for _, l := range reply.Layers {
		if l.Layer == "" {
			continue
		}
		where := record.OnChip
		if l.Host {
			where = record.OnHost
		}
		out.Layers = append(out.Layers, record.DeployedLayer{Network: l.Network, Layer: l.Layer, Where: where, Used: l.Used})
	}
	r.verdict(j, out.Written, reply, out)
	return nil
}

// verdict writes whether circuits or networks fit, and says so.
func (r *runner) verdict(j *job, name string, reply schema.TargetReply, out *record.Deployment) {
	out.Fits, out.Used, out.Notes = reply.Fits, reply.Used, append(out.Notes, reply.Notes...)
	out.Problems = slices.DeleteFunc(slices.Clone(reply.Layers), func(l schema.Placement) bool { return l.Problem == "" })
	r.placed(j.name, name, reply)
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
