package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
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
	Memory     int                  // bytes that the plans of the steps may take together, see Plans; 0: no bound
	Optimizers map[string]Optimizer // by the slot of a step; "" where there is one for all
}

// Progress is what a training tells after each update and each epoch. Loss and Rates hold until the next update.
type Progress struct {
	Epoch, Epochs int // the epoch of the update, counted from 1, of all; Epochs is 0 where only updates are counted
	Step, Steps   int // updates that are done, of all
	EndOfEpoch    bool
	Loss          map[string]float64 // of the batch, or the mean of the epoch
	Rates         map[string]float64 // firing rates by layer, the same way
}

// NotFinite is the error of an update whose loss, gradient or outcome is infinite or no number.
type NotFinite struct {
	Epoch, Step int    // what was done before, which is where the training stands
	Layer       string // the first layer whose result, derivative or weight is not finite; "" where it is outside of the layers
}

func (e *NotFinite) Error() string {
	at := "outside of the layers"
	if e.Layer != "" {
		at = "in layer " + e.Layer
	}
	return fmt.Sprintf("update %d (epoch %d) has a loss, a gradient or weights that are not finite: it goes bad first %s; nothing of it is kept", e.Step+1, e.Epoch+1, at)
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
	numbers []uint64 // of the examples of the batch at work
	epoch   int      // that order belongs to, -1 for none
	inputs  map[string]*tensor.Tensor
	before  []kept // all that an update changes, as it was before
	env     exec.Env
	values  []Sum // of the update at work, by number
	told    []Progress
	names   []string // of the values: losses and firing rates
	profile *Profile // nil: nobody asks
}

// kept is a tensor and its copy.
type kept struct{ now, before *tensor.Tensor }

// State is where a training stands, at the boundary of an update.
type State struct {
	Epoch   int                       `json:"epoch"`   // whole epochs done
	Batch   int                       `json:"batch"`   // batches of the current epoch done
	Batches int                       `json:"batches"` // batches done in all: the iteration that random numbers belong to
	Updates int                       `json:"updates"`
	Sums    map[string]Sum            `json:"sums"` // of the current epoch, for its means
	Moments map[string]*tensor.Tensor `json:"-"`    // of the optimisers, by SLOT/PARAMETER
}

// Sum adds up the values of a loss or a rate.
type Sum struct {
	Total float64 `json:"total"`
	Count int     `json:"count"`
}

func (s Sum) and(v float64) Sum { return Sum{s.Total + v, s.Count + 1} }

// step is a compiled step of the stage.
type step struct {
	program.Step
	run     *exec.Program
	opt     Optimizer
	moved   []moved
	grads   []*tensor.Tensor // of the update, by number of moved
	watched []watched
	times   []time.Duration // by step of the plan, where there is a profile
}

// moved is a parameter that a step moves.
type moved struct {
	name              string
	weights, gradient *tensor.Tensor
	sum               *tensor.Tensor // accumulated gradient, where Accumulate > 1
	moments           map[string]*tensor.Tensor
}

// watched is a loss or a firing rate that a step gives.
type watched struct {
	number int // in the values of the trainer
	value  *tensor.Tensor
}

// moment is the name of what the step's optimiser keeps of a parameter: optimisers of `each(...)` keep their own.
func (st *step) moment(kind, parameter string) string {
	if st.Slot != "" {
		kind += "-" + st.Slot
	}
	return kind + "/" + parameter
}

