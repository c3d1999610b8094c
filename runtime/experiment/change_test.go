package experiment

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/record"
)

// changed runs an experiment, which must be refused with exactly these changes.
func changed(t *testing.T, x *Experiment, dir string, want []string, change ...func(*RunOptions)) {
	t.Helper()
	w, err := run(t, x, dir, change...)
	var e *Changed
	if !errors.As(err, &e) {
		t.Errorf("%v, want %q", err, want)
		return
	}
	if d := cmp.Diff(want, e.Changes); d != "" {
		t.Errorf("changes (-want +got)\n%s", d)
	}
	for _, part := range append(want, "--restart", "--out", dir) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said in: %v", part, err)
		}
	}
	if w.steps > 0 {
		t.Errorf("%d updates", w.steps)
	}
}

// A spec that computes something else is refused with the settings that differ, by action, and touches nothing.
func TestChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	text := spec(t, "images")
	mustRun(t, load(t, plugins, text), dir)
	before := state(t, dir)
	changed(t, load(t, plugins, text, "sample.a.count=30"), dir, []string{"sample a: count: 20 is now 30"})
	changed(t, load(t, plugins, text, "train.a.batch=25", "train.a.seed=9", "train.a.average=0.5", "evaluate.a.reference=train"), dir, []string{
		"train a: average: 0 is now 0.5",
		"train a: batch: 50 is now 25",
		"train a: seed: 3 is now 9",
		"evaluate a: reference: test is now train",
		"evaluate a: reference data computes something else",
	})
	changed(t, load(t, plugins, spec(t, "images", "adam(rate = 0.01)", "sgd(rate = 0.01)", "take = 150", "take = 100")), dir, []string{
		"train a: data computes something else",
		"train a: optimizer: adam(beta1 = 0.9, beta2 = 0.999, decay = 0, epsilon = 1e-08, rate = 0.01, schedule = constant, warmup = 0) is now sgd(decay = 0, momentum = 0, rate = 0.01, schedule = constant, warmup = 0)",
	})
	changed(t, load(t, plugins, spec(t, "images", "tanh -> linear(8)", "sigmoid -> linear(8)", "kl / 240", "kl / 24")), dir, []string{
		"train a: network of encoder computes something else",
		"train a: program computes something else",
	})
	// What is selected may be as it was; what it reads is not.
	other := load(t, plugins, text, "train.a.batch=25")
	for _, restart := range []bool{false, true} {
		changed(t, other, dir, []string{"train a: batch: 50 is now 25"}, func(o *RunOptions) { o.Only, o.Restart = only(t, "sample"), restart })
	}
	if d := cmp.Diff(before, state(t, dir)); d != "" {
		t.Errorf("refused, and yet (-before +after)\n%s", d)
	}
	// A shorter training is another one; so is a longer one whose schedule sees its end.
	if _, err := run(t, load(t, plugins, text, "train.a.epochs=1"), dir); err == nil || !strings.Contains(err.Error(), "6 updates are done, the spec asks for 3") {
		t.Error(err)
	}
	cosine := spec(t, "images", "rate = 0.01", "rate = 0.01, schedule = cosine")
	dir2 := filepath.Join(t.TempDir(), "run")
	mustRun(t, load(t, plugins, cosine), dir2, func(o *RunOptions) { o.Only = only(t, "train") })
	changed(t, load(t, plugins, cosine, "train.a.epochs=3"), dir2, []string{"train a: length: 2 epochs is now 3 epochs, on which the schedule or the model depends"})
}

