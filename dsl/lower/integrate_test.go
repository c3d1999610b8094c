package lower_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// trace runs neuron `n` of a text, used with the given arguments, over an input and returns what it gives, a step each.
// Random numbers are 0.25, or 0.75 where they are normal.
func trace(t testing.TB, text, args string, x ...float64) []float64 {
	t.Helper()
	kind := "signal"
	if strings.Contains(text, "spike") && !strings.Contains(text, "output") {
		kind = "spikes"
	}
	m := network(t, spec(t, "trace", text+"\nnetwork f(x: signal[1]) -> "+kind+"[1] { return x -> n("+args+") }\n"), "f", len(x))
	variables := map[string]interp.Value{}
	for _, v := range m.Variables {
		variables[v.Name] = interp.Value{Type: v.Type, N: 1, Data: []float64{v.Init.A}}
	}
	f := m.Function("eval")
	res, err := interp.Run(f, &interp.Env{N: 1, Variables: variables, Inputs: map[string]interp.Value{"x": {Type: f.Inputs[0].Out[0], N: 1, Data: x}},
		Random: func(_ string, normal bool, _, _ uint64) float64 {
			if normal {
				return 0.75
			}
			return 0.25
		}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Outputs["y"].Data
}

// near fails where got is not want up to a rounding of each of the few operations of a step.
func near(t testing.TB, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-12*math.Max(1, math.Abs(want[i]))) {
			t.Fatalf("%s: step %d gives %v, want %v", what, i, got[i], want[i])
		}
	}
}

// One step of x' = -x from 1 is the stability polynomial of the method at z = -1: 1 + z, 1 + z + z^2/2, and that up to z^4/24
// (Hairer, Norsett and Wanner 1993, section IV.2); exp(z) where the method is exact. Euler is what is used where none is named.
func TestStabilityPolynomials(t *testing.T) {
	const text = "neuron n {\n    input x\n    state v = 1\n    v' = -v\n    output v\n}"
	for args, want := range map[string]float64{"": 0, "integrate = euler": 0, "integrate = rk2": 0.5, "integrate = rk4": 0.375,
		"integrate = exact": math.Exp(-1), "integrate = exponential": math.Exp(-1)} {
		near(t, args, trace(t, text, args, 0, 0), []float64{want, want * want})
	}
}

// rk2 is the midpoint rule: x + f(x + f(x)/2), which Heun's method, x + (f(x) + f(x + f(x)))/2, is not.
func TestMidpoint(t *testing.T) {
	f := func(v float64) float64 { return 0.1 - v*v }
	near(t, "rk2", trace(t, "neuron n {\n    input x\n    state v = 1\n    v' = x - v ^ 2\n    output v\n}", "integrate = rk2", 0.1),
		[]float64{1 + f(1+f(1)/2)})
}

// A leaky membrane is solved exactly: between inputs v decays by exp(-1/tau), and a constant input I is approached as
// I + (v - I) exp(-t/tau) (Gerstner et al. 2014, Neuronal Dynamics, eq. 1.8). The exponential method is exact here as well.
func TestLeakyIsExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tau, rest := rapid.Float64Range(0.5, 200).Draw(r, "tau"), rapid.Float64Range(-1, 1).Draw(r, "rest")
		x := rapid.SliceOfN(rapid.Float64Range(-2, 2), 1, 20).Draw(r, "x")
		text := fmt.Sprintf("neuron n(tau: time = %v steps, rest: real = (%v)) {\n    input x\n    state v = rest\n    v' = (x - (v - rest)) / tau\n    output v\n}", tau, rest)
		v, want := rest, []float64{}
		for _, i := range x {
			v = i + rest + (v-i-rest)*math.Exp(-1/tau)
			want = append(want, v)
		}
		for _, method := range []string{"exact", "exponential"} {
			near(t, method, trace(t, text, "integrate = "+method, x...), want)
		}
	})
}

