package metric

import (
	"errors"
	"math"
	"testing"
)

// Two examples of four numbers: 8 ln 2 nats are 2 bits a number.
func TestBound(t *testing.T) {
	var b Bound
	if _, err := b.Figures("digits"); !errors.Is(err, ErrNone) {
		t.Errorf("of none: %v", err)
	}
	b.Add(6*math.Ln2, 4)
	b.Add(10*math.Ln2, 4)
	got, err := b.Figures("digits")
	if err != nil || len(got) != 2 || got[0].Name != "bound_nats" || got[1].Name != "bound_bits" || got[0].Count != 2 {
		t.Fatal(got, err)
	}
	near(t, "nats", got[0].Value, 8*math.Ln2, 1e-12)
	near(t, "bits", got[1].Value, 2, 1e-12)
	near(t, "low", got[1].Interval.Low, 1.5, 1e-12)
	near(t, "high", got[0].Interval.High, 10*math.Ln2, 1e-12)
}
