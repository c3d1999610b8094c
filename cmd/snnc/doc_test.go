package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/reference"
)

// docs/reference.md is what `snnc doc --markdown` prints; -update writes it.
func TestReference(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "reference.md")
	var out, errs bytes.Buffer
	if code := command([]string{"doc", "--markdown"}, &out, &errs); code != 0 {
		t.Fatalf("status %d: %s", code, errs.String())
	}
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Error("docs/reference.md is not what `snnc doc --markdown` prints: run go test ./cmd/snnc -run TestReference -update")
	}
}

// Everything that can be named is explained: layers and their arguments, surrogates, what equations may call.
func TestEverythingIsExplained(t *testing.T) {
	entries := reference.Entries(&check.Catalogue{})
	explained := map[string]bool{}
	for _, e := range entries {
		explained[e.Kind+" "+e.Name] = e.Doc != ""
		for _, p := range e.Params {
			if p.Doc == "" {
				t.Errorf("argument %s of %s %s is not explained", p.Name, e.Kind, e.Name)
			}
			for _, c := range p.Choices {
				if c.Doc == "" {
					t.Errorf("choice %s of argument %s of %s %s is not explained", c.Name, p.Name, e.Kind, e.Name)
				}
			}
		}
	}
	for _, name := range check.Functions() {
		if !explained["equation "+name] {
			t.Errorf("function %s of equations is not explained", name)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "dsl", "parse.go"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`return \[\]string\{("import".*)\}`).FindSubmatch(text)
	if list == nil {
		t.Fatal("dsl has no list of statements where it was")
	}
	for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllSubmatch(list[1], -1) {
		if !explained["statement "+string(name[1])] {
			t.Errorf("statement %s is not explained", name[1])
		}
	}
}
