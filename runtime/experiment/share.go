package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
)

// shared is an action that an earlier run of a sweep has done.
type shared struct {
	record.ActionRecord
	folder string // of that run
}

// earlier returns those that are the same as a job: they have its key and its name. What cannot be read of a run that run has said.
func (r *runner) earlier(j *job) (out []shared) {
	for _, folder := range r.o.Shared {
		actions, err := record.ReadActions(folder)
		if a := actions[j.id]; err == nil && a.Done && a.Key == j.key && a.Name == r.called(j) {
			out = append(out, shared{a, folder})
		}
	}
	return out
}

// share takes over what another run of a sweep has trained, where that is this training, or its first updates, and nothing is there
// of it yet. Its checkpoints come last: until they are there a run that goes on takes all of it again, and with them the training is
// one that was interrupted after its last update.
func (r *runner) share(j *job) error {
	if _, err := r.latest(j); !errors.Is(err, checkpoint.ErrNone) {
		return nil // resume sees to it
	}
	from, file := "", r.file(j)
	most, whole := 0, j.updates(r.trainSet(j).Len())
	var steps []uint64
	for _, e := range r.earlier(j) {
		if e.Updates <= most || e.Updates > whole {
			continue
		}
		there, err := checkpoint.Steps(filepath.Join(e.folder, record.CheckpointFolder), file)
		if err == nil && len(there) > 0 {
			from, most, steps = e.folder, e.Updates, there
		}
	}
	if from == "" {
		return nil
	}
	if err := r.document(); err != nil {
		return err
	}
	if err := r.put(j, false); err != nil {
		return err
	}
	if err := r.folder.TakeSheets(from, file, file+reconstructions); err != nil {
		return err
	}
	for _, s := range j.model.Mapped(j.model.Program.Stages[0]) {
		if err := r.folder.TakeFiles(from, r.streamFile(j, s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // one that is not there is computed again
		}
	}
	if err := r.folder.TakeEvents(from, r.called(j)); err != nil {
		return err
	}
	for _, step := range steps {
		if err := r.folder.TakeFiles(from, path.Join(record.CheckpointFolder, filepath.Base(checkpoint.Path("", file, step)))); err != nil {
			return err
		}
	}
	r.o.Watch.Say(j.name, fmt.Sprintf("takes over the %d updates of %s", most, filepath.Base(from)))
	return nil
}

// takes takes over the samples or figures of an action that another run of a sweep has done, with its sheets, and reports whether it
// has. An action that was interrupted meanwhile is done from the beginning, as any is.
func (r *runner) takes(j *job) (bool, error) {
	var names []string
	add := func(title string) {
		names = append(names, record.SampleFolder+"/"+title+".png", record.SampleFolder+"/"+title+".npy")
	}
	switch j.Kind {
	case "sample":
		add(r.sheetName(j))
	case "evaluate":
		for _, v := range j.Settings["metrics"].Items {
			if v.Text == "nearest" {
				add(r.nearestName(j, featuresOf(v).Text))
			}
		}
	default:
		return false, nil
	}
	for _, e := range r.earlier(j) {
		if e.Parts[sheetPart] != j.parts[sheetPart] {
			continue
		}
		metrics, err := record.ReadMetrics(e.folder)
		figures := metrics[e.Name]
		if err != nil || j.Kind == "evaluate" && len(figures) == 0 {
			continue
		}
		if err := r.folder.TakeFiles(e.folder, names...); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return false, err
		}
		for _, name := range slices.Sorted(maps.Keys(figures)) {
			if err := r.folder.SetMetric(e.Name, name, figures[name]); err != nil {
				return false, err
			}
		}
		if err := r.folder.TakeEvents(e.folder, e.Name); err != nil {
			return false, err
		}
		r.o.Watch.Say(j.name, "is that of "+filepath.Base(e.folder))
		return true, nil
	}
	return false, nil
}
