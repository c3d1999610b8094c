package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
)

// Weights are values of variables by structural name, in row-major order.
type Weights map[string][]float32

// Misfit is the error of weights that are not those of a model: every difference, one line each.
type Misfit struct {
	Missing     []string // names and shapes of variables that the file has not
	Superfluous []string // names and shapes of tensors that are no variable
	Other       []string // names of variables, with both shapes, or the type of elements
	Fitting     int      // variables that the file has as they should be
}

// Error implements error.
func (e *Misfit) Error() string {
	return "the weights do not fit: " + strings.Join(e.Lines(), "; ")
}

// Lines returns what does not fit, one sentence each.
func (e *Misfit) Lines() []string {
	var out []string
	for _, x := range e.Missing {
		out = append(out, x+" is missing")
	}
	for _, x := range e.Superfluous {
		out = append(out, x+" is not in the model")
	}
	return append(out, e.Other...)
}

// Find returns the values of variables from a file: a checkpoint, of this or another training, whose averaged weights are taken
// where it has some, or any file with a tensor for each variable and no other. A variable is found by the structural name that
// a checkpoint's metadata give its tensors, else by the name that the spec suggests, else by its structural name. Where these do not
// fit, all are looked for by the names that the spec suggests alone, since a layer more or less moves the structural names behind
// it. A frozen variable, whose values are a part of the model, may be missing.
//
// fresh says of a name that the spec suggests that what it stands for is not taken, whether the file has it or not; nil takes all.
// With it the names that the spec suggests come first. The error is a *Misfit, with the fewest lines of both ways.
func Find(variables []graph.Variable, f *checkpoint.File, fresh func(title string) bool) (Weights, error) {
	s, titles := tensorsOf(f), Titles(variables)
	first := func(v graph.Variable) []string { return []string{s.structural[v.Name], titles[v.Name], v.Name} }
	second := func(v graph.Variable) []string { return []string{titles[v.Name]} }
	ties := 0 // are worded by the names that the spec suggests
	if fresh != nil {
		first, second, ties = second, first, -1
	} else {
		fresh = func(string) bool { return false }
	}
	w, bad := s.find(variables, titles, fresh, first)
	if bad == nil {
		return w, nil
	}
	w, other := s.find(variables, titles, fresh, second)
	if other == nil {
		return w, nil
	}
	if len(other.Lines())-len(bad.Lines()) <= ties {
		bad = other
	}
	return nil, bad
}

// tensors are those of a file that may be weights, by name.
type tensors struct {
	all, averaged map[string]checkpoint.Tensor
	structural    map[string]string // names by structural name, where the file has metadata
}

func tensorsOf(f *checkpoint.File) tensors {
	s := tensors{map[string]checkpoint.Tensor{}, map[string]checkpoint.Tensor{}, map[string]string{}}
	var names map[string]string
	if json.Unmarshal([]byte(f.Metadata[metaNames]), &names) == nil {
		for tensor, name := range names {
			s.structural[name] = tensor
		}
	}
	for _, x := range f.Tensors {
		name, average := strings.CutPrefix(x.Name, averagePrefix)
		switch {
		case average && names != nil:
			s.averaged[name] = x
		case names != nil && strings.HasPrefix(x.Name, optimiserInfix):
		default:
			s.all[x.Name] = x
		}
	}
	return s
}

// find looks for each variable that is not fresh by some names, in their order.
func (s *tensors) find(variables []graph.Variable, titles map[string]string, fresh func(string) bool, names func(graph.Variable) []string) (Weights, *Misfit) {
	out, bad, used := Weights{}, &Misfit{}, map[string]bool{}
	for _, v := range variables {
		title := titles[v.Name]
		if fresh(title) {
			continue
		}
		name, x, ok := "", checkpoint.Tensor{}, false
		for _, name = range names(v) {
			if x, ok = s.all[name]; ok && !used[name] {
				break
			}
			ok = false
		}
		if !ok {
			if v.Kind != graph.Frozen {
				bad.Missing = append(bad.Missing, fmt.Sprintf("`%s` %v", title, v.Type.Dims))
			}
			continue
		}
		used[name] = true
		if a, ok := s.averaged[name]; ok {
			x = a
		}
		values, err := checkpoint.Values[float32](x)
		switch {
		case !slices.Equal(x.Shape, v.Type.Dims):
			bad.Other = append(bad.Other, fmt.Sprintf("`%s` is %v in the model and %v in the file", title, v.Type.Dims, x.Shape))
		case err != nil:
			bad.Other = append(bad.Other, fmt.Sprintf("`%s` holds %s and not %s", title, x.DType, checkpoint.F32))
		case slices.ContainsFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }):
			bad.Other = append(bad.Other, fmt.Sprintf("`%s` holds values that are not finite", title))
		default:
			out[v.Name] = values
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		if !used[name] && !fresh(name) {
			bad.Superfluous = append(bad.Superfluous, fmt.Sprintf("`%s` %v", name, s.all[name].Shape))
		}
	}
	if len(bad.Missing)+len(bad.Superfluous)+len(bad.Other) > 0 {
		bad.Fitting = len(out)
		return nil, bad
	}
	return out, nil
}

// Digest returns the SHA-256 of weights, in hex.
func (w Weights) Digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(h, "%q %d\n", name, len(w[name]))
		h.Write(checkpoint.Of(name, []int{len(w[name])}, w[name]).Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Begin lets a model begin with weights that Find has returned for its variables.
func (m *Model) Begin(w Weights) {
	for name, values := range w {
		copy(m.Weights[name].F32, values)
	}
}
