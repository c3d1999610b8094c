package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// Set is the examples of one split of a data set, resized and chosen as its arguments say: in memory, in a file that is mapped, or
// drawn when they are asked for. It does not change, and any number of goroutines may use it.
type Set struct {
	collection *collection
	arguments  arguments
	fields     map[string]graph.Type
	hash       func() string

	// Of images:
	pixels []byte // of all examples, in the order of memory of a tensor
	labels []int32
	flips  bool         // a training mirrors half of them
	scale  [256]float32 // what a byte becomes
	image  graph.Type
	mean   func() []float64

	// Of random numbers:
	drawn *drawn
	split Split

	names  []string // of classes
	count  int      // of examples
	passed []string // pictures of formats that are not read
}

// label is the type of labels.
func label() graph.Type { return graph.Type{DType: graph.I32, Batch: true} }

// newSet returns a set without examples.
func newSet(c *collection, a arguments) *Set {
	s := &Set{collection: c, arguments: a, fields: c.fields(a), image: graph.Real(a.channels, a.height, a.width)}
	for p := range s.scale {
		s.scale[p] = float32(a.low + (a.high-a.low)*float64(p)/float64(c.peak))
	}
	s.hash = sync.OnceValue(s.digest)
	s.mean = sync.OnceValue(s.average)
	return s
}

// newRandom returns the first take examples of a split of random numbers, all for 0.
func newRandom(c *collection, a arguments, split Split, take int) *Set {
	s := &Set{collection: c, arguments: a, fields: c.fields(a), drawn: newDrawn(split), split: split, count: c.most(split)}
	if take > 0 {
		s.count = take
	}
	s.hash = sync.OnceValue(s.digest)
	return s
}

// Name returns the data set's name.
func (s *Set) Name() string { return s.collection.name }

// Len returns the number of examples.
func (s *Set) Len() int { return s.count }

// Classes returns the number of classes of the data set; labels are below it, whichever classes were kept. It is 0 where examples
// have no label.
func (s *Set) Classes() int { return s.collection.labels(s.arguments) }

// Range returns what black and white are; of random numbers, the ends of the reals.
func (s *Set) Range() (low, high float64) { return s.arguments.low, s.arguments.high }

// Fields returns the fields of an example: image, f32[N C H W], and label, i32[N], where there are labels; of random numbers
// target, and image or spikes, bit[T N C H W].
func (s *Set) Fields() map[string]graph.Type {
	out := maps.Clone(s.fields)
	for name, t := range out {
		t.Dims = slices.Clone(t.Dims)
		out[name] = t
	}
	return out
}

// Fill writes the field of the examples with the given numbers into dst, whose batch has as many places. It allocates
// nothing. Images are not mirrored: see FillVaried.
func (s *Set) Fill(field string, examples []int, dst *tensor.Tensor) error {
	if err := s.check(field, examples, dst); err != nil {
		return err
	}
	switch {
	case s.drawn != nil:
		s.drawn.fill(s, field, examples, dst)
	case field == LabelField:
		for k, i := range examples {
			dst.I32[k] = s.labels[i]
		}
	default:
		size := s.image.Size()
		for k, i := range examples {
			s.put(dst.F32[k*size:(k+1)*size], i)
		}
	}
	return nil
}

// check reports an error where a field of the examples does not go into dst.
func (s *Set) check(field string, examples []int, dst *tensor.Tensor) error {
	want, ok := s.fields[field]
	if !ok {
		return fmt.Errorf("fill field %q: data set `%s` has the fields %s", field, s.Name(), strings.Join(slices.Sorted(maps.Keys(s.fields)), " and "))
	}
	if !dst.Type.Equal(want) || dst.N != len(examples) {
		return fmt.Errorf("fill field %s: %d examples of %v do not go into %v of %d", field, len(examples), want, dst.Type, dst.N)
	}
	for _, i := range examples {
		if i < 0 || i >= s.Len() {
			return fmt.Errorf("fill field %s: no example %d among %d", field, i, s.Len())
		}
	}
	return nil
}

// put writes the image of an example.
func (s *Set) put(to []float32, i int) {
	size := len(to)
	for j, p := range s.pixels[i*size : (i+1)*size] {
		to[j] = s.scale[p]
	}
}

// Mean returns the mean of the field over all examples, in logical order (channels first); nil for a field that has none,
// as labels and random numbers. It is computed once; the caller does not change it.
func (s *Set) Mean(field string) []float64 {
	if field != ImageField || s.drawn != nil {
		return nil
	}
	return s.mean()
}

func (s *Set) average() []float64 {
	size := s.image.Size()
	sums := make([]int64, size)
	for i := range s.Len() {
		for j, p := range s.pixels[i*size : (i+1)*size] {
			sums[j] += int64(p)
		}
	}
	low, high := s.Range()
	mean, places := make([]float64, size), tensor.Places(s.image)
	for j := range mean {
		at := j
		if places != nil {
			at = int(places[j])
		}
		mean[j] = low + (high-low)*float64(sums[at])/(float64(s.Len())*float64(s.collection.peak))
	}
	return mean
}

