package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The two-compartment neuron learns to tell digits apart (0.89 of them when this was written; a tenth is chance).
func TestTCLIF(t *testing.T) {
	if got := figure(t, run(t, built(t, "tclif")), "accuracy"); got < 0.8 {
		t.Errorf("accuracy %v", got)
	}
}

// A coder that has twice as many channels on one side encodes images and decodes classes (0.91 of the digits are told when this was
// written). What it cannot decode is told in its words.
func TestOnOff(t *testing.T) {
	dir := built(t, "onoff")
	if got := figure(t, run(t, dir), "accuracy"); got < 0.8 {
		t.Errorf("accuracy %v", got)
	}
	spec := filepath.Join(dir, "example.snn")
	text, err := os.ReadFile(spec)
	if err == nil {
		err = os.WriteFile(spec, []byte(strings.Replace(string(text), "linear(20)", "linear(21)", 1)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = command(dir, snnc, "check", "example.snn", "--plugin-dev", "acme/onoff=.")
	if err == nil || !strings.Contains(err.Error(), "21 channels are no pairs") {
		t.Errorf("%v", err)
	}
}