// Two states that act on each other, against the closed form of a 2x2 exponential: with m half the trace and q^2 = m^2 - det,
// exp(A) = exp(m) (cosh(q) + sinh(q)/q (A - m)), cos and sin where q^2 < 0, and x(1) = exp(A) x + A^-1 (exp(A) - 1) b.
func TestAdaptiveIsExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(name string) float64 { return rapid.Float64Range(-1.5, 1.5).Draw(r, name) }
		a, b, c, d := draw("a"), draw("b"), draw("c"), draw("d")
		det := a*d - b*c
		if math.Abs(det) < 0.05 || math.Abs(b) < 1e-3 || math.Abs(c) < 1e-3 {
			return // the closed form divides by the determinant
		}
		x := rapid.SliceOfN(rapid.Float64Range(-2, 2), 1, 8).Draw(r, "x")
		text := fmt.Sprintf("neuron n(a: real = (%v), b: real = (%v), c: real = (%v), d: real = (%v)) {\n    input x\n    state v = 0.5, w = -0.25\n    v' = a * stop(v) + b * w + x\n    w' = d * w - 0.5 * x + c * v\n    output v\n}", a, b, c, d)
		m := (a + d) / 2
		square := m*m - det
		q := math.Sqrt(math.Abs(square))
		ch, sh := math.Cosh(q), 1.0
		if square < 0 {
			ch = math.Cos(q)
		}
		switch {
		case q == 0:
		case square < 0:
			sh = math.Sin(q) / q
		default:
			sh = math.Sinh(q) / q
		}
		e := math.Exp(m)
		e11, e12, e21, e22 := e*(ch+sh*(a-m)), e*sh*b, e*sh*c, e*(ch+sh*(d-m))
		v, w := 0.5, -0.25
		var want []float64
		for _, i := range x {
			bv, bw := i, -0.5*i
			sv, sw := (e11-1)*bv+e12*bw, e21*bv+(e22-1)*bw
			v, w = e11*v+e12*w+(d*sv-b*sw)/det, e21*v+e22*w+(a*sw-c*sv)/det
			want = append(want, v)
		}
		got := trace(t, text, "integrate = exact", x...)
		for i := range want {
			// The closed form loses what its division by the determinant and the growth of 8 steps magnify.
			if scale := math.Max(1, math.Abs(want[i])) / math.Abs(det); !(math.Abs(got[i]-want[i]) <= 1e-11*scale) {
				t.Fatalf("a = %v %v %v %v: step %d gives %v, want %v", a, b, c, d, i, got[i], want[i])
			}
		}
	})
}

// A matrix without an inverse: position, velocity and a force that is constant over the step.
func TestSingularIsExact(t *testing.T) {
	const text = "neuron n {\n    input x\n    state p = 1, w = 2\n    p' = w\n    w' = x\n    output p\n}"
	near(t, "fall", trace(t, text, "integrate = exact", -1, -1), []float64{1 + 2 - 0.5, 2.5 + 1 - 0.5})
}

// finals runs neuron `n` of a text, used with the given arguments, over an input, and returns its states at the end.
func finals(t testing.TB, text, args string, x ...float64) map[string]float64 {
	t.Helper()
	s := spec(t, "finals", text+"\nneuron used = n("+args+")\n")
	e, err := lower.Neuron(s.Neurons[slices.IndexFunc(s.Neurons, func(n *check.Neuron) bool { return n.Name == "used" })])
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder("f", nil)
	in := []graph.Value{b.Input("x", graph.Signal(len(x)))}
	for _, v := range e.States {
		in = append(in, b.Const(v.Start))
	}
	for i, v := range b.Equation(graph.OpEquation, e, graph.Attrs{"state": true}, in...)[1:] {
		b.Output(e.States[i].Name, v)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &interp.Env{N: 1, Inputs: map[string]interp.Value{"x": {Type: graph.Signal(len(x)), N: 1, Data: x}}})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, v := range res.Outputs {
		out[name] = v.Data[0]
	}
	return out
}

