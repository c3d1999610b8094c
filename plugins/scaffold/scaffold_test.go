package scaffold_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/scaffold"
	"snnc.dev/snnc/plugins/schema"
)

var update = flag.Bool("update", false, "write text/go/mod, text/go/sum and text/sdk/mod")

// bin is a folder that has the command snnc, and nothing else, cache one for what it keeps, and goCache what the Go command keeps.
var bin, cache, goCache string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "snnc-scaffold-*")
	if err == nil {
		bin, cache = filepath.Join(dir, "bin"), filepath.Join(dir, "cache")
		goCache, err = sh(".", "go env GOCACHE")
	}
	if err == nil {
		goCache = strings.TrimSpace(goCache)
		_, err = sh("../..", "go build -o "+bin+"/snnc ./cmd/snnc")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// sh runs a command line in a folder, with snnc in its PATH, and returns what is printed. Go builds what it has built for any folder, and
// downloads nothing; what snnc has it build is kept apart, so that all is compiled again, in half the time without optimisation.
func sh(dir, line string) (string, error) {
	flags := "-trimpath -buildvcs=false"
	if strings.HasPrefix(line, "snnc ") {
		flags += " '-gcflags=all=-N -l'"
	}
	c := exec.Command("sh", "-c", line)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GOFLAGS="+flags, "GOPROXY=off", "GOWORK=off")
	if goCache != "" {
		c.Env = append(c.Env, "GOCACHE="+goCache, "XDG_CACHE_HOME="+cache)
	}
	out, err := c.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", line, err, out)
	}
	return string(out), nil
}

// combination is a plugin that can be made, and what its example prints once it has done what it is for.
type combination struct {
	kind   string // as the flags of `snnc plugin new` have it
	figure string // a regular expression
}

func combinations() []combination {
	const told = `accuracy = 0\.[89]` // where 0.1 is chance
	return []combination{
		{"neuron", told}, {"coder", told}, {"coder --equations", told}, {"neuron --opaque", told}, {"coder --opaque", told},
		{"model", `frechet_pixels = [01]\.`}, // 15 with a network that has hardly learned
		{"target", `fits leap_two\(neurons = 64\): 64 of 64 neurons`},
	}
}

// made makes a plugin by the command in a folder, and does there what its workflow has, what its README says of the first combination, and
// then all that the command says comes next, and last adds it, where that has not been among it, and runs the example once more. It
// returns what that printed.
func made(t *testing.T, at string, c combination, language string) string {
	t.Helper()
	must := func(dir, line string) string {
		out, err := sh(dir, line)
		if err != nil {
			t.Fatalf("%s in %s: %v", c.kind, language, err)
		}
		return out
	}
	out := must(at, "snnc plugin new acme/leap-two --lang "+language+" --kind "+c.kind)
	plugin := filepath.Join(at, "leap-two")
	defer os.RemoveAll(plugin)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(plugin, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	lines := func(begin, text string) (lines []string) {
		for _, m := range regexp.MustCompile(`(?m)^`+begin+`(\S.*)$`).FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "pip ") && !strings.Contains(m[1], "venv") { // the environment is there
				lines = append(lines, m[1])
			}
		}
		if len(lines) == 0 {
			t.Fatalf("no commands in\n%s", text)
		}
		return lines
	}
	for _, line := range lines("      - run: ", read(".github/workflows/test.yml")) {
		must(plugin, line)
	}
	if c == combinations()[0] { // of the others the README says the same
		for _, line := range lines("    ", read("README.md")) {
			must(plugin, line)
		}
	}
	for _, line := range lines("  ", out) {
		must(at, line)
	}
	if language == scaffold.Python {
		must(at, "snnc plugin add leap-two")
	}
	out = must(at, "rm -r runs && snnc run leap-two/example.snn")
	if !regexp.MustCompile(c.figure).MatchString(out) {
		t.Errorf("%s in %s: no %s in\n%s", c.kind, language, c.figure, out)
	}
	must(at, "snnc plugin remove acme/leap-two && rm -r runs")
	return out
}

