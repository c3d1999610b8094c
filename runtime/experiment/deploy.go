package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// deployment is a deploy action at work: what all its targets have in common.
type deployment struct {
	*runner
	job            *job
	trained        *train.Model
	whole, drawn   *train.Model // in software
	way            inference
	parts          []deploy.Part
	set            *data.Set // the reference
	count, measure int
	base           string // what its files are called

	// What software gives, once for all targets.
	images  []*tensor.Tensor
	figures []metric.Figure
	sheet   string
	cpu     *record.CPU
}

// deploy does a deploy action: it puts the networks on the chip of each target, one after the other, and keeps what that comes to.
func (r *runner) deploy(ctx context.Context, j *job) error {
	if err := r.folder.RemoveDeployments(r.called(j)); err != nil {
		return err
	}
	var x *deployment
	var found diag.List
	names := targetNames(j)
	for i, target := range j.Settings["targets"].Items {
		path := fmt.Sprintf("targets[%d]", i)
		out := record.Deployment{Action: r.called(j), Target: target.Text, Arguments: target.Args, Seed: seed(j), Layers: []record.DeployedLayer{}}
		var err error
		if r.x.component(j.Plugins[path], schema.Target, target.Text).Emulates {
			if x == nil {
				if x, err = r.deployment(ctx, j); err != nil {
					return err
				}
			}
			err = x.on(ctx, path, names[i], target, &out)
		} else {
			err = r.checked(ctx, j, path, names[i], target, &out)
		}
		var refused *Refused
		if errors.As(err, &refused) { // the other targets go on
			found = append(found, refused.Found...)
		} else if err != nil {
			return err
		}
		if err := r.folder.SetDeployment(r.deployName(j, names[i]), out); err != nil {
			return err
		}
	}
	if found.HasErrors() {
		return &Refused{found}
	}
	return nil
}

