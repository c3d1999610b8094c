package dsl

// Inspect calls f for an expression and for every one in it, in the order of the text: a call before its arguments, a flow
// before its steps. e may be nil.
func Inspect(e Expr, f func(Expr)) {
	if e == nil {
		return
	}
	f(e)
	switch e := e.(type) {
	case *Ref:
		for _, a := range e.Args {
			Inspect(a.Value, f)
		}
	case *List:
		for _, x := range e.Items {
			Inspect(x, f)
		}
	case *Index:
		Inspect(e.Of, f)
		Inspect(e.At, f)
	case *Field:
		Inspect(e.Of, f)
	case *Unary:
		Inspect(e.Of, f)
	case *Binary:
		Inspect(e.Left, f)
		Inspect(e.Right, f)
	case *Flow:
		Inspect(e.From, f)
		for _, r := range e.Steps {
			Inspect(r, f)
		}
	case *Paren:
		Inspect(e.Of, f)
	}
}

// InspectBody calls f for every statement of a body, those of loops and conditions among them, in the order of the text.
func InspectBody(body []Statement, f func(Statement)) {
	for _, st := range body {
		f(st)
		switch st := st.(type) {
		case *For:
			InspectBody(st.Body, f)
		case *Repeat:
			InspectBody(st.Body, f)
		case *If:
			InspectBody(st.Then, f)
			InspectBody(st.Else, f)
		}
	}
}

// Expressions returns those of equations, in the order of the text: what stands right of `=`, in conditions and times.
func Expressions(body []Equation) []Expr {
	var out []Expr
	for _, q := range body {
		switch q := q.(type) {
		case *State:
			out = append(out, q.Values...)
		case *Noise:
			out = append(out, q.Value)
		case *Update:
			out = append(out, q.Value)
		case *Derivative:
			out = append(out, q.Value)
		case *SpikeWhen:
			out = append(out, q.Cond)
		case *OnSpike:
			for _, u := range q.Body {
				out = append(out, u.Value)
			}
		case *Refractory:
			if q.Time != nil {
				out = append(out, q.Time)
			}
		case *Output:
			out = append(out, q.Value)
		}
	}
	return out
}

// Comparison returns the comparison `left > right`, also with >= < <=, that a condition is as a whole; nil for any other.
func Comparison(e Expr) *Binary {
	for {
		p, ok := e.(*Paren)
		if !ok {
			break
		}
		e = p.Of
	}
	b, ok := e.(*Binary)
	if !ok || b.Op != ">" && b.Op != ">=" && b.Op != "<" && b.Op != "<=" {
		return nil
	}
	return b
}
