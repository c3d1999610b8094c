package absorbing_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// oracle is testdata/small.json: what PyTorch computes in float64 (testdata/small.py).
type oracle struct {
	Examples  int
	Loss      map[string]float64 // by weight
	Hidden    float64
	Gradients map[string][]struct{ Norm, Along float64 } // by weight, in the order of the denoiser's tensors
}

// uniform is the i-th number of a name: SplitMix64 (Steele et al. 2014) of its FNV-1a hash. The oracle computes the same bits.
func uniform(name string, i uint64) float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) * 0x1p-53
}

func random(label string, _ bool, index, element uint64) float64 {
	return uniform(label, index<<32+element)
}

// small is the model of testdata/small.snn with a weight of its loss, and first values of its variables.
func small(t *testing.T, weight string) (*program.Linker, program.Step, map[string]interp.Value) {
	t.Helper()
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := second(t, strings.Replace(string(text), "weight = reweighted", "weight = "+weight, 1))
	variables := map[string]interp.Value{}
	tensors := 0
	for _, v := range m.Linker.Variables() {
		x := interp.NewValue(v.Type, 1)
		variables[v.Name] = x
		centre, spread := 2*v.Init.A, 0.2 // the gain of a normalisation is twice the usual one, or hardly a neuron fires
		switch {
		case v.Init.Kind == "uniform": // a layer: +-1/sqrt(fan in)
			centre, spread = 0, v.Init.B
		case v.Kind != graph.Parameter:
			centre, spread = v.Init.A, 0
		}
		for i := range x.Data {
			x.Data[i] = centre + spread*(2*uniform(fmt.Sprintf("denoiser/%d", tensors), uint64(i))-1)
		}
		if v.Kind == graph.Parameter {
			tensors++
		}
	}
	return m.Linker, m.Program.Stages[0].Steps[0], variables
}

// codes are tokens below 5 in 2 x 2 cells.
func codes(n int) interp.Value {
	h := interp.NewValue(graph.Real(2, 2).With(graph.I32), n)
	for i := range h.Data {
		h.Data[i] = math.Floor(5 * uniform("tokens", uint64(i)))
	}
	return h
}

// One training step, with given weights, tokens, steps and masks, has the losses and gradients that PyTorch finds with the
// published loss, for each of its weights. The bits are those of the bound, whatever is trained.
func TestOracle(t *testing.T) {
	text, err := os.ReadFile("testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var want oracle
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	// Sums of some thousand products in another order differ by far less than 1e-10 of the values.
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-10*math.Abs(want)+1e-13 {
			t.Errorf("%s is %v, PyTorch has %v", what, got, want)
		}
	}
	if len(want.Loss) != 3 {
		t.Fatalf("weights %v", want.Loss)
	}
	for weight, loss := range want.Loss {
		l, step, variables := small(t, weight)
		g, moved, err := l.Step(step)
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(want.Examples)}, Random: random})
		if err != nil {
			t.Fatal(err)
		}
		near(weight, res.Outputs["total"].Data[0], loss)
		near("the bits", res.Outputs["bits"].Data[0], want.Loss["elbo"])
		near("the hidden share", res.Outputs["hidden"].Data[0], want.Hidden)
		if len(moved) != len(want.Gradients[weight]) {
			t.Fatalf("%d tensors are moved, PyTorch has %d", len(moved), len(want.Gradients[weight]))
		}
		for i, name := range moved {
			square, along := 0.0, 0.0
			for j, v := range res.Outputs[program.Grad+name].Data {
				square += v * v
				along += v * (2*uniform("along", uint64(j)) - 1)
			}
			near(weight+": the norm of the gradient by "+name, math.Sqrt(square), want.Gradients[weight][i].Norm)
			near(weight+": a projection of the gradient by "+name, along, want.Gradients[weight][i].Along)
		}
	}
}

// The gradient of the denoiser's training step is that of finite differences of its smoothed twin: the network in which every
// spike is the line through it with the slope of its surrogate, and every mask keeps its value.
func TestGradient(t *testing.T) {
	const examples = 5
	l, step, variables := small(t, "shifted")
	g, moved, err := l.Step(step)
	if err != nil {
		t.Fatal(err)
	}
	env := &interp.Env{N: examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(examples)}, Random: random}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := l.Function("step")
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
	const h = 1e-6
	for _, name := range moved {
		x, gradient := variables[name].Data, res.Outputs[program.Grad+name].Data
		i := len(x) / 2
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

// At step s of S each cell is hidden with probability s / S, and all steps are alike likely (Austin et al. 2021, the absorbing
// schedule 1 / (S - s + 1)).
func TestMaskedShare(t *testing.T) {
	l, _, variables := small(t, "reweighted")
	g, err := l.Function("step")
	if err != nil {
		t.Fatal(err)
	}
	const examples, steps = 150, 4
	run := func(first uint64, s func(u float64) float64) float64 {
		res, err := interp.Run(g, &interp.Env{N: examples, Variables: variables, Inputs: map[string]interp.Value{"codes": codes(examples)},
			Random: func(label string, normal bool, index, element uint64) float64 {
				u := random(label, normal, first+index, element)
				if label == "s" {
					u = s(u)
				}
				return u
			}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs["hidden"].Data[0]
	}
	judge := func(what string, got, want, deviation float64) {
		t.Helper()
		if math.Abs(got-want) > 4*deviation { // once in 16,000 draws
			t.Errorf("%s: a share of %v is hidden, want %v", what, got, want)
		}
	}
	for s := 1; s <= steps; s++ {
		p := float64(s) / steps
		got := run(uint64(s)*examples, func(float64) float64 { return (float64(s) - 0.5) / steps })
		judge(fmt.Sprint("step ", s), got, p, math.Sqrt(p*(1-p)/(4*examples)))
	}
	// The share of an example has the variance of a step's, (S^2 - 1) / (12 S^2), and at most 1/16 of its four cells.
	judge("any step", run(9*examples, func(u float64) float64 { return u }), 5.0/8, math.Sqrt((15.0/192+1.0/16)/examples))
}
