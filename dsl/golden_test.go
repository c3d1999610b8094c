package dsl_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// golden runs every input of the txtar files that match pattern and compares what follows it in the file.
func golden(t *testing.T, pattern string, run func(name string, text []byte) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out []txtar.File
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".out") {
				continue
			}
			got := run(f.Name, f.Data)
			if i := slices.IndexFunc(a.Files, func(want txtar.File) bool { return want.Name == f.Name+".out" }); *update {
			} else if i < 0 {
				t.Errorf("%s: nothing is expected of %s", file, f.Name)
			} else if d := cmp.Diff(string(a.Files[i].Data), got); d != "" {
				t.Errorf("%s: %s (-want +got)\n%s", file, f.Name, d)
			}
			out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		}
		if a.Files = out; *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Every broken input has the diagnostics that are written down below it.
func TestBroken(t *testing.T) {
	golden(t, "testdata/broken/*.txtar", func(name string, text []byte) string {
		_, found := dsl.Parse(name, text)
		var out strings.Builder
		if err := found.Text(&out, diag.Sources{name: text}, false); err != nil {
			t.Error(err)
		}
		return out.String()
	})
}
