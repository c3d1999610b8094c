package experiment

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/specs/features"
)

// What is kept besides the buffers of plans is counted: streams, by as many examples as there are, and samples with their features.
func TestKept(t *testing.T) {
	h := painters(t)
	x := load(t, h, spec(t, "stages"))
	p, err := x.Plan()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]ActionMemory{}
	for _, a := range p.Memory.Actions {
		of[a.Action] = a
	}
	const four = 4 // bytes of a number
	if got, want := of["train second"].Streams, 2*200*4*four; got != want {
		t.Errorf("streams of 200 examples of 4 codes take %d bytes, want %d", got, want)
	}
	if got := of["train first"]; got.Streams != 0 || got.Bytes != got.Weights+got.Steps+got.Sheets || got.Weights == 0 {
		t.Errorf("%+v", got)
	}
	if got, want := of["sample second"], (ActionMemory{Action: "sample second", Samples: 4 * 64 * four, Bytes: 4 * 64 * four}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := of["evaluate second"]; got.Samples != 40*64 || got.Features != 2*40*64*four { // rounded ones are bytes; of pixels
		t.Errorf("%+v", got)
	}
	if got, ok := of["evaluate first"]; ok { // its mse keeps nothing
		t.Errorf("%+v", got)
	}
	// Held-out images, which `nearest` looks at, are others than those of the reference.
	q, err := load(t, h, spec(t, "stages"), "evaluate.second.metrics=[kid(features = pixels), nearest(features = pixels)]").Plan()
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(q.Memory.Actions, func(a ActionMemory) bool { return a.Action == "evaluate second" }); q.Memory.Actions[i].Features != 3*40*64*four {
		t.Errorf("%+v", q.Memory.Actions[i])
	}
	var w strings.Builder
	if err := p.Text(&w, false); err != nil || !strings.Contains(w.String(), ", streams 6.4 KB)\n") || !strings.Contains(w.String(), "memory of evaluate second: 23.0 KB (samples 2.6 KB, features 20.5 KB)\n") {
		t.Errorf("%v\n%s", err, w.String())
	}

	// What is counted while a few are drawn again keeps none of them.
	z, err := load(t, h, spec(t, "stages"), "evaluate.second.metrics=[energy]").Plan()
	if err != nil || z.Memory.Actions[len(z.Memory.Actions)-1].Action != "sample second" {
		t.Errorf("%+v, %v", z.Memory.Actions, err)
	}

	// A bound on the memory of the training is one on its streams, too; a set whose size is not known beforehand counts when it is read.
	y, err := load(t, h, spec(t, "stages"), "train.second.memory=1 KB").plan(func(*job) int { return 1000 })
	if err != nil || y.trainings[1].Streams != 2*1000*4*four {
		t.Errorf("%+v, %v", y.trainings, err)
	}
	bound := of["train second"].Bytes - of["train second"].Streams
	d := refused(t, load(t, h, spec(t, "stages", "seed = 4 }", "seed = 4, memory = 1 KB }")), filepath.Join(t.TempDir(), "run"))
	if last := d.Notes[len(d.Notes)-1].Message; last != "streams: 6.4 KB" {
		t.Errorf("%s: %v", d.Summary, d.Notes)
	}
	if z, err := load(t, h, spec(t, "stages"), "train.second.memory=1 MB").Plan(); err != nil || z.trainings[1].room != 1_000_000-(bound-of["train second"].Steps)-of["train second"].Streams {
		t.Errorf("%d bytes are left to the steps of %+v: %v", z.trainings[1].room, of["train second"], err)
	}
}

// Samples that no memory holds are refused before the first step.
func TestKeptTooMuch(t *testing.T) {
	if freeMemory() == 0 {
		return // the system does not say what is free
	}
	x := load(t, plugins, spec(t, "images"), "evaluate.a.count=1_000_000_000")
	w, err := run(t, x, filepath.Join(t.TempDir(), "run"))
	if err == nil || w.steps > 0 || !strings.HasPrefix(err.Error(), "evaluate a needs 576.0 GB of memory and ") ||
		!strings.HasSuffix(err.Error(), " are free: use a smaller `count` (snnc plan shows what takes how much)") {
		t.Errorf("%d updates, and then %v", w.steps, err)
	}
	// Only what is to be done counts.
	mustRun(t, x, filepath.Join(t.TempDir(), "run"), func(o *RunOptions) { o.Only = only(t, "train", "sample") })
}

// The numbers of features that specs/features names are those that its networks export.
func TestFeatureSizes(t *testing.T) {
	for _, name := range []string{"lenet", "autoencoder", "inception"} {
		x := load(t, plugins, string(features.Text(name)))
		n := 0
		for _, export := range []string{featuresArgument, logits} {
			if g := x.Models[0].Program.Export(export); g != nil {
				n += g.Outputs[0].Value.Type().Size()
			}
		}
		if features.Size(name) != n {
			t.Errorf("%s gives %d numbers for an image, and not %d", name, n, features.Size(name))
		}
	}
	if features.Size("none") != 0 {
		t.Error("a network that is none has a size")
	}
}
