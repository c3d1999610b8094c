package train

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

func sequence(from, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i
	}
	return out
}

// apply runs an export on one batch of examples, of which the first has the number first.
func apply(t fataler, m *Model, export string, data Examples, numbers []int, first uint64) []float32 {
	t.Helper()
	in := map[string]*tensor.Tensor{}
	for _, n := range m.Program.Export(export).Inputs {
		name := n.Text("name")
		in[name] = tensor.New(n.Out[0], len(numbers))
		if err := data.Fill(name, numbers, in[name]); err != nil {
			t.Fatal(err)
		}
	}
	out, err := m.Apply(export, in, len(numbers), 3, first)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out.F32)
}

// cuts draws sizes of batches that make n.
func cuts(t *rapid.T, n int) []int {
	var sizes []int
	for left := n; left > 0; {
		size := rapid.IntRange(1, min(left, 9)).Draw(t, "size")
		sizes = append(sizes, size)
		left -= size
	}
	return sizes
}

// Outside of training neither the sizes of batches nor, where no random numbers are drawn, the order of examples changes a
// byte: what an example gives belongs to it and its number alone.
func TestBatchesChangeNothing(t *testing.T) {
	const n = 21
	data := examples(n)
	for _, name := range []string{"classifier", "fsvae", "gan-ann", "ddpm"} {
		t.Run(name, func(t *testing.T) {
			s := system(t, name)
			tr := s.trainer(t, data, Settings{Batch: 7, Epochs: 2, Average: 0.9, Optimizers: map[string]Optimizer{"": adam(0.01)}})
			finish(t, tr)
			m := tr.Model
			// Neurons that fire now and then make a difference of every example.
			for _, v := range m.Variables {
				if strings.HasSuffix(v.Name, ".bias") {
					chance := rng.New(1, v.Name, 0)
					for i := range m.Averages[v.Name].F32 {
						m.Averages[v.Name].F32[i] += 2 * chance.Uniform(0, uint64(i))
					}
				}
			}
			exports := 0
			for _, e := range s.p.Exports {
				inputs := s.p.Export(e.Name).Inputs
				if slices.ContainsFunc(inputs, func(in *graph.Node) bool { return !slices.Contains([]string{"image", "label"}, in.Text("name")) }) {
					continue // takes what no data set has
				}
				g, err := m.Linker.Function(e.Function)
				if err != nil {
					t.Fatal(err)
				}
				exports++
				chance := slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Op == graph.OpUniform || n.Op == graph.OpNormal })
				want := apply(t, m, e.Name, data, sequence(0, n), 0)
				size := len(want) / n
				if size == 0 {
					continue // spikes
				}
				rapid.Check(t, func(t *rapid.T) {
					order := sequence(0, n)
					if !chance && len(inputs) > 0 {
						rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
					}
					first := 0
					for _, k := range cuts(t, n) {
						got := apply(t, m, e.Name, data, order[first:first+k], uint64(first))
						for i, example := range order[first : first+k] {
							if !slices.Equal(got[i*size:(i+1)*size], want[example*size:(example+1)*size]) {
								t.Fatalf("%s, %s: example %d differs in a batch of %d", name, e.Name, example, k)
							}
						}
						first += k
					}
				})
			}
			for i := range s.p.Samplers {
				sampler := &s.p.Samplers[i]
				all, err := m.Sample(sampler, n, 5, 0)
				if err != nil {
					t.Fatal(err)
				}
				want := slices.Clone(all.F32)
				size := len(want) / n
				rapid.Check(t, func(t *rapid.T) {
					first := 0
					for _, k := range cuts(t, n) {
						got, err := m.Sample(sampler, k, 5, uint64(first))
						if err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(got.F32, want[first*size:(first+k)*size]) {
							t.Fatalf("%s, %s: samples %d and on differ in a batch of %d", name, sampler.Name, first, k)
						}
						first += k
					}
				})
				other, err := m.Sample(sampler, n, 6, 0)
				if err != nil {
					t.Fatal(err)
				}
				if slices.Equal(other.F32, want) {
					t.Errorf("%s, %s: another seed gives the same samples", name, sampler.Name)
				}
			}
			t.Logf("%s: %d exports, %d samplers", name, exports, len(s.p.Samplers))
			if exports+len(s.p.Samplers) == 0 {
				t.Errorf("%s: nothing is looked at", name)
			}
		})
	}
}

// Sampling and exports see the averaged weights, training the live ones.
func TestAppliesAverages(t *testing.T) {
	s := system(t, "classifier")
	tr := s.trainer(t, examples(12), Settings{Batch: 4, Iterations: 3, Average: 0.9, Optimizers: sgd(0.5)})
	finish(t, tr)
	averaged := apply(t, tr.Model, "logits", examples(12), sequence(0, 12), 0)
	live := s.model(t, 9)
	if err := live.Restore(saved(t, tr), false); err != nil {
		t.Fatal(err)
	}
	other := s.model(t, 9)
	if err := other.Restore(saved(t, tr), true); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(averaged, apply(t, live, "logits", examples(12), sequence(0, 12), 0)) {
		t.Error("the live weights give what the averaged ones give")
	}
	if !slices.Equal(averaged, apply(t, other, "logits", examples(12), sequence(0, 12), 0)) {
		t.Error("the restored averages give something else")
	}
	if _, err := live.Apply("reconstruct", nil, 1, 0, 0); err == nil || !strings.Contains(err.Error(), "no such export") {
		t.Errorf("an export that is not there: %v", err)
	}
	if _, err := live.Apply("logits", nil, 1, 0, 0); err == nil || !strings.Contains(err.Error(), "image") {
		t.Errorf("an input that is not there: %v", err)
	}
}

// What is given to a sampler reaches its start, each turn and the end, and a sample stays one of its number and class in any
// batch.
func TestSampleGiven(t *testing.T) {
	s := fromText(t, "testdata/given")
	m := s.model(t, 0)
	labels := tensor.New(graph.Real().With(graph.I32), 6)
	for i := range labels.I32 {
		labels.I32[i] = int32(i % 4)
	}
	sampler := &s.p.Samplers[0]
	all, err := m.SampleGiven(sampler, map[string]*tensor.Tensor{"label": labels}, 6, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	whole := all.Clone()
	for i, v := range whole.F32 {
		label := float32(i % 4)
		if noise := v - label*(1+111+2000); noise <= 0 || noise >= 3 { // a sum of three numbers in (0, 1)
			t.Errorf("sample %d of class %v is %v", i, label, v)
		}
	}
	for i := range 6 {
		one := tensor.New(labels.Type, 1)
		one.CopyExample(0, labels, i)
		got, err := m.SampleGiven(sampler, map[string]*tensor.Tensor{"label": one}, 1, 3, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if got.F32[0] != whole.F32[i] {
			t.Errorf("sample %d alone is %v, with others %v", i, got.F32[0], whole.F32[i])
		}
	}
	if _, err := m.Sample(sampler, 2, 3, 0); err == nil {
		t.Error("a sampler draws without what it is to be given")
	}
}
