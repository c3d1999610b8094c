package experiment

import (
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// A target that is described and cannot be used yet is refused before the first step, at its place.
func TestLater(t *testing.T) {
	x := load(t, plugins, spec(t, "classes"))
	own := x.plugins[""]
	own.Components = slices.Clone(own.Components)
	for i := range own.Components {
		own.Components[i].Later = own.Components[i].Kind == schema.Target
	}
	x.plugins[""] = own
	var found diag.List
	for _, j := range x.jobs() {
		found = append(found, x.notYet(j)...)
	}
	if len(found) == 0 || found[0].Code != diag.NotInVersion || !strings.HasPrefix(found[0].Summary, "target `") || !strings.Contains(found[0].Help, "--only") {
		t.Errorf("%+v", found)
	}
}
