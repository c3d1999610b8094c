package vqvae_test

import (
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// The gradient of a whole training step is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate, and every choice of a code and every stop keeps its value, so that what
// passes a choice is the features plus a constant.
func TestWholeNetworkGradient(t *testing.T) {
	m := fromFile(t, "testdata/small.snn")
	g, moved, err := m.linker.Step(m.p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	const examples = 2
	image := interp.NewValue(g.Input("image").Out[0], examples)
	for i := range image.Data {
		image.Data[i] = draw("image", false, 0, uint64(i)) - 0.5
	}
	env := &interp.Env{N: examples, Variables: start(m.linker), Inputs: map[string]interp.Value{"image": image}, Host: func(string) float64 { return 0.3 }}
	for i := range env.Variables["codebook"].Data { // near the features, so that several are chosen
		env.Variables["codebook"].Data[i] = 1.2 * draw("codebook", false, 0, uint64(i))
	}
	parameters := 0
	for _, v := range m.linker.Variables() {
		if v.Kind == graph.Parameter {
			parameters++
		}
		if v.Kind == graph.Parameter && v.Init.Kind == "constant" && v.Init.A == 1 { // twice the usual gain, or hardly a neuron fires
			for i := range env.Variables[v.Name].Data {
				env.Variables[v.Name].Data[i] = 2
			}
		}
	}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	if p := res.Outputs["perplexity"].Data[0]; p < 2 {
		t.Fatalf("the perplexity of the codes is %v: hardly a choice", p)
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
	if len(moved) != parameters || !slices.Contains(moved, "codebook") {
		t.Errorf("%v are moved, the model has %d parameters", moved, parameters)
	}
	const h = 1e-6
	for _, name := range moved {
		x, gradient := env.Variables[name].Data, res.Outputs[program.Grad+name].Data
		for _, i := range slices.Compact([]int{len(x) / 2, len(x) - 1}) {
			was := x[i]
			x[i] = was - h
			low := at()
			x[i] = was + h
			high := at()
			x[i] = was
			// Rounding gives 1e-16 / h, the third derivative of a normalisation up to 1e-5 of the value.
			if want := (high - low) / (2 * h); math.Abs(gradient[i]-want) > 1e-8+1e-5*math.Abs(want) {
				t.Errorf("derivative by %s[%d] is %v, finite differences give %v", name, i, gradient[i], want)
			}
		}
	}
}
