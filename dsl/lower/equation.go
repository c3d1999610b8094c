package lower

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/runtime/graph"
)

// refractoryState is what the state that counts refractory steps is called: no name of a spec has a dash.
const refractoryState = "refractory-steps"

// compiler compiles the body of one neuron or port of a coder into the step of an equation.
type compiler struct {
	b         *graph.Builder
	eq        *graph.Equation
	env       map[string]graph.Value  // what a name means at this point of the body
	constants map[graph.Value]float64 // values known now
	params    map[string]float64      // arguments
	times     map[*dsl.Number]float64 // numbers with a unit, as the step computes with them
	inputs    map[string]graph.Value  // the inputs of the step
	detach    bool
	surrogate check.Surrogate
	noises    int
	draws     map[*dsl.Ref]graph.Value // the random number of each place: the stages of an integrator share it
	integrate string                   // how derivatives are advanced; "" is "euler"
	emit      graph.Value
	spikeName string
	holds     []string
	before    map[string]graph.Value // states at the start of the step
	active    graph.Value            // whether the element is refractory
	period    float64                // refractory steps
	forever   bool
	err       error
}

// Neuron compiles a neuron.
func Neuron(n *check.Neuron) (*graph.Equation, error) {
	c := newCompiler(n.Name, n.Params, n.Trainable)
	c.times, c.integrate = n.Times, n.Integrate
	c.detach, c.surrogate = n.DetachReset, n.Surrogate
	if n.Surrogate.Kind == "temporal" {
		c.eq.Temporal = &graph.Temporal{Open: n.Surrogate.Open, Normalize: n.Surrogate.Normalize}
	}
	return c.compile(n.Definition.Body, n.Definition.Params)
}

// Port compiles one direction of a coder.
func Port(c *check.Coder, p *dsl.Port) (*graph.Equation, error) {
	k := newCompiler(c.Name, c.Params, c.Trainable)
	k.times = c.Times
	k.surrogate = check.Surrogate{Kind: "none"}
	body := append([]dsl.Equation{&dsl.Input{Names: []dsl.Name{p.Input}, Range: p.Input.Range}}, p.Body...)
	return k.compile(body, c.Definition.Params)
}

func newCompiler(name string, params map[string]float64, trainable map[string]string) *compiler {
	c := &compiler{b: graph.NewBuilder("step", nil), eq: &graph.Equation{Name: name}, env: map[string]graph.Value{},
		constants: map[graph.Value]float64{}, params: map[string]float64{}, inputs: map[string]graph.Value{}, before: map[string]graph.Value{},
		draws: map[*dsl.Ref]graph.Value{}}
	for k, v := range params {
		if _, learned := trainable[k]; !learned {
			c.params[k] = v
		}
	}
	return c
}

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *compiler) compile(body []dsl.Equation, params []dsl.Parameter) (*graph.Equation, error) {
	e := c.eq
	var starts []dsl.Expr
	for _, q := range body {
		switch q := q.(type) {
		case *dsl.Input:
			for _, n := range q.Names {
				e.Inputs = append(e.Inputs, n.Text)
			}
		case *dsl.State:
			for i, n := range q.Names {
				e.States = append(e.States, graph.EquationState{Name: n.Text})
				starts = append(starts, q.Values[i])
			}
		case *dsl.SpikeWhen:
			c.spikeName = q.Name.Text
		case *dsl.Refractory:
			c.forever = q.Forever
			for _, n := range q.Holds {
				c.holds = append(c.holds, n.Text)
			}
		}
	}
	for _, p := range params {
		if _, constant := c.params[p.Name.Text]; !constant {
			e.Params = append(e.Params, p.Name.Text)
		}
	}
	if c.spikeName != "" && !c.hasState(c.spikeName) { // read above its line it is the last step's
		e.States = append(e.States, graph.EquationState{Name: c.spikeName})
		starts = append(starts, nil)
	}
	var refractory *dsl.Refractory
	for _, q := range body {
		if r, ok := q.(*dsl.Refractory); ok {
			refractory = r
			e.States = append(e.States, graph.EquationState{Name: refractoryState})
			starts = append(starts, nil)
			e.Once = r.Forever
		}
	}
	declare := func(name string) {
		v := c.b.Input(name, graph.Scalar())
		c.env[name], c.inputs[name] = v, v
	}
	for _, n := range e.Inputs {
		declare(n)
	}
	for _, n := range e.Params {
		declare(n)
	}
	for i := range e.States {
		declare(e.States[i].Name)
		c.before[e.States[i].Name] = c.env[e.States[i].Name]
		if starts[i] == nil {
			continue
		}
		// A start that is trained, or made of `steps` of the sequence, is put in place by the first step, gradient and all.
		start, read := c.expr(starts[i]), map[string]bool{}
		names(starts[i], read)
		learned := slices.ContainsFunc(append([]string{"steps"}, e.Params...), func(n string) bool { return read[n] })
		if v, known := c.constants[start]; known {
			e.States[i].Start = v
		} else if !learned {
			c.fail("the start of state `%s` comes out as no number", e.States[i].Name)
		} else {
			first := c.op(graph.OpEqual, c.b.Op(graph.OpTime, nil), c.number(0))
			v := c.op(graph.OpWhere, first, start, c.env[e.States[i].Name])
			c.env[e.States[i].Name], c.before[e.States[i].Name] = v, v
		}
	}
	if refractory != nil {
		if !refractory.Forever {
			v, known := c.constants[c.expr(refractory.Time)]
			if !known {
				c.fail("the refractory time must be a number")
			}
			if v < 0 {
				c.fail("a refractory period of %v steps is negative", v)
			}
			c.period = math.Round(v)
		}
		c.active = c.op(graph.OpGreater, c.env[refractoryState], c.number(0))
	}
	for i := 0; i < len(body) && c.err == nil; i++ {
		i += c.line(body, i)
	}
	if c.err == nil {
		c.finish(refractory != nil)
	}
	if c.err == nil {
		c.err = c.b.Err()
	}
	if c.err != nil {
		return nil, fmt.Errorf("compile %s: %w", e.Name, c.err)
	}
	c.b.Graph().Prune()
	e.Step = c.b.Graph()
	return e, e.Verify()
}

