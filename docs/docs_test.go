package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declared returns the codes that dsl/diag declares, with what stands behind each.
func declared(t *testing.T) (codes []string, says map[string]string) {
	t.Helper()
	says = map[string]string{}
	files, err := filepath.Glob("../dsl/diag/codes*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no codes: %v", err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				code, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, code)
				says[code] = strings.TrimSpace(spec.Comment.Text())
			}
			return false
		})
	}
	slices.Sort(codes)
	return codes, says
}

// Every code has a page, in the order of the codes, which begins with what the code's declaration says of it.
func TestPages(t *testing.T) {
	codes, says := declared(t)
	if got := Codes(); !slices.Equal(got, codes) {
		t.Errorf("the pages are of\n%v\nthe codes are\n%v", got, codes)
	}
	for _, code := range codes {
		page, ok := Page(strings.ToLower(code))
		if !ok {
			continue
		}
		body := strings.Join(strings.Fields(page[strings.Index(page, "\n"):]), " ")
		want := says[code]
		if want == "" {
			t.Errorf("%s: the declaration has no comment", code)
			continue
		}
		if want = "**" + strings.ToUpper(want[:1]) + want[1:] + ".**"; !strings.HasPrefix(body, want) {
			t.Errorf("%s: the page does not begin with %s", code, want)
		}
	}
	if _, ok := Page("SNN9999"); ok {
		t.Error("there is a page for a code that there is not")
	}
}

// A page is found by what links and mends call it, and every link from one of these pages into one leads somewhere.
func TestText(t *testing.T) {
	link := regexp.MustCompile(`\]\(([a-z-]+\.md)?(#[^)\s]+)?\)`)
	links := 0
	for _, name := range Names() {
		for _, how := range []string{name, name + ".md", "docs/" + name + ".md", strings.ToUpper(name)} {
			text, ok := Text(how)
			if !ok || !strings.HasPrefix(text, "# ") {
				t.Errorf("%s: %.40q", how, text)
			}
		}
		text, _ := Text(name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to := strings.TrimSuffix(m[1], ".md")
			if to == "" {
				to = name
			}
			if m[2] == "" || !slices.Contains(Names(), to) {
				continue
			}
			links++
			part, ok := Text(to + m[2])
			if !ok || !strings.HasPrefix(part, "#") || len(part) < 80 || len(part) >= len(text) && to == name {
				t.Errorf("%s links to %s%s: %.40q", name, to, m[2], part)
			}
		}
	}
	if links < 10 {
		t.Errorf("%d links", links)
	}
	if part, _ := Text("plugin-protocol#the-folder-and-the-manifest"); !strings.HasPrefix(part, "## The folder and the manifest\n") || strings.Contains(part, "\n## ") {
		t.Errorf("%.80q", part)
	}
	for _, name := range []string{"", "docs", "diagnostics", "plugins#nowhere", "../plugins"} {
		if _, ok := Text(name); ok {
			t.Errorf("there is a page %q", name)
		}
	}
}
