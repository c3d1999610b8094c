package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// asked is an action that flags ask for, on a run that is there.
type asked struct {
	run   string // the run folder
	kind  string // of the action
	model string // "": the first that the spec has such an action of, or the only one that it trains
	flags []flag // settings that are not as in the first such action of the model
	// alone says why flags are not enough where the spec has no such action of the model; nil: they are.
	alone func(model string) error
	// given is told of each setting of the action by a flag; it may change the action in the file. nil: nobody is told.
	given func(file *dsl.File, model, setting string, value dsl.Expr)
}

// flag is a setting as a spec writes it.
type flag struct{ label, setting, value string }

// flagsOf returns settings in the order of names, with the flags that they come from.
func flagsOf(settings map[string]string, names ...string) (out []flag) {
	for _, name := range names {
		if value, ok := settings[name]; ok {
			out = append(out, flag{"--" + name, name, value})
		}
	}
	return out
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

// load loads the spec of the run, which was begun with the options, with the action as flags have it: the first of its kind and model.
// The experiment is nil where there is a finding or an error.
func (a *asked) load(ctx context.Context, h *host.Host, run record.Options) (x *Experiment, model string, found diag.List, sources diag.Sources, err error) {
	path := filepath.Join(a.run, record.SpecFolder, run.Spec)
	text, err := readFile(path)
	if err != nil {
		return nil, "", nil, nil, fmt.Errorf("read the spec of a run: %w", err)
	}
	file, found, sources := parse(path, text)
	if model, err = chosenModel(file, a.kind, a.model); err != nil {
		return nil, "", nil, nil, err
	}
	if !slices.ContainsFunc(file.Items, func(item dsl.Item) bool { return acts(item, a.kind, model) }) {
		if a.alone != nil {
			if err := a.alone(model); err != nil {
				return nil, "", nil, nil, err
			}
		}
		label := "snnc " + a.kind
		own := []byte(fmt.Sprintf("snn 1\n%s %s { }\n", a.kind, model))
		added, _ := dsl.Parse(label, own)
		sources[label] = own
		file.Items = append(file.Items, added.Items...)
	}
	var changes []dsl.Change
	for _, f := range a.flags {
		text := fmt.Sprintf("%s.%s[0].%s = %s", a.kind, model, f.setting, f.value)
		change, bad := dsl.ParseChange(f.label, text)
		sources[f.label] = []byte(text)
		found, changes = append(found, bad...), append(changes, change)
		if a.given != nil {
			a.given(file, model, f.setting, change.Value)
		}
	}
	if found.HasErrors() {
		return nil, model, found, sources, nil
	}
	x, more := loadFile(ctx, h, file, text, Options{Preset: run.Preset, Sets: run.Set}, changes, sources)
	if found = append(found, more...); found.HasErrors() {
		return nil, model, found, sources, nil
	}
	return x, model, nil, sources, nil
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

// acts reports whether a statement is an action of a kind and model.
func acts(item dsl.Item, kind, model string) bool {
	a, ok := item.(*dsl.Action)
	return ok && a.Kind == kind && a.Model.Text == model
}

// newest gives the model of a training of the run its weights of the newest checkpoint, averaged ones where the training averages, and
// says what they are. It returns after how many updates they are.
func (r *runner) newest(t *job, say func(words string)) (m *train.Model, updates uint64, found diag.List, err error) {
	rec, newest, err := r.newestCheckpoint(t)
	if err != nil {
		return nil, 0, nil, err
	}
	for _, passed := range newest.Passed {
		say(fmt.Sprintf("passed over a damaged checkpoint: %v", passed))
	}
	codes, found := r.x.codes(t.model.Built)
	if found.HasErrors() {
		return nil, 0, found, nil
	}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		if was := rec.Parts[name]; was != "" && was != codes[name] {
			say("the " + name + " has changed since this training: what follows is computed with it as it is now")
		}
	}
	if m, err = r.newModel(t); err != nil {
		return nil, 0, nil, err
	}
	weights := "weights"
	average := t.Settings.Real("average") > 0
	if average {
		weights = "averaged weights"
	}
	if err := m.Restore(newest.File, average); err != nil {
		return nil, 0, nil, fmt.Errorf("take the weights of %s: %w", newest.Path, err)
	}
	say(fmt.Sprintf("%s of model `%s` after %d of %d updates", weights, t.model.Name, newest.Step, max(rec.Updates, int(newest.Step))))
	return m, newest.Step, nil, nil
}

// newestCheckpoint returns the record and the newest checkpoint of a training of the run.
func (r *runner) newestCheckpoint(t *job) (record.ActionRecord, *checkpoint.Found, error) {
	rec, begun := r.done[t.id]
	if !begun {
		return rec, nil, fmt.Errorf("the training of model `%s` has not begun in %s", t.model.Name, r.o.Folder)
	}
	_, name, _ := strings.Cut(rec.Name, " ")
	newest, err := newestOf(r.o.Folder, name)
	if errors.Is(err, checkpoint.ErrNone) || err == nil && newest.File.Metadata[keyMetadata] != rec.Key {
		err = fmt.Errorf("the training of model `%s` in %s has no checkpoint yet", t.model.Name, r.o.Folder)
	}
	return rec, newest, err
}

// readFile reads a spec, but no more of it than shows that it is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, dsl.MaxFile+1))
}
