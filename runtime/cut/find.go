package cut

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut/dynamics"
	"snnc.dev/snnc/runtime/graph"
)

// finder reads populations off the eval function of a network.
type finder struct {
	m       *graph.Module
	g       *graph.Graph
	vars    func(name string) []float32
	allowed func(population string) bool
	env     graph.ModuleEnv

	varies  map[*graph.Node]bool // whether it depends on more than variables
	steady  map[*graph.Node]bool // whether it is the same at all time steps, or has none
	over    map[*graph.Node]bool // whether it has the time steps of an input
	levels  map[*graph.Node]int  // how often the host interrupts chips before it is known
	forms   map[graph.Value]*form
	of      map[*graph.Node][]int  // the populations that an equation or a pooling is, part by part
	refused map[*graph.Node]string // why it is not on the chip
	used    map[*graph.Node]bool   // products in the weights of populations
	ordinal map[*graph.Node]string // operator and number
	names   map[string]int         // how many populations are called so
	made    map[twin]int           // the population of what flows in and of dynamics
	known   map[graph.Value][]float64
	budget  int   // numbers that may still be computed
	broken  error // a variable that is not finite
	found   []population
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
		t.params = c.ordinal[q.node] // poolings are not looked for
		return t
	}
	for _, v := range q.node.In[len(q.node.Equation.Inputs):] {
		if v.Node.Op == graph.OpRead {
			t.params += fmt.Sprintf(" %q %v", v.Node.Text("var"), v.Node.Flag("average"))
		} else {
			t.params += fmt.Sprintf(" %s.%d", c.ordinal[v.Node], v.Index)
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
	terms    []term
	constant *constant
	level    int
	steps    int
	over     bool
}

// work bounds the numbers that are computed when weights are folded: a network that is so large is not emulated.
const work = 1 << 31

func find(m *graph.Module, g *graph.Graph, vars func(string) []float32, allowed func(string) bool, budget int) *finder {
	c := &finder{m: m, g: g, vars: vars, allowed: allowed, env: graph.ModuleEnv{Module: m, Types: map[string]graph.Type{}}, budget: budget,
		varies: map[*graph.Node]bool{}, steady: map[*graph.Node]bool{}, over: map[*graph.Node]bool{}, levels: map[*graph.Node]int{}, forms: map[graph.Value]*form{},
		made: map[twin]int{}, of: map[*graph.Node][]int{}, refused: map[*graph.Node]string{}, used: map[*graph.Node]bool{}, ordinal: map[*graph.Node]string{}, names: map[string]int{},
		known: map[graph.Value][]float64{}}
	for _, v := range m.Variables {
		c.env.Types[v.Name] = v.Type
	}
	count := map[graph.Op]int{}
	for _, n := range g.Nodes {
		c.ordinal[n] = fmt.Sprintf("%s.%d", kindOf(n.Op), count[n.Op])
		count[n.Op]++
		c.describe(n)
		if len(n.Out) == 0 {
			continue
		}
		f, v := c.form(n), graph.Value{Node: n}
		if f.why != "" && n.Out[0].DType == graph.Bit && n.Out[0].Steps > 0 {
			if f = spikes(n.Out[0].Dims, base{-1, v}); c.steady[n] {
				f = c.leaf(v)
			}
		}
		c.forms[v] = f
	}
	return c
}

// formOf returns the form of a value; of the further results of a node it is what their types say.
func (c *finder) formOf(v graph.Value) *form {
	if f := c.forms[v]; f != nil {
		return f
	}
	switch t := v.Type(); {
	case t.DType == graph.State || t.DType == graph.I32:
		return no("its input is whole numbers, not spikes")
	case t.Steps == 0:
		return c.leaf(v)
	case t.DType == graph.Bit:
		return spikes(t.Dims, base{-1, v})
	}
	return no("`%s` stands between its weights and its neuron", v.Node.Op)
}

// leaf is the form of a value that is the same at all time steps and is not taken apart.
func (c *finder) leaf(v graph.Value) *form {
	if !c.varies[v.Node] {
		return still(v.Type().Dims, leaf(v, false, 0))
	}
	return still(v.Type().Dims, leaf(v, true, c.level(v)))
}

// describe says of a node on what it depends.
func (c *finder) describe(n *graph.Node) {
	switch n.Op {
	case graph.OpInput, graph.OpUniform, graph.OpNormal, graph.OpHost, graph.OpEquation, graph.OpOpaque, graph.OpChip:
		c.varies[n] = true
	default:
		c.varies[n] = slices.ContainsFunc(n.In, func(v graph.Value) bool { return c.varies[v.Node] })
	}
	timed := slices.ContainsFunc(n.Out, func(t graph.Type) bool { return t.Steps > 0 })
	c.over[n] = timed && (n.Op == graph.OpInput || slices.ContainsFunc(n.In, func(v graph.Value) bool { return v.Type().Steps > 0 && c.over[v.Node] }))
	c.steady[n] = !timed || pointwise(n) && !slices.ContainsFunc(n.In, func(v graph.Value) bool { return !c.steady[v.Node] })
	for _, v := range n.In {
		c.levels[n] = max(c.levels[n], c.level(v))
	}
}

// level returns how often the host interrupts chips before it has a value.
func (c *finder) level(v graph.Value) int {
	level := c.levels[v.Node]
	for _, p := range c.of[v.Node] {
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
func (c *finder) form(n *graph.Node) *form {
	t := n.Out[0]
	switch {
	case t.DType != graph.F32 && t.DType != graph.Bit:
		return no("its input is whole numbers, not spikes")
	case n.Op == graph.OpEquation && n.Equation.Spikes && t.Steps > 0:
		return c.neuron(n)
	case c.steady[n] && !c.varies[n]:
		return c.leaf(graph.Value{Node: n})
	case n.Op == graph.OpEquation && n.Flag("last") && !n.Flag("state") && !n.Equation.Spikes && len(n.In) > 0 && !c.steady[n.In[0].Node]:
		c.readOut(n)
		fallthrough
	case c.steady[n] || t.Steps == 0:
		return c.leaf(graph.Value{Node: n})
	case !c.varies[n]:
		return no("its bias changes from step to step")
	case n.Op == graph.OpMaxPool:
		return c.pool(n)
	}
	in := make([]*form, len(n.In))
	for i, v := range n.In {
		in[i] = c.formOf(v)
	}
	if x, k, ok := window(n); ok && c.formOf(x).why == "" {
		return c.pooled(n, c.formOf(x), k)
	}
	switch n.Op {
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		return c.product(n, in[0])
	case graph.OpMul, graph.OpDiv:
		a, by, f := n.In[0], n.In[1], in[0]
		if n.Op == graph.OpMul && !c.varies[a.Node] {
			by, f = a, in[1]
		}
		switch {
		case c.varies[by.Node]:
			return no("it multiplies or divides by a value that depends on the input")
		case by.Type().Steps > 0:
			return no("a factor changes from step to step")
		case f.why != "":
			return f
		}
		return c.scale(n, f, by)
	}
	for _, f := range in {
		if f.why != "" {
			return f
		}
	}
	switch n.Op {
	case graph.OpInput:
		return no("its input is real values, not spikes")
	case graph.OpAdd:
		return c.plus(n, in[0], in[1], 1)
	case graph.OpSub:
		return c.plus(n, in[0], in[1], -1)
	case graph.OpNeg:
		return c.plus(n, still(t.Dims, nil), in[0], -1)
	case graph.OpStop:
		return in[0]
	case graph.OpCast:
		if t.DType == graph.F32 {
			return in[0]
		}
	case graph.OpReshape:
		return in[0].reshape(t.Dims)
	case graph.OpConcat:
		if n.Axis() == 0 {
			out := &form{dims: t.Dims}
			for _, f := range in {
				out.parts = append(out.parts, f.parts...)
			}
			if len(out.parts) > maxParts {
				return no("it is joined from more than %d values", maxParts)
			}
			return out
		}
	case graph.OpSlice:
		if n.Axis() == 0 {
			return in[0].slice(n.Int("start"), n.Int("start")+n.Int("length"), t.Dims)
		}
	case graph.OpRepeat:
		if n.Axis() >= 0 {
			return in[0].repeat(n)
		}
	case graph.OpNormalise:
		return no("a norm over the values of one example cannot be folded into weights")
	}
	return no("`%s` stands between its weights and its neuron", n.Op)
}

// slice returns a range along the first dim.
func (f *form) slice(lo, hi int, dims []int) *form {
	if f = f.split([]int{lo, hi}); f.why != "" {
		return f
	}
	out := &form{dims: dims}
	from := 0
	for _, p := range f.parts {
		if from >= lo && from < hi {
			out.parts = append(out.parts, p)
		}
		from += p.extent
	}
	return out
}

// neuron makes populations of a spiking equation if what flows in is sums of weighted spikes and what holds for all time steps. Each
// part of what is joined is one.
func (c *finder) neuron(n *graph.Node) *form {
	f, d, why := c.inflow(n)
	if why == "" {
		why = c.add(n, f, d)
	}
	if why != "" {
		c.refuse(n, why)
		return no("%s", why)
	}
	return c.fired(n)
}

// inflow returns what flows into an equation and its dynamics, or says why it is none of a chip.
func (c *finder) inflow(n *graph.Node) (f *form, d dynamics.Dynamics, why string) {
	e := n.Equation
	switch {
	case len(e.Inputs) != 1:
		return nil, d, "its neuron takes several inputs"
	case n.Flag("state") || n.Flag("last") && e.Spikes:
		return nil, d, "its neuron gives its last step or its state"
	}
	x := n.In[0]
	if f = c.formOf(x); f.why != "" {
		return nil, d, f.why
	}
	var params []float64
	for i, v := range n.In[1:] {
		t := v.Type()
		switch {
		case c.varies[v.Node]:
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
	if c.g.FreeSteps && c.over[x.Node] {
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
		for _, p := range f.parts {
			if !slices.ContainsFunc(p.terms, func(t term) bool { return len(t.nodes) > 0 }) {
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
func (c *finder) pool(n *graph.Node) *form {
	f := c.formOf(n.In[0])
	const host = "the largest value of a window is on the chip only where spikes of the chip come in"
	if f.why != "" {
		c.refused[n] = host
		return no(host)
	}
	pooled := &form{dims: n.Out[0].Dims}
	for _, p := range f.parts {
		if len(p.terms) != 1 || p.terms[0].kind != schema.Same || p.terms[0].from.population < 0 || p.constant != nil || len(p.terms[0].dims) != 3 || !plainSpikes(p.terms[0]) {
			c.refused[n] = host
			return no(host)
		}
		t := p.terms[0]
		t.kind, t.kernel, t.stride, t.dims = schema.Pool, n.Int("kernel"), n.Int("stride"), []int{p.extent, n.Out[0].Dims[1], n.Out[0].Dims[2]}
		pooled.parts = append(pooled.parts, part{extent: p.extent, terms: []term{t}})
	}
	d := dynamics.Dynamics{Dynamics: schema.Dynamics{Threshold: 0.5, Reset: schema.Reset{Kind: schema.ResetNone}}, Gain: 1}
	if why := c.add(n, pooled, d); why != "" {
		c.refused[n] = why
		return no("%s", why)
	}
	return c.fired(n)
}

// fired is the form of what populations of a node spike.
func (c *finder) fired(n *graph.Node) *form {
	out := &form{dims: n.Out[0].Dims}
	for _, i := range c.of[n] {
		p := &c.found[i]
		dims := slices.Clone(out.dims)
		if len(dims) > 0 {
			dims[0] = p.hi - p.lo
		}
		out.parts = append(out.parts, part{extent: p.hi - p.lo, terms: []term{same1(base{population: i}, dims)}})
	}
	return out
}

// plainSpikes reports whether a term of kind Same has the weight 1.
func plainSpikes(t term) bool {
	return t.weights.make == nil && len(t.weights.data) == 1 && t.weights.data[0] == 1
}

// add makes a population of each part of a form, or says why not.
func (c *finder) add(n *graph.Node, f *form, d dynamics.Dynamics) string {
	var all []population
	twins := map[int]int{} // those of all that there are already
	from := 0
	for _, p := range f.parts {
		q := population{Dynamics: d, node: n, x: n.In[0], lo: from, hi: from + p.extent, terms: p.terms, constant: p.constant,
			steps: c.stepsOf(n), over: c.over[n.In[0].Node]}
		from = q.hi
		if k := p.constant; k != nil {
			q.level = k.level
		}
		if len(p.terms) == 0 && (p.constant == nil || !p.constant.varies) {
			return "nothing that depends on the input flows into its neuron"
		}
		own := slices.Clone(f.dims)
		if len(own) > 0 {
			own[0] = p.extent
		}
		dense := len(p.terms) > 0
		for _, t := range p.terms {
			dense = dense && t.kind == schema.Dense
			if t.from.population >= 0 {
				q.level = max(q.level, c.found[t.from.population].level)
			} else {
				q.level = max(q.level, c.level(t.from.host))
			}
		}
		if q.dims = shape(own); dense {
			q.dims = []int{size(own)}
		}
		maps := false
		for _, t := range p.terms {
			if t.kind == schema.Dense || t.kind == schema.Same {
				continue
			}
			if maps && !slices.Equal(q.dims, t.dims) {
				return "what it adds up has several shapes"
			}
			q.dims, maps = t.dims, true
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
			c.of[n] = append(c.of[n], i)
			continue
		}
		c.of[n] = append(c.of[n], len(c.found))
		c.made[c.twin(&q)] = len(c.found)
		c.found = append(c.found, q)
		for _, t := range q.terms {
			for _, w := range t.nodes {
				c.used[w] = true
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
			to := from + lead(v.Type().Dims)
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
