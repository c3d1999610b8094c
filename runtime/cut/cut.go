package cut

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/cut/synapse"
	"snnc.dev/snnc/runtime/graph"
)

// evalFunction is the function of a network that is deployed, as package program has it.
const evalFunction = "eval"

// Options change what is cut.
type Options struct {
	// Allowed reports whether a chip may take the population of a name; nil: all of them. A network of which a target has refused some
	// is cut again without them.
	Allowed func(population string) bool
}

// Result is a network cut into circuits of chips and what is left to the host.
type Result struct {
	// Circuits are in an order in which each takes nothing from a later one. The offsets of their tensors are bytes into Tensors; where
	// no variables were given all are 0.
	Circuits []schema.Circuit
	Tensors  []float32
	// Module is the network with a node `chip` in its eval function for each circuit, declared in their order. It is the module that was
	// given where there are none.
	Module *graph.Module
	Host   []Layer
	// Weights says for each population by name from which variables its synapses have their weights. Where they have several, these are
	// multiplied or added. It has no factor that is folded into weights, such as a batch norm's.
	Weights map[string][]Weight
	// Nodes are what populations and layers of the host come from in the network, by their names, those too that are not allowed: the
	// products in the weights of a population, then its neuron.
	Nodes map[string][]*graph.Node
	// Operations are the multiply-accumulates of the whole network for one example, at the time steps of its types.
	Operations int
}

// Weight is a variable that a product multiplies spikes with, in the weights of synapses.
type Weight struct {
	Variable string
	Synapses int // index into those of the population
}

// NotAllowed is the reason of what Options.Allowed does not allow.
const NotAllowed = "the target leaves it to the host"

// Layer is work that is left to the host.
type Layer struct {
	Name string // structural, such as "2.conv"
	Kind string // as the language calls it: conv, deconv, linear, neuron, maxpool ...
	// Operations are the multiply-accumulates for one example at one time step, of which there are Steps: one where it has none, or takes
	// the same real numbers at each of them (program.Product).
	Operations int
	Steps      int
	Free       bool   // the network works at any number of time steps, and this layer is computed at as many as it is applied at
	Reason     string // why no chip takes it
}

// Network cuts the eval function of a network into circuits. vars returns the value of a variable, in the row-major order of its dims;
// where vars is nil the tensors of circuits have dims and no numbers, and parameters of neurons are taken as they start. An error is
// one of the numbers, such as that one is not finite, or of their size; what no chip can take is no error.
func Network(name string, m *graph.Module, vars func(name string) []float32, o Options) (*Result, error) {
	r, err := network(name, m, vars, o, work)
	if err != nil {
		return nil, fmt.Errorf("cut %s: %w", name, err)
	}
	return r, nil
}

func network(name string, m *graph.Module, vars func(name string) []float32, o Options, budget int) (*Result, error) {
	g := m.Function(evalFunction)
	if g == nil {
		return nil, fmt.Errorf("there is no function %s", evalFunction)
	}
	c := find(m, g, vars, o.Allowed, budget)
	if c.broken != nil {
		return nil, c.broken
	}
	r := &Result{Module: m, Weights: map[string][]Weight{}}
	e, out, err := c.rewrite(name)
	if err != nil {
		return nil, err
	}
	if len(e.circuits) > 0 {
		whole := *m
		whole.Chips, whole.Functions = slices.Clone(m.Chips), slices.Clone(m.Functions)
		for i, f := range whole.Functions {
			if f == g {
				whole.Functions[i] = out
			}
		}
		for _, a := range e.circuits {
			if vars != nil {
				if err := c.fill(a, r); err != nil {
					return nil, fmt.Errorf("circuit %s: %w", a.Name, err)
				}
			}
			for _, i := range a.members {
				p := &c.found[i]
				for k, t := range p.terms {
					for _, n := range t.Nodes {
						if v := n.Weight(); v != "" {
							r.Weights[p.name] = append(r.Weights[p.name], Weight{v, k})
						}
					}
				}
			}
			r.Circuits = append(r.Circuits, a.Circuit)
			whole.Chips = append(whole.Chips, a.chip)
		}
		if err := out.Verify(graph.ModuleEnv{Module: &whole}); err != nil {
			return nil, err
		}
		if err := circuit.VerifyAll(r.Circuits); err != nil {
			return nil, err
		}
		r.Module = &whole
	}
	r.Host, r.Nodes = c.host(e, out), c.named
	for _, n := range g.Nodes {
		each, steps, _ := operations(n)
		r.Operations += each * steps
	}
	return r, nil
}

