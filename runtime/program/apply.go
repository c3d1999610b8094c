package program

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"snnc.dev/snnc/runtime/graph"
)

// application is one application of a role on its way into a function.
type application struct {
	k             *linking
	n             *graph.Node // the node that applies it
	role          string
	prefix, owner string               // of layers and labels, and of variables
	use           string               // which application of the role it is: each draws its own random numbers
	runs          map[*graph.Node]bool // equations, opaque operators and chips that run over the time of the application, see overTime
	given, next   []graph.Value        // what is left of the states that it begins with, and those that it ends with
}

// apply puts the graph of a role in the place of its application.
func (k *linking) apply(n *graph.Node, in []graph.Value) []graph.Value {
	role := n.Text("role")
	a := &application{k: k, n: n, role: role, prefix: role + ".", owner: k.l.p.Role(role).Owner() + ".",
		use: "#" + strconv.Itoa(k.applied[role])}
	k.applied[role]++
	if n.Flag("state") {
		a.given = k.states[in[len(in)-1]]
		in = in[:len(in)-1]
	}
	g := k.l.roles[role].Function(n.Text("mode"))
	a.runs = overTime(g)
	outs := k.b.Inline(g, in, a.node)
	if n.Flag("state") && k.b.Err() == nil {
		outs = append(outs, k.bundle(role, a.next))
	}
	return outs
}

// node adds a node of the role.
func (a *application) node(c *graph.Node, args []graph.Value) []graph.Value {
	k, b := a.k, a.k.b
	layer, origin := b.Layer, b.Origin
	b.Layer, b.Origin = a.prefix+c.Layer, c.Origin
	defer func() { b.Layer, b.Origin = layer, origin }()
	attrs := c.Attrs
	if label := c.Text("label"); label != "" {
		attrs = with(attrs, "label", a.prefix+label+a.use)
	}
	switch c.Op {
	case graph.OpRead:
		return []graph.Value{k.read(a.variable(c), a.n.Flag("average"), a.n.Flag("frozen"))}
	case graph.OpAssign:
		k.assign(a.variable(c), args[0])
		return []graph.Value{}
	case graph.OpEquation, graph.OpOpaque:
		return a.neurons(c, attrs, args)
	case graph.OpChip:
		if a.n.Flag("state") && a.runs[c] {
			b.Fail(&CarriedError{Role: a.role, Circuit: c.Chip.Circuit})
			return nil
		}
	}
	return b.Like(c, attrs, args...)
}

// CarriedError says that a role is applied with its state carried, and a part of it lies on a chip, where every example begins at rest.
type CarriedError struct {
	Role, Circuit string
}

// Error names role and circuit.
func (e *CarriedError) Error() string {
	return fmt.Sprintf("link: %s is applied with its state carried from one application to the next, and its circuit %q lies on a chip, where neurons begin anew in each; this role has to stay on the host", e.Role, e.Circuit)
}

// variable returns the name in the program of the variable that a node of the role reads or assigns.
func (a *application) variable(c *graph.Node) string {
	own := a.owner + c.Text("var")
	return cmp.Or(a.k.l.names[own], own)
}

// neurons adds an equation or an opaque operator of the role with the gate of the application and, where the application carries them,
// its part of the states.
func (a *application) neurons(c *graph.Node, attrs graph.Attrs, args []graph.Value) []graph.Value {
	k, b, states, like := a.k, a.k.b, c.States(), *c
	if gate := a.n.Text("gate"); gate != "" && c.Equation != nil && c.Equation.Temporal != nil {
		own := *c.Equation
		own.Temporal = &graph.Temporal{Open: gate == "open", Normalize: c.Equation.Temporal.Normalize}
		own.Name = c.Equation.Name + "." + gate
		like.Equation = &own
	}
	carried := a.n.Flag("state") && a.runs[c] && carries(c)
	if carried {
		if len(a.given) < len(states) {
			b.Fail(fmt.Errorf("the state handed to %s is not one of its own", a.role))
			return nil
		}
		attrs = with(attrs, "state", true)
		args = append(slices.Clone(args), a.given[:len(states)]...)
		a.given = a.given[len(states):]
	}
	res := b.Like(&like, attrs, args...)
	if b.Err() != nil {
		return res
	}
	if carried {
		last := len(res) - len(states)
		a.next = append(a.next, res[last:]...)
		res = res[:last]
	}
	if c.Spiking() && !a.n.Flag("frozen") && slices.Contains(k.watched, a.n.Text("mode")) {
		k.spiking = append(k.spiking, res[0])
	}
	return res
}

