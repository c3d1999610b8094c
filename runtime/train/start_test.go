package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
)

// A checkpoint gives its averaged weights where it has some and its weights elsewhere, whatever its tensors are called; a
// file of tensors alone gives them by the names that a spec suggests.
func TestFind(t *testing.T) {
	s := system(t, "classifier")
	for _, average := range []float64{0, 0.5} {
		o := Settings{Batch: 2, Iterations: 3, Average: average, Optimizers: map[string]Optimizer{"": adam(0.01)}}
		tr := s.trainer(t, examples(8), o)
		finish(t, tr)
		f, err := tr.Save()
		if err != nil {
			t.Fatal(err)
		}
		want := tr.Model.Weights
		if average > 0 {
			want = tr.Model.Averages
		}
		// The same by other names, and without metadata.
		renamed := &checkpoint.File{Metadata: map[string]string{metaState: f.Metadata[metaState], metaNames: f.Metadata[metaNames]}}
		bare := &checkpoint.File{}
		for _, v := range tr.Model.Variables {
			title := Titles(tr.Model.Variables)[v.Name]
			renamed.Metadata[metaNames] = strings.ReplaceAll(renamed.Metadata[metaNames], fmt.Sprintf("%q:", title), fmt.Sprintf("%q:", "x."+title))
			bare.Tensors = append(bare.Tensors, shaped(title, want[v.Name]))
		}
		for _, x := range f.Tensors {
			if name, ok := strings.CutPrefix(x.Name, averagePrefix); ok {
				x.Name = averagePrefix + "x." + name
			} else if !strings.HasPrefix(x.Name, optimiserInfix) {
				x.Name = "x." + x.Name
			}
			renamed.Tensors = append(renamed.Tensors, x)
		}
		digests := map[string]bool{}
		for what, f := range map[string]*checkpoint.File{"checkpoint": f, "other names": renamed, "bare file": bare} {
			w, err := Find(tr.Model.Variables, f, nil)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			m := s.trainer(t, examples(8), o).Model
			m.Begin(w)
			for _, v := range m.Variables {
				if !slices.Equal(m.Weights[v.Name].F32, want[v.Name].F32) {
					t.Errorf("%s, average %v: %s begins with something else", what, average, v.Name)
				}
			}
			digests[w.Digest()] = true
		}
		if len(digests) != 1 {
			t.Errorf("%d digests of the same weights", len(digests))
		}
	}
}

// A layer in front moves the structural names of all behind it: weights are found by the names that the spec suggests, unless it
// renames them, and what is new is missed unless it is said to be.
func TestFindMoved(t *testing.T) {
	variable := func(name, title string, size int) graph.Variable {
		return graph.Variable{Name: name, Title: title, Kind: graph.Parameter, Type: graph.Type{DType: graph.F32, Dims: []int{size}}}
	}
	tensor := func(title string, value float32) checkpoint.Tensor {
		return checkpoint.Of(title, []int{2}, []float32{value, value})
	}
	file := &checkpoint.File{Metadata: map[string]string{metaNames: `{"n.0.a.w":"n.0.w","n.1.a.w":"n.1.w","n.2.a.w":"n.2.w"}`},
		Tensors: []checkpoint.Tensor{tensor("n.0.a.w", 1), tensor("n.1.a.w", 2), tensor("n.2.a.w", 3)}}
	moved := []graph.Variable{variable("n.1.w", "n.0.a.w", 2), variable("n.2.w", "n.1.a.w", 2), variable("n.3.w", "n.2.a.w", 2)}
	grown := append([]graph.Variable{variable("n.0.w", "n.0.b.w", 2)}, moved...)
	isNew := func(title string) bool { return title == "n.0.b.w" }
	for _, c := range []struct {
		what      string
		variables []graph.Variable
		fresh     func(string) bool
	}{{"without weights", moved, nil}, {"with weights", grown, isNew}} {
		w, err := Find(c.variables, file, c.fresh)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		for i, v := range moved {
			if want := []float32{float32(i + 1), float32(i + 1)}; !slices.Equal(w[v.Name], want) {
				t.Errorf("%s: %s begins with %v, want %v", c.what, v.Title, w[v.Name], want)
			}
		}
		if w["n.0.w"] != nil {
			t.Errorf("%s: the layer in front is not new", c.what)
		}
	}
	var bad *Misfit
	if _, err := Find(grown, file, nil); !errors.As(err, &bad) || !slices.Equal(bad.Lines(), []string{"`n.0.b.w` [2] is missing"}) {
		t.Error(err)
	}
	// What is new is not taken from a file that has something of this name, of whatever shape.
	file.Tensors[1] = checkpoint.Of("n.1.a.w", []int{3}, []float32{1, 2, 3})
	if w, err := Find(moved, file, func(title string) bool { return title == "n.1.a.w" }); err != nil || len(w) != 2 {
		t.Error(w, err)
	}
}

