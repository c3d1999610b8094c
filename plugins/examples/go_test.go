package examples_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// built does with an example in Go what its README says, and runs the tests that it has. snnc builds each plugin apart from all others,
// libraries included, which takes most of a minute of a core: where that is not what is tested, the manifest's command is run here, and
// the manifest has none then.
func built(t *testing.T, name string, apart bool) (dir, out string) {
	t.Helper()
	dir = taken(t, name)
	lines := commands(t, name)
	if !apart {
		follow(t, dir, lines[:1]) // which gets the SDK
		lines = lines[1:]
		manifest := filepath.Join(dir, name, "snn-plugin.toml")
		text, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		head, list, ok := strings.Cut(string(text), "build = ")
		var argv []string
		if err := json.Unmarshal([]byte(list), &argv); err != nil || !ok {
			t.Fatalf("%s: %v", manifest, err)
		}
		if err := errors.Join(command(filepath.Join(dir, name), argv...), os.WriteFile(manifest, []byte(head), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	out = follow(t, dir, lines)
	for _, what := range []string{"vet", "test"} {
		// Where a build is not of this folder alone, what other tests have compiled is not compiled again.
		if err := command(filepath.Join(dir, name), "go", what, "-trimpath", "."); err != nil {
			t.Fatal(err)
		}
	}
	return dir, out
}

// The two-compartment neuron learns to tell digits apart (0.89 of them when this was written; a tenth is chance).
func TestTCLIF(t *testing.T) {
	_, out := built(t, "tclif", true)
	if got := figure(t, out, "accuracy"); got < 0.8 {
		t.Errorf("accuracy %v", got)
	}
}

// A coder that has twice as many channels on one side encodes images and decodes classes (0.91 of the digits are told when this was
// written). What it cannot decode is told in its words.
func TestOnOff(t *testing.T) {
	dir, out := built(t, "onoff", false)
	if got := figure(t, out, "accuracy"); got < 0.8 {
		t.Errorf("accuracy %v", got)
	}
	spec := filepath.Join(dir, "onoff", "example.snn")
	text, err := os.ReadFile(spec)
	if err == nil {
		err = os.WriteFile(spec, []byte(strings.Replace(string(text), "linear(20)", "linear(21)", 1)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = command(dir, snnc, "check", "onoff/example.snn")
	if err == nil || !strings.Contains(err.Error(), "21 channels are no pairs") {
		t.Errorf("%v", err)
	}
}

// A chip says how a network lies on it, and what would mend that it finds no room.
func TestToyChip(t *testing.T) {
	_, out := built(t, "toychip", false)
	for _, want := range []string{
		"fits toychip: 3 of 4 cores\n",
		"does not fit toychip(cores = 2)\n",
		"layer `5.linear` of role `network` takes 1 of the 3 cores that all layers need, and target `toychip` has 2; a chip with cores = 3\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
