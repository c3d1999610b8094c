package graph

import (
	"math"
	"slices"

	"snnc.dev/snnc/dsl/diag"
)

// Module is a set of functions with the variables, equations, opaque operators and chips that they name.
type Module struct {
	Variables []Variable
	Equations []*Equation
	Opaques   []*Opaque
	Chips     []*Chip
	Functions []*Graph
}

// Graph is a function: nodes in an order in which each uses only earlier ones.
type Graph struct {
	Name    string
	Inputs  []*Node // nodes of operator OpInput, also the first of Nodes
	Nodes   []*Node
	Outputs []Output
	// FreeSteps is set where the graph works at any number of time steps: the one in its types is an example.
	FreeSteps bool
}

// Output is a named result of a graph.
type Output struct {
	Name  string
	Value Value
}

// Node is one application of an operator.
type Node struct {
	Op    Op
	In    []Value
	Attrs Attrs
	Out   []Type
	// Equation is what an equation node runs, Opaque what an opaque one asks a plugin for, Chip what a chip computes.
	Equation *Equation
	Opaque   *Opaque
	Chip     *Chip

	// Once is set of an input of spikes of which each element has one at most in an example. It is no part of the text.
	Once bool
	// Layer is the structural place of the node, such as "encoder.1.fire"; "" outside networks. It is no part of the text.
	Layer string
	// Origin is where the spec says this: the innermost place first, then the uses that led there.
	Origin []diag.Range

	id int // position in Nodes, set by number
}

// Value is one result of a node.
type Value struct {
	Node  *Node
	Index int
}

// Type returns the type of v; the zero Type where v is no value.
func (v Value) Type() Type {
	if v.Node == nil || v.Index < 0 || v.Index >= len(v.Node.Out) {
		return Type{}
	}
	return v.Node.Out[v.Index]
}

// Valid reports whether v is a value at all.
func (v Value) Valid() bool { return v.Node != nil }

// VariableKind is the part a variable plays in training.
type VariableKind uint8

// The kinds of variables: trained by an optimiser; state that `assign` changes (running statistics, buffers); a frozen table.
const (
	Parameter VariableKind = iota
	Statistic
	Frozen
)

var variableKinds = [...]string{"parameter", "state", "frozen"}

func (k VariableKind) String() string { return variableKinds[k] }

// Variable is a tensor that is kept between steps and saved with the weights.
type Variable struct {
	Name  string // structural: role and position, such as "encoder.1.weight"
	Type  Type   // without time and batch axes
	Init  Init
	Kind  VariableKind
	Range Range  // where training keeps it
	Title string // the name that the spec suggests, for people; no part of the text
	// Of is set in a module that fills a role of a program where another module fills another role and both are to have one
	// variable: it is the variable's structural name in the program, such as "encoder.3.weight".
	Of string
}

// Range is the least and the greatest value of a variable; the zero Range is everywhere.
type Range struct{ Low, High float64 }

// Hold brings each of w into r, and keeps what is no number.
func (r Range) Hold(w []float32) {
	if r == (Range{}) {
		return
	}
	low, high := float32(r.Low), float32(r.High)
	for i := range w {
		w[i] = min(max(w[i], low), high)
	}
}

// Init says how a variable starts: `uniform(a, b)`, `normal(a, b)` (mean, standard deviation), `constant(a)` or
// `sinusoid(a)`, see Sinusoid. What a kind does not use of A and B is 0.
type Init struct {
	Kind string
	A, B float64
}

// Sinusoid returns element i of a table of rows of n columns that starts as `sinusoid(a)`: in row s columns 2k and 2k + 1 are
// sine and cosine of s a^(-2k/n) (Vaswani et al. 2017 with a = 10,000, interleaved as Ho et al. 2020's code has it).
func (in Init) Sinusoid(i, n int) float64 {
	s, k := float64(i/n), i%n/2
	x := s * math.Pow(in.A, -2*float64(k)/float64(n))
	if i%2 == 0 {
		return math.Sin(x)
	}
	return math.Cos(x)
}

// Equation is the step of a neuron, coder or trace: what happens in one time step to one element.
type Equation struct {
	Name   string
	Inputs []string // of each time step; the first one flows in
	Params []string // values that hold for all steps, or have one for each
	States []EquationState
	// Step computes one time step. Its inputs are named as Inputs, Params and States, all of type f32[]; its outputs are
	// "emit" and then the next value of each state, in order.
	Step   *Graph
	Spikes bool // emit is 0 or 1
	Once   bool // each element spikes at most once in a sequence
	// Temporal replaces the derivative by the first-spike rule of Spiking-GAN; nil for the surrogate's.
	Temporal *Temporal
}

