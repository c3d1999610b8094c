package check_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
)

// Each spec of testdata/use.txtar, checked with the plugins of its used.json, has the findings that are written down below it
// or, where there are none, names what is written there.
func TestUse(t *testing.T) {
	const file = "testdata/use.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cat := catalogue(t)
	written := map[string]string{}
	for _, f := range a.Files {
		written[f.Name] = string(f.Data)
	}
	if err := json.Unmarshal([]byte(written["used.json"]), &cat.Used); err != nil {
		t.Fatal(err)
	}
	cat.Plugins = slices.Sorted(maps.Keys(cat.Used))
	var out []txtar.File
	for _, f := range a.Files {
		if f.Name == "used.json" {
			out = append(out, f)
		}
		if !strings.HasSuffix(f.Name, ".snn") {
			continue
		}
		parsed, found := dsl.Parse(f.Name, append([]byte("snn 1\n"), f.Data...))
		s, more := check.Check(parsed, check.Options{Catalogue: cat})
		got := rendered(t, s, append(found, more...))
		if got == "" {
			got = named(s)
		}
		if d := cmp.Diff(written[f.Name+".out"], got); d != "" && !*update {
			t.Errorf("%s (-want +got)\n%s", f.Name, d)
		}
		out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
	}
	if a.Files = out; *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// named lists what a checked spec's definitions stand for, and the plugins they are from.
func named(s *check.Spec) string {
	var b strings.Builder
	for _, n := range s.Neurons {
		fmt.Fprintf(&b, "neuron %s: %s%v\n", n.Name, n.Definition.Name.Text, n.Params)
	}
	for _, k := range s.Coders {
		if k.Component != nil {
			fmt.Fprintf(&b, "coder %s: %s%s\n", k.Name, k.Component.Name, arguments(k.Args))
		} else {
			fmt.Fprintf(&b, "coder %s: %s%v\n", k.Name, k.Definition.Name.Text, k.Params)
		}
	}
	for _, n := range s.Networks {
		for _, l := range n.Layers {
			if l.Neuron != nil {
				fmt.Fprintf(&b, "layer %s: %s%v, %v\n", l.Title, l.Neuron.Definition.Name.Text, l.Neuron.Params, l.Wire)
			}
		}
	}
	for _, m := range s.Models {
		fmt.Fprintf(&b, "model %s: %s%s of %q\n", m.Name, m.Component.Name, arguments(m.Args), m.Plugin)
	}
	for _, x := range s.Actions {
		fmt.Fprintf(&b, "%s %s%s plugins %v\n", x.Kind, x.Model.Name, arguments(x.Settings), x.Plugins)
	}
	return b.String()
}

// The ranges of versions; `~>` lets the last part that is written grow.
func TestVersions(t *testing.T) {
	for _, x := range []struct {
		wanted, have string
		want         bool
	}{
		{"~> 0.3", "0.3.0", true}, {"~> 0.3", "0.9.9", true}, {"~> 0.3", "0.2.9", false}, {"~> 0.3", "1.0.0", false},
		{"~> 0.3.1", "0.3.1", true}, {"~> 0.3.1", "0.3.99", true}, {"~> 0.3.1", "0.3.0", false}, {"~> 0.3.1", "0.4.0", false},
		{"~>1.2", "1.10.0", true}, {"~> 1", "1.9.0", true}, {"~> 1", "2.0.0", false}, {">= 0.3", "0.3.0", true}, {">= 0.3", "7.0.0", true}, {">= 0.3", "0.2.9", false},
		{"0.3.1", "0.3.1", true}, {"= 0.3.1", "0.3.2", false}, {"0.3.1", "0.3.0", false},
	} {
		cat := catalogue(t)
		text := fmt.Sprintf(`{"acme/leap": {"name": "acme/leap", "version": %q}}`, x.have)
		if err := json.Unmarshal([]byte(text), &cat.Used); err != nil {
			t.Fatal(err)
		}
		f, _ := dsl.Parse("x.snn", fmt.Appendf(nil, "snn 1\nuse \"acme/leap\" as leap, version %q\n", x.wanted))
		if _, found := check.Check(f, check.Options{Catalogue: cat}); len(found) == 0 != x.want {
			t.Errorf("%s of %s: %v", x.have, x.wanted, found)
		}
	}
}
