package graph_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// use is a formula of one equation: its first result.
func use(e *graph.Equation, attrs graph.Attrs) formula {
	return func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Equation(graph.OpEquation, e, attrs, in...)[0]
	}
}

func TestEquationDerivatives(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	surrogates := map[string]surrogate{"atan": atan(2), "sigmoid": sigmoid(4), "rectangle": rectangle(2), "triangle": triangle(0.5)}
	x := operand{graph.Signal(4, 2, 2), -0.5, 1.5}
	spikes := operand{graph.Spikes(4, 2, 2), 0, 1}
	untimed := operand{graph.Real(2, 2), -0.5, 1.5}
	one := operand{graph.Scalar(), 0.5, 1}
	channel := operand{graph.Type{Dims: []int{2}}, 0.4, 0.9}
	neuron := operand{graph.Type{Dims: []int{2, 2}}, 0.4, 0.9}
	tau := operand{graph.Type{Dims: []int{2}}, 1.5, 3}
	carried := operand{graph.Real(2, 2), -0.2, 0.3}
	steps := graph.Attrs{"steps": 4}
	last := graph.Attrs{"last": true}
	with := graph.Attrs{"state": true, "last": true}
	type check struct {
		name  string
		e     *graph.Equation
		attrs graph.Attrs
		in    []operand
	}
	checks := []check{
		{"held", direct(), steps, []operand{untimed}},
		{"membrane last", membrane(), last, []operand{x, channel}},
		{"membrane last of spikes", membrane(), last, []operand{spikes, one}},
		{"membrane all", membrane(), nil, []operand{x, neuron}},
		{"membrane of a state", membrane(), with, []operand{x, one, carried}},
		{"trace", trace(), nil, []operand{spikes, tau}},
		{"two inputs", clocked(), nil, []operand{x, channel}},
		{"two inputs, one untimed", clocked(), last, []operand{untimed, {graph.Signal(3), 0.5, 1}}},
		{"no batch", clocked(), nil, []operand{{graph.Type{Steps: 3, Dims: []int{2}}, -1, 1}, one}},
		{"rate", rate(), steps, []operand{{graph.Real(4), 0.2, 0.8}}},
		{"latency", latency(3), steps, []operand{{graph.Real(4), 0.2, 0.8}}},
	}
	for name, d := range surrogates {
		for _, how := range []reset{{}, {detach: true}, {soft: true}, {soft: true, detach: true}} {
			suffix := fmt.Sprintf(" %s %+v", name, how)
			checks = append(checks,
				check{"leaky" + suffix, leaky(d, how), nil, []operand{x, tau, channel}},
				check{"summing" + suffix, summing(d, how), nil, []operand{spikes, neuron, one}},
			)
			if !how.soft {
				checks = append(checks, check{"gated leak" + suffix, gatedLeak(d, how), nil, []operand{x, channel, one}})
			}
		}
		checks = append(checks,
			check{"leaky encodes " + name, leaky(d, reset{}), steps, []operand{untimed, tau, one}},
			check{"leaky carries " + name, leaky(d, reset{}), with, []operand{x, tau, one, carried}},
			check{"adaptive " + name, adaptive(d), nil, []operand{x, channel}},
			check{"refractory " + name, refractory(d), nil, []operand{x, one}},
			check{"noisy " + name, noisy(d), graph.Attrs{"label": "fire"}, []operand{x, one}},
		)
	}
	for _, c := range checks {
		p := problem{name: c.name, f: use(c.e, c.attrs)}
		for _, o := range c.in {
			p.types = append(p.types, o.Type)
			p.values = append(p.values, random(r, o.Type, o.low, o.high))
		}
		p.checkGradient(t, r, false, full)
	}
}

// TestNetworkDerivative goes through two layers of neurons, a norm and a read-out at once.
func TestNetworkDerivative(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	types := []graph.Type{graph.Real(2, 4, 4), {Dims: []int{3, 2, 3, 3}}, {Dims: []int{2, 12}}, {Dims: []int{3}}}
	p := problem{name: "network", types: types, f: func(b *graph.Builder, in []graph.Value) graph.Value {
		h := b.Equation(graph.OpEquation, direct(), graph.Attrs{"steps": 4}, in[0])[0]
		h = b.Op(graph.OpConv, graph.Attrs{"stride": 1, "pad": 1}, h, in[1])
		h = b.Op(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{graph.TimeAxis, graph.BatchAxis, 1, 2}, "epsilon": 1e-2}, h)
		h = b.Equation(graph.OpEquation, leaky(atan(2), reset{}), nil, h, in[3], b.Const(0.3))[0]
		h = b.Op(graph.OpMaxPool, graph.Attrs{"kernel": 2, "stride": 2}, h)
		h = b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, b.Reshape(h, 12), in[2])
		h = b.Equation(graph.OpEquation, summing(triangle(0.5), reset{soft: true}), nil, h, b.Const(1), b.Const(0.7))[0]
		return b.Equation(graph.OpEquation, membrane(), graph.Attrs{"last": true}, h, b.Const(0.8))[0]
	}}
	for _, t := range types {
		p.values = append(p.values, random(r, t, 0.2, 1.2))
	}
	for i := range p.values[3].Data {
		p.values[3].Data[i] += 1 // tau
	}
	p.checkGradient(t, r, false, full)
}

