package dsl_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// show writes an expression with all its parentheses.
func show(e dsl.Expr) string {
	args := func(as []dsl.Arg) string {
		var out []string
		for _, a := range as {
			if a.Name.Text != "" {
				out = append(out, a.Name.Text+" = "+show(a.Value))
			} else {
				out = append(out, show(a.Value))
			}
		}
		return strings.Join(out, ", ")
	}
	switch e := e.(type) {
	case *dsl.Number:
		out := strconv.FormatFloat(e.Value, 'g', -1, 64)
		if e.IsInt {
			out = strconv.FormatInt(e.Int, 10)
		}
		return strings.TrimSpace(out + " " + e.Unit)
	case *dsl.Size:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Dims), "[]"), " ", "x")
	case *dsl.String:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(e.Value) + `"`
	case *dsl.Bool:
		return strconv.FormatBool(e.Value)
	case *dsl.Ref:
		if e.Called {
			return e.Name.Text + "(" + args(e.Args) + ")"
		}
		return e.Name.Text
	case *dsl.List:
		var out []string
		for _, x := range e.Items {
			out = append(out, show(x))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case *dsl.Index:
		return show(e.Of) + "[" + show(e.At) + "]"
	case *dsl.Field:
		return "(" + show(e.Of) + ")." + e.Name.Text
	case *dsl.Unary:
		return "(" + e.Op + " " + show(e.Of) + ")"
	case *dsl.Binary:
		return "(" + show(e.Left) + " " + e.Op + " " + show(e.Right) + ")"
	case *dsl.Flow:
		out := show(e.From)
		for _, s := range e.Steps {
			out += " -> " + show(s)
		}
		return "(" + out + ")"
	case *dsl.Paren:
		return show(e.Of)
	}
	panic(fmt.Sprintf("%T", e))
}

func at(r diag.Range) string {
	return fmt.Sprintf("%d:%d-%d:%d", r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
}

// dump writes a tree: a line for each node with its place, its names and expressions behind it, its children below.
func dump(b *strings.Builder, indent string, v reflect.Value) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	var children []reflect.Value
	fmt.Fprintf(b, "%s%s", indent, v.Type().Name())
	if r := v.FieldByName("Range"); r.IsValid() {
		b.WriteString(" " + at(r.Interface().(diag.Range)))
	}
	for i := range v.NumField() {
		f := v.Field(i)
		name := strings.ToLower(v.Type().Field(i).Name)
		if f.Kind() == reflect.Pointer && f.IsNil() {
			continue
		}
		switch x := f.Interface().(type) {
		case diag.Range:
		case nil:
		case dsl.Expr:
			fmt.Fprintf(b, " %s=%s@%s", name, show(x), at(x.Span()))
		case dsl.Name:
			if x.Text != "" {
				fmt.Fprintf(b, " %s=%s@%s", name, x.Text, at(x.Range))
			}
		case dsl.String:
			fmt.Fprintf(b, " %s=%q@%s", name, x.Value, at(x.Range))
		case dsl.Type, *dsl.Type:
			if !f.IsZero() {
				t := reflect.Indirect(f).Interface().(dsl.Type)
				fmt.Fprintf(b, " %s=%s", name, t.Name.Text)
				for _, d := range t.Dims {
					fmt.Fprintf(b, ",%s", show(d))
				}
				if t.List {
					b.WriteString(",list")
				}
				fmt.Fprintf(b, "@%s", at(t.Range))
			}
		case string:
			if x != "" {
				fmt.Fprintf(b, " %s=%q", name, x)
			}
		case bool:
			if x {
				fmt.Fprintf(b, " %s", name)
			}
		case int:
			fmt.Fprintf(b, " %s=%d", name, x)
		case []dsl.Expr:
			for _, e := range x {
				fmt.Fprintf(b, " %s=%s", name, show(e))
			}
		case []dsl.Name:
			for _, n := range x {
				fmt.Fprintf(b, " %s=%s", name, n.Text)
			}
		default:
			switch {
			case f.Kind() == reflect.Slice:
				for j := range f.Len() {
					children = append(children, f.Index(j))
				}
			case !f.IsZero():
				children = append(children, f)
			}
		}
	}
	b.WriteByte('\n')
	for _, c := range children {
		dump(b, indent+"  ", c)
	}
}