func (c *compiler) hasState(name string) bool {
	for _, s := range c.eq.States {
		if s.Name == name {
			return true
		}
	}
	return false
}

// line compiles one line, or a system of neighbouring derivatives, and returns how many lines more than one it took.
func (c *compiler) line(body []dsl.Equation, i int) (more int) {
	switch q := body[i].(type) {
	case *dsl.Update:
		c.assign(q.Name.Text, c.updated(q))
	case *dsl.Derivative:
		n := 1
		for i+n < len(body) {
			if _, ok := body[i+n].(*dsl.Derivative); !ok {
				break
			}
			n++
		}
		c.advance(body[i : i+n])
		return n - 1
	case *dsl.Noise:
		c.env[q.Name.Text] = c.expr(q.Value)
	case *dsl.SpikeWhen:
		c.spike(q)
	case *dsl.OnSpike:
		c.onSpike(q)
	case *dsl.Output:
		c.emit = c.expr(q.Value)
		if c.b.Err() == nil && c.emit.Type().DType == graph.Bit {
			c.emit = c.real(c.emit)
		}
	}
	return 0
}

// assign gives a name its value for the lines below; what a refractory element holds keeps the one it had before the step.
func (c *compiler) assign(name string, v graph.Value) {
	if slices.Contains(c.holds, name) {
		v = c.op(graph.OpWhere, c.active, c.before[name], v)
	}
	c.env[name] = v
}

func (c *compiler) updated(q *dsl.Update) graph.Value {
	v := c.expr(q.Value)
	switch q.Op {
	case "+=":
		return c.op(graph.OpAdd, c.env[q.Name.Text], v)
	case "-=":
		return c.op(graph.OpSub, c.env[q.Name.Text], v)
	case "*=":
		return c.op(graph.OpMul, c.env[q.Name.Text], v)
	}
	return v
}

func (c *compiler) spike(q *dsl.SpikeWhen) {
	c.eq.Spikes = true
	c.emit = c.condition(q.Cond)
	if c.active.Valid() {
		never := c.b.Op(graph.OpCast, graph.Attrs{"dtype": "bit"}, c.number(0))
		c.emit = c.op(graph.OpWhere, c.active, never, c.emit)
	}
	if c.spikeName != "" {
		c.env[c.spikeName] = c.seen()
	}
}

// seen is the spike as the neuron itself reads it: a number, without gradient where the reset is detached.
func (c *compiler) seen() graph.Value {
	s := c.real(c.emit)
	if c.detach {
		s = c.b.Stop(s)
	}
	return s
}

// bits makes a condition of a number that is 0 or 1: spikes that flow in serve as both.
func (c *compiler) bits(v graph.Value) graph.Value {
	if c.b.Err() != nil || v.Type().DType == graph.Bit {
		return v
	}
	return c.op(graph.OpUnequal, v, c.number(0))
}

func (c *compiler) real(v graph.Value) graph.Value {
	return c.b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, v)
}

// onSpike changes states where the element spikes: s * new + (1 - s) * old, which is exact for s = 0 and 1 and lets the
// gradient through the spike; where the reset is detached it is a choice.
func (c *compiler) onSpike(q *dsl.OnSpike) {
	if !c.emit.Valid() {
		c.fail("`on spike` stands before `spike when`")
		return
	}
	old := map[string]graph.Value{}
	var names []string
	for _, u := range q.Body {
		if _, twice := old[u.Name.Text]; !twice {
			names = append(names, u.Name.Text)
			old[u.Name.Text] = c.env[u.Name.Text]
		}
		c.env[u.Name.Text] = c.updated(u)
	}
	s := c.seen()
	for _, n := range names {
		if c.detach {
			c.env[n] = c.op(graph.OpWhere, c.emit, c.env[n], old[n])
			continue
		}
		rest := c.op(graph.OpMul, c.op(graph.OpSub, c.number(1), s), old[n])
		if v, known := c.constants[c.env[n]]; known && v == 0 {
			c.env[n] = rest
			continue
		}
		c.env[n] = c.op(graph.OpAdd, c.op(graph.OpMul, s, c.env[n]), rest)
	}
}

// finish adds the refractory counter and the outputs of the step.
func (c *compiler) finish(refractory bool) {
	if !c.emit.Valid() {
		c.fail("there is neither `spike when` nor `output`")
		return
	}
	if refractory {
		count := c.env[refractoryState]
		s := c.b.Stop(c.real(c.emit))
		if c.forever {
			c.env[refractoryState] = c.op(graph.OpMax, count, s)
		} else {
			down := c.op(graph.OpMax, c.op(graph.OpSub, count, c.number(1)), c.number(0))
			c.env[refractoryState] = c.op(graph.OpMax, c.op(graph.OpMul, s, c.number(c.period)), down)
		}
	}
	c.b.Output("emit", c.emit)
	for _, s := range c.eq.States {
		v := c.env[s.Name]
		if c.b.Err() == nil && v.Type().DType == graph.Bit {
			v = c.real(v)
		}
		c.b.Output(s.Name, v)
	}
}
