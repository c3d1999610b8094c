package experiment

import (
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