// A longer training goes on, and what reads it is done again, but not before the training is.
func TestLonger(t *testing.T) {
	dir := t.TempDir()
	text := spec(t, "images")
	short, long := filepath.Join(dir, "short"), filepath.Join(dir, "long")
	mustRun(t, load(t, plugins, text, "train.a.epochs=3"), long)
	mustRun(t, load(t, plugins, text), short)
	x := load(t, plugins, text, "train.a.epochs=3")
	if _, err := run(t, x, short, func(o *RunOptions) { o.Only = only(t, "sample") }); err == nil || !strings.Contains(err.Error(), "not trained yet as the spec says (3 epochs)") {
		t.Errorf("samples of 2 epochs pass for those of 3: %v", err)
	}
	w := mustRun(t, x, short)
	if w.steps != 3 || w.says("sample a: done already") || w.says("evaluate a: done already") {
		t.Errorf("%d updates, said %q", w.steps, w.said)
	}
	a, b := state(t, long), state(t, short)
	for name := range a {
		if strings.HasPrefix(name, record.SampleFolder) || strings.HasPrefix(name, record.CheckpointFolder) || name == record.MetricFile {
			if a[name] != b[name] {
				t.Errorf("%s differs", name)
			}
		}
	}
}

// Another sheet is drawn of the same samples, whatever else is done already.
func TestSheet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	text := spec(t, "images")
	mustRun(t, load(t, plugins, text), dir)
	file := filepath.Join(dir, record.SampleFolder, "sample-a")
	png, npy := sum(t, file+".png"), sum(t, file+".npy")
	x := load(t, plugins, text, "sample.a.sheet=2x10")
	w := mustRun(t, x, dir)
	if w.steps > 0 || !w.says("train a: done already") || !w.says("evaluate a: done already") || w.says("sample a: done already") {
		t.Errorf("said %q", w.said)
	}
	if sum(t, file+".png") == png || sum(t, file+".npy") != npy {
		t.Error("the sheet is the old one, or the samples are not")
	}
	png = sum(t, file+".png")
	if w := mustRun(t, x, dir); !w.says("sample a: done already") || sum(t, file+".png") != png {
		t.Errorf("said %q", w.said)
	}
}

// What an action that is done has left is made again where it is gone, to the same bytes, and nothing else is.
func TestMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, chips(t), spec(t, "deployed-images", "[ideal, coarse(bits = 2)]", "[ideal]"))
	mustRun(t, x, dir)
	replies, err := filepath.Glob(filepath.Join(dir, record.DeployFolder, "a-*.json"))
	if err != nil || len(replies) != 1 {
		t.Fatal(replies, err)
	}
	before := state(t, dir)
	sorted := func(s map[string]any) map[string]any { // events of what is done again come last
		events := slices.Clone(s[record.EventFile].([]record.Event))
		slices.SortStableFunc(events, func(a, b record.Event) int { return strings.Compare(a.Action, b.Action) })
		s[record.EventFile] = events
		return s
	}
	sorted(before)
	rename := func(file string) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, []byte(strings.Replace(string(text), `"mse_relative"`, `"other"`, 1)), 0o644)
	}
	for _, c := range []struct {
		file  string
		spoil func(string) error
		again string
	}{
		{record.MetricFile, os.Remove, "evaluate a"},
		{record.MetricFile, rename, "evaluate a"},
		{"samples/sample-a.png", os.Remove, "sample a"},
		{"samples/sample-a.npy", os.Remove, "sample a"},
		{record.SampleFolder, os.RemoveAll, "sample a"},
		{record.DeployFolder + "/" + filepath.Base(replies[0]), os.Remove, "deploy a"},
		{record.DeployFolder + "/a.software.png", os.Remove, "deploy a"},
		{record.DeployFolder, os.RemoveAll, "deploy a"},
		{record.ReportFile, os.Remove, ""},
	} {
		if err := c.spoil(filepath.Join(dir, c.file)); err != nil {
			t.Fatal(err)
		}
		w := mustRun(t, x, dir)
		for _, action := range []string{"train a", "sample a", "evaluate a", "deploy a"} {
			if done := w.says(action + ": done already"); done == (action == c.again) {
				t.Errorf("without %s %s is done already: %v; said %q", c.file, action, done, w.said)
			}
		}
		got := sorted(state(t, dir))
		for name, want := range before {
			if strings.HasPrefix(name, "samples/a") {
				continue // sheets of epochs are the training's, which is not done again
			}
			if d := cmp.Diff(want, got[name]); d != "" {
				t.Errorf("without %s, %s (-want +got)\n%s", c.file, name, d)
			}
		}
		if w := mustRun(t, x, dir); strings.Count(strings.Join(w.said, "\n"), "done already") != 4 {
			t.Errorf("without %s, once more: %q", c.file, w.said)
		}
	}
}