// What Go needs to know of other modules is all there, and nothing is to be written down for it to build.
func TestModules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "leap")
	if err := scaffold.Write(dir, scaffold.Options{Name: "leap", Kind: schema.Neuron, Language: scaffold.Go}); err != nil {
		t.Fatal(err)
	}
	if _, err := sh(dir, "go mod verify && go vet -mod=readonly ./... && cd sdk && go vet -mod=readonly ./..."); err != nil {
		t.Error(err)
	}
}

// A plugin that comes without its SDK builds with one that is laid beside it; where there is one, or none is wanted, nothing changes.
func TestComplete(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "leap")
	if err := scaffold.Write(dir, scaffold.Options{Name: "acme/leap", Kind: schema.Model, Language: scaffold.Go}); err != nil {
		t.Fatal(err)
	}
	serve, mod := filepath.Join(dir, "sdk/plugins/sdk/serve.go"), filepath.Join(dir, "go.mod")
	was, err := os.ReadFile(serve)
	if err == nil {
		err = os.WriteFile(serve, []byte("package other"), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := scaffold.Complete(dir); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(serve); err != nil || string(now) != "package other" {
		t.Errorf("an SDK that is there has changed: %v", err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "sdk")), scaffold.Complete(dir)); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(serve); err != nil || string(now) != string(was) {
		t.Errorf("the SDK is not laid: %v", err)
	}
	if _, err := sh(dir, "go vet . && go test -mod=readonly ."); err != nil {
		t.Error(err)
	}

	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "sdk")), os.WriteFile(mod, []byte("module example.org/leap\n"), 0o666), scaffold.Complete(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sdk")); err == nil {
		t.Error("an SDK is laid where none is wanted")
	}
	if err := scaffold.Complete(t.TempDir()); err != nil {
		t.Error(err)
	}
}

// The SDK in Go is what plugins/sdk is built of: these packages, and all of their files for any system.
func TestSDK(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "leap")
	if err := scaffold.Write(dir, scaffold.Options{Name: "acme/leap", Kind: schema.Neuron, Language: scaffold.Go}); err != nil {
		t.Fatal(err)
	}
	var files, have []string
	for _, p := range dependencies(t) {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if p.Module.Main && !strings.HasSuffix(name, "_test.go") {
				files = append(files, strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")+"/"+name)
			}
		}
	}
	err := fs.WalkDir(os.DirFS(filepath.Join(dir, "sdk")), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".go") {
			have = append(have, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	slices.Sort(have)
	if !slices.Equal(have, files) {
		t.Errorf("the SDK has the files\n%v\nwant\n%v", have, files)
	}
}

// dependency is a package of a module that plugins/sdk is built of.
type dependency struct {
	ImportPath              string
	GoFiles, IgnoredGoFiles []string
	Imports                 []string
	Module                  *struct {
		Path, Version string
		Main          bool
	}
}

func dependencies(t *testing.T) (out []dependency) {
	t.Helper()
	text, err := sh("../..", "go list -deps -json=ImportPath,GoFiles,IgnoredGoFiles,Imports,Module ./plugins/sdk")
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
		var p dependency
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module != nil { // else it is of the standard library
			out = append(out, p)
		}
	}
	return out
}

