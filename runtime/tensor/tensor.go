package tensor

import (
	"fmt"

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

// New returns zeros, for a batch of n where the type has a batch axis.
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
		Huge(v.F32)
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

// CopyExample copies example i of a tensor to place k of a batch of the same type.
func (t *Tensor) CopyExample(k int, from *Tensor, i int) {
	if !t.Type.Equal(from.Type) || !t.Type.Batch {
		panic(fmt.Sprintf("tensor: copy an example of %v to %v", from.Type, t.Type))
	}
	size, words := t.Type.Size(), Words(t.Type.Size())
	for step := range max(t.Type.Steps, 1) {
		to, at := step*t.N+k, step*from.N+i
		switch t.Type.DType {
		case graph.Bit:
			copy(t.Bits[to*words:(to+1)*words], from.Bits[at*words:])
		case graph.I32:
			copy(t.I32[to*size:(to+1)*size], from.I32[at*size:])
		default:
			copy(t.F32[to*size:(to+1)*size], from.F32[at*size:])
		}
	}
}

// Logical returns the elements as numbers in logical order: time, batch, dims channels first, row-major.
func (t *Tensor) Logical() []float64 {
	size, rows, places := t.Type.Size(), Rows(t.Type, t.N), Places(t.Type)
	out := make([]float64, rows*size)
	words := Words(size)
	for r := range rows {
		for to := range size {
			i := to
			if places != nil {
				i = int(places[to])
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

// FromLogical returns a tensor with the given elements in logical order. Bits are set where an element is not 0.
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

// JoinTime joins values of one element type, batch and dims along time; one without a time axis counts as one step. There
// must be at least one.
func JoinTime(parts []*Tensor) *Tensor {
	t := parts[0].Type
	t.Steps = 0
	for _, p := range parts {
		t.Steps += max(p.Type.Steps, 1)
	}
	out := &Tensor{Type: t, N: parts[0].N}
	for _, p := range parts {
		if ChannelsLast(p.Type) != ChannelsLast(t) { // images gain an axis and with it another layout
			p = FromLogical(p.Type.WithSteps(1), p.N, p.Logical())
		}
		out.F32 = append(out.F32, p.F32...)
		out.Bits = append(out.Bits, p.Bits...)
		out.I32 = append(out.I32, p.I32...)
	}
	return out
}
