package vqvae_test

import (
	"flag"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/models/vqvae"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins) }

// Every mistake is told at the argument that is to blame, and a right model gives a Program. Lines of a case stand in the place
// of those of a right spec.
func TestBuild(t *testing.T) {
	modeltest.Golden(t, "testdata/build.txtar", *update, func(_, text string) string {
		x, _, said := plugins.Load(modeltest.Lines(text,
			"coder two = direct(steps = 2)",
			"coder three = direct(steps = 3)",
			"coder sum = membrane(decay = 0.8)",
			"neuron fire = lif(tau = 2 steps)",
			"data d = optdigits(range = -1..1)",
			"network enc(x: real[1, 8, 8]) -> spikes[2, 4, 4] { return x -> encode(two) -> conv(2, kernel = 3, stride = 2) -> fire }",
			"network read(z: spikes[2, 4, 4]) -> real[2, 4, 4] { return z -> decode(sum) }",
			"network fire2(q: real[2, 4, 4]) -> spikes[2, 4, 4] { return q -> encode(two) -> fire }",
			"network dec(z: spikes[2, 4, 4]) -> real[1, 8, 8] { return z -> deconv(1, kernel = 3, stride = 2) -> decode(sum) }",
			"model m = vqvae(encoder = enc, readout = read, spiker = fire2, decoder = dec, codes = 4, loss = mse(relative = true) + psp(tau = 2 steps))",
			"train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }"), experiment.Options{})
		if x == nil {
			return said
		}
		return x.Models[0].Program.Print()
	})
}

// What is no mistake of the user is an error; data without images are one.
func TestBuildFails(t *testing.T) {
	text := `graph 1

function train(x: f32[N 2 4 4]) {
  return y = %x
}

function eval(x: f32[N 2 4 4]) {
  return y = %x
}
`
	right := sdk.BuildRequest{Arguments: schema.Arguments{"codes": {Type: schema.Int, Number: 4}, "loss": {Type: schema.Terms, Items: []schema.Value{{Type: schema.OneOf, Text: "mse", Weight: 1}}}},
		Networks: []schema.Network{{Role: "encoder", Graph: text}, {Role: "decoder", Graph: text}}, Fields: map[string]graph.Type{"image": graph.Real(2, 4, 4)}}
	if _, complaints, err := vqvae.Model().Build(right); err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	for name, change := range map[string]func(r *sdk.BuildRequest){
		"without a decoder":     func(r *sdk.BuildRequest) { r.Networks = r.Networks[:1] },
		"with a broken encoder": func(r *sdk.BuildRequest) { r.Networks[0].Graph = "graph 2\n" },
		"with an unknown term":  func(r *sdk.BuildRequest) { r.Arguments["loss"].Items[0].Text = "elbo" },
	} {
		r := right
		r.Networks = slices.Clone(r.Networks)
		r.Arguments = schema.Arguments{"codes": r.Arguments["codes"], "loss": {Items: slices.Clone(r.Arguments["loss"].Items)}}
		change(&r)
		if _, complaints, err := vqvae.Model().Build(r); err == nil || len(complaints) > 0 {
			t.Errorf("%s: %v, %v", name, complaints, err)
		}
	}
	right.Fields = nil
	if _, complaints, err := vqvae.Model().Build(right); err != nil || len(complaints) != 1 || complaints[0].Path != "" {
		t.Errorf("without images: %v, %v", complaints, err)
	}
}
