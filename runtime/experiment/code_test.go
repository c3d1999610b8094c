package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// inFolder is the argument that makes the test binary serve opaquetest with a neuron of equations, neurons that fail and a target besides.
const inFolder = "serve-in-folder"

func serveInFolder() {
	if len(os.Args) != 2 || os.Args[1] != inFolder {
		return
	}
	p := opaquetest.Plugin()
	p.Equations = []schema.Component{{Kind: schema.Neuron, Name: "plain", Version: "1.0", Doc: "Sums up.",
		Equations: "neuron plain(tau: real = 2) {\n    input x\n    state v = 0\n    v = v + (x - v) / tau\n    spike when v >= 0.25\n    on spike { v = 0 }\n}\n"}}
	p.Targets = []sdk.Target{{Component: schema.Component{Kind: schema.Target, Name: "chip", Version: "1.0", Doc: "Takes all."},
		Check: func(schema.TargetRequest) (schema.TargetReply, error) { return schema.TargetReply{Fits: true}, nil }}}
	p.Targets = append(p.Targets, circuittest.Ideal(), coarse(), unlike(), tracing("traced"))
	for _, call := range []string{"Forward", "Backward"} {
		p.Opaque = append(p.Opaque, failing(p.Opaque[0], call))
	}
	sdk.Serve(p)
	os.Exit(0)
}

// pluginFolder makes a folder with the plugin that the test binary serves.
func pluginFolder(t *testing.T, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := opaquetest.Plugin()
	for name, text := range map[string]string{
		installed.ManifestName: fmt.Sprintf("name = %q\nversion = %q\ncommand = [\"./main\"]\n", p.Name, p.Version),
		"main":                 "#!/bin/sh\nexec " + self + " " + inFolder + "\n",
	} {
		edit(t, filepath.Join(dir, name), text)
	}
}

// edit writes a file, which may be executed.
func edit(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// folderHost is a host of which a test closes nothing.
func folderHost(t *testing.T, o host.Options) *host.Host {
	t.Helper()
	argv, err := builtin.Argv()
	if err != nil {
		t.Fatal(err)
	}
	o.Builtin = argv
	h := host.New(o)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// What a plugin computes by itself is known by its code: where that has changed nothing passes for done or goes on, whether a lock holds the
// plugin or not. What lies beside the code is none of it, and neither is the code that makes what is known as a text.
func TestCode(t *testing.T) {
	name, dir, out := opaquetest.Plugin().Name, t.TempDir(), filepath.Join(t.TempDir(), "run")
	pluginFolder(t, dir)
	use := func(component string) string { return fmt.Sprintf("use %q as %s\n", name, component) }
	text := spec(t, "opaque", "neuron fire ", use("leaky")+use("dither")+use("window")+"neuron fire ", "epochs = 3", "epochs = 1", "count = 100", "count = 10")
	dev := func() *host.Host { return folderHost(t, host.Options{Dev: map[string]string{name: dir}}) }
	done := func(what string, w *watcher) {
		t.Helper()
		if n := strings.Count(strings.Join(w.said, "\n"), "done already"); n != 4 || w.steps > 0 {
			t.Errorf("%s: %q", what, w.said)
		}
	}
	w := mustRun(t, load(t, dev(), text), out)
	if w.steps == 0 {
		t.Fatal("nothing is trained")
	}
	edit(t, filepath.Join(dir, "README.md"), "read me")
	edit(t, filepath.Join(dir, "example.snn"), text)
	if err := os.CopyFS(filepath.Join(dir, "runs", "example"), os.DirFS(out)); err != nil {
		t.Fatal(err)
	}
	done("with a run in the folder", mustRun(t, load(t, dev(), text), out))

	// The same from where a spec finds it, held by a lock.
	places := installed.Places{Folders: []string{t.TempDir()}, Lock: filepath.Join(t.TempDir(), installed.LockName)}
	place := filepath.Join(places.Folders[0], filepath.FromSlash(name))
	pluginFolder(t, place)
	held := func() *host.Host { return folderHost(t, host.Options{Places: places}) }
	done("from a lock", mustRun(t, load(t, held(), text), out))

	before := state(t, out)
	changes := []string{"train a: the code of plugin " + name + " has changed"}
	main := filepath.Join(dir, "main")
	was, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, main, string(was)+"# another neuron\n")
	changed(t, load(t, dev(), text), out, changes)
	changed(t, load(t, dev(), text, "train.a.epochs=2"), out, changes)
	edit(t, filepath.Join(place, "main"), string(was)+"# another neuron\n")
	if err := os.Remove(places.Lock); err != nil { // which is written anew: the user accepts what is there
		t.Fatal(err)
	}
	changed(t, load(t, held(), text, "train.a.epochs=2"), out, changes)
	if said := sampled(t, dev(), SampleOptions{Run: out, Out: t.TempDir()}); !strings.Contains(said, "the code of plugin "+name+" has changed since this training") {
		t.Errorf("samples with another neuron: %q", said)
	}
	edit(t, main, string(was))
	done("with the old code", mustRun(t, load(t, dev(), text), out))
	for file, want := range before {
		if got := state(t, out)[file]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s has changed", file)
		}
	}
}

// Equations are known by their text, a target by its code, and so is what an action puts in.
func TestCodeOfTexts(t *testing.T) {
	name, dir := opaquetest.Plugin().Name, t.TempDir()
	pluginFolder(t, dir)
	text := spec(t, "code")
	h := folderHost(t, host.Options{Dev: map[string]string{name: dir}})
	x := load(t, h, text)
	r := ready(t, x, t.TempDir(), false)
	defer r.folder.Close()
	for _, j := range r.all {
		coded := slices.Contains(slices.Collect(maps.Keys(j.parts)), codePart+name)
		if want := j.Kind == "deploy"; coded != want {
			t.Errorf("%s hangs on the code of the plugin: %v, want %v", j.name, coded, want)
		}
	}
	plain, leaky := x.Models[0].Built, load(t, h, strings.ReplaceAll(strings.Replace(text, "as plain", "as leaky", 1), "-> plain", "-> leaky")).Models[0].Built
	for trained, want := range map[*build.Built]int{plain: 1, leaky: 0} {
		if own, found := x.ownCodes(&use{Built: plain, trained: trained, drawn: leaky}); len(own) != want || len(found) > 0 {
			t.Errorf("%d parts of what is drawn: %v %v", want, own, found)
		}
	}
	x.host = folderHost(t, host.Options{Dev: map[string]string{name: filepath.Join(dir, "none")}})
	if _, found := x.codesOf([]string{"", name}, x.Models[0].At()); len(found) != 1 || !strings.Contains(found[0].Summary, fs.ErrNotExist.Error()) && !strings.Contains(found[0].Summary, "no such file") {
		t.Errorf("%v", found)
	}
	if parts, found := x.codesOf([]string{""}, x.Models[0].At()); len(parts) > 0 || len(found) > 0 {
		t.Errorf("of the built-ins: %v %v", parts, found)
	}
}
