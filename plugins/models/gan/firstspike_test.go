package gan_test

import (
	"fmt"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// onceSpec is a small GAN of neurons that fire at most once.
const onceSpec = `snn 1
data images = optdigits(size = 4, range = 0..1)
neuron once(threshold: real = 1) {
    input x
    state v = 0
    spike when v > threshold
    v = v + x
    refractory forever
}
neuron fire = once(surrogate = temporal(normalize = true))
coder times = ttfs(steps = 20)
network draw(z: times[8]) -> times[1, 4, 4] pure {
    return z -> linear(12, bias = false, init = uniform(0..0.45)) -> fire -> linear(16, bias = false, init = uniform(0..0.2)) -> fire -> reshape(1, 4, 4)
}
network judge(image: times[1, 4, 4]) -> times[2] pure {
    return image -> flatten -> linear(12, bias = false, init = uniform(0..0.25)) -> fire -> linear(2, bias = false, init = uniform(0..0.24)) -> fire
}
model m = gan(generator = draw, discriminator = judge, coder = times, loss = first_spike(targets = %s, gate = %s))
train m { data = images, batch = 5, iterations = 1, optimizer = sgd(rate = 1) }
`

// Spike trains, the temporal surrogate and the losses give the firing times, losses and gradients that the rule of S4NN gives when
// it is written in firing times, neuron by neuron: with each kind of targets, with both gates, with pixels and outputs that stay
// silent.
func TestS4NNOracle(t *testing.T) {
	var want struct {
		Examples int
		Cases    []struct {
			Rule, Gate               string
			Loss                     map[string]float64
			Times                    map[string][][2]float64
			Active                   float64
			Discriminator, Generator []modeltest.Projection
		}
	}
	modeltest.Oracle(t, "testdata/s4nn.json", &want)
	targets := map[string]string{"relative": "relative(4 steps)", "aggressive": "aggressive(4 steps)", "absolute": "absolute(right = 0.3, wrong = 0.9)"}
	for _, c := range want.Cases {
		t.Run(c.Rule+" "+c.Gate, func(t *testing.T) {
			m := model(t, fmt.Sprintf(onceSpec, targets[c.Rule], c.Gate), experiment.Options{})
			variables := start(m, func(v graph.Variable) (float64, float64) { return v.Init.A, v.Init.B })
			env := interp.Env{N: want.Examples, Variables: variables, Random: modeltest.UniformRandom,
				Inputs: map[string]interp.Value{"image": pixels("image", graph.Real(1, 4, 4), want.Examples)}}
			discriminate, deceive := m.Step(t, 0, env), m.Step(t, 1, env)
			modeltest.Near(t, "the loss on data", discriminate.Outputs["real"].Data[0], c.Loss["real"])
			modeltest.Near(t, "the loss on what is generated", discriminate.Outputs["fake"].Data[0], c.Loss["fake"])
			modeltest.Near(t, "the generator's loss", deceive.Outputs["total"].Data[0], c.Loss["deceive"])
			modeltest.Near(t, "pixels that fire", discriminate.Outputs["active_pixels"].Data[0], c.Active)
			found := func(of [][2]float64, real bool) float64 {
				n := 0.0
				for _, t := range of {
					if (t[1] < t[0]) == real {
						n += 1 / float64(len(of))
					}
				}
				return n
			}
			modeltest.Near(t, "real_found", discriminate.Outputs["real_found"].Data[0], found(c.Times["real"], true))
			modeltest.Near(t, "fake_found", discriminate.Outputs["fake_found"].Data[0], found(c.Times["fake"], false))
			m.SeeGradients(t, discriminate, "discriminator", c.Discriminator)
			m.SeeGradients(t, deceive, "generator", c.Generator)
		})
	}
}

// Raising the weight of an early input makes a neuron fire no later, and the rule knows the sign: where an output fires later than
// it is to, the derivative by the weights of inputs before it is not positive.
func TestWeightsMakeEarlier(t *testing.T) {
	m := model(t, fmt.Sprintf(onceSpec, "relative(4 steps)", "open"), experiment.Options{})
	variables := start(m, func(v graph.Variable) (float64, float64) { return v.Init.A, v.Init.B })
	env := interp.Env{N: 4, Variables: variables, Inputs: map[string]interp.Value{"image": pixels("early", graph.Real(1, 4, 4), 4)}}
	score := func() []float64 { return m.Run(t, "score", env)["score"].Data } // how much earlier "real" is than "fake"
	before := score()
	w := variables[m.Tensors(graph.Parameter)["discriminator"][1]].Data // [2, 12]: row 1 is of "real"
	for i := range 12 {
		w[12+i] *= 1.5
	}
	earlier := false
	for i, s := range score() {
		if s < before[i] {
			t.Errorf("example %d: \"real\" fires later with larger weights: %v, before %v", i, s, before[i])
		}
		earlier = earlier || s > before[i]
	}
	if !earlier {
		t.Error("weights that are larger by a half change no time")
	}
}

// Every grey level of 8 bits is at the time floor((255 - I) steps / 255), computed here in integers, black is silent, and what is
// decoded is less than one step away.
func TestSpikeTimes(t *testing.T) {
	for _, steps := range []int{20, 100, 255} {
		m := model(t, strings.ReplaceAll(fmt.Sprintf(onceSpec, "relative(4 steps)", "open"), "ttfs(steps = 20)", fmt.Sprintf("ttfs(steps = %d)", steps)), experiment.Options{})
		image := interp.NewValue(graph.Real(1, 4, 4), 16)
		for i := range image.Data {
			image.Data[i] = float64(float32(i) / 255) // as the data have it
		}
		run := func(role, in string, x interp.Value) interp.Value {
			g := m.Modules["coder."+role].Function("eval")
			res, err := interp.Run(g, &interp.Env{N: 16, Inputs: map[string]interp.Value{in: x}})
			if err != nil {
				t.Fatal(err)
			}
			return res.Outputs[g.Outputs[0].Name]
		}
		input := func(role string) string { return m.Modules["coder."+role].Function("eval").Inputs[0].Text("name") }
		spikes := run("encode", input("encode"), image)
		for i := range 256 {
			var at []int
			for s := range steps {
				if spikes.Data[s*256+i] == 1 {
					at = append(at, s)
				}
			}
			switch want := (255 - i) * steps / 255; {
			case i == 0 && len(at) == 0:
			case len(at) != 1 || at[0] != want:
				t.Errorf("%d steps: grey %d fires at %v, want %d", steps, i, at, want)
			}
		}
		for i, x := range run("decode", input("decode"), spikes).Data {
			if d := x - float64(i)/255; d < -1e-6 || d >= 1/float64(steps)+1e-6 { // the time is rounded down
				t.Errorf("%d steps: grey %d comes back as %v", steps, i, 255*x)
			}
		}
	}
}
