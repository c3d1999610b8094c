// Package docs has the pages of this folder that the command prints: what each code of a diagnostic means, and what who writes a
// plugin reads. It imports nothing of ours.
package docs

import (
	"embed"
	"slices"
	"strings"
	"unicode"
)

//go:embed diagnostics.md
var diagnostics string

//go:embed language.md hardware.md emulate-loihi.md emulate-truenorth.md emulate-neurogrid.md plugins.md plugin-protocol.md plugin-tests.md
var texts embed.FS

// Names returns the names of the pages that Text has, in the order in which they are read.
func Names() []string {
	return []string{"language", "hardware", "emulate-loihi", "emulate-truenorth", "emulate-neurogrid", "plugins", "plugin-protocol", "plugin-tests"}
}

// Text returns a page by its name, in Markdown, or of NAME#SECTION one section of it with what is below it; SECTION is as in links to
// it. The name of the file, also behind docs/, does as well. False where there is no such page or section.
func Text(name string) (string, bool) {
	name, section, part := strings.Cut(strings.ToLower(name), "#")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "docs/"), ".md")
	if !slices.Contains(Names(), name) {
		return "", false
	}
	text, err := texts.ReadFile(name + ".md")
	if err != nil {
		return "", false
	}
	if !part {
		return string(text), true
	}
	return cut(string(text), section)
}

// cut returns the section of a page that a link means: from its heading to the next one of its level, or of a higher one.
func cut(text, section string) (string, bool) {
	var out []string
	level, code := 0, false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if marks := len(line) - len(strings.TrimLeft(line, "#")); marks > 0 && !code {
			if level > 0 && marks <= level {
				break
			}
			if level == 0 && anchor(line[marks:]) == section {
				level = marks
			}
		}
		if level > 0 {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n")) + "\n", level > 0
}

// anchor is the name of a heading in links, as GitHub makes it.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// Page returns what docs/diagnostics.md says of a code such as SNN0231, in Markdown and with its heading: what it means, a
// spec that is wrong with what is printed of it, and that spec mended. The case of letters counts for nothing; false where
// there is no such code.
func Page(code string) (string, bool) {
	for _, page := range pages() {
		if heading, _, _ := strings.Cut(page, "\n"); strings.EqualFold(heading, "## "+code) {
			return page, true
		}
	}
	return "", false
}

// Codes returns the codes that have a page, in its order.
func Codes() []string {
	var out []string
	for _, page := range pages() {
		heading, _, _ := strings.Cut(page, "\n")
		out = append(out, strings.TrimPrefix(heading, "## "))
	}
	return out
}

// pages cuts the file at its headings of the second level.
func pages() []string {
	parts := strings.Split("\n"+diagnostics, "\n## ")[1:]
	for i := range parts {
		parts[i] = "## " + strings.TrimSpace(parts[i]) + "\n"
	}
	return parts
}
