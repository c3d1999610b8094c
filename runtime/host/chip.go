package host

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// Chip is circuits that a target has compiled. Its methods may be called concurrently. Close it after use.
type Chip struct {
	h       *Host
	of      *served
	request schema.CompileRequest
	reply   schema.CompileReply
	text    string // of the reply
	weights *arena

	mu sync.Mutex
	at *connection // where it is compiled
}

// Compile asks a target to put circuits on the chip, whose tensors lie in the numbers given, and returns them compiled. The chip is nil where
// the reply holds complaints, or says that they do not fit. The request's Handle, Arena and Bytes are set here.
func (h *Host) Compile(ctx context.Context, plugin string, r schema.CompileRequest, tensors []float32) (*Chip, schema.CompileReply, error) {
	of, err := h.served(plugin, compileCall)
	if err != nil {
		return nil, schema.CompileReply{}, err
	}
	c := &Chip{h: h, of: of, request: r}
	if c.weights, err = h.memory(max(len(tensors), 1)); err != nil {
		return nil, schema.CompileReply{}, err
	}
	copy(c.weights.Floats(), tensors)
	c.request.Handle, c.request.Arena, c.request.Bytes = strconv.FormatInt(h.last.Add(1), 10), c.weights.path, len(c.weights.bytes)
	var at *connection
	c.text, err = h.call(ctx, of, compileCall, c.request, func(_ context.Context, now *connection) error { at = now; return nil }, func(text string) (err error) {
		c.reply, err = judgeCompiled(text, r.Circuits)
		return err
	})
	if err != nil || len(c.reply.Complaints) > 0 || !c.reply.Fits {
		return nil, c.reply, errors.Join(err, c.weights.Close())
	}
	c.at = at
	return c, c.reply, nil
}

// ready compiles the circuits in the process of a connection, unless they are that there.
func (c *Chip) ready(ctx context.Context, at *connection) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == at {
		return nil
	}
	text, err := json.Marshal(c.request)
	if err != nil {
		return err
	}
	reply, err := compileCall.rpc(proto.NewPluginClient(at.conn), ctx, &proto.Request{Json: string(text)})
	if err != nil {
		return err
	}
	if reply.GetJson() != c.text {
		return &nonsense{errors.New("it compiles the same circuits otherwise than before")}
	}
	c.at = at
	return nil
}

// Block is examples of a circuit that a chip is to run: blocks of numbers as schema.EmulateRequest has them, all of them without gaps.
type Block struct {
	Circuit string
	Steps   int
	Batch   int
	Inputs  [][]float32 // one for each input, to be read
	Outputs [][]float32 // one for each population that gives, to be written
	Taps    [][]float32 // one for each population with spikes, to be written; nil: nobody wants them
	Seeds   []uint64    // one for each example, below 2^48; nil: 0 for all
}

// The bounds of one call: the emulation of few examples, in little memory. How a block is cut depends on sizes alone, and so does the
// order in which replies are added up.
const (
	callExamples = 8
	callFloats   = 16 << 20
	callsAtOnce  = 4
)

// part is a block of numbers of an example at a time step, or without time steps.
type part struct {
	data  []float32
	steps int
	row   int // numbers of an example
	at    int // where it lies in a call's arena
}

// cut checks a block and returns its parts, and how many numbers an example has in all.
func (c *Chip) cut(b Block) (inputs, outputs, taps []part, floats int, err error) {
	i := slices.IndexFunc(c.request.Circuits, func(x schema.Circuit) bool { return x.Name == b.Circuit })
	if i < 0 {
		return nil, nil, nil, 0, fmt.Errorf("no circuit %q is compiled", b.Circuit)
	}
	of := &c.request.Circuits[i]
	if b.Steps < 1 || b.Batch < 1 || len(b.Seeds) != 0 && len(b.Seeds) != b.Batch {
		return nil, nil, nil, 0, fmt.Errorf("%d examples over %d time steps, with %d seeds", b.Batch, b.Steps, len(b.Seeds))
	}
	add := func(to []part, what string, data [][]float32, dims []int, timed bool) ([]part, error) {
		if len(to) >= len(data) {
			return to, fmt.Errorf("%d %s are too few for circuit %q", len(data), what, b.Circuit)
		}
		x := part{data: data[len(to)], steps: b.Steps, row: 1}
		if !timed {
			x.steps = 1
		}
		for _, d := range dims {
			x.row *= d
		}
		if len(x.data) != x.steps*b.Batch*x.row {
			return to, fmt.Errorf("%s %d of circuit %q has %d numbers for %d examples of %v over %d time steps", what, len(to), b.Circuit, len(x.data), b.Batch, dims, x.steps)
		}
		floats += x.steps * x.row
		return append(to, x), nil
	}
	for _, in := range of.Inputs {
		if inputs, err = add(inputs, "inputs", b.Inputs, in.Dims, in.Kind == schema.SpikeInput); err != nil {
			return nil, nil, nil, 0, err
		}
	}
	for _, p := range of.Populations {
		if p.Gives {
			if outputs, err = add(outputs, "outputs", b.Outputs, p.Dims, !p.Reads); err != nil {
				return nil, nil, nil, 0, err
			}
		}
		if !p.Reads && b.Taps != nil {
			if taps, err = add(taps, "taps", b.Taps, p.Dims, true); err != nil {
				return nil, nil, nil, 0, err
			}
		}
	}
	if len(inputs) != len(b.Inputs) || len(outputs) != len(b.Outputs) || len(taps) != len(b.Taps) {
		return nil, nil, nil, 0, fmt.Errorf("%d inputs, %d outputs and %d taps are too many for circuit %q", len(b.Inputs), len(b.Outputs), len(b.Taps), b.Circuit)
	}
	return inputs, outputs, taps, floats, nil
}

