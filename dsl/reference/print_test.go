package reference_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/reference"
)

// Entries fit a terminal of any width that has room for their names: only a line of one word is longer.
func TestTextFits(t *testing.T) {
	for _, width := range []int{40, 60, 100} {
		for _, e := range reference.Entries(&check.Catalogue{}) {
			for line := range strings.Lines(e.Text(width)) {
				line = strings.TrimRight(line, "\n")
				if utf8.RuneCountInString(line) > width && len(strings.Fields(line)) > 2 {
					t.Errorf("%s %s at %d columns: %q", e.Kind, e.Name, width, line)
				}
			}
		}
	}
}

// A name is found as it is written, as a setting of its action, whatever the case of its letters, and else the nearest is told.
func TestFind(t *testing.T) {
	entries := reference.Entries(&check.Catalogue{})
	for name, want := range map[string]string{"conv": "conv", "Conv": "conv", "sigmoid": "sigmoid", "real": "real"} {
		found, near := reference.Find(entries, name)
		if len(found) == 0 || found[0].Name != want || near != "" {
			t.Errorf("%s: %v, %q", name, found, near)
		}
	}
	if found, _ := reference.Find(entries, "sigmoid"); len(found) != 3 { // a layer, a surrogate, a function of equations
		t.Errorf("sigmoid stands for %d things", len(found))
	}
	if found, near := reference.Find(entries, "spkie"); len(found) > 0 || near != "spike" && near != "spikes" {
		t.Errorf("spkie: %v, %q", found, near)
	}
}

// A name inside of entries is told with where it stands; what entries have alike is told once.
func TestParts(t *testing.T) {
	entries := reference.Entries(&check.Catalogue{})
	for name, want := range map[string]string{"momentum": "argument of layer batchnorm", "xavier": "value of init of layer conv, deconv, linear, project, attention"} {
		var got []string
		for _, e := range reference.Parts(entries, name) {
			got = append(got, e.Kind+" of "+e.Of)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}

// Markdown becomes lines for a terminal; code keeps its lines, whatever their length.
func TestPlain(t *testing.T) {
	got := reference.Plain("# Head\n\none two **three** four five six seven eight nine ten\n\n- a point\n- another\n\n1. a step\n2. the next\n\n```snn\ndata digits = optdigits(range = -1..1, take = 500)\n```\n", 40)
	want := "Head\n\none two three four five six seven eight\nnine ten\n\n- a point\n- another\n\n1. a step\n2. the next\n\n    data digits = optdigits(range = -1..1, take = 500)\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
