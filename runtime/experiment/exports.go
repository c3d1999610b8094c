package experiment

import (
	"context"
	"fmt"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// The exports that actions ask a Program for, besides build.Bound.
const (
	reconstruct = "reconstruct" // image -> image
	logits      = "logits"      // inputs -> one number per class
)

func seed(j *job) uint64 { return uint64(j.Settings.Int("seed")) }

// batches are of this size outside of training. No result depends on it.
const batch = 64

// apply runs an export on the first n examples of a set in batches.
func (r *runner) apply(ctx context.Context, m *train.Model, export string, set *data.Set, n int, seed uint64, each func(first int, in map[string]*tensor.Tensor, out *tensor.Tensor) error) error {
	return r.applyTo(ctx, m, export, set, n, seed, nil, each)
}

// applyTo is apply to what ready, where it is given, makes of the examples, of which the first has the number first.
func (r *runner) applyTo(ctx context.Context, m *train.Model, export string, set *data.Set, n int, seed uint64, ready func(first int, in map[string]*tensor.Tensor), each func(first int, in map[string]*tensor.Tensor, out *tensor.Tensor) error) error {
	g := m.Program.Export(export)
	if g == nil {
		return fmt.Errorf("the model does not export `%s`", export)
	}
	for first := 0; first < n; first += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(batch, n-first)
		in, err := filled(g, set, first, size)
		if err != nil {
			return err
		}
		if ready != nil {
			ready(first, in)
		}
		out, err := m.Apply(export, in, size, seed, uint64(first))
		if err != nil {
			return err
		}
		if err := each(first, in, out); err != nil {
			return err
		}
	}
	return nil
}

// filled returns what a set has for the inputs of a function: so many examples, from number first on.
func filled(g *graph.Graph, set *data.Set, first, size int) (map[string]*tensor.Tensor, error) {
	examples := make([]int, size)
	for i := range examples {
		examples[i] = first + i
	}
	in := map[string]*tensor.Tensor{}
	for _, node := range g.Inputs {
		name := node.Text("name")
		in[name] = tensor.New(node.Out[0], size)
		if err := set.Fill(name, examples, in[name]); err != nil {
			return nil, fmt.Errorf("read field %s: %w", name, err)
		}
	}
	return in, nil
}

// appendPixels appends the elements of t, channels first.
func appendPixels(to []float32, t *tensor.Tensor) []float32 {
	for _, v := range t.Logical() {
		to = append(to, float32(v))
	}
	return to
}
