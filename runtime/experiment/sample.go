package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// SampleOptions say what is drawn from a run.
type SampleOptions struct {
	Run   string // the run folder
	Model string // "": the first that the spec samples, or the only one that it trains
	// Settings of a sample action as a spec writes them, by name: count, seed, sampler, labels, sheet, replace. What is not here is as
	// in the first sample action of the model, or a default.
	Settings map[string]string
	Out      string // the folder for the sheet and its numbers; "" for the current one
	Threads  int
	Say      func(words string) // is told what is done
}

// Sample draws from a model of a run, finished or not, with the newest checkpoint's weights: averaged ones where the training
// averages. It writes OUT/MODEL-UPDATES.png and .npy, or MODEL-UPDATES.2 and so on: it writes over nothing. The run folder is
// only read, and another process may be at work in it. The findings, with the texts that they point into, are about the spec in
// the run folder and the settings.
func Sample(ctx context.Context, h *host.Host, o SampleOptions) (diag.List, diag.Sources, error) {
	options, err := readRun(o.Run)
	if err != nil {
		return nil, nil, err
	}
	x, found, sources, err := o.load(ctx, h, options)
	if err != nil || x == nil {
		return found, sources, err
	}
	jobs := x.jobs()
	at := slices.IndexFunc(jobs, func(j *job) bool { return j.Kind == "sample" && j.model.Name == o.Model })
	j := jobs[at]
	if found := x.notYet(j); found.HasErrors() {
		return found, sources, nil
	}
	models, err := record.ReadModels(o.Run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, m := range models.Models {
		if found := j.unseen(m.Seen, nil); m.Name == o.Model && found.HasErrors() {
			return found, sources, nil
		}
	}
	if err := x.keeps(j).free(); err != nil {
		return nil, nil, err
	}
	done, err := record.ReadActions(o.Run)
	if err != nil {
		return nil, nil, err
	}
	t := jobs[slices.IndexFunc(jobs, func(t *job) bool { return t.Kind == "train" && t.model == j.model })]
	rec, newest, err := x.newest(o.Run, done, t)
	if err != nil {
		return nil, nil, err
	}
	for _, passed := range newest.Passed {
		o.Say(fmt.Sprintf("passed over a damaged checkpoint: %v", passed))
	}
	codes, found := x.codes(j.model.Built)
	if found.HasErrors() {
		return found, sources, nil
	}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		if was := rec.Parts[name]; was != "" && was != codes[name] {
			o.Say("the " + name + " has changed since this training: the samples are drawn with it as it is now")
		}
	}
	err = x.located(j.name, o.draw(ctx, x, j, t, rec, newest))
	var failed *Failed
	if errors.As(err, &failed) {
		return failed.Found, sources, nil
	}
	return nil, nil, err
}