// deployName names the files of what a deploy action says of a target.
func (r *runner) deployName(j *job, target string) string {
	return strings.TrimPrefix(fileName(r.called(j)), "deploy-") + "-" + target
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

// judges reports whether an action compares with examples of a reference.
func (j *job) judges() bool { return j.Kind == "evaluate" || j.Kind == "deploy" }

// deployed reports whether a metric tells of a chip as of software: not one of how samples are drawn or of both splits of the data.
func deployed(v schema.Value) bool {
	m := measures()[v.Text]
	return !m.drawing && !m.splits && m.export != build.Bound
}

// mostJudged is how many samples a deploy action draws by itself: emulations take long.
const mostJudged = 256

// complete gives deploy actions the settings that they do not have: those of the first evaluation of their model that replaces nothing, and
// a sampler as it or the first sample action has it.
func (x *Experiment) complete() {
	for _, a := range x.Spec.Actions {
		if a.Kind != "deploy" {
			continue
		}
		first := func(kind string) *check.Action {
			i := slices.IndexFunc(x.Spec.Actions, func(o *check.Action) bool { return o.Kind == kind && o.Model == a.Model && o.Variant == nil })
			if i < 0 {
				return nil
			}
			return x.Spec.Actions[i]
		}
		take := func(from *check.Action, name string) bool {
			v, there := schema.Value{}, false
			if from != nil {
				v, there = from.Settings[name]
			}
			if _, own := a.Settings[name]; own || !there {
				return own
			}
			a.Settings[name] = v
			for path, place := range from.Places {
				if rest, ok := strings.CutPrefix(path, name); ok && (rest == "" || strings.ContainsAny(rest[:1], ".[")) {
					a.Places[path] = place
				}
			}
			return true
		}
		e, s := first("evaluate"), first("sample")
		number := func(name string, v int) {
			if _, own := a.Settings[name]; !own {
				a.Settings[name] = schema.Value{Type: schema.Int, Number: float64(v)}
			}
		}
		if e != nil {
			number("count", min(mostJudged, e.Settings.Int("count")))
		}
		number("count", mostJudged)
		for _, name := range []string{"reference", roundSetting} {
			take(e, name)
		}
		if _, own := a.Settings["reference"]; !own {
			a.Settings["reference"] = schema.Value{Type: schema.OneOf, Text: string(data.Test)}
			a.Settings[roundSetting] = schema.Value{Type: schema.Bool, Number: 1}
		}
		if _, own := a.Settings["metrics"]; !own && e != nil {
			a.Data = e.Data
			a.Settings["metrics"] = schema.Value{Type: schema.List}
			for i, v := range e.Settings["metrics"].Items {
				if !deployed(v) || a.Settings.Int("count") < metric.Needs(v).Samples {
					continue
				}
				list := a.Settings["metrics"]
				to := fmt.Sprintf("metrics[%d]", len(list.Items))
				for path, place := range e.Places {
					if rest, ok := strings.CutPrefix(path, fmt.Sprintf("metrics[%d]", i)); ok {
						a.Places[to+rest] = place
					}
				}
				list.Items = append(list.Items, v)
				a.Settings["metrics"] = list
			}
		}
		drawing := e
		if e != nil && !draws(e) {
			drawing = nil
		}
		if len(a.Model.Component.Samplers) > 0 && !take(drawing, "sampler") && !take(s, "sampler") && !take(e, "sampler") {
			if c := a.Model.Component.Samplers[0]; !slices.ContainsFunc(c.Params, func(p schema.Param) bool { return p.Required || p.Default != "" }) {
				a.Settings["sampler"] = schema.Value{Type: schema.OneOf, Text: c.Name}
			}
		}
		for _, from := range []*check.Action{e, s} {
			if _, is := a.Settings["sampler"]; is {
				take(from, labelsSetting)
			}
		}
	}
}

// chosen reports whether a role is one of the network that a deploy action names, if it names one.
func (j *job) chosen(role string) bool {
	only := j.Settings["network"].Items
	return len(only) == 0 || slices.ContainsFunc(only, func(v schema.Value) bool { return v.Text == role })
}

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
	r.verdict(j, name, reply, out)
	return nil
}

// verdict writes whether circuits or networks fit, and says so.
func (r *runner) verdict(j *job, name string, reply schema.TargetReply, out *record.Deployment) {
	out.Fits, out.Used, out.Notes = reply.Fits, reply.Used, append(out.Notes, reply.Notes...)
	out.Problems = slices.DeleteFunc(slices.Clone(reply.Layers), func(l schema.Placement) bool { return l.Problem == "" })
	r.placed(j.name, name, reply)
}

// inference is one pass whose costs are told: a sample, or an example through an export.
type inference struct {
	export string // "": a sample of the action's sampler
	what   string // in words
	built  *build.Built
	runs   map[string]float64 // how often it applies a role
	state  map[string]bool    // of roles whose state is carried from one application to the next
}

// inferences returns the passes that an action may deploy, the preferred one first.
func (j *job) inferences() (out []inference) {
	add := func(w inference, functions map[string]float64) {
		w.runs, w.state = map[string]float64{}, map[string]bool{}
		for name, times := range functions {
			w.visit(name, times)
		}
		out = append(out, w)
	}
	if s := j.use.sampler; s != nil {
		functions := map[string]float64{}
		for name, times := range map[string]float64{s.Init: 1, s.Result: 1} {
			functions[name] += times
		}
		functions[s.Loop] += float64(s.Turns)
		add(inference{what: "a sample of sampler " + render(j.Settings["sampler"]), built: j.use.drawn}, functions)
	}
	for _, e := range j.use.Program.Exports {
		add(inference{export: e.Name, what: "an example through export " + e.Name, built: j.use.Built}, map[string]float64{e.Function: 1})
	}
	return out
}

