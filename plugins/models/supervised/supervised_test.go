package supervised_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/models/supervised"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

var (
	label  = graph.Real().With(graph.I32)
	fields = map[string]graph.Type{"image": graph.Real(1, 1, 3), "label": label, "angle": graph.Real(2), "trace": graph.Signal(3, 2)}
)

// network takes one flat vector per input and gives the sum of their products with its weights.
func network(t *testing.T, out graph.Type, in ...graph.Type) *graph.Module {
	t.Helper()
	size := 0
	for _, x := range in {
		size = max(size, x.Size())
	}
	w := graph.Variable{Name: "w", Type: graph.Type{Dims: []int{size, out.Size()}}, Init: graph.Init{Kind: "constant"}}
	return modeltest.Network(t, false, func(b *graph.Builder) {
		var sum graph.Value
		for i, x := range in {
			v := b.Op(graph.OpMatmul, nil, b.Reshape(b.Input(fmt.Sprint("x", i), x), x.Size()), b.Op(graph.OpRead, graph.Attrs{"var": "w"}))
			if sum.Valid() {
				v = b.Add(sum, v)
			}
			sum = v
		}
		y := b.Expand(b.Reshape(sum, out.Dims...), out.With(graph.F32))
		if out.DType == graph.Bit {
			y = b.Op(graph.OpCast, graph.Attrs{"dtype": "bit"}, y)
		}
		b.Output("y", y)
	}, w)
}

func arguments(loss, target string, inputs ...string) schema.Arguments {
	a := schema.Arguments{"loss": {Type: schema.OneOf, Text: loss}, "target": {Type: schema.AField, Text: target}, "inputs": {Type: schema.List}}
	for _, in := range inputs {
		v := a["inputs"]
		v.Items = append(v.Items, schema.Value{Type: schema.AField, Text: in})
		a["inputs"] = v
	}
	return a
}

func request(m *graph.Module, a schema.Arguments) sdk.BuildRequest {
	return sdk.BuildRequest{Arguments: a, Fields: fields, Networks: []schema.Network{{Role: "network", Name: "net", Graph: m.Print()}}}
}

func TestComplaints(t *testing.T) {
	image, vector := fields["image"], fields["angle"]
	for _, x := range []struct {
		name string
		m    *graph.Module
		args schema.Arguments
		want []string // path: a part of the summary
	}{
		{"right", network(t, graph.Real(4), image), arguments("cross_entropy", "label", "image"), nil},
		{"regression", network(t, vector, image), arguments("mse", "angle", "image"), nil},
		{"autoencoder", network(t, image, image), arguments("mse", "image", "image"), nil},
		{"the same field twice", network(t, graph.Real(4), image, image), arguments("cross_entropy", "label", "image", "image"), nil},
		{"one field too few", network(t, graph.Real(4), image, image), arguments("cross_entropy", "label", "image"), []string{"inputs: the network takes 2 inputs, 1 fields"}},
		{"no such field", network(t, graph.Real(4), image), arguments("cross_entropy", "label", "sound"), []string{"inputs: the data have no field `sound`"}},
		{"another size", network(t, graph.Real(4), graph.Real(1, 3, 1)), arguments("cross_entropy", "label", "image"), []string{"network: input 1 of the network is real[1, 3, 1], field `image` is real[1, 1, 3]"}},
		{"no such target", network(t, graph.Real(4), image), arguments("cross_entropy", "class", "image"), []string{"target: the data have no field `class`"}},
		{"classes that are none", network(t, graph.Real(4), image), arguments("cross_entropy", "angle", "image"), []string{"target: cross_entropy wants a class number, field `angle` is real[2]"}},
		{"scores over time", network(t, graph.Signal(3, 4), image), arguments("cross_entropy", "label", "image"), []string{"network: cross_entropy wants one number per class, the network gives signal[4]"}},
		{"scores on a map", network(t, graph.Real(1, 2, 2), image), arguments("cross_entropy", "label", "image"), []string{"network: cross_entropy wants one number per class, the network gives real[1, 2, 2]"}},
		{"spikes for a signal", network(t, graph.Spikes(3, 2), image), arguments("mse", "trace", "image"), nil},
		{"other time steps", network(t, graph.Spikes(4, 2), image), arguments("mse", "trace", "image"), []string{"network: the network gives spikes[2] over 4 time steps, field `trace` has 3"}},
		{"an answer of another size", network(t, graph.Real(3), image), arguments("mse", "angle", "image"), []string{"network: the network gives real[3], field `angle` is real[2]"}},
		{"two at once", network(t, graph.Real(4), image, image), arguments("cross_entropy", "angle", "image"), []string{"inputs: the network takes 2", "target: cross_entropy wants a class"}},
	} {
		text, complaints, err := supervised.Model().Build(request(x.m, x.args))
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if (len(x.want) == 0) != (text != "") || len(complaints) != len(x.want) {
			t.Errorf("%s: complaints %v, want %v", x.name, complaints, x.want)
			continue
		}
		for i, c := range complaints {
			if got := c.Path + ": " + c.Summary; !strings.HasPrefix(got, x.want[i]) {
				t.Errorf("%s: %q, want %q", x.name, got, x.want[i])
			}
		}
	}
	r := request(network(t, graph.Real(4), image), arguments("cross_entropy", "label", "image"))
	r.Networks = nil
	if _, _, err := supervised.Model().Build(r); err == nil {
		t.Error("a request without the network is built")
	}
	r.Networks = []schema.Network{{Role: "network", Graph: "graph"}}
	if _, _, err := supervised.Model().Build(r); err == nil {
		t.Error("a request with a broken network is built")
	}
}

