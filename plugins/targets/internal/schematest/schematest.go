// Package schematest holds the JSON schemas of docs against what the targets read.
//
// Tests of the targets import it.
package schematest

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Valid compiles the schema of a file, and returns what says whether it takes a text.
func Valid(t *testing.T, file string) func(text string) error {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(file)
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

// Members sees that the schema of a file has the members of a struct by their json tags, and no others, and so on in their types. Lists
// whose items are no objects, and types among leaves, which read themselves, are not looked into.
func Members(t *testing.T, file string, of reflect.Type, leaves ...reflect.Type) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	compare(t, "", s, of, leaves)
}

func compare(t *testing.T, path string, node map[string]any, of reflect.Type, leaves []reflect.Type) {
	t.Helper()
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Array {
		if of.Kind() != reflect.Pointer {
			items, ok := node["items"].(map[string]any)
			if !ok {
				return // a row of numbers, or a definition of its own
			}
			node = items
		}
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || slices.Contains(leaves, of) {
		return
	}
	members := map[string]map[string]any{}
	all := []any{node}
	if list, ok := node["oneOf"].([]any); ok && node["properties"] == nil {
		all = list
	}
	for _, n := range all {
		for name, m := range n.(map[string]any)["properties"].(map[string]any) {
			members[name], _ = m.(map[string]any)
		}
	}
	for _, field := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || name == "" && field.Anonymous {
			continue
		}
		m, ok := members[name]
		if !ok {
			t.Errorf("the schema has no %s%s", path, name)
			continue
		}
		delete(members, name)
		compare(t, path+name+".", m, field.Type, leaves)
	}
	for name := range members {
		t.Errorf("%s%s of the schema is not read", path, name)
	}
}
