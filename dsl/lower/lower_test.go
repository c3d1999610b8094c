package lower_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// archive reads an archive of testdata.
func archive(t testing.TB, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// checked checks a spec with the components of testdata. Models are none of them.
func checked(t testing.TB, name, text string) (*check.Spec, diag.List) {
	t.Helper()
	c := &check.Catalogue{}
	for _, f := range archive(t, "components.txtar").Files {
		kind, _, _ := strings.Cut(string(f.Data), " ")
		c.Components = append(c.Components, schema.Component{Kind: schema.Kind(kind), Name: f.Name, Version: "1.0", Equations: string(f.Data)})
	}
	f, found := dsl.Parse(name, []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: c})
	return s, append(found, more...)
}

// spec checks a spec that has no errors.
func spec(t testing.TB, name, text string) *check.Spec {
	t.Helper()
	s, found := checked(t, name, "snn 1\n"+text)
	if found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	return s
}

func rendered(t testing.TB, s *check.Spec, found diag.List) string {
	t.Helper()
	var w strings.Builder
	if err := found.Text(&w, s.Sources, false); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

// network lowers a network of a spec.
func network(t testing.TB, s *check.Spec, name string, steps int) *graph.Module {
	t.Helper()
	i := slices.IndexFunc(s.Networks, func(n *check.Network) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("no network %s", name)
	}
	m, found := lower.Network(s.Networks[i], steps)
	if found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	verified(t, m)
	return m
}

// verified checks that a module's text reads back to the same text, which verifies it.
func verified(t testing.TB, m *graph.Module) {
	t.Helper()
	text := m.Print()
	again, err := graph.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if d := cmp.Diff(text, again.Print()); d != "" {
		t.Fatalf("it does not read back:\n%s", d)
	}
}

// goldens runs f on each file of an archive, and compares what it gives with the file NAME.out behind it.
func goldens(t *testing.T, name string, f func(name, text string) string) {
	t.Helper()
	a := archive(t, name)
	want := map[string]string{}
	for _, x := range a.Files {
		want[x.Name] = string(x.Data)
	}
	var out []txtar.File
	for _, x := range a.Files {
		if strings.HasSuffix(x.Name, ".out") {
			continue
		}
		got := f(x.Name, string(x.Data))
		if d := cmp.Diff(want[x.Name+".out"], got); d != "" && !*update {
			t.Errorf("%s (-want +got)\n%s", x.Name, d)
		}
		out = append(out, x, txtar.File{Name: x.Name + ".out", Data: []byte(got)})
	}
	if a.Files = out; *update {
		if err := os.WriteFile(filepath.Join("testdata", name), txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every kind of layer as a graph, in train and in eval mode.
func TestLayers(t *testing.T) {
	goldens(t, "layers.txtar", func(name, text string) string {
		s := spec(t, name, text)
		var w strings.Builder
		for _, n := range s.Networks {
			m := network(t, s, n.Name, 3)
			w.WriteString(strings.TrimPrefix(m.Print(), "graph 1\n"))
			for _, v := range m.Variables {
				fmt.Fprintf(&w, "# %s is %s\n", v.Name, v.Title)
			}
		}
		return w.String()
	})
}

// The step of neurons and coders as a graph.
func TestSteps(t *testing.T) {
	goldens(t, "steps.txtar", func(name, text string) string {
		s := spec(t, name, text)
		m := &graph.Module{}
		add := func(e *graph.Equation, err error) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			m.Equations = append(m.Equations, e)
		}
		for _, n := range s.Neurons {
			add(lower.Neuron(n))
		}
		for _, c := range s.Coders {
			if c.Definition.Encode != nil {
				add(lower.Port(c, c.Definition.Encode))
				m.Equations[len(m.Equations)-1].Name += " encode"
			}
			if c.Definition.Decode != nil {
				add(lower.Port(c, c.Definition.Decode))
				m.Equations[len(m.Equations)-1].Name += " decode"
			}
		}
		verified(t, m)
		return strings.TrimPrefix(m.Print(), "graph 1\n")
	})
}

// What cannot be run is a diagnostic at its place.
func TestRefused(t *testing.T) {
	goldens(t, "refused.txtar", func(name, text string) string {
		s := spec(t, name, text)
		var w strings.Builder
		for _, n := range s.Networks {
			_, found := lower.Network(n, 3)
			w.WriteString(rendered(t, s, found))
		}
		return w.String()
	})
}

// Every network of the published systems becomes a graph, and holds as many trained numbers as the checker counts.
func TestSpecs(t *testing.T) {
	files, err := filepath.Glob("../check/testdata/specs/*.snn")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := checked(t, filepath.Base(file), string(text)) // its models and data are unknown here
		for _, n := range s.Networks {
			m := network(t, s, n.Name, 4)
			seen++
			var got check.Parameters
			for _, v := range m.Variables {
				switch v.Kind {
				case graph.Parameter:
					got.Trainable += v.Type.Size()
				case graph.Frozen:
					got.Frozen += v.Type.Size()
				}
			}
			if got != n.Count() {
				t.Errorf("%s: network %s holds %+v, the checker counts %+v", file, n.Name, got, n.Count())
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d networks", seen)
	}
}
