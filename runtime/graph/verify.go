package graph

import (
	"fmt"
	"slices"
)

// ModuleEnv resolves names in a module, and what is not there in Outer (which may be nil).
type ModuleEnv struct {
	Module *Module
	Outer  Env
	// Types are the types of the module's variables by name, so that a large module need not be searched for each; nil: it is.
	Types map[string]Type
}

// Signature asks Outer.
func (e ModuleEnv) Signature(role string) (in, out []Type, free, ok bool) {
	if e.Outer == nil {
		return nil, nil, false, false
	}
	return e.Outer.Signature(role)
}

// VariableType looks in the module, then in Outer.
func (e ModuleEnv) VariableType(name string) (Type, bool) {
	if t, ok := e.Types[name]; ok {
		return t, true
	}
	if e.Types == nil {
		if v := e.Module.Variable(name); v != nil {
			return v.Type, true
		}
	}
	if e.Outer == nil {
		return Type{}, false
	}
	return e.Outer.VariableType(name)
}

// FunctionNamed looks in the module, then in Outer.
func (e ModuleEnv) FunctionNamed(name string) *Graph {
	if g := e.Module.Function(name); g != nil || e.Outer == nil {
		return g
	}
	return e.Outer.FunctionNamed(name)
}

// Verify checks that every node of g uses only earlier ones, that its attributes are what its operator wants, and that
// its types are what inference gives.
func (g *Graph) Verify(env Env) error {
	seen := make(map[*Node]bool, len(g.Nodes))
	held := map[*Equation]bool{} // layers share equations
	inputs := 0
	for i, n := range g.Nodes {
		if n == nil || seen[n] {
			return fmt.Errorf("verify %s: node %d is nil or stands twice", g.Name, i)
		}
		for _, v := range n.In {
			if v.Node == nil || !seen[v.Node] {
				return fmt.Errorf("verify %s: node %d (%s) uses a value that does not stand before it", g.Name, i, n.Op)
			}
		}
		out, err := Infer(n, env)
		if err != nil {
			return fmt.Errorf("verify %s: node %d: %w", g.Name, i, err)
		}
		if len(out) != len(n.Out) {
			return fmt.Errorf("verify %s: node %d (%s) has %d results, want %d", g.Name, i, n.Op, len(n.Out), len(out))
		}
		for j := range out {
			if !out[j].Equal(n.Out[j]) {
				return fmt.Errorf("verify %s: node %d (%s) says %v, inference %v", g.Name, i, n.Op, n.Out[j], out[j])
			}
		}
		if n.Op == OpInput {
			if g.Input(n.Text("name")) != n {
				return fmt.Errorf("verify %s: input %s stands twice or is not listed", g.Name, n.Text("name"))
			}
			if inputs >= len(g.Inputs) || g.Inputs[inputs] != n {
				return fmt.Errorf("verify %s: input %s is not listed in order", g.Name, n.Text("name"))
			}
			inputs++
		}
		if n.Equation != nil && !held[n.Equation] {
			if err := n.Equation.Verify(); err != nil {
				return fmt.Errorf("verify %s: node %d: %w", g.Name, i, err)
			}
			held[n.Equation] = true
		}
		if n.Opaque != nil {
			if err := n.Opaque.Verify(); err != nil {
				return fmt.Errorf("verify %s: node %d: %w", g.Name, i, err)
			}
		}
		if n.Chip != nil {
			if err := n.Chip.Verify(); err != nil {
				return fmt.Errorf("verify %s: node %d: %w", g.Name, i, err)
			}
		}
		seen[n] = true
	}
	if inputs != len(g.Inputs) {
		return fmt.Errorf("verify %s: an input is not among the nodes", g.Name)
	}
	for _, o := range g.Outputs {
		if !seen[o.Value.Node] || o.Value.Index < 0 || o.Value.Index >= len(o.Value.Node.Out) {
			return fmt.Errorf("verify %s: output %s is no value of it", g.Name, o.Name)
		}
		if g.Output(o.Name) != o.Value {
			return fmt.Errorf("verify %s: output %s stands twice", g.Name, o.Name)
		}
	}
	return nil
}

