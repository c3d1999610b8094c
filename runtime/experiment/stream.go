package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// examples are what a stage is trained on: the data, with the fields of streams that other models compute. Those are computed
// when they are first asked for, and kept in the run folder.
func (r *runner) examples(ctx context.Context, j *job, m *train.Model, stage program.Stage) train.Examples {
	var x train.Examples = r.trainSet(j)
	for _, s := range j.model.Mapped(stage) {
		from := x
		x = &train.Mapped{Examples: from, Field: s.Name, Values: sync.OnceValues(func() (*tensor.Tensor, error) { return r.stream(ctx, j, m, s, from) })}
	}
	return x
}

// stream returns what is kept of a stream, or computes it. What is kept is known by the key of the training, in which are the
// data, the seed, the Program and the trainings of the other models.
func (r *runner) stream(ctx context.Context, j *job, m *train.Model, s program.Stream, from train.Examples) (*tensor.Tensor, error) {
	dir := r.folder.Path(record.StreamFolder)
	path := r.folder.Path(r.streamFile(j, s))
	t := j.model.Program.Role(s.Export).Out[0]
	file, err := checkpoint.Read(path)
	switch {
	case err == nil && file.Metadata[keyMetadata] == j.key:
		return kept(file, s.Name, t, from.Len())
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, checkpoint.ErrDamaged):
		return nil, fmt.Errorf("read stream %s: %w", s.Name, err)
	}
	r.o.Watch.Say(j.name, fmt.Sprintf("computes %s of %d examples", s.Name, from.Len()))
	values, err := m.Map(ctx, s, from, seed(j))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make folder for streams: %w", err)
	}
	file = &checkpoint.File{Metadata: map[string]string{keyMetadata: j.key}, Tensors: []checkpoint.Tensor{stored(s.Name, values)}}
	if err := checkpoint.Write(path, file); err != nil {
		return nil, fmt.Errorf("keep stream %s: %w", s.Name, err)
	}
	return values, nil
}

// streamFile returns the name in the run folder of what is kept of a stream.
func (r *runner) streamFile(j *job, s program.Stream) string {
	return record.StreamFolder + "/" + r.file(j) + "-" + s.Name + ".safetensors"
}

// shape is that of a tensor in memory: time, examples, dims with the channels last; words of 64 bits in the place of the dims of
// spikes.
func shape(t graph.Type, n int) (out []int) {
	if t.Steps > 0 {
		out = append(out, t.Steps)
	}
	out = append(out, n)
	switch dims := slices.Clone(t.Dims); {
	case t.DType == graph.Bit:
		return append(out, tensor.Words(t.Size()))
	case tensor.ChannelsLast(t):
		return append(append(out, dims[1:]...), dims[0])
	default:
		return append(out, dims...)
	}
}

// stored is a tensor as a file keeps it.
func stored(name string, x *tensor.Tensor) checkpoint.Tensor {
	dims := shape(x.Type, x.N)
	switch x.Type.DType {
	case graph.Bit:
		return checkpoint.Of(name, dims, x.Bits)
	case graph.I32:
		return checkpoint.Of(name, dims, x.I32)
	}
	return checkpoint.Of(name, dims, x.F32)
}

// kept reads what stored has made of a tensor of n examples.
func kept(f *checkpoint.File, name string, t graph.Type, n int) (*tensor.Tensor, error) {
	saved, ok := f.Tensor(name)
	if !ok || !slices.Equal(saved.Shape, shape(t, n)) {
		return nil, fmt.Errorf("read stream %s: the file holds another one", name)
	}
	x := tensor.New(t, n)
	var err error
	switch t.DType {
	case graph.Bit:
		x.Bits, err = checkpoint.Values[uint64](saved)
	case graph.I32:
		x.I32, err = checkpoint.Values[int32](saved)
	default:
		x.F32, err = checkpoint.Values[float32](saved)
	}
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", name, err)
	}
	return x, nil
}
