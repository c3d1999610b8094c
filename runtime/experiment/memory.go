package experiment

import (
	"cmp"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/train"
)

// fits refuses what needs more memory than there is, or than a training may have, before it begins.
func (r *runner) fits() error {
	left := func(j *job) bool {
		done := r.done[j.id]
		if j.Kind == "train" {
			return r.anew(j.id) || !done.Done || done.Parts[lengthPart] != j.parts[lengthPart]
		}
		return r.anew(j.id) || !done.Done || done.Key != j.key
	}
	if !slices.ContainsFunc(r.jobs, left) {
		return nil
	}
	p, err := r.x.plan(func(j *job) int {
		if set := r.trainSet(j); set != nil {
			return set.Len()
		}
		return data.Most(j.Data.Set, j.Data.Args)
	})
	if err != nil {
		return err
	}
	var found diag.List
	var most ActionMemory // of those that are left
	for _, j := range r.jobs {
		if i := slices.IndexFunc(p.trainings, func(t trainingPlan) bool { return t.Action == j.name }); i >= 0 {
			t := p.trainings[i]
			if j.room, j.planned = t.room, t.planned; left(j) && t.most > 0 && t.Bytes > t.most {
				d, err := j.tooLarge(t)
				if err != nil {
					return err
				}
				found.Add(d)
			}
		}
		i := slices.IndexFunc(p.Memory.Actions, func(a ActionMemory) bool { return a.Action == j.name })
		if i >= 0 && left(j) && p.Memory.Actions[i].Bytes > most.Bytes {
			most = p.Memory.Actions[i]
		}
	}
	if found.HasErrors() {
		return &Refused{found}
	}
	return most.free()
}

// free says that an action takes more memory than the system can give; nil where it does not, or where the system does not say.
func (a ActionMemory) free() error {
	free := freeMemory()
	if free == 0 || a.Bytes <= free {
		return nil
	}
	less := "a smaller batch, fewer time steps or smaller networks"
	if a.Weights == 0 {
		less = "a smaller `count`"
	}
	return fmt.Errorf("%s needs %s of memory and %s are free: use %s (snnc plan shows what takes how much)", a.Action, amount(a.Bytes), amount(free), less)
}

// memorySetting is the setting of a training that bounds what memory it takes.
const memorySetting = "memory"

// tooLarge words what a training takes that may have less.
func (j *job) tooLarge(t trainingPlan) (diag.Diagnostic, error) {
	d := diag.Diagnostic{Code: diag.BadAction, Range: j.Places[memorySetting], Summary: fmt.Sprintf("`%s` needs %s of memory, and `memory` allows %s", j.name, amount(t.Bytes), amount(j.Settings.Int(memorySetting))),
		Help: "use a smaller batch, fewer time steps or smaller networks (`snnc plan` shows what takes how much), or allow more"}
	of := map[string]string{"steps": fmt.Sprintf("a batch of %d, with all computed twice that can be", j.Settings.Int("batch")), "sheets": "the sheets of an epoch"}
	for _, p := range t.parts() {
		d.Notes = append(d.Notes, diag.Note{Message: cmp.Or(of[p.what], p.what) + ": " + amount(p.bytes)})
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
	for batch := j.Settings.Int("batch") * t.room / t.Steps; batch > 0; batch -= max(1, batch/16) {
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
