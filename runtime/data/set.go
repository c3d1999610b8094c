package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"slices"
	"sync"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// Set is the examples of one split of a data set, resized and chosen as its arguments say, in memory. It does not change,
// and any number of goroutines may use it.
type Set struct {
	collection *collection
	arguments  arguments
	pixels     []byte // of all examples, in the order of memory of a tensor
	labels     []int32
	scale      [256]float32 // what a byte becomes
	image      graph.Type
	hash       func() string
	mean       func() []float64
}

// label is the type of labels.
func label() graph.Type { return graph.Type{DType: graph.I32, Batch: true} }

// newSet returns a set without examples.
func newSet(c *collection, a arguments) *Set {
	s := &Set{collection: c, arguments: a, image: graph.Real(c.channels, a.height, a.width)}
	for p := range s.scale {
		s.scale[p] = float32(a.low + (a.high-a.low)*float64(p)/float64(c.peak))
	}
	s.hash = sync.OnceValue(s.digest)
	s.mean = sync.OnceValue(s.average)
	return s
}

// Name returns the data set's name.
func (s *Set) Name() string { return s.collection.name }

// Len returns the number of examples.
func (s *Set) Len() int { return len(s.labels) }

// Classes returns the number of classes of the data set; labels are below it, whichever classes were kept.
func (s *Set) Classes() int { return s.collection.classes }

// Range returns what black and white are.
func (s *Set) Range() (low, high float64) { return s.arguments.low, s.arguments.high }

// Fields returns the fields of an example: image, f32[N C H W], and label, i32[N].
func (s *Set) Fields() map[string]graph.Type {
	t := s.image
	t.Dims = slices.Clone(t.Dims)
	return map[string]graph.Type{"image": t, "label": label()}
}

// Fill writes the field of the examples with the given numbers into dst, whose batch has as many places. It allocates
// nothing.
func (s *Set) Fill(field string, examples []int, dst *tensor.Tensor) error {
	want := s.image
	switch field {
	case "image":
	case "label":
		want = label()
	default:
		return fmt.Errorf("fill field %q: data set `%s` has the fields image and label", field, s.Name())
	}
	if !dst.Type.Equal(want) || dst.N != len(examples) {
		return fmt.Errorf("fill field %s: %d examples of %v do not go into %v of %d", field, len(examples), want, dst.Type, dst.N)
	}
	size := s.image.Size()
	for k, i := range examples {
		if i < 0 || i >= s.Len() {
			return fmt.Errorf("fill field %s: no example %d among %d", field, i, s.Len())
		}
		if field == "label" {
			dst.I32[k] = s.labels[i]
			continue
		}
		to := dst.F32[k*size : (k+1)*size]
		for j, p := range s.pixels[i*size : (i+1)*size] {
			to[j] = s.scale[p]
		}
	}
	return nil
}

// Mean returns the mean of the field over all examples, in logical order (channels first); nil for a field that has none,
// as labels. It is computed once; the caller does not change it.
func (s *Set) Mean(field string) []float64 {
	if field != "image" {
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
	mean := make([]float64, size)
	for j, sum := range sums {
		mean[j] = low + (high-low)*float64(sum)/float64(s.Len()*s.collection.peak)
	}
	return mean
}

// Hash returns the SHA-256, in hex, of what the set yields: the types of its fields, what black and white are, all pixels and
// labels in order. Sets that yield the same examples have the same hash, whatever arguments and files led there.
func (s *Set) Hash() string { return s.hash() }

func (s *Set) digest() string {
	h := sha256.New()
	low, high := s.Range()
	fmt.Fprintf(h, "snnc data 1\n%v %v\n%d examples, 0..%d is %v..%v\n", s.image, label(), s.Len(), s.collection.peak, low, high)
	h.Write(s.pixels)
	var word [4]byte
	for _, l := range s.labels {
		binary.LittleEndian.PutUint32(word[:], uint32(l))
		h.Write(word[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Label returns the class of an example, 0 <= i < Len().
func (s *Set) Label(i int) int { return int(s.labels[i]) }

// Image returns an example, 0 <= i < Len(), as a person looks at it: grey, 0 black and 255 white, whatever `range` says.
func (s *Set) Image(i int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, s.arguments.width, s.arguments.height))
	size, peak := s.image.Size(), s.collection.peak
	for j, p := range s.pixels[i*size : (i+1)*size] {
		out.Pix[j] = byte((int(p)*255*2 + peak) / (2 * peak))
	}
	return out
}
