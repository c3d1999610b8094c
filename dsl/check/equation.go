package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// exprKind is what an expression of an equation comes to.
type exprKind uint8

const (
	anyKind exprKind = iota // an input: spikes serve as a condition and as a number; also what has a finding
	numberKind
	conditionKind
)

// inputs lists the inputs of a neuron.
func inputs(body []dsl.Equation) []string {
	var out []string
	for _, q := range body {
		if in, ok := q.(*dsl.Input); ok {
			for _, n := range in.Names {
				out = append(out, n.Text)
			}
		}
	}
	return out
}

// mentions reports whether a name stands in the arguments of a call.
func mentions(ref *dsl.Ref, name string) bool {
	for _, a := range ref.Args {
		if mentionsName(a.Value, name) {
			return true
		}
	}
	return false
}

func mentionsName(e dsl.Expr, name string) bool {
	found := false
	reads(e, func(r *dsl.Ref) { found = found || r.Name.Text == name })
	return found
}

// reads calls f for every name that an expression reads: not for functions.
func reads(e dsl.Expr, f func(r *dsl.Ref)) {
	dsl.Inspect(e, func(e dsl.Expr) {
		if r, ok := e.(*dsl.Ref); ok && !r.Called {
			f(r)
		}
	})
}

// holds judges the equations of a neuron or coder once and reports whether they hold.
func (c *checker) holds(item dsl.Item, plugin bool) bool {
	if ok, seen := c.bodies[item]; seen {
		return ok
	}
	c.bodies[item] = false // while it is judged
	var e *equations
	switch x := item.(type) {
	case *dsl.Neuron:
		e = c.equations("neuron `"+x.Name.Text+"`", x.Params, plugin)
		var first []dsl.Name
		for _, q := range x.Body {
			if in, ok := q.(*dsl.Input); ok {
				first = append(first, in.Names...)
			}
		}
		if len(first) == 0 {
			e.fail(x.Name.Range, "add `input x`", "neuron `%s` has no input", x.Name.Text)
		}
		e.body(x.Name, first, x.Body)
	case *dsl.Coder:
		e = c.equations("coder `"+x.Name.Text+"`", x.Params, plugin)
		declared := maps.Clone(e.kinds)
		for _, p := range []*dsl.Port{x.Encode, x.Decode} {
			if p == nil {
				continue
			}
			e.kinds = maps.Clone(declared)
			e.states, e.spike = map[string]bool{}, dsl.Name{}
			e.body(x.Name, []dsl.Name{p.Input}, p.Body)
			if spikes := slices.ContainsFunc(p.Body, func(q dsl.Equation) bool { _, is := q.(*dsl.SpikeWhen); return is }); p == x.Decode && spikes && !e.bad {
				e.fail(p.Range, "end it with `output EXPR`", "`decode` gives real values, and this one spikes")
			}
		}
		if x.Encode != nil && !slices.ContainsFunc(x.Params, func(p dsl.Parameter) bool { return p.Name.Text == "steps" }) {
			e.fail(x.Name.Range, fmt.Sprintf("write `coder %s(steps: int = 4) { ... }`", x.Name.Text), "coder `%s` encodes, so it needs a parameter `steps`", x.Name.Text)
		}
	}
	c.bodies[item] = !e.bad
	return !e.bad
}

// equations judges one body.
type equations struct {
	c      *checker
	what   string
	params map[string]bool
	units  map[string]dimension // of parameters that have one
	below  map[string]bool      // names that lines of the body assign
	kinds  map[string]exprKind  // what a name is at this point
	states map[string]bool
	spike  dsl.Name
	known  map[string]function
	start  bool // a start value is judged
	bad    bool
}

func (e *equations) fail(at diag.Range, help, summary string, args ...any) {
	e.bad = true
	e.c.fail(diag.BadEquation, at, help, summary, args...)
}

