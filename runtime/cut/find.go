package cut

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// finder reads populations off the eval function of a network.
type finder struct {
	m       *graph.Module
	g       *graph.Graph
	vars    func(name string) []float32
	allowed func(population string) bool
	env     graph.ModuleEnv

	facts  map[*graph.Node]*fact
	forms  map[graph.Value]*synapse.Form
	fold   synapse.Fold
	names  map[string]int           // how many populations are called so
	named  map[string][]*graph.Node // see Result.Nodes
	made   map[twin]int             // the population of what flows in and of dynamics
	known  map[graph.Value][]float64
	budget int   // numbers that may still be computed
	broken error // a variable that is not finite
	found  []population
}

// fact is what is known of a node.
type fact struct {
	ordinal string // operator and number
	varies  bool   // it depends on more than variables
	steady  bool   // it is the same at all time steps, or has none
	over    bool   // it has the time steps of an input
	level   int    // how often the host interrupts chips before it is known
	calm    int    // the same where it is steady and the host computes it itself, without time steps
	of      []int  // the populations that an equation or a pooling is, part by part
	refused string // why it is not on the chip
	used    bool   // a product in the weights of populations
}

func (c *finder) fact(n *graph.Node) *fact {
	f := c.facts[n]
	if f == nil {
		f = &fact{}
		c.facts[n] = f
	}
	return f
}

// work bounds the numbers that are computed when weights are folded: a network that is so large is not emulated.
const work = 1 << 31

func find(m *graph.Module, g *graph.Graph, vars func(string) []float32, allowed func(string) bool, budget int) *finder {
	c := &finder{m: m, g: g, vars: vars, allowed: allowed, env: graph.ModuleEnv{Module: m, Types: map[string]graph.Type{}}, budget: budget,
		facts: map[*graph.Node]*fact{}, forms: map[graph.Value]*synapse.Form{}, names: map[string]int{}, named: map[string][]*graph.Node{}, made: map[twin]int{}, known: map[graph.Value][]float64{}}
	c.fold = synapse.Fold{Source: c}
	for _, v := range m.Variables {
		c.env.Types[v.Name] = v.Type
	}
	count := map[graph.Op]int{}
	for _, n := range g.Nodes {
		c.fact(n).ordinal = fmt.Sprintf("%s.%d", kindOf(n.Op), count[n.Op])
		count[n.Op]++
		c.describe(n)
		if len(n.Out) == 0 {
			continue
		}
		f, v := c.form(n), graph.Value{Node: n}
		if f.Why != "" && n.Out[0].DType == graph.Bit && n.Out[0].Steps > 0 {
			if f = synapse.Spikes(n.Out[0].Dims, synapse.Base{Population: -1, Host: v}); c.fact(n).steady {
				f = c.leaf(v)
			}
		}
		c.forms[v] = f
	}
	return c
}

// describe says of a node on what it depends.
func (c *finder) describe(n *graph.Node) {
	switch n.Op {
	case graph.OpInput, graph.OpUniform, graph.OpNormal, graph.OpHost, graph.OpEquation, graph.OpOpaque, graph.OpChip:
		c.fact(n).varies = true
	default:
		c.fact(n).varies = slices.ContainsFunc(n.In, func(v graph.Value) bool { return c.fact(v.Node).varies })
	}
	timed := slices.ContainsFunc(n.Out, func(t graph.Type) bool { return t.Steps > 0 })
	c.fact(n).over = timed && (n.Op == graph.OpInput || slices.ContainsFunc(n.In, func(v graph.Value) bool { return v.Type().Steps > 0 && c.fact(v.Node).over }))
	c.fact(n).steady = !timed || pointwise(n) && !slices.ContainsFunc(n.In, func(v graph.Value) bool { return !c.fact(v.Node).steady })
	for _, v := range n.In {
		c.fact(n).level = max(c.fact(n).level, c.level(v))
		c.fact(n).calm = max(c.fact(n).calm, c.calm(v))
	}
}

// level returns how often the host interrupts chips before it has a value.
func (c *finder) level(v graph.Value) int {
	level := c.fact(v.Node).level
	for _, p := range c.fact(v.Node).of {
		level = max(level, c.found[p].level+1)
	}
	return level
}

// calm returns how often the host interrupts chips before it has a value without its time steps, as emitter.Calm builds it: what spikes on a
// chip the host then computes once, from what it has.
func (c *finder) calm(v graph.Value) int {
	if v.Type().Steps == 0 {
		return c.level(v)
	}
	return c.fact(v.Node).calm
}

// pointwise reports whether a node computes each time step from the same step of its inputs, and all in the same way.
func pointwise(n *graph.Node) bool {
	switch n.Op {
	case graph.OpRepeat:
		return n.Axis() != graph.TimeAxis || n.In[0].Type().Steps == 0
	case graph.OpSlice, graph.OpPad, graph.OpConcat:
		return n.Axis() != graph.TimeAxis
	case graph.OpReduce, graph.OpNormalise:
		return !n.Axes().Has(graph.TimeAxis)
	case graph.OpEquation:
		return len(n.Equation.States) == 0 && !n.Equation.Random() && !n.Equation.Timed() &&
			!slices.ContainsFunc(n.In, func(v graph.Value) bool { return v.Type().DType == graph.State })
	case graph.OpReshape, graph.OpTranspose, graph.OpCast, graph.OpGather, graph.OpScatter, graph.OpRows, graph.OpMatmul, graph.OpConv, graph.OpConvInput,
		graph.OpMaxPool, graph.OpLess, graph.OpLessEq, graph.OpGreater, graph.OpGreatEq, graph.OpEqual, graph.OpUnequal, graph.OpAnd, graph.OpOr, graph.OpNot,
		graph.OpWhere, graph.OpStop:
		return true
	}
	return graph.Elementwise(n.Op)
}
