package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// Integrators lists what `integrate` of a neuron takes: how the equations v' = f advance over one step. The first is the
// default.
func Integrators() []schema.Choice {
	return []schema.Choice{
		{Name: "euler", Doc: "v + f, the default; first order."},
		{Name: "exact", Doc: "exp(A) v + A⁻¹ (exp(A) - 1) b, for equations v' = A v + b that are linear in their states; an error elsewhere."},
		{Name: "exponential", Doc: "v + f (exp(a) - 1) / a with a = df/dv: exponential Euler, each equation linearised in its own state (Rush and Larsen 1978); first order, exact where f is linear in v and has no other state of the system."},
		{Name: "rk2", Doc: "v + f(v + f(v) / 2), the midpoint rule; second order."},
		{Name: "rk4", Doc: "v + (k1 + 2 k2 + 2 k3 + k4) / 6, Kutta's classic method; fourth order."},
	}
}

// maxCoupled is how many equations that act on each other are solved exactly: their matrix has its square of entries.
const maxCoupled = 64

// integration judges whether the differential equations of a neuron can be advanced as its use asks for.
type integration struct {
	c       *checker
	n       *Neuron
	asked   diag.Note
	system  map[string]bool
	degrees map[dsl.Expr]int
	told    map[string]bool // why a coefficient is no number
	ok      bool
}

// integrable reports what the neuron's integrator cannot advance, at its place in the equations. Euler's method takes all.
func (c *checker) integrable(n *Neuron, in *instance, at diag.Range) bool {
	if n.Integrate == "" || n.Integrate == "euler" {
		return true
	}
	if in.plugin {
		c.asides = append(c.asides, diag.Note{Message: "this is the text of a plugin, used here", Range: in.at})
		defer func() { c.asides = c.asides[:len(c.asides)-1] }()
	}
	x := &integration{c: c, n: n, degrees: map[dsl.Expr]int{}, told: map[string]bool{}, ok: true,
		asked: diag.Note{Message: fmt.Sprintf("`integrate = %s` is asked for here", n.Integrate), Range: at}}
	states, locals := map[string]bool{}, map[string]local{}
	for _, q := range in.neuron.Body {
		if s, is := q.(*dsl.State); is {
			for _, name := range s.Names {
				states[name.Text] = true
			}
		}
	}
	body := in.neuron.Body
	for i := 0; i < len(body); i++ {
		switch q := body[i].(type) {
		case *dsl.Update:
			if !states[q.Name.Text] {
				locals[q.Name.Text] = newLocal(q, locals[q.Name.Text], states, locals)
			}
		case *dsl.Derivative:
			from := i
			for i+1 < len(body) {
				if _, is := body[i+1].(*dsl.Derivative); !is {
					break
				}
				i++
			}
			x.judge(body[from:i+1], locals)
		}
	}
	return x.ok
}

// local is a local name: the states that it was computed from, and the expression where it is one.
type local struct {
	from map[string]bool
	is   dsl.Expr
}

func newLocal(q *dsl.Update, old local, states map[string]bool, locals map[string]local) local {
	l := local{from: map[string]bool{}}
	if q.Op == "=" {
		l.is = q.Value
	} else {
		for s := range old.from {
			l.from[s] = true
		}
	}
	reads(q.Value, func(r *dsl.Ref) {
		if states[r.Name.Text] {
			l.from[r.Name.Text] = true
		}
		for s := range locals[r.Name.Text].from {
			l.from[s] = true
		}
	})
	return l
}

func (x *integration) fail(at diag.Range, help, summary string, args ...any) {
	x.ok = false
	x.c.report(diag.Diagnostic{Code: diag.BadEquation, Range: at, Help: help, Summary: fmt.Sprintf(summary, args...), Notes: []diag.Note{x.asked}})
}