// The trees of some texts, with places.
func TestTrees(t *testing.T) {
	golden(t, "testdata/trees/*.txtar", func(name string, text []byte) string {
		f, found := dsl.Parse(name, text)
		var out strings.Builder
		if err := found.Text(&out, diag.Sources{name: text}, false); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(&out, "version %d\n", f.Version)
		if f.Doc != "" {
			fmt.Fprintf(&out, "doc %q\n", f.Doc)
		}
		for _, item := range f.Items {
			dump(&out, "", reflect.ValueOf(item))
		}
		for _, n := range f.Broken {
			fmt.Fprintf(&out, "broken %s@%s\n", n.Text, at(n.Range))
		}
		for _, a := range f.BrokenActions {
			fmt.Fprintf(&out, "broken %s %s@%s\n", a.Kind, a.Model.Text, at(a.Model.Range))
		}
		return out.String()
	})
}

func TestPrecedence(t *testing.T) {
	for _, c := range [][2]string{
		{"a + b -> f", "((a + b) -> f)"},
		{"a -> f -> g(1, x = 2)", "(a -> f -> g(1, x = 2))"},
		{"a or b and c", "(a or (b and c))"},
		{"a and b or c", "((a and b) or c)"},
		{"a or b -> f", "((a or b) -> f)"},
		{"not a and b", "((not a) and b)"},
		{"not not a", "(not (not a))"},
		{"not a == b", "(not (a == b))"},
		{"a and not b", "(a and (not b))"},
		{"a + 1 < b * 2", "((a + 1) < (b * 2))"},
		{"x in 0..n + 1", "(x in (0 .. (n + 1)))"},
		{"-1..1", "((- 1) .. 1)"},
		{"a - b - c", "((a - b) - c)"},
		{"a / b * c", "((a / b) * c)"},
		{"a + b * c", "(a + (b * c))"},
		{"-a ^ 2", "(- (a ^ 2))"},
		{"a ^ b ^ c", "(a ^ (b ^ c))"},
		{"2 ^ -a * b", "((2 ^ (- a)) * b)"},
		{"- - a", "(- (- a))"},
		{"-a * b", "((- a) * b)"},
		{"levels[-1] * width", "(levels[(- 1)] * width)"},
		{"h.height in attend", "((h).height in attend)"},
		{"f(x)[0].size", "(f(x)[0]).size"},
		{"2 ms * 3", "(2 ms * 3)"},
		{"2steps", "2 steps"},
		{"0..9", "(0 .. 9)"},
		{"0.1..0.3", "(0.1 .. 0.3)"},
		{"28x28", "28x28"},
		{"1x28x28", "1x28x28"},
		{"60_000 + 1e-3", "(60000 + 0.001)"},
		{"f", "f"},
		{"f()", "f()"},
		{"[1, [a, b], f(x),]", "[1, [a, b], f(x)]"},
		{"[]", "[]"},
		{`"a\\b\"c\n"`, `"a\\b\"c\n"`},
		{"true or false", "(true or false)"},
		{"a\n  -> f\n  + 1", ""},
		{"a\n  -> f", "(a -> f)"},
		{"f(a,\n  b\n)", "f(a, b)"},
		{"2\nms", ""},
		{"a\n(b)", ""},
		{"a\n[b]", ""},
	} {
		e, found := dsl.ParseExpr("expr", c[0])
		if e == nil && c[1] == "" && len(found) > 0 {
			continue
		}
		if e == nil || show(e) != c[1] || len(found) > 0 {
			t.Errorf("%s: %v %v, want %s", c[0], e, found, c[1])
			continue
		}
		if got := e.Span(); got.Start.Offset != 0 || got.End.Offset != len(c[0]) {
			t.Errorf("%s: place %+v", c[0], got)
		}
	}
}

