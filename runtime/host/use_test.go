package host_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

const leapSpec = `snn 1

use "acme/leap" as leap, version "~> 0.3"

neuron fire = leap(jump = 0.5)
`

// develop builds the plugin of testdata/leap and returns its folder.
func develop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command("go", "build", "-o", filepath.Join(dir, "leap"), "./testdata/leap")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("testdata/leap/" + installed.ManifestName)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, installed.ManifestName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A neuron of a third party's plugin: from its folder through its process into a spec, and on to the graph of its step.
func TestDevelop(t *testing.T) {
	dir := develop(t)
	cache := t.TempDir()
	var described schema.Plugin
	for _, processes := range []int{1, 0} {
		h := start(t, "exit", host.Options{Dev: map[string]string{"acme/leap": dir}, Cache: cache})
		var err error
		if described, err = h.Describe(context.Background(), "acme/leap"); err != nil {
			t.Fatal(err)
		}
		if n := len(h.Processes()); n != processes {
			t.Errorf("%d processes, want %d", n, processes)
		}
		if names := h.Plugins(); len(names) != 1 || names[0] != "acme/leap" {
			t.Errorf("%q", names)
		}
	}
	f, found := dsl.Parse("leap.snn", []byte(leapSpec))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Used: map[string]schema.Plugin{"acme/leap": described}}})
	if found = append(found, more...); len(found) > 0 {
		t.Fatal(found)
	}
	if n := s.Neurons[0]; n.Name != "fire" || n.Params["jump"] != 0.5 || n.Params["tau"] != 4 {
		t.Errorf("%+v", n)
	}
	e, err := lower.Neuron(s.Neurons[0])
	if err != nil || len(e.States) != 2 || !e.Spikes {
		t.Errorf("%+v %v", e, err)
	}
}

// What is wrong with a plugin's folder is a failure of the first call.
func TestDevelopWrong(t *testing.T) {
	dir := develop(t)
	manifest := filepath.Join(dir, installed.ManifestName)
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, old, new, want string }{
		{"acme/other", "", "", `calls itself "acme/leap"`},
		{"acme/leap", `"./leap"`, `"./nothing"`, "/nothing: file does not exist; put it there, or name another one"},
		{"acme/leap", `"./leap"]`, `"./nothing"]` + "\nbuild = [\"make\", \"it\"]", "/nothing: file does not exist; build it by `snnc plugin test " + dir + "`, which runs `make it`"},
		{"acme/leap", `"0.3.1"`, `"0.4.0"`, `its program says that it is version "0.3.1", and its manifest "0.4.0": write the same version in snn-plugin.toml`},
		{"acme/leap", "version", "versions", `unknown key "versions"`},
		{"acme/leap", "version", "requires = 2\nversion", "requires version 2 of the protocol, and this program speaks version 1: get"},
	} {
		if err := os.WriteFile(manifest, []byte(strings.Replace(string(text), x.old, x.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		h := start(t, "exit", host.Options{Dev: map[string]string{x.name: dir}})
		_, err := h.Describe(context.Background(), x.name)
		failure(t, err, x.want, `plugin "`+x.name+`"`)
	}
}

// What a plugin under development prints is shown as it prints it, and that of one that is installed is not.
func TestPrinted(t *testing.T) {
	dir := develop(t)
	script := "#!/bin/sh\necho at first\nprintf '  \\033[31mred\\t\\n\\n' >&2\necho >&2; printf beside\nexec ./leap\n"
	for name, text := range map[string]string{"main": script, installed.ManifestName: "name = \"acme/leap\"\nversion = \"0.3.1\"\ncommand = [\"./main\"]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	place := t.TempDir()
	if err := os.CopyFS(filepath.Join(place, "acme", "leap"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		o    host.Options
		want []string
	}{
		{host.Options{Dev: map[string]string{"acme/leap": dir}}, []string{"acme/leap:   [31mred", "acme/leap: at first"}},
		{host.Options{Places: installed.Places{Folders: []string{place}}}, nil},
	} {
		var mu sync.Mutex
		var got []string
		x.o.Printed = func(plugin, line string) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, plugin+": "+line)
		}
		h := start(t, "exit", x.o)
		if _, err := h.Describe(context.Background(), "acme/leap"); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil { // and all that the process has printed is read
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, x.want) {
			t.Errorf("%q, want %q", got, x.want)
		}
	}
}
