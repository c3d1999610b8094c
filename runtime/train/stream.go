package train

import (
	"context"
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
)

// mapBatch is the size of the batches in which streams and statistics are computed. Nothing depends on it.
const mapBatch = 64

// Map computes a stream that an export of another model makes of the examples of the stream that it maps: a tensor of as many
// places as there are examples. The random numbers of an example are those of its number and the seed. Model m must have the
// weights of the other model. A cancelled context ends it with the context's error.
func (m *Model) Map(ctx context.Context, s program.Stream, from Examples, seed uint64) (*tensor.Tensor, error) {
	g, err := m.Linker.Mapped(s)
	if err != nil {
		return nil, err
	}
	all := tensor.New(g.Outputs[0].Value.Type(), from.Len())
	numbers := make([]int, 0, mapBatch)
	for first := 0; first < from.Len(); first += mapBatch {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("compute stream %s: %w", s.Name, err)
		}
		n := min(mapBatch, from.Len()-first)
		numbers = numbers[:0]
		for i := range n {
			numbers = append(numbers, first+i)
		}
		in := map[string]*tensor.Tensor{}
		for _, node := range g.Inputs {
			name := node.Text("name")
			in[name] = tensor.New(node.Out[0], n)
			if err := from.Fill(name, numbers, in[name]); err != nil {
				return nil, fmt.Errorf("compute stream %s: %w", s.Name, err)
			}
		}
		p, err := m.compile(compiledKey{"stream " + s.Name, n}, func() (*graph.Graph, error) { return g, nil })
		if err != nil {
			return nil, err
		}
		if err := p.Run(m.env(in, seed, 0, uint64(first))); err != nil {
			return nil, fmt.Errorf("compute stream %s: %w", s.Name, err)
		}
		for i := range n {
			all.CopyExample(first+i, p.Output(s.Name), i)
		}
	}
	return all, nil
}

// Mapped are examples with one more field, which is computed of them. Of examples that vary from epoch to epoch it takes them as they
// are without that, in all fields.
type Mapped struct {
	Examples
	Field  string
	Values func() (*tensor.Tensor, error) // a place for each example; always the same tensor
}

// Fill writes a field of examples, the one that was computed or another one.
func (x *Mapped) Fill(field string, examples []int, dst *tensor.Tensor) error {
	if field != x.Field {
		return x.Examples.Fill(field, examples, dst)
	}
	values, err := x.Values()
	if err != nil {
		return err
	}
	if !dst.Type.Equal(values.Type) || dst.N != len(examples) {
		return fmt.Errorf("fill field %s: %d examples of %v do not go into %v of %d", field, len(examples), values.Type, dst.Type, dst.N)
	}
	for k, i := range examples {
		if i < 0 || i >= values.N {
			return fmt.Errorf("fill field %s: no example %d among %d", field, i, values.N)
		}
		dst.CopyExample(k, values, i)
	}
	return nil
}

// variance is that of all numbers in the first field of the stage's stream that is f32: in float64, in the order of the
// examples, about the first number, so that none of the sums is much larger than what is left of it.
func (m *Model) variance(stage program.Stage, data Examples) (float64, error) {
	field, t, err := m.real(stage)
	if err != nil {
		return 0, err
	}
	var about, sum, squares float64
	count := 0
	for first := 0; first < data.Len(); first += mapBatch {
		n := min(mapBatch, data.Len()-first)
		x := tensor.New(t, n)
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = first + i
		}
		if err := data.Fill(field, numbers, x); err != nil {
			return 0, fmt.Errorf("find the variance of %s: %w", field, err)
		}
		for _, v := range x.F32[:tensor.Elements(t, n)] {
			if count == 0 {
				about = float64(v)
			}
			d := float64(v) - about
			sum += d
			squares += d * d
			count++
		}
	}
	mean := sum / float64(count)
	return squares/float64(count) - mean*mean, nil
}

// real returns the first field of a stage's stream that is f32 and that a step takes, and its type.
func (m *Model) real(stage program.Stage) (string, graph.Type, error) {
	for _, field := range m.Program.Fields(stage.Stream) {
		for _, step := range stage.Steps {
			for _, in := range m.Program.Function(step.Function).Inputs {
				if in.Text("name") == field && in.Out[0].DType == graph.F32 {
					return field, in.Out[0], nil
				}
			}
		}
	}
	return "", graph.Type{}, fmt.Errorf("find the variance of stream %s: no step takes a field of real numbers of it", stage.Stream)
}
