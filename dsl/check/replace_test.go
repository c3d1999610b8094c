package check_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
)

// A hundred actions replace definitions, each in a model of its own; what thousands want is refused once, and soon.
func TestVariants(t *testing.T) {
	head, err := os.ReadFile("testdata/variants.snn")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{100: 100, 8_000: 0} {
		text := string(head) + strings.Repeat("evaluate m { metrics = [mse], replace = [fire(threshold = 2)] }\n", n)
		start := processorTime()
		f, found := dsl.Parse("x.snn", []byte(text))
		s, more := check.Check(f, check.Options{Catalogue: catalogue(t)})
		found = append(found, more...)
		if took := processorTime() - start; took > 2*time.Second { // twice the promise, as of the other limits
			t.Errorf("%d actions took %v", n, took)
		}
		variants := 0
		for _, a := range s.Actions {
			if a.Variant != nil {
				variants++
			}
		}
		switch {
		case want > 0 && (len(found) > 0 || variants != want):
			t.Errorf("%d actions: %d variants, %v", n, variants, found)
		case want == 0 && (len(found) != 1 || found[0].Code != diag.TooMuchWork):
			t.Errorf("%d actions: %d findings, %v", n, len(found), found[:min(len(found), 3)])
		}
	}
}
