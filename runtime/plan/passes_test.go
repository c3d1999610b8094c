package plan_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/plan"
)

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
		pass, _, _ := strings.Cut(f.Name, "/")
		seen[pass] = true
		before, got, err := plan.Rewritten(parse(t, string(f.Data)), 6, pass)
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
	for _, name := range plan.Passes() {
		if !seen[name] {
			t.Errorf("no graph shows what the pass %q does", name)
		}
	}
}
