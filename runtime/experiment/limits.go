package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/record"
)

// answer is what a target of a deploy action says of the networks.
type answer struct {
	path   string         // of the target in the action: "targets[1]"
	target string         // its component
	placed *deploy.Placed // nil where it has given no answer
	// found are errors where the target does not take the networks: a limit that they break, or nothing of them that is for the chip; and
	// warnings of layers that a limit leaves to the host.
	found   diag.List
	assumed bool // what does not fit hangs on figures that are assumed
}

// verdict are the findings of an action by the answers of its targets: what a target does not take is an error where no target takes the
// networks, and a warning where others do.
func verdict(answers []answer) diag.List {
	taken := slices.ContainsFunc(answers, func(a answer) bool { return !a.found.HasErrors() || a.assumed })
	var found diag.List
	for _, a := range answers {
		for _, d := range a.found {
			if taken && isLimit(d) {
				d.Severity = diag.Warning
			}
			found.Add(d)
		}
	}
	return joined(found)
}

// isLimit reports whether a finding is of what a target takes, and not of its arguments or its plugin.
func isLimit(d diag.Diagnostic) bool {
	return d.Code == diag.BeyondLimit || d.Code == diag.NothingOnChip
}

// joined makes one finding of those of one code at one place, of which one alone would be shown: several targets may have limits for a
// layer, and a block has a layer as often as it is used.
func joined(found diag.List) (out diag.List) {
	const most = 4
	var more []int // further ones of each
	for _, d := range found {
		i := slices.IndexFunc(out, func(o diag.Diagnostic) bool { return o.Code == d.Code && o.Range == d.Range })
		if i < 0 || !isLimit(d) {
			d.Notes = slices.Clone(d.Notes)
			out, more = append(out, d), append(more, 0)
			continue
		}
		o := &out[i]
		o.Severity = min(o.Severity, d.Severity) // an error is the least
		if more[i]++; more[i] > most {
			continue
		}
		also := diag.Note{Message: "also, " + d.Summary}
		if d.Help != "" {
			also.Message += "; " + d.Help
		}
		for _, n := range d.Notes {
			if also.Range.IsZero() {
				also.Range = n.Range // of its use, or its target
			}
		}
		o.Notes = append(o.Notes, also)
	}
	for i, n := range more {
		if n > most {
			out[i].Notes = append(out[i].Notes, diag.Note{Message: fmt.Sprintf("and %d more limits at this place", n-most)})
		}
	}
	return out
}

// Targets asks the targets of deploy actions whether the networks fit, by the dims of their weights, before any training. What they do not
// take is a warning: the spec is right, and a run of it is refused where no target of an action takes its networks.
func (x *Experiment) Targets(ctx context.Context) (found diag.List) {
	for _, j := range x.jobs() {
		if j.Kind != "deploy" || len(x.notYet(j)) > 0 {
			continue
		}
		for _, d := range verdict(x.answers(ctx, j)) {
			if isLimit(d) {
				d.Severity = diag.Warning
			}
			found = append(found, traced(x.Spec.File, diag.List{d})...)
		}
	}
	return found
}

// answers asks the targets of a deploy action about its networks as they are before any training: by the dims of their weights.
func (x *Experiment) answers(ctx context.Context, j *job) []answer {
	if known, ok := x.asked[j.Action]; ok {
		return known
	}
	var out []answer
	_, parts := j.deploys(nil)
	if len(parts) == 0 {
		return []answer{{found: diag.List{j.idleDeployment()}}}
	}
	for i := range j.Settings["targets"].Items {
		a, err := x.ask(ctx, j, i, parts, nil)
		if err != nil {
			d := build.PluginFailed(err, j.Places[a.path])
			var failure *host.Failure
			switch {
			case !errors.As(err, &failure): // the networks cannot be cut for it
				d.Code = diag.BadAction
			case failure.Kind == host.Late: // it may have more time when it is asked again
				d.Severity = diag.Warning
			}
			a.found = diag.List{d}
		}
		out = append(out, a)
	}
	if x.asked == nil {
		x.asked = map[*check.Action][]answer{}
	}
	if ctx.Err() == nil {
		x.asked[j.Action] = out
	}
	return out
}

// targetPath is where a target stands in a deploy action.
func targetPath(i int) string { return fmt.Sprintf("targets[%d]", i) }

