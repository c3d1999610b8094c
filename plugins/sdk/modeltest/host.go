package modeltest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/specs"
)

// Host takes specs the whole way to experiments, through a plugin process that serves the built-ins and other models.
type Host struct{ h *host.Host }

// Main is TestMain of a package that has a Host: it starts one, puts it at h, and runs the tests. The plugin process is the test
// binary itself; it serves models besides the built-ins, under their own names.
func Main(m *testing.M, h **Host, models ...sdk.Model) {
	if len(os.Args) == 2 && os.Args[1] == builtin.Command {
		p := builtin.Plugin()
		p.Models = append(p.Models, models...)
		sdk.Serve(p)
		os.Exit(0)
	}
	argv, err := builtin.Argv()
	if err != nil {
		panic(err)
	}
	started := host.New(host.Options{Builtin: argv})
	*h = &Host{started}
	code := m.Run()
	if err := started.Close(); err != nil && code == 0 {
		panic(err)
	}
	os.Exit(code)
}

// Load takes a spec to an experiment, nil where it cannot become one. found are the findings, and said is what a user reads of them.
func (h *Host) Load(spec string, o experiment.Options) (x *experiment.Experiment, found diag.List, said string) {
	x, found, sources := experiment.Load(context.Background(), h.h, "test.snn", []byte(spec), o)
	var w bytes.Buffer
	found.Text(&w, sources, false)
	return x, found, w.String()
}

// Model returns model i of a spec, which must be right, as built by the plugin.
func (h *Host) Model(t testing.TB, plugin sdk.Model, spec string, i int, o experiment.Options) *Model {
	t.Helper()
	x, _, said := h.Load(spec, o)
	if x == nil {
		t.Fatal(said)
	}
	return Of(t, plugin, x.Models[i])
}

// Of returns a model of an experiment, as built by the plugin.
func Of(t testing.TB, plugin sdk.Model, m *build.Model) *Model {
	t.Helper()
	r, err := sdk.NewBuildRequest(m.Request())
	if err != nil {
		t.Fatal(err)
	}
	return &Model{Program: m.Program, Linker: m.Linker, Modules: m.Modules, Request: r, plugin: plugin}
}

// Published returns the text of a spec of the project: NAME.snn in the folder specs.
func Published(t testing.TB, name string) string {
	t.Helper()
	text := specs.Text(name)
	if text == nil {
		t.Fatalf("there is no spec %s", name)
	}
	return string(text)
}

// CheckPublished loads a spec of the project and compares the parameters of its networks, trainable and frozen ones, in their order.
// All that may be said of the spec is what this version cannot run.
func (h *Host) CheckPublished(t testing.TB, name string, o experiment.Options, want ...[2]int) {
	t.Helper()
	what := fmt.Sprint(name, " ", o.Preset, o.Sets)
	x, found, said := h.Load(Published(t, name), o)
	if x == nil {
		t.Errorf("%s: %s", what, said)
		return
	}
	for _, d := range found {
		if d.Code != diag.NotInVersion {
			t.Errorf("%s: %s", what, said)
		}
	}
	for i, want := range want {
		network := x.Spec.Networks[i]
		if n := network.Count(); n.Trainable != want[0] || n.Frozen != want[1] {
			t.Errorf("%s: network %s has %d parameters and %d frozen, want %d and %d", what, network.Name, n.Trainable, n.Frozen, want[0], want[1])
		}
	}
}
