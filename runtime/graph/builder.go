package graph

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
)

// Builder makes a graph node by node. The first error sticks: later calls return poison and Finish reports it.
type Builder struct {
	// Layer and Origin are given to the nodes that are added.
	Layer  string
	Origin []diag.Range

	g   *Graph
	env Env
	err error
}

// NewBuilder starts a graph whose variables, roles and functions env resolves (nil: none).
func NewBuilder(name string, env Env) *Builder { return &Builder{g: &Graph{Name: name}, env: env} }

// Graph returns the graph as it stands.
func (b *Builder) Graph() *Graph { return b.g }

// Fail makes err the builder's error if there is none yet.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Err returns the first error.
func (b *Builder) Err() error { return b.err }

// Finish returns the graph, or the first error. Inputs come first, and nodes that no output needs are removed.
func (b *Builder) Finish() (*Graph, error) {
	if b.err != nil {
		return nil, fmt.Errorf("build graph %s: %w", b.g.Name, b.err)
	}
	slices.SortStableFunc(b.g.Nodes, func(m, n *Node) int {
		if (m.Op == OpInput) == (n.Op == OpInput) {
			return 0
		}
		if m.Op == OpInput {
			return -1
		}
		return 1
	})
	b.g.Prune()
	return b.g, nil
}

// Input adds a parameter of the function.
func (b *Builder) Input(name string, t Type) Value {
	n := b.node(&Node{Op: OpInput}, Attrs{"name": name, "type": t}, nil)
	b.g.Inputs = append(b.g.Inputs, n)
	return Value{n, 0}
}

// Output names v as a result of the function.
func (b *Builder) Output(name string, v Value) {
	if b.err == nil && !v.Valid() {
		b.Fail(fmt.Errorf("output %s has no value", name))
	}
	b.g.Outputs = append(b.g.Outputs, Output{name, v})
}

// Op adds a node and returns its first result.
func (b *Builder) Op(op Op, attrs Attrs, in ...Value) Value {
	return Value{b.node(&Node{Op: op}, attrs, in), 0}
}

// Ops adds a node and returns all its results.
func (b *Builder) Ops(op Op, attrs Attrs, in ...Value) []Value {
	return b.Like(&Node{Op: op}, attrs, in...)
}

// Like adds a node that runs what n does, its operator and its equation, opaque operator or chip, with other attributes and inputs,
// and returns all its results.
func (b *Builder) Like(n *Node, attrs Attrs, in ...Value) []Value {
	n = b.node(&Node{Op: n.Op, Equation: n.Equation, Opaque: n.Opaque, Chip: n.Chip}, attrs, in)
	out := make([]Value, len(n.Out))
	for i := range out {
		out[i] = Value{n, i}
	}
	return out
}

// Equation adds an equation (or, with op OpEquationGrad, its derivative) and returns all its results.
func (b *Builder) Equation(op Op, e *Equation, attrs Attrs, in ...Value) []Value {
	return b.Like(&Node{Op: op, Equation: e}, attrs, in...)
}

// node adds n, which says only what it runs.
func (b *Builder) node(n *Node, attrs Attrs, in []Value) *Node {
	n.In, n.Attrs, n.Layer, n.Origin = in, attrs, b.Layer, b.Origin
	if b.err == nil {
		out, err := Infer(n, b.env)
		if err != nil {
			if b.Layer != "" {
				err = fmt.Errorf("%s: %w", b.Layer, err)
			}
			b.Fail(err)
		}
		n.Out = out
	}
	if b.err != nil {
		results := 4 // poison: enough results for any operator to be picked from
		if n.Equation != nil {
			results += len(n.Equation.States)
		}
		if n.Opaque != nil {
			results += len(n.Opaque.Saved) + len(n.Opaque.States)
		}
		if n.Chip != nil {
			results += len(n.Chip.Outputs)
		}
		n.Out = make([]Type, results+len(in))
		return n
	}
	n.id = len(b.g.Nodes)
	b.g.Nodes = append(b.g.Nodes, n)
	return n
}

// Const adds a scalar constant.
func (b *Builder) Const(v float64) Value { return b.Op(OpConstant, Attrs{"value": v}) }

// Unary and binary element-wise operators, for readable formulas.

