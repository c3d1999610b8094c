package sdk

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// ProgramBuilder makes a Program as one traces functions: nothing is executed. The first error sticks; Finish reports it.
type ProgramBuilder struct {
	p   program.Program
	err error
}

// NewProgram starts a program whose roles are the networks that fill the model's arguments, as a Build request brings them, and
// the directions of coders and the exports of other models that do, each a role of its own: "coder.encode", "tokens.decode".
func NewProgram(networks []schema.Network) *ProgramBuilder {
	b := &ProgramBuilder{}
	for _, n := range networks {
		m, err := graph.Parse(n.Graph)
		if err != nil {
			b.fail(fmt.Errorf("read the network of %s: %w", n.Role, err))
			continue
		}
		g := m.Function(program.TrainFunction)
		if g == nil {
			b.fail(fmt.Errorf("the network of %s has no function %s", n.Role, program.TrainFunction))
			continue
		}
		if len(g.Outputs) == 0 {
			b.fail(fmt.Errorf("the network of %s gives nothing", n.Role))
			continue
		}
		r := program.Role{Name: n.Role, Kind: cmp.Or(n.Kind, "network"), FreeSteps: g.FreeSteps}
		for _, in := range g.Inputs {
			r.In = append(r.In, in.Out[0])
		}
		for _, o := range g.Outputs {
			r.Out = append(r.Out, o.Value.Type())
		}
		b.p.Roles = append(b.p.Roles, r)
	}
	return b
}