// All that does not fit is told at once, with both shapes, and a weight that changes changes the digest.
func TestMisfit(t *testing.T) {
	m := system(t, "classifier").trainer(t, examples(8), Settings{Batch: 2, Iterations: 1, Optimizers: map[string]Optimizer{"": adam(0.01)}}).Model
	f := &checkpoint.File{}
	for _, v := range m.Variables {
		f.Tensors = append(f.Tensors, shaped(v.Name, m.Weights[v.Name]))
	}
	w, err := Find(m.Variables, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	was := w.Digest()
	w[m.Variables[0].Name][0]++
	if was == w.Digest() {
		t.Error("other weights have the same digest")
	}
	if len(f.Tensors) < 4 {
		t.Fatalf("%d variables", len(f.Tensors))
	}
	names := []string{m.Variables[0].Name, m.Variables[1].Name, m.Variables[2].Name, m.Variables[3].Name}
	f.Tensors[0].Shape = append([]int{1}, f.Tensors[0].Shape...)
	f.Tensors[1] = checkpoint.Of(names[1], f.Tensors[1].Shape, make([]float64, len(f.Tensors[1].Data)/4))
	f.Tensors[2].Name = "stranger"
	for i := range 4 {
		f.Tensors[3].Data[i] = 0xff
	}
	_, err = Find(m.Variables, f, nil)
	var bad *Misfit
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	lines := bad.Lines()
	if len(lines) != 5 {
		t.Errorf("%q", lines)
	}
	for _, want := range []string{
		fmt.Sprintf("`%s` %v is missing", names[2], m.Variables[2].Type.Dims),
		fmt.Sprintf("`stranger` %v is not in the model", m.Variables[2].Type.Dims),
		fmt.Sprintf("`%s` is %v in the model and %v in the file", names[0], m.Variables[0].Type.Dims, f.Tensors[0].Shape),
		fmt.Sprintf("`%s` holds F64 and not F32", names[1]),
		fmt.Sprintf("`%s` holds values that are not finite", names[3]),
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q lacks %q", lines, want)
		}
	}
}

// Whatever a file says its tensors are, finding weights in it ends in weights for all variables, or in a Misfit with lines.
func FuzzFind(f *testing.F) {
	from, _ := half(f)
	right := saved(f, from)
	for _, names := range []string{"", "null", "{}", "[]", `{"":""}`, right.Metadata[metaNames], `{"a":"network.0.weight","b":"network.0.weight"}`} {
		f.Add(names, "network.0.weight", "average/x", 3)
	}
	f.Fuzz(func(t *testing.T, names, one, other string, n int) {
		file := &checkpoint.File{Metadata: map[string]string{metaNames: names}, Tensors: slices.Clone(right.Tensors)}
		file.Tensors = append(file.Tensors, checkpoint.Of(one, []int{1}, []float32{1}), checkpoint.Tensor{Name: other, DType: "F32", Shape: []int{n}})
		w, err := Find(from.Model.Variables, file, nil)
		var bad *Misfit
		switch {
		case errors.As(err, &bad):
			if len(bad.Lines()) == 0 {
				t.Error("a misfit of nothing")
			}
		case err != nil:
			t.Error(err)
		default:
			for _, v := range from.Model.Variables {
				if len(w[v.Name]) != v.Type.Size() {
					t.Errorf("%s has %d values", v.Name, len(w[v.Name]))
				}
			}
		}
	})
}
