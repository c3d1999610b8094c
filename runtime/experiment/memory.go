package experiment

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/train"
)

// fits refuses what needs more memory than there is, or than a training may have, before it begins.
func (r *runner) fits() error {
	left := func(j *job) bool {
		return j.Kind == "train" && (r.anew(j.id) || !r.done[j.id].Done || r.done[j.id].Parts[lengthPart] != j.parts[lengthPart])
	}
	if !slices.ContainsFunc(r.jobs, left) {
		return nil
	}
	p, err := r.x.Plan()
	if err != nil {
		return err
	}
	var found diag.List
	for _, j := range r.jobs {
		i := slices.IndexFunc(p.trainings, func(t trainingPlan) bool { return t.job == j.name })
		if i < 0 {
			continue
		}
		t := p.trainings[i]
		if j.room, j.planned = t.room, t.planned; left(j) && t.most > 0 && t.bytes() > t.most {
			d, err := j.tooLarge(t)
			if err != nil {
				return err
			}
			found.Add(d)
		}
	}
	if found.HasErrors() {
		return &Refused{found}
	}
	if free := freeMemory(); free > 0 && p.Memory.Bytes > free {
		return fmt.Errorf("the run needs %s of memory and %s are free: use a smaller batch, fewer time steps or smaller networks (snnc plan shows what takes how much)",
			gigabytes(p.Memory.Bytes), gigabytes(free))
	}
	return nil
}

// memorySetting is the setting of a training that bounds what memory it takes.
const memorySetting = "memory"

// tooLarge words what a training takes that may have less.
func (j *job) tooLarge(t trainingPlan) (diag.Diagnostic, error) {
	d := diag.Diagnostic{Code: diag.BadAction, Range: j.Places[memorySetting], Summary: fmt.Sprintf("`%s` needs %s of memory, and `memory` allows %s", j.name, gigabytes(t.bytes()), gigabytes(j.Settings.Int(memorySetting))),
		Help: "use a smaller batch, fewer time steps or smaller networks (`snnc plan` shows what takes how much), or allow more"}
	for _, part := range []struct {
		what  string
		bytes int
	}{{"weights with their moments and averages", t.weights}, {fmt.Sprintf("a batch of %d, with all computed twice that can be", j.Settings.Int("batch")), t.steps}, {"the sheets of an epoch", t.sheets}} {
		d.Notes = append(d.Notes, diag.Note{Message: part.what + ": " + gigabytes(part.bytes)})
	}
	batch, err := j.fitting(t)
	if err != nil {
		return d, err
	}
	if batch > 0 {
		d.Help = fmt.Sprintf("write `batch = %d`, which fits, use fewer time steps or smaller networks (`snnc plan` shows what takes how much), or allow more", batch)
	}
	return d, nil
}

// fitting returns a size of batches at which the training takes what it may; 0 where there is none.
func (j *job) fitting(t trainingPlan) (int, error) {
	for batch := j.Settings.Int("batch") * t.room / t.steps; batch > 0; batch -= max(1, batch/16) {
		total := 0
		for _, stage := range j.model.Program.Stages {
			steps, err := train.Plans(j.model.Linker, stage, batch, t.room)
			if err != nil {
				return 0, fmt.Errorf("plan %s: %w", j.name, err)
			}
			for _, s := range steps {
				total += s.Plan.Bytes()
			}
		}
		if total <= t.room {
			return batch, nil
		}
	}
	return 0, nil
}

// gigabytes is an amount of memory for people.
func gigabytes(n int) string {
	switch {
	case n >= 1e8:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f KB", float64(n)/1e3)
}
