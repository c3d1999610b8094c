package diag_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
)

// in returns the place of the n-th byte of text and the width characters from there.
func in(file, text, part string) diag.Range {
	at := strings.Index(text, part)
	pos := func(offset int) diag.Pos {
		before := text[:offset]
		return diag.Pos{Offset: offset, Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[strings.LastIndex(before, "\n")+1:]))}
	}
	return diag.Range{File: file, Start: pos(at), End: pos(at + len(part))}
}

func text(t *testing.T, l diag.List, sources diag.Sources, colour bool) string {
	t.Helper()
	var b strings.Builder
	if err := l.Text(&b, sources, colour); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	spec := strings.Repeat("# a comment\n", 13) + "neuron fire = zif(tau = 2, threshold = 1)\n"
	tabs := "\tdata\t= mnist()\r\nnext"
	wide := "import \"日本語e\u0301\" here"
	evil := "x = \x1b[31m\u202e4"
	long := strings.Repeat("a + ", 200) + "oops" + strings.Repeat(" + b", 200)
	bom := "\ufeffsnn 2"
	for _, c := range []struct {
		name, source string
		d            diag.Diagnostic
		want         string
	}{
		{"language.md", spec, diag.Diagnostic{Code: "SNN0231", Summary: "`tau` is a time, but 2 has no unit", Range: in("f", spec, "2, thr"), Label: "dimensionless",
			Help: "write `2 steps`, or `2 ms` if the spec declares a dt", Notes: []diag.Note{{Message: "`tau` is declared by neuron `zif` (built-in 1.0)"}}}, `
error[SNN0231]: ''tau'' is a time, but 2 has no unit
  --> f:14:25
   |
14 | neuron fire = zif(tau = 2, threshold = 1)
   |                         ^^^^^^ dimensionless
   |
   = help: write ''2 steps'', or ''2 ms'' if the spec declares a dt
   = note: ''tau'' is declared by neuron ''zif'' (built-in 1.0)
`},
		{"note with a place", "a\nb b\n", diag.Diagnostic{Code: "SNN0001", Severity: diag.Warning, Summary: "twice", Range: in("f", "a\nb b\n", " b"),
			Notes: []diag.Note{{Message: "the first one", Range: in("g", "a\nb b\n", "b")}}}, `
warning[SNN0001]: twice
 --> f:2:2
  |
2 | b b
  |  ^^
  |
  = note: the first one --> g:2:1
`},
		{"no help", "abc", diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", "abc", "b")}, `
error[SNN0001]: bad
 --> f:1:2
  |
1 | abc
  |  ^
`},
		{"no place", "", diag.Diagnostic{Code: "SNN0001", Summary: "bad", Help: "mend it\nand again"}, `
error[SNN0001]: bad
  = help: mend it
          and again
`},
		{"no source", "", diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: diag.Range{File: "other", Start: diag.Pos{Line: 3, Column: 4, Offset: 9}}, Help: "mend it"}, `
error[SNN0001]: bad
 --> other:3:4
  = help: mend it
`},
		{"tabs", tabs, diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", tabs, "mnist")}, `
error[SNN0001]: bad
 --> f:1:9
  |
1 |  data = mnist()
  |         ^^^^^
`},
		{"wide", wide, diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", wide, "here")}, `
error[SNN0001]: bad
 --> f:1:16
  |
1 | import "日本語e` + "\u0301" + `" here
  |                  ^^^^
`},
		{"wide range", wide, diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", wide, "本語")}, `
error[SNN0001]: bad
 --> f:1:10
  |
1 | import "日本語e` + "\u0301" + `" here
  |           ^^^^
`},
		{"control characters", evil, diag.Diagnostic{Code: "SNN0001", Summary: "bad \x1b[2J", Range: in("f", evil, "4")}, `
error[SNN0001]: bad ` + "\ufffd" + `[2J
 --> f:1:11
  |
1 | x = ` + "\ufffd[31m\ufffd" + `4
  |           ^
`},
		{"long line", long, diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", long, "oops")}, `
error[SNN0001]: bad
 --> f:1:801
  |
1 | + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + oops + b + b + b + b + b + b +
  |                                                                                           ^^^^
`},
		{"several lines", "a (\n b", diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: in("f", "a (\n b", "(\n b")}, `
error[SNN0001]: bad
 --> f:1:3
  |
1 | a (
  |   ^
`},
		{"end of text", "a\n", diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: diag.Range{File: "f", Start: diag.Pos{Line: 2, Column: 1, Offset: 2}, End: diag.Pos{Line: 2, Column: 1, Offset: 2}}}, `
error[SNN0001]: bad
 --> f:2:1
  |
2 |
  | ^
`},
		{"byte order mark", bom, diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 5, Offset: 7}, End: diag.Pos{Line: 1, Column: 6, Offset: 8}}}, `
error[SNN0001]: bad
 --> f:1:5
  |
1 | snn 2
  |     ^
`},
	} {
		sources := diag.Sources{}
		if c.source != "" {
			sources["f"] = []byte(c.source)
		}
		want := strings.ReplaceAll(c.want[1:], "''", "`")
		if c.name == "language.md" {
			c.d.Range.End = c.d.Range.Start
			c.d.Range.End.Offset, c.d.Range.End.Column = c.d.Range.End.Offset+1, c.d.Range.End.Column+1
			want = strings.Replace(want, "^^^^^^", "^", 1)
		}
		if got := text(t, diag.List{c.d}, sources, false); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, want)
		}
	}
}

func TestColour(t *testing.T) {
	l := diag.List{{Code: "SNN0001", Summary: "bad", Range: in("f", "abc", "b"), Label: "here"}, {Code: "SNN0002", Severity: diag.Warning, Summary: "odd", Range: in("f", "abc", "c")}}
	want := "\x1b[1;31merror[SNN0001]\x1b[0m: bad\n --> f:1:2\n  |\n1 | abc\n  |  \x1b[1;31m^ here\x1b[0m\n\n" +
		"\x1b[1;33mwarning[SNN0002]\x1b[0m: odd\n --> f:1:3\n  |\n1 | abc\n  |   \x1b[1;33m^\x1b[0m\n"
	if got := text(t, l, diag.Sources{"f": []byte("abc")}, true); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Findings come by file and place; one place and code once; findings without a place all.
func TestSorted(t *testing.T) {
	at := func(file string, offset int) diag.Range {
		return diag.Range{File: file, Start: diag.Pos{Offset: offset, Line: 1, Column: offset + 1}}
	}
	l := diag.List{
		{Code: "B", Summary: "1", Range: at("f", 5)}, {Code: "A", Summary: "2", Range: at("f", 5)}, {Code: "B", Summary: "3", Range: at("f", 5)},
		{Code: "B", Summary: "4", Range: at("f", 2)}, {Code: "B", Summary: "5", Range: at("e", 9)}, {Code: "C", Summary: "6"}, {Code: "C", Summary: "7"},
	}
	got := ""
	for _, d := range l.Sorted() {
		got += d.Summary
	}
	if got != "675412" {
		t.Error(got)
	}
	if len(l) != 7 || l[0].Summary != "1" {
		t.Error("Sorted changed the list")
	}
	if (diag.List{{Severity: diag.Warning}}).HasErrors() || !l.HasErrors() {
		t.Error("HasErrors")
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	source := "a < b\n"
	l := diag.List{
		{Code: "SNN0001", Summary: "`a` < b & c", Range: in("f", source, "<"), Help: "mend it", Notes: []diag.Note{{Message: "here", Range: in("g", source, "b")}, {Message: "remark"}}},
		{Code: "SNN0002", Severity: diag.Warning, Summary: "no place"},
	}
	want := `{"diagnostics":[{"code":"SNN0002","severity":"warning","summary":"no place","file":"","start":{"line":0,"column":0},"end":{"line":0,"column":0},"help":"","notes":[]},` +
		`{"code":"SNN0001","severity":"error","summary":"` + "`a`" + ` < b & c","file":"f","start":{"line":1,"column":3},"end":{"line":1,"column":4},"help":"mend it","notes":[` +
		`{"message":"here","file":"g","start":{"line":1,"column":5},"end":{"line":1,"column":6}},{"message":"remark"}]}]}` + "\n"
	if err := l.JSON(&b); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
	b.Reset()
	if err := (diag.List)(nil).JSON(&b); err != nil || b.String() != "{\"diagnostics\":[]}\n" {
		t.Errorf("%v %s", err, b.String())
	}
}

func TestNearest(t *testing.T) {
	known := []string{"conv", "deconv", "linear", "batchnorm", "x", "zif", "iex", "neuron", "network"}
	for name, want := range map[string]string{
		"cnov": "conv", "Conv": "conv", "batch_norm": "batchnorm", "liner": "linear", "y": "", "": "", "attention": "", "nueron": "neuron",
		"zf": "zif", "iif": "zif", "conv": "conv", "networks": "network", strings.Repeat("a", 1000): "",
		"deconvolution": "deconv", "convolution": "conv", "neu": "neuron", "ne": "", "ba": "", "batchnormalization": "batchnorm", "li": "", "lin": "linear", "conv_block_with_skip": "conv", "zifs_of_mine": "zif", "xylophone": "",
		"X": "x", "BatchNorm": "batchnorm", "ZIF": "zif", "CONV": "conv", "Conv2d": "conv", "Linaer": "linear",
	} {
		if got := diag.Nearest(name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	s := "ab cd ef"
	if got := in("f", s, "cd").Join(in("f", s, "ab")); got != in("f", s, "ab cd") {
		t.Errorf("%+v", got)
	}
	if got := (diag.Range{}).Join(in("f", s, "cd")); got != in("f", s, "cd") {
		t.Errorf("%+v", got)
	}
	if got := in("f", s, "cd").Join(diag.Range{}); got != in("f", s, "cd") {
		t.Errorf("%+v", got)
	}
}

// A hundred errors are shown and the others counted; warnings are shown besides.
func TestManyErrors(t *testing.T) {
	var l diag.List
	for i := range 250 {
		l.Add(diag.Diagnostic{Code: "SNN0001", Severity: diag.Severity(i % 2), Summary: fmt.Sprintf("finding %d", i), Range: diag.Range{File: "f", Start: diag.Pos{Offset: i, Line: 1, Column: i + 1}}})
	}
	got := text(t, l, nil, false)
	if strings.Count(got, "error[") != 100 || strings.Count(got, "warning[") != 125 || !strings.HasSuffix(got, "\n\nand 25 more errors\n") {
		t.Error(got[len(got)-200:])
	}
	var b bytes.Buffer
	if err := l.JSON(&b); err != nil || strings.Count(b.String(), `"error"`) != 100 {
		t.Error(err, strings.Count(b.String(), `"error"`))
	}
}

// Whatever the text and the place are, the finding is written.
func FuzzText(f *testing.F) {
	f.Add([]byte("a\tb\r\n日本"), 3, 2, 1, 4)
	f.Fuzz(func(t *testing.T, source []byte, start, end, line, column int) {
		d := diag.Diagnostic{Code: "SNN0001", Summary: "bad", Range: diag.Range{File: "f", Start: diag.Pos{Offset: start, Line: line, Column: column}, End: diag.Pos{Offset: end}}}
		for _, l := range strings.Split(text(t, diag.List{d}, diag.Sources{"f": source}, false), "\n") {
			if n := len([]rune(l)); n > 200 && strings.Contains(l, "^") {
				t.Errorf("%d characters: %s", n, l)
			}
		}
	})
}