// rewrite builds the eval function anew with the nodes of circuits. Which populations are read follows from what is built: it is built
// until no more of them fall away.
func (c *finder) rewrite(name string) (*emitter, *graph.Graph, error) {
	gives := make([]bool, len(c.found))
	for i := range gives {
		gives[i] = true
	}
	for {
		e := newEmitter(c, graph.NewBuilder(evalFunction, c.env))
		e.gives, e.where, e.circuits = gives, make([]int, len(c.found)), []*assembled{}
		c.circuits(e, name)
		for _, n := range c.g.Inputs {
			e.values[graph.Value{Node: n}] = e.b.Input(n.Text("name"), n.Out[0])
		}
		for _, n := range c.g.Nodes {
			if n.Op == graph.OpAssign {
				e.Like(n, n.Attrs, e.Value(n.In[0]))
			}
		}
		for _, o := range c.g.Outputs {
			e.b.Output(o.Name, e.Value(o.Value))
		}
		out, err := e.b.Finish()
		if err != nil {
			return nil, nil, err
		}
		out.FreeSteps = c.g.FreeSteps
		used := make([]bool, len(c.found))
		read := map[graph.Value]bool{}
		for _, n := range out.Nodes {
			for _, v := range n.In {
				read[v] = true
			}
		}
		for _, o := range out.Outputs {
			read[o.Value] = true
		}
		for _, a := range e.circuits {
			for i, v := range a.outputs {
				used[i] = read[v]
			}
		}
		if slices.Equal(used, gives) {
			return e, out, nil
		}
		gives = used
	}
}

// circuits sorts the populations that may be needed into circuits: those of one level, with the same time steps.
func (c *finder) circuits(e *emitter, name string) {
	type key struct {
		level, steps int
		over         bool
	}
	by := map[key]*assembled{}
	for i := range c.found {
		p := &c.found[i]
		k := key{p.level, p.steps, p.over}
		if by[k] == nil {
			by[k] = &assembled{level: p.level, over: p.over, Circuit: schema.Circuit{Network: name, Steps: p.steps}}
		}
		by[k].populations = append(by[k].populations, i)
	}
	for _, a := range by {
		if slices.ContainsFunc(a.populations, func(i int) bool { return e.gives[i] }) {
			e.circuits = append(e.circuits, a)
		}
	}
	slices.SortFunc(e.circuits, func(a, b *assembled) int {
		over := 0 // what has the time steps of an input may take from what has not, and not the other way
		switch {
		case a.over && !b.over:
			over = 1
		case b.over && !a.over:
			over = -1
		}
		return cmp.Or(cmp.Compare(a.level, b.level), over, cmp.Compare(a.populations[0], b.populations[0]))
	})
	for k, a := range e.circuits {
		if a.Name = name; k > 0 {
			a.Name = fmt.Sprintf("%s.%d", name, k+1)
		}
		for _, i := range a.populations {
			e.where[i] = k
		}
	}
}

// fill gives the tensors of a circuit their numbers.
func (c *finder) fill(a *assembled, r *Result) error {
	// put writes numbers of a layer as single precision, which each of them has to be within.
	put := func(layer, what string, t *schema.Tensor, n int, number func(i int) float64) error {
		t.Offset = 4 * len(r.Tensors)
		for i := range n {
			x := number(i)
			y := float32(x)
			switch {
			case math.IsNaN(x):
				return fmt.Errorf("layer %s: one of its %s is no number once all is folded into it, such as a batch norm: look for factors that are 0 or infinite", layer, what)
			case !finite(float64(y)):
				return fmt.Errorf("layer %s: one of its %s is %.3g once all is folded into it, such as a batch norm, and chips take numbers up to %.2g: train it with smaller ones", layer, what, x, math.MaxFloat32)
			}
			r.Tensors = append(r.Tensors, y)
		}
		return nil
	}
	for k, i := range a.members {
		p, q := &c.found[i], &a.Populations[k]
		for j, t := range p.terms {
			x, err := t.Weights.Get()
			if err == nil {
				err = put(p.name, "weights", &q.Synapses[j].Weights, len(x), func(i int) float64 { return x[i] * p.Gain })
			}
			if err != nil {
				return err
			}
		}
		if q.Bias == nil {
			continue
		}
		x, err := c.evaluate(p.x, func(b *graph.Builder) graph.Value {
			e := newEmitter(c, b)
			v, ok := e.flow(p)
			if !ok {
				v = e.Full(b.Const(0), p.dims)
			}
			return v
		})
		if err != nil {
			return err
		}
		in := synapse.Inner(p.dims)
		for i, v := range x {
			if v != x[i/in*in] { // it differs within a channel
				q.Bias.Dims, in = p.dims, 1
				break
			}
		}
		if err := put(p.name, "biases", q.Bias, len(x)/in, func(i int) float64 { return x[i*in] }); err != nil {
			return err
		}
	}
	return nil
}
