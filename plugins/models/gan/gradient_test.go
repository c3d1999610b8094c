package gan_test

import (
	"fmt"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
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
	cases := map[string]func(t *testing.T) *modeltest.Model{
		"sgad": func(t *testing.T) *modeltest.Model {
			return model(t, modeltest.Published(t, "sgad"), experiment.Options{Sets: []string{
				"steps=2", "latent=3", "hidden=4", "maps=[2,2]", "views=[2,2]", "top=4", "score=3", "reduce=6"}})
		},
	}
	for _, loss := range []string{"least_squares", "non_saturating", "wasserstein", "wasserstein(penalty = 10)", "hinge"} {
		cases[loss] = func(t *testing.T) *modeltest.Model {
			return model(t, fmt.Sprintf(toySpec, loss), experiment.Options{})
		}
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			m := make(t)
			const examples = 3
			gain := 3.0 // so that spiking layers fire, and critics see their input
			env := interp.Env{N: examples, Inputs: map[string]interp.Value{"label": modeltest.Labels(examples, 10)}}
			env.Variables = start(m, func(v graph.Variable) (float64, float64) {
				if v.Init.Kind == "uniform" {
					return gain * v.Init.A, gain * v.Init.B
				}
				return v.Init.A - 0.3, v.Init.A + 0.3
			})
			env.Inputs["image"] = pixels("image", m.Request.Fields["image"], examples)
			env.Random = func(label string, normal bool, index, element uint64) float64 {
				u := modeltest.UniformRandom(label, normal, index, element)
				if normal {
					return 4*u - 2
				}
				return u
			}
			for i := range 2 {
				if moved, still := m.Gradient(t, i, 1, env); len(still) > len(moved)/2 {
					t.Errorf("%d of %d tensors have no derivative: %v", len(still), len(moved), still)
				}
			}
		})
	}
}
