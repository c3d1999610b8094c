package check_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
)

// FuzzCheck checks any text, changed by any --set, with a file to import: it comes to an end without a panic, and what is found
// has its place in a text that is known.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"testdata/specs/*.snn", "testdata/right/*.snn", "testdata/broken/*.txtar", "testdata/language/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if !strings.HasSuffix(name, ".txtar") {
				f.Add(string(text), "train.digit.epochs=2", "snn 1\n")
				continue
			}
			for _, part := range txtar.Parse(text).Files {
				if strings.HasSuffix(part.Name, ".out") {
					continue
				}
				spec := string(part.Data)
				if !strings.Contains(spec, "snn 1") {
					spec = "snn 1\n" + spec
				}
				set := ""
				for _, w := range strings.Fields(part.Name) {
					if s, ok := strings.CutPrefix(w, "set="); ok {
						set = strings.ReplaceAll(s, "_", " ")
					}
				}
				f.Add(spec, set, "snn 1\nimport \"a.snn\"\nparam width: int = 3\npreset small { width = 2 }\n")
			}
		}
	}
	cat := catalogue(f)
	f.Fuzz(func(t *testing.T, text, set, imported string) {
		if len(text)+len(set)+len(imported) > 1<<14 {
			return // the limits have tests of their own
		}
		file, found := dsl.Parse("x.snn", []byte(text))
		found = append(found, dsl.Resolve(file, func(path string) ([]byte, error) {
			if path == "a.snn" {
				return []byte(imported), nil
			}
			return nil, fs.ErrNotExist
		})...)
		change, bad := dsl.ParseChange("--set", set)
		o := check.Options{Catalogue: cat, Preset: "small"}
		if !bad.HasErrors() {
			o.Sets = []dsl.Change{change}
			values, _ := check.Sweep(file, check.Options{Catalogue: cat}, change, set)
			for _, v := range values {
				if _, bad := dsl.ParseExpr("value", v); bad.HasErrors() {
					t.Errorf("a value of a sweep is %q", v)
				}
			}
		}
		spec, more := check.Check(file, o)
		spec.Sources["--set"] = []byte(set)
		if len(more) > 200 {
			t.Errorf("%d findings", len(more))
		}
		for _, d := range append(found, more...) {
			text, known := spec.Sources[d.Range.File]
			if !d.Range.IsZero() && (!known || d.Range.Start.Offset > d.Range.End.Offset || d.Range.End.Offset > len(text)) || d.Summary == "" || d.Code == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}
