package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/docs"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// asPlugin makes the test binary a plugin of the name behind it; see pluginProcess.
const asPlugin = "test-plugin"

// pluginProcess serves the plugins of docs/diagnostics.md: one that is right, one that declares a default which is no value,
// one with a target that cannot be used yet, and one that dies.
func pluginProcess(args []string) {
	if len(args) != 3 || args[1] != asPlugin {
		return
	}
	switch args[2] {
	case "acme/adaptive":
		sdk.Serve(sdk.Plugin{Name: args[2], Version: "0.3.1", Equations: []schema.Component{{
			Kind: schema.Neuron, Name: "adaptive", Version: "0.3.1", Equations: "neuron adaptive(step = 0.5) {\n input x\n state v = 0\n v = v + step * x\n spike when v >= 1\n}",
		}}})
	case "acme/faulty":
		sdk.Serve(sdk.Plugin{Name: args[2], Version: "1.0.0", Models: []sdk.Model{{Component: schema.Component{
			Kind: schema.Model, Name: "faulty", Version: "1.0.0", Params: []schema.Param{{Name: "gain", Type: schema.Real, Default: "1 +"}},
		}}}})
	case "acme/planned":
		sdk.Serve(sdk.Plugin{Name: args[2], Version: "0.1.0", Targets: []sdk.Target{{Component: schema.Component{Kind: schema.Target, Name: "planned", Version: "0.1.0", Later: true}}}})
	}
	fmt.Fprintln(os.Stderr, "no device")
	os.Exit(1)
}

// testPlugins makes folders of the plugins in dir and returns them by name.
func testPlugins(t *testing.T, dir string) map[string]string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, version := range map[string]string{"acme/adaptive": "0.3.1", "acme/faulty": "1.0.0", "acme/planned": "0.1.0", "acme/gone": "1.0.0"} {
		folder := filepath.Join(dir, filepath.Base(name))
		manifest := fmt.Sprintf("name = %q\nversion = %q\ncommand = [\"./program\", %q, %q]\n", name, version, asPlugin, name)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(folder, "program")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "snn-plugin.toml"), []byte(manifest), 0o666); err != nil {
			t.Fatal(err)
		}
		out[name] = folder
	}
	return out
}

// Each section of docs/diagnostics.md has a wrong spec, what is printed of it, and a right one: the first finding of the wrong
// spec has the section's code, the right one has none. With -update what is printed is written anew.
func TestDiagnostics(t *testing.T) {
	file, err := filepath.Abs("../../docs/diagnostics.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("parts.snn", []byte("snn 1\nneuron fire = lif\n"), 0o666); err != nil { // what the examples import
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	h, err := newHost(host.Options{Dev: testPlugins(t, dir)}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	alone, err := newHost(host.Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	// A plugin that another lock has, and the same one where a lock has to have it.
	write(t, mkdir(t, "plugins/acme/hop")+"/snn-plugin.toml", "name = \"acme/hop\"\nversion = \"1.0.0\"\ncommand = [\"./hop\"]\n")
	places := installed.Places{Folders: []string{"plugins"}, Lock: "snnc.lock"}
	var other installed.Lock
	other.Put(installed.Locked{Name: "acme/hop", Version: "1.0.0", Folder: installed.HashText("before"), Description: installed.HashText("hop")})
	write(t, places.Lock, string(other.Text()))
	changed, err := newHost(host.Options{Places: places}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer changed.Close()
	places.Lock = mkdir(t, "without") + "/snnc.lock"
	locked, err := newHost(host.Options{Places: places, Locked: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	example := regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```\n")
	for _, code := range docs.Codes() {
		page, _ := docs.Page(code)
		wrong, right, printed := 0, 0, false
		for _, m := range example.FindAllStringSubmatch(page, -1) {
			if m[1] != "snn" {
				continue
			}
			from := alone
			switch {
			case strings.Contains(m[2], "--plugin-dev"):
				from = h
			case strings.HasSuffix(m[2], " changed"):
				from = changed
			case strings.HasSuffix(m[2], " locked"):
				from = locked
			}
			x, found, sources := experiment.Load(t.Context(), from, "x.snn", []byte(m[3]), experiment.Options{})
			if x != nil {
				found = append(found, x.Targets(t.Context())...)
			}
			var out strings.Builder
			if err := found.Text(&out, sources, false); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(strings.TrimSpace(m[2]), "wrong") {
				right++
				if len(found) > 0 {
					t.Errorf("%s: the right spec has findings\n%s", code, out.String())
				}
				continue
			}
			wrong++
			if len(found) == 0 || found.Sorted()[0].Code != diag.Code(code) {
				t.Errorf("%s: the wrong spec has other findings\n%s", code, out.String())
			}
			behind := page[strings.Index(page, m[0])+len(m[0]):]
			shown := "\n```text printed\n" + out.String() + "```\n"
			old := regexp.MustCompile("(?s)^\n```text printed\n(.*?)```\n").FindString(behind)
			printed = old == shown
			if !printed && !*update {
				t.Errorf("%s: another text is printed (-page +printed)\n%s", code, cmp.Diff(old, shown))
			}
			whole = strings.Replace(whole, m[0]+old, m[0]+shown, 1)
		}
		if wrong != 1 || right == 0 {
			t.Errorf("%s: %d wrong specs and %d right ones", code, wrong, right)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(whole), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// mkdir makes a folder and returns it.
func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Colours are for terminals that have them and users who want them.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		no, term string
		want     bool
	}{{"", "xterm-256color", true}, {"", "", true}, {"1", "xterm", false}, {"0", "xterm", false}, {"", "dumb", false}} {
		if got := colours(c.no, c.term); got != c.want {
			t.Errorf("NO_COLOR=%q TERM=%q: %v", c.no, c.term, got)
		}
	}
}
