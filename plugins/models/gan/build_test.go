package gan_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
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

// model returns the first model of a spec, which must be right.
func model(t testing.TB, text string, o experiment.Options) *experiment.Model {
	t.Helper()
	x, _, said := load(text, o)
	if x == nil {
		t.Fatal(said)
	}
	return x.Models[0]
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
		got := answer(string(f.Data))
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

// answer is what the user reads of what is wrong, or the Program of the model.
func answer(text string) string {
	spec := "snn 1\n"
	for _, line := range []string{
		"neuron", // none
		"coder",
		"data d = optdigits(range = 0..1)",
		"network draw(z: real[3]) -> real[1, 8, 8] { return z -> linear(64) -> reshape(1, 8, 8) }",
		"network judge(image: real[1, 8, 8]) -> real[1] { return image -> flatten -> linear(1) }",
		"model m = gan(generator = draw, discriminator = judge)",
		"train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }",
		"sample",
	} {
		start, _, _ := strings.Cut(line, "(")
		start, _, _ = strings.Cut(start, " {")
		start, _, _ = strings.Cut(start, " =")
		for own := range strings.Lines(text) {
			if strings.HasPrefix(own, start) {
				line = strings.TrimSuffix(own, "\n")
			}
		}
		if line != start {
			spec += line + "\n"
		}
	}
	x, _, said := load(spec, experiment.Options{})
	if x == nil {
		return said
	}
	return x.Models[0].Program.Print()
}

// The published sizes: SGAD with its scoring network (Feng et al. 2024), and the small ones; all that is said of the specs is
// what this version cannot run.
func TestSpecs(t *testing.T) {
	for _, w := range []struct {
		spec, preset             string
		generator, discriminator int
	}{
		{"spiking-gan", "", 353_600, 314_400},
		{"gan-ann", "", 354_784, 314_401},
		{"sgad", "", 6_988_865, 1_102_913},
		{"sgad", "small", 417_937 + 100_480, 144_929},
	} {
		x, found, said := load(published(t, w.spec), experiment.Options{Preset: w.preset})
		if x == nil {
			t.Errorf("%s %s: %s", w.spec, w.preset, said)
			continue
		}
		for _, d := range found {
			if d.Code != diag.NotInVersion {
				t.Errorf("%s %s: %s", w.spec, w.preset, said)
			}
		}
		for i, want := range []int{w.generator, w.discriminator} {
			if n := x.Spec.Networks[i].Count(); n.Trainable != want || n.Frozen != 0 {
				t.Errorf("%s %s: network %s has %d parameters and %d frozen, want %d", w.spec, w.preset, x.Spec.Networks[i].Name, n.Trainable, n.Frozen, want)
			}
		}
	}
}
