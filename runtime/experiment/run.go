package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/checkpoint"
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
	Shared  []string    // run folders whose trainings are taken over where they are those of this run, or their first updates
	Only    []Selection // empty: all actions
	Version string      // of this program, for the report
	Watch   Watcher
}

// Watcher is told what happens in a run.
type Watcher interface {
	Event(record.Event)       // a line of events.jsonl was written
	Step(Progress)            // an update is done
	Say(action, words string) // something that a person wants to know
}

// Progress is where a training stands.
type Progress struct {
	train.Progress
	Action            string
	ExamplesPerSecond float64
	Left              time.Duration // until the training is done, at the present rate
}

// Selection names actions: all of a kind, or those of one model.
type Selection struct{ Kind, Model string }

// ParseSelection reads `train`, or `train:digit`.
func ParseSelection(text string) (Selection, error) {
	kind, model, _ := strings.Cut(text, ":")
	if !slices.Contains([]string{"train", "sample", "evaluate", "deploy"}, kind) {
		return Selection{}, fmt.Errorf("%q is none of train, sample, evaluate, deploy, or one of these with `:MODEL`", text)
	}
	return Selection{kind, model}, nil
}

// Changed is the error of a run folder whose trained model or results belong to a spec that computes something else.
type Changed struct {
	Folder  string
	Changes []string // one line each, headed by the action
}

func (e *Changed) Error() string {
	return fmt.Sprintf("%s holds the run of a spec that computes something else:\n    %s\nrun with --restart to do these actions anew (--only chooses some), or with --out to keep both",
		e.Folder, strings.Join(e.Changes, "\n    "))
}

// NothingSelected is the error of a selection that the spec has no action for.
type NothingSelected struct{ Selection Selection }

func (e *NothingSelected) Error() string {
	if e.Selection.Model != "" {
		return fmt.Sprintf("the spec has no `%s %s`", e.Selection.Kind, e.Selection.Model)
	}
	return fmt.Sprintf("the spec has no `%s`", e.Selection.Kind)
}

// Refused is the error of a run that cannot begin: its findings point into the spec.
type Refused struct{ Found diag.List }

func (e *Refused) Error() string { return "the run cannot begin" }

// runner runs one experiment.
type runner struct {
	x      *Experiment
	o      RunOptions
	folder *record.Folder
	done   map[string]record.ActionRecord // by the id of an action
	all    []*job
	jobs   []*job // those that are selected
	pool   *exec.Pool
	sets   map[string]*data.Set                 // by data definition and split
	reads  map[string]func() (*data.Set, error) // those that are being read, until they are in sets
	models map[*Model]*train.Model
	starts map[*Model]train.Weights // that trainings begin with, where these are not random

	standards map[string]*standard // feature networks of this program that are in use

	documented bool
}

