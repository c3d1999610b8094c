package build

import (
	"testing"

	"snnc.dev/snnc/dsl/diag"
)

// What a plugin says of an attribute is shown where the spec sets it, or sets what it is a part of.
func TestAttributed(t *testing.T) {
	line := func(n int) diag.Range { return diag.Range{File: "f", Start: diag.Pos{Line: n}} }
	places := map[string]diag.Range{"latent": line(2), "latent.prior": line(3), "targets[0]": line(4), "targets[1].cores": line(5)}
	place := func(path string) (diag.Range, bool) { r, ok := places[path]; return r, ok }
	for _, c := range []struct {
		path  string
		line  int
		notes int
	}{
		{"latent", 2, 0}, {"latent.prior", 3, 0}, {"latent.prior.steps", 3, 1}, {"latent.scheduled", 2, 1},
		{"targets[0].cores", 4, 1}, {"targets[1].cores", 5, 0}, {"targets[1].bits", 1, 1}, {"loss", 1, 1}, {"", 1, 0}, {".", 1, 1}, {"[", 1, 1},
	} {
		at, notes := Attributed(c.path, place, line(1))
		if at.Start.Line != c.line || len(notes) != c.notes {
			t.Errorf("%q: line %d and %v, want line %d and %d notes", c.path, at.Start.Line, notes, c.line, c.notes)
		}
	}
}
