package experiment

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// ready is a run up to where it compares keys with records.
func ready(t testing.TB, x *Experiment, dir string, restart bool) *runner {
	t.Helper()
	r := &runner{x: x, o: RunOptions{Folder: dir, Restart: restart, Watch: &watcher{}}, sets: newDatasets(nil, ""), models: map[*build.Model]*train.Model{}, starts: map[*build.Model]train.Weights{}, all: x.jobs()}
	r.jobs = r.all
	if found := r.refuse(context.Background()); found.HasErrors() {
		t.Fatal(found)
	}
	var err error
	if r.folder, err = record.Open(dir); err != nil {
		t.Fatal(err)
	}
	if r.done, err = r.folder.Actions(); err != nil {
		t.Fatal(err)
	}
	r.pool = exec.NewPool(1)
	t.Cleanup(r.pool.Close)
	return r
}

// keys returns the keys of all actions, by kind.
func keys(t testing.TB, text string, sets ...string) map[string]string {
	t.Helper()
	r := ready(t, load(t, plugins, text, sets...), t.TempDir(), false)
	defer r.folder.Close()
	out := map[string]string{}
	for _, j := range r.all {
		if len(j.key) != 64 {
			t.Errorf("%s has the key %q", j.name, j.key)
		}
		out[j.Kind] += j.key
	}
	return out
}

// testdata/keys.txtar says of edits to a spec which keys they change.
func TestKeys(t *testing.T) {
	a, err := txtar.ParseFile("testdata/keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	base := string(a.Files[0].Data)
	was := keys(t, base)
	if len(was) != 4 {
		t.Fatalf("keys of %d kinds", len(was))
	}
	for _, f := range a.Files[1:] {
		name, kinds, _ := strings.Cut(f.Name, ": ")
		text := base
		for line := range strings.Lines(string(f.Data)) {
			old, new, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => ")
			if !ok || !strings.Contains(text, old) {
				t.Fatalf("%s: %q is no edit of the spec", f.Name, line)
			}
			text = strings.ReplaceAll(text, old, strings.ReplaceAll(new, `\n`, "\n"))
		}
		is := keys(t, text)
		for kind := range was {
			want := strings.Contains(kinds, kind) || kinds == "all"
			if got := was[kind] != is[kind]; got != want {
				t.Errorf("%s: the key of %s changes: %v, want %v", name, kind, got, want)
			}
		}
	}
}

// A part that an earlier version did not have makes each of its runs one of another spec: a setting that is added later is a
// part only where it is not at its default.
func TestParts(t *testing.T) {
	a, err := txtar.ParseFile("testdata/keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := ready(t, load(t, plugins, string(a.Files[0].Data)), t.TempDir(), false)
	defer r.folder.Close()
	want := map[string]string{
		"train":    "accumulate average batch data length model network optimizer program seed numerics",
		"sample":   "count numerics sampler sampler's seed sheet training", // the sampler has options, so its Program counts
		"evaluate": "count metrics numerics reference sampler sampler's seed training",
		"deploy":   "count examples metrics network numerics reference sampler sampler's seed target targets training",
	}
	clamped := ready(t, load(t, plugins, strings.Replace(string(a.Files[0].Data), "warmup = 2", "clamp = 1", 1)), t.TempDir(), false)
	defer clamped.folder.Close()
	if got := clamped.all[0].parts["clamp of"]; got != "matrices and kernels" {
		t.Errorf("what is clamped is %q", got)
	}
	for _, j := range r.all {
		parts := map[string]bool{}
		for name := range j.parts {
			word, _, _ := strings.Cut(name, " ") // of `network of encoder`, `target CHIP`
			parts[word] = true
		}
		words := strings.Fields(want[j.Kind])
		slices.Sort(words)
		if got := slices.Sorted(maps.Keys(parts)); !slices.Equal(got, words) {
			t.Errorf("%s is made of %q, want %q", j.name, got, words)
		}
	}
}

// The length of a training is a part of its key where its course depends on it.
func TestLengthInKey(t *testing.T) {
	text := spec(t, "images")
	for _, x := range []struct {
		text  string
		bound bool
	}{
		{text, false},
		{spec(t, "images", "rate = 0.01", "rate = 0.01, schedule = step(every = 1)"), false},
		{spec(t, "images", "rate = 0.01", "rate = 0.01, schedule = linear"), true},
		{spec(t, "images", "rate = 0.01", "rate = 0.01, schedule = cosine"), true},
	} {
		a, b := keys(t, x.text), keys(t, x.text, "train.a.epochs=5")
		if (a["train"] != b["train"]) != x.bound {
			t.Errorf("a longer training has another key: %v, want %v, in\n%s", !x.bound, x.bound, x.text)
		}
		if a["sample"] == b["sample"] || a["evaluate"] == b["evaluate"] {
			t.Error("what reads a longer training has the same key")
		}
	}
}
