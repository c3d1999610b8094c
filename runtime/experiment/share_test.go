package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// sweep runs the sweep of a spec in a folder, each member with a watcher that watch gives, and returns the watchers.
func sweep(t *testing.T, ctx context.Context, h *host.Host, text, dir string, watch func(i int) *watcher, change func(*RunOptions), sets ...string) ([]*watcher, error) {
	t.Helper()
	s, found, _ := ReadSweep(ctx, h, "a.snn", []byte(text), Options{Sets: sets})
	if s == nil {
		t.Fatal(found)
	}
	var watchers []*watcher
	err := s.Run(ctx, dir, func(i int, m Member, folder string, earlier []string) error {
		o := RunOptions{Folder: folder, Shared: earlier, Threads: 2, Watch: watch(i), Version: "test"}
		if change != nil {
			change(&o)
		}
		watchers = append(watchers, o.Watch.(*watcher))
		return load(t, h, text, m.Options.Sets...).Run(ctx, o)
	})
	if n := s.Failed(); n > 0 {
		t.Errorf("%d runs failed: %+v", n, s.index.Runs)
	}
	return watchers, err
}

func silent(int) *watcher { return &watcher{} }

// The runs of a sweep train once what they all train, whenever the sweep is killed, and each is the run that its values alone
// give: weights, events, sheets and figures.
func TestSweepTrainsOnce(t *testing.T) {
	text := spec(t, "replaced")
	set := "evaluate.a.replace=[[fire(threshold = 0.5)], [fire(threshold = 0.7)], [fire(threshold = 0.9)]]"
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	w, err := sweep(t, t.Context(), plugins, text, whole, silent, nil, set)
	if err != nil || len(w) != 3 || w[0].steps != 6 || w[1].steps+w[2].steps > 0 || !w[1].says("takes over the 6 updates of evaluate.a.replace=[fire(threshold=0.5)]") {
		t.Fatal(err, w[0], w[1], w[2])
	}
	if !w[2].says("sample a: is that of evaluate.a.replace=[fire(threshold=0.5)]") || w[2].says("evaluate a: is that of") {
		t.Errorf("said %q", w[2].said)
	}
	var runs []string
	for _, threshold := range []string{"0.5", "0.7", "0.9"} {
		run := "evaluate.a.replace=[fire(threshold=" + threshold + ")]"
		runs = append(runs, run)
		alone := filepath.Join(dir, threshold)
		mustRun(t, load(t, plugins, text, "evaluate.a.replace=[fire(threshold = "+threshold+")]"), alone)
		same(t, alone, filepath.Join(whole, run))
	}
	if sum(t, filepath.Join(whole, runs[0], record.MetricFile)) == sum(t, filepath.Join(whole, runs[1], record.MetricFile)) {
		t.Error("two thresholds, the same figures")
	}

	// Stopped in the first training; the same command does the rest of it once.
	cut := filepath.Join(dir, "cut")
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(int) *watcher {
		w := &watcher{}
		w.step = func(Progress) {
			if w.steps == 4 {
				cancel()
			}
		}
		return w
	}
	if _, err := sweep(t, ctx, plugins, text, cut, stop, nil, set); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w, err = sweep(t, t.Context(), plugins, text, cut, silent, nil, set)
	if err != nil || w[0].steps != 2 || w[1].steps+w[2].steps > 0 {
		t.Fatal(err, w[0], w[1], w[2])
	}
	for _, run := range runs {
		same(t, filepath.Join(whole, run), filepath.Join(cut, run))
	}

	// Killed while a training was taken over: before its last checkpoint was there, or before any and all of its events.
	for _, left := range []int{1, 0} {
		second := filepath.Join(cut, runs[1])
		begun(t, second, left)
		w, err := sweep(t, t.Context(), plugins, text, cut, silent, nil, set)
		if want := []int{0, 2}[left]; err != nil || w[0].steps+w[2].steps > 0 || w[1].steps != want {
			t.Fatal(left, err, w[0], w[1], w[2])
		}
		same(t, filepath.Join(whole, runs[1]), second)
	}

	// What is to be done anew is done anew, and once. The runs stay whole without each other.
	restart := func(o *RunOptions) { o.Restart = true }
	w, err = sweep(t, t.Context(), plugins, text, cut, silent, restart, set)
	if err != nil || w[0].steps != 6 || w[1].steps+w[2].steps > 0 {
		t.Fatal(err, w[0], w[1], w[2])
	}
	if err := os.RemoveAll(filepath.Join(cut, runs[0])); err != nil {
		t.Fatal(err)
	}
	mustRun(t, load(t, plugins, text, "evaluate.a.replace=[fire(threshold = 0.7)]", "train.a.epochs=3"), filepath.Join(cut, runs[1]))
	same(t, filepath.Join(whole, runs[2]), filepath.Join(cut, runs[2]))
}

