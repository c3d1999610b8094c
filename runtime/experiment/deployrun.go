package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// DeployOptions say how a model of a run is put on chips.
type DeployOptions struct {
	Run     string   // the run folder
	Model   string   // "": the first that the spec deploys, or the only one that it trains
	Targets []string // chips as a spec writes them, such as `chip(cores = 4)`; none: those of the first deploy action of the model
	// Settings of a deploy action as a spec writes them, by name: network, count, examples, metrics, sampler, seed, repeats. What is not here is as
	// in the first deploy action of the model, or a default.
	Settings map[string]string
	Export   string   // folder for what the chips are loaded with; "": none is written
	Example  int      // the number of the example that the export holds, of those that are judged or drawn
	Data     []string // where data sets are looked for, in order
	Threads  int
	Version  string // of this program, for the report
	Watch    Watcher
}

// Deploy puts a model of a run, finished or not, on chips and emulates them, with the newest checkpoint's weights: averaged ones where the
// training averages. What it finds is written into RUN/deploy, beside what the run itself has there, under MODEL-UPDATES, and the run's
// report is made anew. What it was loaded with is exported as TARGET.json, with its tensors in TARGET.safetensors, or as TARGET.2.json and
// so on where there is one, and with an example of which TARGET.example.json says what the chip made. The findings, with the texts that
// they point into, are about the spec in the run folder and the settings.
func Deploy(ctx context.Context, h *host.Host, o DeployOptions) (diag.List, diag.Sources, error) {
	options, err := readRun(o.Run)
	if err != nil {
		return nil, nil, err
	}
	x, model, found, sources, err := o.asked().load(ctx, h, options)
	if err != nil || x == nil {
		return found, sources, err
	}
	err = o.deploy(ctx, x, model, options)
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

// asked is the deploy action that the options ask for.
func (o *DeployOptions) asked() *asked {
	a := &asked{run: o.Run, kind: "deploy", model: o.Model}
	if len(o.Targets) > 0 {
		a.flags = []flag{{"--target", "targets", "[" + strings.Join(o.Targets, ", ") + "]"}}
	} else {
		a.alone = func(model string) error {
			return fmt.Errorf("name a target by --target: the spec of the run deploys model `%s` on none; `snnc deploy --list` lists them", model)
		}
	}
	a.flags = append(a.flags, flagsOf(o.Settings, "network", "count", "examples", "metrics", "sampler", "seed", "repeats")...)
	return a
}

// deploy does the deploy action of the model in the run folder.
func (o *DeployOptions) deploy(ctx context.Context, x *Experiment, model string, run record.Options) (err error) {
	r := &runner{x: x, o: RunOptions{Folder: o.Run, Data: o.Data, Threads: o.Threads, Version: o.Version, Watch: o.Watch}, export: o.Export, example: o.Example,
		models: map[*build.Model]*train.Model{}, starts: map[*build.Model]train.Weights{}}
	near := filepath.Dir(x.Name)
	if run.Near != "" {
		near = filepath.Join(o.Run, filepath.FromSlash(run.Near))
	}
	r.sets, r.all = newDatasets(o.Data, near), x.jobs()
	j := r.all[slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "deploy" && j.model.Name == model })]
	r.jobs = []*job{j}
	if err := r.ready(ctx); err != nil {
		return err
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

// deployNewest does a deploy action with the newest weights of its training, under a name that nothing in the folder has.
func (r *runner) deployNewest(ctx context.Context, j *job) error {
	t := r.training(j.model)
	r.pool = r.x.Pool(r.o.Threads)
	defer r.pool.Close()
	m, updates, found, err := r.newest(t, func(words string) { r.o.Watch.Say(j.name, words) })
	if found.HasErrors() {
		return &Refused{found}
	}
	if err != nil {
		return err
	}
	r.models[j.model] = m
	delete(r.done, j.id) // its name is that of what the run has deployed itself
	base := "deploy " + j.model.Name + "-" + strconv.FormatUint(updates, 10)
	j.name = base
	for i := 2; r.folder.HasDeploymentOf(j.name); i++ {
		j.name = base + "." + strconv.Itoa(i)
	}
	return errors.Join(r.deploy(ctx, j), r.report())
}
