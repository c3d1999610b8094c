package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReferenceLayersInLanguage demands that the section on layers of docs/language.md names every layer that
// docs/reference.md has.
func TestReferenceLayersInLanguage(t *testing.T) {
	section := func(file, head string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, found, ok := strings.Cut(string(text), "\n## "+head+"\n")
		if !ok {
			t.Fatalf("%s has no section %s", file, head)
		}
		found, _, _ = strings.Cut(found, "\n## ")
		return found
	}
	language := section("../../docs/language.md", "Layers")
	for _, layer := range regexp.MustCompile("(?m)^### `([a-z_]+)`").FindAllStringSubmatch(section("../../docs/reference.md", "Layers"), -1) {
		if !regexp.MustCompile("`" + layer[1] + "\\b").MatchString(language) {
			t.Errorf("docs/language.md does not name the layer %s", layer[1])
		}
	}
}
