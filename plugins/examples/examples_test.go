// Package examples_test uses the example plugins as somebody would who has this project and one of their folders: it copies a folder
// to a place of its own, builds it there as its README says, and runs its spec.
package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return nil
}

// taken copies an example's folder out of the project, without what a build in place has left there.
func taken(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{name, "runs"} {
		if err := os.RemoveAll(filepath.Join(dir, left)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// built builds an example in Go in its folder, and runs the tests that it has there.
func built(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = taken(t, name)
	for _, argv := range [][]string{
		{"go", "mod", "edit", "-replace=snnc.dev/snnc=" + checkout},
		{"go", "build", "."},
		{"go", "vet", "."},
		{"go", "test", "."},
	} {
		if err := command(dir, argv...); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs an example's spec in its folder, and returns what is printed.
func run(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	c := exec.Command(snnc, append([]string{"run", "example.snn", "--plugin-dev", "acme/" + filepath.Base(dir) + "=."}, flags...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
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
