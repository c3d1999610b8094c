package metric

import (
	"fmt"
	"testing"
)

// Two parts of four samples; layer b is evaluated twice, with ten neurons at five steps each time.
func TestFiring(t *testing.T) {
	var f Firing
	f.Add(4, []Layer{{Name: "a", Spikes: 10, Steps: 100, Silent: 5, Neurons: 20}, {Name: "b", Spikes: 50, Steps: 100, Silent: 4, Neurons: 20}})
	f.Add(4, []Layer{{Name: "a", Spikes: 30, Steps: 100, Silent: 15, Neurons: 20}, {Name: "b", Spikes: 70, Steps: 100, Silent: 0, Neurons: 20}})
	got, err := f.Figures()
	if err != nil {
		t.Fatal(err)
	}
	want := []Figure{
		{Name: "spikes", Value: 80, Interval: Interval{60, 100}}, {Name: "firing_rate", Value: 0.4, Interval: Interval{0.3, 0.5}}, {Name: "silent", Value: 0.3, Interval: Interval{0.225, 0.375}},
		{Name: "spikes_a", Value: 20, Interval: Interval{10, 30}, Detail: true}, {Name: "firing_rate_a", Value: 0.2, Interval: Interval{0.1, 0.3}, Detail: true}, {Name: "silent_a", Value: 0.5, Interval: Interval{0.25, 0.75}, Detail: true},
		{Name: "spikes_b", Value: 60, Interval: Interval{50, 70}, Detail: true}, {Name: "firing_rate_b", Value: 0.6, Interval: Interval{0.5, 0.7}, Detail: true}, {Name: "silent_b", Value: 0.1, Interval: Interval{0, 0.2}, Detail: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d figures, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Name != w.Name || g.Detail != w.Detail || g.Count != 8 {
			t.Errorf("%+v, want %+v", g, w)
		}
		near(t, g.Name, g.Value, w.Value, 1e-12)
		near(t, g.Name+" low", g.Interval.Low, w.Interval.Low, 1e-12)
		near(t, g.Name+" high", g.Interval.High, w.Interval.High, 1e-12)
	}
}

// Networks without spikes have no rate.
func TestFiringOfNone(t *testing.T) {
	var f Firing
	if _, err := f.Figures(); err == nil {
		t.Error("no samples, no error")
	}
	f.Add(4, nil)
	got, err := f.Figures()
	if err != nil || len(got) != 1 || got[0].Name != "spikes" || got[0].Value != 0 {
		t.Error(fmt.Sprint(got), err)
	}
}