// judge judges one system.
func (x *integration) judge(lines []dsl.Equation, locals map[string]local) {
	x.system = map[string]bool{}
	for _, q := range lines {
		x.system[q.(*dsl.Derivative).Name.Text] = true
	}
	acts := map[string][]string{} // the states of the system that stand in each right side
	for _, q := range lines {
		d := q.(*dsl.Derivative)
		read := map[string]bool{}
		size := parts(d.Value)
		reads(d.Value, func(r *dsl.Ref) {
			name := r.Name.Text
			if x.system[name] && !read[name] {
				read[name] = true
				acts[d.Name.Text] = append(acts[d.Name.Text], name)
			}
			for _, s := range slices.Sorted(maps.Keys(locals[name].from)) {
				if !x.system[s] {
					continue
				}
				help := fmt.Sprintf("write what `%s` stands for into this line", name)
				if is := locals[name].is; is != nil && x.c.written(is.Span()) != "..." {
					help += fmt.Sprintf(": `(%s)`", x.c.written(is.Span()))
				}
				x.fail(r.Range, help, "`%s` is computed from `%s` before the step, in which `integrate = %s` moves `%s`", name, s, x.n.Integrate, s)
				break
			}
		})
		if !x.c.spend(size*(1+len(acts[d.Name.Text])), d.Range) {
			x.ok = false
			return
		}
	}
	if x.n.Integrate != "exact" {
		return
	}
	for _, q := range lines {
		x.degree(q.(*dsl.Derivative).Value)
	}
	if !x.ok {
		return
	}
	for _, part := range coupled(lines, acts) {
		switch {
		case len(part) > maxCoupled:
			x.fail(part[0].Range, "write `integrate = exponential` where the neuron is used", "`integrate = exact` solves at most %d equations that act on each other, and these are %d", maxCoupled, len(part))
		case len(part) > 1:
			for _, d := range part {
				x.coefficients(d.Value)
			}
		}
	}
}

// coupled returns the equations that act on each other, directly or by way of others, in the order of their first ones.
func coupled(lines []dsl.Equation, acts map[string][]string) [][]*dsl.Derivative {
	near := map[string][]string{}
	for to, list := range acts {
		for _, from := range list {
			near[to], near[from] = append(near[to], from), append(near[from], to)
		}
	}
	part := map[string]int{}
	var out [][]*dsl.Derivative
	for _, q := range lines {
		d := q.(*dsl.Derivative)
		number, seen := part[d.Name.Text]
		if !seen {
			number = len(out)
			out = append(out, nil)
			for queue := []string{d.Name.Text}; len(queue) > 0; queue = queue[1:] {
				if _, seen := part[queue[0]]; !seen {
					part[queue[0]] = number
					queue = append(queue, near[queue[0]]...)
				}
			}
		}
		out[number] = append(out[number], d)
	}
	return out
}

// degree is 0 for what keeps its value over the step, 1 for what is linear in the system's states and 2 for the rest, whose
// innermost term is reported.
func (x *integration) degree(e dsl.Expr) int {
	if d, known := x.degrees[e]; known {
		return d
	}
	d := x.measured(e)
	x.degrees[e] = d
	return d
}

