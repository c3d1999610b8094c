package neurogrid

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"snnc.dev/snnc/plugins/schema"
)

const (
	page       = "../../../docs/emulate-neurogrid.md"
	jsonSchema = "../../../docs/schema/neurogrid-network.json"
)

// valid compiles the schema of the docs, and returns what says whether it takes a text.
func valid(t *testing.T) func(text string) error {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(jsonSchema)
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
}

// The example of the page gives what the page says, and the schema takes it, and exports.
func TestPage(t *testing.T) {
	check := valid(t)
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := func(begin string) string {
		m := regexp.MustCompile("(?s)```" + begin + "\n(.*?)```").FindSubmatch(b)
		if m == nil {
			t.Fatalf("the page has no %s", begin)
		}
		return string(m[1])
	}
	text, want := block("json write two-neurons.json"), block(`sh\n\$ snnc emulate neurogrid two-neurons.json`)
	r, err := Trace(schema.TraceRequest{Text: text}, nil)
	if err != nil || r.Error != "" || r.Lines != want {
		t.Errorf("%v %s\n%s\nwant\n%s", err, r.Error, r.Lines, want)
	}
	n := taken(3, drawn())
	c, _ := compiled(t, n, nil, 1)
	export, _, err := c.Export()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{text, written, export} {
		if err := check(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// The members of the schema are those that are read.
func TestMembers(t *testing.T) {
	b, err := os.ReadFile(jsonSchema)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, node map[string]any, of reflect.Type)
	var members func(of reflect.Type) []reflect.StructField
	members = func(of reflect.Type) (out []reflect.StructField) {
		for i := range of.NumField() {
			if f := of.Field(i); f.Anonymous {
				out = append(out, members(f.Type)...)
			} else {
				out = append(out, f)
			}
		}
		return out
	}
	compare = func(path string, node map[string]any, of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Array {
			if of.Kind() != reflect.Pointer {
				items, ok := node["items"].(map[string]any)
				if !ok {
					return // a row of numbers
				}
				node = items
			}
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		has := node["properties"].(map[string]any)
		read := map[string]bool{}
		for _, f := range members(of) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			read[name] = true
			if m, ok := has[name].(map[string]any); ok {
				compare(path+name+".", m, f.Type)
			} else {
				t.Errorf("the schema has no %s%s", path, name)
			}
		}
		for name := range has {
			if !read[name] {
				t.Errorf("%s%s of the schema is not read", path, name)
			}
		}
	}
	compare("", s, reflect.TypeFor[exported]())
}

// What the schema refuses Trace refuses too.
func TestSchemaRefuses(t *testing.T) {
	check := valid(t)
	for _, x := range [][2]string{
		{`"mismatch": 0`, `"mitmatch": 0`}, {`"mismatch": 0`, `"mismatch": 2`}, {`"neurogrid"`, `"loihi"`}, {`[0, 1, 0, 1]`, `[0, 1, 0, 2]`}, {`[0, 1, 0, 1]`, `[0, 1, 4, 1]`},
		{`[0, 1, 0, 1]`, `[0, 1, 0]`}, {`[0, 1, 0, 1]`, `[0, 1, 0, 1, 5]`}, {`[[0, 0]]`, `[[0, 0, 1]]`}, {`[[0, 0]]`, `[[-1, 0]]`}, {`[[0, 0]]`, `[[0, 0.5]]`},
		{`"integration": 0.1`, `"integration": 0.2`}, {`"tau": 10`, `"tau": 0`}, {`"bias": 0`, `"bias": -1`}, {`"duration": 60`, `"duration": 0`}, {`"board": 1`, `"board": -1`},
		{`"most": 2, "reversal": 3`, `"most": 2, "reverse": 3`},
		{`"place": 1`, `"place": -1`}, {`"name": "net", "integration"`, `"name": 3, "integration"`},
		{`[` + "\n" + `  {"tau": 20, "gain": 2, "most": 2, "reversal": 3}, `, `[{"tau": 1}, {"tau": 20, "gain": 2, "most": 2, "reversal": 3}, `},
	} {
		text := strings.Replace(written, x[0], x[1], 1)
		if text == written {
			t.Fatalf("the text has no %s", x[0])
		}
		reply, err := Trace(schema.TraceRequest{Text: text}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if check(text) == nil || reply.Error == "" {
			t.Errorf("%s: the schema says %v, Trace %q", x[1], check(text), reply.Error)
		}
	}
}