// Emulate runs the examples of a block and returns what the chip did for all of them. It makes calls of a few examples each, some at the
// same time, each of which has the time of Options.Long. The context ends it; what is written then is undefined.
func (c *Chip) Emulate(ctx context.Context, b Block) (schema.EmulateReply, error) {
	fail := func(err error) (schema.EmulateReply, error) {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %q on %s: %w", b.Circuit, called(c.of.name), err)
	}
	inputs, outputs, taps, floats, err := c.cut(b)
	if err != nil {
		return fail(err)
	}
	count := min(b.Batch, callExamples, max(1, callFloats/floats))
	all, end := context.WithCancel(ctx)
	defer end()
	replies, bad := make([]schema.EmulateReply, (b.Batch+count-1)/count), make([]error, (b.Batch+count-1)/count)
	var calls sync.WaitGroup
	free := make(chan bool, callsAtOnce)
	for k := range replies {
		free <- true
		if all.Err() != nil {
			break
		}
		calls.Go(func() {
			defer func() { <-free }()
			first := k * count
			if replies[k], bad[k] = c.emulate(all, b, first, min(count, b.Batch-first), inputs, outputs, taps); bad[k] != nil {
				end()
			}
		})
	}
	calls.Wait()
	if err := cmp.Or(ctx.Err(), cause(bad)); err != nil {
		return schema.EmulateReply{}, err
	}
	var sum schema.EmulateReply
	for _, r := range replies {
		Add(&sum, r)
	}
	return sum, nil
}

// cause returns the error that others follow from: one that is late has its process killed, in which other calls are at work, and one that
// fails ends the others.
func cause(all []error) (found error) {
	for _, err := range all {
		f := (*Failure)(nil)
		switch {
		case err == nil:
		case errors.As(err, &f) && f.Kind == Late:
			return err
		case found == nil || errors.Is(found, context.Canceled):
			found = err
		}
	}
	return found
}

// emulate makes the call for some examples.
func (c *Chip) emulate(ctx context.Context, b Block, first, count int, inputs, outputs, taps []part) (schema.EmulateReply, error) {
	floats := 0
	place := func(parts []part) (own []part, offsets []int) {
		offsets = []int{}
		for _, x := range parts {
			x.at = floats
			own, offsets = append(own, x), append(offsets, 4*floats)
			floats += (x.steps*count*x.row + 15) &^ 15 // multiples of 64 bytes
		}
		return own, offsets
	}
	q := schema.EmulateRequest{Circuit: b.Circuit, Steps: b.Steps, Batch: count, Count: count}
	inputs, q.Inputs = place(inputs)
	outputs, q.Outputs = place(outputs)
	taps, q.Taps = place(taps)
	if len(b.Seeds) > 0 {
		q.Seeds = b.Seeds[first : first+count]
	}
	m, err := c.h.memory(max(floats, 1))
	if err != nil {
		return schema.EmulateReply{}, err
	}
	defer m.Close()
	x := m.Floats()
	each := func(p part, f func(block, call []float32)) {
		for t := range p.steps {
			f(p.data[(t*b.Batch+first)*p.row:][:count*p.row], x[p.at+t*count*p.row:][:count*p.row])
		}
	}
	for _, p := range inputs {
		each(p, func(block, call []float32) { copy(call, block) })
	}
	r, err := c.Ask(ctx, m, q)
	if err != nil {
		return schema.EmulateReply{}, err
	}
	for _, p := range slices.Concat(outputs, taps) {
		each(p, func(block, call []float32) { copy(block, call) })
	}
	return r, nil
}

