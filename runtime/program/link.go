package program

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"snnc.dev/snnc/runtime/graph"
)

// Linker turns the functions of a program into flat graphs: what fills its roles is put where it is applied, calls and
// gradients are written out, and of all assignments to a variable only the last one stays.
type Linker struct {
	p         *Program
	roles     map[string]*graph.Module
	variables []graph.Variable
	types     map[string]graph.Type
	owners    map[string][]string // variable -> what a step moves to move it: roles, or itself
	names     map[string]string   // OWNER.NAME of a variable that several roles have -> its name
}

// The functions of a module that fills a role.
const (
	TrainFunction = "train"
	EvalFunction  = "eval"
)

// maxNodes bounds a linked graph: calls of calls could double without end. The largest published system has a few thousand.
const maxNodes = 1 << 16

// NewLinker checks that every role is filled by a module whose functions "train" and "eval" have the role's signature and
// apply, call and differentiate nothing themselves. A TimeError says that one counts time steps where it must not. It links
// nothing: that is LinkAll's business, and a Linker of a published system is made in less than a millisecond.
func NewLinker(p *Program, filled map[string]*graph.Module) (*Linker, error) {
	l := &Linker{p: p, roles: filled, types: map[string]graph.Type{}, owners: map[string][]string{}, names: map[string]string{}}
	for _, r := range p.Roles {
		if err := r.filledBy(filled[r.Name]); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
		for _, v := range filled[r.Name].Variables {
			if err := v.Verify(); err != nil {
				return nil, fmt.Errorf("link: what fills %s: %w", r.Name, err)
			}
			if err := l.fill(r, v); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range p.Module.Variables {
		if _, twice := l.types[v.Name]; twice {
			return nil, fmt.Errorf("link: two variables are called %s", v.Name)
		}
		l.add(v, v.Name)
	}
	if err := l.timeless(); err != nil {
		return nil, err
	}
	return l, nil
}

// fill adds a variable of what fills a role under OWNER.NAME, or under the name of the variable of another role that it is.
func (l *Linker) fill(r Role, v graph.Variable) error {
	owner := r.Owner()
	own := owner + "." + v.Name
	if v.Title != "" {
		v.Title = owner + "." + v.Title
	}
	v.Name = cmp.Or(v.Of, own)
	if v.Of != "" {
		l.names[own], l.names[v.Of] = v.Of, v.Of
		v.Of = ""
	}
	if _, twice := l.types[v.Name]; !twice {
		l.add(v, owner)
		return nil
	}
	old := &l.variables[slices.IndexFunc(l.variables, func(x graph.Variable) bool { return x.Name == v.Name })]
	_, shared := l.names[v.Name]
	switch {
	case shared && (!old.Type.Equal(v.Type) || old.Kind != v.Kind || old.Init != v.Init || old.Range != v.Range):
		return fmt.Errorf("link: %s and %s are to be one variable, and they differ", own, v.Name)
	case shared:
		if v.Name == own { // its own role says what it is called, whichever comes first
			old.Title = v.Title
		}
		if !slices.Contains(l.owners[v.Name], owner) {
			l.owners[v.Name] = append(l.owners[v.Name], owner)
		}
	case owner == r.Name || !slices.Contains(l.owners[v.Name], owner) || !old.Type.Equal(v.Type):
		return fmt.Errorf("link: two variables are called %s", v.Name)
	} // the exports of one model and the two directions of one coder share its variables
	return nil
}

func (l *Linker) add(v graph.Variable, owner string) {
	l.variables = append(l.variables, v)
	l.types[v.Name] = v.Type
	l.owners[v.Name] = append(l.owners[v.Name], owner)
}

// filledBy reports why m does not fill the role.
func (r Role) filledBy(m *graph.Module) error {
	if m == nil {
		return fmt.Errorf("nothing fills the role %s", r.Name)
	}
	for _, name := range []string{TrainFunction, EvalFunction} {
		g := m.Function(name)
		if g == nil {
			return fmt.Errorf("what fills %s has no function %s", r.Name, name)
		}
		if len(g.Inputs) != len(r.In) || len(g.Outputs) != len(r.Out) || g.FreeSteps != r.FreeSteps {
			return fmt.Errorf("what fills %s is not of its signature", r.Name)
		}
		for i, in := range g.Inputs {
			if !in.Out[0].Equal(r.In[i]) {
				return fmt.Errorf("input %d of %s is %v, what fills it takes %v", i+1, r.Name, r.In[i], in.Out[0])
			}
		}
		for i, o := range g.Outputs {
			if !o.Value.Type().Equal(r.Out[i]) {
				return fmt.Errorf("result %d of %s is %v, what fills it gives %v", i+1, r.Name, r.Out[i], o.Value.Type())
			}
		}
		if err := Flat(g); err != nil {
			return fmt.Errorf("what fills %s %w", r.Name, err)
		}
	}
	return nil
}

// Flat reports a node that only the functions of programs may have: one that applies, calls or differentiates something.
func Flat(g *graph.Graph) error {
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.OpApply, graph.OpZero, graph.OpCall, graph.OpCustom, graph.OpGrad:
			return fmt.Errorf("has a node %s; it must be flat", n.Op)
		}
	}
	return nil
}

