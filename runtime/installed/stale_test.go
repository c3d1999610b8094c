package installed

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A program that is built is older than a source that was edited, and than nothing else.
func TestStale(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	m := Manifest{Command: []string{"./leap"}, Build: []string{"go", "build"}}
	at := func(name string, when time.Time) {
		t.Helper()
		path := filepath.Join(dir, name)
		put(t, path, "x")
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	at("leap", now)
	at("main.go", now.Add(-time.Second))
	at("go.mod", now)
	for _, newer := range []string{"README.md", "example.snn", "leap_test.go", "table.npz", "runs/a/actions.json", "runs/a/x.go", "target/CACHEDIR.TAG", "target/x.rs", "env/pyvenv.cfg", "env/x.c", "cgo"} {
		at(newer, now.Add(time.Second))
		if got := Stale(dir, m); got != "" {
			t.Errorf("with a newer %s: %q", newer, got)
		}
	}
	at("sub/fire.go", now.Add(time.Second))
	for _, x := range []struct {
		m    Manifest
		want string
	}{
		{m, "sub/fire.go"},
		{Manifest{Command: m.Command}, ""}, // nothing is built
		{Manifest{Command: []string{"python3", "main.py"}, Build: m.Build}, ""}, // nor is what runs
		{Manifest{Command: []string{"./none"}, Build: m.Build}, ""},
	} {
		if got := Stale(dir, x.m); got != x.want {
			t.Errorf("%+v: %q", x.m, got)
		}
	}
	at("leap", now.Add(2*time.Second))
	if got := Stale(dir, m); got != "" {
		t.Errorf("built: %q", got)
	}
}
