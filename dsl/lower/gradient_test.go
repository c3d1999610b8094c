package lower_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// gradient returns what function f of a module gives for x[t][n], and the derivative of sum of weight[t][n] y[t][n] by x.
func gradient(t interface{ Fatal(...any) }, m *graph.Module, n int, x, weight []float64) (y, dx []float64) {
	f := m.Function("train")
	b := graph.NewBuilder("f", graph.ModuleEnv{Module: m})
	in := b.Input("x", f.Inputs[0].Out[0])
	out := b.Inline(f, []graph.Value{in}, nil)[0]
	w := b.Input("weight", out.Type().With(graph.F32))
	loss := b.Reduce("sum", b.Mul(w, out), graph.AllAxes(out.Type())...)
	b.Output("y", out)
	b.Output("dx", graph.Gradient(b, loss, []graph.Value{in})[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &interp.Env{N: n, Inputs: map[string]interp.Value{
		"x": {Type: in.Type(), N: n, Data: x}, "weight": {Type: w.Type(), N: n, Data: weight}}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Outputs["y"].Data, res.Outputs["dx"].Data
}

// The derivative of a spike is its surrogate, at any distance u from the threshold; the named ones integrate to 1. The
// derivative by the input of a neuron that fires below its threshold has the other sign, an expression the one it says.
func TestSurrogates(t *testing.T) {
	atan := func(a float64) func(u float64) float64 {
		return func(u float64) float64 { return a / 2 / (1 + math.Pow(math.Pi*a*u/2, 2)) }
	}
	rectangle := func(w float64) func(u float64) float64 {
		return func(u float64) float64 {
			if math.Abs(u) < w/2 {
				return 1 / w
			}
			return 0
		}
	}
	triangle := func(a float64) func(u float64) float64 {
		return func(u float64) float64 { return math.Max(0, a-a*a*math.Abs(u)) }
	}
	sigmoid := func(a float64) func(u float64) float64 {
		return func(u float64) float64 { q := 1 / (1 + math.Exp(-a*u)); return a * q * (1 - q) }
	}
	shift := func(f func(u float64) float64, by float64) func(u float64) float64 {
		return func(u float64) float64 { return f(u + by) }
	}
	const from, step, n = -20.0, 1.0 / 128, 40 * 128
	tail := func(a float64) float64 { return 2 / math.Pi * math.Atan(math.Pi*a*20/2) } // of atan, from -20 to 20
	for _, x := range []struct {
		surrogate string
		want      func(u float64) float64
		integral  float64 // 0: it is not computed
	}{
		{"", atan(2), tail(2)},
		{"atan(3)", atan(3), tail(3)},
		{"rectangle", rectangle(1), 1},
		{"rectangle(width = 0.5)", rectangle(0.5), 1},
		{"triangle", triangle(1), 1},
		{"triangle(alpha = 2)", triangle(2), 1},
		{"sigmoid", sigmoid(4), 1},
		{"sigmoid(alpha = 1)", sigmoid(1), 1},
		{"rectangle(center = 0.25)", shift(rectangle(1), -0.25), 1},
		{"rectangle(width = 1, center = absolute(0))", shift(rectangle(1), 2), 1}, // u = x - 2, so x = u + 2
		{"triangle(center = absolute(0.5))", shift(triangle(1), 1.5), 1},
		{"threshold * exp(-abs(u)) + 0.1 * u", func(u float64) float64 { return 2*math.Exp(-math.Abs(u)) + 0.1*u }, 0},
	} {
		for _, op := range []string{">", "<="} {
			text := "neuron s(threshold: real = 2) {\n    input x\n    spike when x " + op + " threshold\n}\nneuron used = s"
			if x.surrogate != "" {
				text += "(surrogate = " + x.surrogate + ")"
			}
			m := network(t, spec(t, "surrogate", text+"\nnetwork f(x: signal[1]) -> spikes[1] { return x -> used }\n"), "f", 1)
			in, weight := make([]float64, n), make([]float64, n)
			for i := range in {
				in[i], weight[i] = 2+from+(float64(i)+0.5)*step, 1 // no edge of a rectangle or triangle is hit
			}
			y, dx := gradient(t, m, n, in, weight)
			sign, sum := 1.0, 0.0
			if op == "<=" && x.integral != 0 {
				sign = -1
			}
			for i, v := range in {
				if fires := v > 2 == (op == ">"); fires != (y[i] == 1) {
					t.Fatalf("%s: x = %v: spike %v", x.surrogate, v, y[i])
				}
				sum += sign * dx[i] * step
				if want := sign * x.want(v-2); !(math.Abs(dx[i]-want) <= 1e-12) {
					t.Fatalf("surrogate %q, x %s threshold, at u = %v: %v, want %v", x.surrogate, op, v-2, dx[i], want)
				}
			}
			// The midpoint rule is exact for constant and linear pieces and here better than h^2/24 times the change of slope.
			if near := step * step; x.integral != 0 && !(math.Abs(sum-x.integral) <= near) {
				t.Errorf("surrogate %q integrates to %v, want %v", x.surrogate, sum, x.integral)
			}
		}
	}
}

// The derivatives of neurons are the closed recursions, with the reset in them and, detached, without.
func TestRecursions(t *testing.T) {
	const threshold = 0.5
	surrogate := func(u float64) float64 { return 1 / (1 + math.Pow(math.Pi*u, 2)) } // atan, alpha = 2
	// Each gets inputs and the gradients of spikes, runs forward and back, and returns spikes and gradients of inputs; r is 0
	// where the reset is detached.
	iterative := func(x, g []float64, r float64) (s, dx []float64) {
		const tau = 0.25
		n := len(x)
		u, s, dx := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			if u[i] = x[i]; i > 0 {
				u[i] += tau * u[i-1] * (1 - s[i-1])
			}
			if u[i] > threshold {
				s[i] = 1
			}
		}
		next := 0.0
		for i := n - 1; i >= 0; i-- {
			next = (g[i]-tau*u[i]*next*r)*surrogate(u[i]-threshold) + tau*(1-s[i])*next
			dx[i] = next
		}
		return s, dx
	}
	// h = keep v + gain x, then v = 0 or v = h - threshold on a spike.
	reset := func(keep, gain float64, soft bool) func(x, g []float64, r float64) (s, dx []float64) {
		return func(x, g []float64, r float64) (s, dx []float64) {
			n := len(x)
			h, s, dx := make([]float64, n), make([]float64, n), make([]float64, n)
			v := 0.0
			for i := range x {
				if h[i] = keep*v + gain*x[i]; h[i] >= threshold {
					s[i] = 1
				}
				if v = (1 - s[i]) * h[i]; soft {
					v = h[i] - threshold*s[i]
				}
			}
			dv := 0.0
			for i := n - 1; i >= 0; i-- {
				spike, stays := h[i], 1-s[i]
				if soft {
					spike, stays = threshold, 1
				}
				dh := (g[i]-spike*dv*r)*surrogate(h[i]-threshold) + stays*dv
				dx[i], dv = gain*dh, keep*dh
			}
			return s, dx
		}
	}
	recursions := map[string]func(x, g []float64, r float64) (s, dx []float64){
		"iterative": iterative, "hard": reset(0.5, 0.5, false), "soft": reset(0.5, 0.5, true), "integrate": reset(1, 1, false)}
	for _, f := range archive(t, "recursions.txtar").Files {
		for _, detach := range []string{"false", "true"} {
			const steps = 7
			m := network(t, spec(t, f.Name, string(f.Data)+"network f(x: signal[1]) -> spikes[1] { return x -> n(detach_reset = "+detach+") }\n"), "f", steps)
			rapid.Check(t, func(t *rapid.T) {
				numbers := func(name string, low, high float64) []float64 {
					return rapid.SliceOfN(rapid.Float64Range(low, high), steps, steps).Draw(t, name)
				}
				x, g := numbers("x", -0.5, 1.5), numbers("g", -1, 1)
				r := 1.0
				if detach == "true" {
					r = 0
				}
				s, want := recursions[f.Name](x, g, r)
				y, got := gradient(t, m, 1, x, g)
				for i := range want {
					// The two forward passes may round differently, so a membrane at the threshold itself may go either way.
					if s[i] != y[i] {
						return
					}
				}
				for i := range want {
					if !(math.Abs(got[i]-want[i]) <= 1e-12) { // some ten operations on numbers below 10 for each of 7 steps
						t.Fatalf("%s, detach %s: dx = %v, want %v", f.Name, detach, got, want)
					}
				}
			})
		}
	}
}
