package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// sampled draws from a run and returns what is said.
func sampled(t *testing.T, h *host.Host, o SampleOptions) string {
	t.Helper()
	var said []string
	o.Threads, o.Say = 1, func(words string) { said = append(said, words) }
	found, _, err := Sample(context.Background(), h, o)
	if err != nil || len(found) > 0 {
		t.Fatalf("%v %v", err, found)
	}
	return strings.Join(said, "\n")
}

// A run that was interrupted is drawn from while the next process is at work in it, and is none the wiser.
func TestSampleUnfinished(t *testing.T) {
	h := painters(t)
	dir := t.TempDir()
	x := load(t, h, spec(t, "painter"), "train.p.average=0.5")
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	mustRun(t, x, whole)
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{}
	w.step = func(Progress) {
		if w.steps == 3 {
			cancel()
		}
	}
	if err := x.Run(ctx, RunOptions{Folder: cut, Threads: 1, Watch: w, Version: "test"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	lock, err := record.Open(cut) // as the process that goes on has it
	if err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, cut)
	said := sampled(t, h, SampleOptions{Run: cut, Out: dir, Settings: map[string]string{"sampler": "shaded(gain = 2)", "count": "5"}})
	if want := "averaged weights of model `p` after 3 of 4 updates\n5 samples by shaded(gain = 2, own = false, turns = 2), seed 1, in " + filepath.Join(dir, "p-3") + ".png and .npy"; said != want {
		t.Errorf("said %q, want %q", said, want)
	}
	if !slices.Equal(before, snapshot(t, cut)) {
		t.Error("the run folder is another one")
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, x, cut)
	same(t, whole, cut)
	// From the finished run the action's own samples are drawn from the averaged weights.
	said = sampled(t, h, SampleOptions{Run: whole, Out: dir})
	if !strings.HasPrefix(said, "averaged weights of model `p` after 4 of 4 updates") {
		t.Errorf("said %q", said)
	}
	mine, err := os.ReadFile(filepath.Join(dir, "p-4.npy"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(whole, "samples", "sample-p[0].npy"))
	if err != nil || string(mine) != string(own) {
		t.Errorf("other samples than the run's: %v", err)
	}
}

// snapshot lists the files of a folder with their sums.
func snapshot(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			out = append(out, path+" "+sum(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A folder that a run is only beginning in, and files that are none of ours, are errors and no more.
func TestSampleNothing(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	mustRun(t, load(t, plugins, spec(t, "images")), run)
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"no checkpoint": {"checkpoints", "", "has no checkpoint yet"},
		"no training":   {"actions.json", "{}", "the training of model `a` has not begun"},
		"no options":    {"options.json", "", "is no folder of a run"},
		"other options": {"options.json", "[]", "read options of a run"},
		"a way out":     {"options.json", `{"spec": "../../a.snn"}`, "the spec is called"},
		"no spec":       {"spec/a.snn", "", "read the spec of a run"},
	} {
		broken := filepath.Join(dir, name)
		if err := os.CopyFS(broken, os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(broken, c.file)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if c.text != "" {
			if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := Sample(context.Background(), plugins, SampleOptions{Run: broken, Out: dir, Threads: 1, Say: func(string) {}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
