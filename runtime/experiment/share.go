package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
)

// share takes over what another run of a sweep has trained, where that is this training, or its first updates, and nothing is there
// of it yet. Its checkpoints come last: until they are there a run that goes on takes all of it again, and with them the training is
// one that was interrupted after its last update.
func (r *runner) share(j *job) error {
	if _, err := r.latest(j); !errors.Is(err, checkpoint.ErrNone) {
		return nil // resume sees to it
	}
	from, name := "", r.called(j)
	most, whole := 0, j.updates(r.trainSet(j).Len())
	for _, folder := range r.o.Shared {
		actions, err := record.ReadActions(folder)
		if err != nil {
			continue // that run has said so
		}
		if a := actions[j.id]; a.Done && a.Name == name && a.Key == j.key && a.Updates > most && a.Updates <= whole {
			from, most = folder, a.Updates
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
	file := r.file(j)
	if err := r.folder.TakeSheets(from, file, file+reconstructions); err != nil {
		return err
	}
	for _, s := range j.model.mapped(j.model.Program.Stages[0]) {
		if err := r.folder.TakeFiles(from, r.streamFile(j, s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // one that is not there is computed again
		}
	}
	if err := r.folder.TakeEvents(from, name); err != nil {
		return err
	}
	steps, err := checkpoint.Steps(filepath.Join(from, record.CheckpointFolder), file)
	if err != nil {
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
