package data

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// The kinds of examples that the data set `random` has.
const (
	imagesKind = "images"
	spikesKind = "spikes"
)

// The fields of examples.
const (
	ImageField  = "image"
	LabelField  = "label"
	spikesField = "spikes"
	targetField = "target"
)

const (
	maxChannels = 1 << 16
	maxSteps    = 4096
)

// randomParams are the arguments of `random` that other data sets do not have.
func randomParams() []schema.Param {
	at := func(v float64) *float64 { return &v }
	return []schema.Param{
		{Name: "channels", Type: schema.Int, Default: "1", Min: at(1), Max: at(maxChannels), Doc: "Channels of images and of spikes."},
		{Name: "size", Type: schema.Size, Default: "28x28", Doc: "Height and width."},
		{Name: "kind", Type: schema.OneOf, Default: imagesKind, Choices: []schema.Choice{
			{Name: imagesKind, Doc: "The field `image`, a real in `range` for each pixel."},
			{Name: spikesKind, Doc: "The field `spikes`, over `steps` time steps."},
		}, Doc: "What examples are; the field `target` is reals of the same shape."},
		{Name: "rate", Type: schema.Real, Default: "0.1", Min: at(0), Max: at(1), Doc: "Of `spikes`: how often one is there."},
		{Name: "steps", Type: schema.Int, Default: "4", Min: at(1), Max: at(maxSteps), Doc: "Of `spikes`: time steps of an example."},
	}
}

// randomArguments reads what randomParams declares.
func (a *arguments) randomArguments(_ *collection, args schema.Arguments) error {
	a.channels, a.rate, a.spikes, a.steps = 1, 0.1, args.Text("kind") == spikesKind, 4
	if v, ok := args["channels"]; ok {
		a.channels = int(v.Number)
	}
	if v, ok := args["rate"]; ok {
		a.rate = v.Number
	}
	if v, ok := args["steps"]; ok {
		a.steps = int(v.Number)
	}
	if n := a.channels * a.height * a.width; a.channels < 1 || a.channels > maxChannels || n > maxExample {
		return fmt.Errorf("an example of %d channels of %dx%d has %d values, and at most %d are possible", a.channels, a.height, a.width, n, maxExample)
	}
	if !a.spikes {
		a.rate, a.steps = 0, 0
	}
	return nil
}

// maxExample is the most values that an example has at one time step.
const maxExample = 1 << 26

// drawn gives the examples of `random`. What an example is follows from its number, the part and the arguments alone; nothing
// is kept. Values are drawn in the order of memory, which for random ones is as good as any.
type drawn struct {
	image, spikes, target rng.Stream
}

func newDrawn(split Split) *drawn {
	stream := func(field string) rng.Stream {
		return rng.New(0, "random "+field, map[Split]uint64{Train: 0, Test: 1}[split])
	}
	return &drawn{stream(ImageField), stream(spikesField), stream(targetField)}
}

// fill writes a field of the examples into dst, whose type has been judged.
func (d *drawn) fill(s *Set, field string, examples []int, dst *tensor.Tensor) {
	a, rows := s.arguments, max(dst.Type.Steps, 1)
	size := dst.Type.Size()
	for t := range rows {
		for k, example := range examples {
			row, number := t*len(examples)+k, uint64(example)*uint64(rows)+uint64(t)
			switch field {
			case spikesField:
				words := tensor.Words(size)
				d.bits(dst.Bits[row*words:(row+1)*words], size, float32(a.rate), number)
			case ImageField:
				reals(d.image, dst.F32[row*size:(row+1)*size], a.low, a.high, number)
			default:
				reals(d.target, dst.F32[row*size:(row+1)*size], a.low, a.high, number)
			}
		}
	}
}

// reals draws one row, uniform over [low, high).
func reals(s rng.Stream, to []float32, low, high float64, number uint64) {
	s.FillUniform(to, number, 0)
	if low == 0 && high == 1 {
		return
	}
	from, width := float32(low), float32(high-low)
	for i, u := range to {
		to[i] = from + width*u
	}
}

// bits draws one row of size spikes, each there with probability rate.
func (d *drawn) bits(to []uint64, size int, rate float32, number uint64) {
	var u [64]float32
	for w := range to {
		n := min(64, size-64*w)
		d.spikes.FillUniform(u[:n], number*uint64(len(to))+uint64(w), 0)
		word := uint64(0)
		for i, x := range u[:n] {
			if x < rate {
				word |= 1 << i
			}
		}
		to[w] = word
	}
}

// randomFields are the fields of an example of `random`.
func randomFields(a arguments) map[string]graph.Type {
	if a.spikes {
		return map[string]graph.Type{
			spikesField: graph.Spikes(a.steps, a.channels, a.height, a.width),
			targetField: graph.Signal(a.steps, a.channels, a.height, a.width),
		}
	}
	image := graph.Real(a.channels, a.height, a.width)
	return map[string]graph.Type{ImageField: image, targetField: image}
}