// visit counts the applications of roles in a function.
func (w *inference) visit(function string, times float64) {
	g := w.built.Program.Function(function)
	if g == nil {
		return
	}
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.OpApply:
			w.runs[n.Text("role")] += times
			w.state[n.Text("role")] = w.state[n.Text("role")] || n.Flag("state")
		case graph.OpCall, graph.OpCustom:
			w.visit(n.Text("function"), times)
		}
	}
}

// carriedReason says why a role stays on the host whose state is carried.
const carriedReason = "the state of its neurons is carried from one application to the next, and on a chip each begins at rest"

// deployment prepares what the targets of an action have in common.
func (r *runner) deployment(ctx context.Context, j *job) (*deployment, error) {
	m, err := r.trained(j.model)
	if err != nil {
		return nil, err
	}
	x := &deployment{runner: r, job: j, trained: m, set: r.sets.of(j.Data, data.Split(j.Settings.Text("reference"))), count: j.Settings.Int("count"), base: strings.TrimPrefix(fileName(r.called(j)), "deploy-")}
	if x.whole, x.drawn, err = j.use.as(m); err != nil {
		return nil, err
	}
	for _, w := range j.inferences() {
		if x.parts = x.of(w); len(x.parts) > 0 {
			x.way = w
			break
		}
	}
	if len(x.parts) == 0 {
		return nil, &Refused{diag.List{{Code: diag.BadAction, Range: cmp.Or(j.Places["network"], j.Range), Summary: fmt.Sprintf("`%s` has no network to deploy: neither samplers nor exports of model `%s` apply one that is asked for", j.name, j.model.Name),
			Help: "name another network, or leave `network` out"}}}
	}
	if x.measure = min(j.Settings.Int("examples"), x.count); x.way.export != "" {
		x.count = min(x.count, x.set.Len())
		x.measure = min(x.measure, x.set.Len(), r.trainSet(r.training(j.model)).Len())
	}
	return x, x.software(ctx)
}

// of returns the networks that an inference applies and that are asked for.
func (x *deployment) of(w inference) (parts []deploy.Part) {
	weights := x.trained.Weights
	if x.trained.Averages != nil {
		weights = x.trained.Averages
	}
	for _, role := range w.built.Program.Roles {
		if role.Kind == "coder" || w.runs[role.Name] == 0 || !x.job.chosen(role.Name) {
			continue // a coder works outside of the chip
		}
		module := w.built.Modules[role.Name]
		part := deploy.Part{Role: role.Name, Module: module, Runs: w.runs[role.Name]}
		if w.state[role.Name] {
			part.Stays = carriedReason
		}
		part.Variables = func(name string) []float32 {
			v := module.Variable(name)
			if v == nil {
				return nil
			}
			t := weights[cmp.Or(v.Of, role.Owner()+"."+name)]
			if t == nil {
				return nil
			}
			return t.F32
		}
		parts = append(parts, part)
	}
	return parts
}

// run does an inference for examples of numbers 0 to n-1 and calls each with batches of what it gives, of which the first has the number
// first: those of the training where reference is false. No batch crosses a multiple of part.
func (x *deployment) run(ctx context.Context, whole, drawn *train.Model, n, part int, reference bool, each func(first int, t *tensor.Tensor) error) error {
	if x.way.export != "" {
		set := x.set
		if !reference {
			set = x.trainSet(x.training(x.job.model))
		}
		return x.apply(ctx, whole, x.way.export, set, n, seed(x.job), func(first int, _ map[string]*tensor.Tensor, out *tensor.Tensor) error { return each(first, out) })
	}
	d := x.job.sampling(drawn, x.set)
	for first := 0; first < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(batch, n-first, part-first%part)
		t, err := d.model.SampleGiven(d.sampler, d.given(first, size), size, d.seed, uint64(first))
		if err != nil {
			return err
		}
		if err := each(first, t); err != nil {
			return err
		}
		first += size
	}
	return nil
}

