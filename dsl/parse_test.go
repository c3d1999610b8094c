package dsl_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

var places = regexp.MustCompile(`[@ ]\d+:\d+-\d+:\d+`)

func TestSpecs(t *testing.T) {
	files, err := filepath.Glob("testdata/specs/*.snn")
	if err != nil || len(files) != 9 {
		t.Fatalf("%d specs, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, found := dsl.Parse(name, text)
		var out strings.Builder
		if err := found.Text(&out, diag.Sources{name: text}, false); err != nil {
			t.Error(err)
		}
		if out.Len() > 0 || len(f.Items) < 8 || len(f.Broken) > 0 || f.Doc == "" {
			t.Errorf("%s: %d items\n%s", name, len(f.Items), out.String())
		}
		places := inside{text: string(text)}
		places.check(t, reflect.ValueOf(f.Items))
	}
}

// A megabyte of anything is read or refused within a second and 300 MB.
func TestLimits(t *testing.T) {
	fill := func(before, unit, after string, size int) string {
		return "snn 1\n" + before + strings.Repeat(unit, (size-len(before)-len(after)-6)/len(unit)) + after
	}
	for _, c := range []struct{ name, before, unit, after string }{
		{"list", "param a: [int] = [", "1,", "]"},
		{"calls", "param a: [int] = [", "f(),", "]"},
		{"args", "model a = f(", "a=b,", ")"},
		{"string", `import "`, "a", `"`},
		{"escapes", `import "`, `\n`, `"`},
		{"bad escapes", `import "`, `\q`, `"`},
		{"comment", "#", "a", ""},
		{"comments", "", "##\n", ""},
		{"words", "", "a\n", ""},
		{"items", "", "use\"a\"as b\n", ""},
		{"params", "", "param a:b=1\n", ""},
		{"parentheses", "param a: int = ", "(", ""},
		{"pairs", "param a: int = ", "()", ""},
		{"closers", "param a: int = ", ")", ""},
		{"minus", "param a: int = ", "-", "1"},
		{"not", "param a: int = ", "not ", "1"},
		{"sum", "param a: int = 1", "+1", ""},
		{"power", "param a: int = 1", "^1", ""},
		{"index", "param a: int = a", "[1]", ""},
		{"fields", "param a: int = a", ".b", ""},
		{"flow", "block b(x) { return x", "->f", "}"},
		{"assignments", "block b(x) {", "x=x\n", "}"},
		{"flows", "block b(x) {", "x\n", "}"},
		{"repeats", "block b(x) {", "repeat 1{}\n", "}"},
		{"ifs", "block b(x) {", "if x{", "}"},
		{"equations", "neuron b(x) {", "x=x\n", "}"},
		{"outputs", "neuron b(x) {", "output 1\n", "}"},
		{"inputs", "neuron b(x) {input x", ",x", "}"},
		{"states", "neuron b(x) {state x=1", ",x=1", "}"},
		{"on spike", "neuron b(x) {on spike{", "x=1\n", "}}"},
		{"settings", "train b {", "x=x\n", "}"},
		{"path", "preset b {x", ".x", "=1}"},
		{"parameters", "block b(", "x,", ") {}"},
		{"dims", "block b(x:a[", "1,", "]) {}"},
		{"digits", "param a: int = ", "1", ""},
		{"size", "param a: int = 1", "x1", ""},
		{"bad characters", "", "\u00e9 ", ""},
		{"commas", "block b(x) {", ",", "}"},
		{"lines", "", "\n", ""},
		{"name", "model ", "a", " = b c"},
		{"unclosed", "", "model a=(\n", ""},
	} {
		sizes := []int{1 << 20}
		switch c.name { // the costly ones at a size that is read, not refused
		case "list", "args", "flows", "equations", "parameters", "path":
			sizes = append(sizes, 240_000)
		}
		for _, size := range sizes {
			text := []byte(fill(c.before, c.unit, c.after, size))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, found := dsl.Parse(c.name, text)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if took > 10*time.Second { // ten times the promise, for a busy machine; what grows as the square takes minutes
				t.Errorf("%s, %d bytes: %v", c.name, len(text), took)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 600 { // all that was allocated; about half is garbage before it ends
				t.Errorf("%s, %d bytes: allocated %d MB", c.name, len(text), mb)
			}
			if len(found) > 100 {
				t.Errorf("%s: %d findings", c.name, len(found))
			}
		}
	}
	if f, found := dsl.Parse("x", make([]byte, 1<<20+1)); len(found) != 1 || found[0].Code != diag.TooLarge || !f.Partial {
		t.Errorf("a text over the limit: %v", found)
	}
	for text, partial := range map[string]bool{
		"": false, "snn 1\nmodel\n": false, "snn 2\nmodel": true, "snn 1\n\xff": true,
		"snn 1\n" + strings.Repeat("a ", 250_000): true, "snn 1\n" + strings.Repeat("a\n", 101): true,
	} {
		if f, _ := dsl.Parse("x", []byte(text)); f.Partial != partial {
			t.Errorf("%.20q: partial %v", text, f.Partial)
		}
	}
}

// inside checks that places lie in the text, and that line and column belong to the offset.
type inside struct{ text string }

func (c *inside) place(t *testing.T, r diag.Range) {
	t.Helper()
	if r.Start.Offset < 0 || r.End.Offset < r.Start.Offset || r.End.Offset > len(c.text) {
		t.Fatalf("place %+v in %d bytes", r, len(c.text))
	}
	for _, p := range []diag.Pos{r.Start, r.End} {
		before := c.text[:p.Offset]
		if line := 1 + strings.Count(before, "\n"); line != p.Line {
			t.Fatalf("place %+v is on line %d", p, line)
		}
		if column := 1 + len([]rune(strings.TrimPrefix(before[strings.LastIndex(before, "\n")+1:], "\ufeff"))); column != p.Column && !strings.Contains(before, "\ufeff") {
			t.Fatalf("place %+v is in column %d", p, column)
		}
	}
}

// check looks at every place in a tree.
func (c *inside) check(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			c.check(t, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.check(t, v.Index(i))
		}
	case reflect.Struct:
		if r, ok := reflect.TypeAssert[diag.Range](v); ok {
			if !r.IsZero() {
				c.place(t, r)
			}
			return
		}
		for i := range v.NumField() {
			c.check(t, v.Field(i))
		}
	}
}

// findings checks what is said about a text.
func (c *inside) findings(t *testing.T, found diag.List) {
	if len(found) > 100 {
		t.Fatalf("%d findings", len(found))
	}
	for _, d := range found {
		if d.Summary == "" || d.Code == "" || d.Range.IsZero() {
			t.Fatalf("finding %+v", d)
		}
		c.check(t, reflect.ValueOf(d.Range))
		c.check(t, reflect.ValueOf(d.Notes))
	}
	var out strings.Builder
	if err := found.Text(&out, diag.Sources{"t": []byte(c.text)}, false); err != nil {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, text := range a.Files {
			if !strings.HasSuffix(text.Name, ".out") {
				f.Add(text.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, found := dsl.Parse("t", text)
		c := inside{string(text)}
		if len(found) > 0 && found[0].Summary[:min(8, len(found[0].Summary))] == "the byte" {
			return // columns of what is not UTF-8 are not counted as here
		}
		c.findings(t, found)
		c.check(t, reflect.ValueOf(file.Items))
		c.check(t, reflect.ValueOf(file.Broken))
		c.check(t, reflect.ValueOf(file.BrokenActions))
	})
}

func FuzzParseEquations(f *testing.F) {
	f.Add("neuron zif(tau: time = 2 steps trainable per layer) {\n input x, y\n state v = 0, s = 0\n noise n = normal(0, 1)\n v' = (x - v) / tau\n spike s when v >= 1\n on spike { v -= 1 }\n refractory 2 ms holds v\n}")
	f.Add("coder c(steps: int = 100 in 1..200) { encode x { spike when t == floor((1 - x) * steps) }, decode s { output s } }")
	f.Fuzz(func(t *testing.T, text string) {
		item, found := dsl.ParseEquations("t", text)
		c := inside{text}
		if (item == nil) != (len(found) > 0) {
			t.Fatalf("%v and %v", item, found)
		}
		if len(found) > 0 && strings.HasPrefix(found[0].Summary, "the byte") {
			return
		}
		c.findings(t, found)
		c.check(t, reflect.ValueOf(item))
	})
}

func FuzzParseExpr(f *testing.F) {
	for _, text := range []string{"a + b * -c ^ 2 -> f(x = 1, 2 ms)[0].size", "not a in 0..3 or [1, \"x\\n\", true]", "28x28 / 1e-3", "(a)\n+ b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, found := dsl.ParseExpr("t", text)
		c := inside{text}
		if (e == nil) != (len(found) > 0) {
			t.Fatalf("%v and %v", e, found)
		}
		if e == nil {
			if !strings.HasPrefix(found[0].Summary, "the byte") {
				c.findings(t, found)
			}
			return
		}
		c.check(t, reflect.ValueOf(e))
		once := show(e)
		again, found := dsl.ParseExpr("t", once)
		if again == nil && found[0].Code == diag.TooLarge {
			return // show writes more parentheses
		}
		if again == nil || show(again) != once {
			t.Fatalf("%q is %s, then %v %v", text, once, again, found)
		}
	})
}
