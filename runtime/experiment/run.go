package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"time"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// RunOptions say how a spec is run.
type RunOptions struct {
	Folder  string   // the run folder
	Data    []string // where data sets are looked for, in order
	Threads int
	Restart bool        // do the selected actions anew
	Shared  []string    // run folders from which what is done there is taken over where this run is to do the same
	Only    []Selection // empty: all actions
	Version string      // of this program, for the report
	Watch   Watcher
}

// Watcher is told what happens in a run.
type Watcher interface {
	Event(record.Event)       // a line of events.jsonl was written
	Step(Progress)            // an update is done
	Say(action, words string) // something that a person wants to know
	// Warn tells findings that stop nothing, with the texts that they point into.
	Warn(found diag.List, sources diag.Sources)
}

// Progress is where a training stands.
type Progress struct {
	train.Progress
	Action            string
	ExamplesPerSecond float64
	Left              time.Duration // until the training is done, at the present rate
}

// runner runs one experiment.
type runner struct {
	x      *Experiment
	o      RunOptions
	folder *record.Folder
	done   map[string]record.ActionRecord // by the id of an action
	all    []*job
	jobs   []*job // those that are selected
	pool   *exec.Pool
	sets   *datasets
	models map[*build.Model]*train.Model
	starts map[*build.Model]train.Weights // that trainings begin with, where these are not random

	export    string               // folder for what chips are loaded with; "": it is not wanted
	example   int                  // the number of the one that goes in
	standards map[string]*standard // feature networks of this program that are in use

	documented bool
	warned     diag.List // what has been passed on
}

// Run does the selected actions in file order. What an earlier run in the folder has done is not done again, unless what it left
// is gone; what it has begun goes on. A cancelled context ends the run at the next update, after a checkpoint, with the
// context's error.
func (x *Experiment) Run(ctx context.Context, o RunOptions) (err error) {
	r := &runner{x: x, o: o, sets: newDatasets(o.Data, filepath.Dir(x.Name)), models: map[*build.Model]*train.Model{}, starts: map[*build.Model]train.Weights{}}
	r.all = x.jobs()
	if r.jobs, err = selected(r.all, o.Only); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	if r.folder, err = record.Open(o.Folder); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.folder.Close()) }()
	if r.done, err = r.folder.Actions(); err != nil {
		return fmt.Errorf("%w; it is damaged or of another version: run with --out to use another folder, or remove %s to begin anew", err, o.Folder)
	}
	if err := r.begin(); err != nil {
		return err
	}
	r.pool = r.x.Pool(o.Threads)
	defer r.pool.Close()
	for _, j := range r.jobs {
		if err := r.do(ctx, j); err != nil {
			return errors.Join(r.x.located(j.name, err), r.report())
		}
	}
	if _, err := record.ReadModels(o.Folder); err != nil { // a finished run of an earlier version
		if err := r.document(); err != nil {
			return err
		}
	}
	return r.report()
}