// ask puts networks on the chip of a target of a deploy action as far as it takes them and has not refused them before.
func (x *Experiment) ask(ctx context.Context, j *job, i int, parts []deploy.Part, refused []place.Refusal) (a answer, err error) {
	target := j.Settings["targets"].Items[i]
	a = answer{path: targetPath(i), target: target.Text}
	if a.placed, err = deploy.Place(ctx, build.Checker(x.host, j.Plugins[a.path], target), parts, refused); err != nil {
		return a, err
	}
	if a.found = build.Complained(j.Action, a.path, target.Text, a.placed.Reply.Complaints); a.found.HasErrors() {
		return a, nil
	}
	for _, r := range a.placed.Refused {
		if over := beyond(r.Used); over != nil {
			d := a.layer(j, r.Network, r.Population, fmt.Sprintf("needs %s %s, and target `%s` has %s: the host computes it", record.Quantity(over.Used), over.Name, a.target, record.Quantity(over.Limit)), r.Reason, r.Change)
			d.Severity = diag.Warning
			a.found.Add(d)
		}
	}
	if len(a.placed.Circuits) == 0 {
		a.found = append(diag.List{a.nothing(j)}, a.found...)
		return a, nil
	}
	a.limits(j, a.placed.Reply)
	return a, nil
}

// idleDeployment finds that an action has no network to deploy.
func (j *job) idleDeployment() diag.Diagnostic {
	return diag.Diagnostic{Code: diag.BadAction, Range: cmp.Or(j.Places["network"], j.Range), Summary: fmt.Sprintf("`%s` has no network to deploy: neither samplers nor exports of model `%s` apply one that is asked for", j.name, j.model.Name),
		Help: "name another network, or leave `network` out"}
}

// nothing finds that no layer of the networks lies on the chip.
func (a *answer) nothing(j *job) diag.Diagnostic {
	d := diag.Diagnostic{Code: diag.NothingOnChip, Range: j.Places[a.path], Summary: fmt.Sprintf("nothing of model `%s` lies on target `%s`", j.model.Name, a.target), Help: "leave the target out, or change the layers that the notes name"}
	for _, why := range a.placed.Reasons() {
		note := diag.Note{Message: why.Words}
		if origin := a.origin(why.Role, why.Layer); len(origin) > 0 {
			note.Range = origin[0]
		}
		d.Notes = append(d.Notes, note)
	}
	return d
}

// beyond returns the first amount that is over its limit; nil where none is.
func beyond(amounts []schema.Amount) *schema.Amount {
	i := slices.IndexFunc(amounts, func(a schema.Amount) bool { return a.Limit > 0 && a.Used > a.Limit })
	if i < 0 {
		return nil
	}
	return &amounts[i]
}

// limits finds what circuits break of a target, by its reply.
func (a *answer) limits(j *job, reply schema.TargetReply) {
	if reply.Fits {
		return
	}
	a.assumed = true
	any := false
	note := func(over *schema.Amount) string {
		if over != nil && over.Assumed {
			return "it hangs on rates that are assumed until examples are run: a trained network may fit"
		}
		a.assumed = false
		return ""
	}
	for _, l := range reply.Layers {
		if l.Problem == "" {
			continue
		}
		any = true
		own, all := beyond(l.Used), beyond(reply.Used)
		if own == nil { // of several limits that layers share it is the one of which this layer has a part
			for i := range reply.Used {
				x := &reply.Used[i]
				if x.Limit > 0 && x.Used > x.Limit && slices.ContainsFunc(l.Used, func(o schema.Amount) bool { return o.Name == x.Name }) {
					all = x
					break
				}
			}
		}
		words := fmt.Sprintf("does not fit target `%s`", a.target)
		switch {
		case own != nil:
			words = fmt.Sprintf("needs %s %s, and target `%s` has %s", record.Quantity(own.Used), own.Name, a.target, record.Quantity(own.Limit))
		case all != nil:
			part := ""
			if i := slices.IndexFunc(l.Used, func(o schema.Amount) bool { return o.Name == all.Name }); i >= 0 {
				part = record.Quantity(l.Used[i].Used) + " of "
			}
			words = fmt.Sprintf("takes %sthe %s %s that all layers need, and target `%s` has %s", part, record.Quantity(all.Used), all.Name, a.target, record.Quantity(all.Limit))
		}
		role := cmp.Or(place.Owner(a.placed.Circuits, l), l.Network)
		d := a.layer(j, role, l.Layer, words, l.Problem, l.Change)
		if guess := note(cmp.Or(own, all)); guess != "" {
			d.Notes = append(d.Notes, diag.Note{Message: guess})
		}
		a.found.Add(d)
	}
	if any {
		return
	}
	d := diag.Diagnostic{Code: diag.BeyondLimit, Range: j.Places[a.path], Summary: fmt.Sprintf("model `%s` does not fit target `%s`", j.model.Name, a.target)}
	all := beyond(reply.Used)
	if all != nil {
		d.Summary = fmt.Sprintf("the layers of model `%s` need %s %s, and target `%s` has %s", j.model.Name, record.Quantity(all.Used), all.Name, a.target, record.Quantity(all.Limit))
	}
	if guess := note(all); guess != "" {
		d.Notes = append(d.Notes, diag.Note{Message: guess})
	}
	a.found.Add(d)
}