// equations declares the parameters.
func (c *checker) equations(what string, params []dsl.Parameter, plugin bool) *equations {
	e := &equations{c: c, what: what, kinds: map[string]exprKind{}, params: map[string]bool{}, units: map[string]dimension{}, states: map[string]bool{}}
	for _, p := range params {
		if e.params[p.Name.Text] {
			e.bad = true
			c.fail(diag.DuplicateName, p.Name.Range, "delete one of the two", "parameter `%s` is declared twice", p.Name.Text)
		}
		if slices.Contains([]string{"t", "dt", "surrogate", "detach_reset", "integrate"}, p.Name.Text) {
			e.fail(p.Name.Range, "give it another name", "`%s` means something to every neuron and coder, so no parameter is called so", p.Name.Text)
		}
		e.params[p.Name.Text] = true
		e.kinds[p.Name.Text] = numberKind
		if p.Type != nil && (p.Type.List || len(p.Type.Dims) > 0 || !slices.Contains([]string{"int", "real", "time"}, p.Type.Name.Text)) {
			e.bad = true
			help := "write `int`, `real` or `time`"
			if here := foreign.Type(p.Type.Name.Text, false); here == "int" || here == "real" || here == "time" {
				help = fmt.Sprintf("write `%s`", here)
			}
			c.fail(diag.BadType, p.Type.Range, help, "a parameter of a neuron or coder is a number or a time")
			continue
		}
		if p.In != nil && c.eval(p.In, &scope{plugin: plugin}).kind == poison {
			e.bad = true
			continue
		}
		if p.Default != nil {
			if v := c.judged(p, given{p.Default, &scope{plugin: plugin}, p.Default.Span()}, plugin, nil); v.kind == poison {
				e.bad = true
				e.units[p.Name.Text] = dimension{bad: true}
			} else if v.kind == quantityValue {
				e.units[p.Name.Text] = dimensionOf(v.s)
			}
		}
	}
	return e
}