// near is the folder of the spec from the run folder, where the spec uses plugins.
func (r *runner) near() string {
	uses := func(f *dsl.File) bool {
		return slices.ContainsFunc(f.Items, func(item dsl.Item) bool { _, ok := item.(*dsl.Use); return ok })
	}
	if !slices.ContainsFunc(r.x.Spec.File.Files(), uses) {
		return ""
	}
	run, err := filepath.Abs(r.folder.Path(""))
	if err != nil {
		return ""
	}
	spec, err := filepath.Abs(filepath.Dir(r.x.Name))
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(run, spec)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

// document writes down what is run, once, when the first action that is not done begins.
func (r *runner) document() error {
	if r.documented {
		return nil
	}
	r.documented = true
	texts := map[string]string{}
	for _, f := range r.x.Spec.File.Files() {
		texts[f.Path] = string(f.Text)
	}
	if err := r.folder.WriteTexts(record.SpecFolder, texts); err != nil {
		return err
	}
	o := record.Options{Spec: path.Base(r.x.Spec.File.Path), Preset: r.x.Options.Preset, Set: r.x.Options.Sets, Near: r.near()}
	if err := r.folder.SetOptions(o); err != nil {
		return err
	}
	models, err := r.notes()
	if err != nil {
		return err
	}
	if err := r.folder.SetModels(models); err != nil {
		return err
	}
	programs := map[string]string{}
	for _, m := range r.x.Models {
		programs[m.Name+".txt"] = m.Program.Print()
		for role, module := range m.Modules {
			programs[m.Name+"."+role+".txt"] = module.Print()
		}
	}
	for _, j := range r.all {
		if j.use != nil {
			maps.Copy(programs, j.use.texts(j.name))
		}
	}
	return r.folder.WriteTexts(record.ProgramFolder, programs)
}

// do does one action, or says that it is done.
func (r *runner) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.Kind == "train" {
		return r.train(ctx, j)
	}
	if old := r.done[j.id]; old.Done && old.Key == j.key && old.Parts[sheetPart] == j.parts[sheetPart] {
		there, err := r.left(j)
		if err != nil {
			return err
		}
		if there {
			r.o.Watch.Say(j.name, "done already")
			return nil
		}
		r.o.Watch.Say(j.name, "done again: what it left is not in the folder any more")
	}
	if err := r.document(); err != nil {
		return err
	}
	if err := r.put(j, false); err != nil { // what it has done so far does not hold from here on
		return err
	}
	if err := r.forget(j); err != nil {
		return err
	}
	start := time.Now()
	taken, err := r.takes(j)
	switch {
	case err != nil || taken:
	case j.Kind == "sample":
		err = r.sample(ctx, j)
	case j.Kind == "evaluate":
		err = r.evaluate(ctx, j)
	case j.Kind == "deploy":
		err = r.deploy(ctx, j)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	if err := r.tell(record.Event{Action: r.called(j), Kind: record.Done, Seconds: time.Since(start).Seconds()}); err != nil {
		return err
	}
	return r.put(j, true)
}

// put records that an action is begun, or done.
func (r *runner) put(j *job, done bool) error {
	a := record.ActionRecord{Name: r.called(j), Key: j.key, Parts: j.parts, Done: done}
	if j.Kind == "train" {
		a.Updates = j.updates(r.trainSet(j).Len())
	}
	r.done[j.id] = a
	return r.folder.PutAction(j.id, r.done[j.id])
}

// called returns the name that the files of an action have: a rename in the spec does not move them.
func (r *runner) called(j *job) string {
	if old := r.done[j.id]; old.Name != "" {
		return old.Name
	}
	return j.name
}

// tell writes an event and passes it on. What an earlier, interrupted try of the same action wrote is not there any more.
func (r *runner) tell(e record.Event) error {
	if err := r.folder.Append(e); err != nil {
		return err
	}
	r.o.Watch.Event(e)
	return nil
}

// forget drops the events and figures of an action, which is done anew.
func (r *runner) forget(j *job) error {
	if j.Kind == "evaluate" {
		if err := r.folder.RemoveMetrics(r.called(j)); err != nil {
			return err
		}
	}
	return r.folder.Cut(func(e record.Event) bool { return e.Action != r.called(j) })
}

// trainSet returns the examples of a training.
func (r *runner) trainSet(t *job) *data.Set { return r.sets.of(t.Data, data.Train) }

// trained returns a model with the weights of its finished training.
func (r *runner) trained(of *build.Model) (*train.Model, error) {
	if m := r.models[of]; m != nil {
		return m, nil
	}
	t := r.training(of)
	if old := r.done[t.id]; !old.Done || old.Parts[lengthPart] != t.parts[lengthPart] {
		return nil, fmt.Errorf("model `%s` is not trained yet as the spec says (%s): run without --only, or with --only train:%s first", of.Name, t.length(), of.Name)
	}
	m, err := r.newModel(t)
	if err != nil {
		return nil, err
	}
	found, err := r.latest(t)
	if err != nil {
		return nil, fmt.Errorf("%w: run with --only train:%s --restart to train anew", err, of.Name)
	}
	if whole := t.updates(r.trainSet(t).Len()); len(found.Passed) > 0 || found.Step != uint64(whole) || found.File.Metadata[keyMetadata] != t.key {
		why := fmt.Errorf("%s is not the end of the training of %d updates", found.Path, whole)
		if len(found.Passed) > 0 {
			why = found.Passed[0]
		}
		return nil, fmt.Errorf("the weights of the trained model are not there (%w): run with --only train:%s, which goes on from what is there", why, of.Name)
	}
	if err := m.Restore(found.File, t.Settings.Real("average") > 0); err != nil {
		return nil, err
	}
	r.models[of] = m
	return m, nil
}

// training returns the train job of a model, selected or not.
func (r *runner) training(m *build.Model) *job {
	return r.all[slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "train" && j.model == m })]
}

func (r *runner) newModel(t *job) (*train.Model, error) {
	return train.NewModel(t.model.Program, t.model.Modules, uint64(t.Settings.Int("seed")), r.pool)
}
