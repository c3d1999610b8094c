package exec_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
)

// TestPasses: the graphs on which runtime/plan shows what its passes do, with their derivatives, compute what the interpreter
// does, which knows no pass. They are small: no result sums more than a few hundred products, each rounded by 2^-24.
func TestPasses(t *testing.T) {
	a, err := txtar.ParseFile("../plan/testdata/passes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".after") {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			g, m := differentiated(t, string(f.Data))
			for _, n := range []int{1, 6, 9} {
				w := filled(r, g, n, 1)
				for _, v := range m.Variables {
					w.variables[v.Name] = grid(r, v.Type, 1, 1)
				}
				w.nearly(t, g, ulps(64), 0.1)
			}
		})
	}
}

// differentiated returns the function of a module, with its derivatives by the variables it reads where it has a loss.
func differentiated(t *testing.T, text string) (*graph.Graph, *graph.Module) {
	t.Helper()
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f := m.Functions[0]
	loss := f.Output("loss")
	if !loss.Valid() {
		return f, m
	}
	b := graph.NewBuilder(f.Name, graph.ModuleEnv{Module: m})
	in := make([]graph.Value, len(f.Inputs))
	for i, n := range f.Inputs {
		in[i] = b.Input(n.Text("name"), n.Out[0])
	}
	for i, v := range b.Inline(f, in, nil) {
		if b.Output(f.Outputs[i].Name, v); f.Outputs[i].Name == "loss" {
			loss = v
		}
	}
	var by []graph.Value
	for _, n := range b.Graph().Nodes {
		if n.Op == graph.OpRead {
			by = append(by, graph.Value{Node: n})
		}
	}
	for i, g := range graph.Gradient(b, loss, by) {
		b.Output("grad."+by[i].Node.Text("var"), g)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g, m
}
