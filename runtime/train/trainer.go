package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// Examples are what a model is trained on.
type Examples interface {
	Len() int
	// Fill writes the field of the examples with the given numbers into dst, whose batch has as many places.
	Fill(field string, examples []int, dst *tensor.Tensor) error
}

// Settings say how a training goes.
type Settings struct {
	Batch      int
	Epochs     int // either Epochs or Iterations
	Iterations int // updates
	Accumulate int // batches per update; 0 is 1
	Average    float64
	Seed       uint64
	Optimizers map[string]Optimizer // by the slot of a step; "" where there is one for all
}

// Progress is what a training tells after each batch and each epoch.
type Progress struct {
	Epoch, Epochs int // the epoch of the update, counted from 1, of all; Epochs is 0 where only updates are counted
	Step, Steps   int // updates that are done, of all
	EndOfEpoch    bool
	Loss          map[string]float64 // of the batch, or the mean of the epoch
	Rates         map[string]float64 // firing rates by layer, the same way
}

// NotFinite is the error of a loss or gradient that is no number.
type NotFinite struct {
	Epoch, Step int
	Layer       string // the first layer whose result, or derivative, is not finite; "" where it is outside of the layers
}

func (e *NotFinite) Error() string {
	at := "outside of the layers"
	if e.Layer != "" {
		at = "in layer " + e.Layer
	}
	return fmt.Sprintf("the loss of update %d (epoch %d), or its gradient, is not finite: it goes bad first %s; the newest checkpoint is from before", e.Step+1, e.Epoch+1, at)
}

// Trainer is one training of a model. Its State, together with the model's weights, is all that a later process needs to go on.
type Trainer struct {
	Model    *Model
	Settings Settings
	State    State

	data    Examples
	steps   []*step
	batches int // per epoch
	order   []int
	epoch   int // that order belongs to, -1 for none
	inputs  map[string]*tensor.Tensor
}

// State is where a training stands, at the boundary of an update.
type State struct {
	Epoch   int                       `json:"epoch"`   // whole epochs done
	Batch   int                       `json:"batch"`   // batches of the current epoch done
	Batches int                       `json:"batches"` // batches done in all: the iteration that random numbers belong to
	Updates int                       `json:"updates"`
	Sums    map[string]float64        `json:"sums"` // of the current epoch, for its means
	Moments map[string]*tensor.Tensor `json:"-"`    // of the optimisers, by SLOT/PARAMETER
}

// step is a compiled step of the stage.
type step struct {
	program.Step
	run    *exec.Program
	moves  []string
	opt    Optimizer
	sums   map[string]*tensor.Tensor // accumulated gradients, where Accumulate > 1
	fields []*graph.Node
	grads  []*tensor.Tensor
}

