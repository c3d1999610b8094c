package plan_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// TestPlans: how small graphs are fused, where their values lie and how they lie in memory.
func TestPlans(t *testing.T) {
	const file = "testdata/plans.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".plan") {
			continue
		}
		g := parse(t, string(f.Data))
		p, err := plan.New(g, plan.Options{Batch: 16})
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		for _, n := range []int{1, 7, 100} { // New verifies what it has made
			if _, err := plan.New(g, plan.Options{Batch: n}); err != nil {
				t.Errorf("%s, a batch of %d: %v", f.Name, n, err)
			}
		}
		got := p.Print()
		if i := slices.IndexFunc(a.Files, func(want txtar.File) bool { return want.Name == f.Name+".plan" }); *update {
		} else if i < 0 {
			t.Errorf("nothing is expected of %s", f.Name)
		} else if d := cmp.Diff(string(a.Files[i].Data), got); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.Name, d)
		}
		out = append(out, f, txtar.File{Name: f.Name + ".plan", Data: []byte(got)})
	}
	if a.Files = out; *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
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

// TestRefusals: what cannot be planned is an error.
func TestRefusals(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	b.Output("t", b.Op(graph.OpTime, nil))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.New(g, plan.Options{Batch: 1}); err == nil {
		t.Error("the time of a step is planned outside an equation")
	}
	if _, err := plan.New(&graph.Graph{Name: "empty"}, plan.Options{Batch: -1}); err == nil {
		t.Error("a negative batch is planned")
	}
	if _, err := plan.New(&graph.Graph{Name: "empty"}, plan.Options{Batch: 1, Without: []string{"normalisation"}}); err == nil {
		t.Error("a pass is left out that plans need")
	}
	if p, err := plan.New(&graph.Graph{Name: "empty"}, plan.Options{Batch: 1}); err != nil || p.Bytes() != 0 {
		t.Errorf("an empty graph: %v", err)
	}
}
