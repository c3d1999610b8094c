package experiment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/record"
)

// A run says of its models what they are, and of its actions what one sample takes: how often the sampler's turns apply a network,
// and its products, 4 time steps of 6 x 32 and 32 x 64. A finished folder that has no such file gets it.
func TestNotes(t *testing.T) {
	h := painters(t)
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, h, spec(t, "painter"))
	mustRun(t, x, dir)
	got, err := record.ReadModels(dir)
	if err != nil {
		t.Fatal(err)
	}
	const once = 4 * (6*32 + 32*64)
	const set = "optdigits(range = 0..1, size = 8x8, split = train, take = 100)"
	want := record.Models{Version: 1, Program: "test", Models: []record.ModelNote{{
		Name: "p", Kind: "painter", Training: "train p", Data: set, Seed: 3,
		Parameters: 6*32 + 32 + 2*32 + 32*64 + 64, Examples: 50,
		Roles: []record.RoleNote{{Role: "brush", Network: "brush", Steps: 4}},
		Draws: []record.DrawNote{
			{Action: "sample p[0]", Sampler: "shaded(gain = 1, own = false, turns = 2)", Evaluations: map[string]int{"brush": 2}, Operations: 2 * once},
			{Action: "sample p[1]", Sampler: "shaded(gain = 4, own = false, turns = 2)", Evaluations: map[string]int{"brush": 2}, Operations: 2 * once},
			{Action: "sample p[2]", Sampler: "plain", Evaluations: map[string]int{"brush": 1}, Operations: once},
			{Action: "evaluate p", Sampler: "shaded(gain = 1, own = false, turns = 3)", Evaluations: map[string]int{"brush": 3}, Operations: 3 * once, Data: set},
		}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("models (-want +got)\n%s", d)
	}
	replaced := load(t, plugins, spec(t, "replaced", "threshold = 0.9", "threshold = 9 / 10, surrogate = sigmoid), held(steps = 3"))
	r := &runner{x: replaced, all: replaced.jobs(), sets: newDatasets(nil, "")}
	if m, err := r.notes(); err != nil || m.Models[0].Draws[0].Replace != "[fire(surrogate = sigmoid, threshold = 0.9), held(steps = 3)]" {
		t.Errorf("what is replaced is told as %v, %v", m.Models, err)
	}
	if err := os.Remove(filepath.Join(dir, record.ModelFile)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, x, dir)
	if again, err := record.ReadModels(dir); err != nil || cmp.Diff(want, again) != "" {
		t.Errorf("written again: %v\n%s", err, cmp.Diff(want, again))
	}
}
