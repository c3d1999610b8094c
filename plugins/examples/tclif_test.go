package examples_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// The two-compartment neuron spikes as equations 8 to 10 of its paper say, written out here: neuron by neuron and step by step, for
// random currents and each of several settings of its parameters.
func TestTCLIFEquations(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("tclif", "tclif.snn"))
	if err != nil {
		t.Fatal(err)
	}
	const steps, n = 200, 7
	draw := rand.New(rand.NewPCG(1, 2))
	for _, p := range []struct {
		args                     string
		c1, c2, gamma, threshold float64
	}{
		{"", 0, 0, 0.5, 1},
		{"c1 = -1, c2 = 1.5", -1, 1.5, 0.5, 1},
		{"c1 = 0.7, c2 = -0.4, gamma = 0.2, threshold = 0.6", 0.7, -0.4, 0.2, 0.6},
	} {
		spec := "snn 1\n" + string(text) + "network f(x: signal[1]) -> spikes[1] { return x -> tclif(" + p.args + ") }\n"
		file, found := dsl.Parse("tclif", []byte(spec))
		checked, more := check.Check(file, check.Options{Catalogue: &check.Catalogue{}})
		if found = append(found, more...); found.HasErrors() {
			t.Fatal(found[0].Summary)
		}
		m, found := lower.Network(checked.Networks[0], steps)
		if found.HasErrors() {
			t.Fatal(found[0].Summary)
		}
		x := interp.Value{Type: graph.Signal(steps, 1), N: n, Data: make([]float64, steps*n)}
		for i := range x.Data {
			x.Data[i] = 0.8 * draw.NormFloat64()
		}
		eval := m.Function("eval")
		variables := map[string]interp.Value{}
		for _, v := range m.Variables {
			variables[v.Name] = interp.Value{Type: v.Type, Data: []float64{v.Init.A}}
		}
		r, err := interp.Run(eval, &interp.Env{N: n, Inputs: map[string]interp.Value{"x": x}, Variables: variables})
		if err != nil {
			t.Fatal(err)
		}
		got := r.Outputs[eval.Outputs[0].Name].Data
		fired := 0
		for i := range n {
			beta1, beta2 := -1/(1+math.Exp(-p.c1)), 1/(1+math.Exp(-p.c2))
			var dendrite, soma, spike float64
			for s := range steps {
				dendrite = dendrite + beta1*soma + x.Data[s*n+i] - p.gamma*spike // (8)
				soma = soma + beta2*dendrite - p.threshold*spike                 // (9)
				spike = 0
				if soma >= p.threshold { // (10)
					spike = 1
					fired++
				}
				if got[s*n+i] != spike {
					t.Fatalf("tclif(%s), neuron %d, step %d: %v, want %v of a soma at %v", p.args, i, s, got[s*n+i], spike, soma)
				}
			}
		}
		if fired < steps*n/20 || fired > steps*n*19/20 {
			t.Errorf("tclif(%s): %d of %d are spikes, which tells little", p.args, fired, steps*n)
		}
	}
}