// --restart begins anew and leaves nothing of the old run; when it is interrupted at once the same spec goes on without it.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	text := spec(t, "images")
	fresh, again := filepath.Join(dir, "fresh"), filepath.Join(dir, "again")
	x := load(t, plugins, text, "train.a.batch=25", "sample.a.count=10", "sample.a.sheet=2x5", "evaluate.a.metrics=[mse]")
	mustRun(t, x, fresh)
	mustRun(t, load(t, plugins, text), again)
	w := &watcher{}
	_, err := run(t, x, again, func(o *RunOptions) { o.Restart, o.Only = true, only(t, "sample", "train") })
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, x, again, func(o *RunOptions) { o.Restart, o.Watch = true, w })
	same(t, fresh, again)

	// Begun anew, then killed before the first checkpoint: what is left asks for no --restart.
	old := filepath.Join(dir, "old")
	mustRun(t, load(t, plugins, text), old)
	r := ready(t, x, old, true)
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	if err := r.folder.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, x, old)
	same(t, fresh, old)
}

// A folder whose records are torn, of another version or gone, or whose names belong to something else, is an error that says
// what to do.
func TestRecords(t *testing.T) {
	text := spec(t, "images")
	x := load(t, plugins, text)
	from := filepath.Join(t.TempDir(), "run")
	mustRun(t, x, from)
	records, err := os.ReadFile(filepath.Join(from, record.ActionFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"torn":        string(records[:len(records)/2]),
		"empty":       "",
		"a list":      "[]",
		"the future":  strings.Replace(string(records), `"done"`, `"machine": "far away", "done"`, 1),
		"other types": `{"train 0": {"key": 7}}`,
		"nothing":     "null",
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, record.ActionFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		w, err := run(t, x, dir)
		if err == nil || !strings.Contains(err.Error(), record.ActionFile) || !strings.Contains(err.Error(), "--out") || w.steps > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without records nobody knows what the checkpoints are of.
	if err := os.Remove(filepath.Join(from, record.ActionFile)); err != nil {
		t.Fatal(err)
	}
	changed(t, x, from, []string{"train a: the folder has checkpoints of this name and no record of what they are of"})
	mustRun(t, x, from, func(o *RunOptions) { o.Restart = true })

	// The files of a renamed model keep their names, so that a new one cannot have them.
	y := load(t, plugins, strings.NewReplacer(" a ", " b ", "model a", "model b").Replace(text)+
		strings.NewReplacer("train    a", "train a", "model a =", "model a =").Replace(text[strings.Index(text, "model a"):]))
	w, err := run(t, y, from)
	var e *Changed
	if !errors.As(err, &e) || len(e.Changes) == 0 || !strings.Contains(err.Error(), "train a: the folder has this name for what the spec now calls something else") {
		t.Errorf("%v, said %q", err, w.said)
	}
}

// Two records of one name, as a kill in the middle of a --restart with exchanged names may leave them, are refused until both
// begin anew: nothing is trained into, or read from, files that two models share.
func TestSharedName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, plugins, spec(t, "two"))
	mustRun(t, x, dir)
	path := filepath.Join(dir, record.ActionFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{x.Models[0].Name, x.Models[1].Name}
	shared := strings.Replace(string(text), `"name": "train `+names[0]+`"`, `"name": "train `+names[1]+`"`, 1)
	if shared == string(text) {
		t.Fatalf("no record of %s in\n%s", names[0], text)
	}
	if err := os.WriteFile(path, []byte(shared), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, x, dir)
	var c *Changed
	if !errors.As(err, &c) || len(c.Changes) != 2 {
		t.Errorf("two records of one name: %v", err)
	}
	mustRun(t, x, dir, func(o *RunOptions) { o.Restart = true })
	fresh := filepath.Join(t.TempDir(), "fresh")
	mustRun(t, x, fresh)
	for _, name := range names {
		if sum(t, newest(t, dir, name)) != sum(t, newest(t, fresh, name)) {
			t.Errorf("model %s is not what a fresh run gives", name)
		}
	}
}