// Variables returns every variable of the roles, under ROLE.NAME, and of the program, in a fixed order. A coder's or model's
// are under the name of the whole, CODER.NAME or MODEL.NAME. One that several roles have is there once.
func (l *Linker) Variables() []graph.Variable { return slices.Clone(l.variables) }

// VariableType implements graph.Env for linked graphs.
func (l *Linker) VariableType(name string) (graph.Type, bool) {
	t, ok := l.types[name]
	return t, ok
}

// Signature implements graph.Env: a linked graph applies no roles.
func (l *Linker) Signature(string) (in, out []graph.Type, free, ok bool) {
	return nil, nil, false, false
}

// FunctionNamed implements graph.Env.
func (l *Linker) FunctionNamed(name string) *graph.Graph { return l.p.Function(name) }

// Function returns the flat graph of a function.
func (l *Linker) Function(name string) (*graph.Graph, error) {
	k, err := l.link(l.p.Function(name), name)
	if err != nil {
		return nil, err
	}
	return k.finish()
}

// Mapped returns the flat graph of a stream that an export of another model makes of another stream. Its inputs are fields of
// that stream, its output has the name of the stream.
func (l *Linker) Mapped(s Stream) (*graph.Graph, error) {
	b := graph.NewBuilder(s.Name, l.p.Env())
	role := l.p.Role(s.Export)
	var in []graph.Value
	for i, name := range l.p.Fields(s.From)[:len(role.In)] {
		in = append(in, b.Input(name, role.In[i]))
	}
	b.Output(s.Name, b.Ops(graph.OpApply, graph.Attrs{"role": s.Export, "mode": EvalFunction}, in...)[0])
	g, err := b.Finish()
	if err != nil {
		return nil, fmt.Errorf("link stream %s: %w", s.Name, err)
	}
	k, err := l.link(g, s.Name)
	if err != nil {
		return nil, err
	}
	return k.finish()
}

// Fired returns the flat graph of a function with the mean firing rate of every spiking layer in it besides, under Rate and the
// layer's name, in the order of the layers: in applications for evaluation as well as in trained ones.
func (l *Linker) Fired(name string) (*graph.Graph, error) {
	k, err := l.link(l.p.Function(name), name, TrainFunction, EvalFunction)
	if err != nil {
		return nil, err
	}
	k.rates()
	return k.finish()
}

// Module returns an export as a module that fills a role of another program, such as "tokens.encode". A model inside a model
// is not trained there: both functions of the module are the export as it is, and the variables that it reads are frozen.
func (l *Linker) Module(export string) (*graph.Module, error) {
	f := l.p.Export(export)
	if f == nil {
		return nil, fmt.Errorf("link: unknown export %s", export)
	}
	g, err := l.Function(f.Name)
	if err != nil {
		return nil, err
	}
	m := &graph.Module{}
	known := map[*graph.Equation]*graph.Equation{}
	opaque := map[*graph.Opaque]*graph.Opaque{}
	chips := map[*graph.Chip]*graph.Chip{}
	for _, n := range g.Nodes {
		switch {
		case n.Op == graph.OpAssign:
			return nil, fmt.Errorf("link: the export %s assigns %s", export, n.Text("var"))
		case n.Op == graph.OpRead && m.Variable(n.Text("var")) == nil:
			i := slices.IndexFunc(l.variables, func(v graph.Variable) bool { return v.Name == n.Text("var") })
			v := l.variables[i]
			v.Kind = graph.Frozen
			m.Variables = append(m.Variables, v)
		case n.Equation != nil:
			e := known[n.Equation]
			if e == nil { // equations of different roles may have the same name
				own := *n.Equation
				own.Name = "e" + strconv.Itoa(len(m.Equations))
				e = &own
				known[n.Equation] = e
				m.Equations = append(m.Equations, e)
			}
			n.Equation = e
		case n.Opaque != nil:
			o := opaque[n.Opaque]
			if o == nil {
				own := *n.Opaque
				own.Name = "o" + strconv.Itoa(len(m.Opaques))
				o = &own
				opaque[n.Opaque] = o
				m.Opaques = append(m.Opaques, o)
			}
			n.Opaque = o
		case n.Chip != nil:
			c := chips[n.Chip]
			if c == nil {
				own := *n.Chip
				own.Name = "c" + strconv.Itoa(len(m.Chips))
				c = &own
				chips[n.Chip] = c
				m.Chips = append(m.Chips, c)
			}
			n.Chip = c
		}
	}
	for _, name := range []string{TrainFunction, EvalFunction} {
		c := g.Clone()
		c.Name = name
		m.Functions = append(m.Functions, c)
	}
	return m, nil
}

