package diffusion_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/models/diffusion"
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
func load(text string, o experiment.Options) (x *experiment.Experiment, found diag.List, said string) {
	x, found, sources := experiment.Load(context.Background(), plugins, "test.snn", []byte(text), o)
	var w bytes.Buffer
	found.Text(&w, sources, false)
	return x, found, w.String()
}

// model is the first model of a spec, which must be right.
type model struct {
	*experiment.Model
	x *experiment.Experiment
}

func fromSpec(t testing.TB, text string, o experiment.Options) model {
	t.Helper()
	x, _, said := load(text, o)
	if x == nil {
		t.Fatal(said)
	}
	return model{x.Models[0], x}
}

// request is what the plugin is asked with.
func (m model) request() sdk.BuildRequest {
	r := m.Roles[0]
	return sdk.BuildRequest{
		Arguments: m.Args,
		Networks:  []schema.Network{{Role: r.Path, Name: r.Network.Name, Graph: m.Modules[r.Path].Print(), Steps: r.Steps}},
		Fields:    map[string]graph.Type{"image": graph.Real(m.Data.Channels, m.Data.Height, m.Data.Width), "label": graph.Real().With(graph.I32)},
		Classes:   map[string]int{"label": 10},
	}
}

// sampler returns the Program for the n-th action of the spec that draws.
func (m model) sampler(t testing.TB, n int) *program.Program {
	t.Helper()
	for _, a := range m.x.Spec.Actions {
		v, ok := a.Settings["sampler"]
		if ok {
			n--
		}
		if n >= 0 {
			continue
		}
		text, complaints, err := diffusion.Model().Sampler(m.request(), v.Text, v.Args)
		if err != nil || len(complaints) > 0 {
			t.Fatal(complaints, err)
		}
		p, err := program.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Fatal("no such action")
	return nil
}

// Every mistake is told at the argument that is to blame, and a right model gives Programs. Lines of a case stand in the place
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
		got := answer(t, string(f.Data))
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

// answer is what the user reads of what is wrong, or the Programs of the model and of its sampler.
func answer(t *testing.T, text string) string {
	t.Helper()
	spec := "snn 1\n"
	for _, line := range []string{
		"coder", // none
		"data d = optdigits(range = -1..1)",
		"network net(image: real[1, 8, 8], s: step) -> real[1, 8, 8] { return image + (s -> raw -> linear(1)) }",
		"model m = diffusion(denoiser = net)",
		"train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }",
		"sample m { sampler = ddim(steps = 2) }",
	} {
		word, _, _ := strings.Cut(line, " ")
		for own := range strings.Lines(text) {
			if strings.HasPrefix(own, word+" ") {
				line = strings.TrimSuffix(own, "\n")
			}
		}
		if line != word {
			spec += line + "\n"
		}
	}
	x, _, said := load(spec, experiment.Options{})
	if x == nil {
		return said
	}
	m := model{x.Models[0], x}
	return m.Program.Print() + "\nthe sampler's:\n" + m.sampler(t, 0).Print()
}

// What is no mistake of the user is an error; data without images are one.
func TestBuildFails(t *testing.T) {
	m := fromSpec(t, `snn 1
data d = optdigits(range = -1..1)
network net(image: real[1, 8, 8], s: step) -> real[1, 8, 8] { return image + (s -> raw -> linear(1)) }
model m = diffusion(denoiser = net)
train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
`, experiment.Options{})
	if _, complaints, err := diffusion.Model().Sampler(m.request(), "euler", schema.Arguments{}); err == nil || len(complaints) > 0 {
		t.Errorf("an unknown sampler: %v, %v", complaints, err)
	}
	bare, blind := m.request(), m.request()
	bare.Networks = nil
	blind.Fields = nil
	for name, call := range map[string]func(sdk.BuildRequest) (string, []schema.Complaint, error){
		"build": diffusion.Model().Build,
		"sampler": func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			return diffusion.Model().Sampler(r, "ddpm", schema.Arguments{})
		},
	} {
		if _, complaints, err := call(bare); err == nil || len(complaints) > 0 {
			t.Errorf("%s without a denoiser: %v, %v", name, complaints, err)
		}
		if _, complaints, err := call(blind); err != nil || fmt.Sprint(complaints) != "[{ this model is trained on images, and the data have no field `image` train it on a data set of images}]" {
			t.Errorf("%s without images: %v, %v", name, complaints, err)
		}
	}
}

// The published sizes: SDDPM (Cao et al. 2024) with three channels and with one, DDPM (Ho et al. 2020), and the network without
// attention that SDDPM is compared with. All that is said of the specs is what this version cannot run.
func TestSpecs(t *testing.T) {
	for _, w := range []struct {
		spec, preset, set string
		parameters        int
		frozen            int
	}{
		{"sddpm", "", "", 66_568_413, 128_000},
		{"sddpm", "", "channels=1", 66_563_725, 128_000},
		{"sddpm", "small", "", 622_029, 16_000},
		{"ddpm-ann", "", "", 35_746_307, 128_000},
		{"ddpm-ann", "snn", "", 67_474_691, 128_000},
		{"ddpm-ann", "small", "", 619_697, 16_000},
	} {
		o := experiment.Options{Preset: w.preset}
		if w.set != "" {
			o.Sets = []string{w.set, "images=mnist(size = 32, range = -1..1)"}
		}
		x, found, said := load(published(t, w.spec), o)
		if x == nil {
			t.Errorf("%s %s: %s", w.spec, w.preset, said)
			continue
		}
		for _, d := range found {
			if d.Code != diag.NotInVersion {
				t.Errorf("%s %s: %s", w.spec, w.preset, said)
			}
		}
		if n := x.Spec.Networks[0].Count(); n.Trainable != w.parameters || n.Frozen != w.frozen {
			t.Errorf("%s %s %s: %d parameters and %d frozen, want %d and %d", w.spec, w.preset, w.set, n.Trainable, n.Frozen, w.parameters, w.frozen)
		}
	}
}

// published returns the text of a spec of the project.
func published(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../specs/" + name + ".snn")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
