package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/record/wholefile"
	"snnc.dev/snnc/runtime/train"
)

// DeployOptions say how a model of a run is put on chips.
type DeployOptions struct {
	Run     string   // the run folder
	Model   string   // "": the first that the spec deploys, or the only one that it trains
	Targets []string // chips as a spec writes them, such as `chip(cores = 4)`; none: those of the first deploy action of the model
	// Settings of a deploy action as a spec writes them, by name: network, count, examples, metrics, sampler, seed. What is not here is as
	// in the first deploy action of the model, or a default.
	Settings map[string]string
	Export   string   // folder for what the chips are loaded with; "": none is written
	Data     []string // where data sets are looked for, in order
	Threads  int
	Version  string // of this program, for the report
	Watch    Watcher
}

// Deploy puts a model of a run, finished or not, on chips and emulates them, with the newest checkpoint's weights: averaged ones where the
// training averages. What it finds is written into RUN/deploy, beside what the run itself has there, under MODEL-UPDATES, and the run's
// report is made anew. What it was loaded with is exported as TARGET.json, with its tensors in TARGET.safetensors. The findings, with the
// texts that they point into, are about the spec in the run folder and the settings.
func Deploy(ctx context.Context, h *host.Host, o DeployOptions) (diag.List, diag.Sources, error) {
	options, err := readRun(o.Run)
	if err != nil {
		return nil, nil, err
	}
	x, found, sources, err := o.load(ctx, h, options)
	if err != nil || x == nil {
		return found, sources, err
	}
	err = o.deploy(ctx, x, options)
	var refused *Refused
	var failed *Failed
	switch {
	case errors.As(err, &refused):
		return refused.Found, sources, nil
	case errors.As(err, &failed):
		return failed.Found, sources, nil
	}
	return nil, nil, err
}

// deploy does the deploy action of the model in the run folder.
func (o *DeployOptions) deploy(ctx context.Context, x *Experiment, run record.Options) (err error) {
	r := &runner{x: x, o: RunOptions{Folder: o.Run, Data: o.Data, Threads: o.Threads, Version: o.Version, Watch: o.Watch}, export: o.Export,
		models: map[*build.Model]*train.Model{}, starts: map[*build.Model]train.Weights{}}
	near := filepath.Dir(x.Name)
	if run.Near != "" {
		near = filepath.Join(o.Run, filepath.FromSlash(run.Near))
	}
	r.sets, r.all = newDatasets(o.Data, near), x.jobs()
	j := r.all[slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "deploy" && j.model.Name == o.Model })]
	r.jobs = []*job{j}
	if found := r.refuse(ctx); found.HasErrors() {
		if err := ctx.Err(); err != nil { // which is what stands in the way then
			return err
		}
		return &Refused{found}
	}
	if r.folder, err = record.Open(o.Run); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.folder.Close()) }()
	if r.done, err = r.folder.Actions(); err != nil {
		return err
	}
	return x.located(j.name, r.deployNewest(ctx, j))
}

// readRun reads with which options a run was begun.
func readRun(run string) (record.Options, error) {
	options, err := record.ReadOptions(run)
	if errors.Is(err, fs.ErrNotExist) && record.IsSweep(run) {
		return options, fmt.Errorf("%s holds the runs of a sweep: name the folder of one of them", run)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return options, fmt.Errorf("%s is no folder of a run, or nothing has begun in it", run)
	}
	return options, err
}

// load loads the spec of a run with a deploy action of the settings. It chooses the model.
func (o *DeployOptions) load(ctx context.Context, h *host.Host, run record.Options) (*Experiment, diag.List, diag.Sources, error) {
	path := filepath.Join(o.Run, record.SpecFolder, run.Spec)
	text, err := readFile(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the spec of a run: %w", err)
	}
	file, found, sources := parse(path, text)
	if o.Model, err = chosenModel(file, "deploy", o.Model); err != nil {
		return nil, nil, nil, err
	}
	if !slices.ContainsFunc(file.Items, func(item dsl.Item) bool { return acts(item, "deploy", o.Model) }) {
		if len(o.Targets) == 0 {
			return nil, nil, nil, fmt.Errorf("name a target by --target: the spec of the run deploys model `%s` on none; `snnc deploy --list` lists them", o.Model)
		}
		const label = "snnc deploy"
		own := []byte(fmt.Sprintf("snn 1\ndeploy %s { }\n", o.Model))
		added, _ := dsl.Parse(label, own)
		sources[label] = own
		file.Items = append(file.Items, added.Items...)
	}
	values := maps.Clone(o.Settings)
	if values == nil {
		values = map[string]string{}
	}
	if len(o.Targets) > 0 {
		values["targets"] = "[" + strings.Join(o.Targets, ", ") + "]"
	}
	var changes []dsl.Change
	for _, name := range []string{"targets", "network", "count", "examples", "metrics", "sampler", "seed"} {
		value, ok := values[name]
		if !ok {
			continue
		}
		label := "--" + strings.TrimSuffix(name, "s")
		if name == "examples" || name == "metrics" {
			label = "--" + name
		}
		text := fmt.Sprintf("deploy.%s[0].%s = %s", o.Model, name, value)
		change, bad := dsl.ParseChange(label, text)
		sources[label] = []byte(text)
		found, changes = append(found, bad...), append(changes, change)
	}
	if found.HasErrors() {
		return nil, found, sources, nil
	}
	x, more := loadFile(ctx, h, file, text, Options{Preset: run.Preset, Sets: run.Set}, changes, sources)
	if found = append(found, more...); found.HasErrors() {
		return nil, found, sources, nil
	}
	return x, nil, sources, nil
}

