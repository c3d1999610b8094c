package lower_test

import (
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/graph"
)

// FuzzNetwork: a network that the checker takes becomes graphs that read back, or a diagnostic; nothing panics.
func FuzzNetwork(f *testing.F) {
	for _, name := range []string{"layers.txtar", "shared.txtar", "steps.txtar", "refused.txtar", "trains.txtar", "recursions.txtar"} {
		for _, x := range archive(f, name).Files {
			if !strings.HasSuffix(x.Name, ".out") && !strings.HasSuffix(x.Name, ".rows") {
				f.Add(string(x.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := checked(t, "fuzz", "snn 1\n"+text)
		for _, n := range s.Networks {
			if len(n.Layers) > 200 || n.Steps > 50 {
				continue
			}
			m, found := lower.Network(n, 3)
			if found.HasErrors() {
				continue
			}
			if _, err := graph.Parse(m.Print()); err != nil {
				t.Errorf("%v\n%s", err, m.Print())
			}
		}
		for _, n := range s.Neurons {
			_, _ = lower.Neuron(n)
		}
	})
}
