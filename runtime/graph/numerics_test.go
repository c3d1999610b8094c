package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// emit runs an equation for one element over a sequence.
func emit(t *testing.T, e *graph.Equation, x []float64, params ...float64) []float64 {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	in := []graph.Value{b.Input("x0", graph.Type{Steps: len(x)})}
	for _, p := range params {
		in = append(in, b.Const(p))
	}
	b.Output("y", b.Equation(graph.OpEquation, e, nil, in...)[0])
	v := interp.Value{Type: graph.Type{Steps: len(x)}, N: 1, Data: x}
	return runGraph(t, finish(t, b), map[string]interp.Value{"x0": v}, nil)["y"].Data
}

func repeated(v float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// TestNeuronsByHand compares spike trains with ones computed by hand. None of the sums that decide lies on a threshold
// unless it is exact in binary.
func TestNeuronsByHand(t *testing.T) {
	d := atan(2)
	for _, c := range []struct {
		name   string
		e      *graph.Equation
		x      float64
		steps  int
		params []float64
		want   string
	}{
		// h = 0.75, 1.125: a spike at every second step.
		{"leaky", leaky(d, reset{}), 1.5, 6, []float64{2, 1}, "[0 1 0 1 0 1]"},
		// The membrane saturates at x: below 1 it is silent for ever.
		{"leaky below", leaky(d, reset{}), 0.99, 200, []float64{2, 1}, fmt.Sprint(repeated(0, 200))},
		// 0.6, 0.9, 1.05.
		{"leaky above", leaky(d, reset{}), 1.2, 6, []float64{2, 1}, "[0 0 1 0 0 1]"},
		// 0.4, 0.8, 1.2 and again from 0.
		{"summing", summing(d, reset{}), 0.4, 9, []float64{1, 1}, "[0 0 1 0 0 1 0 0 1]"},
		// Soft reset keeps the rest: 0.375, 0.75, 1.125 -> 0.125, 0.5, 0.875, 1.25 -> 0.25, 0.625, 1 -> 0.
		{"summing soft", summing(d, reset{soft: true}), 0.375, 8, []float64{1, 1}, "[0 0 1 0 0 1 0 1]"},
		// u = 0.15625, 0.1953125, which is not above itself, 0.205078125; then the spike takes all but x.
		{"gated leak", gatedLeak(d, reset{}), 0.15625, 4, []float64{0.25, 0.1953125}, "[0 0 1 0]"},
		// Held for two steps after each spike: 0.6, 1.08; hold, hold; from 0 again.
		{"refractory", refractory(d), 0.6, 8, []float64{1}, "[0 1 0 0 0 1 0 0]"},
	} {
		if got := fmt.Sprint(emit(t, c.e, repeated(c.x, c.steps), c.params...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// near wants got within a few roundings of want, each being a sum of n positive terms below 1/epsilon.
func near(t *testing.T, what string, got, want float64, n int) {
	t.Helper()
	if math.Abs(got-want) > 4*epsilon*float64(n)*math.Abs(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestReadOut: with an input of 1 the membrane is (1 - decay^T) / (1 - decay), 4.8593 at T = 16 and 2.952 at T = 4.
func TestReadOut(t *testing.T) {
	for _, steps := range []int{4, 16} {
		y := emit(t, membrane(), repeated(1, steps), 0.8)
		near(t, "read-out", y[steps-1], (1-math.Pow(0.8, float64(steps)))/(1-0.8), steps)
	}
}

// TestTrace: with a spike at every step the potential is 1 - 2^-t, exactly.
func TestTrace(t *testing.T) {
	if got := fmt.Sprint(emit(t, trace(), repeated(1, 3), 2)); got != "[0.5 0.75 0.875]" {
		t.Error(got)
	}
}

// TestTTFS: bright is early, and the spike's time gives the grey level back within one.
func TestTTFS(t *testing.T) {
	const steps = 255
	for grey := range 256 {
		y := emit(t, latency(steps), repeated(float64(grey)/255, steps+1))
		at, spikes := -1, 0
		for i, s := range y {
			if s != 0 {
				at = i
				spikes++
			}
		}
		if spikes != 1 || math.Abs(float64(255-at-grey)) > 1 {
			t.Errorf("grey %d: %d spikes, the last at %d", grey, spikes, at)
		}
	}
}

// TestSurrogateIntegrals: each surrogate is the derivative of a step of height 1. The trapezoidal rule over [-L, L] with
// spacing h errs by h^2/12 times the change of slope for kinks (at most 4 kinks of slope alpha^2 <= 16 here: 1e-6 with
// h = 5e-4) and by h/2 times a jump (4 jumps of at most 1: 1e-3); the tail of atan beyond L is 2 / (pi^2 alpha L).
func TestSurrogateIntegrals(t *testing.T) {
	const h, l = 5e-4, 50
	n := int(2*l/h) + 1
	u := make([]float64, n)
	for i := range u {
		u[i] = -l + h*float64(i)
	}
	v := interp.Value{Type: graph.Type{Dims: []int{n}}, N: 1, Data: u}
	for name, c := range map[string]struct {
		d     surrogate
		tail  float64
		bound float64
	}{
		"atan": {atan(2), 4 / (math.Pi * math.Pi * 2 * l), 1e-5}, "sigmoid": {sigmoid(4), 0, 1e-6}, "triangle": {triangle(1), 0, 1e-6},
		"rectangle": {rectangle(1), 0, 1e-3}, "rectangle 0.5": {rectangle(0.5), 0, 2e-3},
	} {
		b := graph.NewBuilder("f", nil)
		b.Output("y", total(b, c.d(b, b.Input("u", v.Type))))
		sum := runGraph(t, finish(t, b), map[string]interp.Value{"u": v}, nil)["y"].Data[0] * h
		if math.Abs(sum+c.tail-1) > c.bound {
			t.Errorf("%s: integral %v", name, sum+c.tail)
		}
	}
}

// TestPrimitiveNetwork replaces the step function by the surrogate's own primitive: then the surrogate's derivative is the
// true one, and the gradient by `spike` with the primitive's potentials equals differences without any base.
func TestPrimitiveNetwork(t *testing.T) {
	primitives := map[string]func(b *graph.Builder, u graph.Value) graph.Value{
		"sigmoid": func(b *graph.Builder, u graph.Value) graph.Value { return b.Op(graph.OpSigmoid, nil, b.Scale(u, 4)) },
		"rectangle": func(b *graph.Builder, u graph.Value) graph.Value {
			return b.Op(graph.OpMax, nil, b.Const(0), b.Op(graph.OpMin, nil, b.Const(1), b.Add(b.Scale(u, 0.5), b.Const(0.5))))
		},
		// (1/pi) arctan(pi u) + 1/2. Eight times arctan z = 2 arctan(z / (1 + sqrt(1 + z^2))) leave |z| < 2^-7, where the series
		// up to z^7 is off by z^9/9 < 2^-66.
		"atan": func(b *graph.Builder, u graph.Value) graph.Value {
			z := b.Scale(u, math.Pi)
			for range 8 {
				z = b.Div(z, b.Add(b.Const(1), b.Op(graph.OpSqrt, nil, b.Add(b.Const(1), b.Mul(z, z)))))
			}
			sq := b.Mul(z, z)
			sum := b.Const(-1.0 / 7)
			for _, c := range []float64{1.0 / 5, -1.0 / 3, 1} {
				sum = b.Add(b.Const(c), b.Mul(sq, sum))
			}
			return b.Add(b.Const(0.5), b.Scale(b.Mul(z, sum), 256/math.Pi))
		},
	}
	surrogates := map[string]surrogate{"sigmoid": sigmoid(4), "rectangle": rectangle(2), "atan": atan(2)}
	r := rand.New(rand.NewPCG(7, 8))
	for name, primitive := range primitives {
		smooth := primitiveLeaky(primitive, nil)
		marked := primitiveLeaky(primitive, surrogates[name])
		types := []graph.Type{graph.Signal(4, 3), {Dims: []int{3}}}
		values := []interp.Value{random(r, types[0], 0, 2), random(r, types[1], 0.6, 1.2)}
		p := problem{name: name, types: types, values: values, f: func(b *graph.Builder, in []graph.Value) graph.Value {
			return b.Equation(graph.OpEquation, smooth, nil, in...)[0]
		}}
		p.checkGradient(t, r, false, full)
		// The same gradient through the surrogate, formula by formula.
		q := make(map[string][]float64)
		for which, e := range map[string]*graph.Equation{"smooth": smooth, "marked": marked} {
			b := graph.NewBuilder("f", nil)
			in := inputs(b, types)
			g := graph.Gradient(b, total(b, b.Equation(graph.OpEquation, e, nil, in...)[0]), in[:1])
			b.Output("g", g[0])
			q[which] = runGraph(t, finish(t, b), names(values), nil)["g"].Data
		}
		for i := range q["smooth"] {
			// Both are sums over at most 4 steps of products of some 20 factors below 4.
			if a, b := q["smooth"][i], q["marked"][i]; math.Abs(a-b) > 1e-12*(1+math.Abs(a)) {
				t.Errorf("%s: element %d: %v through the primitive, %v through the surrogate", name, i, a, b)
			}
		}
	}
}

// primitiveLeaky is a leaky neuron that emits the primitive of its surrogate instead of a spike. With d it computes the
// derivative of the primitive by `spike` alone: primitive + (spike - stop(spike)) with the primitive's own gradient stopped.
func primitiveLeaky(primitive func(b *graph.Builder, u graph.Value) graph.Value, d surrogate) *graph.Equation {
	s := newStep("primitive", x1, []string{"threshold"}, state("v", 0))
	h := s.Add(s.v["v"], s.Scale(s.Sub(s.v["x"], s.v["v"]), 0.5))
	u := s.Sub(h, s.v["threshold"])
	out := primitive(s.Builder, u)
	if d != nil {
		fired := s.Op(graph.OpSpike, nil, h, s.v["threshold"], d(s.Builder, u))
		out = s.Add(s.Stop(out), s.Sub(fired, s.Stop(fired)))
	}
	return s.end(out, s.Mul(h, s.Sub(s.Const(1), out)))
}

// TestMMD: the term mean (trace of p - trace of q)^2 is 0 for equal trains, and its gradients have opposite signs.
func TestMMD(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	kind := graph.Signal(6, 4)
	p, q := random(r, kind, 0, 1), random(r, kind, 0, 1)
	b := graph.NewBuilder("f", nil)
	in := inputs(b, []graph.Type{kind, kind})
	trail := func(v graph.Value) graph.Value { return b.Equation(graph.OpEquation, trace(), nil, v, b.Const(2))[0] }
	d := b.Sub(trail(in[0]), trail(in[1]))
	loss := b.Mean(b.Mul(d, d))
	b.Output("loss", loss)
	for i, g := range graph.Gradient(b, loss, in) {
		b.Output(fmt.Sprint("g", i), g)
	}
	g := finish(t, b)
	if loss := runGraph(t, g, names([]interp.Value{p, p}), nil)["loss"].Data[0]; loss != 0 {
		t.Errorf("of equal trains: %v", loss)
	}
	res := runGraph(t, g, names([]interp.Value{p, q}), nil)
	some := false
	for i, a := range res["g0"].Data {
		if a != -res["g1"].Data[i] {
			t.Errorf("gradients %v and %v at %d", a, res["g1"].Data[i], i)
		}
		some = some || a != 0
	}
	if !some || res["loss"].Data[0] <= 0 {
		t.Errorf("no gradient at all; loss %v", res["loss"].Data[0])
	}
	g0 := problem{"mmd", []graph.Type{kind, kind}, []interp.Value{p, q}, func(b *graph.Builder, in []graph.Value) graph.Value {
		trail := func(v graph.Value) graph.Value { return b.Equation(graph.OpEquation, trace(), nil, v, b.Const(2))[0] }
		d := b.Sub(trail(in[0]), trail(in[1]))
		return b.Mean(b.Mul(d, d))
	}}
	g0.checkLoss(t, r)
}