// run builds a model and runs one of its functions.
func run(t *testing.T, a schema.Arguments, m *graph.Module, function string, w []float64, inputs map[string]interp.Value, n int) map[string]interp.Value {
	t.Helper()
	model, complaints := modeltest.Ask(t, supervised.Model(), request(m, a), map[string]*graph.Module{"network": m})
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	env := interp.Env{N: n, Inputs: inputs, Variables: map[string]interp.Value{"network.w": {Type: m.Variables[0].Type, N: 1, Data: w}}}
	if function == "step" {
		return model.Step(t, 0, env).Outputs
	}
	return model.Run(t, model.Program.Export(function).Name, env)
}

// The cross-entropy is the mean over examples of log sum exp - the score of the class, its derivative the softmax minus one
// at the class; the prediction is the class of the greatest score.
func TestCrossEntropy(t *testing.T) {
	x := []float64{1, 0, 2, -1, 3, 0.5}
	w := []float64{0.5, -1, 0.25, 2, 1, 0, -0.5, 1, 0.75, 1, -2, 0.125}
	classes := []float64{2, 1}
	m := network(t, graph.Real(4), fields["image"])
	a := arguments("cross_entropy", "label", "image")
	inputs := map[string]interp.Value{"image": {Type: fields["image"], N: 2, Data: x}, "label": {Type: label, N: 2, Data: classes}}
	want, gradient := 0.0, make([]float64, len(w))
	var scores []float64
	var predicted []float64
	for e := range 2 {
		y := make([]float64, 4)
		sum := 0.0
		for k := range y {
			for i := range 3 {
				y[k] += x[3*e+i] * w[4*i+k]
			}
			sum += math.Exp(y[k])
		}
		want += (math.Log(sum) - y[int(classes[e])]) / 2
		for k := range y {
			d := math.Exp(y[k]) / sum
			if k == int(classes[e]) {
				d--
			}
			for i := range 3 {
				gradient[4*i+k] += x[3*e+i] * d / 2
			}
		}
		scores = append(scores, y...)
		predicted = append(predicted, float64(slices.Index(y, slices.Max(y))))
	}
	out := run(t, a, m, "step", w, inputs, 2)
	if got := out["total"].Data[0]; math.Abs(got-want) > 1e-12 {
		t.Errorf("loss %v, want %v", got, want)
	}
	for i, g := range out[program.Grad+"network.w"].Data {
		if math.Abs(g-gradient[i]) > 1e-12 {
			t.Errorf("derivative %d is %v, want %v", i, g, gradient[i])
		}
	}
	if got := run(t, a, m, "logits", w, inputs, 2)["logits"].Data; !cmp.Equal(got, scores) {
		t.Errorf("logits %v, want %v", got, scores)
	}
	if got := run(t, a, m, "predict", w, inputs, 2)["answer"].Data; !cmp.Equal(got, predicted) {
		t.Errorf("predicts %v, want %v", got, predicted)
	}
}

