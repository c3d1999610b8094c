package graph

import (
	"fmt"
	"slices"
)

func inferZero(n *Node, _ Env) ([]Type, error) { return one(Type{DType: State, Role: n.Text("role")}) }

func inferRead(n *Node, env Env) ([]Type, error) {
	if env == nil {
		return nil, fmt.Errorf("no variables here")
	}
	t, ok := env.VariableType(n.Text("var"))
	if !ok {
		return nil, fmt.Errorf("unknown variable %q", n.Text("var"))
	}
	return one(t)
}

func inferHost(n *Node, _ Env) ([]Type, error) {
	switch what := n.Text("what"); what {
	case "progress", "iteration", "variance":
		return one(Scalar())
	default:
		return nil, fmt.Errorf("nobody knows %q; it is progress, iteration or variance", what)
	}
}

func inferAssign(n *Node, env Env) ([]Type, error) {
	if env == nil {
		return nil, fmt.Errorf("no variables here")
	}
	t, ok := env.VariableType(n.Text("var"))
	if !ok {
		return nil, fmt.Errorf("unknown variable %q", n.Text("var"))
	}
	if !t.Equal(n.In[0].Type()) {
		return nil, fmt.Errorf("%s is %v, got %v", n.Text("var"), t, n.In[0].Type())
	}
	return nil, nil
}

func inferApply(n *Node, env Env) ([]Type, error) {
	role := n.Text("role")
	if mode := n.Text("mode"); mode != "train" && mode != "eval" {
		return nil, fmt.Errorf("mode %q is neither train nor eval", mode)
	}
	if env == nil {
		return nil, fmt.Errorf("no roles here")
	}
	ins, outs, free, ok := env.Signature(role)
	if !ok {
		return nil, fmt.Errorf("unknown role %q", role)
	}
	given := n.In
	if n.Flag("state") {
		if n.Text("mode") != "eval" {
			return nil, fmt.Errorf("states are carried in eval mode only")
		}
		if len(given) == 0 || !given[len(given)-1].Type().Equal(Type{DType: State, Role: role}) {
			return nil, fmt.Errorf("the last input must be state[%s]", role)
		}
		given = given[:len(given)-1]
	}
	if len(given) != len(ins) {
		return nil, fmt.Errorf("%s takes %d inputs, got %d", role, len(ins), len(given))
	}
	steps, from := 0, 0
	for i, want := range ins {
		got := given[i].Type()
		if free && want.Steps > 0 && got.Steps > 0 {
			if steps != 0 && steps != got.Steps {
				return nil, fmt.Errorf("inputs of %s have %d and %d time steps", role, steps, got.Steps)
			}
			steps, from = got.Steps, want.Steps
			want.Steps = steps
		}
		// A bit is a number; a network that wants numbers takes spikes.
		if want.DType == F32 && got.DType == Bit {
			want.DType = Bit
		}
		if !got.Equal(want) {
			return nil, fmt.Errorf("input %d of %s is %v, got %v", i+1, role, want, got)
		}
	}
	res := slices.Clone(outs)
	for i := range res {
		if free && res[i].Steps > 0 && res[i].Steps == from {
			res[i].Steps = steps
		}
	}
	if n.Flag("state") {
		res = append(res, Type{DType: State, Role: role})
	}
	return res, nil
}

func inferCall(n *Node, env Env) ([]Type, error) {
	name := n.Text("function")
	if env == nil || env.FunctionNamed(name) == nil {
		return nil, fmt.Errorf("unknown function %q", name)
	}
	f := env.FunctionNamed(name)
	if len(f.Inputs) != len(n.In) {
		return nil, fmt.Errorf("%s takes %d inputs, got %d", name, len(f.Inputs), len(n.In))
	}
	for i, in := range f.Inputs {
		if !in.Out[0].Equal(n.In[i].Type()) {
			return nil, fmt.Errorf("input %d of %s is %v, got %v", i+1, name, in.Out[0], n.In[i].Type())
		}
	}
	var out []Type
	for _, o := range f.Outputs {
		out = append(out, o.Value.Type())
	}
	if n.Op == OpCustom {
		back := env.FunctionNamed(n.Text("backward"))
		if back == nil {
			return nil, fmt.Errorf("unknown function %q", n.Text("backward"))
		}
		if len(back.Inputs) != len(n.In)+2*len(out) || len(back.Outputs) != len(n.In) {
			return nil, fmt.Errorf("%s must take the %d inputs, %d outputs and as many gradients, and give %d gradients", n.Text("backward"), len(n.In), len(out), len(n.In))
		}
	}
	return out, nil
}

func inferGrad(n *Node, _ Env) ([]Type, error) {
	if !n.In[0].Type().Equal(Scalar()) {
		return nil, fmt.Errorf("wants a scalar f32[], got %v", n.In[0].Type())
	}
	var out []Type
	for _, v := range n.In[1:] {
		out = append(out, v.Type().With(F32))
	}
	return out, nil
}
