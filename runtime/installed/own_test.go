package installed

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"snnc.dev/snnc/runtime/record"
)

// A plugin's code is known by what it may compute with, and by nothing that is only run, read or kept beside it.
func TestHashCode(t *testing.T) {
	if runFile != record.ActionFile || sweepFile != record.SweepFile {
		t.Fatal("runs are known by other files")
	}
	dir := t.TempDir()
	m := Manifest{Command: []string{"python3", "main.py"}}
	of := func() string {
		t.Helper()
		h, err := HashCode(dir, m)
		if err != nil || !hashForm.MatchString(h) {
			t.Fatalf("%q %v", h, err)
		}
		return h
	}
	put(t, filepath.Join(dir, "main.py"), "a")
	put(t, filepath.Join(dir, "sub", "b.py"), "b")
	h := of()
	for _, beside := range []string{"README.md", "example.snn", "snnc.lock", "runs/example/actions.json", "runs/example/metrics.json", "runs/s/sweep.json", "env/pyvenv.cfg", "env/lib/x.py",
		"__pycache__/main.pyc", "sub/__pycache__/b.pyc", ".git/HEAD", ".mypy_cache/CACHEDIR.TAG"} {
		put(t, filepath.Join(dir, beside), "x")
		if of() != h {
			t.Errorf("the code is another with %s", beside)
		}
	}
	seen := map[string]string{h: "nothing"}
	changed := func(what string, err error) {
		t.Helper()
		h := of()
		if err != nil || seen[h] != "" {
			t.Errorf("after %s the code is that after %q: %v", what, seen[h], err)
		}
		seen[h] = what
	}
	put(t, filepath.Join(dir, "main.py"), "c")
	changed("another content", nil)
	changed("another name", os.Rename(filepath.Join(dir, "sub", "b.py"), filepath.Join(dir, "sub", "c.py")))
	changed("a link", os.Symlink("main.py", filepath.Join(dir, "l")))
	put(t, filepath.Join(dir, "weights.npz"), "w")
	changed("data", nil)
	m.Command = []string{"./env/bin/../bin/leap"}
	changed("a command in an environment", nil)
	put(t, filepath.Join(dir, "env", "lib", "x.py"), "y")
	changed("another environment of the command", nil)
	if _, err := HashCode(filepath.Join(dir, "none"), m); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
