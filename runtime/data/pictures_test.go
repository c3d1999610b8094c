package data

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// What pictures a set shows depends on neither range nor labels, and on everything else.
func TestPictures(t *testing.T) {
	of := func(args schema.Arguments, split Split) string { return digits(t, args, split).Pictures() }
	for _, args := range []schema.Arguments{{"range": span(-1, 1)}, {"range": span(0, 5), "size": size(8, 8)}, {"take": number(1437)}} {
		if of(args, Train) != of(nil, Train) {
			t.Errorf("%v changes the pictures", args)
		}
	}
	seen := map[string]bool{of(nil, Train): true, of(nil, Test): true}
	for _, args := range []schema.Arguments{{"size": size(4, 16)}, {"size": size(16, 4)}, {"classes": ints(0, 1)}, {"take": number(1436)}} {
		seen[of(args, Train)] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d different pictures of 6", len(seen))
	}
	s := digits(t, schema.Arguments{"take": number(3)}, Train)
	before := s.Pictures()
	if s.labels[1]++; s.Pictures() != before {
		t.Error("a label changes the pictures")
	}
	if s.pixels[5]++; s.Pictures() == before {
		t.Error("a pixel does not")
	}
}
