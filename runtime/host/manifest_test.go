package host

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const goodManifest = "name = \"acme/leap\"\nversion = \"0.3.1\"\ncommand = [\"./leap\", \"--quiet\"]\n"

func TestManifest(t *testing.T) {
	m, err := ParseManifest([]byte(goodManifest))
	if want := (Manifest{"acme/leap", "0.3.1", []string{"./leap", "--quiet"}}); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("%+v %v", m, err)
	}
	argv, err := m.argv("/plugins/leap")
	if want := []string{"/plugins/leap/leap", "--quiet"}; err != nil || !reflect.DeepEqual(argv, want) {
		t.Errorf("%q %v", argv, err)
	}
	m.Command[0] = "sh" // an interpreter is looked up
	if argv, err = m.argv("/plugins/leap"); err != nil || !filepath.IsAbs(argv[0]) {
		t.Errorf("%q %v", argv, err)
	}
	m.Command[0] = "no-such-interpreter"
	if _, err = m.argv("/plugins/leap"); err == nil || !strings.Contains(err.Error(), "./no-such-interpreter") {
		t.Error(err)
	}
}

// An error names the line.
func TestManifestRefuses(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"", "licence = \"MIT\"\n", `line 4 (last key "licence"): unknown key "licence"`},
		{"", "[sandbox]\nfiles = []\n", `line 4 (last key "sandbox"): unknown key "sandbox"`},
		{"", "name = \"acme/leap\"\n", "line 4"},
		{"name = \"acme/leap\"\n", "", `the key "name" is missing`},
		{"command = [\"./leap\", \"--quiet\"]\n", "", `the key "command" is missing`},
		{"acme/leap", "acme leap", `line 1 (last key "name"): "acme leap" is no name`},
		{"acme/leap", "a/b/c", "is no name"},
		{"acme/leap", "../leap", "is no name"},
		{"0.3.1", "0.3", `line 2 (last key "version"): "0.3" is no version`},
		{"0.3.1", "0.03.1", "is no version"},
		{`"0.3.1"`, "3", "line 2"},
		{"./leap", "../leap", `line 3 (last key "command"): the command "../leap" does not stay`},
		{"./leap", "/bin/leap", "does not stay"},
		{`["./leap", "--quiet"]`, "[]", "has no first word"},
		{`["./leap", "--quiet"]`, `"./leap"`, "line 3"},
		{`"--quiet"`, "1", "line 3"},
		{"\"acme/leap\"", "\"acme", "line 1"},
	} {
		text := strings.Replace(goodManifest, x.old, x.new, 1)
		if x.old == "" {
			text = goodManifest + x.new
		}
		if m, err := ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: %+v %v, want %q", text, m, err, x.want)
		}
	}
	dir := t.TempDir()
	if _, err := ReadManifest(dir); !os.IsNotExist(errors.Unwrap(err)) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ManifestName), make([]byte, maxManifest+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "larger than 64 KB") {
		t.Error(err)
	}
}

// What parses is a manifest whose command can be started in a folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte("name = 'a'\n[command]\nx = 1\n"))
	f.Add([]byte("name.a = 'a'\n\"version\" = \"\"\"1.0.0\"\"\"\ncommand = ['python3', 'main.py']"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err == nil && (!pluginName.MatchString(m.Name) || !version.MatchString(m.Version) || m.Command[0] == "") {
			t.Errorf("%q: %+v", text, m)
		}
	})
}

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
	const entries = 5 // the folder, a, b, b/c, l
	if err := hashFolder(sha256.New(), dir, entries, 2); err != nil {
		t.Error(err)
	}
	if err := hashFolder(sha256.New(), dir, entries-1, 2); err != errTooLarge {
		t.Errorf("one file too many: %v", err)
	}
	if err := hashFolder(sha256.New(), dir, entries, 1); err != errTooLarge {
		t.Errorf("one byte too many: %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, "a"), maxFolderBytes+1); err != nil {
		t.Fatal(err)
	}
	if k := s.key(); k != "" {
		t.Error("a folder too large to be read has the key", k)
	}
}