// software draws samples, or runs the export, with the networks as they are, takes the time of it, and measures.
func (x *deployment) software(ctx context.Context) (err error) {
	n := x.count
	if x.way.export != "" {
		n = x.measure
	}
	seconds, begun := 0.0, time.Now()
	err = x.run(ctx, x.whole, x.drawn, n, x.measure, true, func(_ int, t *tensor.Tensor) error {
		if took := time.Since(begun).Seconds() / float64(t.N); seconds == 0 || took < seconds { // the first one also plans
			seconds = took
		}
		if x.way.export == "" {
			x.images = append(x.images, t.Clone())
		}
		begun = time.Now()
		return nil
	})
	if err != nil {
		return err
	}
	x.cpu = &record.CPU{Seconds: seconds, Threads: x.o.Threads}
	if x.cpu.Threads < 1 {
		x.cpu.Threads = 1
	}
	if x.images != nil {
		if x.sheet, err = x.picture(x.base+".software", x.images); err != nil {
			return err
		}
	}
	x.figures, err = x.judge(ctx, x.whole, x.drawn, x.images)
	return err
}

// picture writes samples as a sheet and returns its place in the run folder; "" of what is no images.
func (x *deployment) picture(name string, all []*tensor.Tensor) (string, error) {
	m := record.Images{}
	for _, t := range all {
		if len(t.Type.Dims) != 3 || t.Type.Steps > 0 {
			return "", nil
		}
		m.N += t.N
		m.Channels, m.Height, m.Width = t.Type.Dims[0], t.Type.Dims[1], t.Type.Dims[2]
		m.Pixels = appendPixels(m.Pixels, t)
	}
	m.Lo, m.Hi = x.trainSet(x.training(x.job.model)).Range()
	return x.folder.WriteDeploySheet(name, m)
}

