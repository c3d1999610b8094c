package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// printed is a piece of a page that a command prints: `<!-- snnc ... -->`, what it prints, and `<!-- end -->`.
var printed = regexp.MustCompile(`(?s)<!-- snnc ([^>]*) -->\n(.*?)<!-- end -->`)

// What docs/results.md says of runs is what `snnc compare` makes of their records, which stand in docs/results.
func TestResults(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	const page = "docs/results.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	pieces := 0
	now := printed.ReplaceAllStringFunc(string(text), func(piece string) string {
		pieces++
		args := printed.FindStringSubmatch(piece)[1]
		var out, errs bytes.Buffer
		if code := command(strings.Fields(args), &out, &errs); code != 0 {
			t.Errorf("snnc %s gives status %d\n%s", args, code, errs.String())
		}
		return "<!-- snnc " + args + " -->\n" + out.String() + "<!-- end -->"
	})
	if pieces == 0 {
		t.Fatalf("%s has no piece that a command prints", page)
	}
	switch {
	case now == string(text):
	case *update:
		if err := wholefile.WriteBytes(page, []byte(now)); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what its commands print; -update writes it anew", page)
	}
}