// What is held in refractory steps rests, and the others are advanced with it at rest: a' = v - a goes to the held v = 0.5 as
// 0.5 + (a - 0.5) r per step, where r is exp(-1) or what the method has for it; behind that the pair moves on.
func TestHeldStatesRest(t *testing.T) {
	const text = `neuron n {
    input x
    state v = 0, a = 0
    v' = x - 0.5 * v - 0.25 * a
    a' = v - a
    spike when v >= 0.3
    on spike { v = 0.5, a = 2 }
    refractory 2 steps holds v
}`
	for method, r := range map[string]float64{"euler": 0, "exact": math.Exp(-1), "exponential": math.Exp(-1), "rk2": 0.5, "rk4": 0.375} {
		for held := range 3 {
			x := make([]float64, 1+held)
			x[0] = 1
			got := finals(t, text, "integrate = "+method, x...)
			near(t, fmt.Sprintf("%s, %d steps after a spike", method, held), []float64{got["v"], got["a"]}, []float64{0.5, 0.5 + 1.5*math.Pow(r, float64(held))})
		}
		if got := finals(t, text, "integrate = "+method, 1, 0, 0, 0); got["v"] == 0.5 {
			t.Errorf("%s: v is still held in the third step after a spike", method)
		}
	}
}

// Each method's error falls with the step as its order says: a logistic v' = h v (1 - v), n steps of h = 1/n, against
// 1 / (1 + (1/v0 - 1) exp(-1)), and a predator and prey against steps 64 times as fine by rk4.
func TestOrderOfConvergence(t *testing.T) {
	const logistic = "neuron n(h: real) {\n    input x\n    state v = 0.2\n    v' = h * v * (1 - v)\n    output v\n}"
	const pair = "neuron n(h: real) {\n    input x\n    state v = 1, w = 0.5\n    v' = h * v * (1 - w)\n    w' = h * w * (v - 1.5)\n    output v\n}"
	last := func(text, method string, n int) float64 {
		y := trace(t, text, fmt.Sprintf("h = 1 / %d.0, integrate = %s", n, method), make([]float64, n)...)
		return y[n-1]
	}
	fine := last(pair, "rk4", 1024)
	for method, order := range map[string]float64{"euler": 1, "exponential": 1, "rk2": 2, "rk4": 4} {
		for text, want := range map[string]float64{logistic: 1 / (1 + (1/0.2-1)*math.Exp(-1)), pair: fine} {
			// Where the own state is all that moves, the linearisation is whole and the method of second order.
			order := order
			if method == "exponential" && text == logistic {
				order = 2
			}
			coarse, half := math.Abs(last(text, method, 16)-want), math.Abs(last(text, method, 32)-want)
			// The next term of the error is h = 1/16 of the first times a number near 1.
			if got := math.Log2(coarse / half); !(math.Abs(got-order) < 0.2) {
				t.Errorf("%s: halving the step divides the error by 2^%.3f, want 2^%v", method, got, order)
			}
		}
	}
}