// Add returns x + y.
func (b *Builder) Add(x, y Value) Value { return b.Op(OpAdd, nil, x, y) }

// Sub returns x - y.
func (b *Builder) Sub(x, y Value) Value { return b.Op(OpSub, nil, x, y) }

// Mul returns x * y.
func (b *Builder) Mul(x, y Value) Value { return b.Op(OpMul, nil, x, y) }

// Div returns x / y.
func (b *Builder) Div(x, y Value) Value { return b.Op(OpDiv, nil, x, y) }

// Neg returns -x.
func (b *Builder) Neg(x Value) Value { return b.Op(OpNeg, nil, x) }

// Scale returns x times a constant.
func (b *Builder) Scale(x Value, by float64) Value { return b.Mul(x, b.Const(by)) }

// Stop returns x without its gradient.
func (b *Builder) Stop(x Value) Value { return b.Op(OpStop, nil, x) }

// Reshape returns x with other dims.
func (b *Builder) Reshape(x Value, dims ...int) Value {
	return b.Op(OpReshape, Attrs{"dims": dims}, x)
}

// Slice returns length elements of x along an axis from start on.
func (b *Builder) Slice(x Value, axis Axis, start, length int) Value {
	return b.Op(OpSlice, Attrs{"axis": axis, "start": start, "length": length}, x)
}

// Concat joins values along an axis.
func (b *Builder) Concat(axis Axis, in ...Value) Value {
	return b.Op(OpConcat, Attrs{"axis": axis}, in...)
}

// Reduce reduces x over axes with kind sum, mean, max, min, argmax or argmin.
func (b *Builder) Reduce(kind string, x Value, axes ...Axis) Value {
	if len(axes) == 0 {
		return x
	}
	return b.Op(OpReduce, Attrs{"kind": kind, "axes": Axes(axes)}, x)
}

// AllAxes returns every axis of t.
func AllAxes(t Type) Axes {
	var axes Axes
	if t.Steps > 0 {
		axes = append(axes, TimeAxis)
	}
	if t.Batch {
		axes = append(axes, BatchAxis)
	}
	return append(axes, DimAxes(t)...)
}

// DimAxes returns the axes of one example of t at one time step.
func DimAxes(t Type) Axes {
	var axes Axes
	for i := range t.Dims {
		axes = append(axes, Axis(i))
	}
	return axes
}

// Mean returns the mean of x over all its axes.
func (b *Builder) Mean(x Value) Value { return b.Reduce("mean", x, AllAxes(x.Type())...) }

// Inline adds the nodes of g with its inputs replaced by in, and returns its outputs. Types are inferred anew, so a graph
// with FreeSteps takes inputs of any number of steps. replace, where not nil, may add a node in its own way: it gets the
// node and its inputs here and returns its results, or nil to have it added as it is.
func (b *Builder) Inline(g *Graph, in []Value, replace func(n *Node, in []Value) []Value) []Value {
	if b.err == nil && len(in) != len(g.Inputs) {
		b.Fail(fmt.Errorf("%s takes %d inputs, got %d", g.Name, len(g.Inputs), len(in)))
	}
	if b.err != nil {
		return make([]Value, len(g.Outputs))
	}
	to := make(map[*Node][]Value, len(g.Nodes))
	for i, n := range g.Inputs {
		to[n] = []Value{in[i]}
	}
	layer, origin := b.Layer, b.Origin
	for _, n := range g.Nodes {
		if n.Op == OpInput {
			continue
		}
		args := make([]Value, len(n.In))
		for i, v := range n.In {
			args[i] = to[v.Node][v.Index]
		}
		if n.Layer != "" {
			b.Layer = n.Layer
		}
		if len(n.Origin) > 0 {
			b.Origin = n.Origin
		}
		var res []Value
		if replace != nil {
			res = replace(n, args)
		}
		if res == nil {
			res = b.Like(n, n.Attrs, args...)
		}
		b.Layer, b.Origin = layer, origin
		if b.err != nil {
			return make([]Value, len(g.Outputs))
		}
		to[n] = res
	}
	out := make([]Value, len(g.Outputs))
	for i, o := range g.Outputs {
		out[i] = to[o.Value.Node][o.Value.Index]
	}
	return out
}