// NewTrainer compiles the stage of the program for the batch size.
func NewTrainer(m *Model, stage program.Stage, data Examples, s Settings) (*Trainer, error) {
	s.Accumulate = max(s.Accumulate, 1)
	if s.Batch < 1 || s.Epochs < 1 && s.Iterations < 1 {
		return nil, fmt.Errorf("train: batches of %d for %d epochs or %d iterations", s.Batch, s.Epochs, s.Iterations)
	}
	t := &Trainer{Model: m, Settings: s, data: data, numbers: make([]uint64, s.Batch), epoch: -1, inputs: map[string]*tensor.Tensor{},
		State: State{Sums: map[string]Sum{}, Moments: map[string]*tensor.Tensor{}}}
	if t.batches = data.Len() / s.Batch; t.batches < s.Accumulate {
		return nil, fmt.Errorf("train: %d examples are fewer than the %d of an update", data.Len(), s.Accumulate*s.Batch)
	}
	plans, err := Plans(m.Linker, stage, s.Batch, s.Memory)
	if err != nil {
		return nil, err
	}
	for _, planned := range plans {
		ps, g, moves, pl := planned.Step, planned.Graph, planned.Moves, planned.Plan
		if ps.Epoch {
			return nil, fmt.Errorf("train: a step that runs once an epoch is not in this version")
		}
		for _, n := range g.Nodes {
			if what := n.Text("what"); n.Op == graph.OpHost && what != "progress" && what != "iteration" {
				return nil, fmt.Errorf("train: %s asks for %q, which the trainer does not know", ps.Function, what)
			}
		}
		run, err := exec.New(pl, m.pool)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", ps.Function, err)
		}
		opt, ok := s.Optimizers[ps.Slot]
		if !ok {
			if opt, ok = s.Optimizers[""]; !ok {
				return nil, fmt.Errorf("train: no optimiser is given for %q, which %s moves", ps.Slot, ps.Function)
			}
		}
		st := &step{Step: ps, run: run, opt: opt, grads: make([]*tensor.Tensor, len(moves))}
		for _, n := range g.Inputs {
			if name := n.Text("name"); t.inputs[name] == nil {
				t.inputs[name] = tensor.New(n.Out[0], s.Batch)
			}
		}
		for _, name := range moves {
			x := moved{name: name, weights: m.Weights[name], gradient: run.Output(program.Grad + name), moments: map[string]*tensor.Tensor{}}
			for _, slot := range opt.slots() {
				key := st.moment(slot, name)
				if t.State.Moments[key] == nil {
					t.State.Moments[key] = tensor.New(m.Weights[name].Type, 1)
				}
				x.moments[slot] = t.State.Moments[key]
			}
			if s.Accumulate > 1 {
				x.sum = tensor.New(m.Weights[name].Type, 1)
			}
			st.moved = append(st.moved, x)
		}
		for _, name := range run.Outputs() {
			if strings.HasPrefix(name, program.Grad) {
				continue
			}
			key := name
			if len(stage.Steps) > 1 && !strings.HasPrefix(name, program.Rate) {
				key = st.Function + "." + name
			}
			number := slices.Index(t.names, key)
			if number < 0 {
				number, t.names = len(t.names), append(t.names, key)
			}
			st.watched = append(st.watched, watched{number, run.Output(name)})
		}
		t.steps = append(t.steps, st)
	}
	if s.Average > 0 {
		m.Averages = m.startAverages()
	}
	t.values, t.told = make([]Sum, len(t.names)), make([]Progress, 0, 2)
	t.env = t.world()
	for _, v := range m.Variables {
		if v.Kind != graph.Frozen {
			t.before = append(t.before, kept{m.Weights[v.Name], m.Weights[v.Name].Clone()})
		}
	}
	for _, moment := range t.State.Moments {
		t.before = append(t.before, kept{moment, moment.Clone()})
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

// update does one update and returns what there is to tell: the update and, where its batches were the last of an epoch, the
// epoch. Batches at the end of an epoch that do not fill an update are dropped. An error leaves weights and state as they were.
// Once all steps have run it allocates nothing but the order of examples of a new epoch.
func (t *Trainer) update() ([]Progress, error) {
	s := &t.State
	for _, k := range t.before {
		k.before.CopyFrom(k.now)
	}
	if err := t.attempt(false); err != nil {
		bad := (*NotFinite)(nil)
		if errors.As(err, &bad) {
			// The layer is found by doing the same again with every result looked at.
			t.undo()
			var first *exec.NotFinite
			if err := t.attempt(true); errors.As(err, &first) {
				bad.Layer = first.Layer
			}
		}
		t.undo()
		return nil, err
	}
	s.Updates++
	t.average()
	t.told = t.told[:1]
	t.tell(0)
	for i, v := range t.values {
		if v.Count > 0 { // its step has run
			t.say(0, i, v)
			s.Sums[t.names[i]] = s.Sums[t.names[i]].and(v.Total / float64(v.Count))
		}
	}
	if s.Batch+t.Settings.Accumulate <= t.batches {
		return t.told, nil
	}
	t.told = t.told[:2]
	t.tell(1).EndOfEpoch = true
	for i, name := range t.names {
		if v := s.Sums[name]; v.Count > 0 {
			t.say(1, i, v)
		}
	}
	s.Epoch++
	s.Batch = 0
	clear(s.Sums)
	return t.told, nil
}

// tell begins what is told of an update, 0, or of an epoch, 1.
func (t *Trainer) tell(what int) *Progress {
	p := &t.told[what]
	if p.Loss == nil {
		p.Loss, p.Rates = map[string]float64{}, map[string]float64{}
	}
	clear(p.Loss)
	clear(p.Rates)
	*p = Progress{Epoch: t.State.Epoch + 1, Epochs: t.Settings.Epochs, Step: t.State.Updates, Steps: t.Total(), Loss: p.Loss, Rates: p.Rates}
	return p
}

// say adds the mean of value number i to it.
func (t *Trainer) say(what, i int, of Sum) {
	v := of.Total / float64(of.Count)
	if layer, ok := strings.CutPrefix(t.names[i], program.Rate); ok {
		t.told[what].Rates[layer] = v
	} else {
		t.told[what].Loss[t.names[i]] = v
	}
}

// attempt runs the batches of one update and moves the parameters.
func (t *Trainer) attempt(check bool) error {
	clear(t.values)
	for i := range t.Settings.Accumulate {
		if err := t.batch(i+1 == t.Settings.Accumulate, check); err != nil {
			return err
		}
		t.State.Batch++
		t.State.Batches++
	}
	for _, v := range t.Model.Variables {
		if v.Kind != graph.Frozen && !finite(t.Model.Weights[v.Name].F32) {
			name := cmp.Or(v.Title, v.Name)
			return t.notFinite(name[:max(strings.LastIndexByte(name, '.'), 0)])
		}
	}
	return nil
}

// undo puts weights and state back to what they were before the update at work.
func (t *Trainer) undo() {
	for _, k := range t.before {
		k.now.CopyFrom(k.before)
	}
	for _, st := range t.steps {
		for _, x := range st.moved {
			if x.sum != nil {
				clear(x.sum.F32)
			}
		}
	}
	t.State.Batches = t.State.Updates * t.Settings.Accumulate
	t.State.Batch = t.State.Batches % (t.batches / t.Settings.Accumulate * t.Settings.Accumulate)
}

func (t *Trainer) notFinite(layer string) error {
	return &NotFinite{Epoch: t.State.Epoch, Step: t.State.Updates, Layer: layer}
}

// finite reports whether all of x are numbers.
func finite(x []float32) bool {
	for _, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return false
		}
	}
	return true
}

