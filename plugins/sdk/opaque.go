package sdk

import (
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/schema"
)

// Opaque is a neuron or coder that computes by itself what no equations say: whole blocks of examples over all time steps, in
// memory that the host and the plugin share.
type Opaque struct {
	// Component is of kind Neuron or Coder, without Equations; its field Opaque says what it takes and gives.
	Component schema.Component
	// Prepare returns what computes the component at a use, or what is wrong with the arguments. It is called for every use when a
	// spec is checked, and once more before the use is computed; what it returns depends on the use alone.
	Prepare func(Use) (Prepared, []schema.Complaint, error)
}

// Use is where an opaque component is used.
type Use struct {
	Arguments schema.Arguments // complete with defaults, times in steps
	Direction schema.Direction // of a coder
	Dims      []int            // of one example in the order of memory: of three or more the channels are the last
}

// Neurons returns how many elements an example has at one time step.
func (u Use) Neurons() int {
	n := 1
	for _, d := range u.Dims {
		n *= d
	}
	return n
}

// Prepared computes an opaque component at a use. Both functions may be called concurrently, for other examples. What they give for
// an example depends on that example alone, and is the same whenever and wherever it is computed.
type Prepared struct {
	States  []schema.State // what goes on from one time step to the next: a number per neuron each
	Saved   []string       // what Forward keeps for Backward: a number per neuron and time step each
	Forward func(*Forward) error
	// Backward is the derivative, by whatever takes the place of that of the spike; nil where the component has none, which
	// Component.Opaque.Gradient says too.
	Backward func(*Backward) error
}

// Forward is a block of examples to be computed. Its slices lie in shared memory and hold after the call no more.
type Forward struct {
	Use
	Steps    int
	Examples int
	Inputs   []Series // to be read only; of a coder that encodes, without time steps
	// State has for each state the numbers of all examples' neurons, Examples * Neurons() of them, before the first time step; the
	// function changes them in place into those behind the last one.
	State  [][]float32
	Output Series   // to be written, all of it; of a coder that decodes, without time steps
	Saved  []Series // to be written, all of it; nil where there will be no Backward
	// Seeds has, for a component that is Random, one number for each example: all that is drawn for the example follows from it.
	Seeds []uint64
}

// Backward is a block of examples whose gradients by the inputs are asked for. Its slices lie in shared memory and hold after the
// call no more.
type Backward struct {
	Use
	Steps    int
	Examples int
	Saved    []Series // as Forward has written them
	Gradient Series   // by the output
	Inputs   []Series // to be written, all of it: the gradient by each input
}

// Series is a number for each neuron of each example, at each time step or without those.
type Series struct {
	data   []float32
	steps  int // 0: without time steps
	stride int // from one time step to the next
	length int // of a time step
}

// NewSeries returns a series in memory of one's own, for tests: of so many time steps (0: without those) with row numbers each, in the
// order of memory.
func NewSeries(data []float32, steps, row int) Series {
	return Series{data[: max(steps, 1)*row : max(steps, 1)*row], steps, row, row}
}

// At returns the numbers at a time step, counted from 0: those of the first example's neurons in the order of memory, then those of the
// next one's. They lie in place: what is written to them is written to the series. A series without time steps has the same at all.
func (s Series) At(t int) []float32 {
	if s.steps == 0 {
		t = 0
	}
	from := t * s.stride
	return s.data[from : from+s.length : from+s.length]
}

// Example returns the numbers of an example, counted from 0, of so many neurons at a time step. They lie in place, as those of At.
func (s Series) Example(t, example, neurons int) []float32 {
	return s.At(t)[example*neurons:][:neurons:neurons]
}

// Operators computes a plugin's opaque components: it answers the calls of a host (schema.PrepareRequest and what follows it). Its
// methods may be called concurrently. Serve has one; tests and programs that are no plugin processes make their own.
type Operators struct {
	of []Opaque

	mu      sync.RWMutex
	handles map[string]*operator
}

// operator is what a handle stands for.
type operator struct {
	Prepared
	use    Use
	opaque schema.Opaque
	states sync.Pool // of *[]float32: states that nobody wants behind the last step, so that a call leaves no garbage
}

// NewOperators returns what computes the plugin's opaque components.
func (p Plugin) NewOperators() *Operators {
	return &Operators{of: p.Opaque, handles: map[string]*operator{}}
}

// Prepare answers a schema.PrepareRequest.
func (o *Operators) Prepare(q schema.PrepareRequest) (schema.PrepareReply, error) {
	i := slices.IndexFunc(o.of, func(x Opaque) bool { return x.Component.Name == q.Component })
	switch {
	case i < 0 || o.of[i].Component.Opaque == nil:
		return schema.PrepareReply{}, fmt.Errorf("no component %q is opaque; what is stands in Plugin.Opaque, with its Prepare", q.Component)
	case o.of[i].Prepare == nil:
		return schema.PrepareReply{}, fmt.Errorf("component %q in Plugin.Opaque has no Prepare", q.Component)
	}
	use := Use{o.of[i].Component.Declare(q.Arguments), q.Direction, q.Dims}
	p, complaints, err := o.of[i].Prepare(use)
	switch {
	case err != nil:
		return schema.PrepareReply{}, fmt.Errorf("prepare %s: %w", q.Component, err)
	case len(complaints) > 0:
		return schema.PrepareReply{Complaints: complaints}, nil
	case p.Forward == nil:
		return schema.PrepareReply{}, fmt.Errorf("prepare %s: it has no Forward", q.Component)
	case p.Backward != nil && !o.of[i].Component.Opaque.Gradient:
		return schema.PrepareReply{}, fmt.Errorf("prepare %s: it has a Backward, and no `gradient` in its description: write Gradient: true, or leave Backward out", q.Component)
	case p.Backward == nil && o.of[i].Component.Opaque.Gradient:
		return schema.PrepareReply{}, fmt.Errorf("prepare %s: it has `gradient` in its description, and no Backward: give one, or leave Gradient out", q.Component)
	}
	if q.Handle != "" {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.handles[q.Handle] = &operator{Prepared: p, use: use, opaque: *o.of[i].Component.Opaque}
	}
	return schema.PrepareReply{States: p.States, Saved: p.Saved}, nil
}

