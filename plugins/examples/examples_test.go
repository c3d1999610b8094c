// Package examples_test uses the example plugins as somebody would who has this project and one of their folders: it copies a folder
// to a place of its own and does there what its README says: tests the plugin, adds it, and runs its spec.
package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// snnc is the command, and checkout the folder of the project.
var snnc, checkout string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "snnc-examples-*")
	if err == nil {
		snnc = filepath.Join(dir, "snnc")
		checkout, err = filepath.Abs("../..")
	}
	if err == nil {
		err = command(".", "go", "build", "-o", snnc, "../../cmd/snnc")
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

// command runs a program in a folder; what it has printed is in the error.
func command(dir string, argv ...string) error {
	_, err := output(dir, argv...)
	return err
}

// output runs a program in a folder and returns what it prints, which is also in the error. Programs find the command snnc, and leave
// nothing among the user's files.
func output(dir string, argv ...string) (string, error) {
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = dir
	home := filepath.Join(filepath.Dir(snnc), "home")
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(snnc)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"XDG_DATA_HOME="+filepath.Join(home, "data"), "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "GOCACHE="+goCache())
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return string(out), err
}

// goCache is the folder of what Go has built, for all tests.
var goCache = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

// taken copies an example's folder out of the project, without what a build in place has left there, into a folder that is returned.
func taken(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	to := filepath.Join(dir, name)
	if err := os.CopyFS(to, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{name, "vendor", "runs"} {
		if err := os.RemoveAll(filepath.Join(to, left)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// commands are those of an example's README, which are indented there.
func commands(t *testing.T, name string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "CHECKOUT", checkout))
		}
	}
	if len(lines) < 3 {
		t.Fatalf("the README of %s has the commands %q", name, lines)
	}
	return lines
}

// follow runs commands in a folder as a shell does, and returns what the last one prints.
func follow(t *testing.T, dir string, lines []string) (out string) {
	t.Helper()
	for _, line := range lines {
		var err error
		if out, err = output(dir, "sh", "-c", line); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// run runs an example's spec with the plugin that was added, and returns what is printed.
func run(t *testing.T, dir, name string, flags ...string) string {
	t.Helper()
	out, err := output(dir, append([]string{snnc, "run", filepath.Join(name, "example.snn")}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// figure finds a metric in what a run has printed.
func figure(t *testing.T, out, metric string) float64 {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(metric) + ` = ([0-9.e+-]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no %s in\n%s", metric, out)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
