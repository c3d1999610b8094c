package record

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const deploySchema = "../../docs/schema/deploy.json"

// The schema of the docs takes what deployments write, and refuses what has another member or lacks one.
func TestDeploySchema(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile(deploySchema)
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
	bare := Deployment{Action: "deploy a", Target: "chip", Layers: []DeployedLayer{}}
	for _, d := range []Deployment{deployed(20), bare} {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(text); err != nil {
			t.Error(err)
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]string{{`"fits"`, `"fit"`}, {`"fits":false`, `"fits":0`}, {`"seed":0`, `"seed":0,"cores":[{"chip":0}]`}, {`"seed":0`, `"seed":0,"energy":[{"profile":"p","part":"heat","low":0,"high":1,"from":[]}]`}} {
		wrong := strings.Replace(string(text), x[0], x[1], 1)
		if wrong == string(text) || check([]byte(wrong)) == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}

// The schema's members are those of the types, each of its kind and with a description, and required are those that are always there.
func TestDeployMembers(t *testing.T) {
	text, err := os.ReadFile(deploySchema)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, node map[string]any, of reflect.Type)
	compare = func(path string, node map[string]any, of reflect.Type) {
		if ref, ok := node["$ref"].(string); ok {
			node = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		if list, ok := node["oneOf"].([]any); ok { // a list or null
			node = list[0].(map[string]any)
		}
		want := ""
		switch of.Kind() {
		case reflect.Pointer:
			compare(path, node, of.Elem())
			return
		case reflect.Slice:
			want = "array"
			if items, ok := node["items"].(map[string]any); ok {
				compare(path+"[]", items, of.Elem())
			}
		case reflect.Struct, reflect.Map:
			want = "object"
		case reflect.Bool:
			want = "boolean"
		case reflect.Int, reflect.Uint64:
			want = "integer"
		case reflect.Float64:
			want = "number"
		case reflect.String:
			want = "string"
			if node["enum"] != nil {
				return
			}
		}
		if node["type"] != want {
			t.Errorf("%s is %v in the schema and %s here", path, node["type"], want)
		}
		if of.Kind() != reflect.Struct {
			return
		}
		members, _ := node["properties"].(map[string]any)
		var always, required []string
		has := map[string]bool{}
		for _, field := range reflect.VisibleFields(of) {
			name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				continue // embedded
			}
			if !strings.Contains(rest, "omit") {
				always = append(always, name)
			}
			m, ok := members[name].(map[string]any)
			if !ok {
				t.Errorf("the schema has no %s.%s", path, name)
				continue
			}
			if text, _ := m["description"].(string); text == "" {
				if ref, _ := m["$ref"].(string); ref == "" || root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)["description"] == nil {
					t.Errorf("nothing says what %s.%s is", path, name)
				}
			}
			has[name] = true
			compare(path+"."+name, m, field.Type)
		}
		for name := range members {
			if has[name] {
				continue
			}
			t.Errorf("%s.%s of the schema is nothing here", path, name)
		}
		for _, name := range node["required"].([]any) {
			required = append(required, name.(string))
		}
		slices.Sort(always)
		slices.Sort(required)
		if !slices.Equal(always, required) {
			t.Errorf("%s: required are %v, always there %v", path, required, always)
		}
	}
	compare("deployment", root, reflect.TypeFor[Deployment]())
}