// Release answers a schema.ReleaseRequest.
func (o *Operators) Release(q schema.ReleaseRequest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.handles, q.Handle)
}

func (o *Operators) handle(name string) (*operator, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if x := o.handles[name]; x != nil {
		return x, nil
	}
	return nil, status.Errorf(codes.NotFound, "nothing is prepared under the handle %q", name)
}

// wrong is the error of a call that is not about operands of the component, as the protocol has it.
func wrong(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// operands cuts series out of an arena. The first error sticks.
type operands struct {
	schema.Operands
	arena   []float32
	neurons int
	err     error
}

// series returns an operand by its offset in bytes, with time steps or without.
func (q *operands) series(offset, steps int) Series {
	row := q.Batch * q.neurons
	from, end := offset/4, offset/4+max(steps, 1)*row
	if q.err == nil && (offset < 0 || offset%4 != 0 || end > len(q.arena)) {
		q.err = wrong("an operand lies at %d to %d of an arena of %d bytes", offset, 4*end, 4*len(q.arena))
	}
	if q.err != nil {
		return Series{}
	}
	return Series{q.arena[from+q.First*q.neurons : end : end], steps, row, q.Count * q.neurons}
}

func (q *operands) all(offsets []int, steps int) []Series {
	var out []Series
	for _, at := range offsets {
		out = append(out, q.series(at, steps))
	}
	return out
}

// operands returns the operands of a call for x.
func (x *operator) operands(arena []float32, q schema.Operands) (*operands, error) {
	if q.Steps < 1 || q.Count < 1 || q.First < 0 || q.First+q.Count > q.Batch {
		return nil, wrong("examples %d to %d of %d, over %d time steps", q.First, q.First+q.Count, q.Batch, q.Steps)
	}
	return &operands{Operands: q, arena: arena, neurons: x.use.Neurons()}, nil
}

// timed returns the time steps of what flows in, and of what comes out.
func (x *operator) timed(steps int) (in, out int) {
	switch x.use.Direction {
	case schema.Encode:
		return 0, steps
	case schema.Decode:
		return steps, 0
	}
	return steps, steps
}

// Forward answers a schema.ForwardRequest whose arena is given.
func (o *Operators) Forward(arena []float32, q schema.ForwardRequest) error {
	x, err := o.handle(q.Handle)
	if err != nil {
		return err
	}
	at, err := x.operands(arena, q.Operands)
	if err != nil {
		return err
	}
	in, out := x.timed(q.Steps)
	f := &Forward{Use: x.use, Steps: q.Steps, Examples: q.Count, Inputs: at.all(q.Inputs, in), Output: at.series(q.Output, out), Saved: at.all(q.Saved, q.Steps), Seeds: q.Seeds}
	given, next := at.all(q.State, 0), at.all(q.Next, 0)
	switch {
	case at.err != nil:
		return at.err
	case len(f.Inputs) != len(x.opaque.Takes()) || len(f.Saved) != 0 && len(f.Saved) != len(x.Saved) || len(given) != 0 && len(given) != len(x.States) ||
		len(next) != 0 && len(next) != len(x.States) || x.opaque.Random && len(f.Seeds) != q.Count:
		return wrong("%d inputs, %d states, %d saved, %d next states and %d seeds are not the operands of this component", len(f.Inputs), len(given), len(f.Saved), len(next), len(f.Seeds))
	}
	for i, s := range x.States {
		var state []float32
		if len(next) > 0 {
			state = next[i].At(0)
		} else {
			own := x.state(q.Count * at.neurons)
			defer x.states.Put(own)
			state = *own
		}
		if len(given) > 0 {
			copy(state, given[i].At(0))
		} else {
			for k := range state {
				state[k] = float32(s.Start)
			}
		}
		f.State = append(f.State, state)
	}
	return x.Prepared.Forward(f)
}

// state returns memory for a state of so many numbers, whatever they are.
func (x *operator) state(n int) *[]float32 {
	if own, ok := x.states.Get().(*[]float32); ok && cap(*own) >= n {
		*own = (*own)[:n]
		return own
	}
	own := make([]float32, n)
	return &own
}

// Backward answers a schema.BackwardRequest whose arena is given.
func (o *Operators) Backward(arena []float32, q schema.BackwardRequest) error {
	x, err := o.handle(q.Handle)
	if err != nil {
		return err
	}
	if x.Prepared.Backward == nil {
		return wrong("the component has no derivative")
	}
	at, err := x.operands(arena, q.Operands)
	if err != nil {
		return err
	}
	in, out := x.timed(q.Steps)
	b := &Backward{Use: x.use, Steps: q.Steps, Examples: q.Count, Saved: at.all(q.Saved, q.Steps), Gradient: at.series(q.Gradient, out), Inputs: at.all(q.Inputs, in)}
	if at.err != nil {
		return at.err
	}
	if len(b.Saved) != len(x.Saved) || len(b.Inputs) != len(x.opaque.Takes()) {
		return wrong("%d saved and %d inputs are not the operands of this component's derivative", len(b.Saved), len(b.Inputs))
	}
	return x.Prepared.Backward(b)
}
