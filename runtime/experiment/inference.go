package experiment

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// inference is one pass whose costs are told: a sample, or an example through an export.
type inference struct {
	export string // "": a sample of the action's sampler
	what   string // in words
	built  *build.Built
	runs   map[string]float64 // how often it applies a role
	steps  map[string]float64 // and at how many time steps in all
	state  map[string]bool    // of roles whose state is carried from one application to the next
}

// inferences returns the passes that an action may deploy, the preferred one first.
func (j *job) inferences() (out []inference) {
	add := func(w inference, functions map[string]float64) {
		w.runs, w.steps, w.state = map[string]float64{}, map[string]float64{}, map[string]bool{}
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
		add(inference{export: e.Name, what: passed(e.Name), built: j.use.Built}, map[string]float64{e.Function: 1})
	}
	return out
}

// passed says what an example is once it has gone through an export.
func passed(export string) string {
	switch export {
	case logits:
		return "an example classified"
	case reconstruct:
		return "an example reconstructed"
	}
	return "an example for which `" + export + "` is computed"
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
			most := 0
			for _, v := range n.In {
				most = max(most, v.Type().Steps)
			}
			w.steps[n.Text("role")] += times * float64(most)
			w.state[n.Text("role")] = w.state[n.Text("role")] || n.Flag("state")
		case graph.OpCall, graph.OpCustom:
			w.visit(n.Text("function"), times)
		}
	}
}

// carriedReason says why a role stays on the host whose state is carried.
const carriedReason = "the state of its neurons is carried from one application to the next, and on a chip each begins at rest"

// deployment prepares what the targets of an action have in common.
func (r *runner) deployment(j *job) (*deployment, error) {
	m, err := r.trained(j.model)
	if err != nil {
		return nil, err
	}
	x := &deployment{runner: r, job: j, trained: m, set: r.sets.of(j.Data, data.Split(j.Settings.Text("reference"))), count: j.Settings.Int("count")}
	if x.whole, x.drawn, err = j.use.as(m); err != nil {
		return nil, err
	}
	weights := m.Weights
	if m.Averages != nil {
		weights = m.Averages
	}
	if x.way, x.parts = j.deploys(weights); len(x.parts) == 0 {
		return nil, &Refused{diag.List{j.idleDeployment()}}
	}
	if x.measure = min(j.Settings.Int("examples"), x.count); x.way.export != "" {
		x.count = min(x.count, x.set.Len())
		x.measure = min(x.measure, x.set.Len(), r.trainSet(r.training(j.model)).Len())
		if r.example >= x.set.Len() {
			return nil, fmt.Errorf("there is no example %d to export: the data have %d, and the first is example 0", r.example, x.set.Len())
		}
	}
	return x, nil
}

// deploys returns the inference whose networks are deployed, and those of them that are asked for, with their trained weights, or nil before
// there are some. There are none where no inference applies one that is asked for.
func (j *job) deploys(weights map[string]*tensor.Tensor) (inference, []deploy.Part) {
	for _, w := range j.inferences() {
		if parts := j.applied(w, weights); len(parts) > 0 {
			return w, parts
		}
	}
	return inference{}, nil
}

// applied returns the networks that an inference applies and that are asked for.
func (j *job) applied(w inference, weights map[string]*tensor.Tensor) (parts []deploy.Part) {
	for _, role := range w.built.Program.Roles {
		if role.Kind == "coder" || w.runs[role.Name] == 0 || !j.chosen(role.Name) {
			continue // a coder works outside of the chip
		}
		module := w.built.Modules[role.Name]
		part := deploy.Part{Role: role.Name, Module: module, Runs: w.runs[role.Name], Steps: w.steps[role.Name] / w.runs[role.Name]}
		if w.state[role.Name] {
			part.Stays = carriedReason
		}
		if weights == nil {
			parts = append(parts, part)
			continue
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

// one does an inference for the example of a number alone, as run does it among others.
func (x *deployment) one(whole, drawn *train.Model, example int) (*tensor.Tensor, error) {
	if x.way.export == "" {
		d := x.job.sampling(drawn, x.set)
		return d.model.SampleGiven(d.sampler, d.given(example, 1), 1, d.seed, uint64(example))
	}
	in, err := filled(whole.Program.Export(x.way.export), x.set, example, 1)
	if err != nil {
		return nil, err
	}
	return whole.Apply(x.way.export, in, 1, seed(x.job), uint64(example))
}

// software draws samples, or runs the export, with the networks as they are, takes the time of it, and measures: once.
func (x *deployment) software(ctx context.Context) (err error) {
	if x.cpu != nil {
		return nil
	}
	n := x.count
	if x.way.export != "" {
		n = x.measure
	}
	seconds, begun, batches := math.Inf(1), time.Now(), 0
	timed := func(t *tensor.Tensor) {
		seconds = min(seconds, time.Since(begun).Seconds()/float64(t.N))
		batches++
	}
	err = x.run(ctx, x.whole, x.drawn, n, x.measure, true, func(_ int, t *tensor.Tensor) error {
		timed(t)
		if x.way.export == "" {
			x.images = append(x.images, t.Clone())
		}
		begun = time.Now()
		return nil
	})
	if err == nil && batches == 1 { // which is also what plans
		begun = time.Now()
		err = x.run(ctx, x.whole, x.drawn, n, x.measure, true, func(_ int, t *tensor.Tensor) error { timed(t); return nil })
	}
	if err != nil {
		return err
	}
	x.cpu = &record.CPU{Seconds: seconds, Threads: x.o.Threads}
	if x.cpu.Threads < 1 {
		x.cpu.Threads = 1
	}
	if x.images != nil {
		if x.sheet, err = x.picture(strings.TrimSuffix(x.deployName(x.job, ""), "-")+".software", x.images); err != nil {
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

// judged is a figure, and what was judged.
type judged struct {
	metric.Figure
	of string
}

// judge returns the figures of the action's metrics of a model, whose samples are given.
func (x *deployment) judge(ctx context.Context, whole, drawn *train.Model, images []*tensor.Tensor) (all []judged, err error) {
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
			if f.Detail {
				continue
			}
			of := fmt.Sprintf("%d samples", f.Count)
			if measures()[v.Text].export != "" {
				of = fmt.Sprintf("the first %d examples of %s", f.Count, x.job.Settings.Text("reference"))
				if f.Count == x.set.Len() {
					of = fmt.Sprintf("all %d examples of %s", f.Count, x.job.Settings.Text("reference"))
				}
			}
			all = append(all, judged{f, of})
		}
	}
	return all, nil
}
