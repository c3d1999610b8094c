package exec_test

import (
	"context"
	"flag"
	"testing"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// A network that a run of snnc has trained, for TestCheckpoint.
var (
	trainedSpec   = flag.String("spec", "", "spec of the network that -checkpoint has the weights of")
	trainedPreset = flag.String("preset", "", "preset of that spec")
	trainedWeight = flag.String("checkpoint", "", "safetensors file of a run, whose layers TestCheckpoint judges")
	trainedData   = flag.String("data", "", "folder of the data set of -spec")
)

// TestTrained: after some updates on handwritten digits networks that spike, of three kinds, agree with the interpreter layer by
// layer, and one, two and seven workers give the same bytes. Where few neurons fire, products of a trained network are those
// of events.
func TestTrained(t *testing.T) {
	for _, spec := range []string{"tiny", "classify", "denoise"} {
		t.Run(spec, func(t *testing.T) {
			m := fromSpec(t, "testdata/"+spec+".snn", "")
			set := m.examples(t, "")
			pool := exec.NewPool(2)
			defer pool.Close()
			x, err := train.NewModel(m.p, m.filled, 1, pool)
			if err != nil {
				t.Fatal(err)
			}
			adam := train.Optimizer{Kind: "adam", Rate: 3e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
			tr, err := train.NewTrainer(x, m.p.Stages[0], set, train.Settings{Batch: 32, Iterations: 60, Optimizers: map[string]train.Optimizer{"": adam}})
			if err != nil {
				t.Fatal(err)
			}
			var losses []float64
			if err := tr.Run(context.Background(), func(p train.Progress) error {
				if total, ok := p.Loss["total"]; ok {
					losses = append(losses, total)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(losses) == 0 || losses[len(losses)-1] > 0.7*losses[0] {
				t.Fatalf("60 updates train nothing: losses are %v", losses)
			}
			m.trained(t, x.Weights, set, 3)
		})
	}
}

// TestCheckpoint is TestTrained of the weights that a run of snnc left, where it is given some; docs/performance.md has the command.
func TestCheckpoint(t *testing.T) {
	if *trainedWeight == "" {
		return
	}
	m := fromSpec(t, *trainedSpec, *trainedPreset)
	pool := exec.NewPool(2)
	defer pool.Close()
	x, err := train.NewModel(m.p, m.filled, 1, pool)
	if err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(*trainedWeight)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Restore(f, false); err != nil {
		t.Fatal(err)
	}
	m.trained(t, x.Weights, m.examples(t, *trainedData), 2)
}

// examples opens the first data set of the spec.
func (m model) examples(t *testing.T, folder string) *data.Set {
	t.Helper()
	d := m.data[0]
	set, err := data.Open(context.Background(), d.Set, d.Args, data.Train, []string{folder})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// trained judges a training step on the first n examples of a data set with the given weights.
func (m model) trained(t *testing.T, weights map[string]*tensor.Tensor, set *data.Set, n int) {
	t.Helper()
	g := m.step(t)
	w := &world{n: n, seed: 5, inputs: map[string]interp.Value{}, variables: map[string]interp.Value{}}
	for name, x := range weights {
		w.variables[name] = interp.Value{Type: x.Type, N: x.N, Data: x.Logical()}
	}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	for _, in := range g.Inputs {
		x := tensor.New(in.Out[0], n)
		if err := set.Fill(in.Text("name"), numbers, x); err != nil {
			t.Fatal(err)
		}
		w.inputs[in.Text("name")] = interp.Value{Type: x.Type, N: n, Data: x.Logical()}
	}
	f := w.layers(t, g, 1, 2, 7)
	t.Logf("%d layers of products, %d others; %d spikes, %d of them by rounding, %d of these otherwise", f.products, f.chains, f.spikes, f.near, f.other)
	if f.spikes == 0 || f.near > f.spikes/1000 {
		t.Errorf("of %d spikes %d are decided by rounding", f.spikes, f.near)
	}
	w.workers(t, g, 1, 2, 7)
}