// Ask makes one call about examples whose blocks lie in the host's memory (Opaque), where the request says; its handle and arena are set
// here. What the call writes is judged with the reply.
func (c *Chip) Ask(ctx context.Context, m opaque.Memory, q schema.EmulateRequest) (schema.EmulateReply, error) {
	a, ok := m.(*arena)
	i := slices.IndexFunc(c.request.Circuits, func(x schema.Circuit) bool { return x.Name == q.Circuit })
	if !ok || i < 0 {
		return schema.EmulateReply{}, fmt.Errorf("emulate circuit %q: it is not compiled, or its blocks do not lie in the host's memory", q.Circuit)
	}
	q.Handle, q.Arena, q.Bytes = c.request.Handle, a.path, len(a.bytes)
	var r schema.EmulateReply
	_, err := c.h.call(ctx, c.of, emulateCall, q, c.ready, func(text string) (err error) {
		if r, err = judgeEmulated(text, &c.request.Circuits[i], q.Steps, c.reply.Constants); err != nil {
			return err
		}
		outputs, taps := q.Outputs, q.Taps
		lacks := errors.New("it answers a call that lacks operands")
		for _, p := range c.request.Circuits[i].Populations {
			if p.Gives && len(outputs) == 0 || !p.Reads && len(q.Taps) > 0 && len(taps) == 0 {
				return lacks
			}
			if p.Gives {
				if err := judgeBlock(a.Floats(), outputs[0], q, &p); err != nil {
					return err
				}
				outputs = outputs[1:]
			}
			if !p.Reads && len(taps) > 0 {
				if err := judgeBlock(a.Floats(), taps[0], q, &p); err != nil {
					return err
				}
				taps = taps[1:]
			}
		}
		return nil
	})
	return r, err
}

// Chips returns the chip as what computes the circuits of graphs. done, unless it is nil, is told what the chip did for each block, from any
// goroutine. The context ends all calls.
func (c *Chip) Chips(ctx context.Context, done func(circuit string, examples int, r schema.EmulateReply)) opaque.Chips {
	return chips{ctx, c, done}
}

type chips struct {
	ctx  context.Context
	of   *Chip
	done func(string, int, schema.EmulateReply)
}

// Run implements opaque.Chips.
func (x chips) Run(g *graph.Chip, b opaque.Examples) error {
	r, err := x.of.Emulate(x.ctx, Block{Circuit: g.Circuit, Steps: b.Steps, Batch: b.Batch, Inputs: b.Inputs, Outputs: b.Outputs, Seeds: b.Seeds})
	if err == nil && x.done != nil {
		x.done(g.Circuit, b.Batch, r)
	}
	return err
}

// Add adds what a chip did to what it did before: layers by name, energies by profile, part and note, times by name.
func Add(sum *schema.EmulateReply, r schema.EmulateReply) {
	sum.Ticks += r.Ticks
	for _, l := range r.Layers {
		i := slices.IndexFunc(sum.Layers, func(x schema.Activity) bool { return x.Layer == l.Layer })
		if i < 0 {
			l.Spikes = slices.Clone(l.Spikes)
			sum.Layers = append(sum.Layers, l)
			continue
		}
		to := &sum.Layers[i]
		for t, n := range l.Spikes {
			if t == len(to.Spikes) {
				to.Spikes = append(to.Spikes, 0)
			}
			to.Spikes[t] += n
		}
		to.Synops += l.Synops
		to.Active += l.Active
		to.Inactive += l.Inactive
		to.Messages += l.Messages
		to.Hops += l.Hops
		to.Clipped += l.Clipped
	}
	for _, e := range r.Energy {
		i := slices.IndexFunc(sum.Energy, func(x schema.Energy) bool { return x.Profile == e.Profile && x.Part == e.Part && x.Note == e.Note })
		if i < 0 {
			e.From = slices.Clone(e.From)
			sum.Energy = append(sum.Energy, e)
			continue
		}
		to := &sum.Energy[i]
		to.Low += e.Low
		to.High += e.High
		for _, name := range e.From {
			if !slices.Contains(to.From, name) {
				to.From = append(to.From, name)
			}
		}
	}
	for _, a := range r.Time {
		i := slices.IndexFunc(sum.Time, func(x schema.Amount) bool { return x.Name == a.Name })
		if i < 0 {
			sum.Time = append(sum.Time, a)
			continue
		}
		sum.Time[i].Used += a.Used
		sum.Time[i].Limit += a.Limit
	}
}

// Tensor is a tensor of an exported network, with its bytes.
type Tensor struct {
	schema.NamedTensor
	Bytes []byte
}

