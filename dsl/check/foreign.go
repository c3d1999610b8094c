package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// synonym says how what other libraries call name is written here, where it is among the known names; else "".
func synonym(name string, known []string) string {
	var here []string
	switch name {
	case "in_channels", "in_features":
		return "leave it out: the number of inputs is inferred"
	case "out_channels":
		here = []string{"c"}
	case "out_features":
		here = []string{"n"}
	case "kernel_size":
		here = []string{"kernel"}
	case "padding":
		here = []string{"pad"}
	case "num_groups":
		here = []string{"groups"}
	case "lr", "learning_rate":
		here = []string{"rate"}
	case "weight_decay":
		here = []string{"decay"}
	case "betas":
		here = []string{"beta1", "beta2"}
	case "eps":
		here = []string{"epsilon"}
	case "T", "num_steps", "time_steps", "timesteps":
		here = []string{"steps"}
	case "v_threshold", "v_th":
		here = []string{"threshold"}
	}
	here = slices.DeleteFunc(here, func(n string) bool { return !slices.Contains(known, n) })
	if len(here) == 0 {
		return ""
	}
	return "here it is " + strings.Join(strings.Split(quoted(here), ", "), " and ")
}

// truth returns the reserved word that `True` or `False`, as other languages write them, stands for; "" for another name.
func truth(name string) string {
	switch name {
	case "True", "TRUE":
		return "true"
	case "False", "FALSE":
		return "false"
	}
	return ""
}

// written returns the text at a place, on one line; "..." where it is not known, too long to be repeated, or has a comment.
func (c *checker) written(at diag.Range) string {
	text, from, to := c.spec.Sources[at.File], at.Start.Offset, at.End.Offset
	if from < 0 || from >= to || to > len(text) || to-from > 60 || bytes.ContainsRune(text[from:to], '#') {
		return "..."
	}
	return strings.Join(strings.Fields(string(text[from:to])), " ")
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
