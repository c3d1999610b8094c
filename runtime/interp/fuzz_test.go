package interp_test

import (
	"os"
	"testing"

	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// small reports whether every value of g, and every window and sum, is small enough to be computed in a test.
func small(g *graph.Graph) bool {
	if len(g.Nodes) > 60 {
		return false
	}
	for _, n := range g.Nodes {
		if n.Int("steps") > 20 || n.Int("kernel") > 20 {
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

// chipText is a network of which a chip computes a part.
const chipText = `graph 1
chip "c" circuit="net" steps=2 {
  input bit[T2 N 2 1 2]
  input f32[N 3]
  output bit[T2 N 2 1 3]
  output f32[N 2]
}
function f(s: bit[T3 N 2 1 2], x: f32[N 3]) {
  %0 = chip "c" %s %x label="here"
  %1 = chip "c" %s %x
  return a = %0.0, b = %0.1, c = %1.1
}
`

// FuzzRun: a function that parses runs or gives an error, and so does its gradient; nothing panics.
func FuzzRun(f *testing.F) {
	text, err := os.ReadFile("../graph/testdata/every.txt")
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
	f.Add(chipText)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := graph.Parse(text)
		if err != nil {
			return
		}
		env := &interp.Env{N: 2, Inputs: map[string]interp.Value{}, Variables: map[string]interp.Value{}, Random: where,
			Host: func(string) float64 { return 0.5 }, Opaque: &opaquetest.Any{}, Chips: opaquetest.AnyChip{}}
		for _, v := range m.Variables {
			if v.Type.Size() > 500 {
				return
			}
			env.Variables[v.Name] = interp.NewValue(v.Type, 1)
		}
		for _, g := range m.Functions {
			if !small(g) {
				continue
			}
			for _, n := range g.Inputs {
				v := interp.NewValue(n.Out[0], 2)
				for i := range v.Data {
					v.Data[i] = float64(i % 2)
				}
				env.Inputs[n.Text("name")] = v
			}
			for _, base := range []*interp.Base{nil, {Record: true}, {}} {
				env.Base = base
				_, _ = interp.Run(g, env)
			}
			env.Base = nil
			for _, o := range g.Outputs {
				if o.Value.Type().DType == graph.State {
					continue
				}
				b := graph.NewBuilder("gradient", graph.ModuleEnv{Module: m})
				in := make([]graph.Value, len(g.Inputs))
				for i, n := range g.Inputs {
					in[i] = b.Input(n.Text("name"), n.Out[0])
				}
				y := b.Inline(g, in, nil)[0]
				if b.Err() != nil {
					break // it gives a state
				}
				loss := b.Reduce("sum", b.Scale(y, 1), graph.AllAxes(y.Type())...)
				for _, d := range graph.Gradient(b, loss, in) {
					b.Output("d", d)
				}
				if d, err := b.Finish(); err == nil && small(d) {
					_, _ = interp.Run(d, env)
				}
				break
			}
		}
	})
}
