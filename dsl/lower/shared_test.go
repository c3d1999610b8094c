package lower_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// A network that is used as a layer is read twice and declared once; its statistics go from use to use, its random numbers do
// not. Behind "roles" stands who fills which role of a model: what their networks share is one variable.
func TestShared(t *testing.T) {
	goldens(t, "shared.txtar", func(name, text string) string {
		s := spec(t, name, text)
		words := strings.Fields(name)
		if words[0] != "roles" {
			m := network(t, s, "f", 3)
			return strings.TrimPrefix(m.Print(), "graph 1\n") + titles("", m)
		}
		var roles []check.Role
		modules := map[string]*graph.Module{}
		for _, w := range words[1:] {
			path, fills, _ := strings.Cut(w, "=")
			i := slices.IndexFunc(s.Networks, func(n *check.Network) bool { return n.Name == fills })
			roles = append(roles, check.Role{Path: path, Network: s.Networks[i]})
			modules[path] = network(t, s, fills, 3)
		}
		lower.Share(roles, modules)
		var w strings.Builder
		for _, r := range roles {
			w.WriteString(titles(r.Path+".", modules[r.Path]))
			verified(t, modules[r.Path])
		}
		return w.String()
	})
}

func titles(role string, m *graph.Module) string {
	var w strings.Builder
	for _, v := range m.Variables {
		fmt.Fprintf(&w, "# %s%s is %s", role, v.Name, v.Title)
		if v.Of != "" {
			fmt.Fprintf(&w, ", the same as %s", v.Of)
		}
		w.WriteByte('\n')
	}
	return w.String()
}

// derived is the sum of the squares of what a network gives for one example, and its derivatives by the variables.
func derived(t interface{ Fatal(...any) }, m *graph.Module, inputs, variables map[string]interp.Value) (float64, map[string][]float64) {
	f := m.Function(program.TrainFunction)
	role := program.Role{Name: "net", Kind: "network", Out: []graph.Type{f.Outputs[0].Value.Type()}}
	for _, in := range f.Inputs {
		role.In = append(role.In, in.Out[0])
	}
	p := &program.Program{Roles: []program.Role{role}}
	b := graph.NewBuilder("step", p.Env())
	var in []graph.Value
	for _, x := range f.Inputs {
		in = append(in, b.Input(x.Text("name"), x.Out[0]))
	}
	y := b.Op(graph.OpApply, graph.Attrs{"role": "net", "mode": program.TrainFunction}, in...)
	b.Output("loss", b.Reduce("sum", b.Mul(y, y), graph.AllAxes(y.Type())...))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p.Functions = append(p.Functions, g)
	l, err := program.NewLinker(p, map[string]*graph.Module{"net": m})
	if err != nil {
		t.Fatal(err)
	}
	step, moved, err := l.Step(program.Step{Function: "step", Moves: []string{"net"}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(step, &interp.Env{N: 1, Inputs: inputs, Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	grads := map[string][]float64{}
	for _, name := range moved {
		grads[name] = res.Outputs[program.Grad+name].Data
	}
	return res.Outputs["loss"].Data[0], grads
}

// pair uses trunk twice, as a network or as a block; the second use sees what the first gives.
const pair = `
%s trunk(x%s { return x -> linear(3) -> tanh }
network f(x: real[3], y: real[3]) -> real[3] { return (x -> trunk) * (y -> trunk -> trunk) }
`

// The derivative by a shared weight is the sum of those by the weights of three blocks that start alike, and what finite
// differences give.
func TestSharedGradient(t *testing.T) {
	network1 := network(t, spec(t, "network", fmt.Sprintf(pair, "network", ": real[3]) -> real[3]")), "f", 1)
	blocks := network(t, spec(t, "block", fmt.Sprintf(pair, "block", ")")), "f", 1)
	if len(network1.Variables) != 2 || len(blocks.Variables) != 6 {
		t.Fatalf("%d shared and %d own variables", len(network1.Variables), len(blocks.Variables))
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, typ graph.Type) interp.Value {
			n := typ.Size()
			return interp.Value{Type: typ, N: 1, Data: rapid.SliceOfN(rapid.Float64Range(-1, 1), n, n).Draw(t, name)}
		}
		inputs := map[string]interp.Value{"x": draw("x", graph.Real(3)), "y": draw("y", graph.Real(3))}
		one, three := map[string]interp.Value{}, map[string]interp.Value{}
		part := func(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
		for _, v := range network1.Variables {
			one["net."+v.Name] = draw(v.Name, v.Type)
			for _, w := range blocks.Variables {
				if part(w.Name) == part(v.Name) {
					three["net."+w.Name] = one["net."+v.Name]
				}
			}
		}
		loss, got := derived(t, network1, inputs, one)
		twin, parts := derived(t, blocks, inputs, three)
		if loss != twin {
			t.Fatalf("the network gives %v, the blocks %v", loss, twin)
		}
		for name, g := range got {
			sum := make([]float64, len(g))
			for other, d := range parts {
				if part(other) == part(name) {
					for i, v := range d {
						sum[i] += v
					}
				}
			}
			for i := range g {
				// Some fifty operations on numbers below 10 in another order.
				if !(math.Abs(g[i]-sum[i]) <= 1e-13) {
					t.Fatalf("%s: %v, the blocks add up to %v", name, g, sum)
				}
				// The error of a central difference is h^2/6 times a third derivative, below 10^4 here, and the rounding of a
				// loss below 10, 1e-15, over h.
				const h = 1e-5
				at := one[name].Data
				x := at[i]
				at[i] = x + h
				up, _ := derived(t, network1, inputs, one)
				at[i] = x - h
				down, _ := derived(t, network1, inputs, one)
				at[i] = x
				if d := (up - down) / 2 / h; !(math.Abs(g[i]-d) <= 1e-6) {
					t.Fatalf("%s[%d]: %v, finite differences give %v", name, i, g[i], d)
				}
			}
		}
	})
}

// A trained parameter of a neuron or coder keeps the range of its declaration, in steps.
func TestRanges(t *testing.T) {
	m := network(t, spec(t, "x.snn", `param dt: time = 2 ms
neuron learned(leak: real = 0.5 in 0..1 trainable per step, tau: time = 8 ms in 4 ms..20 ms trainable, gain: real = 1 trainable) {
    input x
    state v = 0
    v = gain * x + (v - v / tau) * leak
    spike when v >= 1
}
coder three = direct(3)
coder weigh(gain: real = 1 in -1..2 trainable) {
    decode s {
        output gain * s
    }
}
network f(x: real[1]) -> real[1] { return x -> encode(three) -> learned -> decode(weigh) }
`), "f", 3)
	got := map[string]graph.Range{}
	for _, v := range m.Variables {
		got[v.Name] = v.Range
	}
	want := map[string]graph.Range{"2.leak": {High: 1}, "2.tau": {Low: 2, High: 10}, "2.gain": {}, "3.gain": {Low: -1, High: 2}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ranges (-want +got):\n%s", d)
	}
}
