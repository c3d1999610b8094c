package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// measures are the units whose dimension equations keep apart. Times and frequencies are none of them: a time is a number of
// steps, a frequency a number per step.
var measures = [...]string{"V", "A", "J", "B"}

// dimension is what a number of an equation measures: the power of each of measures.
type dimension struct {
	powers [len(measures)]int
	any    bool // the number 0, which measures what is wanted
	bad    bool // what has a finding, and is silent
}

// dimensionOf returns the dimension of a unit's base.
func dimensionOf(base string) dimension {
	var d dimension
	if i := slices.Index(measures[:], base); i >= 0 {
		d.powers[i] = 1
	}
	return d
}

// plain reports whether it is the dimension of a number.
func (d dimension) plain() bool { return d.any || d.bad || d == dimension{} }

func (d dimension) times(other dimension, power int) dimension {
	out := dimension{}
	for i := range out.powers {
		out.powers[i] = min(max(d.powers[i]+power*other.powers[i], -1e6), 1e6)
	}
	out.any, out.bad = d.any || other.any && power > 0, d.bad || other.bad
	return out
}

// String is the dimension as messages call it.
func (d dimension) String() string {
	var up, down []string
	for i, p := range d.powers {
		word := measures[i]
		if p > 1 || p < -1 {
			word += fmt.Sprintf("^%d", max(p, -p))
		}
		switch {
		case p > 0:
			up = append(up, word)
		case p < 0:
			down = append(down, word)
		}
	}
	text := strings.Join(up, " ")
	switch {
	case d.plain():
		return "a number without a unit"
	case len(down) == 0:
		return text
	case text == "":
		text = "1"
	}
	return text + "/" + strings.Join(down, "/")
}

// dimensions judges what the lines of a body measure: inputs and what leaves are numbers, a state measures what it starts at,
// and both sides of a sum, a comparison or an assignment measure the same.
func (e *equations) dimensions(body []dsl.Equation) {
	names := map[string]dimension{}
	for n, d := range e.units {
		names[n] = d
	}
	if e.known == nil {
		e.known = functions()
	}
	m := &measuring{e: e, names: names}
	for _, q := range body {
		if s, is := q.(*dsl.State); is {
			for i, n := range s.Names {
				names[n.Text] = m.of(s.Values[i])
				if d := names[n.Text]; d.any {
					names[n.Text] = dimension{}
				}
			}
		}
	}
	for _, q := range body {
		switch q := q.(type) {
		case *dsl.Update:
			m.update(q)
		case *dsl.Derivative:
			m.wants(q.Value, names[q.Name.Text], "`"+q.Name.Text+"`")
		case *dsl.Noise:
			names[q.Name.Text] = m.of(q.Value)
		case *dsl.SpikeWhen:
			m.of(q.Cond)
		case *dsl.OnSpike:
			for _, u := range q.Body {
				m.update(u)
			}
		case *dsl.Refractory:
			if q.Time != nil {
				m.wants(q.Time, dimension{}, "`refractory`")
			}
		case *dsl.Output:
			m.wants(q.Value, dimension{}, "what leaves")
		}
	}
}

// measuring judges expressions by what names measure at this point.
type measuring struct {
	e     *equations
	names map[string]dimension
}

func (m *measuring) fail(at diag.Range, help, summary string, args ...any) {
	m.e.bad = true
	m.e.c.fail(diag.WrongUnit, at, help, summary, args...)
}

func (m *measuring) update(q *dsl.Update) {
	name := q.Name.Text
	switch {
	case q.Op == "*=":
		m.wants(q.Value, dimension{}, "the factor of a state")
	case q.Op == "=" && !m.e.states[name]:
		m.names[name] = m.of(q.Value)
	default:
		m.wants(q.Value, m.names[name], "`"+name+"`")
	}
}

// wants reports an expression that measures something else than what is to have its value.
func (m *measuring) wants(x dsl.Expr, want dimension, what string) {
	got := m.of(x)
	if got.any || want.any || got.bad || want.bad || got == want {
		return
	}
	help := fmt.Sprintf("give it the unit, such as `1 %s` times the number", want)
	switch {
	case want.plain() && m.e.states[strings.Trim(what, "`")]:
		help = fmt.Sprintf("a state measures what it starts at: start it with a unit, such as `state %s = 0 %s`", strings.Trim(what, "`"), got)
	case want.plain():
		help = fmt.Sprintf("divide it by `1 %s`", got)
	}
	m.fail(x.Span(), help, "%s is %s, and this is %s", what, want, got)
}

