package experiment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
)

// What an action cannot do as it stands, or has not to do, is said where the spec says it, before anything runs.
func TestCannotBeDone(t *testing.T) {
	for set, want := range map[string]string{
		"evaluate.a.metrics=[]":                                  "`evaluate a` has nothing to do: `metrics` is empty",
		"sample.a.sheet=2000x2":                                  "a sheet of 2000x2 images of 8x8 pixels is too large for a picture",
		"sample.a.sheet=2x1000000000000":                         "a sheet of 2x1e+12 images of 8x8 pixels is too large for a picture",
		"evaluate.a.metrics=[inception_score(features = lenet)]": "metric `inception_score` takes 20 samples or more, and there are 19",
	} {
		x, found, _ := Load(t.Context(), plugins, "a.snn", []byte(spec(t, "images")), Options{Sets: []string{set, "evaluate.a.count=19"}})
		if x != nil || len(found) != 1 || found[0].Code != diag.BadAction || found[0].Summary != want || found[0].Help == "" || !strings.HasPrefix(found[0].Range.File, "--set") {
			t.Errorf("%s: %v", set, found)
		}
	}
	if x, found, _ := Load(t.Context(), plugins, "a.snn", []byte(spec(t, "images")), Options{Sets: []string{"sample.a.sheet=1365x1365"}}); x == nil {
		t.Errorf("a sheet of as many as there is room for: %v", found)
	}
}

// What another model makes of images is computed once, and so cannot be of images that are mirrored anew in every epoch.
func TestMirroredOnce(t *testing.T) {
	h := painters(t)
	x, found, _ := Load(t.Context(), h, "a.snn", []byte(spec(t, "stages")), Options{Sets: []string{"digits.flip=true"}})
	want := "`train second` learns from `seen`, which is computed once, and `digits` has `flip = true`, by which each epoch sees other images"
	if x != nil || len(found) != 1 || found[0].Summary != want || found[0].Range.Start.Line != 16 {
		t.Errorf("%+v", found)
	}
	load(t, h, spec(t, "stages", "data digits =", "data plain = digits(flip = false)\ndata digits =", "second { data = digits", "second { data = plain"), "digits.flip=true")
}

// Examples that only the files tell the number of are too few for an update before any model is trained, not at its turn.
func TestFewExamplesOfFiles(t *testing.T) {
	dir := t.TempDir()
	head := "{'descr': '|u1', 'fortran_order': False, 'shape': (30, 8, 8), }\n"
	text := "\x93NUMPY\x01\x00" + string([]byte{byte(len(head)), 0}) + head + strings.Repeat("x", 30*64)
	if err := os.WriteFile(filepath.Join(dir, "a.npy"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	first := spec(t, "images")
	_, model, _ := strings.Cut(first, "model a =")
	model, _, _ = strings.Cut(model, "\n")
	own := first + "\ndata few = npy(\"a.npy\", size = 8, range = -1..1)\nmodel b =" + model + "\ntrain b { data = few, batch = 14, accumulate = 2, epochs = 1, optimizer = adam(rate = 1e-3) }\n"
	folder := filepath.Join(t.TempDir(), "run")
	_, err := run(t, load(t, plugins, own), folder, func(o *RunOptions) { o.Data = []string{dir} })
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Found) != 1 || refused.Found[0].Summary != "an update takes 28 examples, and `few` has 27" || refused.Found[0].Help != "write `batch = 13` or less" || refused.Found[0].Range.Start.Line == 0 {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the run has begun")
	}
}