// Run does the selected actions in file order. What an earlier run in the folder has done is not done again, unless what it left
// is gone; what it has begun goes on. A cancelled context ends the run at the next update, after a checkpoint, with the
// context's error.
func (x *Experiment) Run(ctx context.Context, o RunOptions) (err error) {
	r := &runner{x: x, o: o, sets: map[string]*data.Set{}, models: map[*Model]*train.Model{}, starts: map[*Model]train.Weights{}}
	r.all = x.jobs()
	if r.jobs, err = selected(r.all, o.Only); err != nil {
		return err
	}
	if found := r.refuse(ctx); found.HasErrors() {
		return &Refused{found}
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
	r.pool = exec.NewPool(o.Threads)
	defer r.pool.Close()
	for _, j := range r.jobs {
		if err := r.do(ctx, j); err != nil {
			return errors.Join(err, r.report())
		}
	}
	if _, err := record.ReadModels(o.Folder); err != nil { // a finished run of an earlier version
		if err := r.document(); err != nil {
			return err
		}
	}
	return r.report()
}

// selected returns the jobs that --only chooses.
func selected(jobs []*job, only []Selection) ([]*job, error) {
	if len(only) == 0 {
		return jobs, nil
	}
	for _, s := range only {
		if !slices.ContainsFunc(jobs, s.chooses) {
			return nil, &NothingSelected{s}
		}
	}
	var out []*job
	for _, j := range jobs {
		if slices.ContainsFunc(only, func(s Selection) bool { return s.chooses(j) }) {
			out = append(out, j)
		}
	}
	return out, nil
}

func (s Selection) chooses(j *job) bool {
	return s.Kind == j.Kind && (s.Model == "" || s.Model == j.model.Name)
}

// begin compares the jobs, and the trainings that they read, with what the folder records.
func (r *runner) begin() error {
	var changed []string
	for _, j := range r.all {
		if j.parts == nil {
			continue // neither selected nor read by one that is
		}
		c, err := r.stranger(j)
		if err != nil {
			return err
		}
		if c != "" {
			changed = append(changed, j.name+": "+c)
		}
		old, begun := r.done[j.id]
		if !begun || r.anew(j.id) {
			continue
		}
		except := []string{trainingPart, sheetPart}
		if !j.bound {
			except = append(except, lengthPart)
		}
		for _, c := range changes(old.Parts, j.parts, except...) {
			if strings.HasPrefix(c, lengthPart) {
				c += ", on which the schedule or the model depends"
			}
			changed = append(changed, j.name+": "+c)
		}
	}
	if len(changed) > 0 {
		return &Changed{r.o.Folder, changed}
	}
	if err := r.fits(); err != nil {
		return err
	}
	for _, j := range r.jobs {
		if r.anew(j.id) {
			if err := r.discard(j); err != nil {
				return err
			}
		}
	}
	return nil
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
	if err := r.folder.SetOptions(record.Options{Spec: path.Base(r.x.Spec.File.Path), Preset: r.x.Options.Preset, Set: r.x.Options.Sets}); err != nil {
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

// anew reports whether an action is to begin anew.
func (r *runner) anew(id string) bool {
	return r.o.Restart && slices.ContainsFunc(r.jobs, func(j *job) bool { return j.id == id })
}

// stranger says why an action cannot begin, or go on, in this folder: under the name of its files there are things of another
// one. (Two records of one name come of a --restart with exchanged names that was killed.)
func (r *runner) stranger(j *job) (string, error) {
	name := r.called(j)
	if r.anew(j.id) {
		name = j.name
	}
	for id, other := range r.done {
		if id != j.id && other.Name == name && !r.anew(id) {
			return "the folder has this name for what the spec now calls something else", nil
		}
	}
	if _, begun := r.done[j.id]; begun || r.anew(j.id) || j.Kind != "train" {
		return "", nil
	}
	steps, err := checkpoint.Steps(r.folder.Path(record.CheckpointFolder), r.file(j))
	if err == nil && len(steps) > 0 {
		return "the folder has checkpoints of this name and no record of what they are of", nil
	}
	return "", err
}

// discard removes what an earlier run of an action has left. It is recorded as begun anew first: where the process dies on the
// way, resume finds checkpoints of another key and removes them.
func (r *runner) discard(j *job) error {
	if err := r.put(j, false); err != nil {
		return err
	}
	if err := r.forget(j); err != nil {
		return err
	}
	if j.Kind == "train" {
		if err := r.wipe(j); err != nil {
			return err
		}
	}
	if r.called(j) == j.name {
		return nil
	}
	delete(r.done, j.id) // from here on its files have the new name
	return r.put(j, false)
}

// wipe removes the checkpoints and the sheets of a training.
func (r *runner) wipe(j *job) error {
	if err := r.removeCheckpoints(j); err != nil {
		return err
	}
	return r.folder.RemoveSheets(r.file(j), r.file(j)+reconstructions)
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

// refuse opens the data sets, makes the keys, and finds what this version cannot do: everything that can be known before the
// first step.
func (r *runner) refuse(ctx context.Context) (found diag.List) {
	for _, j := range r.jobs {
		found = append(found, r.x.notYet(j)...)
	}
	if found.HasErrors() {
		return found
	}
	r.read(ctx)
	for _, j := range r.jobs {
		t := r.training(j.model)
		if found = append(found, r.identify(ctx, t)...); t.key == "" {
			continue
		}
		own := map[string]string{}
		if j.use != nil {
			own = j.use.parts()
		}
		switch j.Kind {
		case "train":
			continue
		case "evaluate":
			set, bad := r.open(ctx, j.Data, data.Split(j.Settings.Text("reference")))
			found = append(found, bad...)
			if set == nil {
				continue
			}
			own["reference data"] = set.Hash()
			hashes, bad := r.splits(ctx, j)
			if found = append(found, bad...); bad.HasErrors() {
				continue
			}
			maps.Copy(own, hashes)
			hashes, bad = r.standardFeatures(ctx, j)
			if found = append(found, bad...); bad.HasErrors() {
				continue
			}
			maps.Copy(own, hashes)
			models, _ := r.x.featureModels(j)
			for _, name := range models {
				t := r.training(r.x.named(name))
				found = append(found, r.identify(ctx, t)...)
				own["features of "+name] = t.outcome()
			}
		case "deploy":
			for i, v := range j.Settings["targets"].Items {
				own["target "+v.Text] = r.x.component(j.Plugins[fmt.Sprintf("targets[%d]", i)], schema.Target, v.Text).Version
			}
		}
		j.useParts(t.key+" "+t.length(), own)
	}
	return found
}

// identify makes the key of a training, and those of the trainings of the models that it is made of. It has none where something
// was found, which is told once.
func (r *runner) identify(ctx context.Context, t *job) (found diag.List) {
	if t.key != "" {
		return nil
	}
	others := map[*Model]string{}
	for _, o := range t.model.others {
		of := r.training(o.model)
		if found = append(found, r.identify(ctx, of)...); of.key == "" {
			return found
		}
		others[o.model] = of.outcome()
	}
	set, bad := r.open(ctx, t.Data, data.Train)
	if found = append(found, bad...); set == nil {
		return found
	}
	start, tried := r.starts[t.model]
	if tried {
		return found // it has its finding
	}
	start, bad = r.start(t)
	r.starts[t.model] = start
	if found = append(found, bad...); !bad.HasErrors() {
		t.trainParts(set.Hash(), start, others)
	}
	return found
}

// splits reports whether a metric of a job takes both splits of its data, whatever the reference is.
func (j *job) splits() bool {
	return slices.ContainsFunc(j.Settings["metrics"].Items, func(v schema.Value) bool { return measures()[v.Text].splits })
}

// splits opens both splits of the data of a job where a metric takes them, and returns their hashes by the parts of the key that
// they are. The examples of the training are a part of it already where the data are those.
func (r *runner) splits(ctx context.Context, j *job) (hashes map[string]string, found diag.List) {
	hashes = map[string]string{}
	if !j.splits() {
		return hashes, nil
	}
	parts := map[data.Split]string{data.Test: "held-out data"}
	if j.Data != j.model.Data {
		parts[data.Train] = "data of training"
	}
	for _, split := range []data.Split{data.Train, data.Test} {
		set, bad := r.open(ctx, j.Data, split)
		if found = append(found, bad...); set != nil && parts[split] != "" {
			hashes[parts[split]] = set.Hash()
		}
	}
	return hashes, found
}

// read begins to read the data of the selected jobs, all at once: unpacking them is most of what comes before the first step.
func (r *runner) read(ctx context.Context) {
	r.reads = map[string]func() (*data.Set, error){}
	begin := func(d *check.Data, split data.Split) {
		key := d.Name + "/" + string(split)
		if r.reads[key] != nil {
			return
		}
		read := sync.OnceValues(func() (*data.Set, error) {
			s, err := data.Open(ctx, d.Set, d.Args, split, r.o.Data)
			if err == nil {
				s.Hash() // which the keys of the jobs want
			}
			return s, err
		})
		r.reads[key] = read
		go read()
	}
	for _, j := range r.jobs {
		begin(j.model.Data, data.Train)
		if j.Kind == "evaluate" {
			begin(j.Data, data.Split(j.Settings.Text("reference")))
		}
	}
}

// open reads one split of a data set, once; it is nil where that has failed.
func (r *runner) open(ctx context.Context, d *check.Data, split data.Split) (*data.Set, diag.List) {
	key := d.Name + "/" + string(split)
	if s, tried := r.sets[key]; tried {
		return s, nil
	}
	read := r.reads[key]
	if read == nil {
		read = func() (*data.Set, error) { return data.Open(ctx, d.Set, d.Args, split, r.o.Data) }
	}
	s, err := read()
	r.sets[key] = s
	if err == nil {
		return s, nil
	}
	finding := diag.Diagnostic{Code: diag.DataFailed, Range: d.Range, Summary: err.Error()}
	var bad *data.Error
	if errors.As(err, &bad) {
		finding.Help = bad.Help
	}
	return nil, diag.List{finding}
}

// trainSet returns the examples of a training, which open has read.
func (r *runner) trainSet(t *job) *data.Set { return r.sets[t.Data.Name+"/"+string(data.Train)] }

// trained returns the model of a job with the weights of its finished training.
func (r *runner) trained(j *job) (*train.Model, error) {
	if m := r.models[j.model]; m != nil {
		return m, nil
	}
	t := r.training(j.model)
	if old := r.done[t.id]; !old.Done || old.Parts[lengthPart] != t.parts[lengthPart] {
		return nil, fmt.Errorf("model `%s` is not trained yet as the spec says (%s): run without --only, or with --only train:%s first", j.model.Name, t.length(), j.model.Name)
	}
	m, err := r.newModel(t)
	if err != nil {
		return nil, err
	}
	found, err := r.latest(t)
	if err != nil {
		return nil, fmt.Errorf("%w: run with --only train:%s --restart to train anew", err, j.model.Name)
	}
	if whole := t.updates(r.trainSet(t).Len()); len(found.Passed) > 0 || found.Step != uint64(whole) || found.File.Metadata[keyMetadata] != t.key {
		why := fmt.Errorf("%s is not the end of the training of %d updates", found.Path, whole)
		if len(found.Passed) > 0 {
			why = found.Passed[0]
		}
		return nil, fmt.Errorf("the weights of the trained model are not there (%w): run with --only train:%s, which goes on from what is there", why, j.model.Name)
	}
	if err := m.Restore(found.File, t.Settings.Real("average") > 0); err != nil {
		return nil, err
	}
	r.models[j.model] = m
	return m, nil
}

// training returns the train job of a model, selected or not.
func (r *runner) training(m *Model) *job {
	return r.all[slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "train" && j.model == m })]
}

func (r *runner) newModel(t *job) (*train.Model, error) {
	return train.NewModel(t.model.Program, t.model.Modules, uint64(t.Settings.Int("seed")), r.pool)
}
