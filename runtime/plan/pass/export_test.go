package pass

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

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

func (s *Graph) text(name string) string {
	g := &graph.Graph{Name: name, Nodes: s.Nodes, Outputs: slices.Concat(s.Outputs, s.Assigns)}
	for _, n := range s.Nodes {
		if n.Op == graph.OpInput {
			g.Inputs = append(g.Inputs, n)
		}
	}
	return g.String()
}
