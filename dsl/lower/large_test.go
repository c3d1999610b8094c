package lower_test

import (
	"fmt"
	"strings"
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

// The work of solving equations that act on each other grows as their text does, times how many there are: 32 that all read
// each other have 16 times the text of 8, and 4 times the derivatives in each place.
func TestCoupledEquationsAreCubic(t *testing.T) {
	work := func(n int) float64 {
		var b strings.Builder
		b.WriteString("neuron n {\n    input x\n")
		for i := range n {
			fmt.Fprintf(&b, "    state v%d = 0\n", i)
		}
		for i := range n {
			fmt.Fprintf(&b, "    v%d' = x", i)
			for j := range n {
				fmt.Fprintf(&b, " + 0.01 * v%d", j)
			}
			b.WriteString("\n")
		}
		b.WriteString("    output v0\n}\nneuron used = n(integrate = exact)\n")
		s := spec(t, "coupled", b.String())
		return testing.AllocsPerRun(1, func() {
			if _, err := lower.Neuron(s.Neurons[1]); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := work(8), work(32); many > 80*few {
		t.Errorf("8 equations take %v allocations, 32 take %v", few, many)
	}
}