func with(attrs graph.Attrs, name string, v any) graph.Attrs {
	out := graph.Attrs{}
	maps.Copy(out, attrs)
	out[name] = v
	return out
}

// carries reports whether a node of a role has states that are carried from one application to the next. An export of another
// model that starts its neurons itself keeps them to itself.
func carries(n *graph.Node) bool {
	return len(n.States()) > 0 && !n.Flag("state")
}

// overTime returns the equations, opaque operators and chips of a function that run over the time steps of its inputs. In one that works
// at any number of steps the others, behind an encode, have steps of their own: they run from beginning to end in each application, also where
// that is to a part of a sequence.
func overTime(g *graph.Graph) map[*graph.Node]bool {
	equations := map[*graph.Node]bool{}
	timed := map[graph.Value]bool{} // values with the time steps of the inputs
	for _, n := range g.Nodes {
		over := n.Op == graph.OpInput || slices.ContainsFunc(n.In, func(v graph.Value) bool { return timed[v] })
		for i, t := range n.Out {
			if over && t.Steps > 0 {
				timed[graph.Value{Node: n, Index: i}] = true
			}
		}
		if (n.Op == graph.OpEquation || n.Op == graph.OpOpaque || n.Op == graph.OpChip) && (over || !g.FreeSteps) {
			equations[n] = true
		}
	}
	return equations
}

// bundle returns a value that stands for the states of a role; it is never computed itself.
func (k *linking) bundle(role string, parts []graph.Value) graph.Value {
	n := &graph.Node{Op: graph.OpZero, Attrs: graph.Attrs{"role": role}, Out: []graph.Type{{DType: graph.State, Role: role}}}
	v := graph.Value{Node: n}
	k.states[v] = parts
	return v
}

// zero returns the states of a role before the first step, in the order of what has some.
func (k *linking) zero(role string) graph.Value {
	var parts []graph.Value
	k.eachState(role, func(i int, t graph.Type, start float64) {
		parts = append(parts, k.b.Expand(k.b.Const(start), t))
	})
	return k.bundle(role, parts)
}

// stateInput makes an input for each state of a role: NAME.0, NAME.1 ...
func (k *linking) stateInput(name string, t graph.Type) graph.Value {
	var parts []graph.Value
	k.eachState(t.Role, func(i int, t graph.Type, _ float64) {
		parts = append(parts, k.b.Input(name+"."+strconv.Itoa(i), t))
	})
	return k.bundle(t.Role, parts)
}

func (k *linking) eachState(role string, each func(i int, t graph.Type, start float64)) {
	m := k.l.roles[role]
	if m == nil {
		k.b.Fail(fmt.Errorf("unknown role %s", role))
		return
	}
	i := 0
	g := m.Function(EvalFunction)
	runs := overTime(g)
	for _, n := range g.Nodes {
		if !runs[n] || !carries(n) {
			continue
		}
		var t graph.Type
		for _, v := range n.In {
			t, _ = graph.Broadcast(t, v.Type().With(graph.F32))
		}
		for _, s := range n.States() {
			each(i, t.WithSteps(0), s.Start)
			i++
		}
	}
}

// rates adds, per spiking layer, the mean of its spikes over everything, averaged over the layer's watched applications.
func (k *linking) rates() {
	b := k.b
	var layers []string
	by := map[string][]graph.Value{}
	for _, v := range k.spiking {
		name := v.Node.Layer
		if _, ok := by[name]; !ok {
			layers = append(layers, name)
		}
		by[name] = append(by[name], b.Mean(v))
	}
	for _, name := range layers {
		sum := by[name][0]
		for _, v := range by[name][1:] {
			sum = b.Add(sum, v)
		}
		if n := len(by[name]); n > 1 {
			sum = b.Scale(sum, 1/float64(n))
		}
		b.Output(Rate+name, sum)
	}
}