// chosenModel finds the model of an action of a kind where none is named.
func chosenModel(file *dsl.File, kind, name string) (string, error) {
	var trained, acted []string
	for _, item := range file.Items {
		switch a, ok := item.(*dsl.Action); {
		case ok && a.Kind == "train":
			trained = append(trained, a.Model.Text)
		case ok && a.Kind == kind:
			acted = append(acted, a.Model.Text)
		}
	}
	switch {
	case name != "" && !slices.Contains(trained, name):
		return "", fmt.Errorf("the run trains no model `%s`: it trains %s", name, strings.Join(trained, ", "))
	case name != "":
		return name, nil
	case len(acted) > 0:
		return acted[0], nil
	case len(trained) == 1:
		return trained[0], nil
	}
	return "", fmt.Errorf("name a model by --model: the run trains %s", strings.Join(trained, ", "))
}

// deployNewest does a deploy action with the newest weights of its training, under a name that nothing in the folder has.
func (r *runner) deployNewest(ctx context.Context, j *job) error {
	t := r.training(j.model)
	rec, newest, err := r.x.newest(r.o.Folder, r.done, t)
	if err != nil {
		return err
	}
	for _, passed := range newest.Passed {
		r.o.Watch.Say(j.name, fmt.Sprintf("passed over a damaged checkpoint: %v", passed))
	}
	r.pool = r.x.Pool(r.o.Threads)
	defer r.pool.Close()
	m, err := r.newModel(t)
	if err != nil {
		return err
	}
	average := t.Settings.Real("average") > 0
	if err := m.Restore(newest.File, average); err != nil {
		return fmt.Errorf("take the weights of %s: %w", newest.Path, err)
	}
	r.models[j.model] = m
	weights := "weights"
	if average {
		weights = "averaged weights"
	}
	r.o.Watch.Say(j.name, fmt.Sprintf("%s after %d of %d updates", weights, newest.Step, max(rec.Updates, int(newest.Step))))
	delete(r.done, j.id) // its name is that of what the run has deployed itself
	base := "deploy " + j.model.Name + "-" + strconv.FormatUint(newest.Step, 10)
	j.name = base
	for i := 2; r.folder.HasDeploymentOf(j.name); i++ {
		j.name = base + "." + strconv.Itoa(i)
	}
	return errors.Join(r.deploy(ctx, j), r.report())
}

// newest returns the record and the newest checkpoint of a training of a run.
func (x *Experiment) newest(run string, done map[string]record.ActionRecord, t *job) (record.ActionRecord, *checkpoint.Found, error) {
	rec, begun := done[t.id]
	if !begun {
		return rec, nil, fmt.Errorf("the training of model `%s` has not begun in %s", t.model.Name, run)
	}
	_, name, _ := strings.Cut(rec.Name, " ")
	newest, err := newestOf(run, name)
	if errors.Is(err, checkpoint.ErrNone) || err == nil && newest.File.Metadata[keyMetadata] != rec.Key {
		err = fmt.Errorf("the training of model `%s` in %s has no checkpoint yet", t.model.Name, run)
	}
	return rec, newest, err
}

// exported writes what a chip is loaded with into the folder for that, where it is wanted.
func (r *runner) exported(ctx context.Context, action, target string, chip *host.Chip) error {
	if r.export == "" {
		return nil
	}
	text, tensors, err := chip.Export(ctx)
	if err != nil {
		return fmt.Errorf("export from %s: %w", target, err)
	}
	if err := os.MkdirAll(r.export, 0o777); err != nil {
		return fmt.Errorf("make a folder for exports: %w", err)
	}
	path := filepath.Join(r.export, target)
	f := &checkpoint.File{}
	for _, t := range tensors {
		f.Tensors = append(f.Tensors, checkpoint.Tensor{Name: t.Name, DType: checkpoint.DType(t.DType), Shape: t.Dims, Data: t.Bytes})
	}
	if err := checkpoint.Write(path+".safetensors", f); err != nil {
		return err
	}
	if err := wholefile.WriteBytes(path+".json", []byte(text)); err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	r.o.Watch.Say(action, fmt.Sprintf("    what it is loaded with is in %s.json and .safetensors; `snnc emulate` reads it", path))
	return nil
}