// TestTemporal: the gradient at the first spike goes to the input of every earlier step, or of every step.
func TestTemporal(t *testing.T) {
	// Element 0 of the first example fires at step 2, element 1 never; in the second example both fire at step 0.
	x := interp.Value{Type: graph.Signal(4, 2), N: batch, Data: []float64{
		0.5, 0.1, 2, 2,
		0.5, 0.1, 0, 0,
		0.5, 0.1, 0, 0,
		0.5, 0.1, 0, 0,
	}}
	dy := interp.Value{Type: graph.Signal(4, 2), N: batch, Data: []float64{
		9, 9, 6, 8,
		9, 9, 9, 9,
		3, 9, 9, 9,
		9, -4, 9, 9,
	}}
	for _, c := range []struct {
		rule graph.Temporal
		want []float64
	}{
		{graph.Temporal{}, []float64{3, -4, 0, 0, 3, -4, 0, 0, 0, -4, 0, 0, 0, 0, 0, 0}},
		{graph.Temporal{Open: true}, []float64{3, -4, 6, 8, 3, -4, 6, 8, 3, -4, 6, 8, 3, -4, 6, 8}},
		{graph.Temporal{Normalize: true}, []float64{.6, -.8, 0, 0, .6, -.8, 0, 0, 0, -.8, 0, 0, 0, 0, 0, 0}},
		{graph.Temporal{Open: true, Normalize: true}, []float64{.6, -.8, .6, .8, .6, -.8, .6, .8, .6, -.8, .6, .8, .6, -.8, .6, .8}},
	} {
		b := graph.NewBuilder("f", nil)
		in := inputs(b, []graph.Type{x.Type, dy.Type})
		s := b.Equation(graph.OpEquation, firstSpike(&c.rule), nil, in[0], b.Const(1))[0]
		g := graph.Gradient(b, total(b, b.Mul(s, in[1])), in[:1])
		b.Output("s", s)
		b.Output("g", g[0])
		got := runGraph(t, finish(t, b), names([]interp.Value{x, dy}), nil)
		if s := fmt.Sprint(got["s"].Data); s != "[0 0 1 1 0 0 0 0 1 0 0 0 0 0 0 0]" {
			t.Errorf("spikes %s", s)
		}
		for i, want := range c.want {
			if d := got["g"].Data[i] - want; d > 1e-15 || d < -1e-15 {
				t.Errorf("%+v: gradient %v, want %v", c.rule, got["g"].Data, c.want)
				break
			}
		}
	}
}

// TestTemporalOfSilence: where all gradients are zero there is nothing to divide.
func TestTemporalOfSilence(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	in := inputs(b, []graph.Type{graph.Signal(3, 2)})
	s := b.Equation(graph.OpEquation, firstSpike(&graph.Temporal{Normalize: true}), nil, in[0], b.Const(1))[0]
	b.Output("g", graph.Gradient(b, total(b, b.Scale(s, 0)), in)[0])
	got := runGraph(t, finish(t, b), names([]interp.Value{interp.NewValue(graph.Signal(3, 2), batch)}), nil)
	for _, v := range got["g"].Data {
		if v != 0 {
			t.Fatalf("gradient %v", got["g"].Data)
		}
	}
}

// TestBackwardIsAGraph: the derivative of a step has the inputs and outputs that Backward promises, and verifies.
func TestBackwardIsAGraph(t *testing.T) {
	g, err := leaky(atan(2), reset{}).Backward()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(nil); err != nil {
		t.Fatal(err)
	}
	var in, out []string
	for i, n := range g.Inputs {
		if g.Nodes[i] != n {
			t.Errorf("input %d is not node %d", i, i)
		}
		in = append(in, n.Text("name"))
	}
	for _, o := range g.Outputs {
		out = append(out, o.Name)
	}
	if got := strings.Join(in, " ") + " -> " + strings.Join(out, " "); got != "x tau threshold v d.emit d.v -> d.x d.tau d.threshold d.v" {
		t.Error(got)
	}
}
