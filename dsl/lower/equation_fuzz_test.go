package lower_test

import (
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// FuzzEquations: neurons and coders that the checker takes become equations that read back, run two steps and have a gradient,
// or an error; under every integrator. Nothing panics and nothing hangs.
func FuzzEquations(f *testing.F) {
	methods := []string{"euler", "exact", "exponential", "rk2", "rk4"}
	for _, name := range []string{"trains.txtar", "steps.txtar", "recursions.txtar", "refused.txtar"} {
		for _, x := range archive(f, name).Files {
			if strings.HasSuffix(x.Name, ".out") || strings.HasSuffix(x.Name, ".rows") {
				continue
			}
			for i := range methods {
				f.Add(string(x.Data), uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string, method uint8) {
		text = "snn 1\n" + text
		// What a definition uses under its own name gets the integrator as well.
		if name, rest, found := strings.Cut(text, "neuron "); found && strings.Contains(rest, "{") {
			own := strings.FieldsFunc(rest, func(r rune) bool { return r == '(' || r == ' ' || r == '{' })
			if len(own) > 0 {
				text = name + "neuron " + rest + "\nneuron used = " + own[0] + "(integrate = " + methods[int(method)%len(methods)] + ")\n"
			}
		}
		s, _ := checked(t, "fuzz", text)
		for _, n := range s.Neurons {
			if e, err := lower.Neuron(n); err == nil {
				runs(t, text, e)
			}
		}
		for _, c := range s.Coders {
			if c.Definition == nil {
				continue
			}
			if p := c.Definition.Encode; p != nil {
				if e, err := lower.Port(c, p); err == nil {
					runs(t, text, e)
				}
			}
			if p := c.Definition.Decode; p != nil {
				if e, err := lower.Port(c, p); err == nil {
					runs(t, text, e)
				}
			}
		}
		for _, n := range s.Networks {
			if len(n.Layers) < 50 && n.Steps < 50 {
				lower.Network(n, 2)
			}
		}
	})
}

// runs runs an equation and its derivative for two steps.
func runs(t *testing.T, text string, e *graph.Equation) {
	t.Helper()
	if len(e.Step.Nodes) > 5_000 {
		return
	}
	e.Name = "e"
	if _, err := graph.Parse((&graph.Module{Equations: []*graph.Equation{e}}).Print()); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	b := graph.NewBuilder("f", nil)
	env := &interp.Env{N: 1, Inputs: map[string]interp.Value{}, Random: func(string, bool, uint64, uint64) float64 { return 0.5 }}
	var in []graph.Value
	for i, name := range append(append([]string{}, e.Inputs...), e.Params...) {
		typ, data := graph.Signal(2, 1), []float64{0.5, -1}
		if i >= len(e.Inputs) {
			typ, data = graph.Scalar(), []float64{0.25}
		}
		in = append(in, b.Input(name, typ))
		env.Inputs[name] = interp.Value{Type: typ, N: 1, Data: data}
	}
	y := b.Equation(graph.OpEquation, e, graph.Attrs{"label": "l"}, in...)[0]
	b.Output("y", y)
	if !e.Spikes || e.Temporal == nil {
		for i, g := range graph.Gradient(b, b.Reduce("sum", b.Mul(y, b.Const(1)), graph.AllAxes(y.Type())...), in) {
			b.Output("d."+e.Step.Inputs[i].Text("name"), g)
		}
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := interp.Run(g, env); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// FuzzBodies writes bodies that parse, and are mostly right, from the choices that bytes make: these come all the way to a
// gradient.
func FuzzBodies(f *testing.F) {
	f.Add([]byte("\x00"))
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"))
	f.Add([]byte("a body of a neuron, and then some more of it, all the way down to its output"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		w := &writer{choices: choices}
		text := w.neuron()
		s, _ := checked(t, "fuzz", "snn 1\n"+text)
		for _, n := range s.Neurons {
			if e, err := lower.Neuron(n); err == nil {
				runs(t, text, e)
			}
		}
	})
}

// writer writes a neuron; where its choices run out it takes the first.
type writer struct {
	choices []byte
	text    strings.Builder
	spikes  bool
}

func (w *writer) pick(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0]) % n
	w.choices = w.choices[1:]
	return c
}

func (w *writer) of(words ...string) string { return words[w.pick(len(words))] }

// named is the name of the spike, where there is one.
func (w *writer) named() string {
	if w.spikes {
		return "s"
	}
	return "w"
}

func (w *writer) neuron() string {
	b := &w.text
	b.WriteString("neuron n(p: real = " + w.of("0.5", "0", "3", "(-2)", "1e30") + w.of("", " trainable", " trainable per channel") + ", tau: time = 2 steps) {\n    input x, y\n    state v = " +
		w.of("0", "p", "1 / p", "steps", "-p ^ 2") + ", w = 1\n    noise e = normal(0, p)\n    l = x * p\n")
	w.spikes = w.pick(3) > 0
	system := map[string]bool{}
	for range 1 + w.pick(4) {
		state := w.of("v", "w")
		switch w.pick(6) {
		case 0:
			b.WriteString("    " + state + " = " + w.number(4) + "\n")
		case 1:
			b.WriteString("    l = " + w.number(3) + "\n")
		case 2:
			b.WriteString("    w " + w.of("+=", "-=", "*=") + " " + w.number(3) + "\n")
		default:
			if !system[state] {
				b.WriteString("    " + state + "' = " + w.number(3) + "\n")
			}
			system[state] = true
			continue
		}
		clear(system)
	}
	surrogate := ""
	if !w.spikes {
		b.WriteString("    output " + w.number(3) + "\n}\n")
	} else {
		b.WriteString("    spike s when " + w.condition(3) + "\n    on spike { v = " + w.number(2) + w.of("", ", w += s", ", v -= 1") + " }\n" +
			w.of("", "    refractory 2 steps holds v\n", "    refractory tau\n", "    refractory forever holds v, w\n") + "}\n")
		surrogate = w.of("", ", surrogate = temporal", ", surrogate = sigmoid(center = absolute(0))", ", detach_reset = true", ", surrogate = "+w.of("u", "1 / (1 + u ^ 2)", "where(abs(u) < p, tau, 0)"))
	}
	b.WriteString("neuron used = n(integrate = " + w.of("euler", "exact", "exponential", "rk2", "rk4") + surrogate + ")\n")
	return b.String()
}

func (w *writer) number(depth int) string {
	if depth == 0 || len(w.choices) == 0 {
		return w.of("v", "x", "w", "p", "1", "0", "e", "y", "t", "dt", "steps", "tau", "0.25", "1e300", "l", w.named(), "2 steps")
	}
	d := depth - 1
	switch w.pick(9) {
	case 0, 1, 2:
		return "(" + w.number(d) + " " + w.of("+", "-", "*", "/", "^") + " " + w.number(d) + ")"
	case 3:
		return w.of("abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "round", "floor", "stop") + "(" + w.number(d) + ")"
	case 4:
		return w.of("min", "max", "uniform", "normal") + "(" + w.number(d) + ", " + w.number(d) + ")"
	case 5:
		return "clamp(" + w.number(d) + ", " + w.number(d) + ", " + w.number(d) + ")"
	case 6:
		return "where(" + w.condition(d) + ", " + w.number(d) + ", " + w.number(d) + ")"
	case 7:
		return "-" + w.number(d)
	}
	return w.number(0)
}

func (w *writer) condition(depth int) string {
	if depth > 0 && len(w.choices) > 0 {
		switch w.pick(5) {
		case 0:
			return "(" + w.condition(depth-1) + w.of(" and ", " or ") + w.condition(depth-1) + ")"
		case 1:
			return "(not " + w.condition(depth-1) + ")"
		case 2:
			return w.of("bernoulli("+w.number(0)+")", "true", "false", "x")
		}
	}
	return w.number(depth) + " " + w.of(">", ">=", "<", "<=", "==", "!=") + " " + w.number(depth)
}
