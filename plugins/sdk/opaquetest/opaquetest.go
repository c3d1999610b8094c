// Package opaquetest has what tests of opaque operators share: components that are computed, and a server that computes them in its
// own process, by the code that plugin processes run.
//
// Only tests, and the plugin of the benchmarks, import it. It imports plugins/schema, plugins/sdk, runtime/graph and runtime/opaque.
package opaquetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// Server computes the opaque components of plugins in its own process. It is an opaque.Server.
type Server struct {
	Plugins map[string]*sdk.Operators // by name
	Calls   atomic.Int64              // of Forward and Backward so far
	last    atomic.Int64
}

// New returns a server of one plugin.
func New(p sdk.Plugin) *Server {
	return &Server{Plugins: map[string]*sdk.Operators{p.Name: p.NewOperators()}}
}

// memory is memory of the process.
type memory []float32

func (m memory) Floats() []float32 { return m }
func (m memory) Close() error      { return nil }

// Memory implements opaque.Server.
func (s *Server) Memory(floats int) (opaque.Memory, error) {
	const line = 64
	x := make(memory, floats+line/4)
	for uintptr(unsafe.Pointer(unsafe.SliceData(x)))%line != 0 {
		x = x[1:]
	}
	return x[:floats:floats], nil
}

// Prepare implements opaque.Server.
func (s *Server) Prepare(o *graph.Opaque, dims []int) (opaque.Operator, error) {
	of := s.Plugins[o.Plugin]
	if of == nil {
		return nil, fmt.Errorf("there is no plugin %q", o.Plugin)
	}
	op := &operator{s: s, of: of, handle: strconv.FormatInt(s.last.Add(1), 10)}
	q := schema.PrepareRequest{Handle: op.handle, Component: o.Component, Direction: schema.Direction(o.Direction), Dims: dims}
	if err := json.Unmarshal([]byte(o.Arguments), &q.Arguments); err != nil {
		return nil, err
	}
	reply, err := of.Prepare(q)
	if err == nil && len(reply.Complaints) > 0 {
		err = fmt.Errorf("%s", reply.Complaints[0].Summary)
	}
	if err != nil {
		return nil, err
	}
	return op, opaque.Agree(o, States(reply), reply.Saved)
}

// States returns the states of an answer as a declaration has them.
func States(r schema.PrepareReply) (out []graph.EquationState) {
	for _, s := range r.States {
		out = append(out, graph.EquationState{Name: s.Name, Start: s.Start})
	}
	return out
}

// Declare returns the declaration of a use of a plugin's component.
func Declare(p sdk.Plugin, component string, direction schema.Direction, arguments schema.Arguments, dims ...int) (*graph.Opaque, error) {
	text, err := json.Marshal(arguments)
	if err != nil {
		return nil, err
	}
	for _, x := range p.Opaque {
		c := x.Component
		if c.Name != component {
			continue
		}
		r, err := p.NewOperators().Prepare(schema.PrepareRequest{Component: component, Arguments: arguments, Direction: direction, Dims: dims})
		if err != nil {
			return nil, err
		}
		decodes := direction == schema.Decode
		return &graph.Opaque{Name: component + string(direction), Plugin: p.Name, Component: component, Version: c.Version, Arguments: string(text), Direction: graph.Direction(direction),
			Spikes: c.Opaque.Spikes && !decodes, Once: c.Opaque.Once && !decodes, Gradient: c.Opaque.Gradient, Random: c.Opaque.Random,
			Inputs: c.Opaque.Takes(), States: States(r), Saved: r.Saved}, nil
	}
	return nil, fmt.Errorf("no component %q is opaque", component)
}

// operator is a prepared component.
type operator struct {
	s      *Server
	of     *sdk.Operators
	handle string
	closed sync.Once
}

func (op *operator) operands(m opaque.Memory, b opaque.Block) schema.Operands {
	return schema.Operands{Handle: op.handle, Bytes: 4 * len(m.Floats()), Steps: b.Steps, Batch: b.Batch, First: b.First, Count: b.Count}
}

// Forward implements opaque.Operator.
func (op *operator) Forward(m opaque.Memory, f opaque.Forward) error {
	op.s.Calls.Add(1)
	return op.of.Forward(m.Floats(), schema.ForwardRequest{Operands: op.operands(m, f.Block), Inputs: bytes(f.Inputs), State: bytes(f.State), Output: 4 * f.Output,
		Saved: bytes(f.Saved), Next: bytes(f.Next), Seeds: f.Seeds})
}

// Backward implements opaque.Operator.
func (op *operator) Backward(m opaque.Memory, b opaque.Backward) error {
	op.s.Calls.Add(1)
	return op.of.Backward(m.Floats(), schema.BackwardRequest{Operands: op.operands(m, b.Block), Saved: bytes(b.Saved), Gradient: 4 * b.Gradient, Inputs: bytes(b.Inputs)})
}

// Close implements opaque.Operator.
func (op *operator) Close() error {
	op.closed.Do(func() { op.of.Release(schema.ReleaseRequest{Handle: op.handle}) })
	return nil
}

// bytes are offsets in bytes.
func bytes(floats []int) []int {
	var out []int
	for _, at := range floats {
		out = append(out, 4*at)
	}
	return out
}
