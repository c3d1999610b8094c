package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// A context that ends in the middle of a training ends the run with its error, after a checkpoint; the same again goes on to the
// same bytes.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	for name, sets := range map[string][]string{"classes": nil, "images": {"train.a.accumulate=2", "train.a.epochs=4", "train.a.average=0.5"}} {
		x := load(t, plugins, spec(t, name), sets...)
		whole := filepath.Join(dir, name)
		steps := mustRun(t, x, whole).steps
		for stop := 1; stop < steps; stop += 2 {
			cut := filepath.Join(dir, name+"-cut")
			ctx, cancel := context.WithCancel(context.Background())
			w := &watcher{}
			w.step = func(Progress) {
				if w.steps == stop {
					cancel()
				}
			}
			err := x.Run(ctx, RunOptions{Folder: cut, Threads: 1, Watch: w, Version: "test"})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, stopped after %d updates of %d: %v", name, stop, steps, err)
			}
			if w.steps != stop {
				t.Errorf("%s: stopped after %d updates, not %d", name, w.steps, stop)
			}
			if _, err := os.Stat(filepath.Join(cut, record.ReportFile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			newest(t, cut, map[string]string{"classes": "m", "images": "a"}[name])
			again := mustRun(t, x, cut)
			if !again.says("goes on from update") || again.steps != steps-stop {
				t.Errorf("%s: %d updates after a stop after %d; said %q", name, again.steps, stop, again.said)
			}
			same(t, whole, cut)
			if err := os.RemoveAll(cut); err != nil {
				t.Fatal(err)
			}
		}
		again := mustRun(t, x, whole)
		if again.steps > 0 || strings.Count(strings.Join(again.said, "\n"), "done already") != len(x.Spec.Actions) {
			t.Errorf("%s: done, and yet: %d steps, %q", name, again.steps, again.said)
		}
	}
}

// A context that has ended before anything is read is what a run ends with, not a data set that could not be read.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x := load(t, plugins, spec(t, "classes"))
	if err := x.Run(ctx, RunOptions{Folder: filepath.Join(t.TempDir(), "run"), Threads: 1, Watch: &watcher{}, Version: "test"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// withoutKey returns the SHA-256 of a checkpoint but for the key of its training.
func withoutKey(t *testing.T, path string) string {
	t.Helper()
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	delete(f.Metadata, "snnc.key")
	bare := filepath.Join(t.TempDir(), "bare.safetensors")
	if err := checkpoint.Write(bare, f); err != nil {
		t.Fatal(err)
	}
	return sum(t, bare)
}

// A loss that is not finite ends the run with the layer that went bad first; the checkpoint before it and a report are there,
// and the same command says the same again.
func TestNotFinite(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	mustRun(t, load(t, plugins, spec(t, "classes", "adam(rate = 0.01)", "sgd(rate = 0.01)", "epochs = 3", "epochs = 1")), good)
	x := load(t, plugins, spec(t, "classes", "adam(rate = 0.01)", "sgd(rate = 0.01, schedule = step(every = 1, factor = 1e36))"))
	for range 2 {
		_, err := run(t, x, bad)
		var e *train.NotFinite
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Layer, "network.0.") || !strings.Contains(err.Error(), e.Layer) || !strings.HasPrefix(err.Error(), "train m: ") || e.Epoch != 1 {
			t.Errorf("%v (%+v)", err, e)
		}
		if withoutKey(t, newest(t, good, "m")) != withoutKey(t, newest(t, bad, "m")) {
			t.Errorf("%s is not the last good checkpoint", newest(t, bad, "m"))
		}
		state(t, bad) // looks for the report
		if actions, err := os.ReadFile(filepath.Join(bad, record.ActionFile)); err != nil || strings.Contains(string(actions), `"done": true`) {
			t.Errorf("%s, %v", actions, err)
		}
	}
}

// Two models are trained in one folder and do not disturb each other; one that nothing trains is left out.
func TestTwoModels(t *testing.T) {
	dir := t.TempDir()
	text := spec(t, "two")
	x := load(t, plugins, text)
	if len(x.Models) != 2 {
		t.Fatalf("%d models", len(x.Models))
	}
	both := filepath.Join(dir, "both")
	mustRun(t, x, both)
	for _, file := range []string{"samples/sample-images[0].png", "samples/sample-images[1].npy", "samples/images.epoch-0002.png", "samples/images-reconstructions.epoch-0001.png"} {
		if _, err := os.Stat(filepath.Join(both, file)); err != nil {
			t.Error(err)
		}
	}
	if sum(t, filepath.Join(both, "samples/sample-images[0].npy")) == sum(t, filepath.Join(both, "samples/sample-images[1].npy")) {
		t.Error("two seeds, the same samples")
	}
	metrics := metricsOf(t, both)
	if metrics["evaluate classes"]["accuracy"].Count != 360 || metrics["evaluate images"]["mse"].Count != 150 || metrics["evaluate images"]["mse"].Reference != "train" {
		t.Errorf("%+v", metrics)
	}
	// Each alone, in two runs, comes to the same.
	apart := filepath.Join(dir, "apart")
	w := mustRun(t, x, apart, func(o *RunOptions) { o.Only = only(t, "train:classes", "evaluate:classes") })
	if w.steps != 5 {
		t.Errorf("%d updates", w.steps)
	}
	mustRun(t, x, apart, func(o *RunOptions) { o.Only = only(t, "train:images", "sample:images", "evaluate:images") })
	a, b := state(t, both), state(t, apart)
	delete(a, record.EventFile) // in another order
	delete(b, record.EventFile)
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
	// An action of a model that is never trained is an error of the spec.
	y, found, _ := Load(context.Background(), plugins, "a.snn", []byte(text+"\nevaluate idle { metrics = [accuracy] }\n"), Options{})
	if y != nil || !found.HasErrors() || !strings.Contains(found[0].Summary, "`idle` is never trained") {
		t.Errorf("%v", found)
	}
	// So is a selection of nothing.
	var nothing *NothingSelected
	if _, err := run(t, x, both, func(o *RunOptions) { o.Only = only(t, "deploy") }); !errors.As(err, &nothing) {
		t.Error(err)
	}
	if _, err := run(t, x, both, func(o *RunOptions) { o.Only = only(t, "train:idle") }); !errors.As(err, &nothing) {
		t.Error(err)
	}
}
