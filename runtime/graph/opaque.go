package graph

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Opaque is a neuron or coder that a plugin computes by itself, over all time steps of a block of examples at once: a pure
// function of the inputs, the states at the beginning and, where it is Random, the seeds, which treats each example by itself.
// Its derivative is a function of what it has saved and of the gradient of its output, and of nothing else.
type Opaque struct {
	Name      string
	Plugin    string // whose component it is; "" for the built-in plugin
	Component string
	Version   string // of the component: another one may compute something else
	Arguments string // of the component, complete with defaults: a JSON object, as plugins/schema has it
	// Direction is that of a coder: Encode takes a value without time steps, Decode gives one. "" for a neuron.
	Direction Direction
	Spikes    bool            // the output is 0 or 1
	Once      bool            // each element spikes at most once in a sequence
	Gradient  bool            // it has a derivative
	Random    bool            // it draws random numbers
	Inputs    []string        // of each time step; the first one flows in
	States    []EquationState // one number per element of an example
	Saved     []string        // for the derivative: one number per element of an example and time step
}

// Direction is what an opaque coder does.
type Direction string

// The directions of an opaque coder.
const (
	Encode Direction = "encode"
	Decode Direction = "decode"
)

// Verify checks the declaration: names that differ, one input of a coder, arguments that are a JSON object.
func (o *Opaque) Verify() error {
	var names []string
	names = append(names, o.Inputs...)
	for _, s := range o.States {
		names = append(names, s.Name)
		if math.IsNaN(s.Start) || math.IsInf(s.Start, 0) {
			return fmt.Errorf("opaque %s: state %s starts at %v", o.Name, s.Name, s.Start)
		}
	}
	names = append(names, o.Saved...)
	for i, n := range names {
		if !isName(n) || slices.Contains(names[:i], n) {
			return fmt.Errorf("opaque %s: %q is no name, or is taken", o.Name, n)
		}
	}
	var arguments map[string]any
	switch {
	case o.Component == "":
		return fmt.Errorf("opaque %s is of no component", o.Name)
	case len(o.Inputs) == 0:
		return fmt.Errorf("opaque %s has no input", o.Name)
	case o.Direction != "" && o.Direction != Encode && o.Direction != Decode:
		return fmt.Errorf("opaque %s: there is no direction %q", o.Name, o.Direction)
	case o.Direction != "" && len(o.Inputs) > 1:
		return fmt.Errorf("opaque %s is a coder and has %d inputs", o.Name, len(o.Inputs))
	case o.Direction == Decode && (o.Spikes || o.Once):
		return fmt.Errorf("opaque %s decodes, and spikes", o.Name)
	case o.Once && !o.Spikes:
		return fmt.Errorf("opaque %s spikes once, and does not spike", o.Name)
	case len(o.Saved) > 0 && !o.Gradient:
		return fmt.Errorf("opaque %s saves something and has no derivative", o.Name)
	}
	if err := json.Unmarshal([]byte(o.Arguments), &arguments); err != nil || arguments == nil {
		return fmt.Errorf("opaque %s: its arguments are no JSON object", o.Name)
	}
	return nil
}

// States returns what a node carries from step to step and can hand on: those of its equation or opaque operator.
func (n *Node) States() []EquationState {
	switch {
	case n.Op == OpEquation:
		return n.Equation.States
	case n.Op == OpOpaque:
		return n.Opaque.States
	}
	return nil
}

// Spiking reports whether a node is a layer of neurons, or a coder, whose result is spikes.
func (n *Node) Spiking() bool {
	return n.Op == OpEquation && n.Equation.Spikes || n.Op == OpOpaque && n.Opaque.Spikes
}

// inferOpaque: the output, what is saved and, with `state`, each state behind the last step.
func inferOpaque(n *Node, _ Env) ([]Type, error) {
	o := n.Opaque
	if o == nil {
		return nil, fmt.Errorf("no opaque operator is given")
	}
	want := len(o.Inputs)
	if n.Flag("state") {
		want += len(o.States)
	}
	if len(n.In) != want {
		return nil, fmt.Errorf("%s wants %d inputs, got %d", o.Name, want, len(n.In))
	}
	t, steps := n.In[0].Type().With(F32), n.Int("steps")
	switch {
	case o.Direction == Encode && (steps < 1 || steps > maxSteps || t.Steps > 0):
		return nil, fmt.Errorf("%s encodes %v for %d time steps", o.Name, t, steps)
	case o.Direction != Encode && (steps != 0 || t.Steps == 0):
		return nil, fmt.Errorf("%s runs over the time steps of %v, and is told %d", o.Name, t, steps)
	case !t.Batch:
		return nil, fmt.Errorf("%s wants examples, got %v", o.Name, t)
	}
	for i, v := range n.In {
		of, like := v.Type(), t
		if i >= len(o.Inputs) {
			like = t.WithSteps(0)
		}
		if of.DType != F32 && (of.DType != Bit || i >= len(o.Inputs)) || !of.With(F32).Equal(like) {
			return nil, fmt.Errorf("%s: input %d is %v, want numbers of type %v", o.Name, i, of, like)
		}
	}
	if o.Direction == Encode {
		t.Steps = steps
	}
	out := []Type{t}
	if o.Spikes {
		out[0].DType = Bit
	}
	if o.Direction == Decode {
		out[0].Steps = 0
	}
	for range o.Saved {
		out = append(out, t)
	}
	if n.Flag("state") {
		for range o.States {
			out = append(out, t.WithSteps(0))
		}
	}
	return out, nil
}

