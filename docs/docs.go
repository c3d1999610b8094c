// Package docs has the pages of this folder that the command prints: what each code of a diagnostic means. It imports
// nothing of ours.
package docs

import (
	_ "embed"
	"strings"
)

//go:embed diagnostics.md
var diagnostics string

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
