// Package tensor holds values in their final memory layout.
//
// The order of axes in memory is time, batch, then the dims of an example; a value with a time or batch axis and three or
// more dims is channels last ([T][N][H][W][C]), everything else, also every variable, is row-major (PyTorch's layouts).
// Spikes are bits: each example of a time step takes whole uint64 words, bit i is element i in memory order. The executor,
// the trainer and the data sets import this package.
package tensor

import (
	"fmt"
	"math/bits"

	"snnc.dev/snnc/runtime/graph"
)

// Tensor is a value. One of F32, Bits and I32 is set, as the element type says.
type Tensor struct {
	Type graph.Type
	N    int // batch size; 1 without a batch axis
	F32  []float32
	Bits []uint64
	I32  []int32
}

// Rows returns how many examples of time steps t and n make: T * N.
func Rows(t graph.Type, n int) int {
	rows := max(t.Steps, 1)
	if t.Batch {
		rows *= n
	}
	return rows
}

// Words returns how many words the bits of one example take.
func Words(size int) int { return (size + 63) / 64 }

// New returns zeros.
func New(t graph.Type, n int) *Tensor {
	v := &Tensor{Type: t, N: n}
	if !t.Batch {
		v.N = 1
	}
	switch rows := Rows(t, n); t.DType {
	case graph.Bit:
		v.Bits = make([]uint64, rows*Words(t.Size()))
	case graph.I32:
		v.I32 = make([]int32, rows*t.Size())
	default:
		v.F32 = make([]float32, rows*t.Size())
	}
	return v
}

// Scalar returns one number.
func Scalar(v float32) *Tensor { return &Tensor{Type: graph.Scalar(), N: 1, F32: []float32{v}} }

// Clone returns a copy.
func (t *Tensor) Clone() *Tensor {
	c := *t
	c.F32 = append([]float32(nil), t.F32...)
	c.Bits = append([]uint64(nil), t.Bits...)
	c.I32 = append([]int32(nil), t.I32...)
	return &c
}

// CopyFrom copies the elements of a tensor of the same type and size.
func (t *Tensor) CopyFrom(from *Tensor) {
	if !t.Type.Equal(from.Type) || t.N != from.N {
		panic(fmt.Sprintf("tensor: copy %v of %d to %v of %d", from.Type, from.N, t.Type, t.N))
	}
	copy(t.F32, from.F32)
	copy(t.Bits, from.Bits)
	copy(t.I32, from.I32)
}

// Bytes returns the memory that a value takes.
func Bytes(t graph.Type, n int) int {
	if t.DType == graph.Bit {
		return Rows(t, n) * Words(t.Size()) * 8
	}
	return Rows(t, n) * t.Size() * 4
}

// ChannelsLast reports whether the first dim is the innermost in memory.
func ChannelsLast(t graph.Type) bool { return (t.Steps > 0 || t.Batch) && len(t.Dims) >= 3 }

// Order returns, for each place in memory of one example, the logical index (channels first, row-major) of its element;
// nil where they are the same.
func Order(t graph.Type) []int {
	if !ChannelsLast(t) || t.Dims[0] == 1 {
		return nil
	}
	channels, space := t.Dims[0], t.Size()/t.Dims[0]
	if space == 1 {
		return nil
	}
	order := make([]int, channels*space)
	for s := range space {
		for c := range channels {
			order[s*channels+c] = c*space + s
		}
	}
	return order
}

// Logical returns the elements as numbers in logical order: time, batch, dims channels first, row-major.
func (t *Tensor) Logical() []float64 {
	size, rows, order := t.Type.Size(), Rows(t.Type, t.N), Order(t.Type)
	out := make([]float64, rows*size)
	words := Words(size)
	for r := range rows {
		for i := range size {
			to := i
			if order != nil {
				to = order[i]
			}
			var v float64
			switch t.Type.DType {
			case graph.Bit:
				v = float64(t.Bits[r*words+i/64] >> (i % 64) & 1)
			case graph.I32:
				v = float64(t.I32[r*size+i])
			default:
				v = float64(t.F32[r*size+i])
			}
			out[r*size+to] = v
		}
	}
	return out
}

// FromLogical returns a tensor with the given elements in logical order.
func FromLogical(ty graph.Type, n int, data []float64) *Tensor {
	t := New(ty, n)
	size, rows, order := ty.Size(), Rows(ty, n), Order(ty)
	words := Words(size)
	for r := range rows {
		for i := range size {
			from := i
			if order != nil {
				from = order[i]
			}
			v := data[r*size+from]
			switch ty.DType {
			case graph.Bit:
				if v != 0 {
					t.Bits[r*words+i/64] |= 1 << (i % 64)
				}
			case graph.I32:
				t.I32[r*size+i] = int32(v)
			default:
				t.F32[r*size+i] = float32(v)
			}
		}
	}
	return t
}

// Unpack writes the bits of one example as numbers 0 and 1.
func Unpack(dst []float32, src []uint64) {
	clear(dst)
	for w, word := range src {
		for word != 0 {
			dst[w*64+bits.TrailingZeros64(word)] = 1
			word &= word - 1
		}
	}
}

// Pack writes the bits of one example: 1 where src is not 0.
func Pack(dst []uint64, src []float32) {
	clear(dst)
	for i, v := range src {
		if v != 0 {
			dst[i/64] |= 1 << (i % 64)
		}
	}
}

// JoinTime joins values along time.
func JoinTime(parts []*Tensor) *Tensor {
	t := parts[0].Type
	t.Steps = 0
	for _, p := range parts {
		t.Steps += max(p.Type.Steps, 1)
	}
	out := &Tensor{Type: t, N: parts[0].N}
	for _, p := range parts {
		out.F32 = append(out.F32, p.F32...)
		out.Bits = append(out.Bits, p.Bits...)
		out.I32 = append(out.I32, p.I32...)
	}
	return out
}
