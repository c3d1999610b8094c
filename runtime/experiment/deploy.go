package experiment

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/host"
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
	x, err := r.deployment(j)
	if err != nil {
		return err
	}
	var answers []answer
	for i, name := range targetNames(j) {
		target := j.Settings["targets"].Items[i]
		out := record.Deployment{Action: r.called(j), Model: j.model.Name, Place: i, Target: target.Text, Written: j.written(targetPath(i), target), Arguments: target.Args, Seed: seed(j), Layers: []record.DeployedLayer{}}
		a, err := x.on(ctx, i, name, &out)
		if err != nil {
			return err
		}
		answers = append(answers, a)
		if len(a.placed.Reply.Complaints) > 0 {
			continue // there is no such chip
		}
		if err := r.folder.SetDeployment(r.deployName(j, name), out); err != nil {
			return err
		}
	}
	found := verdict(answers)
	if found.HasErrors() {
		return &Refused{found}
	}
	r.warn(found)
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
func (x *deployment) on(ctx context.Context, i int, name string, out *record.Deployment) (answer, error) {
	c, err := x.compile(ctx, i, name, out)
	if err != nil || c.chip == nil {
		return c.answer, err
	}
	defer c.chip.Close()
	defer func() { x.pool.Chips = nil }()
	c.placed.Compiled(out, c.reply)
	c.server.Emulate(c.chip)
	if err := x.exported(ctx, name, c.chip, c.server, c.whole, c.drawn); err != nil {
		return c.answer, err
	}
	n := x.count
	if x.way.export != "" {
		n = x.measure
	}
	var images []*tensor.Tensor
	c.server.Watch(true, true)
	beside, begun, busy := math.Inf(1), time.Now(), c.server.Busy()
	err = x.run(ctx, c.whole, c.drawn, n, x.measure, true, func(first int, t *tensor.Tensor) error {
		beside = min(beside, (time.Since(begun)-c.server.Busy()+busy).Seconds()/float64(t.N))
		defer func() { begun, busy = time.Now(), c.server.Busy() }()
		if x.way.export == "" {
			images = append(images, t.Clone())
		}
		c.server.Watch(true, first+t.N < x.measure)
		return nil
	})
	if err != nil {
		return c.answer, err
	}
	c.server.Report(out, n, x.measure)
	c.server.Watch(false, false)
	out.CPU = &record.CPU{Seconds: x.cpu.Seconds, Host: min(beside, x.cpu.Seconds), Threads: x.cpu.Threads}
	if out.Software = x.sheet; x.sheet != "" {
		if out.Chip, err = x.picture(x.deployName(x.job, name), images); err != nil {
			return c.answer, err
		}
	}
	deploy.Baselines(out, c.placed, deploy.MultiplyAccumulates(x.parts))
	figures, err := x.judge(ctx, c.whole, c.drawn, images)
	if err != nil {
		return c.answer, err
	}
	for i, f := range figures {
		out.Figures = append(out.Figures, record.DeployedFigure{Name: f.Name, Software: x.figures[i].Value, Chip: f.Value,
			SoftwareInterval: record.Interval(x.figures[i].Interval), ChipInterval: record.Interval(f.Interval), Of: f.of, Recipe: f.Recipe})
	}
	if err := x.repeated(ctx, &c, x.job.Settings["targets"].Items[i], out); err != nil {
		return c.answer, err
	}
	x.said(out)
	return c.answer, nil
}

// compiled is networks on a chip.
type compiled struct {
	answer
	server       *deploy.Server
	whole, drawn *train.Model // with nodes for circuits
	chip         *host.Chip   // nil where the target does not take the networks, or emulates nothing
	reply        schema.CompileReply
}

// compile places the networks on the chip of a target, measures them in software and compiles them, and writes down whether they fit. What the
// target refuses of measured circuits the host keeps, as what it has refused before.
func (x *deployment) compile(ctx context.Context, i int, name string, out *record.Deployment) (c compiled, err error) {
	j, h := x.job, x.x.host
	target, emulates := j.Settings["targets"].Items[i], x.x.component(j.Plugins[targetPath(i)], schema.Target, j.Settings["targets"].Items[i].Text).Emulates
	if out.Inference, out.Examples, out.Count = x.way.what, x.measure, x.count; !emulates {
		out.Inference, out.Examples, out.Count = "nothing: the target only tells whether networks fit", 0, 0
	}
	defer func() {
		if c.chip == nil {
			x.pool.Chips = nil
		}
	}()
	var refused []place.Refusal
	for {
		if c.answer, err = x.x.ask(ctx, j, i, x.parts, refused); err != nil {
			return c, err
		}
		out.Layers = c.placed.Layers
		if !emulates || c.found.HasErrors() && !c.assumed {
			x.told(j, out.Written, &c.answer, c.placed.Reply, out)
			return c, nil
		}
		c.found = slices.DeleteFunc(c.found, func(d diag.Diagnostic) bool { return d.Severity == diag.Error }) // which are assumed
		if err := x.software(ctx); err != nil {
			return c, err
		}
		c.server = deploy.NewServer(ctx, c.placed)
		x.pool.Chips = c.server
		if c.whole, c.drawn, err = x.rewritten(c.placed); err != nil {
			return c, err
		}
		c.server.Watch(true, false)
		nothing := func(int, *tensor.Tensor) error { return nil }
		if err := x.run(ctx, c.whole, c.drawn, x.measure, x.measure, false, nothing); err != nil {
			return c, err
		}
		c.server.Watch(false, false)
		if err := c.server.Measure(c.placed, x.measure); err != nil {
			return c, err
		}
		c.chip, c.reply, err = h.Compile(ctx, j.Plugins[c.path], schema.CompileRequest{Component: target.Text, Arguments: target.Args, Circuits: c.placed.Circuits, Seed: seed(j)}, c.placed.Tensors)
		if err != nil {
			return c, err
		}
		if c.placed.Reply = c.reply.TargetReply; len(c.reply.Complaints) > 0 {
			c.found = append(c.found, build.Complained(j.Action, c.path, target.Text, c.reply.Complaints)...)
			return c, nil
		}
		more := place.Refused(c.placed.Circuits, c.reply.TargetReply)
		if c.reply.Fits || len(more) == 0 {
			c.limits(j, c.reply.TargetReply)
			x.told(j, out.Written, &c.answer, c.reply.TargetReply, out)
			return c, nil
		}
		refused = append(c.placed.Refused, more...)
	}
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
