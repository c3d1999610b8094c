package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// releasing is how long a process has to forget an operator that is not used any more.
const releasing = time.Second

// Prepare asks an opaque component what it keeps at given arguments and dims. The reply holds that or complaints.
func (h *Host) Prepare(ctx context.Context, plugin string, r schema.PrepareRequest) (schema.PrepareReply, error) {
	return ask(ctx, h, plugin, prepareCall, r, judgePrepared)
}

// Opaque returns the server of opaque operators for programs that run beside the host: operands lie in files that the processes of the
// plugins map, in private folders. A call that a process does not survive is made again on a fresh one, as any other; since nothing
// that a call writes is what it reads, the results are the same.
//
// A call ends by its time (Options.Timeout) and at Close, and not with the context of a run: who interrupts a training has the update at work
// brought to its end, so that what is saved is a whole one.
func (h *Host) Opaque() opaque.Server { return server{h} }

type server struct{ h *Host }

// Memory implements opaque.Server.
func (s server) Memory(floats int) (opaque.Memory, error) { return s.h.memory(floats) }

// Prepare implements opaque.Server.
func (s server) Prepare(o *graph.Opaque, dims []int) (opaque.Operator, error) {
	of, err := s.h.served(o.Plugin, prepareCall)
	if err != nil {
		return nil, err
	}
	op := &operator{h: s.h, of: of, declared: o, request: schema.PrepareRequest{Component: o.Component, Direction: schema.Direction(o.Direction), Dims: dims}}
	if err := json.Unmarshal([]byte(o.Arguments), &op.request.Arguments); err != nil {
		return nil, fmt.Errorf("prepare component %s of %s: read its arguments: %w", o.Component, called(o.Plugin), err)
	}
	_, err = s.h.call(context.Background(), of, prepareCall, op.request, nil, op.agrees)
	if err != nil {
		return nil, err
	}
	op.request.Handle = strconv.FormatInt(s.h.last.Add(1), 10)
	return op, nil
}

// operator is an opaque operator at work. A process that answers for it has been asked to prepare it before.
type operator struct {
	h        *Host
	of       *served
	declared *graph.Opaque
	request  schema.PrepareRequest

	mu sync.Mutex
	at *connection // where it is prepared
}

// agrees judges what the component keeps.
func (op *operator) agrees(text string) error {
	r, err := judgePrepared(text)
	if err != nil {
		return err
	}
	if len(r.Complaints) > 0 {
		return fmt.Errorf("component %s complains of arguments that it took before: %s", op.declared.Component, r.Complaints[0].Summary)
	}
	var states []graph.EquationState
	for _, s := range r.States {
		states = append(states, graph.EquationState{Name: s.Name, Start: s.Start})
	}
	return opaque.Agree(op.declared, states, r.Saved)
}

// ready prepares the operator in the process of a connection, unless it is that there.
func (op *operator) ready(ctx context.Context, c *connection) error {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.at == c {
		return nil
	}
	text, err := json.Marshal(op.request)
	if err != nil {
		return err
	}
	reply, err := prepareCall.rpc(proto.NewPluginClient(c.conn), ctx, &proto.Request{Json: string(text)})
	if err != nil {
		return err
	}
	if err := op.agrees(reply.GetJson()); err != nil {
		return &nonsense{err}
	}
	op.at = c
	return nil
}

// done judges the answer to a call that answers in memory.
func done(text string) error {
	_, err := decode[schema.Done](text)
	return err
}

// operands says where a call's operands lie.
func (op *operator) operands(m opaque.Memory, b opaque.Block) (schema.Operands, error) {
	a, ok := m.(*arena)
	if !ok {
		return schema.Operands{}, errors.New("compute an opaque operator: its operands do not lie in the host's memory")
	}
	return schema.Operands{Handle: op.request.Handle, Arena: a.path, Bytes: len(a.bytes), Steps: b.Steps, Batch: b.Batch, First: b.First, Count: b.Count}, nil
}

// Forward implements opaque.Operator.
func (op *operator) Forward(m opaque.Memory, f opaque.Forward) error {
	at, err := op.operands(m, f.Block)
	if err != nil {
		return err
	}
	_, err = op.h.call(context.Background(), op.of, forwardCall, schema.ForwardRequest{Operands: at, Inputs: offsets(f.Inputs), State: offsets(f.State),
		Output: 4 * f.Output, Saved: offsets(f.Saved), Next: offsets(f.Next), Seeds: f.Seeds}, op.ready, done)
	return err
}

// Backward implements opaque.Operator.
func (op *operator) Backward(m opaque.Memory, b opaque.Backward) error {
	at, err := op.operands(m, b.Block)
	if err != nil {
		return err
	}
	_, err = op.h.call(context.Background(), op.of, backwardCall, schema.BackwardRequest{Operands: at, Saved: offsets(b.Saved), Gradient: 4 * b.Gradient,
		Inputs: offsets(b.Inputs)}, op.ready, done)
	return err
}

// offsets are indices into numbers as offsets in bytes; a list without items is one.
func offsets(floats []int) []int {
	out := []int{}
	for _, at := range floats {
		out = append(out, 4*at)
	}
	return out
}

// Close implements opaque.Operator: the process, if it lives, may forget the operator.
func (op *operator) Close() error {
	op.mu.Lock()
	c := op.at
	op.at = nil
	op.mu.Unlock()
	op.h.release(c, op.request.Handle)
	return nil
}

// release tells the process of a connection, if it lives, that a handle is not used any more.
func (h *Host) release(c *connection, handle string) {
	if c == nil || c.over() {
		return
	}
	text, err := json.Marshal(schema.ReleaseRequest{Handle: handle})
	if err != nil {
		return // texts can be written
	}
	ctx, end := context.WithTimeout(h.ctx, releasing)
	defer end()
	proto.NewPluginClient(c.conn).Release(ctx, &proto.Request{Json: string(text)}) // a process that does not answer forgets it when it ends
}
