package absorbing_test

import (
	"flag"
	"os"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/models/absorbing"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins) }

// second returns the second model of a spec, which must be right: that of the tokens of the first.
func second(t testing.TB, text string) *modeltest.Model {
	t.Helper()
	return plugins.Model(t, absorbing.Model(), text, 1, experiment.Options{})
}

// Every mistake is told at the argument that is to blame, and a right model gives a Program. Lines of a case stand in the place
// of those of a right spec.
func TestBuild(t *testing.T) {
	modeltest.Golden(t, "testdata/build.txtar", *update, func(_, text string) string {
		x, _, said := plugins.Load(modeltest.Lines(text,
			"coder two = direct(steps = 2)",
			"data d = optdigits(range = -1..1)",
			"data e = optdigits(range = -1..1)",
			"network to(x: real[1, 8, 8]) -> real[16, 2, 2] { return x -> reshape(16, 2, 2) }",
			"network back(z: real[16, 2, 2]) -> real[1, 8, 8] { return z -> reshape(1, 8, 8) }",
			"network net(c: tokens[2, 2], s: step) -> real[5, 2, 2] { return (c -> embedding(5, count = 6)) + (s -> embedding(5, count = 5) -> expand(2, 2)) }",
			"model m = vqvae(encoder = to, decoder = back, codes = 5)",
			"model p = absorbing(tokens = m, denoiser = net, steps = 4)",
			"train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }",
			"train p { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }",
			"sample p { sampler = reveal(steps = 2, temperature = 0.5) }"), experiment.Options{})
		if x == nil {
			return said
		}
		m := modeltest.Of(t, absorbing.Model(), x.Models[1])
		return m.Program.Print() + "\nthe sampler's:\n" + m.Sampler(t, "reveal", options(2, 0.5, "even")).Program.Print()
	})
}

// What is no mistake of the user is an error; data without images, and a model that makes no tokens, are one.
func TestBuildFails(t *testing.T) {
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := second(t, string(text))
	right := m.Request
	if _, complaints, err := absorbing.Model().Sampler(right, "euler", schema.Arguments{}); err == nil || len(complaints) > 0 {
		t.Errorf("an unknown sampler: %v, %v", complaints, err)
	}
	for name, x := range map[string]struct {
		change func(r *sdk.BuildRequest)
		path   string // of a complaint; "error" where it is an error
	}{
		"without a denoiser":  {func(r *sdk.BuildRequest) { r.Networks = without(r.Networks, "denoiser") }, "error"},
		"with a broken one":   {func(r *sdk.BuildRequest) { r.Networks[0].Graph = "graph 2\n" }, "error"},
		"without an encoding": {func(r *sdk.BuildRequest) { r.Networks = without(r.Networks, "tokens.encode") }, "tokens"},
		"without a decoding":  {func(r *sdk.BuildRequest) { r.Networks = without(r.Networks, "tokens.decode") }, "tokens"},
		"larger images":       {func(r *sdk.BuildRequest) { r.Fields = map[string]graph.Type{"image": graph.Real(1, 9, 9)} }, "tokens"},
		"no images":           {func(r *sdk.BuildRequest) { r.Fields = nil }, ""},
		"images for tokens":   {func(r *sdk.BuildRequest) { swap(r.Networks, "tokens.encode", "tokens.reconstruct") }, "tokens"},
		"images of images":    {func(r *sdk.BuildRequest) { swap(r.Networks, "tokens.decode", "tokens.reconstruct") }, "tokens"},
	} {
		r := right
		r.Networks = slices.Clone(r.Networks)
		x.change(&r)
		for call, f := range map[string]func() (string, []schema.Complaint, error){
			"build": func() (string, []schema.Complaint, error) { return absorbing.Model().Build(r) },
			"sampler": func() (string, []schema.Complaint, error) {
				return absorbing.Model().Sampler(r, "reveal", schema.Arguments{})
			},
		} {
			_, complaints, err := f()
			if x.path == "error" {
				if err == nil || len(complaints) > 0 {
					t.Errorf("%s, %s: %v, %v", call, name, complaints, err)
				}
			} else if err != nil || len(complaints) != 1 || complaints[0].Path != x.path {
				t.Errorf("%s, %s: %v, %v", call, name, complaints, err)
			}
		}
	}
}

func without(list []schema.Network, role string) []schema.Network {
	return slices.DeleteFunc(list, func(n schema.Network) bool { return n.Role == role })
}

// swap gives each of two roles what fills the other one.
func swap(list []schema.Network, a, b string) {
	for i := range list {
		switch list[i].Role {
		case a:
			list[i].Role = b
		case b:
			list[i].Role = a
		}
	}
}
