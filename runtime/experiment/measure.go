package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// ErrNoTraining is the error of a spec that trains nothing, ErrNoSamples that of one that draws nothing from what it trains first.
var (
	ErrNoTraining = errors.New("the spec has no `train` action")
	ErrNoSamples  = errors.New("the spec has no `sample` action of the model that it trains first")
)

// Measured is the first training of a spec, made ready for somebody to look at how fast it is. It writes no files.
type Measured struct {
	Name    string // of the action, such as "train digit"
	Model   *build.Model
	Trainer *train.Trainer
	Data    *data.Set

	x      *Experiment
	sample *job // the first one of the model; nil where there is none
}

// Drawn is the first sample action of a Measured's model, made ready.
type Drawn struct {
	Name    string                          // of the action, such as "sample digit"
	Count   int                             // of samples
	Model   *train.Model                    // on the weights of the training
	Sampler *program.Sampler                // of the model's Program
	Draw    func(ctx context.Context) error // draws the samples once; nothing is kept
}

// Measure prepares the first train action of the spec for at least the given number of updates, on the pool and on data sets
// from the folders. What stands against it is a Refused with findings that point into the spec, or ErrNoTraining.
func (x *Experiment) Measure(ctx context.Context, pool *exec.Pool, folders []string, updates int) (*Measured, error) {
	r := &runner{x: x, o: RunOptions{Data: folders}, pool: pool, sets: newDatasets(folders, filepath.Dir(x.Name)), all: x.jobs()}
	i := slices.IndexFunc(r.all, func(j *job) bool { return j.Kind == "train" })
	if i < 0 {
		return nil, ErrNoTraining
	}
	j := r.all[i]
	r.jobs = []*job{j}
	found := x.notYet(j)
	if found.HasErrors() {
		return nil, &Refused{found}
	}
	if err := r.fits(); err != nil { // which also says what memory its steps may take
		return nil, err
	}
	set, found := r.sets.open(ctx, j.Data, data.Train)
	if set == nil {
		return nil, &Refused{found}
	}
	weights, found := r.start(j)
	if found.HasErrors() {
		return nil, &Refused{found}
	}
	m, err := r.newModel(j)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.name, err)
	}
	m.Begin(weights)
	s := settings(j)
	if j.updates(set.Len()) < updates {
		s.Epochs, s.Iterations = 0, updates
	}
	t, err := train.NewTrainer(m, j.model.Program.Stages[0], set, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.name, err)
	}
	out := &Measured{Name: j.name, Model: j.model, Trainer: t, Data: set, x: x}
	if i := slices.IndexFunc(r.all, func(o *job) bool { return o.Kind == "sample" && o.model == j.model }); i >= 0 {
		out.sample = r.all[i]
	}
	return out, nil
}

// Drawn prepares the first sample action of the model on the weights as they are now, averaged ones where the training has begun
// to average. What stands against it is a Refused, or ErrNoSamples.
func (m *Measured) Drawn() (*Drawn, error) {
	j := m.sample
	if j == nil {
		if len(m.Model.Component.Samplers) == 0 {
			return nil, fmt.Errorf("%w, `%s`, and this one draws none: measure without `draw`", ErrNoSamples, m.Model.Name)
		}
		return nil, fmt.Errorf("%w, `%s`: add `sample %[2]s { count = 64 }`, or measure without `draw`", ErrNoSamples, m.Model.Name)
	}
	if found := m.x.notYet(j); found.HasErrors() {
		return nil, &Refused{found}
	}
	_, drawn, err := j.use.as(m.Trainer.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.name, err)
	}
	d := &Drawn{Name: j.name, Count: j.Settings.Int("count"), Model: drawn, Sampler: j.use.sampler}
	d.Draw = func(ctx context.Context) error {
		return j.sampling(drawn, nil).batches(ctx, d.Count, func(*tensor.Tensor) error { return nil })
	}
	return d, nil
}
