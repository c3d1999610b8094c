package cut

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// Spend takes so many numbers off what may be computed.
func (c *finder) Spend(numbers int) error {
	if c.budget -= max(numbers, 1); c.budget < 0 {
		return fmt.Errorf("its weights are too many to be folded")
	}
	return nil
}

// number returns one that follows from variables; where these are not given, from what they start as.
func (c *finder) number(v graph.Value) (float64, error) {
	if c.vars == nil {
		for _, n := range c.below(v.Node) {
			if n.Out[0].Size() > 1<<10 {
				return 0, fmt.Errorf("a parameter of its neuron is computed from large weights")
			}
		}
	}
	x, err := c.Numbers(v)
	if err != nil {
		return 0, err
	}
	return x[0], nil
}

// below returns a node and all that it is computed from, in order.
func (c *finder) below(n *graph.Node) []*graph.Node {
	need := map[*graph.Node]bool{n: true}
	i := slices.Index(c.g.Nodes, n)
	var out []*graph.Node
	for ; i >= 0; i-- {
		if m := c.g.Nodes[i]; need[m] {
			out = append(out, m)
			for _, v := range m.In {
				need[v.Node] = true
			}
		}
	}
	slices.Reverse(out)
	return out
}

// Numbers returns a value that follows from variables.
func (c *finder) Numbers(v graph.Value) ([]float64, error) {
	if x, ok := c.known[v]; ok {
		return x, nil
	}
	x, err := c.evaluate(v, func(b *graph.Builder) graph.Value { return newEmitter(c, b).Value(v) })
	if err == nil {
		c.known[v] = x
	}
	return x, err
}

// evaluate runs the graph that build makes, of variables alone.
func (c *finder) evaluate(of graph.Value, build func(b *graph.Builder) graph.Value) ([]float64, error) {
	b := graph.NewBuilder("known", c.env)
	b.Output("y", build(b))
	g, err := b.Finish()
	if err != nil {
		return nil, err
	}
	given := map[string]interp.Value{}
	for _, n := range g.Nodes {
		for _, t := range n.Out { // first: so the products below do not overflow
			if err := c.Spend(max(t.Steps, 1) * t.Size()); err != nil {
				return nil, err
			}
		}
		cost := n.MultiplyAccumulates(1)
		if n.Op == graph.OpMaxPool {
			cost = n.Out[0].Size() * n.Int("kernel") * n.Int("kernel")
		}
		if err := c.Spend(cost); err != nil {
			return nil, err
		}
		if name := n.Text("var"); n.Op == graph.OpRead && given[name].Data == nil {
			if given[name], err = c.variable(name, n.Out[0]); err != nil {
				return nil, err
			}
		}
	}
	r, err := interp.Run(g, &interp.Env{N: 1, Variables: given})
	if err != nil {
		return nil, fmt.Errorf("fold %s: %w", c.nameOf(of.Node), err)
	}
	return r.Outputs["y"].Data, nil
}

// variable returns a variable: as it is given, or as it starts.
func (c *finder) variable(name string, t graph.Type) (interp.Value, error) {
	v := interp.NewValue(t, 1)
	if c.vars == nil {
		in := c.m.Variable(name).Init
		start := in.A
		switch in.Kind {
		case "uniform":
			start = (in.A + in.B) / 2
		case "sinusoid":
			start = 0
		}
		for i := range v.Data {
			v.Data[i] = start
		}
		return v, nil
	}
	x := c.vars(name)
	if len(x) != len(v.Data) {
		return v, fmt.Errorf("variable %s has %d numbers, want %d for %v", name, len(x), len(v.Data), t)
	}
	for i, y := range x {
		if v.Data[i] = float64(y); !finite(v.Data[i]) {
			c.broken = fmt.Errorf("variable %s has %v among its numbers, and chips take finite ones: its training has diverged", name, y)
			return v, c.broken
		}
	}
	return v, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
