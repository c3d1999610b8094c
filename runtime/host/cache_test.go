package host

import (
	"os"
	"path/filepath"
	"testing"
)

// The key of a folder's content changes with every change of a file, and with nothing else.
func TestFolderKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &served{argv: []string{"/bin/leap"}, dir: dir}
	seen := map[string]string{}
	changed := func(what string) {
		t.Helper()
		k := s.key()
		if k == "" || seen[k] != "" {
			t.Errorf("after %s the key %q is that of %s", what, k, seen[k])
		}
		seen[k] = what
	}
	write("a", "12")
	changed("the first file")
	write("a", "21")
	changed("a change of content")
	write("b/c", "")
	changed("a new file")
	if err := os.Chmod(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	changed("a change of mode")
	if err := os.Symlink("a", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	changed("a link")
	s.argv = []string{"/bin/leap", "-v"}
	changed("another command")
	k := s.key()
	write(".git/HEAD", "ref")
	if s.key() != k {
		t.Error("the key hangs on .git")
	}
	if err := os.Truncate(filepath.Join(dir, "a"), limits.Bytes+1); err != nil {
		t.Fatal(err)
	}
	if k := s.key(); k != "" {
		t.Error("a folder too large to be read has the key", k)
	}
}
