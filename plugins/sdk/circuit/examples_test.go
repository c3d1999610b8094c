package circuit_test

import (
	"fmt"
	"testing"

	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Each example runs once, on a state that no other worker has; the first that fails tells why, whichever comes first.
func TestEachExample(t *testing.T) {
	for range 50 {
		const n = 100
		times := make([]int, n)
		var counts []*int
		start := func(bad int) func() func(int) error {
			return func() func(int) error {
				own := new(int)
				counts = append(counts, own)
				return func(e int) error {
					times[e]++
					if *own++; e >= bad {
						return fmt.Errorf("example %d", e)
					}
					return nil
				}
			}
		}
		if err := circuit.EachExample(n, start(n)); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, c := range counts {
			sum += *c
		}
		if sum != n || len(counts) != circuit.Workers(n) {
			t.Fatalf("%d examples by %d workers", sum, len(counts))
		}
		for e, k := range times {
			if k != 1 {
				t.Fatalf("example %d ran %d times", e, k)
			}
		}
		if err := circuit.EachExample(n, start(17)); err == nil || err.Error() != "example 17" {
			t.Fatalf("the error is %v", err)
		}
	}
	if err := circuit.EachExample(0, func() func(int) error { panic("a worker without work") }); err != nil {
		t.Error(err)
	}
}
