package cut

import (
	"slices"

	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// formOf returns the form of a value; of the further results of a node it is what their types say.
func (c *finder) formOf(v graph.Value) *synapse.Form {
	if f := c.forms[v]; f != nil {
		return f
	}
	switch t := v.Type(); {
	case t.DType == graph.State || t.DType == graph.I32:
		return synapse.No("its input is whole numbers, not spikes")
	case t.Steps == 0:
		return c.leaf(v)
	case t.DType == graph.Bit:
		return synapse.Spikes(t.Dims, synapse.Base{Population: -1, Host: v})
	}
	return synapse.No("`%s` stands between its weights and its neuron", v.Node.Op)
}

// leaf is the form of a value that is the same at all time steps and is not taken apart.
func (c *finder) leaf(v graph.Value) *synapse.Form {
	if !c.fact(v.Node).varies {
		return synapse.Still(v.Type().Dims, synapse.Leaf(v, false, 0))
	}
	return synapse.Still(v.Type().Dims, synapse.Leaf(v, true, c.calm(v)))
}

// form returns the form of the first result of a node, whose inputs have theirs.
func (c *finder) form(n *graph.Node) *synapse.Form {
	t := n.Out[0]
	switch {
	case t.DType != graph.F32 && t.DType != graph.Bit:
		return synapse.No("its input is whole numbers, not spikes")
	case n.Op == graph.OpEquation && n.Equation.Spikes && t.Steps > 0:
		return c.neuron(n)
	case c.fact(n).steady && !c.fact(n).varies:
		return c.leaf(graph.Value{Node: n})
	case n.Op == graph.OpEquation && n.Flag("last") && !n.Flag("state") && !n.Equation.Spikes && len(n.In) > 0 && !c.fact(n.In[0].Node).steady:
		c.readOut(n)
		fallthrough
	case c.fact(n).steady || t.Steps == 0:
		return c.leaf(graph.Value{Node: n})
	case !c.fact(n).varies:
		return synapse.No("its bias changes from step to step")
	case n.Op == graph.OpMaxPool:
		return c.pool(n)
	}
	in := make([]*synapse.Form, len(n.In))
	for i, v := range n.In {
		in[i] = c.formOf(v)
	}
	if x, k, ok := window(n); ok && c.formOf(x).Why == "" {
		return c.fold.Pooled(n, c.formOf(x), k)
	}
	switch n.Op {
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		if c.fact(n.In[1].Node).varies {
			return synapse.No("its weights depend on the input")
		}
		return c.fold.Product(n, in[0])
	case graph.OpMul, graph.OpDiv:
		a, by, f := n.In[0], n.In[1], in[0]
		if n.Op == graph.OpMul && !c.fact(a.Node).varies {
			by, f = a, in[1]
		}
		switch {
		case c.fact(by.Node).varies:
			return synapse.No("it multiplies or divides by a value that depends on the input")
		case by.Type().Steps > 0:
			return synapse.No("a factor changes from step to step")
		case f.Why != "":
			return f
		}
		return c.fold.Scale(n, f, by)
	}
	for _, f := range in {
		if f.Why != "" {
			return f
		}
	}
	switch n.Op {
	case graph.OpInput:
		return synapse.No("its input is real values, not spikes")
	case graph.OpAdd:
		return c.fold.Plus(n, in[0], in[1], 1)
	case graph.OpSub:
		return c.fold.Plus(n, in[0], in[1], -1)
	case graph.OpNeg:
		return c.fold.Plus(n, synapse.Still(t.Dims, nil), in[0], -1)
	case graph.OpStop:
		return in[0]
	case graph.OpCast:
		if t.DType == graph.F32 {
			return in[0]
		}
	case graph.OpReshape:
		return in[0].Reshape(t.Dims)
	case graph.OpConcat:
		if n.Axis() == 0 {
			return synapse.Joined(t.Dims, in)
		}
	case graph.OpSlice:
		if n.Axis() == 0 {
			return in[0].Slice(n.Int("start"), n.Int("start")+n.Int("length"), t.Dims)
		}
	case graph.OpRepeat:
		if n.Axis() >= 0 {
			return in[0].Repeat(n)
		}
	case graph.OpNormalise:
		return synapse.No("a norm over the values of one example cannot be folded into weights")
	}
	return synapse.No("`%s` stands between its weights and its neuron", n.Op)
}

// window recognises a mean or sum over windows side by side: of maps that are cut into rows and columns of windows.
func window(n *graph.Node) (x graph.Value, kernel int, ok bool) {
	if n.Op != graph.OpReduce || !slices.Equal(n.Axes(), graph.Axes{2, 4}) || n.In[0].Node.Op != graph.OpReshape {
		return x, 0, false
	}
	v := n.In[0]
	x = v.Node.In[0]
	from, cut := x.Type().Dims, v.Type().Dims
	if len(from) != 3 || len(cut) != 5 || cut[0] != from[0] || cut[2] != cut[4] || cut[1]*cut[2] != from[1] || cut[3]*cut[4] != from[2] {
		return x, 0, false
	}
	return x, cut[2], n.Text("kind") == "mean" || n.Text("kind") == "sum"
}