// Rate is the prefix of the outputs of a step that give the firing rate of a layer: "rate.encoder.1.fire".
const Rate = "rate."

// Grad is the prefix of the outputs of a step that give the derivative by a variable: "grad.encoder.1.weight".
const Grad = "grad."

// Step returns the flat graph of a training step: the function's outputs, the mean firing rate of every spiking layer that
// is trained in it, and the derivative of the loss by every parameter that the step moves; and the names of these.
func (l *Linker) Step(s Step) (*graph.Graph, []string, error) {
	k, err := l.link(l.p.Function(s.Function), s.Function, TrainFunction)
	if err != nil {
		return nil, nil, err
	}
	b := k.b
	if len(b.Graph().Outputs) == 0 {
		return nil, nil, fmt.Errorf("link: %s gives no loss", s.Function)
	}
	var moved []string
	var wrt []graph.Value
	for _, v := range l.variables {
		moves := func(owner string) bool { return slices.Contains(s.Moves, owner) }
		if v.Kind != graph.Parameter || !slices.ContainsFunc(l.owners[v.Name], moves) {
			continue
		}
		moved = append(moved, v.Name)
		w, ok := k.live[v.Name]
		if !ok { // never read: its derivative is zero
			w = b.Op(graph.OpRead, graph.Attrs{"var": v.Name})
		}
		wrt = append(wrt, w)
	}
	k.rates()
	grads := graph.Gradient(b, b.Graph().Outputs[0].Value, wrt)
	for i, name := range moved {
		b.Output(Grad+name, grads[i])
	}
	g, err := k.finish()
	return g, moved, err
}

// LinkAll links everything that the program may run and returns the first error: every stream that is computed, the step of
// every stage with its derivative, the functions of every sampler, every export.
func (l *Linker) LinkAll() error {
	for _, s := range l.p.Streams {
		if s.From == "" {
			continue
		}
		if _, err := l.Mapped(s); err != nil {
			return err
		}
	}
	for _, stage := range l.p.Stages {
		for _, s := range stage.Steps {
			if _, _, err := l.Step(s); err != nil {
				return err
			}
		}
	}
	var names []string
	for _, s := range l.p.Samplers {
		names = append(names, s.Init, s.Loop, s.Result)
	}
	for _, e := range l.p.Exports {
		names = append(names, e.Function)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" { // a sampler may have no start and no loop
			continue
		}
		g, err := l.Function(name)
		if err != nil {
			return err
		}
		for _, n := range g.Nodes {
			if n.Op == graph.OpHost && n.Text("what") == HostVariance {
				return fmt.Errorf("link: %s asks for the variance of the examples, which only steps of a training are told", name)
			}
		}
	}
	return nil
}

// linking is one function on its way to a flat graph.
type linking struct {
	l       *Linker
	b       *graph.Builder
	live    map[string]graph.Value        // variable -> its node before any assignment
	average map[string]graph.Value        // the same for averaged weights
	changed map[string]graph.Value        // variable -> what was assigned last
	order   []string                      // variables in the order of their first assignment
	states  map[graph.Value][]graph.Value // bundle -> its parts
	applied map[string]int                // role -> applications so far
	watched []string                      // modes of the applications whose spiking layers are noted
	spiking []graph.Value                 // their outputs
}

