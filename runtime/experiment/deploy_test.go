package experiment

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// What a target says of a layer that is used several times is told once, with how often.
func TestPlacedOnce(t *testing.T) {
	w := &watcher{}
	r := &runner{o: RunOptions{Watch: w}}
	r.placed("deploy m", "chip", schema.TargetReply{Notes: []string{"query is on the host", "key is on the host", "query is on the host"}})
	want := []string{"deploy m: does not fit chip", "deploy m:     query is on the host (2 times)", "deploy m:     key is on the host"}
	if !slices.Equal(w.said, want) {
		t.Errorf("%q, want %q", w.said, want)
	}
}