// body judges the lines of a body from top to bottom.
func (e *equations) body(owner dsl.Name, ins []dsl.Name, body []dsl.Equation) {
	declare := func(n dsl.Name, k exprKind, what string) {
		switch _, used := e.kinds[n.Text]; {
		case slices.Contains([]string{"t", "dt", "steps"}, n.Text):
			e.fail(n.Range, "give it another name", "`%s` has a meaning of its own", n.Text)
		case used:
			e.bad = true
			help := "give it another name"
			if what == "state" { // `state v = 0, v = v + x`: the comma goes on with the states
				help += ", or begin a new line here if this is an equation"
			}
			e.c.fail(diag.DuplicateName, n.Range, help, "%s `%s` has the name of another", what, n.Text)
		}
		e.kinds[n.Text] = k
	}
	for _, n := range ins {
		declare(n, anyKind, "input")
	}
	var outputs []diag.Range
	var refractory diag.Range
	spikes := false
	e.below = map[string]bool{}
	for _, q := range body {
		switch q := q.(type) {
		case *dsl.Update:
			e.below[q.Name.Text] = true
		case *dsl.State:
			for i, n := range q.Names {
				if j := slices.IndexFunc(q.Names[:i], func(m dsl.Name) bool { return m.Text == n.Text }); j >= 0 {
					e.fail(n.Range, fmt.Sprintf("begin a new line before `%s`: behind a `,` the line of `state` goes on", n.Text), "`%s` is declared twice in one `state`", n.Text)
					break
				}
				e.start = true
				e.number(q.Values[i])
				e.start = false
				declare(n, numberKind, "state")
				e.states[n.Text] = true
			}
		case *dsl.SpikeWhen:
			e.spike = q.Name
			spikes = true
			outputs = append(outputs, q.Range)
		case *dsl.Output:
			outputs = append(outputs, q.Range)
		}
	}
	if n := e.spike; n.Text != "" && !e.states[n.Text] {
		declare(n, numberKind, "spike")
	}
	switch {
	case len(outputs) == 0 && spiking(body) != nil:
		q := spiking(body)
		condition := e.c.written(q.Value.Span())
		if step := reference(q.Value); step != nil && len(step.Args) == 1 && (step.Name.Text == "heaviside" || step.Name.Text == "step") {
			if b, is := step.Args[0].Value.(*dsl.Binary); is && b.Op == "-" {
				condition = e.c.written(b.Left.Span()) + " >= " + e.c.written(b.Right.Span())
			}
		}
		e.kinds["spike"] = numberKind // what reads it is told nothing more
		e.fail(q.Range, fmt.Sprintf("write `spike when %s`", condition), "%s gives nothing: this binds a name, and is no spike", e.what)
	case len(outputs) == 0:
		at := owner.Range
		if len(body) > 0 {
			at = body[len(body)-1].Span()
		}
		e.fail(at, "add `spike when CONDITION` or `output EXPR`", "%s gives nothing", e.what)
	case len(outputs) > 1:
		e.bad = true
		e.c.report(diag.Diagnostic{Code: diag.BadEquation, Range: outputs[1], Summary: e.what + " has one `spike when` or one `output`, not several",
			Help:  "delete one of the two, or make two of this",
			Notes: []diag.Note{{Message: "the first", Range: outputs[0]}}})
	}
	spiked := false
	system := map[string]diag.Range{} // neighbouring derivatives
	for _, q := range body {
		if _, is := q.(*dsl.Derivative); !is {
			clear(system)
		}
		switch q := q.(type) {
		case *dsl.Update:
			if len(outputs) > 0 || q != spiking(body) {
				e.update(q, false)
			}
		case *dsl.Derivative:
			if !e.states[q.Name.Text] {
				e.fail(q.Name.Range, fmt.Sprintf("declare it: `state %s = 0`", q.Name.Text), "`%s'` is the derivative of no state", q.Name.Text)
			}
			if first, twice := system[q.Name.Text]; twice {
				e.bad = true
				e.c.report(diag.Diagnostic{Code: diag.DuplicateName, Range: q.Name.Range, Help: "add their right sides up in one line",
					Summary: fmt.Sprintf("`%s'` stands twice in one system", q.Name.Text), Notes: []diag.Note{{Message: "the first one", Range: first}}})
			}
			system[q.Name.Text] = q.Name.Range
			e.number(q.Value)
		case *dsl.Noise:
			if ref := reference(q.Value); ref == nil || !functions()[ref.Name.Text].random {
				e.fail(q.Value.Span(), "write `normal(0, 1)`, `uniform(0, 1)` or `bernoulli(0.5)`", "a noise is drawn from a distribution")
			} else {
				e.expr(q.Value)
			}
			declare(q.Name, numberKind, "noise")
		case *dsl.SpikeWhen:
			if k := e.expr(q.Cond); k == numberKind {
				e.fail(q.Cond.Span(), "compare it, such as `v >= 1`", "`spike when` takes a condition, and this is a number")
			}
			spiked = true
		case *dsl.OnSpike:
			if !spiked {
				e.fail(q.Range, "put it behind `spike when`", "`on spike` stands in front of `spike when`")
			}
			for _, u := range q.Body {
				e.update(u, true)
			}
		case *dsl.Refractory:
			switch {
			case !spikes:
				e.fail(q.Range, "delete it", "`refractory` follows a spike, and %s has none", e.what)
			case !refractory.IsZero():
				e.fail(q.Range, "delete one of the two", "`refractory` stands once")
			}
			refractory = q.Range
			if q.Time != nil {
				e.start = true
				e.time(q.Time, "`refractory`")
				e.start = false
			}
			for _, n := range q.Holds {
				if !e.states[n.Text] {
					e.name(n, slices.Sorted(maps.Keys(e.states)), "state")
				}
			}
		case *dsl.Output:
			if k := e.expr(q.Value); k == conditionKind {
				e.fail(q.Value.Span(), "write `where(condition, 1, 0)`, or `spike when` for spikes", "`output` takes a number, and this is a condition")
			}
		}
	}
	e.dimensions(body)
}

