package builtin_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// coding is a coder at work on one example of n values.
type coding struct {
	t             testing.TB
	spikes, whole *graph.Module // of x to its spikes, and to what they are decoded to
	n             int
}

// code prepares `NAME(ARGS)` for n values.
func code(t testing.TB, coder, wire string, n int) *coding {
	t.Helper()
	return &coding{t, module(t, fmt.Sprintf("network f(x: real[%d]) -> %s[%d] { return x -> encode(%s) }", n, wire, n, coder), 0),
		module(t, fmt.Sprintf("coder c = %s\nnetwork f(x: real[%d]) -> real[%d] { return x -> encode(c) -> decode(c) }", coder, n, n), 0), n}
}

// run returns the result of a module; random numbers are those of a seed.
func (c *coding) run(m *graph.Module, x []float64) []float64 {
	c.t.Helper()
	r := map[uint64]*rand.Rand{}
	res, err := interp.Run(m.Function("eval"), &interp.Env{N: 1,
		Inputs: map[string]interp.Value{"x": {Type: m.Function("eval").Inputs[0].Out[0], N: 1, Data: x}},
		Random: func(_ string, _ bool, _, element uint64) float64 { // the same for the same element, whatever the module
			if r[element] == nil {
				r[element] = rand.New(rand.NewPCG(element, 7))
			}
			return r[element].Float64()
		}})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, v := range res.Outputs {
		return v.Data
	}
	return nil
}

// one returns the spikes of one value and what they are decoded to.
func (c *coding) one(x float64) (spikes []float64, y float64) {
	return c.run(c.spikes, []float64{x}), c.run(c.whole, []float64{x})[0]
}

// Phase code spikes as SpikingJelly's encoder does, and values come back, rounded down to 2^-period.
func TestPhase(t *testing.T) {
	var want struct {
		Phase struct {
			X      []float64
			Spikes [][]float64
		}
	}
	vectors(t, &want)
	c := code(t, "phase(steps = 12, period = 6)", "spikes", len(want.Phase.X))
	got := c.run(c.spikes, want.Phase.X)
	for step, list := range want.Phase.Spikes {
		for i, s := range list {
			if got[step*c.n+i] != s {
				t.Errorf("step %d of %v is %v, want %v", step, want.Phase.X[i], got[step*c.n+i], s)
			}
		}
	}
	whole := code(t, "phase(steps = 16, period = 8)", "spikes", 1)
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0, 1-1./256).Draw(t, "x")
		if _, y := whole.one(x); y != math.Floor(x*256)/256 {
			t.Fatalf("%v comes back as %v", x, y)
		}
	})
	if _, y := whole.one(1); y != 255./256 {
		t.Errorf("1 comes back as %v", y)
	}
}

// Latency code spikes once, in the step that snnTorch's time falls into; what comes back has the same time, and darkness is silent.
func TestLatency(t *testing.T) {
	var want struct{ Latency struct{ X, Times []float64 } }
	vectors(t, &want)
	c := code(t, "latency(steps = 16, tau = 5 steps, threshold = 0.2)", "spikes", 1)
	for i, x := range want.Latency.X {
		spikes, y := c.one(x)
		step := math.Floor(want.Latency.Times[i])
		for k, s := range spikes {
			if (s == 1) != (float64(k) == step) {
				t.Errorf("%v gives %v in step %d, and its time is %v", x, s, k, want.Latency.Times[i])
			}
		}
		if again := math.Floor(5 * math.Log(y/(y-0.2))); step < 16 && again != step {
			t.Errorf("%v in step %v comes back as %v, which is of step %v", x, step, y, again)
		}
	}
	for _, x := range []float64{0, 0.1, 0.2, 0.2 + 1e-9} {
		if _, y := c.one(x); y != 0 {
			t.Errorf("%v comes back as %v", x, y)
		}
	}
}

