package cut

import (
	"os"
	"testing"

	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/graph"
)

// FuzzCut: a module that parses is cut or not, with and without weights, and what is cut holds together; nothing panics.
func FuzzCut(f *testing.F) {
	for _, file := range []string{"testdata/residual.txt", "../graph/testdata/every.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		m := &graph.Module{}
		p := graph.NewParser(string(text), m, nil)
		p.Header("graph")
		for word := p.Word(); word != "" && p.Item(word); word = p.Word() {
		}
		for _, g := range m.Functions { // those that need no roles, each with all variables and equations
			g.Name = evalFunction
			f.Add((&graph.Module{Variables: m.Variables, Equations: m.Equations, Opaques: m.Opaques, Functions: []*graph.Graph{g}}).Print())
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := graph.Parse(text)
		if err != nil || m.Function(evalFunction) == nil {
			return
		}
		weights := func(name string) []float32 {
			v := m.Variable(name)
			if v == nil || v.Type.Size() > 500 {
				return nil
			}
			x := make([]float32, v.Type.Size())
			for i := range x {
				x[i] = float32(i%5) / 2
			}
			return x
		}
		for _, vars := range []func(string) []float32{nil, weights} {
			r, err := network("net", m, vars, Options{}, 1<<22)
			if err != nil || len(r.Circuits) == 0 {
				continue
			}
			if err := circuit.VerifyAll(r.Circuits); err != nil {
				t.Fatal(err)
			}
			for _, c := range r.Circuits {
				if vars == nil {
					continue
				}
				if err := circuit.Within(c, 4*len(r.Tensors)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
