package emulator

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/internal/strict"
)

// Numbers are whole numbers of a network: in JSON one, a list, or {"tensor": "NAME"} of the safetensors file beside the network's.
type Numbers struct {
	List   []int32
	Tensor string // where they come from, and go to when they are printed
}

// UnmarshalJSON reads one of the three forms; Read fills in tensors.
func (n *Numbers) UnmarshalJSON(text []byte) error {
	*n = Numbers{}
	bad := errors.New(`must be whole numbers of 32 bits: one, a list, or {"tensor": "NAME"}`)
	t := bytes.TrimSpace(text)
	if len(t) == 0 || t[0] != '{' && bytes.ContainsRune(t, 'n') { // null, which json takes for 0
		return bad
	}
	switch t[0] {
	case '[':
		if json.Unmarshal(t, &n.List) != nil {
			return bad
		}
	case '{':
		var o map[string]string
		if json.Unmarshal(t, &o) != nil || len(o) != 1 || o["tensor"] == "" {
			return bad
		}
		n.Tensor = o["tensor"]
	default:
		n.List = make([]int32, 1)
		if json.Unmarshal(t, &n.List[0]) != nil {
			return bad
		}
	}
	return nil
}

// MarshalJSON writes the shortest of the forms.
func (n Numbers) MarshalJSON() ([]byte, error) {
	switch {
	case n.Tensor != "":
		return json.Marshal(map[string]string{"tensor": n.Tensor})
	case len(n.List) == 1:
		return json.Marshal(n.List[0])
	case n.List == nil:
		return []byte("[]"), nil
	}
	return json.Marshal(n.List)
}

// each checks that there is one number, or one for each of so many, in a range.
func (n *Numbers) each(name string, size, low, high int) error {
	if n == nil {
		return nil
	}
	if len(n.List) != 1 && len(n.List) != size {
		return fmt.Errorf("%s has %d numbers, and there are %d compartments: give one for all, or one for each", name, len(n.List), size)
	}
	for i, v := range n.List {
		if int(v) < low || int(v) > high {
			return fmt.Errorf("%s[%d] is %d, outside %d..%d", name, i, v, low, high)
		}
	}
	return nil
}

// at returns the number of compartment i, 0 where there are none.
func (n *Numbers) at(i int) int32 {
	switch {
	case n == nil:
		return 0
	case len(n.List) == 1:
		return n.List[0]
	}
	return n.List[i]
}

// Read reads the JSON of a network and validates it. Members that are not known are errors. Tensors that it names are among those
// given, as safetensors has them: integers of up to 32 bits.
func Read(text string, tensors []schema.NamedTensor, data map[string][]byte) (*Network, error) {
	n := &Network{}
	if err := strict.Decode(text, n); err != nil {
		return nil, err
	}
	fill := func(x *Numbers) error {
		if x == nil || x.Tensor == "" {
			return nil
		}
		i := slices.IndexFunc(tensors, func(t schema.NamedTensor) bool { return t.Name == x.Tensor })
		if i < 0 || data[x.Tensor] == nil {
			return fmt.Errorf("there is no tensor %q", x.Tensor)
		}
		var err error
		x.List, err = integers(tensors[i], data[x.Tensor])
		return err
	}
	for i := range n.Groups {
		for _, x := range []*Numbers{n.Groups[i].Bias, n.Groups[i].Start} {
			if err := fill(x); err != nil {
				return nil, fmt.Errorf("group %q: %w", n.Groups[i].Name, err)
			}
		}
	}
	for i := range n.Synapses {
		if err := fill(&n.Synapses[i].Weights); err != nil {
			return nil, fmt.Errorf("synapses[%d]: %w", i, err)
		}
	}
	if err := n.Validate(); err != nil {
		return nil, err
	}
	return n, nil
}

// integers decodes a tensor.
func integers(t schema.NamedTensor, data []byte) ([]int32, error) {
	size := map[string]int{"I8": 1, "U8": 1, "I16": 2, "I32": 4}[t.DType]
	n := circuit.Size(t.Dims)
	if size == 0 || n < 0 || len(data) != n*size {
		return nil, fmt.Errorf("tensor %q is %s of dims %v in %d bytes; numbers are I8, U8, I16 or I32", t.Name, t.DType, t.Dims, len(data))
	}
	out := make([]int32, n)
	for i := range out {
		switch at := data[i*size:]; {
		case size == 4:
			out[i] = int32(binary.LittleEndian.Uint32(at))
		case size == 2:
			out[i] = int32(int16(binary.LittleEndian.Uint16(at)))
		case t.DType == "I8":
			out[i] = int32(int8(at[0]))
		default:
			out[i] = int32(at[0])
		}
	}
	return out, nil
}

// Print writes a network as Read reads it: numbers that name a tensor by its name, and the bytes of these tensors, as I16 or I32, in
// the order in which they stand there.
func (n *Network) Print() (text string, tensors []schema.NamedTensor, data [][]byte, err error) {
	keep := func(x *Numbers) {
		if x == nil || x.Tensor == "" {
			return
		}
		if slices.ContainsFunc(x.List, func(v int32) bool { return v < -1<<15 || v >= 1<<15 }) {
			b := make([]byte, 0, 4*len(x.List))
			for _, v := range x.List {
				b = binary.LittleEndian.AppendUint32(b, uint32(v))
			}
			tensors, data = append(tensors, schema.NamedTensor{Name: x.Tensor, DType: "I32", Dims: []int{len(x.List)}}), append(data, b)
			return
		}
		b := make([]byte, 0, 2*len(x.List))
		for _, v := range x.List {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		tensors, data = append(tensors, schema.NamedTensor{Name: x.Tensor, DType: "I16", Dims: []int{len(x.List)}}), append(data, b)
	}
	for i := range n.Groups {
		keep(n.Groups[i].Bias)
		keep(n.Groups[i].Start)
	}
	for i := range n.Synapses {
		keep(&n.Synapses[i].Weights)
	}
	b, err := json.MarshalIndent(n, "", " ")
	return string(b) + "\n", tensors, data, err
}
