package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/docs"
	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
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
	entries, err := (&docCommand{}).entries(t.Context(), streams{io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, e := range entries {
		what := e.Kind + " " + e.Name
		if explained[what] = e.Doc != ""; e.Doc == "" {
			t.Errorf("%s is not explained", what)
		}
		for _, r := range e.Roles {
			if r.Doc == "" {
				t.Errorf("role %s of %s is not explained", r.Name, what)
			}
		}
		explainedParams(t, what, e.Params)
		explainedChoices(t, what, e.Samplers)
	}
	for _, name := range check.Functions() {
		if !explained["equation "+name] {
			t.Errorf("function %s of equations is not explained", name)
		}
	}
	for _, name := range units(t) {
		if !explained["unit "+name] || !dsl.Unit(name) {
			t.Errorf("unit %s is not explained", name)
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

func explainedParams(t *testing.T, of string, list []schema.Param) {
	for _, p := range list {
		if p.Doc == "" && (p.Role == nil || p.Role.Doc == "") {
			t.Errorf("argument %s of %s is not explained", p.Name, of)
		}
		explainedChoices(t, p.Name+" of "+of, p.Choices)
	}
}

func explainedChoices(t *testing.T, of string, list []schema.Choice) {
	for _, c := range list {
		if c.Doc == "" {
			t.Errorf("choice %s of %s is not explained", c.Name, of)
		}
		explainedParams(t, c.Name+" of "+of, c.Params)
	}
}

// units are those that the lexer's messages list.
func units(t *testing.T) []string {
	text, err := os.ReadFile(filepath.Join("..", "..", "dsl", "token.go"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`const units = "(.*)"`).FindSubmatch(text)
	if list == nil {
		t.Fatal("dsl has no list of units where it was")
	}
	return strings.Fields(string(list[1]))
}

// What who writes a plugin is told to read is printed by the command alone: pages by their names, and the sections that mends name.
func TestDocPages(t *testing.T) {
	print := func(name string) string {
		var out, errs bytes.Buffer
		if code := command([]string{"doc", name}, &out, &errs); code != 0 {
			t.Errorf("snnc doc %s: status %d: %s", name, code, errs.String())
		}
		return out.String()
	}
	for _, name := range docs.Names() {
		if !strings.Contains(print(name), "\n") {
			t.Errorf("snnc doc %s prints nothing", name)
		}
	}
	if part := print("docs/plugin-protocol.md#the-folder-and-the-manifest"); !strings.HasPrefix(part, "The folder and the manifest\n") || strings.Contains(part, "\nThe process\n") {
		t.Errorf("%.200q", part)
	}
	cited := regexp.MustCompile("`snnc doc ([a-z-]+)(#[a-z-]+)?`")
	mends := 0
	for _, folder := range []string{"dsl", "runtime", "plugins"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".py" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range cited.FindAllStringSubmatch(string(text), -1) {
				if !slices.Contains(docs.Names(), m[1]) {
					continue // a name of the language
				}
				if mends++; m[2] != "" {
					if _, ok := docs.Text(m[1] + m[2]); !ok {
						t.Errorf("%s: there is no page %s%s", path, m[1], m[2])
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if mends < 4 {
		t.Errorf("%d mends name a page", mends)
	}
}

// An error that is no finding about a spec is followed by what mends it, too.
func TestErrorSaysMend(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "snn-plugin.toml"), "name = \"acme/hop\"\nversion = \"1.0.0\"\ncommand = [\"./hop\"]\n")
	write(t, filepath.Join(dir, "hop"), "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'hoppy'\" >&2\nexit 1\n")
	if err := os.Chmod(filepath.Join(dir, "hop"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := command([]string{"doc", "lif", "--plugin-dev", "acme/hop=" + dir}, &out, &errs); code != statusFailed || !strings.Contains(errs.String(), "\nhelp: install the package for the python3 of PATH: `pip install hoppy`") {
		t.Errorf("status %d: %s", code, errs.String())
	}
}