// Verify checks that v is something that can be started, trained and saved: numbers of type f32, without time and batch axes,
// of a known kind, with a start that Init knows.
func (v Variable) Verify() error {
	t := v.Type
	switch {
	case t.DType != F32:
		return fmt.Errorf("variable %q is %v; a variable is f32, and what serves as an index is cast where it is read", v.Name, t)
	case t.Steps > 0 || t.Batch:
		return fmt.Errorf("variable %q is %v; a variable has no time and no batch axis", v.Name, t)
	case t.Size() < 1 || len(t.Dims) > maxDims:
		return fmt.Errorf("variable %q is of the impossible type %v", v.Name, t)
	case int(v.Kind) >= len(variableKinds):
		return fmt.Errorf("variable %q is of the unknown kind %d", v.Name, v.Kind)
	case !finite([]float64{v.Init.A, v.Init.B}):
		return fmt.Errorf("variable %q starts at %s(%v, %v), which is not finite", v.Name, v.Init.Kind, v.Init.A, v.Init.B)
	}
	if r := v.Range; r != (Range{}) && (!finite([]float64{r.Low, r.High}) || r.Low > r.High || v.Kind != Parameter) {
		return fmt.Errorf("variable %q of kind %v cannot be held in (%v, %v); a parameter can, between two numbers", v.Name, v.Kind, r.Low, r.High)
	}
	switch v.Init.Kind {
	case "uniform", "normal", "constant":
	case "sinusoid":
		if len(t.Dims) != 2 {
			return fmt.Errorf("variable %q starts as a table of sines and is %v, which has no rows and columns", v.Name, t)
		}
	default:
		return fmt.Errorf("variable %q has the unknown start %q; it is uniform, normal, constant or sinusoid", v.Name, v.Init.Kind)
	}
	return nil
}

// stepOps are the operators that the step of an equation may use.
func stepOp(op Op) bool {
	switch op {
	case OpInput, OpConstant, OpUniform, OpNormal, OpWhere, OpStop, OpSpike, OpTime, OpSteps, OpCast, OpNot, OpAnd, OpOr,
		OpLess, OpLessEq, OpGreater, OpGreatEq, OpEqual, OpUnequal:
		return true
	}
	return Elementwise(op)
}

// Elementwise reports whether op computes each element of its one real result from the elements at the same place.
func Elementwise(op Op) bool {
	switch op {
	case OpAdd, OpSub, OpMul, OpDiv, OpPow, OpMin, OpMax, OpNeg, OpAbs, OpSign, OpExp, OpLog, OpSqrt, OpTanh, OpSigmoid,
		OpSin, OpCos, OpRound, OpFloor:
		return true
	}
	return false
}

// Verify checks the declaration of the equation against its step.
func (e *Equation) Verify() error {
	if e.Step == nil {
		return fmt.Errorf("equation %s has no step", e.Name)
	}
	var names []string
	names = append(names, e.Inputs...)
	names = append(names, e.Params...)
	for _, s := range e.States {
		names = append(names, s.Name)
	}
	if len(e.Step.Inputs) != len(names) {
		return fmt.Errorf("equation %s declares %d names, its step takes %d", e.Name, len(names), len(e.Step.Inputs))
	}
	for i, n := range e.Step.Inputs {
		if names[i] == "emit" || slices.Contains(names[:i], names[i]) {
			return fmt.Errorf("equation %s: the name %s is taken", e.Name, names[i])
		}
		if n.Text("name") != names[i] || !n.Out[0].Equal(Scalar()) {
			return fmt.Errorf("equation %s: input %d of its step is not %s: f32[]", e.Name, i, names[i])
		}
	}
	if len(e.Step.Outputs) != 1+len(e.States) || e.Step.Outputs[0].Name != "emit" {
		return fmt.Errorf("equation %s: its step must give emit and %d states", e.Name, len(e.States))
	}
	for i, s := range e.States {
		if e.Step.Outputs[1+i].Name != s.Name {
			return fmt.Errorf("equation %s: the next value of state %s is missing or out of order", e.Name, s.Name)
		}
	}
	if emit := e.Step.Outputs[0].Value; !emit.Valid() || (emit.Type().DType == Bit) != e.Spikes {
		return fmt.Errorf("equation %s: what it emits does not agree with whether it spikes", e.Name)
	}
	for _, n := range e.Step.Nodes {
		if !stepOp(n.Op) {
			return fmt.Errorf("equation %s: operator %s has no place in a step", e.Name, n.Op)
		}
		for _, t := range n.Out {
			if t.Steps > 0 || t.Batch || len(t.Dims) > 0 {
				return fmt.Errorf("equation %s: %s gives %v, a step has numbers only", e.Name, n.Op, t)
			}
		}
	}
	return e.Step.Verify(nil)
}

// Random reports whether the step draws random numbers.
func (e *Equation) Random() bool { return e.uses(OpUniform, OpNormal) }

// Timed reports whether the step reads the number of the time step or how many there are. In parts of a sequence both count
// anew.
func (e *Equation) Timed() bool { return e.uses(OpTime, OpSteps) }

func (e *Equation) uses(ops ...Op) bool {
	return slices.ContainsFunc(e.Step.Nodes, func(n *Node) bool { return slices.Contains(ops, n.Op) })
}
