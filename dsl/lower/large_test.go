package lower_test

import (
	"fmt"
	"testing"

	"snnc.dev/snnc/dsl/lower"
)

// The work of lowering grows as the number of layers does, also where each has an equation of its own.
func TestLoweringIsLinear(t *testing.T) {
	work := func(layers int) float64 {
		const fire = "neuron fire(threshold: real) {\n    input x\n    spike when x >= threshold\n}\n"
		text := fire + fmt.Sprintf("network n(x: spikes[2]) -> spikes[2] {\n    h = x\n    level = 1.0\n    repeat %d { level = level + 0.125, h = h -> fire(threshold = level) }\n    return h\n}\n", layers)
		n := spec(t, "large.snn", text).Networks[0]
		if m, found := lower.Network(n, 3); found.HasErrors() || len(m.Equations) != layers {
			t.Fatalf("%d equations: %v", len(m.Equations), found)
		}
		return testing.AllocsPerRun(1, func() { lower.Network(n, 3) })
	}
	if few, many := work(50), work(200); many > 5*few {
		t.Errorf("50 layers take %v allocations, 200 take %v", few, many)
	}
}
