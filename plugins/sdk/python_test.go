package sdk_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk"
)

// Whatever the builders of the Python package have, those in Go have too, by the same name as Go writes it.
func TestAsInPython(t *testing.T) {
	other := map[string]string{
		"to_int": "Int", "to_real": "Real", // int is a type there
		"value": "Const", // there a number is an operand by itself
	}
	method := regexp.MustCompile(`(?m)^(?:class (\w+)|    def ([a-z]\w*)\()`)
	classes := map[string]reflect.Type{
		"Builder": reflect.TypeFor[*sdk.Function](), "Function": reflect.TypeFor[*sdk.Function](), "ProgramBuilder": reflect.TypeFor[*sdk.ProgramBuilder](),
	}
	seen := 0
	for _, file := range []string{"../python/snnc/graph/builder.py", "../python/snnc/program/builder.py"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var class string
		for _, m := range method.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "" {
				class = m[1]
			}
			of := classes[class]
			if m[2] == "" || of == nil {
				continue
			}
			name := other[m[2]]
			if name == "" {
				for word := range strings.SplitSeq(m[2], "_") {
					name += strings.ToUpper(word[:1]) + word[1:]
				}
			}
			seen++
			if _, ok := of.MethodByName(name); !ok {
				t.Errorf("%s.%s of %s: %v has no %s", class, m[2], file, of, name)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d methods are read", seen)
	}
}
