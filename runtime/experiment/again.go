package experiment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// Changed is the error of a run folder whose trained model or results belong to a spec that computes something else.
type Changed struct {
	Folder  string
	Changes []string // one line each, headed by the action
}

func (e *Changed) Error() string {
	return fmt.Sprintf("%s holds the run of a spec that computes something else:\n    %s\nrun with --restart to do these actions anew (--only chooses some), or with --out to keep both",
		e.Folder, strings.Join(e.Changes, "\n    "))
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
		if !begun || r.anew(j.id) || j.Kind != "train" && !old.Done { // which has left nothing that holds
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

// resume takes up the newest checkpoint, if there is one, and cuts the events back to it. It returns for how many seconds the
// training has worked until then.
func (r *runner) resume(j *job, t *train.Trainer) (float64, error) {
	found, err := r.latest(j)
	for err == nil && found.File.Metadata[keyMetadata] != j.key { // of a training that --restart has given up
		if err := os.Remove(found.Path); err != nil {
			return 0, fmt.Errorf("remove a checkpoint of another training: %w", err)
		}
		found, err = r.latest(j)
	}
	if errors.Is(err, checkpoint.ErrDamaged) {
		return 0, fmt.Errorf("%w: run with --restart to train anew", err)
	}
	if err != nil && !errors.Is(err, checkpoint.ErrNone) {
		return 0, err
	}
	if errors.Is(err, checkpoint.ErrNone) { // what an earlier training has drawn goes, too
		if err := r.folder.RemoveSheets(r.file(j), r.file(j)+reconstructions); err != nil {
			return 0, err
		}
	}
	if err == nil {
		if err := t.Restore(found.File); err != nil {
			return 0, fmt.Errorf("go on from %s: %w", found.Path, err)
		}
		for _, passed := range found.Passed {
			r.o.Watch.Say(j.name, fmt.Sprintf("passed over a damaged checkpoint: %v", passed))
		}
		if t.State.Updates > t.Total() {
			return 0, &Changed{r.o.Folder, []string{fmt.Sprintf("%s: %d updates are done, the spec asks for %d", j.name, t.State.Updates, t.Total())}}
		}
		if !t.Done() {
			r.o.Watch.Say(j.name, fmt.Sprintf("goes on from update %d", t.State.Updates))
		}
	}
	seconds := 0.0
	err = r.folder.Cut(func(e record.Event) bool {
		switch {
		case e.Action != r.called(j):
			return true
		case e.Kind == record.Done:
			return t.Done() && r.done[j.id].Done
		case e.Step > t.State.Updates:
			return false
		}
		seconds = max(seconds, e.Seconds)
		return true
	})
	return seconds, err
}

func (r *runner) latest(j *job) (*checkpoint.Found, error) {
	return checkpoint.Latest(r.folder.Path(record.CheckpointFolder), r.file(j))
}

func (r *runner) removeCheckpoints(j *job) error {
	dir := r.folder.Path(record.CheckpointFolder)
	steps, err := checkpoint.Steps(dir, r.file(j))
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := os.Remove(checkpoint.Path(dir, r.file(j), step)); err != nil {
			return fmt.Errorf("remove checkpoint: %w", err)
		}
	}
	return nil
}

// left reports whether the folder has all that a sample, evaluate or deploy action that is done has left there. What it has not
// the user has removed, and the action makes it again, to the same bytes.
func (r *runner) left(j *job) (bool, error) {
	switch j.Kind {
	case "sample":
		return r.folder.HasSheet(r.sheetName(j)), nil
	case "deploy":
		return !slices.ContainsFunc(targetNames(j), func(target string) bool { return !r.folder.HasDeployment(r.called(j), r.deployName(j, target)) }), nil
	}
	metrics, err := r.folder.Metrics()
	if err != nil {
		return false, err
	}
	figures := metrics[r.called(j)]
	events, err := r.folder.Events()
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if e.Action != r.called(j) {
			continue
		}
		for name := range e.Figures {
			if _, ok := figures[name]; !ok {
				return false, nil
			}
		}
	}
	return len(figures) > 0, nil
}