// layer is a finding about a layer, at its place in the spec.
func (a *answer) layer(j *job, role, layer, words, problem, change string) diag.Diagnostic {
	d := diag.Diagnostic{Code: diag.BeyondLimit, Summary: fmt.Sprintf("layer `%s` of role `%s` %s", layer, role, words), Help: change}
	if layer == "" {
		d.Summary = fmt.Sprintf("role `%s` %s", role, words)
	}
	said := diag.Note{Message: fmt.Sprintf("target `%s` says: %s", a.target, problem), Range: j.Places[a.path]}
	origin := a.origin(role, layer)
	if len(origin) == 0 { // of the whole of a role, or of a graph that a plugin gives
		d.Range = cmp.Or(j.model.Places[role], j.Places[a.path])
		d.Notes = []diag.Note{said}
		return d
	}
	d.Range = origin[0]
	for _, at := range origin[1:min(len(origin), 4)] {
		d.Notes = append(d.Notes, diag.Note{Message: "used here", Range: at})
	}
	d.Notes = append(d.Notes, said)
	return d
}

// origin returns where the spec says a layer of a role, and the uses that led there; none where it does not say it.
func (a *answer) origin(role, layer string) []diag.Range {
	for _, n := range a.placed.Nodes[role][layer] {
		if len(n.Origin) > 0 {
			return n.Origin
		}
	}
	return nil
}

// line is a finding in one line.
func line(d diag.Diagnostic) string {
	out := fmt.Sprintf("%s:%d: %s", d.Range.File, d.Range.Start.Line, d.Summary)
	if d.Help != "" {
		out += "; " + d.Help
	}
	return out
}

// told writes whether networks fit, and says so. What a target says of a layer that is used several times, as in a coder's turns, is told
// once.
func (r *runner) told(j *job, name string, a *answer, reply schema.TargetReply, out *record.Deployment) {
	say := func(format string, args ...any) { r.o.Watch.Say(j.name, fmt.Sprintf(format, args...)) }
	out.Fits, out.Used, out.Notes = reply.Fits, reply.Used, reply.Notes
	out.Problems = slices.DeleteFunc(slices.Clone(reply.Layers), func(l schema.Placement) bool { return l.Problem == "" })
	switch {
	case len(a.placed.Circuits) == 0:
		out.Fits = false
		for _, why := range a.placed.Reasons() {
			out.Problems = append(out.Problems, schema.Placement{Problem: why.Words})
		}
		say("nothing lies on %s", name)
	case reply.Fits:
		say("fits %s: %s", name, record.Amounts(reply.Used))
		if stays := out.Stays(2); stays != "" {
			say("    %s", stays)
		}
	default:
		say("does not fit %s", name)
	}
	for _, d := range a.found {
		if d.Code == diag.BeyondLimit {
			say("    %s", line(d))
		}
	}
	times := map[string]int{}
	for _, note := range reply.Notes {
		times[note]++
	}
	for _, note := range reply.Notes {
		switch n := times[note]; {
		case n == 1:
			say("    %s", note)
		case n > 1:
			say("    %s (%d times)", note, n)
		}
		delete(times, note)
	}
}
