package main

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// Current flows in from step first on, up to last.
const steps, first, last = 100, 10, 80

// response is a neuron and what it gets.
type response struct {
	neuron  string // as a spec writes it
	state   string // that is drawn; of a neuron that gives a signal, that is
	current float64
	wire    string // what it gives
}

// responses are the built-in neurons, with time constants and currents that let them fire a few times.
func responses() []response {
	return []response{
		{"iaf", "v", 0.15, "spikes"},
		{"lif(tau = 10 steps)", "v", 1.5, "spikes"},
		{"plif(leak = -2.2)", "v", 1.5, "spikes"},
		{"iterative_lif(decay = 0.9, threshold = 1)", "v", 0.2, "spikes"},
		{"klif(k = 1.05, tau = 10 steps)", "v", 1, "spikes"},
		{"glif(keep = 2.2, leak_gate = 2, fall = 1)", "v", 0.15, "spikes"},
		{"alif(tau = 10 steps, tau_a = 50 steps)", "v", 2.5, "spikes"},
		{"cubalif(current_decay = 0.8, voltage_decay = 0.9)", "v", 0.03, "spikes"},
		{"synaptic(alpha = 0.8, beta = 0.9)", "v", 0.04, "spikes"},
		{"alpha(alpha = 0.9, beta = 0.7)", "rise", 0.3, "spikes"},
		{"qif(tau = 10 steps)", "v", 0.4, "spikes"},
		{"eif(tau = 10 steps)", "v", 1, "spikes"},
		{"adex(tau = 10 steps, tau_w = 50 steps)", "v", 1.5, "spikes"},
		{"izhikevich(millisecond = 1 step)", "v", 10, "spikes"},
		{"resonate(tau = 20 steps, period = 12 steps)", "v", 0.45, "spikes"},
		{"once", "v", 0.05, "times"},
		{"psp(tau = 10 steps)", "p", 1, "signal"},
	}
}

// trace runs a neuron step by step: what it gives, and the state that is drawn, after the step.
func (r response) trace() (out, state []float64, err error) {
	text := fmt.Sprintf("snn 1\nnetwork f(x: signal[1]) -> %s[1] { return x -> %s }\n", r.wire, r.neuron)
	file, found := dsl.Parse(r.neuron, []byte(text))
	spec, more := check.Check(file, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Equations}})
	if found = append(found, more...); found.HasErrors() {
		return nil, nil, fmt.Errorf("check %s: %s", r.neuron, found[0].Summary)
	}
	m, found := lower.Network(spec.Networks[0], steps)
	if found.HasErrors() {
		return nil, nil, fmt.Errorf("lower %s: %s", r.neuron, found[0].Summary)
	}
	e := m.Equations[0]
	b := graph.NewBuilder("f", nil)
	params := map[string]graph.Value{}
	for _, v := range m.Variables {
		params[v.Name[strings.LastIndexByte(v.Name, '.')+1:]] = b.Const(v.Init.A)
	}
	var given, states []graph.Value
	for _, name := range e.Params {
		given = append(given, params[name])
	}
	drawn := -1
	for i, s := range e.States {
		states = append(states, b.Const(s.Start))
		if s.Name == r.state {
			drawn = i
		}
	}
	for t := range steps {
		current := 0.0
		if first <= t && t < last {
			current = r.current
		}
		in := slices.Concat([]graph.Value{b.Const(current)}, given, states)
		y := b.Equation(graph.OpEquation, e, graph.Attrs{"steps": 1, "state": true}, in...)
		if b.Err() != nil {
			break
		}
		states = y[1:]
		b.Output(fmt.Sprint("y", t), y[0])
		if drawn >= 0 {
			y[0] = states[drawn]
		}
		b.Output(fmt.Sprint("v", t), y[0])
	}
	g, err := b.Finish()
	if err != nil {
		return nil, nil, fmt.Errorf("build %s: %w", r.neuron, err)
	}
	result, err := interp.Run(g, &interp.Env{N: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("run %s: %w", r.neuron, err)
	}
	for t := range steps {
		out = append(out, result.Outputs[fmt.Sprint("y", t)].Data[0])
		state = append(state, result.Outputs[fmt.Sprint("v", t)].Data[0])
	}
	return out, state, nil
}

// gallery draws all responses as an SVG.
func gallery() ([]byte, error) {
	const (
		columns, wide, tall    = 3, 300, 130
		left, top, bottom, end = 14, 26, 18, 10
	)
	all := responses()
	rows := (len(all) + columns - 1) / columns
	var w bytes.Buffer
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="10">`+"\n", columns*wide, rows*tall+20)
	fmt.Fprintf(&w, `<rect width="%d" height="%d" fill="white"/>`+"\n", columns*wide, rows*tall+20)
	for i, r := range all {
		out, state, err := r.trace()
		if err != nil {
			return nil, err
		}
		x0, y0 := float64(i%columns*wide+left), float64(i/columns*tall+top)
		width, height := float64(wide-left-end), float64(tall-top-bottom)
		at := func(t int) float64 { return x0 + width*float64(t)/(steps-1) }
		low, high := state[0], state[0]
		for _, v := range state {
			low, high = min(low, v), max(high, v)
		}
		spread := max(high-low, 1e-9)
		fmt.Fprintf(&w, `<text x="%.0f" y="%.0f">%s, current %v</text>`+"\n", x0, y0-12, html.EscapeString(r.neuron), r.current)
		fmt.Fprintf(&w, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#eef1f4"/>`+"\n", at(first), y0, at(last-1)-at(first), height)
		var line []string
		for t, v := range state {
			line = append(line, fmt.Sprintf("%.1f,%.1f", at(t), y0+height*(1-(v-low)/spread)))
		}
		fmt.Fprintf(&w, `<polyline points="%s" fill="none" stroke="#3b6ea5"/>`+"\n", strings.Join(line, " "))
		if r.wire == "signal" {
			continue
		}
		for t, s := range out {
			if s == 1 {
				fmt.Fprintf(&w, `<path d="M%.1f %.1fv-6" stroke="#d1495b" stroke-width="1.5"/>`, at(t), y0-1)
			}
		}
		fmt.Fprintln(&w)
	}
	fmt.Fprintf(&w, `<text x="%d" y="%d">Line: potential after each of %d steps (of alpha, its rising part). Marks: spikes. Grey: current flows in.</text>`+"\n</svg>\n", left, rows*tall+12, steps)
	return w.Bytes(), nil
}
