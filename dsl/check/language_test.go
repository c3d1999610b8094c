package check_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
)

// Every sentence of the language has a case. Those of a topic are one archive; a case `x.snn` begins with the sentence as a
// comment, the files `x/...` are what it may import, and `x.snn.out` is what comes of it: findings, and, where none is an
// error, the checked spec. A name such as `x.snn preset=small set=a=1` says what it is checked with. Blanks in a value are
// written as `_`.
func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/language/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { language(t, file) })
	}
}

func language(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{}
	for _, f := range a.Files {
		texts[f.Name] = f.Data
	}
	var out []txtar.File
	for _, f := range a.Files {
		words := strings.Fields(f.Name)
		switch {
		case strings.HasSuffix(f.Name, ".out"):
			continue
		case strings.Contains(words[0], "/"):
			out = append(out, f)
			continue
		}
		if !strings.HasPrefix(string(f.Data), "# ") {
			t.Errorf("%s: %s does not begin with its sentence", file, f.Name)
		}
		got := verdict(t, words[0], f.Data, words[1:], texts)
		if want, ok := texts[f.Name+".out"]; !*update {
			if d := cmp.Diff(string(want), got); d != "" || !ok {
				t.Errorf("%s: %s (-want +got)\n%s", file, f.Name, d)
			}
		}
		out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
	}
	if a.Files = out; *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// verdict is what comes of a case.
func verdict(t *testing.T, name string, text []byte, words []string, texts map[string][]byte) string {
	o := check.Options{Catalogue: catalogue(t)}
	f, found := dsl.Parse(name, text)
	found = append(found, dsl.Resolve(f, func(path string) ([]byte, error) {
		text, ok := texts[strings.TrimSuffix(name, ".snn")+"/"+path]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return text, nil
	})...)
	sources := diag.Sources{}
	for _, w := range words {
		if p, ok := strings.CutPrefix(w, "preset="); ok {
			o.Preset = p
		} else if set, ok := strings.CutPrefix(w, "set="); ok {
			set = strings.ReplaceAll(set, "_", " ")
			c, bad := dsl.ParseChange("--set "+set, set)
			sources["--set "+set] = []byte(set)
			found, o.Sets = append(found, bad...), append(o.Sets, c)
		} else {
			t.Fatalf("%s: bad word %s", name, w)
		}
	}
	s, more := check.Check(f, o)
	for k, v := range sources {
		s.Sources[k] = v
	}
	found = append(found, more...)
	got := rendered(t, s, found)
	if !found.HasErrors() {
		got += dump(s)
	}
	return got
}
