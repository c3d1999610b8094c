package graph_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
)

var update = flag.Bool("update", false, "write the errors of testdata/reject.txt anew")

// roles knows a network `scorer` and a network `prior`, which carries state; both map two numbers to two.
type roles struct{}

func (roles) Signature(role string) (in, out []graph.Type, free, ok bool) {
	two := []graph.Type{graph.Real(2)}
	return two, two, false, role == "scorer" || role == "prior"
}
func (roles) VariableType(string) (graph.Type, bool) { return graph.Type{}, false }
func (roles) FunctionNamed(name string) *graph.Graph { return nil }

// parse reads a module whose functions may apply roles.
func parse(text string) (*graph.Module, error) {
	m := &graph.Module{}
	p := graph.NewParser(text, m, roles{})
	if err := p.Header("graph"); err != nil {
		return nil, err
	}
	for word := p.Word(); word != ""; word = p.Word() {
		if !p.Item(word) {
			p.Errorf("unknown word %q", word)
		}
	}
	return m, p.Finish()
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTextOfEveryOperator: the text of a module that uses every operator reads back to the same text, and the module
// verifies.
func TestTextOfEveryOperator(t *testing.T) {
	used := map[graph.Op]bool{}
	everyOperator(t, read(t, "every.txt"), used)
	everyOperator(t, chipText, used)
	for _, op := range graph.Ops() {
		if !used[op] {
			t.Errorf("operator %s is in neither text", op)
		}
	}
}

func everyOperator(t *testing.T, text string, used map[graph.Op]bool) {
	t.Helper()
	m, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, m.Print()); d != "" {
		t.Error(d)
	}
	count := func(g *graph.Graph) {
		for _, n := range g.Nodes {
			used[n.Op] = true
		}
	}
	for _, e := range m.Equations {
		if err := e.Verify(); err != nil {
			t.Error(err)
		}
		count(e.Step)
	}
	for _, g := range m.Functions {
		if err := g.Verify(graph.ModuleEnv{Module: m, Outer: roles{}}); err != nil {
			t.Error(err)
		}
		if got := g.Clone().String(); got != g.String() {
			t.Errorf("a clone prints\n%s", got)
		}
		count(g)
	}
}

// TestTextIsLenient: comments, spacing and left out types do not matter.
func TestTextIsLenient(t *testing.T) {
	m, err := graph.Parse("# first\ngraph 1 # version\n\n\tfunction f( a:f32[2] ,b:f32[]){\r\n%4=add %a %b # no type\n\n return y=%4\n}")
	if err != nil {
		t.Fatal(err)
	}
	want := "graph 1\n\nfunction f(a: f32[2], b: f32[]) {\n  %0 = add %a %b : f32[2]\n  return y = %0\n}\n"
	if d := cmp.Diff(want, m.Print()); d != "" {
		t.Error(d)
	}
}

// TestTextRejects: each file of testdata/reject.txt is a malformed text; its first line is the error.
func TestTextRejects(t *testing.T) {
	a, err := txtar.ParseFile("testdata/reject.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range a.Files {
		want, text, _ := strings.Cut(string(f.Data), "\n")
		_, err := parse(text)
		if err == nil {
			t.Errorf("%s: no error", f.Name)
			continue
		}
		if *update {
			a.Files[i].Data = []byte("# " + err.Error() + "\n" + text)
		} else if got := "# " + err.Error(); got != want {
			t.Errorf("%s: %s\nwant %s", f.Name, got, want)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/reject.txt", txtar.Format(a), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.Files) < 40 {
		t.Errorf("only %d malformed texts", len(a.Files))
	}
}

// FuzzParse: nothing panics, and what parses prints to a text that parses and prints the same.
func FuzzParse(f *testing.F) {
	f.Add(read(f, "every.txt"))
	f.Add(chipText)
	a, err := txtar.ParseFile("testdata/reject.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range a.Files {
		_, text, _ := bytes.Cut(file.Data, []byte("\n"))
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(text)
		if err != nil {
			return
		}
		for _, g := range m.Functions {
			if err := g.Verify(graph.ModuleEnv{Module: m, Outer: roles{}}); err != nil {
				t.Fatal(err)
			}
		}
		once := m.Print()
		again, err := parse(once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice := again.Print(); twice != once {
			t.Fatalf("prints\n%s\nthen\n%s", once, twice)
		}
	})
}
