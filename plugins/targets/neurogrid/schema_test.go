package neurogrid

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/schematest"
)

const (
	page       = "../../../docs/emulate-neurogrid.md"
	jsonSchema = "../../../docs/schema/neurogrid-network.json"
)

// The example of the page gives what the page says, and the schema takes it, and exports.
func TestPage(t *testing.T) {
	check := schematest.Valid(t, jsonSchema)
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
	schematest.Members(t, jsonSchema, reflect.TypeFor[exported]())
}

// What the schema refuses Trace refuses too.
func TestSchemaRefuses(t *testing.T) {
	check := schematest.Valid(t, jsonSchema)
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
