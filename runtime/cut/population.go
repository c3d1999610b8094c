package cut

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut/dynamics"
	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// population is one on its way to a circuit.
type population struct {
	dynamics.Dynamics
	name     string
	node     *graph.Node // the equation or pooling
	x        graph.Value // what flows in, of which the population takes the elements lo to hi along the first dim
	lo, hi   int
	dims     []int
	terms    []synapse.Term
	constant *synapse.Constant
	level    int
	steps    int
	over     bool
}

// twin is what populations have in common that do the same: the equation, what flows in, and parameters.
type twin struct {
	slot
	equation *graph.Equation
	params   string
	steps    int
}

// twin returns what a population made of a node has in common with others, whatever the numbers are.
func (c *finder) twin(q *population) twin {
	t := twin{slot: source(slot{q.x, q.lo, q.hi}), equation: q.node.Equation, steps: q.steps}
	if q.node.Op != graph.OpEquation {
		t.params = c.fact(q.node).ordinal // poolings are not looked for
		return t
	}
	for _, v := range q.node.In[len(q.node.Equation.Inputs):] {
		if v.Node.Op == graph.OpRead {
			t.params += fmt.Sprintf(" %q %v", v.Node.Text("var"), v.Node.Flag("average"))
		} else {
			t.params += fmt.Sprintf(" %s.%d", c.fact(v.Node).ordinal, v.Index)
		}
	}
	return t
}

// neuron makes populations of a spiking equation if what flows in is sums of weighted spikes and what holds for all time steps. Each
// part of what is joined is one.
func (c *finder) neuron(n *graph.Node) *synapse.Form {
	f, d, why := c.inflow(n)
	if why == "" {
		why = c.add(n, f, d)
	}
	if why != "" {
		c.refuse(n, why)
		return synapse.No("%s", why)
	}
	return c.fired(n)
}

// inflow returns what flows into an equation and its dynamics, or says why it is none of a chip.
func (c *finder) inflow(n *graph.Node) (f *synapse.Form, d dynamics.Dynamics, why string) {
	e := n.Equation
	switch {
	case len(e.Inputs) != 1:
		return nil, d, "its neuron takes several inputs"
	case n.Flag("state") || n.Flag("last") && e.Spikes:
		return nil, d, "its neuron gives its last step or its state"
	}
	x := n.In[0]
	if f = c.formOf(x); f.Why != "" {
		return nil, d, f.Why
	}
	var params []float64
	for i, v := range n.In[1:] {
		t := v.Type()
		switch {
		case c.fact(v.Node).varies:
			return nil, d, "a parameter of its neuron depends on the input"
		case t.Steps > 0:
			return nil, d, fmt.Sprintf("its parameter %s changes from step to step", e.Params[i])
		case t.Size() != 1:
			return nil, d, fmt.Sprintf("its parameter %s differs from neuron to neuron", e.Params[i])
		}
		p, err := c.number(v)
		if err != nil {
			return nil, d, err.Error()
		}
		params = append(params, p)
	}
	steps := float64(c.stepsOf(n))
	if c.g.FreeSteps && c.fact(x.Node).over {
		steps = math.NaN()
	}
	d, err := dynamics.Of(e, params, steps)
	if err != nil {
		return nil, d, err.Error()
	}
	if t := x.Type(); !slices.Equal(t.Dims, n.Out[0].Dims) {
		return nil, d, "its neuron takes a value that is repeated"
	}
	return f, d, ""
}

// stepsOf returns the time steps of an equation.
func (c *finder) stepsOf(n *graph.Node) int {
	for _, v := range n.In {
		if t := v.Type(); t.Steps > 0 {
			return t.Steps
		}
	}
	return n.Int("steps")
}

// readOut makes populations of an equation without spikes whose last step is read out.
func (c *finder) readOut(n *graph.Node) {
	f, d, why := c.inflow(n)
	if why == "" {
		for _, p := range f.Parts {
			if !slices.ContainsFunc(p.Terms, func(t synapse.Term) bool { return len(t.Nodes) > 0 }) {
				why = "it reads out spikes without weights"
			}
		}
	}
	if why == "" {
		why = c.add(n, f, d)
	}
	if why != "" {
		c.refuse(n, why)
	}
}

