package check_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl/diag"
)

// pasted is what a help says to put at the place of its finding; "" where it says something else. Words in capitals and dots
// stand for what the user has to fill in.
func pasted(help string) string {
	m := regexp.MustCompile("^(?:did you mean|write|here it is|write it without quotes:) `([^`]+)`(?:[?]?$|[?] |, or `|, which )").FindStringSubmatch(help)
	if m == nil || regexp.MustCompile(`\.\.\.|\b[A-Z]{2,}\b|^=`).MatchString(m[1]) {
		return ""
	}
	return m[1]
}

// What a help says can be pasted: with its text in the place of what the finding points at, the finding is gone and nothing that
// does not parse has come.
func TestHelps(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".out") || strings.Contains(f.Name, " ") {
				continue
			}
			text := append([]byte("snn 1\n"), f.Data...)
			_, found := checked(t, f.Name, text, "")
			for _, d := range found.Sorted() {
				fix := pasted(d.Help)
				if fix == "" || d.Range.File != f.Name {
					continue
				}
				applied++
				mended := slices.Concat(text[:d.Range.Start.Offset], []byte(fix), text[d.Range.End.Offset:])
				s, again := checked(t, f.Name, mended, "")
				for _, e := range again {
					same := e.Summary == d.Summary && e.Range.Start == d.Range.Start
					torn := e.Code < diag.UnknownName && !slices.ContainsFunc(found, func(o diag.Diagnostic) bool { return o.Summary == e.Summary })
					if same || torn {
						t.Errorf("%s: %s: the help of\n%s\nleads to\n%s", file, f.Name, rendered(t, s, diag.List{d}), rendered(t, s, diag.List{e}))
					}
				}
			}
		}
	}
	if applied < 100 {
		t.Errorf("only %d helps were pasted", applied)
	}
}