// The exponential method linearises in the own state: v + f (exp(a) - 1) / a with a = df/dv. For every function of the
// language the derivative is that of central differences.
func TestExponentialKnowsAllDerivatives(t *testing.T) {
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	for text, f := range map[string]func(v float64) float64{
		"-v ^ 3":                         func(v float64) float64 { return -v * v * v },
		"2 ^ v":                          func(v float64) float64 { return math.Pow(2, v) },
		"(v + 1) ^ v":                    func(v float64) float64 { return math.Pow(v+1, v) },
		"1 - v * v":                      func(v float64) float64 { return 1 - v*v },
		"v / (1 + v)":                    func(v float64) float64 { return v / (1 + v) },
		"+(1 / v)":                       func(v float64) float64 { return 1 / v },
		"exp(-2 * v)":                    func(v float64) float64 { return math.Exp(-2 * v) },
		"log(v)":                         math.Log,
		"sqrt(v)":                        math.Sqrt,
		"tanh(2 * v)":                    func(v float64) float64 { return math.Tanh(2 * v) },
		"sigmoid(v)":                     sigmoid,
		"sin(v)":                         math.Sin,
		"cos(3 * v)":                     func(v float64) float64 { return math.Cos(3 * v) },
		"abs(v - 2)":                     func(v float64) float64 { return math.Abs(v - 2) },
		"sign(v) * v":                    func(v float64) float64 { return v },
		"floor(v + 3) - round(v) * v":    func(v float64) float64 { return math.Floor(v+3) - math.RoundToEven(v)*v },
		"min(v * v, 2) + max(3 * v, 1)":  func(v float64) float64 { return math.Min(v*v, 2) + math.Max(3*v, 1) },
		"clamp(v, 2 * v, 9 * v)":         func(v float64) float64 { return 2 * v },
		"clamp(5 * v, 0, v ^ 2)":         func(v float64) float64 { return v * v },
		"where(v > 0.5, v * v, -v)":      func(v float64) float64 { return v * v },
		"v * stop(v)":                    func(v float64) float64 { return v * v },
		"normal(v, 2 * v)":               func(v float64) float64 { return v + 0.75*2*v },
		"uniform(v, v * v)":              func(v float64) float64 { return v + 0.25*(v*v-v) },
		"v * where(bernoulli(v), 3, -1)": func(v float64) float64 { return 3 * v },
		"-exp(2 * (v - 1)) + 0 * v":      func(v float64) float64 { return -math.Exp(2 * (v - 1)) },
	} {
		const v, h = 0.7, 1e-5
		a := (f(v+h) - f(v-h)) / (2 * h)
		want := v + f(v)*math.Expm1(a)/a
		got := trace(t, "neuron n {\n    input x\n    state v = 0.7\n    v' = "+text+"\n    output v\n}", "integrate = exponential", 0)[0]
		// Central differences are off by h^2/6 of the third derivative, here below 100, and by a rounding over h.
		if !(math.Abs(got-want) <= 1e-8) {
			t.Errorf("v' = %s: %v, want %v", text, got, want)
		}
	}
}

// A random number in a derivative is drawn once a step and is the same in all stages, and so is what is drawn above it.
func TestOneDrawPerStep(t *testing.T) {
	const text = "neuron n {\n    input x\n    state v = 0\n    noise e = uniform(0, 1)\n    v' = normal(x, 2) + uniform(0, 4) + e\n    output v\n}"
	for _, method := range []string{"euler", "exact", "exponential", "rk2", "rk4"} {
		near(t, method, trace(t, text, "integrate = "+method, 1, -1), []float64{1 + 1.5 + 1 + 0.25, 3.75 - 1 + 1.5 + 1 + 0.25})
	}
	s := spec(t, "draws", text+"\nneuron used = n(integrate = rk4)\n")
	e, err := lower.Neuron(s.Neurons[len(s.Neurons)-1])
	if err != nil {
		t.Fatal(err)
	}
	draws := map[string]int{}
	for _, n := range e.Step.Nodes {
		if n.Op == graph.OpUniform || n.Op == graph.OpNormal {
			draws[n.Text("label")]++
		}
	}
	if len(draws) != 3 || draws["noise1"] != 1 || draws["noise2"] != 1 || draws["noise3"] != 1 {
		t.Errorf("a step draws %v", draws)
	}
}

// A state that is written between derivatives parts them into systems: the second one reads what the first has made.
func TestNeighboursAreOneSystem(t *testing.T) {
	const one = "neuron n {\n    input x\n    state v = 1, w = 0\n    v' = -v\n    w' = v\n    output w\n}"
	const two = "neuron n {\n    input x\n    state v = 1, w = 0\n    v' = -v\n    half = v / 2\n    w' = v + half\n    output w\n}"
	near(t, "one", trace(t, one, "", 0), []float64{1})
	near(t, "one, exactly", trace(t, one, "integrate = exact", 0), []float64{1 - math.Exp(-1)})
	near(t, "two", trace(t, two, "integrate = exact", 0), []float64{1.5 * math.Exp(-1)})
}

