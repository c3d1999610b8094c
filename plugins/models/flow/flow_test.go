package flow_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/models/flow"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/train"
)

// load builds the first model of a spec for images real[n].
func load(t *testing.T, text string, n int) *modeltest.Model {
	t.Helper()
	return modeltest.Build(t, flow.Model(), "snn 1\n"+text, modeltest.Images(graph.Real(n), 3))
}

func options(steps int, guidance float64) schema.Arguments {
	return schema.Arguments{"steps": {Type: schema.Int, Number: float64(steps)}, "guidance": {Type: schema.Real, Number: guidance}}
}

// numbers are the four that testdata/vectors.py takes for a purpose.
func numbers(k int) []float64 {
	out := make([]float64, 4)
	for i := range out {
		out[i] = 1.5 * math.Sin(1+7*float64(k)+1.9*float64(i))
	}
	return out
}

func values(x ...float64) interp.Value {
	return interp.Value{Type: graph.Real(len(x)), N: 1, Data: x}
}

// vectors are what flow_matching and torchdiffeq compute (testdata/vectors.py).
type vectors struct {
	Paths []struct {
		Path                   string
		T, Square, Apart, Size float64
	}
	Solvers []struct {
		Sampler string
		Steps   int
		X       []float64
	}
}

func oracle(t *testing.T) (v vectors) {
	t.Helper()
	if modeltest.Oracle(t, "testdata/vectors.json", &v); len(v.Paths) == 0 || len(v.Solvers) == 0 {
		t.Fatal("the oracle is empty")
	}
	return v
}

// The loss of a network that says 0 is the mean square, or size, of the path's velocity, and that of one that gives its image back
// its distance from the point on the path: those of flow_matching, at a time given as itself or as the number of a step.
func TestPath(t *testing.T) {
	for _, w := range oracle(t).Paths {
		for _, c := range []struct {
			network, loss string
			want          float64
		}{{"0 * image + 0 * t", "mse", w.Square}, {"image + 0 * t", "mse", w.Apart}, {"0 * image + 0 * t", "mae", w.Size},
			{"image + 0 * (s -> raw)", "mse", w.Apart}} {
			takes := "t: real[1]"
			if strings.Contains(c.network, "raw") {
				takes = "s: step"
			}
			b := load(t, fmt.Sprintf("network net(image: real[4], %s) -> real[4] { return %s }\nmodel m = flow(velocity = net, path = %s, times = 8, loss = %s)",
				takes, c.network, w.Path, c.loss), 4)
			got := b.Run(t, "step", interp.Env{N: 1, Inputs: map[string]interp.Value{"image": values(numbers(1)...)},
				Random: func(label string, normal bool, _, element uint64) float64 {
					if label == "noise" {
						return numbers(0)[element]
					}
					return w.T
				}})["total"].Data[0]
			if math.Abs(got-c.want) > 1e-14*(1+c.want) { // some roundings of float64
				t.Errorf("%s at %v: the %s of `%s` is %v, flow_matching says %v", w.Path, w.T, c.loss, c.network, got, c.want)
			}
		}
	}
}

// With noise that rests, the path ends there.
func TestRest(t *testing.T) {
	b := load(t, "network net(image: real[1], t: real[1]) -> real[1] { return image + 0 * t }\nmodel m = flow(velocity = net, path = straight(rest = 0.25))", 1)
	got := b.Run(t, "step", interp.Env{N: 1, Inputs: map[string]interp.Value{"image": values(3)},
		Random: func(_ string, normal bool, _, _ uint64) float64 {
			if normal {
				return 2
			}
			return 0.5
		}})["total"].Data[0]
	// x = 0.5 * 3 + (1 - 0.75 * 0.5) * 2 = 2.75; its velocity is 3 - 0.75 * 2 = 1.5
	if want := 1.25 * 1.25; got != want {
		t.Errorf("the loss is %v, want %v", got, want)
	}
}

// The samplers solve x' = tanh(x) t - x / 2 + t as torchdiffeq's do.
func TestSolvers(t *testing.T) {
	b := load(t, "network net(image: real[4], t: real[1]) -> real[4] { return (image -> tanh) * t - 0.5 * image + t }\nmodel m = flow(velocity = net, clip = none)", 4)
	for _, w := range oracle(t).Solvers {
		s := b.Sampler(t, w.Sampler, options(w.Steps, 1))
		x := values(numbers(0)...)
		for _, row := range s.Program.Samplers[0].Table {
			in := map[string]interp.Value{"x": x}
			for i, name := range s.Program.Samplers[0].Columns {
				in[name] = interp.Value{Type: graph.Scalar(), N: 1, Data: []float64{row[i]}}
			}
			x = s.Run(t, "turn", interp.Env{N: 1, Inputs: in})["x"]
		}
		for k, want := range w.X {
			if math.Abs(x.Data[k]-want) > 1e-14*(1+math.Abs(want))*float64(w.Steps) {
				t.Errorf("%s in %d: number %d is %v, torchdiffeq's %v", w.Sampler, w.Steps, k, x.Data[k], want)
			}
		}
	}
}

