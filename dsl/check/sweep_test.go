package check_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
)

// What is swept and what is one value depends on what is wanted where the path leads.
func TestSweep(t *testing.T) {
	a, err := txtar.ParseFile("testdata/sweep.txtar")
	if err != nil {
		t.Fatal(err)
	}
	f, found := dsl.Parse("x.snn", a.Files[0].Data)
	if len(found) > 0 {
		t.Fatal(found)
	}
	o := check.Options{Catalogue: catalogue(t), Preset: "other"}
	for line := range strings.Lines(string(a.Files[1].Data)) {
		set, want, ok := strings.Cut(strings.TrimSpace(line), " =>")
		if !ok {
			t.Fatal(line)
		}
		x, _ := dsl.ParseChange("set", set)
		values, found := check.Sweep(f, o, x, set)
		got := strings.Join(values, "|")
		if len(found) > 0 {
			got = found[0].Summary
		}
		if want = strings.TrimSpace(want); got != want {
			t.Errorf("%s: %q, want %q", set, got, want)
		}
	}
	x, _ := dsl.ParseChange("set", "n=0..999")
	if values, found := check.Sweep(f, o, x, "n=0..999"); len(values) != check.MaxSweep || len(found) > 0 {
		t.Errorf("%d values, %v", len(values), found)
	}
}
