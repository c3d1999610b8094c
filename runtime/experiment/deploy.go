package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/deploy"
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

	// What software gives, once for all targets.
	images  []*tensor.Tensor
	figures []judged
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
		out := record.Deployment{Action: r.called(j), Model: j.model.Name, Place: i, Target: target.Text, Written: j.written(path, target), Arguments: target.Args, Seed: seed(j), Layers: []record.DeployedLayer{}}
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

// deployName names the files of what a deploy action says of a target: MODEL-TARGET, and MODEL.2-TARGET of the second action of a model.
func (r *runner) deployName(j *job, target string) string {
	name := strings.TrimPrefix(fileName(r.called(j)), "deploy-")
	if before, number, ok := strings.Cut(strings.TrimSuffix(name, "]"), "["); ok { // a shell would take brackets for a pattern
		if n, err := strconv.Atoi(number); err == nil {
			name = before + "." + strconv.Itoa(n+1)
		}
	}
	return name + "-" + target
}

// targetNames names the targets of a deploy action: by their components, and where one is there several times by a number too.
func targetNames(j *job) []string {
	var names []string
	times, before := map[string]int{}, map[string]int{}
	items := j.Settings["targets"].Items
	for _, t := range items {
		times[t.Text]++
	}
	for _, t := range items {
		name := t.Text
		if before[name]++; times[name] > 1 {
			name += "-" + strconv.Itoa(before[name])
		}
		names = append(names, name)
	}
	return names
}

// written returns a target with the arguments that the spec has: `chip(cores = 4)`.
func (j *job) written(path string, target schema.Value) string {
	own := schema.Value{Type: target.Type, Text: target.Text, Args: schema.Arguments{}}
	for name, v := range target.Args {
		if _, is := j.Places[path+"."+name]; is {
			own.Args[name] = v
		}
	}
	return render(own)
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
		x.o.Watch.Say(j.name, fmt.Sprintf("nothing lies on %s", out.Written))
		return &Refused{diag.List{d}}
	}
	if x.verdict(j, out.Written, placed.Reply, out); !out.Fits {
		return nil
	}
	if stays := out.Stays(2); stays != "" {
		x.o.Watch.Say(j.name, "    "+stays)
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
	if err := server.Measure(placed, x.measure); err != nil {
		return err
	}
	chip, reply, err := h.Compile(ctx, j.Plugins[path], schema.CompileRequest{Component: target.Text, Arguments: target.Args, Circuits: placed.Circuits, Seed: seed(j)}, placed.Tensors)
	if err != nil {
		return err
	}
	if len(reply.Complaints) > 0 {
		return x.complained(j, path, target.Text, reply.Complaints)
	}
	if !reply.Fits {
		out.Notes = nil
		x.verdict(j, out.Written, reply.TargetReply, out)
		return nil
	}
	defer chip.Close()
	out.Notes = nil
	placed.Compiled(out, reply)
	server.Emulate(chip)
	if err := x.exported(ctx, name, chip, server, whole, drawn); err != nil {
		return err
	}
	n := x.count
	if x.way.export != "" {
		n = x.measure
	}
	var images []*tensor.Tensor
	server.Watch(true, true)
	beside, begun, busy := math.Inf(1), time.Now(), server.Busy()
	err = x.run(ctx, whole, drawn, n, x.measure, true, func(first int, t *tensor.Tensor) error {
		beside = min(beside, (time.Since(begun)-server.Busy()+busy).Seconds()/float64(t.N))
		defer func() { begun, busy = time.Now(), server.Busy() }()
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
	out.CPU = &record.CPU{Seconds: x.cpu.Seconds, Host: min(beside, x.cpu.Seconds), Threads: x.cpu.Threads}
	if out.Software = x.sheet; x.sheet != "" {
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
		out.Figures = append(out.Figures, record.DeployedFigure{Name: f.Name, Software: x.figures[i].Value, Chip: f.Value,
			SoftwareInterval: record.Interval(x.figures[i].Interval), ChipInterval: record.Interval(f.Interval), Of: f.of, Recipe: f.Recipe})
	}
	if err := x.repeated(ctx, path, name, target, placed, server, whole, drawn, out); err != nil {
		return err
	}
	x.said(out)
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
func (x *deployment) said(d *record.Deployment) {
	say := func(format string, args ...any) { x.o.Watch.Say(x.job.name, "    "+fmt.Sprintf(format, args...)) }
	for _, spent := range d.Spent() {
		say("%s: %s", d.Written, spent)
	}
	if d.Caution != "" {
		say("%s: %s", d.Written, d.Caution)
	}
	for _, f := range d.Figures {
		say("%s: %s", d.Written, f)
	}
	if d.Chip != "" {
		say("samples in %s and %s", x.relative(d.Chip), x.relative(d.Software))
	}
}