func (b *ProgramBuilder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Err returns the first error: a network that cannot be read, or what went wrong in a function.
func (b *ProgramBuilder) Err() error { return b.err }

// Role returns the signature of a role, or nil.
func (b *ProgramBuilder) Role(name string) *program.Role { return b.p.Role(name) }

// AddRole declares a role that is not among the networks which the program started with.
func (b *ProgramBuilder) AddRole(r program.Role) { b.p.Roles = append(b.p.Roles, r) }

// Map adds a stream that holds, for every example of another one, what an export of a trained model makes of it: computed
// once and kept.
func (b *ProgramBuilder) Map(name, from, export string) {
	b.p.Streams = append(b.p.Streams, program.Stream{Name: name, From: from, Export: export})
}

// Equation adds an equation without spikes, such as a trace or a read-out: see Trace.
func (b *ProgramBuilder) Equation(e *graph.Equation) *graph.Equation {
	if err := e.Verify(); err != nil {
		b.fail(err)
	}
	b.p.Equations = append(b.p.Equations, e)
	return e
}

// Opaque adds an opaque operator of one of the plugin's own components, which Function.Like applies: what it keeps is what the
// component's Prepare says for the same arguments and dims.
func (b *ProgramBuilder) Opaque(o *graph.Opaque) *graph.Opaque {
	if err := o.Verify(); err != nil {
		b.fail(err)
	}
	b.p.Opaques = append(b.p.Opaques, o)
	return o
}

// Trace adds the postsynaptic trace v <- (1 - 1/tau) v + x / tau, tau in steps, and returns it.
func (b *ProgramBuilder) Trace(name string, tau float64) *graph.Equation {
	s := graph.NewBuilder("step", nil)
	x, v := s.Input("x", graph.Scalar()), s.Input("v", graph.Scalar())
	next := s.Add(s.Scale(v, 1-1/tau), s.Scale(x, 1/tau))
	s.Output("emit", next)
	s.Output("v", next)
	step, err := s.Finish()
	if err != nil {
		b.fail(err)
	}
	return b.Equation(&graph.Equation{Name: name, Inputs: []string{"x"}, States: []graph.EquationState{{Name: "v"}}, Step: step})
}

// Variable declares a variable of the model itself.
func (b *ProgramBuilder) Variable(v graph.Variable) { b.p.Variables = append(b.p.Variables, v) }

// Function traces a function: build adds its nodes, inputs and outputs. A training function's first output is its loss.
func (b *ProgramBuilder) Function(name string, build func(f *Function)) {
	f := &Function{Builder: graph.NewBuilder(name, b.p.Env()), p: b}
	if b.err != nil {
		return
	}
	build(f)
	g, err := f.Finish()
	if err != nil {
		b.fail(err)
		return
	}
	b.p.Functions = append(b.p.Functions, g)
}

// Stream adds a stream of data fields.
func (b *ProgramBuilder) Stream(name string, fields ...string) {
	b.p.Streams = append(b.p.Streams, program.Stream{Name: name, Fields: fields})
}

// Stage adds a stage that runs the steps for each batch of the stream. A step's Every of 0 is 1.
func (b *ProgramBuilder) Stage(name, stream string, steps ...program.Step) {
	for i := range steps {
		steps[i].Every = max(steps[i].Every, 1)
	}
	b.p.Stages = append(b.p.Stages, program.Stage{Name: name, Stream: stream, Steps: steps})
}

// Sampler adds a sampler.
func (b *ProgramBuilder) Sampler(s program.Sampler) { b.p.Samplers = append(b.p.Samplers, s) }

// Export makes a function available to metrics, other models and deployment.
func (b *ProgramBuilder) Export(name, function string) {
	b.p.Exports = append(b.p.Exports, program.Export{Name: name, Function: function})
}

// Finish verifies the program and returns its text.
func (b *ProgramBuilder) Finish() (string, error) {
	if b.err == nil {
		b.err = b.p.Verify()
	}
	if b.err != nil {
		return "", fmt.Errorf("build the program: %w", b.err)
	}
	text := b.p.Print()
	if _, err := program.Parse(text); err != nil { // a name that is none
		return "", fmt.Errorf("build the program: %w", err)
	}
	return text, nil
}

// Wire renders a border as the language writes it: `real[1, 8, 8]`, `spikes[32]`, a whole number per example as `int`.
func Wire(t graph.Type) string {
	kind := "real"
	switch {
	case t.DType == graph.I32 && len(t.Dims) == 0:
		return "int"
	case t.DType == graph.I32:
		kind = "tokens"
	case t.Steps > 0 && t.DType == graph.Bit:
		kind = "spikes"
	case t.Steps > 0:
		kind = "signal"
	}
	dims := make([]string, len(t.Dims))
	for i, d := range t.Dims {
		dims[i] = strconv.Itoa(d)
	}
	return kind + "[" + strings.Join(dims, ", ") + "]"
}

// SheetTurns is how many turns a sampler of many takes where it draws the sheets of epochs, while a model is trained.
const SheetTurns = 50

// Function is a function under construction. Besides the operators of graph.Builder it applies roles and knows the usual compositions.
type Function struct {
	*graph.Builder
	p *ProgramBuilder
}

// Mode says how a role is applied.
type Mode struct {
	Eval   bool        // running statistics, no dropout; else train mode
	Frozen bool        // its weights take no gradient
	State  graph.Value // in eval mode: the neuron states to start from (Zero, or what an application gave); else they start from rest
	Gate   string      // "open" or "strict": of the first-spike rule, in place of the neurons' own
}

// Apply applies a role. With a State the last result is the state after it.
func (f *Function) Apply(role string, m Mode, in ...graph.Value) []graph.Value {
	attrs := graph.Attrs{"role": role, "mode": program.TrainFunction}
	if m.Eval {
		attrs["mode"] = program.EvalFunction
	}
	if m.Frozen {
		attrs["frozen"] = true
	}
	if m.Gate != "" {
		attrs["gate"] = m.Gate
	}
	if m.State.Valid() {
		attrs["state"] = true
		in = append(slices.Clone(in), m.State)
	}
	return f.Ops(graph.OpApply, attrs, in...)
}

// Zero returns the state of a role before the first step.
func (f *Function) Zero(role string) graph.Value {
	return f.Op(graph.OpZero, graph.Attrs{"role": role})
}

// Uniform returns numbers in [0, 1) of type t; the same label gives the same numbers within an iteration.
func (f *Function) Uniform(label string, t graph.Type) graph.Value {
	return f.Op(graph.OpUniform, randomAttrs(label, t))
}

// Normal returns standard normal numbers of type t.
func (f *Function) Normal(label string, t graph.Type) graph.Value {
	return f.Op(graph.OpNormal, randomAttrs(label, t))
}

func randomAttrs(label string, t graph.Type) graph.Attrs {
	a := graph.Attrs{"label": label, "dims": slices.Clone(t.Dims)}
	if t.Dims == nil {
		a["dims"] = []int{}
	}
	if t.Batch {
		a["batch"] = true
	}
	if t.Steps > 0 {
		a["steps"] = t.Steps
	}
	return a
}

// Int is the type of a whole number for each example, such as its class or the number of a step.
func Int() graph.Type { return graph.Real().With(graph.I32) }

// Int returns x as whole numbers; what is none is cut off.
func (f *Function) Int(x graph.Value) graph.Value {
	return f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, x)
}

