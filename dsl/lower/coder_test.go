package lower_test

import (
	"fmt"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
)

// The graph of a coder stands in the place of its layer: its variables are the layer's, shared by the uses of its network, its
// random numbers are those of the use, and its statistics go from use to use.
func TestGraphCoder(t *testing.T) {
	a := archive(t, "coder.txtar")
	parts := map[string]string{}
	for _, f := range a.Files {
		parts[f.Name] = string(f.Data)
	}
	c := &check.Catalogue{Components: []schema.Component{{Kind: schema.Coder, Name: "weigh", Version: "1.0"},
		{Kind: schema.Coder, Name: "held", Version: "1.0", Equations: "coder held(steps: int = 4) { encode x { output x } }"}}}
	asked := ""
	c.Graph = func(k *check.Coder, in check.Wire, at diag.Range) (check.CoderGraph, diag.List) {
		asked += fmt.Sprintf("%s at %v, %d steps\n", k.Name, in, in.Steps)
		return check.CoderGraph{Text: parts["graph"], Count: check.Parameters{Trainable: 2}}, nil
	}
	f, found := dsl.Parse("spec", []byte("snn 1\n"+parts["spec"]))
	s, more := check.Check(f, check.Options{Catalogue: c})
	if found = append(found, more...); found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	n := s.Networks[0]
	m, found := lower.Network(n, 0)
	if found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	verified(t, m)
	if n.Count().Trainable != 2 || asked != "weigh at signal[2], 3 steps\n" {
		t.Errorf("%v numbers; asked for %s", n.Count(), asked)
	}
	goldens(t, "coder.txtar", func(name, text string) string {
		if name != "spec" {
			return ""
		}
		return strings.TrimPrefix(m.Print(), "graph 1\n") + titles("", m)
	})
}
