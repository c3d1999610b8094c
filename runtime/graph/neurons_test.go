package graph_test

import (
	"math"

	"snnc.dev/snnc/runtime/graph"
)

// surrogate builds the derivative of a spike by u.
type surrogate func(b *graph.Builder, u graph.Value) graph.Value

// The surrogates of Neftci et al. 2019 and the papers they cite; each integrates to 1.

// atan is (alpha/2) / (1 + (pi alpha u / 2)^2).
func atan(alpha float64) surrogate {
	return func(b *graph.Builder, u graph.Value) graph.Value {
		z := b.Scale(u, math.Pi*alpha/2)
		return b.Div(b.Const(alpha/2), b.Add(b.Const(1), b.Mul(z, z)))
	}
}

// sigmoid is alpha q (1 - q) with q = 1 / (1 + e^(-alpha u)).
func sigmoid(alpha float64) surrogate {
	return func(b *graph.Builder, u graph.Value) graph.Value {
		q := b.Op(graph.OpSigmoid, nil, b.Scale(u, alpha))
		return b.Scale(b.Mul(q, b.Sub(b.Const(1), q)), alpha)
	}
}

// rectangle is 1/width where |u| < width/2.
func rectangle(width float64) surrogate {
	return func(b *graph.Builder, u graph.Value) graph.Value {
		inside := b.Op(graph.OpLess, nil, b.Op(graph.OpAbs, nil, u), b.Const(width/2))
		return b.Op(graph.OpWhere, nil, inside, b.Const(1/width), b.Const(0))
	}
}

// triangle is max(0, alpha - alpha^2 |u|).
func triangle(alpha float64) surrogate {
	return func(b *graph.Builder, u graph.Value) graph.Value {
		return b.Op(graph.OpMax, nil, b.Const(0), b.Sub(b.Const(alpha), b.Scale(b.Op(graph.OpAbs, nil, u), alpha*alpha)))
	}
}

// reset is what happens after a spike.
type reset struct {
	soft   bool // v -= threshold instead of v = 0
	detach bool // no gradient through the spike that resets
}

// step is an equation under construction.
type step struct {
	*graph.Builder
	e *graph.Equation
	v map[string]graph.Value
}

func newStep(name string, inputs, params []string, states ...graph.EquationState) *step {
	s := &step{graph.NewBuilder("step", nil), &graph.Equation{Name: name, Inputs: inputs, Params: params, States: states}, map[string]graph.Value{}}
	all := append(append([]string{}, inputs...), params...)
	for _, st := range states {
		all = append(all, st.Name)
	}
	for _, n := range all {
		s.v[n] = s.Input(n, graph.Scalar())
	}
	return s
}

// spike adds the firing condition left >= right (or > if strict).
func (s *step) spike(left, right graph.Value, d surrogate, strict bool) graph.Value {
	s.e.Spikes = true
	return s.Op(graph.OpSpike, graph.Attrs{"strict": strict}, left, right, d(s.Builder, s.Sub(left, right)))
}

// after resets a membrane h that fired.
func (s *step) after(h, fired, threshold graph.Value, r reset) graph.Value {
	if r.detach {
		fired = s.Stop(fired)
	}
	if r.soft {
		return s.Sub(h, s.Mul(threshold, fired))
	}
	return s.Mul(h, s.Sub(s.Const(1), fired))
}

// end gives the equation, which emits a value and goes on with the next states in order.
func (s *step) end(emit graph.Value, next ...graph.Value) *graph.Equation {
	s.Output("emit", emit)
	for i, v := range next {
		s.Output(s.e.States[i].Name, v)
	}
	g, err := s.Finish()
	if err != nil {
		panic(err)
	}
	s.e.Step = g
	if err := s.e.Verify(); err != nil {
		panic(err)
	}
	return s.e
}

func state(name string, start float64) graph.EquationState {
	return graph.EquationState{Name: name, Start: start}
}

var x1 = []string{"x"}

// leaky is v' = (x - v)/tau by forward Euler, spike when v >= threshold.
func leaky(d surrogate, r reset) *graph.Equation {
	s := newStep("leaky", x1, []string{"tau", "threshold"}, state("v", 0))
	x, v, threshold := s.v["x"], s.v["v"], s.v["threshold"]
	h := s.Add(v, s.Div(s.Sub(x, v), s.v["tau"]))
	fired := s.spike(h, threshold, d, false)
	return s.end(fired, s.after(h, fired, threshold, r))
}

// summing is v + gain x, spike when v >= threshold.
func summing(d surrogate, r reset) *graph.Equation {
	s := newStep("summing", x1, []string{"gain", "threshold"}, state("v", 0))
	threshold := s.v["threshold"]
	h := s.Add(s.v["v"], s.Mul(s.v["gain"], s.v["x"]))
	fired := s.spike(h, threshold, d, false)
	return s.end(fired, s.after(h, fired, threshold, r))
}

// gatedLeak is u = decay u (1 - s) + x, spike s when u > threshold (Wu et al. 2019).
func gatedLeak(d surrogate, r reset) *graph.Equation {
	s := newStep("gated-leak", x1, []string{"decay", "threshold"}, state("u", 0), state("s", 0))
	before := s.v["s"]
	if r.detach {
		before = s.Stop(before)
	}
	u := s.Add(s.Mul(s.Mul(s.v["decay"], s.v["u"]), s.Sub(s.Const(1), before)), s.v["x"])
	fired := s.spike(u, s.v["threshold"], d, true)
	return s.end(fired, u, s.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, fired))
}

