package modeltest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins, memory(2)) }

// memory is the model of a third party: its network draws from noise and the class, and learns the images by the squared difference.
// slope is the derivative that it says the square of x has, in units of x: 2 is right.
func memory(slope float64) sdk.Model {
	draw := func(b *sdk.ProgramBuilder, label sdk.Label, options schema.Arguments) {
		b.Function("generate", func(f *sdk.Function) {
			noise := f.Normal("noise", b.Role("network").In[0])
			f.Output("image", label.Apply(f, "network", sdk.Mode{Eval: true}, label.Drawn(f, options), noise)[0])
		})
		b.Sampler(program.Sampler{Name: "once", Given: label.Given(options), Result: "generate"})
	}
	build := func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
		b := sdk.NewProgram(r.Networks)
		image, c := r.Image()
		label, more := r.Label()
		if c = append(c, more...); len(c) > 0 {
			return "", c, nil
		}
		net := b.Role("network")
		if c = label.Check(r.Networks[0], net, 1); len(c) > 0 {
			return "", c, nil
		}
		b.Function("square", func(f *sdk.Function) { f.Output("y", f.Square(f.Input("x", image))) })
		b.Function("square_backward", func(f *sdk.Function) {
			x, _, dy := f.Input("x", image), f.Input("y", image), f.Input("dy", image)
			f.Output("dx", f.Mul(f.Scale(x, slope), dy))
		})
		b.Function("step", func(f *sdk.Function) {
			y := label.Apply(f, "network", sdk.Mode{}, label.Input(f), f.Normal("noise", net.In[0]))[0]
			apart := f.Sub(y, f.Input("image", image))
			f.Output("total", f.Mean(f.Op(graph.OpCustom, graph.Attrs{"function": "square", "backward": "square_backward"}, apart)))
		})
		b.Stream("images", label.Fields("image")...)
		b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"network"}})
		draw(b, label, nil)
		text, err := b.Finish()
		return text, nil, err
	}
	sampler := func(r sdk.BuildRequest, _ string, options schema.Arguments) (string, []schema.Complaint, error) {
		b := sdk.NewProgram(r.Networks)
		label, c := r.Label()
		if c = append(c, label.CheckOptions(options)...); len(c) > 0 {
			return "", c, nil
		}
		draw(b, label, options)
		text, err := b.Finish()
		return text, nil, err
	}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "memory", Version: "1.0", Doc: "Draws the mean of each class.",
			Roles:    []schema.Role{{Name: "network", Takes: "network", Doc: "noise and class to image"}},
			Params:   []schema.Param{sdk.LabelParam("which the network is then told")},
			Samplers: []schema.Choice{{Name: "once", Doc: "noise through the network", Params: []schema.Param{sdk.LabelOption()}}},
		},
		Build: build, Sampler: sampler,
	}
}

const spec = `snn 1
network draw(z: real[2], y: real[3]) -> real[2] { return (z -> linear(2)) + (y -> linear(2)) }
model m = memory(network = draw, label = label)
`

// recorder is a test that is told of failures.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// A model of a third party is built in this process, and the same by the host through the plugin's, which serves it.
func TestBuildAndHost(t *testing.T) {
	const digits = `snn 1
data d = optdigits(range = 0..1, classes = [0, 1, 2])
network draw(z: real[2], y: real[3]) -> real[1, 8, 8] { return concat(z, y) -> linear(64) -> reshape(1, 8, 8) }
model m = memory(network = draw, label = label)
train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
`
	hosted := plugins.Model(t, memory(2), digits, 0, experiment.Options{})
	own, complaints := modeltest.Ask(t, memory(2), hosted.Request, hosted.Modules)
	if len(complaints) > 0 || own.Program.Print() != hosted.Program.Print() {
		t.Errorf("built here, %v\n%s\nby the host\n%s", complaints, own.Program.Print(), hosted.Program.Print())
	}
	if x, found, said := plugins.Load(strings.Replace(digits, "real[3]", "real[4]", 1), experiment.Options{}); x != nil || len(found) != 1 || !strings.Contains(said, "one of 3 as the classes of the data are 0 to 2, and this one is real[4]") {
		t.Errorf("a network that is told of four classes: %s", said)
	}
}

// A gradient that is wrong is found, a right one is not.
func TestGradient(t *testing.T) {
	for slope, want := range map[float64]int{2: 0, 2.001: 3} {
		m := modeltest.Build(t, memory(slope), spec, modeltest.Images(graph.Real(2), 3))
		r := &recorder{TB: t}
		moved, still := m.Gradient(r, 0, 1, interp.Env{N: 4, Variables: m.Values(modeltest.Initial), Random: modeltest.Random,
			Inputs: map[string]interp.Value{"image": modeltest.Symmetric("image", graph.Real(2), 4), "label": modeltest.Labels(4, 3)}})
		if len(moved) != 4 || len(still) > 0 || len(r.said) < want || want == 0 && len(r.said) > 0 {
			t.Errorf("slope %v: %v are moved, %v have no derivative, %v", slope, moved, still, r.said)
		}
	}
}