func (x *integration) measured(e dsl.Expr) int {
	highest := func(list ...dsl.Expr) int {
		d := 0
		for _, e := range list {
			d = max(d, x.degree(e))
		}
		return d
	}
	odd := func(d int) int { // not linear as soon as a state stands in it
		if d != 1 {
			return d
		}
		var states []string
		reads(e, func(r *dsl.Ref) {
			if x.system[r.Name.Text] && !slices.Contains(states, r.Name.Text) {
				states = append(states, r.Name.Text)
			}
		})
		x.fail(e.Span(), "write `integrate = exponential` or `integrate = rk4` where the neuron is used, or make the equation linear",
			"`%s` is not linear in %s, and `integrate = exact` solves linear equations only", x.c.written(e.Span()), quoted(states))
		return 2
	}
	switch e := e.(type) {
	case *dsl.Paren:
		return x.degree(e.Of)
	case *dsl.Unary:
		if e.Op == "not" {
			return odd(x.degree(e.Of))
		}
		return x.degree(e.Of)
	case *dsl.Binary:
		l, r := x.degree(e.Left), x.degree(e.Right)
		switch {
		case e.Op == "+" || e.Op == "-", e.Op == "*" && l+r < 2, e.Op == "/" && r == 0:
			return max(l, r)
		case max(l, r) == 2:
			return 2
		}
		return odd(max(l, r))
	case *dsl.Ref:
		if !e.Called {
			if x.system[e.Name.Text] {
				return 1
			}
			return 0
		}
		var args []dsl.Expr
		for _, a := range e.Args {
			args = append(args, a.Value)
		}
		switch {
		case e.Name.Text == "stop":
			return highest(args...)
		case e.Name.Text == "where" && x.degree(args[0]) == 0:
			return highest(args...)
		}
		return odd(highest(args...))
	}
	return 0
}

// coefficients reports the factors of states in a linear expression that are no numbers known now.
func (x *integration) coefficients(e dsl.Expr) {
	if x.degree(e) == 0 {
		return
	}
	switch e := e.(type) {
	case *dsl.Paren:
		x.coefficients(e.Of)
	case *dsl.Unary:
		x.coefficients(e.Of)
	case *dsl.Binary:
		if e.Op == "+" || e.Op == "-" {
			x.coefficients(e.Left)
			x.coefficients(e.Right)
			return
		}
		factor, rest := e.Right, e.Left
		if x.degree(factor) > 0 {
			factor, rest = rest, factor
		}
		x.number(factor)
		x.coefficients(rest)
	case *dsl.Ref:
		switch {
		case e.Called && e.Name.Text == "stop":
			x.coefficients(e.Args[0].Value)
		case e.Called: // where
			x.number(e.Args[0].Value)
		}
	}
}

// number reports a factor that is no number known now.
func (x *integration) number(e dsl.Expr) {
	help := "write `integrate = exponential` where the neuron is used"
	why := ""
	reads(e, func(r *dsl.Ref) {
		_, param := x.n.Params[r.Name.Text]
		switch {
		case why != "" || param && x.n.Trainable[r.Name.Text] == "" || r.Name.Text == "dt":
		case param:
			why = fmt.Sprintf("`%s` is trained", r.Name.Text)
			help += fmt.Sprintf(", or leave `%s` untrained", r.Name.Text)
		default:
			why = fmt.Sprintf("`%s` is known in the step only", r.Name.Text)
		}
	})
	if why == "" && !arithmetic(e) {
		why = fmt.Sprintf("`%s` is none", x.c.written(e.Span()))
	}
	if why != "" && !x.told[why] { // once, however often it is a factor
		x.told[why] = true
		x.fail(e.Span(), help, "where equations act on each other `integrate = exact` needs numbers as coefficients, and %s", why)
	}
}

// arithmetic reports whether an expression is computed from its names once and for all.
func arithmetic(e dsl.Expr) bool {
	switch e := e.(type) {
	case *dsl.Number:
		return true
	case *dsl.Paren:
		return arithmetic(e.Of)
	case *dsl.Unary:
		return e.Op != "not" && arithmetic(e.Of)
	case *dsl.Binary:
		return slices.Contains([]string{"+", "-", "*", "/", "^"}, e.Op) && arithmetic(e.Left) && arithmetic(e.Right)
	case *dsl.Ref:
		if f := functions()[e.Name.Text]; e.Called && (f.random || e.Name.Text == "where") {
			return false
		}
		return !slices.ContainsFunc(e.Args, func(a dsl.Arg) bool { return !arithmetic(a.Value) })
	}
	return false
}

// parts counts the expressions in an expression, itself among them.
func parts(e dsl.Expr) int {
	n := 0
	dsl.Inspect(e, func(dsl.Expr) { n++ })
	return n
}
