package dsl_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
)

// resolved reads a spec that may import the texts.
func resolved(t *testing.T, main string, texts map[string]string) (*dsl.File, []string) {
	t.Helper()
	f, found := dsl.Parse("dir/main.snn", []byte(main))
	found = append(found, dsl.Resolve(f, func(path string) ([]byte, error) {
		text, ok := texts[path]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("out of reach")}
		}
		return []byte(text), nil
	})...)
	var out []string
	for _, d := range found {
		out = append(out, fmt.Sprintf("%s:%d: %s", d.Range.File, d.Range.Start.Line, d.Summary))
	}
	return f, out
}

// A spec imports a hundred files at most, of 4 MiB with its own, each within the limits of a file.
func TestImportLimits(t *testing.T) {
	texts := map[string]string{}
	many, chain := "snn 1\n", "snn 1\nimport \"a0.snn\"\n"
	for i := range 101 {
		many += fmt.Sprintf("import \"a%d.snn\"\n", i)
		texts[fmt.Sprintf("a%d.snn", i)] = "snn 1\n"
	}
	if f, found := resolved(t, many, texts); len(found) != 1 || !strings.Contains(found[0], "dir/main.snn:102: a spec imports 100 files at most") || len(f.Files()) != 101 {
		t.Errorf("%v, %d files", found, len(f.Files()))
	}
	for i := range 101 {
		texts[fmt.Sprintf("a%d.snn", i)] = fmt.Sprintf("snn 1\nimport \"a%d.snn\"\n", i+1)
	}
	if f, found := resolved(t, chain, texts); len(found) != 1 || !strings.HasPrefix(found[0], "dir/a99.snn:2:") || f.Files()[0].Path != "a99.snn" || len(f.Files()[0].Trail) != 5 {
		t.Errorf("%v, %d files", found, len(f.Files()))
	}
	large := "snn 1\n#" + strings.Repeat("a", 1_000_000)
	texts = map[string]string{"a.snn": large, "b.snn": large, "c.snn": large, "d.snn": large, "e.snn": large, "f.snn": large + large}
	if _, found := resolved(t, "snn 1\nimport \"a.snn\"\nimport \"b.snn\"\nimport \"c.snn\"\nimport \"d.snn\"\nimport \"e.snn\"\n", texts); len(found) != 1 || !strings.HasPrefix(found[0], "dir/main.snn:6: the files of this spec are larger than 4 MiB") {
		t.Error(found)
	}
	if _, found := resolved(t, "snn 1\nimport \"f.snn\"\n", texts); len(found) != 1 || found[0] != "dir/f.snn:1: the text is larger than 1 MiB" {
		t.Error(found)
	}
}

// What a file cannot be read for is said without its path, which is shown.
func TestImportReason(t *testing.T) {
	if _, found := resolved(t, "snn 1\nimport \"x.snn\"\n", nil); len(found) != 1 || found[0] != "dir/main.snn:2: `x.snn` cannot be read: out of reach" {
		t.Error(found)
	}
}
