package plan

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// Passes are the names of the passes, in order.
func Passes() []string {
	var names []string
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}

// Rewritten returns the text of g before and after a pass, with all passes before it.
func Rewritten(g *graph.Graph, batch int, pass string) (before, after string, err error) {
	s := take(g)
	for _, p := range passes {
		before = s.text(g.Name)
		if s, _, err = s.rewrite(batch, p.rule); err != nil {
			return "", "", err
		}
		if p.name == pass {
			return before, s.text(g.Name), nil
		}
	}
	return "", "", fmt.Errorf("no pass %q", pass)
}

func (s *simplified) text(name string) string {
	g := &graph.Graph{Name: name, Nodes: s.nodes, Outputs: slices.Concat(s.outputs, s.assigns)}
	for _, n := range s.nodes {
		if n.Op == graph.OpInput {
			g.Inputs = append(g.Inputs, n)
		}
	}
	return g.String()
}
