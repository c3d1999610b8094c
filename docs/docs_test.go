package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
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