// A network that takes the number of a time is asked at times that it knows, and turns of them lead from 0 to 1.
func TestTimes(t *testing.T) {
	b := load(t, "network net(image: real[1], s: step) -> real[1] { return image + (s -> raw) }\nmodel m = flow(velocity = net, times = 10)", 1)
	for _, c := range []struct {
		sampler string
		steps   int
		want    [][]float64
	}{
		{"euler", 4, [][]float64{{0, 0, 0.2}, {2, 2, 0.3}, {5, 5, 0.3}, {8, 8, 0.2}}},
		{"midpoint", 2, [][]float64{{0, 2, 0.5}, {5, 8, 0.5}}},
		{"heun", 2, [][]float64{{0, 5, 0.5}, {5, 9, 0.5}}},
	} {
		got := b.Sampler(t, c.sampler, options(c.steps, 1)).Program.Samplers[0].Table
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s in %d: %v, want %v", c.sampler, c.steps, got, c.want)
		}
	}
}

// Where all that a network says is what it says of the class, a sample is its noise and that: guidance goes from what it says
// without a class so many times toward what it says with it, in every sampler.
func TestGuidance(t *testing.T) {
	for _, y := range []string{"y: step) -> real[2] { return 0 * image + 0 * t + (y -> embedding(2, count = 4)) }",
		"y: real[3]) -> real[2] { return 0 * image + 0 * t + (y -> linear(2, bias = false)) }"} {
		b := load(t, "network net(image: real[2], t: real[1], "+y+"\nmodel m = flow(velocity = net, clip = none, label = label, drop = 0.2)", 2)
		m := b.Start(t)
		w := m.Weights[m.Variables[0].Name].F32
		said := func(class, k int) float64 {
			switch {
			case len(w) == 8:
				return float64(w[2*class+k])
			case class == 3:
				return 0
			}
			return float64(w[3*k+class])
		}
		for _, name := range []string{"euler", "midpoint", "heun"} {
			draw := func(guidance, class float64) []float32 {
				o := options(4, guidance)
				o["label"] = schema.Value{Type: schema.Int, Number: class}
				return b.Sampler(t, name, o).Draw(t, m, 2, 0).F32
			}
			noise := draw(0, 1)
			for k := range noise {
				noise[k] -= float32(said(3, k%2))
			}
			for k, x := range draw(2.5, 2) {
				free := said(3, k%2)
				if want := float64(noise[k]) + free + 2.5*(said(2, k%2)-free); math.Abs(float64(x)-want) > 2e-6*(1+math.Abs(want)) {
					t.Errorf("%s: number %d is %v, want %v", name, k, x, want)
				}
			}
			// Without the option each sample is of the class that is given: 0, 1 and 2 in turn.
			for k, x := range b.Sampler(t, name, options(4, 1)).Draw(t, m, 2, 0).F32 {
				if want := float64(noise[k]) + said(k/2, k%2); math.Abs(float64(x)-want) > 2e-6*(1+math.Abs(want)) {
					t.Errorf("%s: of the class that is given number %d is %v, want %v", name, k, x, want)
				}
			}
		}
	}
}

// refused are the complaints about a model of images real[4].
func refused(t *testing.T, text string) []schema.Complaint {
	t.Helper()
	r, modules := modeltest.Request(t, flow.Model(), "snn 1\n"+text, modeltest.Images(graph.Real(4), 3))
	_, complaints := modeltest.Ask(t, flow.Model(), r, modules)
	return complaints
}

