package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// function is one of the closed list of functions.
type function struct {
	arity  int
	random bool
	result exprKind
}

func functions() map[string]function {
	out := map[string]function{"min": {arity: 2}, "max": {arity: 2}, "clamp": {arity: 3}, "where": {arity: 3},
		"uniform": {arity: 2, random: true}, "normal": {arity: 2, random: true}, "bernoulli": {arity: 1, random: true, result: conditionKind}}
	for _, name := range []string{"abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "round", "floor", "stop"} {
		out[name] = function{arity: 1}
	}
	for name, f := range out {
		if f.result == anyKind {
			f.result = numberKind
			out[name] = f
		}
	}
	return out
}

// Functions returns the names of what equations may call.
func Functions() []string { return slices.Sorted(maps.Keys(functions())) }

// form is how a function is written.
func form(name string) string {
	switch name {
	case "clamp":
		return "clamp(x, lo, hi)"
	case "where":
		return "where(condition, a, b)"
	case "uniform":
		return "uniform(lo, hi)"
	case "normal":
		return "normal(mean, std)"
	case "bernoulli":
		return "bernoulli(p)"
	case "min", "max":
		return name + "(a, b)"
	}
	return name + "(x)"
}

// otherwise is what a function that other languages have is written as in an equation; "" where nothing is known.
func otherwise(name string) string {
	return map[string]string{"relu": "max(x, 0)", "pow": "x ^ n", "ln": "log(x)", "heaviside": "where(x > 0, 1, 0)", "step": "where(x > 0, 1, 0)",
		"softplus": "log(1 + exp(x))", "clip": "clamp(x, lo, hi)", "fmin": "min(a, b)", "fmax": "max(a, b)", "fabs": "abs(x)",
		"rand": "uniform(0, 1)", "randn": "normal(0, 1)", "random": "uniform(0, 1)", "detach": "stop(x)", "stop_gradient": "stop(x)",
		"if": "where(condition, a, b)", "square": "x ^ 2", "expm1": "exp(x) - 1", "log1p": "log(1 + x)", "tan": "sin(x) / cos(x)",
		"cosh": "(exp(x) + exp(-x)) / 2", "sinh": "(exp(x) - exp(-x)) / 2", "ceil": "-floor(-x)", "mod": "a - b * floor(a / b)"}[name]
}

// call judges a call of a function.
func (e *equations) call(x *dsl.Ref) exprKind {
	if e.known == nil {
		e.known = functions()
	}
	f, ok := e.known[x.Name.Text]
	if !ok {
		e.bad = true
		names := slices.Sorted(maps.Keys(e.known))
		help := "the functions are " + quoted(names)
		if meant := otherwise(x.Name.Text); meant != "" {
			help = fmt.Sprintf("write `%s`", meant)
		} else if near := diag.Nearest(x.Name.Text, names); near != "" {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		e.c.fail(diag.UnknownName, x.Name.Range, help, "unknown function `%s`", x.Name.Text)
		return anyKind
	}
	if f.random && e.start {
		e.fail(x.Range, "start at a number, and draw in the body", "a random number is drawn in every step, and this is computed once")
	}
	if len(x.Args) != f.arity {
		plural := "s"
		if f.arity == 1 {
			plural = ""
		}
		e.fail(x.Range, fmt.Sprintf("it is `%s`", form(x.Name.Text)), "`%s` takes %d argument%s, not %d", x.Name.Text, f.arity, plural, len(x.Args))
	}
	result := f.result
	for i, a := range x.Args {
		if a.Name.Text != "" {
			e.fail(a.Name.Range, "leave the name out", "functions take their arguments by position")
		}
		k := e.expr(a.Value)
		switch {
		case x.Name.Text == "where" && i == 0:
			if k == numberKind {
				e.fail(a.Value.Span(), "compare it, such as `v > 0`", "`where` takes a condition first, and this is a number")
			}
		case k == conditionKind:
			e.fail(a.Value.Span(), "write `where(condition, 1, 0)`", "`%s` takes numbers, and this is a condition", x.Name.Text)
		}
	}
	return result
}