// Samples are of every class in turn, or of the one that the option names; a trained network has learned their means.
func TestTrainAndDraw(t *testing.T) {
	m := modeltest.Build(t, memory(2), spec, modeltest.Images(graph.Real(2), 3))
	weights := m.Start(t)
	mixture := modeltest.Three()
	calls := 0
	losses := modeltest.Train(t, weights, mixture.Examples(600), train.Settings{Batch: 60, Iterations: 300, Seed: 1,
		Optimizers: map[string]train.Optimizer{"": modeltest.Adam(0.05)}}, func() { calls++ })
	if len(losses) != 300 || calls != 300 {
		t.Errorf("%d losses, %d calls", len(losses), calls)
	}
	near := func(x [2]float64, class int) bool {
		c := mixture.Centres[class]
		return max(x[0]-c[0], c[0]-x[0], x[1]-c[1], c[1]-x[1]) < 0.3 // the noise has hardly a weight any more
	}
	for i, x := range modeltest.Points(m.Draw(t, weights, 5, 2)) {
		if !near(x, (2+i)%3) {
			t.Errorf("sample %d is %v, its class is at %v", 2+i, x, mixture.Centres[(2+i)%3])
		}
	}
	chosen := m.Sampler(t, "once", schema.Arguments{"label": {Type: schema.Int, Number: 1}})
	for _, x := range modeltest.Points(chosen.Draw(t, weights, 5, 0)) {
		if !near(x, 1) {
			t.Errorf("a sample of class 1 is %v", x)
		}
	}
	chosen.DrawsAlone(t, weights)
	for _, w := range weights.Weights {
		clear(w.F32)
	}
	r := &recorder{TB: t}
	if chosen.DrawsAlone(r, weights); len(r.said) != 1 {
		t.Errorf("a network that draws one image: %v", r.said)
	}
	// A network in the role's place that says what it is told.
	told := modeltest.Network(t, false, func(b *graph.Builder) {
		b.Input("z", graph.Real(2))
		b.Output("x", b.Slice(b.Input("y", graph.Real(3)), 0, 0, 2))
	})
	other := m.With(t, "network", told)
	if x := other.Draw(t, other.Start(t), 3, 0).F32; !slices.Equal(x, []float32{1, 0, 0, 1, 0, 0}) {
		t.Errorf("the network is told %v", x)
	}
}

// A mixture takes its own draws for what they are, and finds other shares, places and widths.
func TestMixture(t *testing.T) {
	const n = 4000
	m := modeltest.Three()
	x, label := tensor.New(graph.Real(2), n), tensor.New(graph.Real().With(graph.I32), n)
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	drawn := m.Examples(n)
	for field, dst := range map[string]*tensor.Tensor{"image": x, "label": label} {
		if err := drawn.Fill(field, numbers, dst); err != nil {
			t.Fatal(err)
		}
	}
	points := modeltest.Points(x)
	m.Judge(t, "its own", points, 0)
	one := points[:0:0]
	for i, p := range points {
		if label.I32[i] == 1 {
			one = append(one, p)
		}
	}
	m.Of([3]float64{0, 1, 0}).Judge(t, "one of its three", one, 0)
	wide, away := m, m
	wide.Spread, away.Centres[2][0] = 0.22, 0.75
	for what, other := range map[string]modeltest.Mixture{"shares": m.Of([3]float64{0.45, 0.35, 0.2}), "width": wide, "place": away} {
		r := &recorder{TB: t}
		if other.Judge(r, what, points, 0); len(r.said) == 0 {
			t.Errorf("another %s is not found", what)
		}
	}
}

// Cases are compared with what stands behind them; what is missing or different is told, and an update writes it.
func TestGolden(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases.txtar")
	if err := os.WriteFile(file, []byte("-- a --\nmodel m = other()\n-- b --\ncoder c\n-- b.out --\nold\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	answer := func(name, text string) string {
		return name + "\n" + modeltest.Lines(text, "coder", "data d = optdigits", "model m = memory(network = net)", "train m { data = d }")
	}
	r := &recorder{TB: t}
	if modeltest.Golden(r, file, false, answer); len(r.said) != 2 {
		t.Errorf("one case without an answer, one with another: %v", r.said)
	}
	modeltest.Golden(t, file, true, answer)
	modeltest.Golden(t, file, false, answer)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `-- a --
model m = other()
-- a.out --
a
snn 1
data d = optdigits
model m = other()
train m { data = d }
-- b --
coder c
-- b.out --
b
snn 1
coder c
data d = optdigits
model m = memory(network = net)
train m { data = d }
`
	if string(text) != want {
		t.Errorf("written is\n%s", text)
	}
}
