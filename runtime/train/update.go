package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// update does one update and returns what there is to tell: the update and, where its batches were the last of an epoch, the
// epoch. Batches at the end of an epoch that do not fill an update are dropped. An error leaves weights and state as they were.
// Once all steps have run it allocates nothing but the order of examples of a new epoch.
func (t *Trainer) update() ([]Progress, error) {
	s := &t.State
	t.keep.do(t.Model.pool)
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
	for _, st := range t.steps {
		st.bad.Store(false)
		st.ran = 0
	}
	for i := range t.Settings.Accumulate {
		if err := t.batch(i+1 == t.Settings.Accumulate, check); err != nil {
			return err
		}
		t.State.Batch++
		t.State.Batches++
	}
	for _, st := range t.steps {
		if st.bad.Load() {
			return t.unusable(true)
		}
	}
	return t.unusable(false)
}

// unusable returns the error of a variable that has become infinite or no number, the first one; nil where there is none. Those
// that are parameters have been looked at when they moved: all says whether they are to be looked at again.
func (t *Trainer) unusable(all bool) error {
	for _, v := range t.Model.Variables {
		if (v.Kind == graph.Statistic || all && v.Kind == graph.Parameter) && !finite(t.Model.Weights[v.Name].F32) {
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
		var err error
		if v, ok := t.data.(Varied); ok {
			err = v.FillVaried(name, examples, t.Settings.Seed, s.Epoch, in)
		} else {
			err = t.data.Fill(name, examples, in)
		}
		if err != nil {
			return fmt.Errorf("read field %s: %w", name, err)
		}
	}
	for i, e := range examples { // random numbers belong to the example, wherever in the batch it stands
		t.numbers[i] = uint64(e)
	}
	t.profile.read(start)
	t.env.Check, t.env.Seed, t.env.Iteration = check, t.Settings.Seed, uint64(s.Batches)
	for _, st := range t.steps {
		if !t.due(st, last) {
			continue
		}
		if last {
			st.ran = s.Updates + 1
		}
		if err := t.step(st, last); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether a step runs on the batch at work. The batches of an update count as one. What runs every so many epochs
// does so in the last update of one, on its last batch.
func (t *Trainer) due(st *step, last bool) bool {
	s := &t.State
	if st.Epoch {
		return last && s.Batch+1+t.Settings.Accumulate > t.batches && (s.Epoch+1)%st.Every == 0
	}
	return s.Updates%st.Every == 0
}

// runs returns in how many updates a step has run, with the one at work where it has run in that.
func (t *Trainer) runs(st *step) int {
	s := &t.State
	n := (s.Updates + st.Every - 1) / st.Every
	if st.Epoch {
		n = s.Epoch / st.Every
	}
	if st.ran == s.Updates+1 {
		n++
	}
	return n
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
			case program.HostProgress: // by whole epochs where there are some
				if t.Settings.Epochs > 0 {
					return float64(t.State.Epoch) / float64(t.Settings.Epochs)
				}
				return float64(t.State.Updates) / float64(t.Settings.Iterations)
			case program.HostIteration:
				return float64(t.State.Updates)
			}
			return t.variance
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
	st.gather.do(t.Model.pool)
	if !last {
		return nil
	}
	o, n := st.opt, t.State.Updates+1
	scale := 1 / float64(t.Settings.Accumulate)
	if st.Epoch {
		scale = 1
	}
	sum := 0.0
	for _, x := range st.squares {
		sum += x
	}
	length := math.Sqrt(sum) * scale
	if math.IsNaN(length) || math.IsInf(length, 0) {
		return t.notFinite("")
	}
	st.moving = moving{rate: o.rate(n, float64(n-1)/float64(t.Total()), t.State.Epoch), scale: scale * o.clipping(length)}
	for i := range st.moved {
		x := &st.moved[i]
		x.update = 0
		for _, other := range x.sharing {
			x.update += t.runs(other)
		}
	}
	st.move.do(t.Model.pool)
	return nil
}

// average follows the weights with decay min(Average, (1 + n) / (10 + n)) at update n; running statistics alike.
func (t *Trainer) average() {
	if t.Model.Averages == nil {
		return
	}
	n := float64(t.State.Updates)
	t.toward = float32(1 - min(t.Settings.Average, (1+n)/(10+n)))
	t.follow.do(t.Model.pool)
}
