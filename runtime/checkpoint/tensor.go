package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// DType names the type of a tensor's elements, as safetensors spells it.
type DType string

// The element types that a File may hold.
const (
	F32 DType = "F32"
	F64 DType = "F64"
	I8  DType = "I8"
	I16 DType = "I16"
	I32 DType = "I32"
	I64 DType = "I64"
	U8  DType = "U8"
	U16 DType = "U16"
	U64 DType = "U64"
)

// Size returns the bytes of one element, or 0 for a type that a File cannot hold.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32:
		return 4
	case I16, U16:
		return 2
	case I8, U8:
		return 1
	}
	return 0
}

// Tensor is one named array. Data holds its elements little-endian in row-major order, the last dimension fastest; a Shape of
// no dimensions is a single element.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Element is what Of and Values convert from and to.
type Element interface {
	float32 | float64 | int32 | int64 | uint8 | uint64
}

// Of returns the tensor of the values, which are copied. That the shape holds as many is checked when a File is written.
func Of[E Element](name string, shape []int, values []E) Tensor {
	d := dtypeOf[E]()
	data := make([]byte, 0, len(values)*d.Size())
	data, err := binary.Append(data, binary.LittleEndian, values)
	if err != nil {
		panic("checkpoint: encode " + string(d) + ": " + err.Error()) // every Element has a fixed size
	}
	return Tensor{Name: name, DType: d, Shape: slices.Clone(shape), Data: data}
}

// Values returns a copy of the tensor's elements. It is an error to ask for a type that the tensor does not have.
func Values[E Element](t Tensor) ([]E, error) {
	if want := dtypeOf[E](); t.DType != want {
		return nil, fmt.Errorf("tensor %q holds %s, not %s", t.Name, t.DType, want)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	values := make([]E, len(t.Data)/t.DType.Size())
	if _, err := binary.Decode(t.Data, binary.LittleEndian, values); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return values, nil
}

func dtypeOf[E Element]() DType {
	switch any(E(0)).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int32:
		return I32
	case int64:
		return I64
	case uint8:
		return U8
	default:
		return U64
	}
}

// check says whether type, shape and data fit together.
func (t Tensor) check() error {
	n, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if n != len(t.Data) {
		return fmt.Errorf("tensor %q: shape %v of %s takes %d bytes, data has %d", t.Name, t.Shape, t.DType, n, len(t.Data))
	}
	return nil
}

// byteSize returns the bytes that a tensor of this type and shape takes.
func byteSize(d DType, shape []int) (int, error) {
	n := d.Size()
	if n == 0 {
		return 0, fmt.Errorf("element type %q is not one of F32, F64, I32, I64, U8, U64", d)
	}
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if dim != 0 && n > math.MaxInt/dim {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= dim
	}
	return n, nil
}