// The squared error is the mean over examples and components; what is predicted is the answer itself.
func TestSquaredError(t *testing.T) {
	m := network(t, graph.Real(2), fields["image"])
	a := arguments("mse", "angle", "image")
	inputs := map[string]interp.Value{"image": {Type: fields["image"], N: 2, Data: []float64{1, 0, 0, 0, 0, 2}}, "angle": {Type: fields["angle"], N: 2, Data: []float64{1, 1, 0, -1}}}
	w := []float64{2, 3, 0, 0, 1, -1} // answers (2, 3) and (2, -2)
	if got := run(t, a, m, "step", w, inputs, 2)["total"].Data[0]; got != (1+4+4+1)/4.0 {
		t.Errorf("loss %v, want 2.5", got)
	}
	if got := run(t, a, m, "predict", w, inputs, 2)["answer"].Data; !cmp.Equal(got, []float64{2, 3, 2, -2}) {
		t.Errorf("answers %v", got)
	}
}

// Over time the squared error is the mean over steps, too, and spikes count as 0 and 1 on either side.
func TestSquaredErrorOverTime(t *testing.T) {
	m := network(t, graph.Spikes(3, 2), fields["image"])
	inputs := map[string]interp.Value{
		"image": {Type: fields["image"], N: 1, Data: []float64{1, 0, 0}},
		"trace": {Type: fields["trace"], N: 1, Data: []float64{0.5, 1, 2, 0, -1, 0}},
	}
	w := []float64{1, 0, 0, 0, 0, 0} // spikes of the first neuron alone, in all steps
	want := (0.25 + 1 + 1 + 0 + 4 + 0) / 6
	if got := run(t, arguments("mse", "trace", "image"), m, "step", w, inputs, 1)["total"].Data[0]; got != want {
		t.Errorf("loss %v, want %v", got, want)
	}
}

// With a network in the role `features`, what that gives is exported, flat, and both networks are moved; an autoencoder exports
// its answer as a reconstruction.
func TestFeatures(t *testing.T) {
	image := fields["image"]
	code := network(t, graph.Real(2, 1, 1), image)
	shared := code.Variables[0]
	shared.Of = "features.w"
	answer := modeltest.Network(t, false, func(b *graph.Builder) {
		y := b.Op(graph.OpMatmul, nil, b.Reshape(b.Input("x", image), image.Size()), b.Op(graph.OpRead, graph.Attrs{"var": "w"}))
		b.Output("y", b.Reshape(b.Op(graph.OpMatmul, nil, y, b.Op(graph.OpRead, graph.Attrs{"var": "v"})), image.Dims...))
	}, shared, graph.Variable{Name: "v", Type: graph.Type{Dims: []int{2, 3}}, Init: graph.Init{Kind: "constant"}})
	r := request(answer, arguments("mse", "image", "image"))
	r.Networks = append(r.Networks, schema.Network{Role: "features", Name: "code", Graph: code.Print()})
	m, complaints := modeltest.Ask(t, supervised.Model(), r, map[string]*graph.Module{"network": answer, "features": code})
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	if moves := m.Program.Stages[0].Steps[0].Moves; !slices.Equal(moves, []string{"network", "features"}) {
		t.Errorf("moves %v", moves)
	}
	w := map[string]interp.Value{
		"network.v":  {Type: answer.Variables[1].Type, N: 1, Data: []float64{1, 0, 2, 0, 1, 0}},
		"features.w": {Type: code.Variables[0].Type, N: 1, Data: []float64{1, 0, 0, 1, 1, 1}},
	}
	in := map[string]interp.Value{"image": {Type: image, N: 1, Data: []float64{5, 6, 7}}}
	for export, want := range map[string][]float64{"features": {12, 13}, "reconstruct": {12, 13, 24}} {
		f := m.Program.Export(export)
		out := m.Run(t, f.Name, interp.Env{N: 1, Inputs: in, Variables: w})[f.Outputs[0].Name]
		if len(out.Type.Dims) > 1 && export == "features" || !cmp.Equal(out.Data, want) {
			t.Errorf("%s gives %v %v, want %v", export, out.Type, out.Data, want)
		}
	}
	if m.Program.Export("logits") != nil {
		t.Error("an autoencoder exports logits")
	}
	r.Networks[0].Graph = network(t, image, image).Print() // of weights of its own
	if _, complaints, _ := supervised.Model().Build(r); len(complaints) != 1 || !strings.Contains(complaints[0].Summary, "does not use its w") {
		t.Errorf("complaints of features that the network does not begin with: %v", complaints)
	}
	r.Networks[0].Graph, r.Networks[1].Graph = answer.Print(), network(t, graph.Real(2), fields["angle"]).Print()
	if _, complaints, _ := supervised.Model().Build(r); len(complaints) != 1 || complaints[0].Path != "features" {
		t.Errorf("complaints of features of other examples: %v", complaints)
	}
}
