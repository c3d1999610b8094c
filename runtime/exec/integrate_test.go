package exec_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// TestIntegrators: what neurons give and their gradients are the interpreter's under every integrator, with parameters that
// are trained per layer, channel and time step and a state that starts at one of them.
func TestIntegrators(t *testing.T) {
	const text = `snn 1
coder now(steps: int = 5, scale: real = 0.75 trainable per step) {
    encode x { output x * scale }
    decode s {
        state v = scale
        v = 0.5 * v + s * scale
        output v
    }
}
neuron pair(leak: real = 0.25 trainable per channel, gain: real = 0.5 trainable per step, at: real = 0.25 trainable) {
    input x
    state v = at, a = 0
    v' = gain * x - leak * v
    a' = x - 0.5 * a
    output v + tanh(a)
}
neuron curved(pace: real = 0.5 trainable) {
    input x
    state v = pace, a = 0.125
    noise e = normal(0, 0.25)
    v' = x - pace * v * v + 0.25 * a + e
    a' = 0.125 * v - a
    output v * a
}
neuron coupled(pace: real = 0.5) {
    input x
    state v = 0, a = 0.5
    v' = x - pace * v - a
    a' = 0.25 * v - pace * a
    output v - a
}
network f(x: real[3, 4, 4]) -> real[3, 4, 4] { return x -> encode(now) -> NEURON(integrate = METHOD) -> decode(now) }
`
	for _, neuron := range []string{"pair", "curved", "coupled"} {
		for _, method := range []string{"euler", "exact", "exponential", "rk2", "rk4"} {
			if neuron == "curved" && method == "exact" {
				continue
			}
			t.Run(neuron+" "+method, func(t *testing.T) {
				text := strings.NewReplacer("NEURON", neuron, "METHOD", method).Replace(text)
				f, found := dsl.Parse("test", []byte(text))
				plugin := builtin.Plugin()
				s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: plugin.Components()}})
				if found = append(found, more...); found.HasErrors() {
					t.Fatal(found)
				}
				m, bad := lower.Network(s.Networks[0], 0)
				if bad.HasErrors() {
					t.Fatal(bad)
				}
				b := graph.NewBuilder("g", graph.ModuleEnv{Module: m})
				x := b.Input("x", graph.Real(3, 4, 4))
				w := &world{n: 3, seed: 5, variables: map[string]interp.Value{}}
				wrt := []graph.Value{x}
				for _, v := range m.Variables {
					value := interp.NewValue(v.Type, 1)
					for i := range value.Data {
						value.Data[i] = v.Init.A + float64(i)/16
					}
					w.variables[v.Name] = value
				}
				reads := map[string]graph.Value{}
				y := b.Inline(m.Function("train"), []graph.Value{x}, func(n *graph.Node, _ []graph.Value) []graph.Value {
					name := n.Text("var")
					if n.Op != graph.OpRead {
						return nil
					}
					if _, read := reads[name]; !read {
						reads[name] = b.Op(graph.OpRead, n.Attrs)
						wrt = append(wrt, reads[name])
					}
					return []graph.Value{reads[name]}
				})[0]
				b.Output("y", y)
				loss := b.Mean(b.Mul(y, y))
				for i, g := range graph.Gradient(b, loss, wrt) {
					b.Output("d"+strconv.Itoa(i), g)
				}
				g, err := b.Finish()
				if err != nil {
					t.Fatal(err)
				}
				w.inputs = filled(rand.New(rand.NewPCG(1, 2)), g, 3, 3).inputs
				scale(w, 1.0/16) // greater ones blow explicit methods up
				// Some hundred operations on float32 follow each other in 5 steps there and back.
				w.same(t, g, ulps(64))
			})
		}
	}
}
