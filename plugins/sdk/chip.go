package sdk

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Chips is a plugin's targets at work: it answers the calls of a host about them (schema.TargetRequest, schema.CompileRequest and what
// follows it). Its methods may be called concurrently. Serve has one; tests and programs that are no plugin processes make their own.
type Chips struct {
	of []Target

	mu      sync.RWMutex
	handles map[string]*compiled
}

// compiled is what a handle stands for.
type compiled struct {
	chip     Chip
	circuits []schema.Circuit
	tensors  []schema.NamedTensor
}

// NewChips returns what answers for the plugin's targets.
func (p Plugin) NewChips() *Chips {
	return &Chips{of: p.Targets, handles: map[string]*compiled{}}
}

// target returns the target of a name, and the arguments declared for it.
func (c *Chips) target(name string, a schema.Arguments) (*Target, schema.Arguments, error) {
	i := slices.IndexFunc(c.of, func(t Target) bool { return t.Component.Name == name })
	if i < 0 {
		return nil, nil, fmt.Errorf("there is no target %q", name)
	}
	return &c.of[i], c.of[i].Component.Declare(a), nil
}

// Check answers a schema.TargetRequest.
func (c *Chips) Check(q schema.TargetRequest) (r schema.TargetReply, err error) {
	t, arguments, err := c.target(q.Component, q.Arguments)
	if err == nil && t.Check == nil {
		err = fmt.Errorf("target %q has no Check", q.Component)
	}
	if err != nil {
		return r, err
	}
	if err := circuit.VerifyAll(q.Circuits); err != nil {
		return r, wrong("%v", err)
	}
	q.Arguments = arguments
	return t.Check(q)
}

// Compile answers a schema.CompileRequest whose arena is given.
func (c *Chips) Compile(arena []float32, q schema.CompileRequest) (r schema.CompileReply, err error) {
	t, arguments, err := c.target(q.Component, q.Arguments)
	if err == nil && t.Compile == nil {
		err = fmt.Errorf("target %q only tells whether networks fit: it has no Compile, and emulates none", q.Component)
	}
	if err != nil {
		return r, err
	}
	if err := circuit.VerifyAll(q.Circuits); err != nil {
		return r, wrong("%v", err)
	}
	for _, x := range q.Circuits {
		if err := circuit.Within(x, 4*len(arena)); err != nil {
			return r, wrong("%v", err)
		}
	}
	q.Arguments = arguments
	chip, r, err := t.Compile(q, func(x schema.Tensor) []float32 {
		n := x.Offset/4 + circuit.Size(x.Dims)
		return arena[x.Offset/4 : n : n]
	})
	good := err == nil && r.Fits && len(r.Complaints) == 0
	switch {
	case err != nil:
		return r, fmt.Errorf("compile for %s: %w", q.Component, err)
	case good && chip == nil:
		return r, fmt.Errorf("compile for %s: all fits, and it gives no Chip", q.Component)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.handles, q.Handle)
	if good {
		c.handles[q.Handle] = &compiled{chip, q.Circuits, r.Tensors}
	}
	return r, nil
}

// Release answers a schema.ReleaseRequest.
func (c *Chips) Release(q schema.ReleaseRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.handles, q.Handle)
}

func (c *Chips) handle(name string) (*compiled, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if x := c.handles[name]; x != nil {
		return x, nil
	}
	return nil, status.Errorf(codes.NotFound, "nothing is compiled under the handle %q", name)
}

// Emulate answers a schema.EmulateRequest whose arena is given.
func (c *Chips) Emulate(arena []float32, q schema.EmulateRequest) (r schema.EmulateReply, err error) {
	x, err := c.handle(q.Handle)
	if err != nil {
		return r, err
	}
	i := slices.IndexFunc(x.circuits, func(of schema.Circuit) bool { return of.Name == q.Circuit })
	if i < 0 {
		return r, wrong("no circuit %q is compiled under the handle %q", q.Circuit, q.Handle)
	}
	b, err := block(&x.circuits[i], arena, q, true)
	if err != nil {
		return r, err
	}
	if r, err = x.chip.Emulate(b); err != nil {
		return r, fmt.Errorf("emulate %s: %w", q.Circuit, err)
	}
	return r, nil
}