// of returns what an expression measures.
func (m *measuring) of(x dsl.Expr) dimension {
	switch x := x.(type) {
	case *dsl.Paren:
		return m.of(x.Of)
	case *dsl.Number:
		if x.Unit == "" {
			return dimension{any: x.Value == 0}
		}
		base, _ := unit(x.Unit)
		return dimensionOf(base)
	case *dsl.Unary:
		return m.of(x.Of)
	case *dsl.Binary:
		l, r := m.of(x.Left), m.of(x.Right)
		switch x.Op {
		case "*":
			return l.times(r, 1)
		case "/":
			return l.times(r, -1)
		case "^":
			return m.power(x, l, r)
		case "and", "or":
			return dimension{}
		}
		d := m.same(x.Span(), "`"+x.Op+"`", l, r)
		if x.Op != "+" && x.Op != "-" {
			return dimension{}
		}
		return d
	case *dsl.Ref:
		if x.Called {
			return m.call(x)
		}
		d, measured := m.names[x.Name.Text]
		if _, known := m.e.kinds[x.Name.Text]; !measured && !known && !slices.Contains([]string{"t", "dt", "steps"}, x.Name.Text) {
			return dimension{bad: true}
		}
		return d
	case *dsl.Bool:
		return dimension{}
	}
	return dimension{bad: true}
}

func (m *measuring) power(x *dsl.Binary, l, r dimension) dimension {
	if !r.plain() {
		m.fail(x.Right.Span(), fmt.Sprintf("divide it by `1 %s`", r), "an exponent is a number, and this is %s", r)
		return dimension{bad: true}
	}
	if l.plain() {
		return dimension{}
	}
	exponent := x.Right
	for {
		p, is := exponent.(*dsl.Paren)
		if !is {
			break
		}
		exponent = p.Of
	}
	if n, is := exponent.(*dsl.Number); is && n.IsInt && n.Int >= 0 && n.Int <= 100 {
		return dimension{}.times(l, int(n.Int))
	}
	m.fail(x.Right.Span(), "write a whole number", "the exponent of %s decides the unit, so it is a whole number from 0 to 100", l)
	return dimension{bad: true}
}

// same reports values that do not measure the same.
func (m *measuring) same(at diag.Range, what string, list ...dimension) dimension {
	out := dimension{any: true}
	for _, d := range list {
		switch {
		case d.bad:
			return d
		case d.any:
		case out.any:
			out = d
		case d != out:
			m.fail(at, "give both sides the same unit", "%s does not take %s and %s", what, out, d)
			return dimension{bad: true}
		}
	}
	return out
}

func (m *measuring) call(x *dsl.Ref) dimension {
	var args []dimension
	for _, a := range x.Args {
		args = append(args, m.of(a.Value))
	}
	what := "`" + x.Name.Text + "`"
	if f, known := m.e.known[x.Name.Text]; !known || f.arity != len(args) {
		return dimension{bad: true}
	}
	switch x.Name.Text {
	case "min", "max", "clamp", "uniform", "normal":
		return m.same(x.Range, what, args...)
	case "where":
		return m.same(x.Range, what, args[1:]...)
	case "abs", "stop":
		return args[0]
	case "sign":
		return dimension{}
	case "sqrt":
		var half dimension
		for i, p := range args[0].powers {
			if half.powers[i] = p / 2; p%2 != 0 {
				m.fail(x.Args[0].Value.Span(), fmt.Sprintf("divide it by `1 %s`", args[0]), "%s of %s has no unit", what, args[0])
				return dimension{bad: true}
			}
		}
		return half
	}
	for i, d := range args {
		if !d.plain() {
			m.fail(x.Args[i].Value.Span(), fmt.Sprintf("divide it by `1 %s`", d), "%s takes a number, and this is %s", what, d)
		}
	}
	return dimension{}
}