// NewTrainer compiles the stage of the program for the batch size.
func NewTrainer(m *Model, stage program.Stage, data Examples, s Settings) (*Trainer, error) {
	s.Accumulate = max(s.Accumulate, 1)
	t := &Trainer{Model: m, Settings: s, data: data, epoch: -1, inputs: map[string]*tensor.Tensor{},
		State: State{Sums: map[string]float64{}, Moments: map[string]*tensor.Tensor{}}}
	if t.batches = data.Len() / s.Batch; t.batches < s.Accumulate {
		return nil, fmt.Errorf("train: %d examples do not fill %d batches of %d", data.Len(), s.Accumulate, s.Batch)
	}
	for _, ps := range stage.Steps {
		if ps.Epoch {
			return nil, fmt.Errorf("train: a step that runs once an epoch is not in this version")
		}
		g, moves, err := m.Linker.Step(ps)
		if err != nil {
			return nil, err
		}
		for _, n := range g.Nodes {
			if what := n.Text("what"); n.Op == graph.OpHost && what != "progress" && what != "iteration" {
				return nil, fmt.Errorf("train: %s asks for %q, which the trainer does not know", ps.Function, what)
			}
		}
		pl, err := plan.New(g, plan.Options{Batch: s.Batch})
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", ps.Function, err)
		}
		run, err := exec.New(pl, m.pool)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", ps.Function, err)
		}
		opt, ok := s.Optimizers[ps.Slot]
		if !ok {
			if opt, ok = s.Optimizers[""]; !ok {
				return nil, fmt.Errorf("train: no optimiser is given for %s", ps.Slot)
			}
		}
		st := &step{Step: ps, run: run, moves: moves, opt: opt, fields: g.Inputs, sums: map[string]*tensor.Tensor{}, grads: make([]*tensor.Tensor, len(moves))}
		for _, n := range g.Inputs {
			if name := n.Text("name"); t.inputs[name] == nil {
				t.inputs[name] = tensor.New(n.Out[0], s.Batch)
			}
		}
		for _, name := range moves {
			for _, slot := range opt.slots() {
				key := slot + "/" + name
				if t.State.Moments[key] == nil {
					t.State.Moments[key] = tensor.New(m.Weights[name].Type, 1)
				}
			}
			if s.Accumulate > 1 {
				st.sums[name] = tensor.New(m.Weights[name].Type, 1)
			}
		}
		t.steps = append(t.steps, st)
	}
	if s.Average > 0 {
		m.startAverages()
	}
	return t, nil
}

// Total returns how many updates the training has.
func (t *Trainer) Total() int {
	if t.Settings.Epochs > 0 {
		return t.Settings.Epochs * (t.batches / t.Settings.Accumulate)
	}
	return t.Settings.Iterations
}

// Done reports whether nothing is left to do.
func (t *Trainer) Done() bool { return t.State.Updates >= t.Total() }