// Channel is what the pixels of a channel are like, in the units of `range`.
type Channel struct{ Mean, Deviation float64 }

// Channels returns mean and standard deviation (divided by the count) of the pixels of each channel, over all examples; nil for
// random numbers. Sums are of integers.
func (s *Set) Channels() []Channel {
	if s.drawn != nil {
		return nil
	}
	n := s.arguments.channels
	counts := make([][256]int64, n)
	for rest := s.pixels; len(rest) > 0; rest = rest[n:] {
		for c := range n {
			counts[c][rest[c]]++
		}
	}
	low, high := s.Range()
	scale := (high - low) / float64(s.collection.peak)
	out := make([]Channel, n)
	for c := range out {
		var total, sum float64
		for p, k := range counts[c] {
			total, sum = total+float64(k), sum+float64(k)*float64(p)
		}
		mean, squares := sum/total, 0.0
		for p, k := range counts[c] {
			squares += float64(k) * (float64(p) - mean) * (float64(p) - mean)
		}
		out[c] = Channel{low + scale*mean, scale * math.Sqrt(squares/total)}
	}
	return out
}

// Hash returns the SHA-256, in hex, of what the set yields: the types of its fields, what black and white are, all pixels and
// labels in order, and whether a training mirrors them; of random numbers, of what they follow from. Sets that yield the same examples
// have the same hash, whatever arguments and files led there.
func (s *Set) Hash() string { return s.hash() }

func (s *Set) digest() string {
	h := sha256.New()
	if s.drawn != nil {
		a := s.arguments
		fmt.Fprintf(h, "snnc random 1\n%d x %d x %d, %v..%v, spikes %v %v %d\n%d of %s\n", a.channels, a.height, a.width, a.low, a.high, a.spikes, a.rate, a.steps, s.count, s.split)
		return hex.EncodeToString(h.Sum(nil))
	}
	low, high := s.Range()
	fmt.Fprintf(h, "snnc data 1\n%v %v\n%d examples, 0..%d is %v..%v\n", s.image, label(), s.Len(), s.collection.peak, low, high)
	if s.flips {
		fmt.Fprintln(h, "half of them mirrored")
	}
	h.Write(s.pixels)
	var word [4]byte
	for _, l := range s.labels {
		binary.LittleEndian.PutUint32(word[:], uint32(l))
		h.Write(word[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Label returns the class of an example, 0 <= i < Len(), of a set that has the field label.
func (s *Set) Label(i int) int { return int(s.labels[i]) }

// ClassName returns what the folder of a class is called; "" where classes have no folders.
func (s *Set) ClassName(class int) string {
	if class >= len(s.names) {
		return ""
	}
	return s.names[class]
}

// PassedOver says which pictures were passed over beside those of the examples, of formats that are not read; "" where none were.
func (s *Set) PassedOver() string {
	switch n := len(s.passed); n {
	case 0:
		return ""
	case 1:
		return s.passed[0] + " is passed over: PNG, JPEG, GIF and WebP files are read"
	default:
		return fmt.Sprintf("%d pictures such as %s are passed over: PNG, JPEG, GIF and WebP files are read", n, s.passed[0])
	}
}

// Seen returns the classes that examples are of, each once and upwards; none where examples have no label.
func (s *Set) Seen() []int {
	there := map[int]bool{}
	for _, l := range s.labels {
		there[int(l)] = true
	}
	return slices.Sorted(maps.Keys(there))
}

// Image returns an example, 0 <= i < Len(), as a person looks at it, black to white whatever `range` says: an *image.Gray, or of
// three channels an *image.NRGBA. Of random numbers it is the first channel, of spikes their mean over time.
func (s *Set) Image(i int) image.Image {
	frame := image.Rect(0, 0, s.arguments.width, s.arguments.height)
	if s.drawn != nil {
		out := image.NewGray(frame)
		s.draw(i, out)
		return out
	}
	size, peak := s.image.Size(), s.collection.peak
	pixels := s.pixels[i*size : (i+1)*size]
	shade := func(p byte) byte { return byte((int(p)*255*2 + peak) / (2 * peak)) }
	if s.arguments.channels == 3 {
		out := image.NewNRGBA(frame)
		for j := range size / 3 {
			copy(out.Pix[4*j:], []byte{shade(pixels[3*j]), shade(pixels[3*j+1]), shade(pixels[3*j+2]), 255})
		}
		return out
	}
	out := image.NewGray(frame)
	for j, p := range pixels {
		out.Pix[j] = shade(p)
	}
	return out
}

func (s *Set) draw(i int, out *image.Gray) {
	field, low, high := ImageField, s.arguments.low, s.arguments.high
	if s.arguments.spikes {
		field, low, high = spikesField, 0, 1
	}
	t := s.fields[field]
	one := tensor.New(t, 1)
	s.drawn.fill(s, field, []int{i}, one)
	values, steps := one.Logical(), max(t.Steps, 1)
	for j := range out.Pix {
		sum := 0.0
		for step := range steps {
			sum += values[step*t.Size()+j]
		}
		out.Pix[j] = byte(math.Round((sum/float64(steps) - low) / (high - low) * 255))
	}
}