// update judges an assignment. In `on spike` only states change.
func (e *equations) update(q *dsl.Update, onSpike bool) {
	name := q.Name.Text
	state := e.states[name]
	_, used := e.kinds[name]
	switch {
	case e.params[name] || slices.Contains([]string{"t", "dt", "steps"}, name):
		e.fail(q.Name.Range, "keep what changes in a `state`", "`%s` cannot be assigned", name)
		return
	case onSpike && !state:
		e.name(q.Name, slices.Sorted(maps.Keys(e.states)), "state")
		return
	case q.Op != "=" && !used:
		e.name(q.Name, slices.Sorted(maps.Keys(e.states)), "state")
		return
	case !state && name == e.spike.Text:
		e.fail(q.Name.Range, "bind another name", "`%s` is the spike, which `spike %s when` alone sets", name, name)
		return
	case used && !state && e.kinds[name] == anyKind && !onSpike:
		e.fail(q.Name.Range, "bind another name", "`%s` is an input and cannot be assigned", name)
		return
	}
	k := e.expr(q.Value)
	if k == conditionKind && (state || q.Op != "=") {
		e.fail(q.Value.Span(), "write `where(condition, 1, 0)`", "a state is a number, and this is a condition")
	}
	if !state {
		if k == anyKind {
			k = numberKind
		}
		e.kinds[name] = k
	}
}

// name reports an unknown name.
func (e *equations) name(n dsl.Name, known []string, want string) {
	if e.bad = true; e.c.silent(n.Range) {
		return
	}
	if near := diag.Nearest(n.Text, known); near != "" && foreign.Truth(n.Text) == "" {
		e.c.fail(diag.UnknownName, n.Range, fmt.Sprintf("did you mean `%s`?", near), "%s has no %s `%s`", e.what, want, n.Text)
		return
	}
	help := fmt.Sprintf("declare it: `state %s = 0`, `input %s` or a parameter", n.Text, n.Text)
	if word := foreign.Truth(n.Text); word != "" {
		help = fmt.Sprintf("write `%s`", word)
	} else if d := e.c.defs[n.Text]; d != nil && d.kind == "param" {
		help = fmt.Sprintf("an equation sees its own parameters only: give it one, `%s`, and pass the param of the file where it is used", n.Text)
	} else if e.what == surrogateText {
		help = "write it in terms of `u`, the left side of the spike's condition minus the right, and the neuron's parameters"
	} else if e.start {
		help = "start at numbers, parameters and `steps`"
	} else if e.below[n.Text] && want == "name" {
		help = fmt.Sprintf("move the line that assigns `%s` above this one, or keep it from step to step: `state %s = 0`", n.Text, n.Text)
	} else if want == "state" {
		help = fmt.Sprintf("declare it: `state %s = 0`", n.Text)
	}
	e.c.fail(diag.UnknownName, n.Range, help, "%s has no %s `%s`", e.what, want, n.Text)
	if e.kinds != nil && e.what != surrogateText { // what is missing is told once
		e.kinds[n.Text] = anyKind
		if e.states != nil {
			e.states[n.Text] = true
		}
	}
}

func (e *equations) number(x dsl.Expr) {
	if k := e.expr(x); k == conditionKind {
		e.fail(x.Span(), "write `where(condition, 1, 0)`", "a number is wanted, and this is a condition")
	}
}

