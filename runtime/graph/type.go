package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// DType is the kind of the elements of a value.
type DType uint8

// The element types. A State is the bundle of the neuron states of a role, carried from one application to the next.
const (
	F32 DType = iota
	Bit       // 0 or 1
	I32
	State
)

var dtypeNames = [...]string{"f32", "bit", "i32", "state"}

func (d DType) String() string { return dtypeNames[d] }

// Type is the type of a value: element type, an optional time axis, an optional batch axis, and the dims of one example,
// channels first. In memory and in text the order of axes is time, batch, dims.
type Type struct {
	DType DType
	Steps int  // length of the time axis; 0 where there is none
	Batch bool // whether there is a batch axis; its length is not part of the type
	Dims  []int
	Role  string // of a State: the role it belongs to
}

// Scalar is the type of one number.
func Scalar() Type { return Type{} }

// Real returns the type of one real value of the given dims per example.
func Real(dims ...int) Type { return Type{Batch: true, Dims: dims} }

// Signal returns the type of one real value of the given dims per time step and example.
func Signal(steps int, dims ...int) Type { return Type{Steps: steps, Batch: true, Dims: dims} }

// Spikes returns the type of spikes of the given dims.
func Spikes(steps int, dims ...int) Type {
	return Type{DType: Bit, Steps: steps, Batch: true, Dims: dims}
}

// Equal reports whether t and u are the same type.
func (t Type) Equal(u Type) bool {
	return t.DType == u.DType && t.Steps == u.Steps && t.Batch == u.Batch && t.Role == u.Role && slices.Equal(t.Dims, u.Dims)
}

// Size returns the number of elements of one example at one time step.
func (t Type) Size() int { return product(t.Dims) }

// With returns t with another element type.
func (t Type) With(d DType) Type { t.DType = d; return t }

// WithDims returns t with other dims.
func (t Type) WithDims(dims ...int) Type { t.Dims = dims; return t }

// WithSteps returns t with another time axis; 0 removes it.
func (t Type) WithSteps(steps int) Type { t.Steps = steps; return t }

// String renders t as the text form does: `f32[T4 N 16 7 7]`, `f32[]`.
func (t Type) String() string {
	if t.DType == State {
		return "state[" + t.Role + "]"
	}
	var parts []string
	if t.Steps > 0 {
		parts = append(parts, "T"+strconv.Itoa(t.Steps))
	}
	if t.Batch {
		parts = append(parts, "N")
	}
	for _, d := range t.Dims {
		parts = append(parts, strconv.Itoa(d))
	}
	return t.DType.String() + "[" + strings.Join(parts, " ") + "]"
}

// Axis names an axis of a value: 0, 1, ... are dims, TimeAxis and BatchAxis the others.
type Axis int

// The axes that are not dims.
const (
	TimeAxis  Axis = -2
	BatchAxis Axis = -1
)

func (a Axis) String() string {
	switch a {
	case TimeAxis:
		return "t"
	case BatchAxis:
		return "n"
	}
	return strconv.Itoa(int(a))
}

// Axes is a list of axes, in the order t, n, 0, 1, ...
type Axes []Axis

// Has reports whether a is in the list.
func (x Axes) Has(a Axis) bool { return slices.Contains(x, a) }

func (x Axes) String() string {
	s := make([]string, len(x))
	for i, a := range x {
		s[i] = a.String()
	}
	return "[" + strings.Join(s, " ") + "]"
}

// product returns the number of elements of dims, -1 where they are not possible (see maxElements).
func product(dims []int) int {
	n := 1
	for _, d := range dims {
		if d < 1 || d > maxElements || n > maxElements/d {
			return -1
		}
		n *= d
	}
	return n
}

// Broadcast returns the type of an element-wise result of a and b: a missing time or batch axis is repeated, dims align
// from the first (the channel axis), and an axis of length 1 meets any length. The element type is that of a.
func Broadcast(a, b Type) (Type, error) {
	if a.DType == State || b.DType == State {
		return Type{}, fmt.Errorf("state is not a number")
	}
	out := a
	if a.Steps == 0 {
		out.Steps = b.Steps
	} else if b.Steps != 0 && b.Steps != a.Steps {
		return Type{}, fmt.Errorf("%d time steps meet %d", a.Steps, b.Steps)
	}
	out.Batch = a.Batch || b.Batch
	long, short := a.Dims, b.Dims
	if len(short) > len(long) {
		long, short = short, long
	}
	out.Dims = slices.Clone(long)
	for i, d := range short {
		switch {
		case out.Dims[i] == 1:
			out.Dims[i] = d
		case d != 1 && d != out.Dims[i]:
			return Type{}, fmt.Errorf("shapes %v and %v do not align from the channel axis", a.Dims, b.Dims)
		}
	}
	return out, nil
}
