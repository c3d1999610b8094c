package train

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
)

// Examples are what a model is trained on.
type Examples interface {
	Len() int
	// Fill writes the field of the examples with the given numbers into dst, whose batch has as many places.
	Fill(field string, examples []int, dst *tensor.Tensor) error
}

// Varied are examples that look different in each epoch, such as images of which a random half is mirrored.
type Varied interface {
	Examples
	// FillVaried is Fill for an epoch, counted from 0, of a training with a seed, from which with an example's number all follows.
	FillVaried(field string, examples []int, seed uint64, epoch int, dst *tensor.Tensor) error
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
	Planned    []PlannedStep        // the steps of the stage, where Plans has been asked already for this Batch and Memory
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
	return fmt.Sprintf("update %d (epoch %d) has a loss, a gradient or weights that are not finite: it goes bad first %s; nothing of it is kept: train with a smaller `rate` or with `clip`", e.Step+1, e.Epoch+1, at)
}

// Trainer is one training of a model. Its State, together with the model's weights, is all that a later process needs to go on.
type Trainer struct {
	Model    *Model
	Settings Settings
	State    State

	data     Examples
	steps    []*step
	batches  int // per epoch
	order    []int
	numbers  []uint64 // of the examples of the batch at work
	epoch    int      // that order belongs to, -1 for none
	variance float64  // of the examples, where a step asks for it
	inputs   map[string]*tensor.Tensor
	before   []kept // all that an update changes, as it was before
	env      exec.Env
	keep     spanned // copies what is in before
	follow   spanned // brings averages up
	toward   float32 // how far they go toward the weights
	values   []Sum   // of the update at work, by number
	told     []Progress
	names    []string // of the values: losses and firing rates
	profile  *Profile // nil: nobody asks
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
	gather  spanned     // adds up gradients and squares
	squares []float64   // of the gradient, by span
	move    spanned     // moves parameters
	moving  moving      // how they move in the update at work
	ran     int         // the number of that, from 1, where the step has run in it
	bad     atomic.Bool // one has become infinite or no number
	watched []watched
	times   []time.Duration // by step of the plan, where there is a profile
}

// moved is a parameter that a step moves.
type moved struct {
	name              string
	weights, gradient *tensor.Tensor
	sum               *tensor.Tensor    // accumulated gradient, where Accumulate > 1
	moments           [2]*tensor.Tensor // as many as the optimiser has slots
	sharing           []*step           // those that move it with these moments, this one among them
	update            int               // how often they have, with the move at work
	held              graph.Range       // where it stays
	matrix            bool              // see matrices
}

// watched is a loss or a firing rate that a step gives.
type watched struct {
	number int // in the values of the trainer
	value  *tensor.Tensor
}

// moment is the name of what the step's optimiser keeps of a parameter: optimisers of `each(...)` keep their own, and steps of one
// slot share theirs, as calls of one optimiser do.
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
	if t.Settings.Planned = nil; s.Planned == nil {
		planned, err := Plans(m.Linker, stage, s.Batch, s.Memory)
		if err != nil {
			return nil, err
		}
		s.Planned = planned
	}
	ranges := map[string]graph.Range{}
	for _, v := range m.Variables {
		ranges[v.Name] = v.Range
	}
	for _, planned := range s.Planned {
		ps, g, moves, pl := planned.Step, planned.Graph, planned.Moves, planned.Plan
		if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Op == graph.OpHost && n.Text("what") == program.HostVariance }) && t.variance == 0 {
			var err error
			if t.variance, err = m.variance(stage, data); err != nil {
				return nil, err
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
		st := &step{Step: ps, run: run, opt: opt}
		for _, n := range g.Inputs {
			if name := n.Text("name"); t.inputs[name] == nil {
				t.inputs[name] = tensor.New(n.Out[0], s.Batch)
			}
		}
		weigh := matrices(g)
		for _, name := range moves {
			x := moved{name: name, weights: m.Weights[name], gradient: run.Output(program.Grad + name), held: ranges[name], matrix: weigh[name]}
			for k, slot := range opt.slots() {
				key := st.moment(slot, name)
				if t.State.Moments[key] == nil {
					t.State.Moments[key] = tensor.New(m.Weights[name].Type, 1)
				}
				x.moments[k] = t.State.Moments[key]
			}
			if s.Accumulate > 1 {
				x.sum = tensor.New(m.Weights[name].Type, 1)
			}
			st.moved = append(st.moved, x)
		}
		st.prepare()
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
	for _, st := range t.steps {
		for i := range st.moved {
			x := &st.moved[i]
			for _, other := range t.steps {
				if other.Slot == st.Slot && slices.ContainsFunc(other.moved, func(y moved) bool { return y.name == x.name }) {
					x.sharing = append(x.sharing, other)
				}
			}
		}
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
	t.keepAll()
	if m.Averages != nil {
		t.follow = eachSpan(len(m.Variables), func(i int) int { return m.Variables[i].Type.Size() }, func(_ int, p span) {
			name := m.Variables[p.of].Name
			a, w := m.Averages[name].F32[p.from:p.to], m.Weights[name].F32[p.from:p.to]
			for i := range a {
				a[i] += t.toward * (w[i] - a[i]) // what does not move stays the same
			}
		})
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
