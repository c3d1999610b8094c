package main_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ours = "snnc.dev/snnc/"

// root is the module's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// files calls f for every file of the module below a folder, by its path from the root. Test data and hidden folders are
// left out.
func files(t *testing.T, below string, f func(path string)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(filepath.Join(top, below), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != top):
			return fs.SkipDir
		case d.Type().IsRegular():
			name, err := filepath.Rel(top, path)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// imports returns what each package imports, without its tests: of ours by path from the root, and of others whole. Files for
// every operating system count; folders whose name begins with _ are modules of their own.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	top := root(t)
	files(t, ".", func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/_") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		found[pkg] = append(found[pkg], "")
		for _, i := range file.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
				found[pkg] = append(found[pkg], strings.TrimPrefix(name, ours))
			}
		}
	})
	for pkg, list := range found {
		slices.Sort(list)
		found[pkg] = slices.Compact(list)[1:] // without ""
	}
	return found
}

// table is who may import whom: the table of docs/architecture.md, read as its readers do. The last part of a path may be `*`.
func table(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	in := false
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) != 5:
			in = false
		case strings.TrimSpace(cells[1]) == "package" && strings.TrimSpace(cells[3]) == "imports":
			in = true
		case in && !strings.Contains(line, "---"):
			pkg := strings.Trim(strings.TrimSpace(cells[1]), "`")
			list := []string{}
			for _, word := range strings.Fields(cells[3]) {
				if name, ok := strings.CutPrefix(word, "`"); ok {
					list = append(list, strings.Trim(name, "`,"))
				} else if word != "nothing" {
					t.Errorf("docs/architecture.md: %q in the row of %s", word, pkg)
				}
			}
			rows[pkg] = list
		}
	}
	if len(rows) < 20 {
		t.Fatalf("docs/architecture.md: a table of %d packages", len(rows))
	}
	return rows
}

// entry returns the name under which the table has a package: its own, or that of its kind.
func entry(rows map[string][]string, pkg string) string {
	if _, ok := rows[pkg]; ok {
		return pkg
	}
	return filepath.ToSlash(filepath.Dir(pkg)) + "/*"
}

// The packages import each other as the table in docs/architecture.md says: no more, and no less.
func TestImports(t *testing.T) {
	rows := table(t)
	used := map[string]map[string]bool{}
	for pkg, list := range imports(t) {
		name := entry(rows, pkg)
		allowed, ok := rows[name]
		if !ok {
			t.Errorf("%s is not in the table of docs/architecture.md", pkg)
			continue
		}
		if used[name] == nil {
			used[name] = map[string]bool{}
		}
		for _, i := range list {
			if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				continue // not ours
			}
			of := i
			if !slices.Contains(allowed, i) {
				of = entry(map[string][]string{}, i)
			}
			if !slices.Contains(allowed, of) {
				t.Errorf("%s imports %s, which the table of docs/architecture.md does not allow", pkg, i)
			}
			used[name][of] = true
		}
	}
	for name, allowed := range rows {
		if used[name] == nil {
			t.Errorf("docs/architecture.md lists %s, which is not there", name)
			continue
		}
		for _, i := range allowed {
			if !used[name][i] {
				t.Errorf("docs/architecture.md lets %s import %s, which it does not", name, i)
			}
		}
	}
}

// What the design depends on, whatever the table says.
func TestLayers(t *testing.T) {
	all := imports(t)
	for _, x := range []struct {
		what string // an import, or the beginning of some
		by   string // who may have it: packages and beginnings of paths, separated by spaces
	}{
		{"cmd/", ""},
		{"plugins/builtin", "cmd/snnc docs/gallery plugins/sdk/modeltest"},
		{"plugins/sdk/modeltest", ""}, // tests alone import it
		{"plugins/neurons/", "plugins/builtin"},
		{"plugins/coders/", "plugins/builtin"},
		{"plugins/models/", "plugins/builtin"},
		{"plugins/targets/", "plugins/builtin plugins/targets/"},                                // a target may have packages of its own
		{"plugins/sdk", "plugins/ docs/benchmarks/leaky runtime/cut runtime/deploy"},            // the last two verify circuits and count connections as targets do, by plugins/sdk/circuit
		{"runtime/interp", "docs/gallery plugins/plugintest plugins/sdk/modeltest runtime/cut"}, // the judge of the executor: only tests run it, also those of plugins, what draws a neuron as its equations say, and what folds weights for chips, once
		{"dsl/lower", "runtime/build docs/gallery plugins/plugintest plugins/sdk/modeltest"},
		{"github.com/hashicorp/go-plugin", "runtime/host plugins/sdk"},
		{"google.golang.org/grpc", "runtime/host plugins/sdk plugins/proto"},
		{"gonum.org/", "dsl/lower runtime/metric runtime/kernel plugins/coders/population"},
		{"github.com/alecthomas/participle", "dsl"},
		{"github.com/alecthomas/kong", "cmd/snnc"},
	} {
		for pkg, list := range all {
			allowed := slices.ContainsFunc(strings.Fields(x.by), func(by string) bool {
				return pkg == by || strings.HasSuffix(by, "/") && strings.HasPrefix(pkg, by)
			})
			for _, i := range list {
				if (i == x.what || strings.HasPrefix(i, strings.TrimSuffix(x.what, "/")+"/")) && !allowed {
					t.Errorf("%s imports %s; only these may: %s", pkg, i, x.by)
				}
			}
		}
	}
	// go-plugin is the client's and the server's library in one: each of its two users has one side of it.
	top := root(t)
	for pkg, side := range map[string]string{"runtime/host": `\bplugin\.Serve\w*\(`, "plugins/sdk": `\bplugin\.NewClient\(`} {
		other := regexp.MustCompile(side)
		files(t, pkg, func(path string) {
			text, err := os.ReadFile(filepath.Join(top, path))
			if err != nil {
				t.Fatal(err)
			}
			if at := other.Find(text); at != nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s has the other side of the protocol: %s", path, at)
			}
		})
	}
}

// The language and the runtime know no neuron, coder, model or target by name: whatever the built-in ones can do, those of
// third parties can. A name counts where it stands as a word, also in tests; test data are left out. The coders direct,
// membrane, mean, rate, count and more are called by words of the field and of English, which are also the IR's (a reduction of
// kind "mean"), an optimiser's ("rate") and a setting's ("count"): they count where they can be nothing but the coder, in a
// call of `encode` or `decode`, and, where no other part of the system has the word, as a quoted name. The neurons alpha, once,
// resonate and synaptic are such words, too, and what a flow names is nothing that a line by itself tells.
func TestNoBuiltinByName(t *testing.T) {
	names := regexp.MustCompile(`\b(iaf|lif|plif|iterative_lif|izhikevich|eif|qif|adex|alif|glif|klif|cubalif|psp|poisson|ttfs|vae|diffusion|supervised|loihi|truenorth|neurogrid)\b|` +
		`\b(encode|decode)\((direct|membrane|mean|rate|count|latency|phase|burst|delta)\b|` + `"(direct|membrane)"`)
	top := root(t)
	judged := 0
	for _, below := range []string{"dsl", "runtime"} {
		files(t, below, func(path string) {
			text, err := os.ReadFile(filepath.Join(top, path))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.IndexByte(text, 0) >= 0 {
				return // no text
			}
			judged++
			for i, line := range strings.Split(string(text), "\n") {
				if name := names.FindString(line); name != "" {
					t.Errorf("%s:%d names a built-in: %s", path, i+1, name)
				}
			}
		})
	}
	if judged < 50 {
		t.Errorf("only %d files are judged", judged)
	}
}