// pool makes a population of the greatest of windows of spikes of the chip.
func (c *finder) pool(n *graph.Node) *synapse.Form {
	f := c.formOf(n.In[0])
	const host = "the largest value of a window is on the chip only where spikes of the chip come in"
	if f.Why != "" {
		c.fact(n).refused = host
		return synapse.No(host)
	}
	pooled := &synapse.Form{Dims: n.Out[0].Dims}
	for _, p := range f.Parts {
		if len(p.Terms) != 1 || p.Terms[0].Kind != schema.Same || p.Terms[0].From.Population < 0 || p.Constant != nil || len(p.Terms[0].Dims) != 3 || !synapse.Plain(p.Terms[0]) {
			c.fact(n).refused = host
			return synapse.No(host)
		}
		t := p.Terms[0]
		t.Kind, t.Kernel, t.Stride, t.Dims = schema.Pool, n.Int("kernel"), n.Int("stride"), []int{p.Extent, n.Out[0].Dims[1], n.Out[0].Dims[2]}
		pooled.Parts = append(pooled.Parts, synapse.Part{Extent: p.Extent, Terms: []synapse.Term{t}})
	}
	d := dynamics.Dynamics{Dynamics: schema.Dynamics{Threshold: 0.5, Reset: schema.Reset{Kind: schema.ResetNone}}, Gain: 1}
	if why := c.add(n, pooled, d); why != "" {
		c.fact(n).refused = why
		return synapse.No("%s", why)
	}
	return c.fired(n)
}

// fired is the form of what populations of a node spike.
func (c *finder) fired(n *graph.Node) *synapse.Form {
	out := &synapse.Form{Dims: n.Out[0].Dims}
	for _, i := range c.fact(n).of {
		p := synapse.Part{Extent: c.found[i].hi - c.found[i].lo}
		p.Terms = []synapse.Term{synapse.Same(synapse.Base{Population: i}, out.Own(p))}
		out.Parts = append(out.Parts, p)
	}
	return out
}

// add makes a population of each part of a form, or says why not.
func (c *finder) add(n *graph.Node, f *synapse.Form, d dynamics.Dynamics) string {
	var all []population
	twins := map[int]int{} // those of all that there are already
	from := 0
	for _, p := range f.Parts {
		q := population{Dynamics: d, node: n, x: n.In[0], lo: from, hi: from + p.Extent, terms: p.Terms, constant: p.Constant,
			steps: c.stepsOf(n), over: c.fact(n.In[0].Node).over}
		from = q.hi
		if k := p.Constant; k != nil {
			q.level = k.Level
		}
		if len(p.Terms) == 0 && (p.Constant == nil || !p.Constant.Varies) {
			return "nothing that depends on the input flows into its neuron"
		}
		own := f.Own(p)
		dense := len(p.Terms) > 0
		for _, t := range p.Terms {
			dense = dense && t.Kind == schema.Dense
			if t.From.Population >= 0 {
				q.level = max(q.level, c.found[t.From.Population].level)
			} else {
				q.level = max(q.level, c.level(t.From.Host))
			}
		}
		if q.dims = synapse.Shape(own); dense {
			q.dims = []int{synapse.Size(own)}
		}
		maps := false
		for _, t := range p.Terms {
			if t.Kind == schema.Dense || t.Kind == schema.Same {
				continue
			}
			if maps && !slices.Equal(q.dims, t.Dims) {
				return "what it adds up has several shapes"
			}
			q.dims, maps = t.Dims, true
		}
		if i, ok := c.made[c.twin(&q)]; ok && slices.Equal(c.found[i].dims, q.dims) {
			twins[len(all)] = i
			all = append(all, q)
			continue
		}
		q.name = c.name(&q)
		all = append(all, q)
	}
	for i := range all {
		if _, ok := twins[i]; ok {
			continue
		}
		if c.allowed != nil && !c.allowed(all[i].name) {
			return NotAllowed
		}
	}
	for k, q := range all {
		if i, ok := twins[k]; ok {
			c.fact(n).of = append(c.fact(n).of, i)
			continue
		}
		c.fact(n).of = append(c.fact(n).of, len(c.found))
		c.made[c.twin(&q)] = len(c.found)
		c.found = append(c.found, q)
		for _, t := range q.terms {
			for _, w := range t.Nodes {
				c.fact(w).used = true
			}
		}
	}
	return ""
}

// source returns the elements of what was joined that those of a value are.
func source(s slot) slot {
	for s.Node.Op == graph.OpConcat && s.Node.Axis() == 0 {
		from := 0
		var next slot
		for _, v := range s.Node.In {
			to := from + synapse.Lead(v.Type().Dims)
			if s.lo >= from && s.hi <= to {
				next = slot{v, s.lo - from, s.hi - from}
			}
			from = to
		}
		if next.Node == nil {
			break
		}
		s = next
	}
	return s
}
