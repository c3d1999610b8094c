package exec_test

import (
	"os"
	"testing"

	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// small reports whether every value of g, and every window, is small enough to be computed in a test.
func small(g *graph.Graph) bool {
	if len(g.Nodes) > 60 {
		return false
	}
	for _, n := range g.Nodes {
		if n.Int("steps") > 20 || n.Int("kernel") > 20 || n.Int("stride") > 100 || n.Int("pad") > 100 {
			return false
		}
		for _, t := range n.Out {
			if t.Size() > 500 || t.Steps > 20 {
				return false
			}
		}
	}
	return true
}

// FuzzRun: what the interpreter runs, the executor plans and runs; what it refuses, such as an index that points nowhere, is
// an error here too. Nothing panics.
func FuzzRun(f *testing.F) {
	for _, file := range []string{"../graph/testdata/every.txt", "testdata/equations.txt"} {
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
			f.Add((&graph.Module{Variables: m.Variables, Equations: m.Equations, Opaques: m.Opaques, Chips: m.Chips, Functions: []*graph.Graph{g}}).Print())
		}
	}
	pool := exec.NewPool(2)
	pool.Opaque, pool.Chips = &opaquetest.Any{}, opaquetest.AnyChip{}
	f.Add(chipText)
	f.Cleanup(pool.Close)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := graph.Parse(text)
		if err != nil {
			return
		}
		const n = 3
		w := &world{n: n, inputs: map[string]interp.Value{}, variables: map[string]interp.Value{}}
		variables := map[string]*tensor.Tensor{}
		for _, v := range m.Variables {
			if v.Type.Size() > 500 {
				return
			}
			w.variables[v.Name] = interp.NewValue(v.Type, 1)
			variables[v.Name] = tensor.New(v.Type, 1)
		}
		for _, g := range m.Functions {
			if !small(g) {
				continue
			}
			for _, in := range g.Inputs {
				v := interp.NewValue(in.Out[0], n)
				for i := range v.Data {
					v.Data[i] = float64(i % 2)
				}
				w.inputs[in.Text("name")] = v
			}
			_, wrong := interp.Run(g, &interp.Env{N: n, Inputs: w.inputs, Variables: w.variables, Random: w.random, Host: host, Opaque: pool.Opaque, Chips: pool.Chips})
			p, err := plan.New(g, plan.Options{Batch: n})
			if err != nil {
				if wrong == nil {
					t.Fatalf("%s is not planned: %v", g.Name, err)
				}
				continue
			}
			x, err := exec.New(p, pool)
			if err != nil {
				t.Fatalf("%s is not prepared: %v", g.Name, err)
			}
			err = x.Run(&exec.Env{Inputs: tensors(w.inputs), Variables: func(name string) *tensor.Tensor { return variables[name] }, Host: host})
			if err != nil && wrong == nil {
				t.Fatalf("%s does not run: %v", g.Name, err)
			}
		}
	})
}
