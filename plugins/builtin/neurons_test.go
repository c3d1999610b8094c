package builtin_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// checked checks a spec with the built-in neurons and coders.
func checked(t testing.TB, text string) *check.Spec {
	t.Helper()
	f, found := dsl.Parse("a.snn", []byte("snn 1\n"+text+"\n"))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Equations}})
	if found = append(found, more...); found.HasErrors() {
		var w strings.Builder
		if err := found.Text(&w, s.Sources, false); err != nil {
			t.Fatal(err)
		}
		t.Fatal(w.String())
	}
	return s
}

// module lowers the one network of a spec at a number of time steps.
func module(t testing.TB, text string, steps int) *graph.Module {
	t.Helper()
	m, found := lower.Network(checked(t, text).Networks[0], steps)
	if found.HasErrors() {
		t.Fatalf("%v", found)
	}
	return m
}

// starting returns the variables of a module with what they begin at.
func starting(t testing.TB, m *graph.Module) map[string]interp.Value {
	t.Helper()
	out := map[string]interp.Value{}
	for _, v := range m.Variables {
		if v.Init.Kind != "constant" {
			t.Fatalf("%s begins at %+v", v.Name, v.Init)
		}
		x := interp.NewValue(v.Type, 1)
		for i := range x.Data {
			x.Data[i] = v.Init.A
		}
		out[v.Name] = x
	}
	return out
}

// derived runs a module on x [T N C], and returns its result and the derivative of the sum of that, times weights, by x.
func derived(t testing.TB, m *graph.Module, n int, x, weight []float64) (y, dx []float64) {
	t.Helper()
	f := m.Function("train")
	b := graph.NewBuilder("f", graph.ModuleEnv{Module: m})
	in := b.Input("x", f.Inputs[0].Out[0])
	out := b.Inline(f, []graph.Value{in}, nil)[0]
	w := b.Input("weight", out.Type().With(graph.F32))
	b.Output("y", out)
	b.Output("dx", graph.Gradient(b, b.Reduce("sum", b.Mul(w, out), graph.AllAxes(out.Type())...), []graph.Value{in})[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &interp.Env{N: n, Variables: starting(t, m), Inputs: map[string]interp.Value{
		"x": {Type: in.Type(), N: n, Data: x}, "weight": {Type: w.Type(), N: n, Data: weight}}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Outputs["y"].Data, res.Outputs["dx"].Data
}

// The neurons spike where those of SpikingJelly, snnTorch and norse do, and have their gradients through time: spikes depend on the
// state at the threshold only, but a gradient is a product of surrogates of every potential on the way. The file has 15 digits. A
// membrane that grows faster than its input (izhikevich, qif) makes more of the last digit, by less than 1e5 in 24 steps.
func TestNeurons(t *testing.T) {
	data, err := os.ReadFile("testdata/neurons.json")
	if err != nil {
		t.Fatal(err)
	}
	type tensor struct {
		Shape []int
		Data  []float64
	}
	var cases []struct {
		Neuron           string
		X, Y, Weight, DX tensor
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		name, _, _ := strings.Cut(c.Neuron, "(")
		seen[name] = true
		steps, n, width := c.X.Shape[0], c.X.Shape[1], c.X.Shape[2]
		wire := map[string]string{"once": "times", "psp": "signal"}[name]
		if wire == "" {
			wire = "spikes"
		}
		m := module(t, fmt.Sprintf("network f(x: signal[%d]) -> %s[%d] { return x -> %s }", width, wire, width, c.Neuron), steps)
		y, dx := derived(t, m, n, c.X.Data, c.Weight.Data)
		largest := 1e-3
		for _, v := range c.DX.Data {
			largest = max(largest, math.Abs(v))
		}
		for i := range c.Y.Data {
			if math.Abs(y[i]-c.Y.Data[i]) > 1e-12 {
				t.Errorf("%s: step %d gives %v, want %v", c.Neuron, i/(n*width), y[i], c.Y.Data[i])
				break
			}
			if !(math.Abs(dx[i]-c.DX.Data[i]) <= 1e-9*largest) {
				t.Errorf("%s: the derivative at step %d is %v, want %v", c.Neuron, i/(n*width), dx[i], c.DX.Data[i])
				break
			}
		}
	}
	for _, c := range builtin.Plugin().Equations {
		if c.Kind == schema.Neuron && !seen[c.Name] && c.Name != "plif" && c.Name != "iterative_lif" { // compared in package graph
			t.Errorf("neuron %s is compared with nothing", c.Name)
		}
	}
}

// A neuron that says what it costs says what its step takes: the operations for its results, without the surrogate's.
func TestCosts(t *testing.T) {
	said := regexp.MustCompile(`Cost: (.*)\.\n`)
	for _, c := range builtin.Plugin().Equations {
		m := said.FindStringSubmatch(c.Doc)
		if c.Kind != schema.Neuron || m == nil {
			continue
		}
		wire := map[string]string{"once": "times", "psp": "signal"}[c.Name]
		if wire == "" {
			wire = "spikes"
		}
		e := module(t, fmt.Sprintf("network f(x: signal[2]) -> %s[2] { return x -> %s }", wire, c.Name), 3).Equations[0]
		if got := cost(e); got != m[1] {
			t.Errorf("%s costs %s, and says %s", c.Name, got, m[1])
		}
	}
}

// cost says what one step of one neuron takes.
func cost(e *graph.Equation) string {
	operations := 0
	slow := map[string]int{}
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		in := n.In
		switch n.Op {
		case graph.OpInput, graph.OpConstant, graph.OpCast, graph.OpStop:
		case graph.OpSpike:
			operations++
			in = in[:2] // the third is the surrogate
		case graph.OpExp, graph.OpLog, graph.OpTanh, graph.OpSigmoid, graph.OpSin, graph.OpCos, graph.OpSqrt:
			operations++
			slow[string(n.Op)]++
		default:
			operations++
		}
		for _, v := range in {
			visit(v.Node)
		}
	}
	for _, o := range e.Step.Outputs {
		visit(o.Value.Node)
	}
	plural := func(n int, noun string) string {
		if n != 1 {
			noun += "s"
		}
		return fmt.Sprintf("%d %s", n, noun)
	}
	out := plural(operations, "operation")
	var names []string
	for name := range slow {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		out += map[bool]string{true: " with ", false: " and "}[i == 0] + fmt.Sprintf("%d `%s`", slow[name], name)
	}
	return out + " per neuron and time step, and " + plural(len(e.States), "state")
}
