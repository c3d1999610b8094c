package cut

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// name returns what a population is called: after the products in its weights, a pooling after its source.
func (c *finder) name(p *population) string {
	var nodes []*graph.Node
	for _, t := range p.terms {
		nodes = synapse.Union(nodes, t.Nodes)
	}
	name := ""
	switch {
	case p.node.Op == graph.OpMaxPool:
		name = c.found[p.terms[0].From.Population].name + ".maxpool"
	case len(nodes) == 0:
		nodes = nearest(p.x.Node)
		fallthrough
	default:
		var names []string
		for _, n := range nodes {
			names = append(names, c.nameOf(n))
		}
		if len(names) == 0 {
			names = []string{"neuron." + strings.TrimPrefix(c.fact(p.node).ordinal, "neuron.")}
		}
		slices.SortFunc(names, natural)
		names = slices.Compact(names)
		if name = strings.Join(names, "+"); len(names) > 3 { // sums of residual blocks
			name = fmt.Sprintf("%s+%s+%d more", names[len(names)-1], names[len(names)-2], len(names)-2)
		}
	}
	if c.names[name]++; c.names[name] > 1 { // weights that are used again
		name = fmt.Sprintf("%s, use %d", name, c.names[name])
	}
	if nodes = append(slices.Clone(nodes), p.node); p.node.Op == graph.OpMaxPool {
		nodes = []*graph.Node{p.node}
	}
	c.named[name] = nodes
	return name
}

// nearest returns the products that a value is computed from, up to the first on each way.
func nearest(n *graph.Node) []*graph.Node {
	const most = 1 << 12
	var found []*graph.Node
	seen := map[*graph.Node]bool{}
	for todo := []*graph.Node{n}; len(todo) > 0 && len(seen) < most; {
		n, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if weighted(n.Op) {
			found = append(found, n)
			continue
		}
		if n.Op == graph.OpEquation && len(n.Equation.States) > 0 || n.Op == graph.OpOpaque || n.Op == graph.OpChip {
			continue
		}
		for _, v := range n.In {
			todo = append(todo, v.Node)
		}
	}
	return found
}

func weighted(op graph.Op) bool {
	return op == graph.OpConv || op == graph.OpConvInput || op == graph.OpMatmul
}

// refuse notes why an equation, and the products in front of it, are not on the chip.
func (c *finder) refuse(n *graph.Node, why string) {
	c.fact(n).refused = why
	if len(n.In) == 0 {
		return
	}
	for _, w := range nearest(n.In[0].Node) {
		if c.fact(w).refused == "" {
			c.fact(w).refused = why
		}
	}
}

// kindOf is the language's name of an operator.
func kindOf(op graph.Op) string {
	switch op {
	case graph.OpConv:
		return "conv"
	case graph.OpConvInput:
		return "deconv"
	case graph.OpMatmul:
		return "linear"
	case graph.OpMaxPool:
		return "maxpool"
	case graph.OpEquation:
		return "neuron"
	}
	return string(op)
}

// nameOf is the structural name of a node: the position of its weight and its kind, or its operator and number.
func (c *finder) nameOf(n *graph.Node) string {
	if n.Op == graph.OpInput {
		return n.Text("name")
	}
	if weighted(n.Op) {
		for w := n.In[1].Node; ; w = w.In[0].Node {
			if i := strings.LastIndexByte(w.Text("var"), '.'); w.Op == graph.OpRead && i > 0 {
				return w.Text("var")[:i] + "." + kindOf(n.Op)
			}
			if len(w.In) == 0 {
				break
			}
		}
	}
	return c.fact(n).ordinal
}

// natural compares names that begin with numbers by these.
func natural(a, b string) int {
	number := func(s string) int {
		head, _, _ := strings.Cut(s, ".")
		n, err := strconv.Atoi(head)
		if err != nil {
			return math.MaxInt
		}
		return n
	}
	if x, y := number(a), number(b); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}