// The modules of plugins and of their SDK require those that plugins/sdk is built of, at the versions that this module has. The sums are
// those of this module for the files of these, and for all go.mod files, which are read to find out who requires what.
func TestRequirements(t *testing.T) {
	var imports, direct, indirect []string
	versions := map[string]string{}
	for _, p := range dependencies(t) {
		if p.Module.Main {
			imports = append(imports, p.Imports...)
		} else {
			versions[p.Module.Path] = p.Module.Version
		}
	}
	for _, module := range slices.Sorted(maps.Keys(versions)) {
		if slices.ContainsFunc(imports, func(i string) bool { return i == module || strings.HasPrefix(i, module+"/") }) {
			direct = append(direct, module)
		} else {
			indirect = append(indirect, module)
		}
	}
	block := func(modules []string, comment string) string {
		out := "\nrequire (\n"
		for _, m := range modules {
			out += "\t" + m + " " + versions[m] + comment + "\n"
		}
		return out + ")\n"
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	language := "\n" + regexp.MustCompile(`(?m)^go .*\n`).FindString(string(mod))
	golden(t, "text/sdk/mod", "module snnc.dev/snnc\n"+language+block(direct, "")+block(indirect, " // indirect"))
	golden(t, "text/go/mod", "module example.org/{{.Folder}}\n"+language+"\nrequire snnc.dev/snnc v0.0.0\n"+
		block(slices.Sorted(maps.Keys(versions)), " // indirect")+"\nreplace snnc.dev/snnc => ./sdk\n")
	ours, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	sums := ""
	for line := range strings.Lines(string(ours)) {
		if words := strings.Fields(line); strings.HasSuffix(words[1], "/go.mod") || versions[words[0]] == words[1] {
			sums += line
		}
	}
	golden(t, "text/go/sum", sums)
}

func golden(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is\n%s\nwant (go test -update writes it)\n%s", file, have, want)
	}
}

// The Python package is whole, and requirements.txt has what it depends on.
func TestPythonSDK(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "leap")
	if err := scaffold.Write(dir, scaffold.Options{Name: "acme/leap", Kind: schema.Target, Language: scaffold.Python}); err != nil {
		t.Fatal(err)
	}
	if out, err := sh(dir, "diff -r -x __pycache__ snnc "+strconv.Quote(abs(t, "../python/snnc"))); err != nil {
		t.Error(err, out)
	}
	project, err := os.ReadFile("../python/pyproject.toml")
	if err != nil {
		t.Fatal(err)
	}
	needs, err := os.ReadFile(filepath.Join(dir, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := `dependencies = ["` + strings.Join(strings.Split(strings.TrimSpace(string(needs)), "\n"), `", "`) + `"]`
	if !strings.Contains(string(project), want) {
		t.Errorf("pyproject.toml does not have %s", want)
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A name that a folder, a program or the example cannot have is refused, and nothing is left behind.
func TestRefused(t *testing.T) {
	o := scaffold.Options{Name: "acme/leap", Kind: schema.Model, Language: scaffold.Go}
	named := func(name string) scaffold.Options { o := o; o.Name = name; return o }
	opaque, chip, c, both, told := o, o, o, o, o
	opaque.Opaque, chip.Kind, c.Language, told.Equations = true, "chip", "c", true
	both.Kind, both.Opaque, both.Equations = schema.Coder, true, true
	for _, x := range []struct {
		o    scaffold.Options
		want string
	}{
		{named(""), "is no name of a plugin"},
		{named("acme/two/leaps"), "is no name of a plugin"},
		{named("../leap"), "is no name of a plugin"},
		{named("acme/3d"), `as "3d": begin with a letter`},
		{named("acme/main.go"), `as "main.go": begin with a letter`},
		{named("acme/sdk"), "folder of the SDK"},
		{named("acme/return"), "reserved word"},
		{named("acme/velocity"), "`velocity` is something else in example.snn"},
		{opaque, "a model is not opaque"},
		{both, "that are not opaque"},
		{told, "say what neurons and coders compute"},
		{chip, "no example of a chip"},
		{c, "no SDK for \"c\""},
	} {
		dir := t.TempDir()
		err := scaffold.Write(filepath.Join(dir, "leap"), x.o)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.o, err, x.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%+v: there is %v", x.o, left)
		}
	}
}

// What is there already is not touched, whatever it is.
func TestThere(t *testing.T) {
	o := scaffold.Options{Name: "acme/leap", Kind: schema.Neuron, Language: scaffold.Python}
	dir := t.TempDir()
	empty, link := filepath.Join(dir, "empty"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(empty, 0o777), os.Symlink("nowhere", link)); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{empty, link} {
		if err := scaffold.Write(to, o); err == nil || !strings.Contains(err.Error(), to+" is there already") {
			t.Errorf("%s: %v", to, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("there is %v: %v", left, err)
	}
	if err := scaffold.Write(filepath.Join(dir, "none", "leap"), o); err == nil {
		t.Error("a plugin is made in a folder that is not there")
	}
}
