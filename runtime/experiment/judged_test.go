package experiment

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// restored returns a model of an experiment with the averaged weights of its newest checkpoint, or the plain ones.
func restored(t *testing.T, x *Experiment, dir, name string, average bool) *train.Model {
	t.Helper()
	pool := exec.NewPool(1)
	t.Cleanup(pool.Close)
	built := x.named(name)
	m, err := train.NewModel(built.Program, built.Modules, 99, pool)
	if err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(newest(t, dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(f, average); err != nil {
		t.Fatal(err)
	}
	return m
}

// single returns values as float32.
func single(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// All metrics of samples judge the same samples, brought to 0..1 and to 8 bits; a classifier of the spec sees them in the range
// that it was trained with, by its averaged weights.
func TestJudged(t *testing.T) {
	const n = 100
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, plugins, spec(t, "judged"))
	mustRun(t, x, dir)
	figures := metricsOf(t, dir)["evaluate a"]

	painter := restored(t, x, dir, "a", false)
	out, err := painter.Sample(&painter.Program.Samplers[0], n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	samples := metric.Vectors{N: n, Size: 64, Data: single(pictures(out.Logical()))}
	set, real := split(t, data.Test, -1, 1)
	everything := metric.Vectors{N: set.Len(), Size: 64, Data: single(pictures(real))}
	f := metric.Pixels(64)
	p := metric.Protocol{Reference: fmt.Sprintf("test of optdigits (data %s)", set.Pictures()[:12]), Rounded: true}
	expect := func(want ...metric.Figure) {
		t.Helper()
		for _, w := range want {
			got, ok := figures[w.Name]
			if !ok || got.Value != w.Value || got.Interval != record.Interval(w.Interval) || got.Recipe != w.Recipe || got.Count != n {
				t.Errorf("%s:\ngot  %+v\nwant %+v", w.Name, got, w)
			}
		}
	}
	moments, err := metric.MomentsOf(everything)
	if err != nil {
		t.Fatal(err)
	}
	frechet, err := metric.Frechet(f, samples, moments, p)
	if err != nil {
		t.Fatal(err)
	}
	expect(frechet)

	// The classifier answers for the same pixels.
	judge := restored(t, x, dir, "judge", true)
	in := tensor.New(judge.Program.Export("logits").Inputs[0].Out[0], n)
	copy(in.F32, samples.Data) // one channel, black is 0
	answers, err := judge.Apply("logits", map[string]*tensor.Tensor{"image": in}, n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	classifier := &metric.Features{Name: "judge", Weights: judge.Digest(), Classes: 10}
	score, err := metric.InceptionScore(classifier, metric.Vectors{N: n, Size: 10, Data: slices.Clone(answers.F32)}, 4, p)
	if err != nil {
		t.Fatal(err)
	}
	expect(score)
	shares := make([]float64, 10)
	for i := range n {
		best := 0
		for c := range 10 {
			if answers.F32[10*i+c] > answers.F32[10*i+best] {
				best = c
			}
		}
		shares[best] += 1. / n
	}
	for c, want := range shares {
		if got := figures[fmt.Sprintf("classes_judge_%d", c)]; math.Abs(got.Value-want) > 1e-12 {
			t.Errorf("class %d has the share %v, want %v", c, got.Value, want)
		}
	}

	// The nearest training image of each sample, by the definition.
	digits, err := data.Open(t.Context(), "optdigits", x.named("a").Data.Args, data.Train, nil)
	if err != nil {
		t.Fatal(err)
	}
	among := pictures(all(t, digits, "image").Logical())
	var mean float64
	for i := range n {
		least := math.Inf(1)
		for k := range digits.Len() {
			var sum float64
			for q := range 64 {
				d := float64(samples.Data[64*i+q]) - float64(float32(among[64*k+q]))
				sum += d * d
			}
			least = min(least, math.Sqrt(sum))
		}
		mean += least / n
	}
	near(t, "nearest", figures["nearest_pixels"].Value, mean, 1e-12)
	if _, err := os.Stat(filepath.Join(dir, "samples", "evaluate-a-nearest-pixels.png")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"kid_pixels", "precision_pixels", "recall_pixels", "density_pixels", "coverage_pixels", "nearest_heldout_pixels", "copying_pixels", "active_pixels", "active_pixels_reference", "class_divergence_judge"} {
		got, ok := figures[name]
		if !ok || !strings.Contains(got.Recipe, "clipped and rounded to 8 bits") || got.Interval.Low > got.Value || got.Interval.High < got.Value {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A classifier trained longer judges anew, and so says the key.
	var changed *Changed
	_, err = run(t, load(t, plugins, spec(t, "judged"), "train.judge.seed=8"), dir)
	if !errors.As(err, &changed) || !slices.ContainsFunc(changed.Changes, func(c string) bool { return strings.Contains(c, "evaluate a: features of judge") }) {
		t.Errorf("with another classifier: %v", err)
	}
}

// What cannot be measured is said before anything runs.
func TestCannotBeJudged(t *testing.T) {
	text := spec(t, "judged")
	i, j := strings.Index(text, "train    judge"), strings.Index(text, "train    a")
	for _, c := range []struct {
		text string
		code diag.Code
		want string
	}{
		{spec(t, "judged", "frechet(features = pixels)", "ssim"), diag.BadAction, "metric `ssim` looks through a window of 11 pixels, and the images of `digits` have 8"},
		{spec(t, "judged", "kid(features = pixels)", "kid(features = a)"), diag.BadArguments, "model `a`, of kind `"},
		{spec(t, "judged", "kid(features = pixels)", "kid(features = b)"), diag.UnknownChoice, "`features` of `kid` cannot be `b`"},
		{spec(t, "judged", "kid(features = pixels)", "kid(features = pixels, subset = 101)"), diag.BadAction, "metric `kid` takes 101 samples or more, and there are 100"},
		{spec(t, "judged", "kid(features = pixels)", "kid(features = judge)"), diag.BadAction,
			"model `judge` does not export `features`, as its arguments say; write `judge = "},
		{text[:i] + text[j:] + "\n" + text[i:j], diag.BadAction, "model `judge` gives features before it is trained"},
	} {
		x, found, _ := Load(t.Context(), plugins, "a.snn", []byte(c.text), Options{})
		if x != nil && !found.HasErrors() {
			for _, j := range x.jobs() {
				found = append(found, x.notYet(j)...)
			}
		}
		if len(found) == 0 || found[0].Code != c.code || !strings.HasPrefix(found[0].Summary+"; "+found[0].Help, c.want) {
			t.Errorf("%+v, want %s", found, c.want)
		}
	}
}

// That the reference has too few images is said before anything runs, and so is that images have more numbers than a covariance.
func TestCannotBeCompared(t *testing.T) {
	h := painters(t)
	large := "\ndata large = optdigits(size = 65x64)\nevaluate p { data = large, metrics = [frechet(features = pixels)], count = 40 }\n"
	if x, found, _ := Load(t.Context(), h, "a.snn", []byte(spec(t, "painter")+large), Options{}); x != nil || len(found) != 1 ||
		found[0].Summary != "metric `frechet` compares 4096 numbers of an image or fewer, and the images of `large` have 4160" {
		t.Errorf("%v", found)
	}
	x := load(t, h, spec(t, "painter", "metrics = [frechet(features = pixels)]", "metrics = [precision_recall(features = pixels, neighbours = 360)]"), "evaluate.p.count=400")
	_, err := run(t, x, filepath.Join(t.TempDir(), "run"))
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Found) != 1 || refused.Found[0].Summary != "metric `precision_recall` takes 361 images of the reference or more, and the test part of `digits` has 360" {
		t.Errorf("%v %+v", err, refused)
	}
	_, found, _, err := Compare(t.Context(), plugins, CompareOptions{Images: "optdigits", Reference: "optdigits", Split: "test", Against: "train", Count: 1000, Metrics: "inception_score(features = lenet, splits = 181)", Threads: 1})
	if err != nil || len(found) != 1 || found[0].Summary != "metric `inception_score` takes 362 samples or more, and there are 360" {
		t.Errorf("%v %v", err, found)
	}
}

// What a sample takes, where neurons fire at every step or never: the products of three turns with real numbers, which are the same at
// the four steps, and with spikes; and these spikes.
func TestEnergy(t *testing.T) {
	h := painters(t)
	for threshold, rate := range map[string]float64{"-1000": 1, "1000": 0} {
		dir := filepath.Join(t.TempDir(), "run")
		text := spec(t, "painter", "metrics = [frechet(features = pixels)]", "metrics = [energy, spike_counts], replace = [fire(threshold = "+threshold+")]")
		mustRun(t, load(t, h, text), dir)
		figures := metricsOf(t, dir)["evaluate p"]
		synaptic, accumulates := rate*3*4*32*64, 3.*6*32
		near(t, "additions", figures["synaptic_operations"].Value, synaptic, 0)
		near(t, "multiply-accumulates", figures["multiply_accumulates"].Value, accumulates, 0)
		near(t, "energy", figures["energy_uj"].Value, (0.9*synaptic+4.6*accumulates)/1e6, 1e-12)
		near(t, "spikes", figures["spikes"].Value, rate*3*4*32, 0)
		near(t, "firing rate", figures["firing_rate"].Value, rate, 0)
		near(t, "silent", figures["silent"].Value, 1-rate, 0)
		if f := figures["energy_uj"]; f.Count != 40 || f.Detail {
			t.Errorf("%+v", f)
		}
		layer := figures["spikes_brush.0.fire"]
		if !layer.Detail || layer.Value != figures["spikes"].Value {
			t.Errorf("the only layer has %+v among %v", layer, slices.Sorted(maps.Keys(figures)))
		}
	}
}