// batch runs the steps on the next batch; after the last one of an update they move the parameters.
func (t *Trainer) batch(last, check bool) error {
	s, size := &t.State, t.Settings.Batch
	if t.epoch != s.Epoch {
		t.order, t.epoch = rng.New(t.Settings.Seed, "order of the examples", uint64(s.Epoch)).Permutation(t.data.Len()), s.Epoch
	}
	start := t.profile.now()
	examples := t.order[s.Batch*size : (s.Batch+1)*size]
	for name, in := range t.inputs {
		if err := t.data.Fill(name, examples, in); err != nil {
			return fmt.Errorf("read field %s: %w", name, err)
		}
	}
	for i, e := range examples { // random numbers belong to the example, wherever in the batch it stands
		t.numbers[i] = uint64(e)
	}
	t.profile.read(start)
	t.env.Check, t.env.Seed, t.env.Iteration = check, t.Settings.Seed, uint64(s.Batches)
	for _, st := range t.steps {
		if s.Updates%st.Every != 0 { // the batches of an update count as one
			continue
		}
		if err := t.step(st, last); err != nil {
			return err
		}
	}
	return nil
}

// world is what the programs of the steps see.
func (t *Trainer) world() exec.Env {
	m := t.Model
	env := exec.Env{
		Inputs:    t.inputs,
		Variables: func(name string) *tensor.Tensor { return m.Weights[name] },
		Examples:  t.numbers,
		Host: func(what string) float64 {
			switch what {
			case "progress": // by whole epochs where there are some
				if t.Settings.Epochs > 0 {
					return float64(t.State.Epoch) / float64(t.Settings.Epochs)
				}
				return float64(t.State.Updates) / float64(t.Settings.Iterations)
			case "iteration":
				return float64(t.State.Updates)
			}
			return math.NaN()
		},
	}
	if m.Averages != nil {
		env.Averages = func(name string) *tensor.Tensor { return m.Averages[name] }
	}
	return env
}

func (t *Trainer) step(st *step, last bool) error {
	t.env.Profile = st.times
	if err := st.run.Run(&t.env); err != nil {
		return fmt.Errorf("%s: %w", st.Function, err)
	}
	for _, w := range st.watched {
		v := w.value.F32[:1]
		if !finite(v) {
			return t.notFinite("")
		}
		t.values[w.number] = t.values[w.number].and(float64(v[0]))
	}
	for i, x := range st.moved {
		st.grads[i] = x.gradient
		if x.sum == nil {
			continue
		}
		for k, v := range x.gradient.F32 {
			x.sum.F32[k] += v
		}
		st.grads[i] = x.sum
	}
	if !last {
		return nil
	}
	o, n := st.opt, t.State.Updates+1
	scale := 1 / float64(t.Settings.Accumulate)
	length := norm(st.grads) * scale
	if math.IsNaN(length) || math.IsInf(length, 0) {
		return t.notFinite("")
	}
	scale *= o.clipping(length)
	rate := o.rate(n, float64(n-1)/float64(t.Total()), t.State.Epoch)
	for i, x := range st.moved {
		o.move(x.weights.F32, st.grads[i].F32, x.moments, rate, scale, (n-1)/st.Every+1)
		if x.sum != nil {
			clear(x.sum.F32)
		}
	}
	return nil
}

// average follows the weights with decay min(Average, (1 + n) / (10 + n)) at update n; running statistics alike.
func (t *Trainer) average() {
	if t.Model.Averages == nil {
		return
	}
	n := float64(t.State.Updates)
	toward := float32(1 - min(t.Settings.Average, (1+n)/(10+n)))
	for _, v := range t.Model.Variables {
		a, w := t.Model.Averages[v.Name].F32, t.Model.Weights[v.Name].F32
		for i := range a {
			a[i] += toward * (w[i] - a[i]) // what does not move stays the same
		}
	}
}