// A burst has ceil(most x) spikes, the more the closer together; its count says x to within 1 / most, and multiples of that exactly.
func TestBurst(t *testing.T) {
	c := code(t, "burst(steps = 20, most = 5, shortest = 1, longest = 4)", "spikes", 1)
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0, 1).Draw(t, "x")
		spikes, y := c.one(x)
		if y < x-0.001 || y >= x+1./5 {
			t.Fatalf("%v comes back as %v", x, y)
		}
		last, gaps := -1, map[int]bool{}
		for k, s := range spikes {
			if s == 0 {
				continue
			}
			if last >= 0 {
				gaps[k-last] = true
			} else if k != 0 {
				t.Fatalf("%v begins in step %d", x, k)
			}
			last = k
		}
		for gap := range gaps {
			if want := math.Ceil(4 - 3*x - 0.001); len(gaps) > 1 || float64(gap) != want {
				t.Fatalf("%v has gaps %v, want %v", x, gaps, want)
			}
		}
	})
	for k := range 6 {
		if _, y := c.one(float64(float32(k) / 5)); y != float64(k)/5 {
			t.Errorf("%d fifths come back as %v", k, y)
		}
	}
}

// Delta modulation follows a value as far as its steps reach, and stays within one of them.
func TestDelta(t *testing.T) {
	c := code(t, "delta(steps = 20, size = 0.125, start = 0.5)", "spikes", 1)
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0.5-20*0.125, 0.5+20*0.125).Draw(t, "x")
		if _, y := c.one(x); math.Abs(y-x) > 0.125 {
			t.Fatalf("%v comes back as %v", x, y)
		}
	})
	if _, y := c.one(100); y != 3 { // 20 steps up
		t.Errorf("100 comes back as %v", y)
	}
}

// Poisson spikes have the probability of one event or more, each step by itself, and the decoded rates scatter about the value. Bounds
// are five standard deviations.
func TestPoisson(t *testing.T) {
	const n, steps = 500, 40
	c := code(t, fmt.Sprintf("poisson(steps = %d, interval = 2 steps)", steps), "spikes", n)
	for _, rate := range []float64{0, 0.3, 1, 2.5} {
		x := make([]float64, n)
		for i := range x {
			x[i] = rate
		}
		spikes, y := c.run(c.spikes, x), c.run(c.whole, x)
		p := 1 - math.Exp(-rate/2)
		var sum, pairs, mean float64
		for i, s := range spikes {
			sum += s
			if i >= n {
				pairs += s * spikes[i-n]
			}
		}
		const all = n * steps
		if math.Abs(sum/all-p) > 5*math.Sqrt(p*(1-p)/all) {
			t.Errorf("rate %v: a share of %v, want %v", rate, sum/all, p)
		}
		if math.Abs(pairs/(all-n)-p*p) > 5*math.Sqrt(p*p*(1+2*p)/(all-n)) { // neighbours overlap in one step, which makes 1 + 2p of 1
			t.Errorf("rate %v: a share of %v twice in a row, want %v", rate, pairs/(all-n), p*p)
		}
		for i, v := range y {
			count := 0.0
			for k := range steps {
				count += spikes[k*n+i]
			}
			if want := -2 * math.Log(max(steps-count, 0.5)/steps); math.Abs(v-want) > 1e-12 {
				t.Fatalf("%v spikes are decoded to %v, want %v", count, v, want)
			}
			mean += v / n
		}
		// The delta method: a standard deviation of interval sqrt(p / (1 - p) / steps) for one value, half its square as bias.
		spread := 2 * math.Sqrt(p/(1-p)/steps)
		if math.Abs(mean-rate) > 5*spread/math.Sqrt(n)+spread*spread/2 {
			t.Errorf("rate %v is decoded to %v on average", rate, mean)
		}
	}
}

func vectors(t *testing.T, to any) {
	t.Helper()
	data, err := os.ReadFile("testdata/coders.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}
