package absorbing_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/models/absorbing"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

var plugins *host.Host

func TestMain(m *testing.M) {
	builtin.Main() // the plugin process of the tests is this binary
	argv, err := builtin.Argv()
	if err != nil {
		panic(err)
	}
	plugins = host.New(host.Options{Builtin: argv})
	code := m.Run()
	if err := plugins.Close(); err != nil && code == 0 {
		panic(err)
	}
	os.Exit(code)
}

// load takes a spec to an experiment; where it cannot become one, said holds what a user reads.
func load(text string, o experiment.Options) (x *experiment.Experiment, said string) {
	x, found, sources := experiment.Load(context.Background(), plugins, "test.snn", []byte(text), o)
	var w bytes.Buffer
	found.Text(&w, sources, false)
	return x, w.String()
}

// second returns the second model of a spec, which must be right.
func second(t testing.TB, text string) *experiment.Model {
	t.Helper()
	x, said := load(text, experiment.Options{})
	if x == nil {
		t.Fatal(said)
	}
	return x.Models[1]
}

// request is what the plugin is asked with.
func request(m *experiment.Model) sdk.BuildRequest {
	r := sdk.BuildRequest{Arguments: m.Args, Fields: map[string]graph.Type{"image": graph.Real(m.Data.Channels, m.Data.Height, m.Data.Width)}}
	for _, role := range m.Program.Roles {
		n := schema.Network{Role: role.Name, Name: role.Owner(), Graph: m.Modules[role.Name].Print()}
		if role.Kind == "model" {
			n.Kind = role.Kind
		}
		r.Networks = append(r.Networks, n)
	}
	return r
}

// sampler returns the Program of the model's sampler with options.
func sampler(t testing.TB, m *experiment.Model, options schema.Arguments) *program.Program {
	t.Helper()
	text, complaints, err := absorbing.Model().Sampler(request(m), "reveal", options)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	p, err := program.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every mistake is told at the argument that is to blame, and a right model gives a Program. Lines of a case stand in the place
// of those of a right spec.
func TestBuild(t *testing.T) {
	const file = "testdata/build.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for i, f := range a.Files {
		if strings.HasSuffix(f.Name, ".out") {
			continue
		}
		spec := "snn 1\n"
		for _, line := range []string{
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
			"sample p { sampler = reveal(steps = 2, temperature = 0.5) }",
		} {
			words := strings.Fields(line)
			start := words[0] + " " + strings.Split(words[1], "(")[0]
			for own := range strings.Lines(string(f.Data)) {
				if strings.HasPrefix(own, start) {
					line = strings.TrimSuffix(own, "\n")
				}
			}
			spec += line + "\n"
		}
		x, got := load(spec, experiment.Options{})
		if x != nil {
			got = x.Models[1].Program.Print() + "\nthe sampler's:\n" + sampler(t, x.Models[1], schema.Arguments{"steps": {Number: 2}, "temperature": {Number: 0.5}, "spacing": {Text: "even"}}).Print()
		}
		out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		if *update {
			continue
		}
		if i+1 == len(a.Files) || a.Files[i+1].Name != f.Name+".out" {
			t.Errorf("%s: nothing is expected", f.Name)
		} else if d := cmp.Diff(string(a.Files[i+1].Data), got); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.Name, d)
		}
	}
	if a.Files = out; *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What is no mistake of the user is an error; data without images, and a model that makes no tokens, are one.
func TestBuildFails(t *testing.T) {
	text, err := os.ReadFile("testdata/small.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := second(t, string(text))
	right := request(m)
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