// Mistakes are told at the argument that is to blame.
func TestComplaints(t *testing.T) {
	for _, c := range []struct{ network, args, want string }{
		{"image: real[4]", "", "velocity: the network takes an image and a time, and this one has 1 parameters"},
		{"image: real[3], t: real[1]", "", "velocity: the network takes real[3], the data have images real[4]"},
		{"image: real[4], t: real[2]", "", "velocity: the second parameter of the network is the time, and this one is real[2]"},
		{"image: real[4], t: real[1], y: step", "", "velocity: this network takes 3 parameters, and the model is told of no label"},
		{"image: real[4], t: real[1]", ", label = label", "velocity: the network takes an image, a time and a class, and this one has 2 parameters"},
		{"image: real[4], t: real[1], y: real[5]", ", label = label", "velocity: the last parameter is the class, one of 3 as the classes of the data are 0 to 2, and this one is real[5]"},
		{"image: real[4], t: real[1]", ", label = kind", "label: the data have no field `kind`"},
		{"image: real[4], t: real[1]", ", label = image", "label: field `image` is real[4], no class number"},
		{"image: real[4], t: real[1]", ", drop = 0.1", "drop: `drop` is how often no class is told, and the model has no `label`"},
		{"image: real[4], t: real[1]", ", path = straight(rest = 1)", "path.rest: with `rest = 1` all of the noise is left at the image"},
	} {
		result, n := "4", "image"
		if strings.HasPrefix(c.network, "image: real[3]") {
			result = "3"
		}
		complaints := refused(t, fmt.Sprintf("network net(%s) -> real[%s] { return %s }\nmodel m = flow(velocity = net%s)", c.network, result, n, c.args))
		if len(complaints) != 1 || complaints[0].Path+": "+complaints[0].Summary != c.want || complaints[0].Help == "" {
			t.Errorf("%s%s: %v, want %s", c.network, c.args, complaints, c.want)
		}
	}
	for args, want := range map[string]string{
		"times = 1000":                          "the network has a table of 10 times, and the model 1000",
		"times = 10, label = label, drop = 0.5": "this network has a table of 3 classes, and is told of 4: one more where no class is told",
	} {
		y, use := "", ""
		if strings.Contains(args, "label") {
			y, use = ", y: step", " + (y -> embedding(4, count = 3))"
		}
		complaints := refused(t, fmt.Sprintf("network net(image: real[4], s: step%s) -> real[4] { return image + (s -> sinusoid(4, count = 10))%s }\nmodel m = flow(velocity = net, %s)", y, use, args))
		if len(complaints) != 1 || complaints[0].Summary != want {
			t.Errorf("%s: %v", args, complaints)
		}
	}
	b := load(t, "network net(image: real[4], s: step) -> real[4] { return image + (s -> raw) }\nmodel m = flow(velocity = net, times = 10)", 4)
	labelled := options(3, 1)
	labelled["label"] = schema.Value{Type: schema.Int, Number: 1}
	for want, o := range map[string]schema.Arguments{"sampler.steps": options(11, 1), "sampler.guidance": options(2, 3), "sampler.label": labelled} {
		if _, complaints, err := flow.Model().Sampler(b.Request, "euler", o); err != nil || len(complaints) != 1 || complaints[0].Path != want {
			t.Errorf("%v, %v; want %s", complaints, err, want)
		}
	}
	if _, _, err := flow.Model().Sampler(b.Request, "ddim", options(2, 1)); err == nil {
		t.Error("an unknown sampler is no error")
	}
}

// The gradient of the training step of a spiking network is that of finite differences of its smoothed twin, in which every spike is
// the line through it with the slope of its surrogate.
func TestGradient(t *testing.T) {
	b := load(t, `neuron fire = lif(surrogate = sigmoid(alpha = 2))
coder now = direct(steps = 3)
coder leaky = membrane
network net(image: real[4], s: step, y: real[3]) -> real[4] {
    h = (image -> linear(6)) + (s -> sinusoid(6)) + (y -> linear(6, bias = false))
    return h -> encode(now) -> batchnorm -> fire -> linear(6) -> fire -> linear(4) -> decode(leaky)
}
model m = flow(velocity = net, path = cosine, time = logit_normal, loss = mse + 0.5 * mae, label = label, drop = 0.3)`, 4)
	env := interp.Env{N: 3, Random: modeltest.Random, Variables: b.Values(func(v graph.Variable, i int) float64 {
		u := modeltest.Random(v.Name, false, 1, uint64(i))
		switch {
		case v.Init.Kind == "sinusoid":
			return modeltest.Initial(v, i)
		case v.Init.Kind == "constant" && v.Init.A != 0:
			return 0.8 + 0.4*u
		}
		return 2.4*u - 1.15
	}), Inputs: map[string]interp.Value{
		"image": {Type: graph.Real(4), N: 3, Data: append(append(numbers(3), numbers(4)...), numbers(5)...)}, "label": modeltest.Labels(3, 3)}}
	b.Gradient(t, 0, 3, env)
}

// A small network that is trained for a second draws from the mixture that it was trained on.
func TestTrained(t *testing.T) {
	b := load(t, `network net(image: real[2], t: real[1]) -> real[2] {
    h = (image -> linear(64)) + (t -> linear(64))
    h = h + (h -> swish -> linear(64))
    h = h + (h -> swish -> linear(64))
    return h -> swish -> linear(2)
}
model m = flow(velocity = net, clip = none)`, 2)
	m := b.Start(t)
	adam := modeltest.Adam(4e-3)
	adam.Schedule = "cosine"
	modeltest.Train(t, m, modeltest.Three().Examples(4096), train.Settings{Batch: 128, Iterations: 1500, Average: 0.99, Seed: 3, Optimizers: map[string]train.Optimizer{"": adam}}, nil)
	for name, steps := range map[string]int{"euler": 100, "midpoint": 20, "heun": 20} {
		sampler := b.Sampler(t, name, options(steps, 1))
		modeltest.Three().Judge(t, name, modeltest.Points(sampler.Draw(t, m, 2048, 0)), 0.15)
		sampler.DrawsAlone(t, m)
	}
}
