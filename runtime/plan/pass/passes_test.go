package pass_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// many is a list of numbers too long to be read.
var many = regexp.MustCompile(`(values=\[(?:[-0-9.]+ ){12})[^]]*\]`)

// TestPasses: what each pass makes of small graphs. A graph of the archive is called PASS/CASE, and what the pass leaves of it
// PASS/CASE.after; where the pass must leave it alone that is empty. A graph with an output `loss` is taken with its derivatives
// by the variables it reads. (runtime/exec compares what all of them compute with the interpreter.)
func TestPasses(t *testing.T) {
	const file = "testdata/passes.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	seen := map[string]bool{}
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".after") {
			continue
		}
		name, _, _ := strings.Cut(f.Name, "/")
		seen[name] = true
		before, got, err := pass.Rewritten(parse(t, string(f.Data)), 6, name)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if got == before {
			got = ""
		}
		got = many.ReplaceAllString(got, "$1 ...]")
		if i := slices.IndexFunc(a.Files, func(want txtar.File) bool { return want.Name == f.Name+".after" }); *update {
		} else if i < 0 {
			t.Errorf("nothing is expected of %s", f.Name)
		} else if d := cmp.Diff(string(a.Files[i].Data), got); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.Name, d)
		}
		out = append(out, f, txtar.File{Name: f.Name + ".after", Data: []byte(got)})
	}
	if a.Files = out; *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append(pass.Names(), "normalisation") {
		if !seen[name] {
			t.Errorf("no graph shows what the pass %q does", name)
		}
	}
}

// parse returns the function of a module, or with a loss and the input `w`, its derivative by it besides.
func parse(t *testing.T, text string) *graph.Graph {
	t.Helper()
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f := m.Functions[0]
	if !f.Output("loss").Valid() {
		return f
	}
	b := graph.NewBuilder(f.Name, graph.ModuleEnv{Module: m})
	in := make([]graph.Value, len(f.Inputs))
	for i, n := range f.Inputs {
		in[i] = b.Input(n.Text("name"), n.Out[0])
	}
	outs := b.Inline(f, in, nil)
	var loss graph.Value
	for i, o := range f.Outputs {
		b.Output(o.Name, outs[i])
		if o.Name == "loss" {
			loss = outs[i]
		}
	}
	var wrt []graph.Value
	for _, n := range b.Graph().Nodes {
		if n.Op == graph.OpRead {
			wrt = append(wrt, graph.Value{Node: n})
		}
	}
	for i, g := range graph.Gradient(b, loss, wrt) {
		b.Output("grad."+wrt[i].Node.Text("var"), g)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}