// Export returns the compiled circuits in the target's own terms: a JSON text, and the tensors that it names. What goes in is that of the
// examples, blocks of a batch of one, at most one for each circuit; their outputs and taps are not looked at.
func (c *Chip) Export(ctx context.Context, examples ...Block) (string, []Tensor, error) {
	q := schema.ExportRequest{Handle: c.request.Handle, Offsets: []int{}}
	var tensors []Tensor
	for _, t := range c.reply.Tensors {
		tensors = append(tensors, Tensor{NamedTensor: t})
	}
	laid := slices.Clone(tensors)
	for _, b := range examples {
		if err := c.inputs(b); err != nil {
			return "", nil, fmt.Errorf("export an example: %w", err)
		}
		for _, x := range b.Inputs {
			laid = append(laid, Tensor{NamedTensor: schema.NamedTensor{Name: "input", DType: "F32", Dims: []int{len(x)}}})
		}
	}
	m, offsets, err := c.h.lay(laid)
	if err != nil {
		return "", nil, err
	}
	defer m.Close()
	q.Arena, q.Bytes, q.Offsets = m.path, len(m.bytes), append(q.Offsets, offsets[:len(tensors)]...)
	at := offsets[len(tensors):]
	for _, b := range examples {
		e := schema.Example{Circuit: b.Circuit, Steps: b.Steps, Inputs: append([]int{}, at[:len(b.Inputs)]...)}
		if len(b.Seeds) > 0 {
			e.Seed = b.Seeds[0]
		}
		for i, x := range b.Inputs {
			copy(m.Floats()[at[i]/4:], x)
		}
		q.Examples, at = append(q.Examples, e), at[len(b.Inputs):]
	}
	var r schema.ExportReply
	_, err = c.h.call(ctx, c.of, exportCall, q, c.ready, func(text string) (err error) {
		r, err = judgeExported(text)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	for i := range tensors {
		tensors[i].Bytes = slices.Clone(m.bytes[offsets[i]:][:tensors[i].Size()])
	}
	return r.Text, tensors, nil
}

// inputs checks what goes in of one example.
func (c *Chip) inputs(b Block) error {
	i := slices.IndexFunc(c.request.Circuits, func(x schema.Circuit) bool { return x.Name == b.Circuit })
	if i < 0 {
		return fmt.Errorf("no circuit %q is compiled", b.Circuit)
	}
	in := c.request.Circuits[i].Inputs
	if b.Batch != 1 || b.Steps < 1 || len(b.Seeds) > 1 || len(b.Inputs) != len(in) {
		return fmt.Errorf("%d examples over %d time steps, with %d seeds and %d inputs, are not one of circuit %q with %d inputs", b.Batch, b.Steps, len(b.Seeds), len(b.Inputs), b.Circuit, len(in))
	}
	for k, x := range b.Inputs {
		n := 1
		for _, d := range in[k].Dims {
			n *= d
		}
		if in[k].Kind == schema.SpikeInput {
			n *= b.Steps
		}
		if len(x) != n {
			return fmt.Errorf("input %d of circuit %q has %d numbers, and an example has %d", k, b.Circuit, len(x), n)
		}
	}
	return nil
}

// lay makes an arena for tensors and lays those that have bytes into it.
func (h *Host) lay(tensors []Tensor) (*arena, []int, error) {
	bytes := 0
	var offsets []int
	for _, t := range tensors {
		size := t.Size()
		if size < 0 || size > maxTensors-bytes || t.Bytes != nil && len(t.Bytes) != size {
			return nil, nil, fmt.Errorf("tensor %s, %s of %v, does not have %d bytes, or all together more than %d", t.Name, t.DType, t.Dims, len(t.Bytes), maxTensors)
		}
		offsets = append(offsets, bytes)
		bytes += (size + 63) &^ 63
	}
	m, err := h.memory(max(bytes/4, 1))
	if err != nil {
		return nil, nil, err
	}
	for i, t := range tensors {
		copy(m.bytes[offsets[i]:], t.Bytes)
	}
	return m, offsets, nil
}

// Trace runs a network in a target's own terms: the text of an export or one that a person has written, and the tensors that it names. The
// reply has what the chip did as JSON lines, or says what is wrong with the text.
func (h *Host) Trace(ctx context.Context, plugin, component string, arguments schema.Arguments, text string, tensors []Tensor) (schema.TraceReply, error) {
	q := schema.TraceRequest{Component: component, Arguments: arguments, Text: text}
	if len(tensors) > 0 {
		m, offsets, err := h.lay(tensors)
		if err != nil {
			return schema.TraceReply{}, err
		}
		defer m.Close()
		q.Arena, q.Bytes, q.Offsets = m.path, len(m.bytes), offsets
		for _, t := range tensors {
			q.Tensors = append(q.Tensors, t.NamedTensor)
		}
	}
	return ask(ctx, h, plugin, traceCall, q, judgeTraced)
}

// Close gives up the compiled circuits: the process, if it lives, may forget them.
func (c *Chip) Close() error {
	c.mu.Lock()
	at := c.at
	c.at = nil
	c.mu.Unlock()
	c.h.release(at, c.request.Handle)
	return c.weights.Close()
}
