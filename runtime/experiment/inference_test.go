package experiment

import (
	"os"
	"testing"

	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/program"
)

// How often an inference applies a role, and at how many time steps in all: those of what it is applied to.
func TestInference(t *testing.T) {
	text, err := os.ReadFile("../program/testdata/fsvae.txt")
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		function, role string
		times          float64
		runs, steps    float64
		state          bool
	}{
		{"step", "latent.posterior", 1, 8, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8, false},
		{"encode", "latent.posterior", 3, 24, 24, true},
		{"generate", "decoder", 2, 2, 16, false},
		{"encode", "encoder", 1, 1, 0, false},
		{"encode", "decoder", 1, 0, 0, false},
	} {
		w := inference{built: &build.Built{Program: p}, runs: map[string]float64{}, steps: map[string]float64{}, state: map[string]bool{}}
		w.visit(x.function, x.times)
		if w.runs[x.role] != x.runs || w.steps[x.role] != x.steps || w.state[x.role] != x.state {
			t.Errorf("%s applies %s %v times, at %v steps in all, with state: %v; want %v, %v and %v", x.function, x.role, w.runs[x.role], w.steps[x.role], w.state[x.role], x.runs, x.steps, x.state)
		}
	}
}