// inferOpaqueGrad: the gradient by each input.
func inferOpaqueGrad(n *Node, _ Env) ([]Type, error) {
	o := n.Opaque
	switch {
	case o == nil:
		return nil, fmt.Errorf("no opaque operator is given")
	case !o.Gradient:
		return nil, fmt.Errorf("%s has no derivative", o.Name)
	case len(n.In) != len(o.Saved)+1:
		return nil, fmt.Errorf("%s saves %d values, and %d are given", o.Name, len(o.Saved), len(n.In)-1)
	}
	steps, dy := n.Int("steps"), n.In[len(n.In)-1].Type()
	t := dy.WithSteps(steps)
	for i, v := range n.In {
		like := t
		if i == len(o.Saved) && o.Direction == Decode {
			like.Steps = 0
		}
		if !v.Type().Equal(like) {
			return nil, fmt.Errorf("%s: input %d is %v, want %v", o.Name, i, v.Type(), like)
		}
	}
	if dy.DType != F32 || !dy.Batch || steps < 1 || steps > maxSteps {
		return nil, fmt.Errorf("%s: gradient %v over %d time steps", o.Name, dy, steps)
	}
	if o.Direction == Encode {
		t.Steps = 0
	}
	return slices.Repeat([]Type{t}, len(o.Inputs)), nil
}

// NoDerivative is the error of a gradient through an opaque operator that has none.
type NoDerivative struct {
	Node *Node // of operator OpOpaque
}

// Error names the component.
func (e *NoDerivative) Error() string {
	return fmt.Sprintf("gradient: component %s of plugin %q has no derivative, so nothing is trained through it", e.Node.Opaque.Component, e.Node.Opaque.Plugin)
}

// opaque adds the derivative of an opaque operator for the gradient g of its output.
func (d *differentiator) opaque(n *Node, g Value) {
	b, o := d.b, n.Opaque
	if !o.Gradient {
		b.Fail(&NoDerivative{n})
		return
	}
	for _, v := range n.In[len(o.Inputs):] {
		if d.needs[v.Node] {
			b.Fail(fmt.Errorf("gradient: there is none by a state that is handed to component %s of plugin %q", o.Component, o.Plugin))
			return
		}
	}
	var in []Value
	for i := range o.Saved {
		in = append(in, Value{n, 1 + i})
	}
	steps := n.Int("steps")
	if o.Direction != Encode {
		steps = n.In[0].Type().Steps
	}
	for i, part := range b.Like(&Node{Op: OpOpaqueGrad, Opaque: o}, Attrs{"steps": steps}, append(in, g)...) {
		if i < len(o.Inputs) {
			d.add(n.In[i], part)
		}
	}
}

func (o *Opaque) print(w *strings.Builder) {
	fmt.Fprintf(w, "opaque %q plugin=%q component=%q version=%q arguments=%q", o.Name, o.Plugin, o.Component, o.Version, o.Arguments)
	if o.Direction != "" {
		fmt.Fprintf(w, " %s", o.Direction)
	}
	for _, word := range o.flags() {
		if *word.set {
			fmt.Fprintf(w, " %s", word.name)
		}
	}
	w.WriteString(" {\n")
	for _, s := range o.Inputs {
		fmt.Fprintf(w, "  input %s\n", s)
	}
	for _, s := range o.States {
		fmt.Fprintf(w, "  state %s = %s\n", s.Name, real(s.Start))
	}
	for _, s := range o.Saved {
		fmt.Fprintf(w, "  saved %s\n", s)
	}
	w.WriteString("}\n")
}

// flag is a word that stands where a field of a declaration is set.
type flag struct {
	name string
	set  *bool
}

func (o *Opaque) flags() []flag {
	return []flag{{"spikes", &o.Spikes}, {"once", &o.Once}, {"gradient", &o.Gradient}, {"random", &o.Random}}
}

func (p *Parser) opaque() {
	o := &Opaque{Name: p.Quoted()}
	if p.err == nil && p.m.Opaque(o.Name) != nil {
		p.Errorf("opaque operator %q stands twice", o.Name)
	}
	for _, part := range []struct {
		name string
		text *string
	}{{"plugin", &o.Plugin}, {"component", &o.Component}, {"version", &o.Version}, {"arguments", &o.Arguments}} {
		p.Want(part.name)
		p.Want("=")
		*part.text = p.Quoted()
	}
	for p.err == nil && !p.Is("{") {
		word := p.Token()
		i := slices.IndexFunc(o.flags(), func(f flag) bool { return f.name == word })
		switch {
		case i >= 0:
			*o.flags()[i].set = true
		case o.Direction == "" && (word == string(Encode) || word == string(Decode)):
			o.Direction = Direction(word)
		default:
			p.Errorf("unknown word %q before the body of an opaque operator", word)
		}
	}
	p.EndLine()
	for p.err == nil {
		switch word := p.Word(); word {
		case "input":
			o.Inputs = append(o.Inputs, p.Name())
		case "state":
			s := EquationState{Name: p.Name()}
			p.Want("=")
			s.Start = p.Real()
			o.States = append(o.States, s)
		case "saved":
			o.Saved = append(o.Saved, p.Name())
		case "}":
			p.EndLine()
			if err := o.Verify(); err != nil {
				p.Errorf("%v", err)
			}
			p.m.Opaques = append(p.m.Opaques, o)
			return
		default:
			p.Errorf("unknown word %q in an opaque operator", word)
		}
		p.EndLine()
	}
}
