package program

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// TimeError says that a layer counts time steps, by `t` or `steps`, in a role that the program applies to parts of a sequence:
// with its state carried, or at different numbers of steps. There `t` would begin at 0 in every part, and `steps` be the length
// of the part.
type TimeError struct {
	Role string      // such as "latent.prior"
	Node *graph.Node // the equation of the layer in what fills the role; Layer and Origin say where it is
	How  string      // how the role is applied: "with its state carried", "at 1, 2 and 4 time steps"
}

// Error names role and layer.
func (e *TimeError) Error() string {
	return fmt.Sprintf("link: %s is applied %s, and its layer %s counts time steps (by `t`, `steps`, or a state that starts at a trained parameter), and that begins anew in each application", e.Role, e.How, e.Node.Layer)
}

// timeless checks that no role that is applied to parts of a sequence counts time steps.
func (l *Linker) timeless() error {
	for _, r := range l.p.Roles {
		how := l.p.parts(r)
		if how == "" {
			continue
		}
		for _, name := range []string{TrainFunction, EvalFunction} {
			g := l.roles[r.Name].Function(name)
			runs := overTime(g)
			for _, n := range g.Nodes {
				if runs[n] && n.Equation != nil && n.Equation.Timed() {
					return &TimeError{Role: r.Name, Node: n, How: how}
				}
			}
		}
	}
	return nil
}

// parts says how a role is applied to parts of a sequence; "" where each application is to a whole one.
func (p *Program) parts(r Role) string {
	timed := slices.IndexFunc(r.In, func(t graph.Type) bool { return t.Steps > 0 })
	var lengths []int
	for _, f := range p.Functions {
		for _, n := range f.Nodes {
			if n.Op != graph.OpApply || n.Text("role") != r.Name {
				continue
			}
			if n.Flag("state") {
				return "with its state carried"
			}
			if timed >= 0 {
				lengths = append(lengths, n.In[timed].Type().Steps)
			}
		}
	}
	slices.Sort(lengths)
	if lengths = slices.Compact(lengths); len(lengths) < 2 {
		return ""
	}
	words := make([]string, len(lengths))
	for i, n := range lengths {
		words[i] = strconv.Itoa(n)
	}
	last := len(words) - 1
	return "at " + strings.Join(words[:last], ", ") + " and " + words[last] + " time steps"
}
