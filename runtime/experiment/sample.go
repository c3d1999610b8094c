package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
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
	a := &asked{run: o.Run, kind: "sample", model: o.Model, given: o.yield, flags: flagsOf(o.Settings, "count", "seed", "sampler", labelsSetting, "sheet", "replace")}
	x, model, found, sources, err := a.load(ctx, h, options)
	if err != nil || x == nil {
		return found, sources, err
	}
	r := &runner{x: x, o: RunOptions{Folder: o.Run}, all: x.jobs()}
	j := r.all[slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "sample" && j.model.Name == model })]
	if found := x.notYet(j); found.HasErrors() {
		return found, sources, nil
	}
	models, err := record.ReadModels(o.Run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, m := range models.Models {
		if found := j.unseen(m.Seen, nil); m.Name == model && found.HasErrors() {
			return found, sources, nil
		}
	}
	if err := x.keeps(j).free(); err != nil {
		return nil, nil, err
	}
	if r.done, err = record.ReadActions(o.Run); err != nil {
		return nil, nil, err
	}
	r.pool = x.Pool(o.Threads)
	defer r.pool.Close()
	m, updates, found, err := r.newest(r.training(j.model), o.Say)
	if err != nil || found.HasErrors() {
		return found, sources, err
	}
	err = x.located(j.name, o.draw(ctx, r, j, m, updates))
	var failed *Failed
	if errors.As(err, &failed) {
		return failed.Found, sources, nil
	}
	return nil, nil, err
}

// yield takes the class out of the action of the spec that a flag names in the other of the two ways: `labels` where the flag is of a
// sampler with a label, and the label of the sampler where it is of labels.
func (o *SampleOptions) yield(file *dsl.File, model, flag string, value dsl.Expr) {
	at := slices.IndexFunc(file.Items, func(item dsl.Item) bool { return acts(item, "sample", model) })
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

// draw draws what the sample action j says from the model with the weights after so many updates, and writes it.
func (o *SampleOptions) draw(ctx context.Context, r *runner, j *job, m *train.Model, updates uint64) error {
	_, drawn, err := j.use.as(m)
	if err != nil {
		return err
	}
	images, err := j.sampling(drawn, nil).images(ctx, j.Settings.Int("count"))
	if err != nil {
		return fmt.Errorf("sample %s: %w", j.model.Name, err)
	}
	bounds := r.training(j.model).Data.Args["range"].Items
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
	base := unused(filepath.Join(o.Out, j.model.Name+"-"+strconv.FormatUint(updates, 10)))
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
