package check

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// leak says how a neuron's leak is written that other libraries give as the part of the membrane which stays from one step to the
// next (beta); "" where the neuron has no time constant.
func (c *checker) leak(a dsl.Arg, known []string) string {
	if a.Name.Text != "beta" && a.Name.Text != "decay" && a.Name.Text != "leak" || !slices.Contains(known, "tau") {
		return ""
	}
	if n, is := a.Value.(*dsl.Number); is {
		if beta, err := strconv.ParseFloat(c.written(n.Span()), 64); err == nil && beta >= 0 && beta < 1 {
			return fmt.Sprintf("here it is `tau`: where the part %v of the membrane stays, write `tau = %.4g steps`, which is 1 / (1 - %v)", beta, 1/(1-beta), beta)
		}
	}
	return "here it is `tau`: where the part b of the membrane stays from step to step, `tau` is 1 / (1 - b) steps"
}

// written returns the text at a place, on one line; "..." where it is not known, too long to be repeated, or has a comment.
func (c *checker) written(at diag.Range) string {
	text, from, to := c.spec.Sources[at.File], at.Start.Offset, at.End.Offset
	if from < 0 || from >= to || to > len(text) || to-from > 60 || bytes.ContainsRune(text[from:to], '#') {
		return "..."
	}
	return strings.Join(strings.Fields(string(text[from:to])), " ")
}

// arguments returns the texts of arguments.
func (c *checker) arguments(args []dsl.Arg) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = c.written(a.Range)
	}
	return out
}

// spiking returns an assignment to the name `spike`, which is meant as `spike when`; nil where there is none.
func spiking(body []dsl.Equation) *dsl.Update {
	for _, q := range body {
		if u, is := q.(*dsl.Update); is && u.Name.Text == "spike" && u.Op == "=" {
			return u
		}
	}
	return nil
}

// inferred says how a weighted layer is written whose first number, as in PyTorch, may be meant as that of its inputs: "" where
// it cannot be. The place is that of an argument which can be meant in no other way, if there is one.
func (c *checker) inferred(r *dsl.Ref, s *scope) (help string, wrong diag.Range) {
	name := r.Name.Text
	if !slices.Contains([]string{"conv", "deconv", "linear", "project"}, name) {
		return "", wrong
	}
	number := func(i int) bool {
		return i < len(r.Args) && r.Args[i].Name.Text == "" && repeatable(r.Args[i].Value) && c.eval(r.Args[i].Value, s).numeric()
	}
	named := func(name string) int {
		return slices.IndexFunc(r.Args, func(a dsl.Arg) bool { return a.Name.Text == name })
	}
	if !number(0) || !number(1) {
		return "", wrong
	}
	const write = "the number of inputs is inferred: write "
	outputs := c.written(r.Args[1].Range)
	if name == "linear" || name == "project" {
		return fmt.Sprintf(write+"`%s(%s)`", name, outputs), r.Args[1].Range
	}
	kernel := named("kernel")
	if kernel >= 0 {
		wrong = r.Args[kernel].Range
	} else if !number(2) {
		return "", wrong
	} else if kernel = 2; number(4) {
		wrong = r.Args[4].Range
	} else if i := named("stride"); i >= 0 {
		wrong = r.Args[i].Range
	}
	return fmt.Sprintf(write+"`%s(%s, kernel = %s)`", name, outputs, c.written(r.Args[kernel].Value.Span())), wrong
}

// repeatable reports whether an expression may be computed twice: it has no calls, which may pop a stack, and no flows, and
// what it takes the shape of is a name.
func repeatable(e dsl.Expr) bool {
	named := func(e dsl.Expr) bool { ref := reference(e); return ref != nil && !ref.Called }
	switch e := e.(type) {
	case *dsl.Number:
		return true
	case *dsl.Ref:
		return !e.Called
	case *dsl.Paren:
		return repeatable(e.Of)
	case *dsl.Unary:
		return repeatable(e.Of)
	case *dsl.Binary:
		return repeatable(e.Left) && repeatable(e.Right)
	case *dsl.Index:
		return repeatable(e.At) && named(e.Of)
	case *dsl.Field:
		return named(e.Of)
	}
	return false
}

// noBatch reports whether an item of a shape is what other libraries write for the batch axis, and means nothing here.
func (c *checker) noBatch(e dsl.Expr) bool {
	ref := reference(e)
	if ref == nil || ref.Called || c.defs[ref.Name.Text] != nil || c.broken[ref.Name.Text] {
		return false
	}
	return slices.Contains([]string{"None", "none", "null", "batch", "batch_size", "B", "N", "bs"}, ref.Name.Text)
}

// alias returns the component of one of the kinds that other libraries know as name; "" where there is none.
func (c *checker) alias(name string, kinds ...schema.Kind) string {
	for _, x := range c.cat.Components {
		if slices.Contains(kinds, x.Kind) && slices.ContainsFunc(x.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return x.Name
		}
	}
	return ""
}
