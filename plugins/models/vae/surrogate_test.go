package vae_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// The derivative of every surrogate, as a spec asks for it and the compiler writes it down, is that of its primitive, which
// rises from 0 to 1: so its integral is 1.
func TestSurrogates(t *testing.T) {
	const threshold = 0.75
	clip := func(x float64) float64 { return math.Min(math.Max(x, 0), 1) }
	triangle := func(alpha float64) func(u float64) float64 { // the integral of max(0, alpha - alpha^2 |u|)
		return func(u float64) float64 {
			x := math.Max(-1, math.Min(1, alpha*u))
			return 0.5 + x - x*math.Abs(x)/2
		}
	}
	for _, x := range []struct {
		surrogate string
		primitive func(u float64) float64 // of u = potential - threshold
	}{
		{"atan(alpha = 2)", func(u float64) float64 { return math.Atan(math.Pi*u)/math.Pi + 0.5 }},
		{"atan(alpha = 5)", func(u float64) float64 { return math.Atan(math.Pi*5*u/2)/math.Pi + 0.5 }},
		{"rectangle(width = 1)", func(u float64) float64 { return clip(u + 0.5) }},
		{"rectangle(width = 0.5, center = 0.25)", func(u float64) float64 { return clip((u-0.25)/0.5 + 0.5) }},
		{"rectangle(width = 1, center = absolute(0))", func(u float64) float64 { return clip(u + threshold + 0.5) }},
		{"triangle(alpha = 1)", triangle(1)},
		{"triangle(alpha = 2)", triangle(2)},
		{"sigmoid(alpha = 4)", func(u float64) float64 { return 1 / (1 + math.Exp(-4*u)) }},
	} {
		text := "snn 1\nneuron n = step(surrogate = " + x.surrogate + ")\nneuron step(threshold: real = 0.75) {\n    input x\n    spike when x >= threshold\n}\n"
		f, found := dsl.Parse("test.snn", []byte(text))
		spec, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Components()}})
		if found = append(found, more...); found.HasErrors() {
			t.Fatal(found)
		}
		e, err := lower.Neuron(spec.Neurons[0])
		if err != nil {
			t.Fatal(err)
		}
		// Midpoints over -8..8; a jump of the derivative, at most 2 high, costs that much times the step.
		const half, step = 8 * 512, 1.0 / 512
		b := graph.NewBuilder("f", nil)
		in := b.Input("x", graph.Signal(1, 2*half))
		y := b.Equation(graph.OpEquation, e, graph.Attrs{}, in)[0]
		b.Output("d", graph.Gradient(b, b.Reduce("sum", y, graph.AllAxes(y.Type())...), []graph.Value{in})[0])
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		at := interp.NewValue(graph.Signal(1, 2*half), 1)
		for i := range at.Data {
			at.Data[i] = threshold + (float64(i-half)+0.5)*step
		}
		res, err := interp.Run(g, &interp.Env{N: 1, Inputs: map[string]interp.Value{"x": at}})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, d := range res.Outputs["d"].Data {
			sum += d * step
			u := float64(i-half+1) * step
			if want := x.primitive(u) - x.primitive(-8); math.Abs(sum-want) > 2*step {
				t.Fatalf("%s: the integral up to u = %v is %v, the primitive %v", x.surrogate, u, sum, want)
			}
		}
		if whole := sum + x.primitive(-8) + 1 - x.primitive(8); math.Abs(whole-1) > 2*step {
			t.Errorf("%s: the integral is %v", x.surrogate, whole)
		}
	}
}