// EquationState is a state variable and its value before the first step.
type EquationState struct {
	Name  string
	Start float64
}

// Temporal is the derivative in spike times: the gradient at the element's own spike step, divided by its norm over the
// layer per example if Normalize, goes to the input of every step t, times [t < t_spike] unless Open.
type Temporal struct {
	Open, Normalize bool
}

// Attrs are the attributes of a node: int, float64, string, bool, []int, []float64, Axis or Axes, as the operator's table says.
type Attrs map[string]any

// Int returns an int attribute, 0 where absent.
func (n *Node) Int(name string) int { v, _ := n.Attrs[name].(int); return v }

// Real returns a float64 attribute, 0 where absent.
func (n *Node) Real(name string) float64 { v, _ := n.Attrs[name].(float64); return v }

// Text returns a string attribute, "" where absent.
func (n *Node) Text(name string) string { v, _ := n.Attrs[name].(string); return v }

// Flag returns a bool attribute, false where absent.
func (n *Node) Flag(name string) bool { v, _ := n.Attrs[name].(bool); return v }

// Ints returns a []int attribute.
func (n *Node) Ints(name string) []int { v, _ := n.Attrs[name].([]int); return v }

// Reals returns a []float64 attribute.
func (n *Node) Reals(name string) []float64 { v, _ := n.Attrs[name].([]float64); return v }

// Axis returns the attribute `axis`.
func (n *Node) Axis() Axis { v, _ := n.Attrs["axis"].(Axis); return v }

// Axes returns the attribute `axes`.
func (n *Node) Axes() Axes { v, _ := n.Attrs["axes"].(Axes); return v }

// Function returns the function NAME, or nil.
func (m *Module) Function(name string) *Graph {
	for _, g := range m.Functions {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// Variable returns the variable NAME, or nil.
func (m *Module) Variable(name string) *Variable {
	for i := range m.Variables {
		if m.Variables[i].Name == name {
			return &m.Variables[i]
		}
	}
	return nil
}

// Equation returns the equation NAME, or nil.
func (m *Module) Equation(name string) *Equation {
	for _, e := range m.Equations {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Opaque returns the opaque operator NAME, or nil.
func (m *Module) Opaque(name string) *Opaque {
	for _, o := range m.Opaques {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// Chip returns the chip NAME, or nil.
func (m *Module) Chip(name string) *Chip {
	for _, c := range m.Chips {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Input returns the input NAME of g, or nil.
func (g *Graph) Input(name string) *Node {
	for _, n := range g.Inputs {
		if n.Text("name") == name {
			return n
		}
	}
	return nil
}

// Output returns the output NAME of g; its Node is nil where there is none.
func (g *Graph) Output(name string) Value {
	for _, o := range g.Outputs {
		if o.Name == name {
			return o.Value
		}
	}
	return Value{}
}

// Index returns the position of n in g.Nodes, -1 where it is not there. Number must have been called since the last change.
func (n *Node) Index() int { return n.id }

// Number gives every node its index.
func (g *Graph) Number() {
	for i, n := range g.Nodes {
		n.id = i
	}
}

// Prune removes the nodes that no output needs; inputs and assignments stay.
func (g *Graph) Prune() {
	live := map[*Node]bool{}
	for _, o := range g.Outputs {
		live[o.Value.Node] = true
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if n.Op == OpInput || n.Op == OpAssign {
			live[n] = true
		}
		if live[n] {
			for _, v := range n.In {
				live[v.Node] = true
			}
		}
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return !live[n] })
	g.Number()
}

// Clone returns a deep copy of the nodes of g; equations, opaque operators and chips are shared.
func (g *Graph) Clone() *Graph {
	c := &Graph{Name: g.Name, FreeSteps: g.FreeSteps}
	to := make(map[*Node]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		m := &Node{Op: n.Op, Attrs: n.Attrs, Out: n.Out, Equation: n.Equation, Opaque: n.Opaque, Chip: n.Chip, Once: n.Once, Layer: n.Layer, Origin: n.Origin}
		for _, v := range n.In {
			m.In = append(m.In, Value{to[v.Node], v.Index})
		}
		to[n] = m
		c.Nodes = append(c.Nodes, m)
		if n.Op == OpInput {
			c.Inputs = append(c.Inputs, m)
		}
	}
	for _, o := range g.Outputs {
		c.Outputs = append(c.Outputs, Output{o.Name, Value{to[o.Value.Node], o.Value.Index}})
	}
	c.Number()
	return c
}

// Stateful reports whether the equation keeps anything from step to step.
func (e *Equation) Stateful() bool { return len(e.States) > 0 }