// block cuts the examples of a call out of an arena, with what is to be written where written is true.
func block(c *schema.Circuit, arena []float32, q schema.EmulateRequest, written bool) (*Block, error) {
	gives, spiking := 0, 0
	populations := c.Populations
	if !written {
		populations = nil
	}
	for i := range populations {
		if populations[i].Gives {
			gives++
		}
		if !populations[i].Reads {
			spiking++
		}
	}
	switch {
	case q.Steps < 1 || q.Count < 1 || q.First < 0 || q.First > q.Batch-q.Count:
		return nil, wrong("examples %d to %d of %d, over %d time steps", q.First, q.First+q.Count, q.Batch, q.Steps)
	case len(q.Inputs) != len(c.Inputs) || len(q.Outputs) != gives || len(q.Taps) != 0 && len(q.Taps) != spiking || len(q.Seeds) != 0 && len(q.Seeds) != q.Count:
		return nil, wrong("%d inputs, %d outputs, %d taps and %d seeds are not the operands of circuit %q for %d examples", len(q.Inputs), len(q.Outputs), len(q.Taps), len(q.Seeds), c.Name, q.Count)
	}
	b := &Block{Circuit: c.Name, Steps: q.Steps, Examples: q.Count, Seeds: q.Seeds}
	at := operands{Operands: schema.Operands{Steps: q.Steps, Batch: q.Batch, First: q.First, Count: q.Count}, arena: arena}
	series := func(offset int, dims []int, timed bool) Series {
		at.neurons = circuit.Size(dims)
		if at.neurons*q.Batch > len(arena) || q.Steps > len(arena) { // also where the product below would not be an int
			at.err = wrong("%d examples of %v over %d time steps are more than an arena of %d bytes holds", q.Batch, dims, q.Steps, 4*len(arena))
			return Series{}
		}
		steps := q.Steps
		if !timed {
			steps = 0
		}
		return at.series(offset, steps)
	}
	for i, in := range c.Inputs {
		b.Inputs = append(b.Inputs, series(q.Inputs[i], in.Dims, in.Kind == schema.SpikeInput))
	}
	outputs, taps := q.Outputs, q.Taps
	for i := range populations {
		p := &populations[i]
		if p.Gives {
			b.Outputs = append(b.Outputs, series(outputs[0], p.Dims, !p.Reads))
			outputs = outputs[1:]
		}
		if !p.Reads && len(taps) > 0 {
			b.Taps = append(b.Taps, series(taps[0], p.Dims, true))
			taps = taps[1:]
		}
	}
	return b, at.err
}

// Export answers a schema.ExportRequest whose arena is given.
func (c *Chips) Export(arena []float32, q schema.ExportRequest) (r schema.ExportReply, err error) {
	x, err := c.handle(q.Handle)
	if err != nil {
		return r, err
	}
	if len(q.Offsets) != len(x.tensors) {
		return r, wrong("%d offsets are not those of %d tensors", len(q.Offsets), len(x.tensors))
	}
	var examples []*Block
	for k, e := range q.Examples {
		i := slices.IndexFunc(x.circuits, func(of schema.Circuit) bool { return of.Name == e.Circuit })
		switch {
		case i < 0:
			return r, wrong("no circuit %q is compiled under the handle %q", e.Circuit, q.Handle)
		case slices.ContainsFunc(q.Examples[:k], func(o schema.Example) bool { return o.Circuit == e.Circuit }):
			return r, wrong("there are two examples of circuit %q", e.Circuit)
		}
		b, err := block(&x.circuits[i], arena, schema.EmulateRequest{Steps: e.Steps, Batch: 1, Count: 1, Inputs: e.Inputs, Seeds: []uint64{e.Seed}}, false)
		if err != nil {
			return r, err
		}
		examples = append(examples, b)
	}
	text, tensors, err := x.chip.Export(examples...)
	switch {
	case err != nil:
		return r, fmt.Errorf("export: %w", err)
	case len(tensors) != len(x.tensors):
		return r, fmt.Errorf("export: %d tensors, and Compile named %d", len(tensors), len(x.tensors))
	}
	memory := bytesOf(arena)
	for i, t := range x.tensors {
		switch at, size := q.Offsets[i], t.Size(); {
		case len(tensors[i]) != size:
			return r, fmt.Errorf("export: tensor %s has %d bytes, and %s of %v has %d", t.Name, len(tensors[i]), t.DType, t.Dims, size)
		case at < 0 || at > len(memory)-size:
			return r, wrong("tensor %s lies at %d to %d of an arena of %d bytes", t.Name, at, at+size, len(memory))
		default:
			copy(memory[at:], tensors[i])
		}
	}
	r.Text = text
	return r, nil
}

// Trace answers a schema.TraceRequest whose arena is given.
func (c *Chips) Trace(arena []float32, q schema.TraceRequest) (r schema.TraceReply, err error) {
	t, arguments, err := c.target(q.Component, q.Arguments)
	if err == nil && t.Trace == nil {
		err = fmt.Errorf("target %q runs no networks in its own terms: it has no Trace", q.Component)
	}
	if err != nil {
		return r, err
	}
	if len(q.Offsets) != len(q.Tensors) {
		return r, wrong("%d offsets are not those of %d tensors", len(q.Offsets), len(q.Tensors))
	}
	memory, tensors := bytesOf(arena), map[string][]byte{}
	for i, x := range q.Tensors {
		at, size := q.Offsets[i], x.Size()
		if size < 0 || at < 0 || at > len(memory)-size {
			return r, wrong("tensor %s, %s of %v, does not lie at %d of an arena of %d bytes", x.Name, x.DType, x.Dims, at, len(memory))
		}
		tensors[x.Name] = memory[at : at+size : at+size]
	}
	q.Arguments = arguments
	return t.Trace(q, tensors)
}

// bytesOf returns the bytes of numbers, in place.
func bytesOf(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
