package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// The parts of a checkpoint. Weights stand under the names that the spec gives them, in PyTorch's layouts; averaged weights and
// the moments of optimisers behind a prefix. The metadata hold the structural name of each, by which they are found again.
const (
	averagePrefix  = "average/"
	optimiserInfix = "optimizer/"
	metaState      = "snnc.state"
	metaNames      = "snnc.names"
)

// Titles returns what checkpoints call variables, by structural name: as the spec suggests, ROLE.K.LAYER.PART. Where two variables
// would share one both keep the structural name, and so does one whose title is the structural name of another.
func Titles(variables []graph.Variable) map[string]string {
	uses := map[string]int{}
	for _, v := range variables {
		uses[v.Title]++
		if v.Title != v.Name {
			uses[v.Name]++
		}
	}
	out := make(map[string]string, len(variables))
	for _, v := range variables {
		out[v.Name] = v.Name
		if v.Title != "" && uses[v.Title] == 1 {
			out[v.Name] = v.Title
		}
	}
	return out
}

// shaped is a tensor in the dims of its variable.
func shaped(name string, t *tensor.Tensor) checkpoint.Tensor {
	return checkpoint.Of(name, t.Type.Dims, t.F32)
}

// Save returns the state of the training and the weights. What it holds depends on these alone.
func (t *Trainer) Save() (*checkpoint.File, error) {
	f := &checkpoint.File{Metadata: map[string]string{"format": "pt"}}
	titles := Titles(t.Model.Variables)
	names := map[string]string{}
	for _, v := range t.Model.Variables {
		title := titles[v.Name]
		names[title] = v.Name
		f.Tensors = append(f.Tensors, shaped(title, t.Model.Weights[v.Name]))
		if a := t.Model.Averages; a != nil {
			f.Tensors = append(f.Tensors, shaped(averagePrefix+title, a[v.Name]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(t.State.Moments)) {
		slot, name, _ := strings.Cut(key, "/")
		f.Tensors = append(f.Tensors, shaped(optimiserInfix+slot+"/"+titles[name], t.State.Moments[key]))
	}
	for key, v := range map[string]any{metaState: t.State, metaNames: names} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("save the training: %w", err)
		}
		f.Metadata[key] = string(text)
	}
	return f, nil
}

// Restore takes up the state of a checkpoint that Save made of the same training, whatever the spec calls its layers. An error
// leaves the training as it was.
func (t *Trainer) Restore(f *checkpoint.File) error {
	r, err := newRestoring(f)
	if err != nil {
		return err
	}
	averages, err := r.model(t.Model, t.Settings.Average > 0)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(t.State.Moments)) {
		slot, name, _ := strings.Cut(key, "/")
		if err := r.find(optimiserInfix+slot+"/", name, t.State.Moments[key]); err != nil {
			return err
		}
	}
	if extra := slices.IndexFunc(f.Tensors, func(x checkpoint.Tensor) bool { return !r.found[x.Name] }); extra >= 0 {
		return fmt.Errorf("restore the training: the checkpoint has tensor %q, which this training does not have", f.Tensors[extra].Name)
	}
	state, err := t.savedState(f.Metadata[metaState])
	if err != nil {
		return fmt.Errorf("restore the training: %w", err)
	}
	r.take()
	t.Model.Averages, t.State, t.epoch = averages, state, -1
	return nil
}

// savedState reads the state of a training of these settings and data: all of its counts follow from the number of updates.
func (t *Trainer) savedState(text string) (State, error) {
	s := State{Moments: t.State.Moments}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read its state: %w", err)
	}
	each := t.Settings.Accumulate
	updates := t.batches / each // of an epoch
	if s.Updates < 0 || s.Epoch != s.Updates/updates || s.Batch != s.Updates%updates*each || s.Batches != s.Epoch*updates*each+s.Batch {
		return s, fmt.Errorf("its state %s is not one of a training with %d updates an epoch, each of %d batches", text, updates, each)
	}
	for k, sum := range s.Sums {
		if sum.Count < 1 || s.Batch == 0 {
			return s, fmt.Errorf("its state %s has a sum %q of nothing", text, k)
		}
	}
	if s.Sums == nil {
		s.Sums = map[string]Sum{}
	}
	return s, nil
}

// Restore takes the weights of a checkpoint, and the averaged ones where average is set. An error leaves the model as it was.
func (m *Model) Restore(f *checkpoint.File, average bool) error {
	r, err := newRestoring(f)
	if err != nil {
		return err
	}
	averages, err := r.model(m, average)
	if err != nil {
		return err
	}
	r.take()
	m.Averages = averages
	return nil
}

// startAverages returns averages that have only seen the weights as they are.
func (m *Model) startAverages() map[string]*tensor.Tensor {
	averages := make(map[string]*tensor.Tensor, len(m.Weights))
	for name, w := range m.Weights {
		averages[name] = w.Clone()
	}
	return averages
}

// restoring gathers what is wanted of a checkpoint, so that nothing is taken of one that lacks something.
type restoring struct {
	file   *checkpoint.File
	titles map[string]string // structural name -> name in the file
	found  map[string]bool
	to     []*tensor.Tensor
	values [][]float32
}

func newRestoring(f *checkpoint.File) (*restoring, error) {
	var names map[string]string
	if err := json.Unmarshal([]byte(f.Metadata[metaNames]), &names); err != nil {
		return nil, fmt.Errorf("restore weights: read their structural names: %w", err)
	}
	r := &restoring{file: f, titles: make(map[string]string, len(names)), found: map[string]bool{}}
	for title, name := range names {
		r.titles[name] = title
	}
	if len(r.titles) != len(names) {
		return nil, fmt.Errorf("restore weights: two tensors of the checkpoint have one structural name")
	}
	return r, nil
}

// model finds the weights of a model, and returns its averages.
func (r *restoring) model(m *Model, average bool) (map[string]*tensor.Tensor, error) {
	averages := m.Averages
	if average && averages == nil {
		averages = m.startAverages()
	}
	for _, v := range m.Variables {
		if err := r.find("", v.Name, m.Weights[v.Name]); err != nil {
			return nil, err
		}
		if average {
			if err := r.find(averagePrefix, v.Name, averages[v.Name]); err != nil {
				return nil, err
			}
		}
	}
	return averages, nil
}

// find looks up what t is to become.
func (r *restoring) find(prefix, name string, t *tensor.Tensor) error {
	title, ok := r.titles[name]
	if !ok {
		return fmt.Errorf("restore weights: the checkpoint knows no variable %q", name)
	}
	title = prefix + title
	saved, ok := r.file.Tensor(title)
	if !ok {
		return fmt.Errorf("restore weights: the checkpoint has no tensor %q", title)
	}
	if !slices.Equal(saved.Shape, t.Type.Dims) {
		return fmt.Errorf("restore weights: tensor %q is %v, want %v", title, saved.Shape, t.Type.Dims)
	}
	values, err := checkpoint.Values[float32](saved)
	if err != nil {
		return fmt.Errorf("restore weights: tensor %q: %w", title, err)
	}
	if len(values) != len(t.F32) {
		return fmt.Errorf("restore weights: tensor %q has %d elements, want %d", title, len(values), len(t.F32))
	}
	r.found[title] = true
	r.to, r.values = append(r.to, t), append(r.values, values)
	return nil
}

// take writes what was found to where it belongs.
func (r *restoring) take() {
	for i, t := range r.to {
		copy(t.F32, r.values[i])
	}
}
