package cut

import (
	"snnc.dev/snnc/runtime/graph"
)

// operations are the multiply-accumulates of a product for one example at each time step of its result. Not timed: there is one, as it has
// none, or as it takes the same real numbers at each of them and is computed once.
func operations(n *graph.Node) (each, steps int, timed bool) {
	t := n.Out[0]
	if timed, steps = t.Steps > 0, max(1, t.Steps); !weighted(n.Op) {
		return 0, steps, timed
	}
	each = n.MultiplyAccumulates(1) / steps
	if in := n.In[0].Type(); in.DType != graph.Bit && in.Steps > 0 && repeated(n.In[0]) {
		return each, 1, false
	}
	return each, steps, timed
}

// repeated reports whether a value is one that is repeated over time, by itself or by a coder without states.
func repeated(v graph.Value) bool {
	n := v.Node
	if v.Type().Steps == 0 || n.Op == graph.OpRepeat && n.In[0].Type().Steps == 0 {
		return true
	}
	if n.Op != graph.OpEquation || len(n.Equation.States) > 0 {
		return false
	}
	for _, in := range n.In {
		if !repeated(in) {
			return false
		}
	}
	return true
}

// host lists what work the rewritten graph leaves to the host, and why.
func (c *finder) host(e *emitter, g *graph.Graph) []Layer {
	var out []Layer
	for _, n := range g.Nodes {
		old := e.origin[n]
		if old == nil {
			continue
		}
		if why := c.reason(n, old); why != "" {
			each, steps, timed := operations(n)
			name := c.nameOf(old)
			if c.named[name] == nil {
				c.named[name] = []*graph.Node{old}
			}
			out = append(out, Layer{Name: name, Kind: kindOf(old.Op), Operations: each, Steps: steps, Free: timed && c.g.FreeSteps && c.fact(old).over, Reason: why})
		}
	}
	return out
}

// reason says why a node of the rewritten graph, which comes from an old one, is host work; "" where it is no work to speak of.
func (c *finder) reason(n, old *graph.Node) string {
	switch n.Op {
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		switch {
		case n.Out[0].Steps == 0 && old.Out[0].Steps > 0:
			return "it is the same at all time steps: the host sends it as a current, once for each example"
		case c.fact(old.In[1].Node).varies:
			return "its weights depend on the input"
		case c.fact(old).refused != "":
			return c.fact(old).refused
		case c.fact(old).used:
			return "the host reads its sums, besides the neurons that they flow into"
		case n.In[0].Type().DType != graph.Bit:
			return "its input is real values, not spikes"
		}
		return "no spiking neuron follows: its sums are read out"
	case graph.OpEquation:
		if n.Equation.Spikes || n.Flag("last") && !c.fact(old).steady {
			return c.fact(old).refused
		}
	case graph.OpOpaque:
		return "its plugin computes it, and the chip runs no plugins"
	case graph.OpMaxPool:
		return c.fact(old).refused
	}
	return ""
}