// The gradient goes through every integrator: by an input and by trained parameters it is that of central differences, for one
// equation whose coefficient is trained (also at 0, where the exact solution divides by it) and for a trained start.
func TestGradientOfIntegrators(t *testing.T) {
	const text = `neuron n(leak: real = (LEAK) trainable, gain: real = 0.5 trainable per step, at: real = 0.25 trainable) {
    input x
    state v = 2 * at, a = 0
    v' = gain * x - leak * v
    a' = v * 0.25 - 0.5 * a
    v = v + 0.125 * a
    output v * v
}`
	const steps = 3
	for _, method := range []string{"euler", "exact", "exponential", "rk2", "rk4"} {
		for _, leak := range []string{"0", "1e-3", "-0.2", "0.2499", "0.2501", "3"} {
			body := strings.Replace(text, "LEAK", leak, 1)
			if method == "exact" { // there a trained coefficient is one of an equation by itself
				body = strings.Replace(body, "a' = v * 0.25", "a' = 0.25 * x", 1)
			}
			m := network(t, spec(t, "gradient", body+"\ncoder c = direct(steps = 3)\nnetwork f(x: real[1]) -> signal[1] { return x -> encode(c) -> n(integrate = "+method+") }\n"), "f", 0)
			f := m.Function("train")
			b := graph.NewBuilder("g", graph.ModuleEnv{Module: m})
			x := b.Input("x", graph.Real(1))
			var reads, wrt []graph.Value
			for _, v := range m.Variables {
				reads = append(reads, b.Op(graph.OpRead, graph.Attrs{"var": v.Name}))
			}
			y := b.Inline(f, []graph.Value{x}, func(n *graph.Node, _ []graph.Value) []graph.Value {
				i := slices.IndexFunc(m.Variables, func(v graph.Variable) bool { return n.Op == graph.OpRead && v.Name == n.Text("var") })
				if i < 0 {
					return nil
				}
				return reads[i : i+1]
			})[0]
			wrt = append(wrt, x)
			wrt = append(wrt, reads...)
			loss := b.Reduce("sum", y, graph.AllAxes(y.Type())...)
			b.Output("loss", loss)
			names := []string{"x"}
			for i, g := range graph.Gradient(b, loss, wrt) {
				if i > 0 {
					names = append(names, m.Variables[i-1].Name)
				}
				b.Output(names[i], g)
			}
			g, err := b.Finish()
			if err != nil {
				t.Fatal(err)
			}
			at := map[string][]float64{"x": {0.75}}
			for _, v := range m.Variables {
				for range max(1, v.Type.Size()) {
					at[v.Name] = append(at[v.Name], v.Init.A)
				}
			}
			run := func() map[string]interp.Value {
				variables := map[string]interp.Value{}
				for _, v := range m.Variables {
					variables[v.Name] = interp.Value{Type: v.Type, N: 1, Data: at[v.Name]}
				}
				res, err := interp.Run(g, &interp.Env{N: 1, Variables: variables, Inputs: map[string]interp.Value{"x": {Type: graph.Real(1), N: 1, Data: at["x"]}}})
				if err != nil {
					t.Fatal(err)
				}
				return res.Outputs
			}
			got := run()
			if size := len(at["2.gain"]); size != steps {
				t.Fatalf("gain has %d values, want one for each of %d steps: %v", size, steps, names)
			}
			for _, name := range names {
				for i, old := range at[name] {
					const h = 1e-5
					at[name][i] = old + h
					above := run()["loss"].Data[0]
					at[name][i] = old - h
					below := run()["loss"].Data[0]
					at[name][i] = old
					// h^2/6 of a third derivative below 100, and a rounding of the loss over h; near 0 the exact solution is a
					// series, which leaves out 8e-8 of a derivative at a quarter.
					if want, is := (above-below)/(2*h), got[name].Data[i]; !(math.Abs(is-want) <= 1e-7*math.Max(1, math.Abs(want))) {
						t.Errorf("%s, leak %s: derivative by %s[%d] is %v, want %v", method, leak, name, i, is, want)
					}
				}
			}
		}
	}
}