// begun makes a folder one in which nothing but the training of model a is begun, and only so many of its two checkpoints are there,
// with some of its events where these are none.
func begun(t *testing.T, dir string, checkpoints int) {
	t.Helper()
	f, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	actions, err := f.Actions()
	if err != nil {
		t.Fatal(err)
	}
	for id, action := range actions {
		action.Done = false
		if err := f.PutAction(id, action); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Cut(func(e record.Event) bool { return e.Action == "train a" && (checkpoints > 0 || e.Step < 3) }); err != nil {
		t.Fatal(err)
	}
	steps, err := checkpoint.Steps(f.Path(record.CheckpointFolder), "a")
	if err != nil || len(steps) != 2 {
		t.Fatal(steps, err)
	}
	for _, step := range steps[checkpoints:] {
		if err := os.Remove(checkpoint.Path(f.Path(record.CheckpointFolder), "a", step)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is measured alike is measured once, too, and where some of it is gone it is measured again.
func TestSweepMeasuresOnce(t *testing.T) {
	text := spec(t, "replaced", "metrics = [mse,", "metrics = [nearest(features = pixels), mse,")
	set := "sample.a.replace=[[fire(threshold = 0.5)], [fire(threshold = 0.7)]]"
	dir := t.TempDir()
	w, err := sweep(t, t.Context(), plugins, text, dir, silent, nil, set)
	if err != nil || !w[1].says("evaluate a: is that of sample.a.replace=[fire(threshold=0.5)]") || w[1].says("sample a: is that of") {
		t.Fatal(err, w[1])
	}
	alone := filepath.Join(t.TempDir(), "alone")
	mustRun(t, load(t, plugins, text, "sample.a.replace=[fire(threshold = 0.7)]"), alone)
	same(t, alone, filepath.Join(dir, "sample.a.replace=[fire(threshold=0.7)]"))
	picture := "samples/evaluate-a-nearest-pixels.png"
	if sum(t, filepath.Join(alone, picture)) != sum(t, filepath.Join(dir, "sample.a.replace=[fire(threshold=0.7)]", picture)) {
		t.Error("another picture")
	}
	if err := os.Remove(filepath.Join(dir, "sample.a.replace=[fire(threshold=0.5)]", picture)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sample.a.replace=[fire(threshold=0.7)]")); err != nil {
		t.Fatal(err)
	}
	if w, err = sweep(t, t.Context(), plugins, text, dir, silent, nil, set); err != nil || w[1].steps > 0 || w[1].says("evaluate a: is that of") {
		t.Error(err, w[1])
	}
	same(t, alone, filepath.Join(dir, "sample.a.replace=[fire(threshold=0.7)]"))
}

// A longer training goes on from a shorter one where it is the same one, and a training whose course depends on its length, or that
// has another seed, does not.
func TestSweepGoesOn(t *testing.T) {
	text := spec(t, "images")
	dir := t.TempDir()
	for set, want := range map[string]string{
		"train.a.epochs=1..3":   "3 3 3",
		"train.a.epochs=[3, 2]": "9 6",
		"train.a.seed=0..1":     "6 6",
		"train.a.optimizer=[adam(rate = 0.01, schedule = cosine), adam(rate = 0.01)]": "6 6",
	} {
		folder := filepath.Join(dir, strings.NewReplacer(" ", "", "(", "", ")", "").Replace(set))
		w, err := sweep(t, t.Context(), plugins, text, folder, silent, nil, set)
		var got []string
		for _, w := range w {
			got = append(got, string(rune('0'+w.steps)))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v updates, want %s; %v", set, got, want, err)
		}
	}
	bound := filepath.Join(dir, "bound")
	w, err := sweep(t, t.Context(), plugins, spec(t, "images", "rate = 0.01", "rate = 0.01, schedule = cosine"), bound, silent, nil, "train.a.epochs=1..2")
	if err != nil || w[0].steps != 3 || w[1].steps != 6 {
		t.Error(err, w)
	}
	alone := filepath.Join(dir, "alone")
	mustRun(t, load(t, plugins, text, "train.a.epochs=3"), alone)
	same(t, alone, filepath.Join(dir, "train.a.epochs=1..3", "train.a.epochs=3"))
}

// Of a model that another model is made of, both trainings are taken over, with the examples that the first has computed for the
// second.
func TestSweepOfStages(t *testing.T) {
	h := painters(t)
	dir := t.TempDir()
	w, err := sweep(t, t.Context(), h, spec(t, "stages"), dir, silent, nil, "sample.second.seed=1..2")
	if err != nil || len(w) != 2 || w[0].steps == 0 || w[1].steps != 0 {
		t.Fatal(err, w)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "sample.second.seed=2", record.StreamFolder, "*"))
	if err != nil || len(kept) != 1 {
		t.Error(kept, err)
	}
}