// judge returns the figures of the action's metrics of a model, whose samples are given.
func (x *deployment) judge(ctx context.Context, whole, drawn *train.Model, images []*tensor.Tensor) (all []metric.Figure, err error) {
	if len(x.job.Settings["metrics"].Items) == 0 {
		return nil, nil
	}
	e := newEvaluation(x.runner, x.job)
	e.whole, e.drawn, e.like = whole, drawn, x.trainSet(x.training(x.job.model))
	e.source = func(ctx context.Context, n int, each func(t *tensor.Tensor) error) error {
		if images == nil { // the inference that is deployed is another one
			return x.job.sampling(drawn, x.set).batches(ctx, n, each)
		}
		for _, t := range images {
			if err := each(t); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range x.job.Settings["metrics"].Items {
		figures, err := e.measure(ctx, v)
		if err != nil {
			return nil, err
		}
		for _, f := range figures {
			if !f.Detail {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// on puts the networks on the chip of a target, emulates it, and writes down what that comes to.
func (x *deployment) on(ctx context.Context, path, name string, target schema.Value, out *record.Deployment) error {
	j, h := x.job, x.x.host
	out.Inference, out.Examples, out.Count = x.way.what, x.measure, x.count
	placed, err := deploy.Place(ctx, func(ctx context.Context, circuits []schema.Circuit) (schema.TargetReply, error) {
		return h.Check(ctx, j.Plugins[path], schema.TargetRequest{Component: target.Text, Arguments: target.Args, Circuits: circuits})
	}, x.parts)
	if err != nil {
		return err
	}
	if len(placed.Reply.Complaints) > 0 {
		return x.complained(j, path, target.Text, placed.Reply.Complaints)
	}
	out.Layers = placed.Layers
	if len(placed.Circuits) == 0 {
		d := diag.Diagnostic{Code: diag.BadAction, Range: j.Places[path], Summary: fmt.Sprintf("nothing of model `%s` lies on target `%s`", j.model.Name, target.Text), Help: "leave the target out, or change the layers that the notes name"}
		for _, why := range placed.Reasons() {
			d.Notes = append(d.Notes, diag.Note{Message: why})
			out.Problems = append(out.Problems, schema.Placement{Problem: why})
		}
		x.o.Watch.Say(j.name, fmt.Sprintf("nothing lies on %s", name))
		return &Refused{diag.List{d}}
	}
	if x.verdict(j, name, placed.Reply, out); !out.Fits {
		return nil
	}
	server := deploy.NewServer(ctx, placed)
	x.pool.Chips = server
	defer func() { x.pool.Chips = nil }()
	whole, drawn, err := x.rewritten(placed)
	if err != nil {
		return err
	}
	server.Watch(true, false)
	nothing := func(int, *tensor.Tensor) error { return nil }
	if err := x.run(ctx, whole, drawn, x.measure, x.measure, false, nothing); err != nil {
		return err
	}
	server.Watch(false, false)
	server.Measure(placed, x.measure)
	chip, reply, err := h.Compile(ctx, j.Plugins[path], schema.CompileRequest{Component: target.Text, Arguments: target.Args, Circuits: placed.Circuits, Seed: seed(j)}, placed.Tensors)
	if err != nil {
		return err
	}
	if len(reply.Complaints) > 0 {
		return x.complained(j, path, target.Text, reply.Complaints)
	}
	if !reply.Fits {
		out.Notes = nil
		x.verdict(j, name, reply.TargetReply, out)
		return nil
	}
	defer chip.Close()
	out.Notes = nil
	placed.Compiled(out, reply)
	if err := x.exported(ctx, j.name, name, chip); err != nil {
		return err
	}
	server.Emulate(chip)
	n := x.count
	if x.way.export != "" {
		n = x.measure
	}
	var images []*tensor.Tensor
	server.Watch(true, true)
	err = x.run(ctx, whole, drawn, n, x.measure, true, func(first int, t *tensor.Tensor) error {
		if x.way.export == "" {
			images = append(images, t.Clone())
		}
		server.Watch(true, first+t.N < x.measure)
		return nil
	})
	if err != nil {
		return err
	}
	server.Report(out, n, x.measure)
	server.Watch(false, false)
	if out.CPU, out.Software = x.cpu, x.sheet; x.sheet != "" {
		if out.Chip, err = x.picture(x.deployName(j, name), images); err != nil {
			return err
		}
	}
	deploy.Baselines(out, placed, deploy.MultiplyAccumulates(x.parts))
	figures, err := x.judge(ctx, whole, drawn, images)
	if err != nil {
		return err
	}
	for i, f := range figures {
		out.Figures = append(out.Figures, record.DeployedFigure{Name: f.Name, Software: x.figures[i].Value, Chip: f.Value, Recipe: f.Recipe})
	}
	x.said(name, out)
	return nil
}

// rewritten returns the models with nodes for circuits in the place of what lies on the chip.
func (x *deployment) rewritten(placed *deploy.Placed) (whole, drawn *train.Model, err error) {
	use := x.job.use
	as := func(b *build.Built) (*train.Model, error) {
		modules := maps.Clone(b.Modules)
		for role, m := range placed.Modules {
			if modules[role] != nil {
				modules[role] = m
			}
		}
		return x.trained.As(b.Program, modules)
	}
	if whole, err = as(use.Built); err != nil || use.drawn == use.Built {
		return whole, whole, err
	}
	drawn, err = as(use.drawn)
	return whole, drawn, err
}

// said says what a deployment comes to.
func (x *deployment) said(name string, d *record.Deployment) {
	say := func(format string, args ...any) { x.o.Watch.Say(x.job.name, "    "+fmt.Sprintf(format, args...)) }
	for _, t := range d.Totals {
		say("%s: %.3g to %.3g J for %s, by %s", name, t.Low, t.High, d.Inference, t.Profile)
	}
	for _, f := range d.Figures {
		say("%s: %s = %.4g on the chip, %.4g in software", name, f.Name, f.Chip, f.Software)
	}
	if d.Chip != "" {
		say("samples in %s and %s", x.relative(d.Chip), x.relative(d.Software))
	}
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
