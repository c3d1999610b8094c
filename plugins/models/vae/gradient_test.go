package vae_test

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// The gradient of a whole fully spiking autoencoder, convolutions, normalisation over time, surrogates, prefix passes, picks
// and scheduled sampling together, is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate, and every comparison, pick and stop keeps its value.
func TestWholeNetworkGradient(t *testing.T) {
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := fromSpec(t, string(text))
	g, moved, err := m.linker.Step(m.p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	const examples = 3
	env := &interp.Env{N: examples, Variables: start(m.linker), Random: draw, Host: func(string) float64 { return 0.5 },
		Inputs: map[string]interp.Value{"image": images(g.Input("image").Out[0], examples)}}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := m.linker.Function("step")
	if err != nil {
		t.Fatal(err)
	}
	env.Base = &interp.Base{Record: true}
	at := func() float64 {
		r, err := interp.Run(loss, env)
		if err != nil {
			t.Fatal(err)
		}
		return r.Outputs["total"].Data[0]
	}
	if a, b := at(), res.Outputs["total"].Data[0]; a != b {
		t.Fatalf("the loss is %v alone and %v beside its gradient", a, b)
	}
	env.Base.Record = false
	if len(moved) != m.tensors() {
		t.Errorf("%d tensors are moved, the networks have %d", len(moved), m.tensors())
	}
	const h = 1e-6
	still := []string{}
	for _, name := range moved {
		x, gradient := env.Variables[name].Data, res.Outputs[program.Grad+name].Data
		if !slices.ContainsFunc(gradient, func(v float64) bool { return math.Abs(v) > 1e-9 }) {
			still = append(still, name)
		}
		for _, i := range slices.Compact([]int{0, len(x) / 2, len(x) - 1}) {
			was := x[i]
			x[i] = was - h
			low := at()
			x[i] = was + h
			high := at()
			x[i] = was
			// Rounding gives 1e-16 / h, the third derivative of a normalisation whose input hardly varies up to 1e-5 of the value.
			if want := (high - low) / (2 * h); math.Abs(gradient[i]-want) > 1e-8+1e-5*math.Abs(want) {
				t.Errorf("derivative by %s[%d] is %v, finite differences give %v", name, i, gradient[i], want)
			}
		}
	}
	// A bias right before a normalisation has no derivative: these are, and no others.
	if want := m.normalisedBiases(); !slices.Equal(still, want) {
		t.Errorf("no derivative by %v, want none by %v", still, want)
	}
}

// tensors counts the parameters of the networks.
func (m model) tensors() int {
	n := 0
	for _, v := range m.linker.Variables() {
		if v.Kind == graph.Parameter {
			n++
		}
	}
	return n
}

// normalisedBiases are the biases of the layers that a normalisation follows.
func (m model) normalisedBiases() []string {
	var out []string
	vars := m.linker.Variables()
	for i, v := range vars {
		// weight, bias, and then the normalisation's own weight, bias, running mean and running variance
		if strings.HasSuffix(v.Name, ".bias") && i+3 < len(vars) && strings.HasSuffix(vars[i+3].Name, ".running_mean") {
			out = append(out, v.Name)
		}
	}
	return out
}

// In eval mode an example does not see the batch around it: what the model makes of several at once is what it makes of each
// alone, and in another order.
func TestBatchesAreIndependent(t *testing.T) {
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := fromSpec(t, string(text))
	variables := start(m.linker)
	for name := range variables { // running statistics that differ from the batch's
		for i := range variables[name].Data {
			variables[name].Data[i] += 0.05 * float64(i%3)
		}
	}
	const examples = 4
	for _, export := range []string{"encode", "reconstruct"} {
		g, err := m.linker.Function(m.p.Export(export).Name)
		if err != nil {
			t.Fatal(err)
		}
		all := images(g.Input("image").Out[0], examples)
		size := all.Type.Size()
		run := func(which ...int) interp.Value {
			x := interp.NewValue(all.Type, len(which))
			for i, e := range which {
				copy(x.Data[i*size:(i+1)*size], all.Data[e*size:])
			}
			res, err := interp.Run(g, &interp.Env{N: len(which), Variables: variables, Inputs: map[string]interp.Value{"image": x},
				Random: func(label string, normal bool, index, element uint64) float64 {
					return draw(label, normal, uint64(which[index]), element)
				}})
			if err != nil {
				t.Fatal(err)
			}
			return res.Outputs[g.Outputs[0].Name]
		}
		whole := run(0, 1, 2, 3)
		// of returns the part of a result that belongs to its e-th example.
		of := func(v interp.Value, e int) []float64 {
			var out []float64
			size := v.Type.Size()
			for t := range max(1, v.Type.Steps) {
				out = append(out, v.Data[(t*v.N+e)*size:(t*v.N+e+1)*size]...)
			}
			return out
		}
		moved := run(2, 0, 3, 1)
		for i, e := range []int{2, 0, 3, 1} {
			if !slices.Equal(of(moved, i), of(whole, e)) || !slices.Equal(of(run(e), 0), of(whole, e)) {
				t.Errorf("%s: example %d depends on its batch", export, e)
			}
		}
	}
}
