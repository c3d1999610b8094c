package check_test

import (
	"fmt"
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
		got += docs(s) + dump(s)
	}
	return got
}

// docs lists what doc comments say.
func docs(s *check.Spec) string {
	out := ""
	say := func(what, text string) {
		if text != "" {
			out += fmt.Sprintf("doc of %s: %q\n", what, text)
		}
	}
	say("the spec", s.File.Doc)
	for _, item := range s.File.Items {
		switch x := item.(type) {
		case *dsl.Param:
			say(x.Name.Text, x.Doc)
		case *dsl.Definition:
			say(x.Name.Text, x.Doc)
		case *dsl.Neuron:
			say(x.Name.Text, x.Doc)
		case *dsl.Coder:
			say(x.Name.Text, x.Doc)
		case *dsl.Block:
			say(x.Name.Text, x.Doc)
		case *dsl.Network:
			say(x.Name.Text, x.Doc)
		case *dsl.Preset:
			say("preset "+x.Name.Text, x.Doc)
		case *dsl.Action:
			say(x.Kind+" "+x.Model.Text, x.Doc)
		}
	}
	return out
}

// What no text file shows: the bytes of a spec.
func TestBytes(t *testing.T) {
	const text = "snn 1\nparam a: int = 3\nneuron n(gain: real = a) {\n    input x\n    output gain * x\n}\n"
	facts := verdict(t, "x.snn", []byte(text), nil, nil)
	for name, same := range map[string]string{
		"a byte order mark at the start": "\ufeff" + text,
		"CR LF":                          strings.ReplaceAll(text, "\n", "\r\n"),
		"no end of the last line":        strings.TrimSuffix(text, "\n"),
		"blank lines and tabs":           "\n\n\t" + strings.ReplaceAll(text, "\n", " \t\n\n"),
	} {
		if got := verdict(t, "x.snn", []byte(same), nil, nil); got != facts {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, c := range map[string]struct {
		text string
		code diag.Code
		at   diag.Pos
	}{
		"a byte order mark inside":              {"snn 1\nparam \ufeffa: int = 3\n", diag.BadText, diag.Pos{Offset: 12, Line: 2, Column: 7}},
		"a byte order mark behind CR LF":        {"snn 1\r\n\ufeffparam a: int = 3\r\n", diag.BadText, diag.Pos{Offset: 7, Line: 2, Column: 1}},
		"a carriage return alone":               {"snn 1\rparam a: int = 3\n", diag.BadCharacter, diag.Pos{Offset: 5, Line: 1, Column: 6}},
		"Latin-1":                               {"snn 1\n# caf\xe9\n", diag.BadText, diag.Pos{Offset: 11, Line: 2, Column: 6}},
		"UTF-16":                                {"\xff\xfes\x00n\x00n\x00", diag.BadText, diag.Pos{Offset: 0, Line: 1, Column: 1}},
		"a surrogate":                           {"snn 1\n# \xed\xa0\x80\n", diag.BadText, diag.Pos{Offset: 8, Line: 2, Column: 3}},
		"a NUL":                                 {"snn 1\nparam\x00 a: int = 3\n", diag.BadCharacter, diag.Pos{Offset: 11, Line: 2, Column: 6}},
		"a column behind characters of 3 bytes": {"snn 1\nparam a: string = \"日本\" ;\n", diag.BadCharacter, diag.Pos{Offset: 33, Line: 2, Column: 24}},
		"nothing":                               {"", diag.BadVersion, diag.Pos{Offset: 0, Line: 1, Column: 1}},
	} {
		_, found := dsl.Parse("x.snn", []byte(c.text))
		if len(found) == 0 || found[0].Code != c.code || found[0].Range.Start != c.at {
			t.Errorf("%s: %v", name, found)
		}
	}
}