// adaptive has a threshold 1 + beta a that grows with each spike.
func adaptive(d surrogate) *graph.Equation {
	s := newStep("adaptive", x1, []string{"beta"}, state("v", 0.1), state("a", 0))
	v := s.Add(s.v["v"], s.Scale(s.Sub(s.v["x"], s.v["v"]), 0.5))
	a := s.Scale(s.v["a"], 0.9)
	threshold := s.Add(s.Const(0.5), s.Mul(s.v["beta"], a))
	fired := s.spike(v, threshold, d, false)
	return s.end(fired, s.Sub(v, s.Mul(fired, threshold)), s.Add(a, fired))
}

// refractory holds the membrane for two steps after a spike: c counts them down.
func refractory(d surrogate) *graph.Equation {
	s := newStep("refractory", x1, []string{"threshold"}, state("v", 0), state("c", 0))
	free := s.Op(graph.OpLessEq, nil, s.v["c"], s.Const(0))
	v := s.Op(graph.OpWhere, nil, free, s.Add(s.Scale(s.v["v"], 0.8), s.v["x"]), s.v["v"])
	// A membrane that must not fire meets a threshold out of reach, with the surrogate of the true one.
	u := s.Sub(v, s.v["threshold"])
	zero := s.Const(0)
	slope := s.Op(graph.OpWhere, nil, free, d(s.Builder, u), zero)
	fired := s.Op(graph.OpSpike, nil, s.Op(graph.OpWhere, nil, free, u, s.Const(-1)), zero, slope)
	s.e.Spikes = true
	c := s.Op(graph.OpMax, nil, zero, s.Sub(s.v["c"], s.Const(1)))
	return s.end(fired, s.after(v, fired, zero, reset{}), s.Op(graph.OpWhere, nil, fired, s.Const(2), c))
}

// firstSpike fires once, when the sum of its input first exceeds the threshold (S4NN, Kheradpisheh & Masquelier 2020).
func firstSpike(rule *graph.Temporal) *graph.Equation {
	s := newStep("first-spike", x1, []string{"threshold"}, state("v", 0), state("done", 0))
	v := s.Add(s.v["v"], s.v["x"])
	left := s.Op(graph.OpWhere, nil, s.Op(graph.OpEqual, nil, s.v["done"], s.Const(0)), v, s.Sub(s.v["threshold"], s.Const(1)))
	fired := s.spike(left, s.v["threshold"], atan(2), true)
	s.e.Once, s.e.Temporal = true, rule
	return s.end(fired, v, s.Op(graph.OpMax, nil, s.v["done"], fired))
}

// membrane is the read-out v = decay v + x.
func membrane() *graph.Equation {
	s := newStep("sum", x1, []string{"decay"}, state("v", 0))
	v := s.Add(s.Mul(s.v["decay"], s.v["v"]), s.v["x"])
	return s.end(v, v)
}

// trace is the post-synaptic potential p = (1 - 1/tau) p + z/tau.
func trace() *graph.Equation {
	s := newStep("trace", []string{"z"}, []string{"tau"}, state("p", 0))
	p := s.Add(s.Mul(s.Sub(s.Const(1), s.Div(s.Const(1), s.v["tau"])), s.v["p"]), s.Div(s.v["z"], s.v["tau"]))
	return s.end(p, p)
}

// direct hands the same real value on at every step.
func direct() *graph.Equation {
	s := newStep("same", x1, nil)
	return s.end(s.v["x"])
}

// clocked is graded: it uses the step, their number and two inputs.
func clocked() *graph.Equation {
	s := newStep("clocked", []string{"x", "y"}, nil, state("m", 0.5))
	w := s.Div(s.Op(graph.OpTime, nil), s.Op(graph.OpSteps, nil))
	m := s.Op(graph.OpMin, nil, s.Add(s.v["m"], s.Mul(w, s.v["x"])), s.Mul(s.v["y"], s.v["y"]))
	return s.end(s.Op(graph.OpTanh, nil, m), m)
}

// noisy adds normal noise to a leaky membrane.
func noisy(d surrogate) *graph.Equation {
	s := newStep("noisy", x1, []string{"strength"}, state("v", 0))
	z := s.Op(graph.OpNormal, graph.Attrs{"label": "z", "dims": []int{}})
	v := s.Add(s.Scale(s.v["v"], 0.5), s.Add(s.v["x"], s.Mul(s.v["strength"], z)))
	fired := s.spike(v, s.Const(0.5), d, false)
	return s.end(fired, s.Sub(v, fired))
}

// rate is Bernoulli coding: a spike where a uniform number lies below x.
func rate() *graph.Equation {
	s := newStep("rate", x1, nil)
	fired := s.spike(s.v["x"], s.Op(graph.OpUniform, graph.Attrs{"label": "u", "dims": []int{}}), rectangle(2), true)
	return s.end(fired)
}

// latency is time to first spike over 255 levels: bright is early.
func latency(steps int) *graph.Equation {
	s := newStep("latency", x1, nil)
	at := s.Op(graph.OpFloor, nil, s.Add(s.Scale(s.Sub(s.Const(1), s.v["x"]), float64(steps)), s.Const(0.001)))
	fire := s.Op(graph.OpEqual, nil, s.Op(graph.OpTime, nil), at)
	s.e.Spikes, s.e.Once = true, true
	return s.end(s.Op(graph.OpSpike, nil, fire, s.Const(1), s.Const(0)))
}