// link writes the function g, called name, out, and notes the spiking layers of applications in the modes that are watched.
func (l *Linker) link(g *graph.Graph, name string, watched ...string) (*linking, error) {
	if g == nil {
		return nil, fmt.Errorf("link: unknown function %s", name)
	}
	k := &linking{l: l, watched: watched, b: graph.NewBuilder(name, l), live: map[string]graph.Value{}, average: map[string]graph.Value{},
		changed: map[string]graph.Value{}, states: map[graph.Value][]graph.Value{}, applied: map[string]int{}}
	var in []graph.Value
	for _, n := range g.Inputs {
		if t := n.Out[0]; t.DType == graph.State {
			in = append(in, k.stateInput(n.Text("name"), t))
		} else {
			in = append(in, k.b.Input(n.Text("name"), t))
		}
	}
	outs := k.b.Inline(g, in, k.node)
	for i, o := range g.Outputs {
		if parts, ok := k.states[outs[i]]; ok {
			for j, v := range parts {
				k.b.Output(o.Name+"."+strconv.Itoa(j), v)
			}
			continue
		}
		k.b.Output(o.Name, outs[i])
	}
	return k, k.b.Err()
}

// finish appends the assignments, writes out what is left of calls and removes what nothing needs.
func (k *linking) finish() (*graph.Graph, error) {
	for _, name := range k.order {
		k.b.Ops(graph.OpAssign, graph.Attrs{"var": name}, k.changed[name])
	}
	g, err := k.b.Finish()
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	// Calls with a derivative of their own stay until the gradient is taken; now they are calls like others.
	for slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Op == graph.OpCustom || n.Op == graph.OpCall }) {
		c := &linking{l: k.l, b: graph.NewBuilder(g.Name, k.l), live: map[string]graph.Value{}, average: map[string]graph.Value{}}
		var in []graph.Value
		for _, n := range g.Inputs {
			in = append(in, c.b.Input(n.Text("name"), n.Out[0]))
		}
		outs := c.b.Inline(g, in, func(n *graph.Node, args []graph.Value) []graph.Value {
			if c.tooLarge() {
				return []graph.Value{}
			}
			if n.Op == graph.OpCustom || n.Op == graph.OpCall {
				return c.b.Inline(k.l.p.Function(n.Text("function")), args, nil)
			}
			return nil
		})
		for i, o := range g.Outputs {
			c.b.Output(o.Name, outs[i])
		}
		if g, err = c.b.Finish(); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
	}
	return g, g.Verify(k.l)
}

// tooLarge stops the builder where the graph has grown beyond reason.
func (k *linking) tooLarge() bool {
	if len(k.b.Graph().Nodes) > maxNodes {
		k.b.Fail(fmt.Errorf("%s has more than %d nodes", k.b.Graph().Name, maxNodes))
	}
	return k.b.Err() != nil
}

// node replaces what only programs have; nil keeps a node as it is.
func (k *linking) node(n *graph.Node, in []graph.Value) []graph.Value {
	b := k.b
	if k.tooLarge() {
		return []graph.Value{}
	}
	switch n.Op {
	case graph.OpRead:
		return []graph.Value{k.read(n.Text("var"), n.Flag("average"), n.Flag("frozen"))}
	case graph.OpAssign:
		k.assign(n.Text("var"), in[0])
		return []graph.Value{}
	case graph.OpCall:
		return b.Inline(k.l.p.Function(n.Text("function")), in, k.node)
	case graph.OpGrad:
		return graph.Gradient(b, in[0], in[1:])
	case graph.OpZero:
		return []graph.Value{k.zero(n.Text("role"))}
	case graph.OpApply:
		return k.apply(n, in)
	}
	return nil
}

// read returns a variable as it is at this point of the function: what was assigned before, which is state and carries no
// gradient, or its value before the step.
func (k *linking) read(name string, average, frozen bool) graph.Value {
	if v, ok := k.changed[name]; ok && !average {
		return k.b.Stop(v)
	}
	from, attrs := k.live, graph.Attrs{"var": name}
	if average {
		from = k.average
		attrs["average"] = true
	}
	v, ok := from[name]
	if !ok {
		v = k.b.Op(graph.OpRead, attrs)
		from[name] = v
	}
	if frozen {
		return k.b.Stop(v)
	}
	return v
}

func (k *linking) assign(name string, v graph.Value) {
	if _, ok := k.changed[name]; !ok {
		k.order = append(k.order, name)
	}
	k.changed[name] = v
}
