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
	return synapse.Still(v.Type().Dims, synapse.Leaf(v, true, c.level(v)))
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
