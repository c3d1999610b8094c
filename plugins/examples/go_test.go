package examples_test

import "testing"

// The two-compartment neuron learns to tell digits apart (0.89 of them when this was written; a tenth is chance).
func TestTCLIF(t *testing.T) {
	if got := figure(t, run(t, built(t, "tclif")), "accuracy"); got < 0.8 {
		t.Errorf("accuracy %v", got)
	}
}