// Run goes on until the training is done, the context ends, or a loss is not finite. tell is called after each update, and once
// more where the update ends an epoch; the state is then at the boundary of an update and may be saved. An error from tell
// ends the run.
func (t *Trainer) Run(ctx context.Context, tell func(Progress) error) error {
	for !t.Done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		told, err := t.update()
		if err != nil {
			return err
		}
		for _, p := range told {
			if err := tell(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// update runs the batches of one update and moves the parameters. It returns what there is to tell: the update and, where its
// batches were the last of an epoch, the epoch. Batches at the end of an epoch that do not fill an update are dropped.
func (t *Trainer) update() ([]Progress, error) {
	s := &t.State
	mean := map[string]float64{}
	for range t.Settings.Accumulate {
		if err := t.batch(mean); err != nil {
			return nil, err
		}
		s.Batch++
		s.Batches++
	}
	s.Updates++
	t.average()
	for k, v := range mean {
		mean[k] = v / float64(t.Settings.Accumulate)
		s.Sums[k] += mean[k]
	}
	told := []Progress{t.progress(mean)}
	if s.Batch+t.Settings.Accumulate <= t.batches {
		return told, nil
	}
	updates := float64(s.Batch / t.Settings.Accumulate)
	means := map[string]float64{}
	for k, v := range s.Sums {
		means[k] = v / updates
	}
	p := t.progress(means)
	p.EndOfEpoch = true
	s.Epoch++
	s.Batch = 0
	s.Sums = map[string]float64{}
	return append(told, p), nil
}

func (t *Trainer) progress(values map[string]float64) Progress {
	s := t.State
	p := Progress{Epoch: s.Epoch + 1, Epochs: t.Settings.Epochs, Step: s.Updates, Steps: t.Total(), Loss: map[string]float64{}, Rates: map[string]float64{}}
	for k, v := range values {
		if layer, ok := strings.CutPrefix(k, program.Rate); ok {
			p.Rates[layer] = v
		} else {
			p.Loss[k] = v
		}
	}
	return p
}

func (t *Trainer) batch(mean map[string]float64) error {
	s, size := &t.State, t.Settings.Batch
	if t.epoch != s.Epoch {
		t.order, t.epoch = rng.New(t.Settings.Seed, "order of the examples", uint64(s.Epoch)).Permutation(t.data.Len()), s.Epoch
	}
	first := s.Batch * size
	for name, in := range t.inputs {
		if err := t.data.Fill(name, t.order[first:first+size], in); err != nil {
			return fmt.Errorf("read field %s: %w", name, err)
		}
	}
	last := (s.Batch+1)%t.Settings.Accumulate == 0
	for _, st := range t.steps {
		if s.Batches%st.Every != 0 {
			continue
		}
		if err := t.step(st, uint64(first), last, mean); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trainer) env(first uint64) *exec.Env {
	m, s := t.Model, t.State
	return &exec.Env{
		Inputs:    t.inputs,
		Variables: func(name string) *tensor.Tensor { return m.Weights[name] },
		Averages:  func(name string) *tensor.Tensor { return m.Averages[name] },
		Seed:      t.Settings.Seed, Iteration: uint64(s.Batches), First: first,
		Host: func(what string) float64 {
			switch what {
			case "progress": // by whole epochs where there are some
				if t.Settings.Epochs > 0 {
					return float64(s.Epoch) / float64(t.Settings.Epochs)
				}
				return float64(s.Updates) / float64(t.Settings.Iterations)
			case "iteration":
				return float64(s.Updates)
			}
			return math.NaN()
		},
	}
}

func (t *Trainer) step(st *step, first uint64, last bool, mean map[string]float64) error {
	m := t.Model
	if err := st.run.Run(t.env(first)); err != nil {
		return fmt.Errorf("%s: %w", st.Function, err)
	}
	for i, name := range st.run.Outputs() {
		if strings.HasPrefix(name, program.Grad) {
			continue
		}
		v := float64(st.run.Output(name).F32[0])
		if i == 0 && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return t.notFinite(st, first)
		}
		key := name
		if len(t.steps) > 1 && !strings.HasPrefix(name, program.Rate) {
			key = st.Function + "." + name
		}
		mean[key] += v
	}
	for i, name := range st.moves {
		g := st.run.Output(program.Grad + name)
		if sum := st.sums[name]; sum != nil {
			for k, v := range g.F32 {
				sum.F32[k] += v
			}
			g = sum
		}
		st.grads[i] = g
	}
	if !last {
		return nil
	}
	o, n := st.opt, t.State.Updates+1
	scale := 1 / float64(t.Settings.Accumulate)
	length := norm(st.grads) * scale
	if math.IsNaN(length) || math.IsInf(length, 0) {
		return t.notFinite(st, first)
	}
	scale *= o.clipping(length)
	rate := o.rate(n, float64(n-1)/float64(t.Total()), t.State.Epoch)
	for i, name := range st.moves {
		moments := map[string]*tensor.Tensor{}
		for _, slot := range o.slots() {
			moments[slot] = t.State.Moments[slot+"/"+name]
		}
		o.move(m.Weights[name].F32, st.grads[i].F32, moments, rate, scale, n)
		if sum := st.sums[name]; sum != nil {
			clear(sum.F32)
		}
	}
	return nil
}

// notFinite finds the layer where a step goes bad by running it once more with every result looked at.
func (t *Trainer) notFinite(st *step, first uint64) error {
	e := &NotFinite{Epoch: t.State.Epoch, Step: t.State.Updates}
	env := t.env(first)
	env.Check = true
	var bad *exec.NotFinite
	if err := st.run.Run(env); errors.As(err, &bad) {
		e.Layer = bad.Layer
	}
	return e
}

// average follows the weights with decay min(Average, (1 + n) / (10 + n)) at update n; running statistics alike.
func (t *Trainer) average() {
	if t.Model.Averages == nil {
		return
	}
	n := float64(t.State.Updates)
	d := float32(min(t.Settings.Average, (1+n)/(10+n)))
	for _, v := range t.Model.Variables {
		a, w := t.Model.Averages[v.Name].F32, t.Model.Weights[v.Name].F32
		for i := range a {
			a[i] = d*a[i] + (1-d)*w[i]
		}
	}
}
