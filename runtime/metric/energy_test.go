package metric

import (
	"math"
	"testing"
)

// TestEnergy: 6.354 G multiply-accumulates are the 29.23 mJ that Cao et al., arXiv 2408.16467, give for the network without
// spikes, and 12.2 G additions the 10.97 mJ for that of 4 steps.
func TestEnergy(t *testing.T) {
	near(t, "energy in mJ", Energy(0, 6.354e9)/1e9, 29.23, 0.005)
	near(t, "energy in mJ", Energy(12.19e9, 0)/1e9, 10.97, 0.005)
	var w Work
	w.Add(4, 100, 10)
	w.Add(4, 300, 10)
	got, err := w.Figures()
	if err != nil || len(got) != 3 || got[0].Value != 200 || got[1].Value != 10 || got[0].Count != 8 {
		t.Fatal(got, err)
	}
	near(t, "microjoule", got[2].Value, (0.9*200+4.6*10)/1e6, 1e-18)
	if i := got[1].Interval; math.Abs(i.Low-10)+math.Abs(i.High-10) > 1e-12 || got[0].Interval != (Interval{100, 300}) {
		t.Errorf("%v, %v", i, got[0].Interval)
	}
}
