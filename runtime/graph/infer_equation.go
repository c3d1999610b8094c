package graph

import (
	"fmt"
)

func inferUnary(n *Node, _ Env) ([]Type, error) { return number(n.In[0].Type()) }

// equationTypes returns the types of what goes in and comes out: inputs and the element type of one step.
func equationTypes(n *Node) (out Type, err error) {
	e := n.Equation
	if e == nil {
		return out, fmt.Errorf("no equation is given")
	}
	want := len(e.Inputs) + len(e.Params)
	if n.Flag("state") {
		want += len(e.States)
	}
	in := n.In
	if n.Op == OpEquationGrad {
		want++
		if len(in) == want {
			in = in[:want-1]
		}
	}
	if len(n.In) != want {
		return out, fmt.Errorf("%s wants %d inputs, got %d", e.Name, want, len(n.In))
	}
	for i, v := range in {
		t := v.Type().With(F32)
		if v.Type().DType == State {
			return out, fmt.Errorf("state is not a number")
		}
		if i >= len(e.Inputs)+len(e.Params) && t.Steps > 0 {
			return out, fmt.Errorf("%v for a state has a time axis", t)
		}
		if out, err = Broadcast(out.With(F32), t); err != nil {
			return out, err
		}
	}
	switch steps := n.Int("steps"); {
	case steps < 0 || steps > maxSteps:
		return out, fmt.Errorf("steps = %d", steps)
	case out.Steps == 0 && steps == 0:
		return out, fmt.Errorf("nothing says how many time steps there are")
	case out.Steps == 0:
		out.Steps = steps
	case steps != 0 && steps != out.Steps:
		return out, fmt.Errorf("steps = %d, but the input has %d", steps, out.Steps)
	}
	return out, nil
}

func inferEquation(n *Node, _ Env) ([]Type, error) {
	t, err := equationTypes(n)
	if err != nil {
		return nil, err
	}
	emit := t
	if n.Equation.Spikes {
		emit.DType = Bit
	}
	if n.Flag("last") {
		emit.Steps = 0
	}
	out := []Type{emit}
	if n.Flag("state") {
		for range n.Equation.States {
			out = append(out, t.WithSteps(0))
		}
	}
	return out, nil
}

func inferEquationGrad(n *Node, env Env) ([]Type, error) {
	t, err := equationTypes(n)
	if err != nil {
		return nil, err
	}
	if n.Flag("last") {
		t.Steps = 0
	}
	if dy := n.In[len(n.In)-1].Type(); !dy.Equal(t) {
		return nil, fmt.Errorf("gradient %v, want %v", dy, t)
	}
	var out []Type
	for _, v := range n.In[:len(n.In)-1] {
		out = append(out, v.Type().With(F32))
	}
	return out, nil
}

func inferBinary(n *Node, _ Env) ([]Type, error) {
	t, err := Broadcast(n.In[0].Type(), n.In[1].Type())
	if err != nil {
		return nil, err
	}
	return number(t)
}

func inferCompare(n *Node, env Env) ([]Type, error) {
	t := n.In[0].Type()
	if len(n.In) == 2 {
		var err error
		if t, err = Broadcast(t, n.In[1].Type()); err != nil {
			return nil, err
		}
	}
	if n.Op == OpAnd || n.Op == OpOr || n.Op == OpNot {
		for _, v := range n.In {
			if v.Type().DType != Bit {
				return nil, fmt.Errorf("wants bits, got %v", v.Type())
			}
		}
	}
	if t.DType == State {
		return nil, fmt.Errorf("state is not a number")
	}
	return one(t.With(Bit))
}

func inferWhere(n *Node, _ Env) ([]Type, error) {
	if n.In[0].Type().DType != Bit {
		return nil, fmt.Errorf("wants a condition of bits, got %v", n.In[0].Type())
	}
	t, err := Broadcast(n.In[1].Type(), n.In[2].Type())
	if err != nil {
		return nil, err
	}
	d := F32
	if n.In[1].Type().DType == n.In[2].Type().DType {
		d = n.In[1].Type().DType
	}
	if t, err = Broadcast(t, n.In[0].Type()); err != nil {
		return nil, err
	}
	return one(t.With(d))
}

func inferSpike(n *Node, _ Env) ([]Type, error) {
	t, err := Broadcast(n.In[0].Type(), n.In[1].Type())
	if err != nil {
		return nil, err
	}
	return one(t.With(Bit))
}