// Real returns x, spikes or whole numbers, as real numbers.
func (f *Function) Real(x graph.Value) graph.Value {
	if f.Err() == nil && x.Type().DType == graph.F32 {
		return x
	}
	return f.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
}

// RandomInt returns ints 0..n-1 of the shape of t.
func (f *Function) RandomInt(label string, t graph.Type, n int) graph.Value {
	u := f.Op(graph.OpFloor, nil, f.Scale(f.Uniform(label, t), float64(n)))
	// A product that rounds up to n would be no index.
	return f.Int(f.Op(graph.OpMin, nil, u, f.Const(float64(n-1))))
}

// OneHot returns, for class numbers, one per example, numbers of type real[classes]: 1 at the place of the class, 0 elsewhere, and
// everywhere where the number is none of 0..classes-1.
func (f *Function) OneHot(class graph.Value, classes int) graph.Value {
	places := f.Int(f.Op(graph.OpIota, graph.Attrs{"dims": []int{classes}}))
	return f.Real(f.Op(graph.OpEqual, nil, places, f.Reshape(class, 1)))
}

// Zeros returns zeros of type t.
func (f *Function) Zeros(t graph.Type) graph.Value {
	v := f.Const(0)
	if t.DType == graph.Bit {
		v = f.Op(graph.OpCast, graph.Attrs{"dtype": "bit"}, v)
	}
	return f.Expand(v, t)
}

// Host returns a number that the trainer knows: "progress" is the share of the training that is done, by whole epochs.
func (f *Function) Host(what string) graph.Value {
	return f.Op(graph.OpHost, graph.Attrs{"what": what})
}

// Step returns time step i of a timed value, which keeps a time axis of one step.
func (f *Function) Step(v graph.Value, i int) graph.Value { return f.Slice(v, graph.TimeAxis, i, 1) }

// Join joins values along time.
func (f *Function) Join(v ...graph.Value) graph.Value {
	if len(v) == 1 {
		return v[0]
	}
	return f.Concat(graph.TimeAxis, v...)
}

// Square returns x * x.
func (f *Function) Square(x graph.Value) graph.Value { return f.Mul(x, x) }

// MeanSquare returns the mean of (x - y)^2 over all elements.
func (f *Function) MeanSquare(x, y graph.Value) graph.Value { return f.Mean(f.Square(f.Sub(x, y))) }

// LogSoftmax returns the logarithm of the softmax over the first dim.
func (f *Function) LogSoftmax(x graph.Value) graph.Value {
	if f.Err() != nil {
		return x
	}
	dims := slices.Clone(x.Type().Dims)
	dims[0] = 1
	shift := f.Sub(x, f.Stop(f.Reshape(f.Reduce("max", x, 0), dims...)))
	sum := f.Reduce("sum", f.Op(graph.OpExp, nil, shift), 0)
	return f.Sub(shift, f.Reshape(f.Op(graph.OpLog, nil, sum), dims...))
}

// Run runs an equation over the time of its inputs.
func (f *Function) Run(e *graph.Equation, in ...graph.Value) graph.Value {
	return f.Builder.Equation(graph.OpEquation, e, graph.Attrs{}, in...)[0]
}