// expr judges an expression.
func (e *equations) expr(x dsl.Expr) exprKind {
	switch x := x.(type) {
	case *dsl.Paren:
		return e.expr(x.Of)
	case *dsl.Number:
		e.unit(x)
		return numberKind
	case *dsl.Bool:
		return conditionKind
	case *dsl.Ref:
		if x.Called {
			return e.call(x)
		}
		k, ok := e.kinds[x.Name.Text]
		switch {
		case ok && e.start && !e.params[x.Name.Text]:
			e.fail(x.Range, "use numbers, parameters and `steps`", "`%s` changes from step to step, and this is computed once", x.Name.Text)
			return anyKind
		case ok:
			return k
		case x.Name.Text == "t" && e.start:
			e.fail(x.Range, "start at a number, and count from there in the body", "`t` changes from step to step, and this is computed once")
			return anyKind
		case x.Name.Text == "steps", x.Name.Text == "dt", x.Name.Text == "t":
			return numberKind
		}
		if e.bad = true; !e.c.silent(x.Name.Range) {
			e.name(x.Name, slices.Sorted(maps.Keys(e.kinds)), "name")
		}
		return anyKind
	case *dsl.Unary:
		k := e.expr(x.Of)
		if x.Op == "not" {
			if k == numberKind {
				e.fail(x.Of.Span(), "compare it", "`not` takes a condition, and this is a number")
			}
			return conditionKind
		}
		e.operand(x.Of, k, x.Op)
		return numberKind
	case *dsl.Binary:
		switch x.Op {
		case "or", "and":
			for _, y := range []dsl.Expr{x.Left, x.Right} {
				if e.expr(y) == numberKind {
					e.fail(y.Span(), "compare it", "`%s` takes conditions, and this is a number", x.Op)
				}
			}
			return conditionKind
		case "in", "..":
		case "==", "!=", "<", "<=", ">", ">=":
			e.operand(x.Left, e.expr(x.Left), x.Op)
			e.operand(x.Right, e.expr(x.Right), x.Op)
			return conditionKind
		default:
			e.operand(x.Left, e.expr(x.Left), x.Op)
			e.operand(x.Right, e.expr(x.Right), x.Op)
			return numberKind
		}
	}
	e.fail(x.Span(), "it is made of numbers, names, operators and functions", "an equation cannot contain this")
	return anyKind
}

// unit judges the unit of a number, and notes what it is in the units that steps compute in: times in steps, frequencies per
// step, the rest in V, A, J and B.
func (e *equations) unit(x *dsl.Number) {
	if x.Unit == "" {
		return
	}
	base, factor := unit(x.Unit)
	v := value{kind: quantityValue, f: x.Value * factor, s: base}
	switch f, ok := e.c.inSteps(v); {
	case ok:
		e.c.times[x] = f
	default:
		e.bad = true
		e.c.fail(diag.NoStepLength, x.Range, "declare `param dt: time = 1 ms`, or write the time in steps", "this is %v, but the spec does not say how long a step is", v)
	}
}

// inSteps returns a quantity as equations compute with it, if the spec says how long a step is where that matters.
func (c *checker) inSteps(v value) (f float64, ok bool) {
	switch v.s {
	case "s":
		return v.f / c.dt, c.dt != 0
	case "Hz":
		return v.f * c.dt, c.dt != 0
	}
	return v.f, true
}

// time judges what must be a time: a number that stands for itself has a unit.
func (e *equations) time(x dsl.Expr, what string) {
	inner := x
	for {
		p, ok := inner.(*dsl.Paren)
		if !ok {
			break
		}
		inner = p.Of
	}
	if n, ok := inner.(*dsl.Number); ok && n.Unit == "" {
		v := realOf(n.Value)
		e.bad = true
		e.c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: n.Range, Label: "dimensionless", Summary: fmt.Sprintf("%s is a time, but %v has no unit", what, v), Help: e.c.unitHelp(v)})
		return
	} else if ok {
		if base, _ := unit(n.Unit); base != "s" && base != "steps" {
			e.bad = true
			e.c.fail(diag.WrongUnit, n.Range, "times are in steps, s, ms, us or ns", "%s is a time, and this is in %s", what, n.Unit)
			return
		}
	}
	e.number(x)
}

func (e *equations) operand(x dsl.Expr, k exprKind, op string) {
	if k == conditionKind {
		e.fail(x.Span(), "write `where(condition, 1, 0)`", "`%s` takes numbers, and this is a condition", op)
	}
}

func direction(encode bool) schema.Direction {
	if encode {
		return schema.Encode
	}
	return schema.Decode
}

// port reports whether a coder can encode, or decode.
func (c *checker) port(k *Coder, encode bool) bool {
	if k.Component != nil {
		return c.cat.Graph != nil && k.Component.Goes(direction(encode))
	}
	if encode {
		return k.Definition.Encode != nil
	}
	return k.Definition.Decode != nil
}