func TestParseChange(t *testing.T) {
	for text, want := range map[string]string{
		"width=16":                  "width:-1 16",
		"train.digit.epochs=2":      "train:-1 digit:-1 epochs:-1 2",
		"sample.sddpm[1].count = 4": "sample:-1 sddpm:1 count:-1 4",
		"digit=0..9":                "digit:-1 (0 .. 9)",
		"images=mnist(size = 28)":   "images:-1 mnist(size = 28)",
		"":                          "! a path and its value are wanted, such as `train.digit.epochs=2`",
		"width":                     "! expected `=`, found the end of the line",
		"width=":                    "! expected a value, found the end of the line",
		"=3":                        "! expected a name, found `=`",
		"width:3":                   "! expected `=`, found `:`",
		"a[1.5]=3":                  "! this index is no integer",
		"a[99999999999999999999]=3": "! this number is too large for an int64",
		"a=3 4":                     "! expected the end of the line, found `4`",
		"a=3\nb=4":                  "! a path and its value are wanted, such as `train.digit.epochs=2`",
		"a=§":                       "! the language has no use for `§`",
		"in=3":                      "! `in` is a reserved word",
		"a=((((3":                   "! `(` is not closed",
	} {
		c, found := dsl.ParseChange("--set", text)
		got := ""
		for _, s := range c.Path {
			got += fmt.Sprintf("%s:%d ", s.Name.Text, s.Index)
		}
		if len(c.Path) > 0 {
			got += show(c.Value)
		}
		if len(found) > 0 {
			got += "! " + found[0].Summary
		}
		if got != want || len(found) > 1 {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestParseEquations(t *testing.T) {
	n, found := dsl.ParseEquations("zif", "## Leaky integrate and fire.\nneuron zif(tau: time = 2 steps) {\n    input x\n    state v = 0\n    v' = (x - v) / tau\n    spike when v >= 1\n    on spike { v = 0 }\n}\n")
	if x, ok := n.(*dsl.Neuron); !ok || len(found) > 0 || len(x.Body) != 5 || x.Doc != "Leaky integrate and fire." || x.Body[2].Span().Start.Line != 5 {
		t.Errorf("%+v %v", n, found)
	}
	for text, want := range map[string]string{
		"":                               "the text must be one definition with equations",
		"model a = b":                    "the text must be one definition with equations",
		"neuron a = b":                   "the neuron `a` has no equations",
		"coder a = b":                    "the coder `a` has no equations",
		"neuron a() { }\nneuron b() { }": "the text must be one definition with equations",
		"snn 1\nneuron a() { }":          "the text must be one definition with equations",
		"neuron a() { input x }\n}":      "`}` closes nothing",
		"neuron a() { spike v }":         "expected `when`, found `}`",
		"coder a() { }":                  "the coder `a` neither encodes nor decodes",
		"neuron a(x: real = 1 in 3) { }": "a range is wanted after `in`",
		"neuron a() { \xff }":            "the byte 0xff is not UTF-8 text",
		"neuron a() {" + strings.Repeat(" ", 1<<20) + "}": "the text is larger than 1 MiB",
	} {
		n, found := dsl.ParseEquations("x", text)
		if n != nil || len(found) != 1 || found[0].Summary != want {
			t.Errorf("%.40q: %v %v, want %s", text, n, found, want)
		}
	}
}

// Newlines, commas, comments and CRLF separate alike.
func TestSeparators(t *testing.T) {
	for _, c := range [][2]string{ // two texts with the same tree
		{"train a { x = 1, y = 2 }", "train a {\r\n  x = 1\r\n\r\n  # comment\r\n  y = 2,\r\n}\r\n"},
		{"block b(x) { h = x -> f, return h }", "block b(\n  x,\n) {\n  h = x\n    # comment\n\n    -> f\n  return h\n}"},
		{"block b(x) { h = x + 1, return h and g }", "block b(x) {\n  h =\n    x\n    + 1\n  return h\n    and\n  g }"},
		{"neuron n() { input x, y, state v = 0, s = 1, v' = x, refractory 2 ms holds v, s, v = 1 }",
			"neuron n() {\n  input x,\n  y\n  state v = 0, s = 1\n  v' = x\n  refractory 2 ms holds v, s\n  v = 1\n}"},
		{"neuron n { input x }", "neuron n() {\n input x }"},
	} {
		shape := func(text string) string {
			f, found := dsl.Parse("t", []byte("\ufeffsnn 1\n"+text))
			var b strings.Builder
			for _, i := range f.Items {
				dump(&b, "", reflect.ValueOf(i))
			}
			if len(found) > 0 || len(f.Items) != 1 {
				t.Errorf("%q: %v", text, found)
			}
			return places.ReplaceAllString(b.String(), "")
		}
		if a, b := shape(c[0]), shape(c[1]); a != b {
			t.Errorf("%s\n%s", a, b)
		}
	}
}
