package gan_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// toySpec is a conditional GAN of few numbers, with a loss to be filled in.
const toySpec = `snn 1
data d = optdigits(size = 4, range = 0..1)
network draw(z: real[3], y: real[10]) -> real[1, 4, 4] { return concat(z, y) -> linear(8) -> tanh -> linear(16) -> sigmoid -> reshape(1, 4, 4) }
network judge(image: real[1, 4, 4], y: step) -> real[1] {
    h = image -> conv(2, kernel = 3) -> leaky_relu(0.2) -> avgpool(2)
    return concat(h -> flatten, y -> embedding(2, count = 10)) -> linear(5) -> swish -> linear(1)
}
model m = gan(generator = draw, discriminator = judge, loss = %s, label = label)
train m { data = d, batch = 3, iterations = 1, optimizer = sgd(rate = 1) }
`

// The gradients of both steps, through both networks, are those of finite differences: for every loss, for the penalty, whose
// gradient is one of a gradient, and for a spiking pair in the form of its smoothed twin, the network in which every spike is the
// line through it with the slope of its surrogate.
func TestGradients(t *testing.T) {
	cases := map[string]func(t *testing.T) *experiment.Model{
		"sgad": func(t *testing.T) *experiment.Model {
			return model(t, published(t, "sgad"), experiment.Options{Sets: []string{
				"steps=2", "latent=3", "hidden=4", "maps=[2,2]", "views=[2,2]", "top=4", "score=3", "reduce=6"}})
		},
	}
	for _, loss := range []string{"least_squares", "non_saturating", "wasserstein", "wasserstein(penalty = 10)", "hinge"} {
		cases[loss] = func(t *testing.T) *experiment.Model {
			return model(t, fmt.Sprintf(toySpec, loss), experiment.Options{})
		}
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			m := make(t)
			const examples = 3
			gain := 3.0 // so that spiking layers fire, and critics see their input
			variables, _, _ := start(m, func(v graph.Variable) (float64, float64) {
				if v.Init.Kind == "uniform" {
					return gain * v.Init.A, gain * v.Init.B
				}
				return v.Init.A - 0.3, v.Init.A + 0.3
			})
			in := map[string]interp.Value{}
			g, _, err := m.Linker.Step(m.Program.Stages[0].Steps[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range g.Inputs {
				x := interp.NewValue(n.Out[0], examples)
				for i := range x.Data {
					if x.Data[i] = uniform(n.Text("name"), uint64(i)); x.Type.DType == graph.I32 {
						x.Data[i] = math.Floor(10 * x.Data[i])
					}
				}
				in[n.Text("name")] = x
			}
			env := &interp.Env{N: examples, Variables: variables, Random: func(label string, normal bool, index, element uint64) float64 {
				if u := uniform(label, index<<32+element); !normal {
					return u
				} else {
					return 4*u - 2
				}
			}}
			for i, role := range []string{"discriminator", "generator"} {
				checkStep(t, m, i, role, env, in)
			}
		})
	}
}

func checkStep(t *testing.T, m *experiment.Model, i int, role string, env *interp.Env, in map[string]interp.Value) {
	t.Helper()
	s := m.Program.Stages[0].Steps[i]
	g, moved, err := m.Linker.Step(s)
	if err != nil {
		t.Fatal(err)
	}
	env.Inputs, env.Base = map[string]interp.Value{}, nil
	for _, n := range g.Inputs {
		env.Inputs[n.Text("name")] = in[n.Text("name")]
	}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := m.Linker.Function(s.Function)
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
		t.Fatalf("the loss of %s is %v alone and %v beside its gradient", role, a, b)
	}
	env.Base.Record = false
	parameters := 0
	for _, v := range m.Linker.Variables() {
		if v.Kind == graph.Parameter && v.Name[:len(role)] == role {
			parameters++
		}
	}
	if len(moved) != parameters {
		t.Errorf("%d tensors are moved, the %s has %d", len(moved), role, parameters)
	}
	const h = 3e-7
	some := 0
	for _, name := range moved {
		x, gradient := env.Variables[name].Data, res.Outputs[program.Grad+name].Data
		if slices.ContainsFunc(gradient, func(v float64) bool { return math.Abs(v) > 1e-7 }) {
			some++
		}
		for _, k := range []int{len(x) / 3} {
			was := x[k]
			x[k] = was - h
			low := at()
			x[k] = was + h
			high := at()
			x[k] = was
			// Rounding of a loss of some units gives 1e-15 / h, the third derivative of a normalisation over few examples up to 1e-5 of
			// the value.
			if want := (high - low) / (2 * h); math.Abs(gradient[k]-want) > 1e-8+1e-5*math.Abs(want) {
				t.Errorf("derivative by %s[%d] is %v, finite differences give %v", name, k, gradient[k], want)
			}
		}
	}
	if some < len(moved)/2 {
		t.Errorf("%d of %d tensors of %s have a derivative", some, len(moved), role)
	}
}