// load loads the spec of a run with the settings. It chooses the model.
func (o *SampleOptions) load(ctx context.Context, h *host.Host, run record.Options) (*Experiment, diag.List, diag.Sources, error) {
	path := filepath.Join(o.Run, record.SpecFolder, run.Spec)
	text, err := readFile(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the spec of a run: %w", err)
	}
	file, found, sources := parse(path, text)
	if o.Model, err = chosenModel(file, "sample", o.Model); err != nil {
		return nil, nil, nil, err
	}
	if !slices.ContainsFunc(file.Items, func(item dsl.Item) bool { return acts(item, "sample", o.Model) }) {
		const label = "snnc sample"
		own := []byte(fmt.Sprintf("snn 1\nsample %s { }\n", o.Model))
		added, _ := dsl.Parse(label, own)
		sources[label] = own
		file.Items = append(file.Items, added.Items...)
	}
	var changes []dsl.Change
	for _, name := range []string{"count", "seed", "sampler", labelsSetting, "sheet", "replace"} {
		value, ok := o.Settings[name]
		if !ok {
			continue
		}
		label := "--" + name
		text := fmt.Sprintf("sample.%s[0].%s = %s", o.Model, name, value)
		change, bad := dsl.ParseChange(label, text)
		sources[label] = []byte(text)
		found, changes = append(found, bad...), append(changes, change)
		o.yield(file, name, change.Value)
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

// yield takes the class out of the action of the spec that a flag names in the other of the two ways: `labels` where the flag is of a
// sampler with a label, and the label of the sampler where it is of labels.
func (o *SampleOptions) yield(file *dsl.File, flag string, value dsl.Expr) {
	at := slices.IndexFunc(file.Items, func(item dsl.Item) bool { return acts(item, "sample", o.Model) })
	a := file.Items[at].(*dsl.Action)
	named := func(arg dsl.Arg) bool { return arg.Name.Text == data.LabelField }
	switch ref, _ := value.(*dsl.Ref); {
	case flag == "sampler" && ref != nil && slices.ContainsFunc(ref.Args, named) && o.Settings[labelsSetting] == "":
		a.Settings = slices.DeleteFunc(a.Settings, func(s dsl.Setting) bool { return s.Name.Text == labelsSetting })
	case flag == labelsSetting && o.Settings["sampler"] == "":
		for _, s := range a.Settings {
			if ref, is := s.Value.(*dsl.Ref); is && s.Name.Text == "sampler" {
				ref.Args = slices.DeleteFunc(ref.Args, named)
			}
		}
	}
}

// acts reports whether a statement is an action of a kind and model.
func acts(item dsl.Item, kind, model string) bool {
	a, ok := item.(*dsl.Action)
	return ok && a.Kind == kind && a.Model.Text == model
}

// draw draws what the sample action j says from a checkpoint of the training t, and writes it.
func (o *SampleOptions) draw(ctx context.Context, x *Experiment, j, t *job, rec record.ActionRecord, newest *checkpoint.Found) error {
	pool := x.Pool(o.Threads)
	defer pool.Close()
	r := &runner{pool: pool}
	m, err := r.newModel(t)
	if err != nil {
		return err
	}
	average := t.Settings.Real("average") > 0
	if err := m.Restore(newest.File, average); err != nil {
		return fmt.Errorf("take the weights of %s: %w", newest.Path, err)
	}
	_, drawn, err := j.use.as(m)
	if err != nil {
		return err
	}
	weights := "weights"
	if average {
		weights = "averaged weights"
	}
	o.Say(fmt.Sprintf("%s of model `%s` after %d of %d updates", weights, o.Model, newest.Step, max(rec.Updates, int(newest.Step))))
	images, err := j.sampling(drawn, nil).images(ctx, j.Settings.Int("count"))
	if err != nil {
		return fmt.Errorf("sample %s: %w", o.Model, err)
	}
	bounds := t.Data.Args["range"].Items
	images.Lo, images.Hi = bounds[0].Number, bounds[1].Number
	rows, cols := 0, 0
	_, counted := o.Settings["count"]
	_, laid := o.Settings["sheet"]
	if size := j.Settings["sheet"].Items; len(size) == 2 && (laid || !counted) { // the spec's is for the spec's count
		rows, cols = int(size[0].Number), int(size[1].Number)
	}
	if err := os.MkdirAll(cmp.Or(o.Out, "."), 0o777); err != nil {
		return fmt.Errorf("make a folder for samples: %w", err)
	}
	base := unused(filepath.Join(o.Out, o.Model+"-"+strconv.FormatUint(newest.Step, 10)))
	if err := record.WriteSheet(base, images, rows, cols); err != nil {
		return err
	}
	if bad := broken(images); bad != "" {
		o.Say(bad)
	}
	of := ""
	if chosen := j.Settings[labelsSetting]; len(chosen.Items) > 0 {
		of = " with labels = " + render(chosen)
	}
	replaced := ""
	if text := o.Settings["replace"]; text != "" {
		replaced = ", with " + text + " put in"
	}
	o.Say(fmt.Sprintf("%d samples by %s%s, seed %d%s, in %s.png and .npy", images.N, render(j.Settings["sampler"]), of, seed(j), replaced, base))
	return nil
}

// unused returns a name for a sheet that no earlier one has: base, or base.2 and so on.
func unused(base string) string {
	taken := func(name string) bool {
		for _, suffix := range []string{".png", ".npy"} {
			if _, err := os.Lstat(name + suffix); err == nil {
				return true
			}
		}
		return false
	}
	name := base
	for i := 2; taken(name); i++ {
		name = base + "." + strconv.Itoa(i)
	}
	return name
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
