package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/checkpoint"
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

// titles returns structural name -> the name that the spec suggests. Where two variables would share one both keep the
// structural name.
func (m *Model) titles() map[string]string {
	uses := map[string]int{}
	for _, v := range m.Variables {
		uses[v.Title]++
	}
	out := make(map[string]string, len(m.Variables))
	for _, v := range m.Variables {
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
	titles := t.Model.titles()
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

// Restore takes up the state of a checkpoint that Save made of the same training, whatever the spec calls its layers.
func (t *Trainer) Restore(f *checkpoint.File) error {
	if err := t.Model.Restore(f, t.Settings.Average > 0); err != nil {
		return err
	}
	titles, err := savedTitles(f)
	if err != nil {
		return err
	}
	state := State{Moments: t.State.Moments}
	if err := json.Unmarshal([]byte(f.Metadata[metaState]), &state); err != nil {
		return fmt.Errorf("restore the training: read its state: %w", err)
	}
	if state.Sums == nil {
		state.Sums = map[string]float64{}
	}
	if state.Epoch < 0 || state.Batch < 0 || state.Batch >= t.batches || state.Batches < 0 || state.Updates < 0 {
		return fmt.Errorf("restore the training: its state %s is not one of %d batches an epoch", f.Metadata[metaState], t.batches)
	}
	for _, key := range slices.Sorted(maps.Keys(state.Moments)) {
		slot, name, _ := strings.Cut(key, "/")
		if err := fill(f, optimiserInfix+slot+"/"+titles[name], state.Moments[key]); err != nil {
			return err
		}
	}
	t.State, t.epoch = state, -1
	return nil
}

// Restore takes the weights of a checkpoint, and the averaged ones where average is set.
func (m *Model) Restore(f *checkpoint.File, average bool) error {
	titles, err := savedTitles(f)
	if err != nil {
		return err
	}
	if average && m.Averages == nil {
		m.startAverages()
	}
	for _, v := range m.Variables {
		if err := fill(f, titles[v.Name], m.Weights[v.Name]); err != nil {
			return err
		}
		if average {
			if err := fill(f, averagePrefix+titles[v.Name], m.Averages[v.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Model) startAverages() {
	m.Averages = make(map[string]*tensor.Tensor, len(m.Weights))
	for name, w := range m.Weights {
		m.Averages[name] = w.Clone()
	}
}

// savedTitles returns structural name -> name in the file.
func savedTitles(f *checkpoint.File) (map[string]string, error) {
	var names map[string]string
	if err := json.Unmarshal([]byte(f.Metadata[metaNames]), &names); err != nil {
		return nil, fmt.Errorf("restore weights: read their structural names: %w", err)
	}
	out := make(map[string]string, len(names))
	for title, name := range names {
		out[name] = title
	}
	return out, nil
}

func fill(f *checkpoint.File, name string, t *tensor.Tensor) error {
	saved, ok := f.Tensor(name)
	if !ok {
		return fmt.Errorf("restore weights: the checkpoint has no tensor %q", name)
	}
	if !slices.Equal(saved.Shape, t.Type.Dims) {
		return fmt.Errorf("restore weights: tensor %q is %v, want %v", name, saved.Shape, t.Type.Dims)
	}
	values, err := checkpoint.Values[float32](saved)
	if err != nil {
		return fmt.Errorf("restore weights: tensor %q: %w", name, err)
	}
	copy(t.F32, values)
	return nil
}
