package installed

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A lock that is written is read as it was, whatever order it was made in, and its text is one for what it says.
func TestLockText(t *testing.T) {
	hash := rapid.Custom(func(t *rapid.T) string { return HashText(rapid.String().Draw(t, "text")) })
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) Locked {
			return Locked{rapid.StringMatching(`[a-z][a-z0-9._-]{0,3}(/[A-Z][a-z0-9._-]{0,3})?`).Draw(t, "name"), "0.3.1", hash.Draw(t, "folder"), hash.Draw(t, "description")}
		}), func(p Locked) string { return p.Name }).Draw(t, "plugins")
		var l, backward Lock
		for i := range all {
			l.Put(all[i])
			backward.Put(all[len(all)-1-i])
		}
		got, err := ParseLock(l.Text())
		if err != nil || !reflect.DeepEqual(got, l) || string(backward.Text()) != string(l.Text()) {
			t.Fatalf("%v\n%s", err, l.Text())
		}
		for _, p := range all {
			if got, ok := l.Find(p.Name); !ok || got != p {
				t.Fatalf("%+v %v, want %+v", got, ok, p)
			}
			if !l.Remove(p.Name) || l.Remove(p.Name) {
				t.Fatalf("%s is not removed once", p.Name)
			}
		}
	})
}

// A lock that is not wholly understood lets no plugin through.
func TestLockRefuses(t *testing.T) {
	var l Lock
	l.Put(Locked{"acme/leap", "0.3.1", HashText("a"), HashText("b")})
	good := string(l.Text())
	plugin := good[strings.Index(good, "[["):]
	for _, x := range []struct{ old, new, want string }{
		{"format = 1", "format = 2", "its format is 2, and this program reads format 1"},
		{"format = 1\n", "", "its format is 0"},
		{"format = 1", "format = 1\nsandbox = false", `unknown key "sandbox"`},
		{plugin, plugin + "url = \"x\"\n", `unknown key "plugin.url"`},
		{plugin, plugin + plugin, "acme/leap is there twice"},
		{"acme/leap", "../leap", "is no name"},
		{"0.3.1", "0.3", "is no version"},
		{"folder = \"sha256:", "folder = \"", "is no hash of a folder"},
		{"description = \"", "other = \"", "unknown key"},
		{"\ndescription =", "\n# =", "is no hash of a description"},
	} {
		if l, err := ParseLock([]byte(strings.Replace(good, x.old, x.new, 1))); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %+v %v, want %q", x.new, l, err, x.want)
		}
	}
	dir := t.TempDir()
	if l, err := ReadLock(filepath.Join(dir, LockName)); err != nil || len(l.Plugins) > 0 {
		t.Errorf("one that is not there: %+v %v", l, err)
	}
	if _, err := ReadLock(dir); err == nil || !strings.Contains(err.Error(), "no plain file") {
		t.Error(err)
	}
	put(t, filepath.Join(dir, LockName), strings.Repeat("#", maxLock+1))
	if _, err := ReadLock(filepath.Join(dir, LockName)); err == nil || !strings.Contains(err.Error(), "larger than 1024 KB") {
		t.Error(err)
	}
}

// What is in a lock's text survives to be written again.
func FuzzLock(f *testing.F) {
	f.Add([]byte("format = 1\n[[plugin]]\nname = \"a\"\nversion = \"1.0.0\"\nfolder = \"" + HashText("") + "\"\ndescription = \"" + HashText("x") + "\"\n"))
	f.Add([]byte("format = 1\nplugin = []\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseLock(text)
		if err != nil {
			return
		}
		if again, err := ParseLock(l.Text()); err != nil || !reflect.DeepEqual(again, l) {
			t.Errorf("%q: %+v, again %+v %v", text, l, again, err)
		}
	})
}

// The spec's folder comes first, then the project, then the user; the nearest lock is the project's.
func TestNear(t *testing.T) {
	top, data := t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	spec := filepath.Join(top, "project", "a", "b")
	user := filepath.Join(data, "snnc", FolderName)
	add := func(folder string) string {
		dir := filepath.Join(folder, "acme", "leap")
		put(t, filepath.Join(dir, ManifestName), "")
		return dir
	}
	near := func() Places {
		p, err := Near(spec)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	put(t, filepath.Join(spec, "x.snn"), "")
	if p := near(); p.Lock != filepath.Join(spec, LockName) || len(p.Folders) != 2 {
		t.Errorf("without a project: %+v", p)
	}
	if dir, ok := near().Find("acme/leap"); ok {
		t.Error("found", dir)
	}
	add(filepath.Join(top, "project", FolderName)) // no project yet
	want := add(user)
	if dir, _ := near().Find("acme/leap"); dir != want {
		t.Errorf("the user's: %s", dir)
	}
	put(t, filepath.Join(top, LockName), "")
	put(t, filepath.Join(top, "project", LockName), "")
	p := near()
	if p.Lock != filepath.Join(top, "project", LockName) {
		t.Errorf("the nearest lock: %+v", p)
	}
	if dir, _ := p.Find("acme/leap"); dir != filepath.Join(top, "project", FolderName, "acme", "leap") {
		t.Errorf("the project's: %s", dir)
	}
	want = add(filepath.Join(spec, FolderName))
	if dir, _ := p.Find("acme/leap"); dir != want {
		t.Errorf("the spec's: %s", dir)
	}
	put(t, filepath.Join(user, "alone", ManifestName), "")
	put(t, filepath.Join(user, ".add-1", "new", ManifestName), "")
	if names := p.Names(); !reflect.DeepEqual(names, []string{"acme/leap", "alone"}) {
		t.Errorf("%q", names)
	}
	for _, name := range []string{"", "..", "../plugins/acme/leap", "acme/../acme/leap", "/acme/leap", `acme\leap`} {
		if dir, ok := p.Find(name); ok {
			t.Errorf("%q leads to %s", name, dir)
		}
	}
	// In a folder that is everybody's a lock of somebody else brings no plugins.
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(filepath.Join(top, "project", LockName), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if p := near(); p.Lock != filepath.Join(top, LockName) {
		t.Errorf("a stranger's lock: %+v", p)
	}
	if err := os.Chown(spec, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if p := near(); p.Lock != filepath.Join(top, "project", LockName) {
		t.Errorf("the lock of the spec's owner: %+v", p)
	}
}

// A hash tells folders apart, and a copy from nothing.
func TestHashFolder(t *testing.T) {
	dir := t.TempDir()
	of := func(dir string) string {
		t.Helper()
		h, err := HashFolder(dir)
		if err != nil || !hashForm.MatchString(h) {
			t.Fatalf("%q %v", h, err)
		}
		return h
	}
	seen := map[string]string{}
	changed := func(what string) {
		t.Helper()
		h := of(dir)
		if seen[h] != "" {
			t.Errorf("after %s the hash is that after %s", what, seen[h])
		}
		seen[h] = what
	}
	put(t, filepath.Join(dir, "a"), "12")
	changed("a file")
	put(t, filepath.Join(dir, "a"), "21")
	changed("another content")
	put(t, filepath.Join(dir, "b", "c"), "")
	changed("a file in a folder")
	if err := os.Chmod(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	changed("a program")
	if err := os.Symlink("a", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	changed("a link")
	put(t, filepath.Join(dir, "b", ".git", "HEAD"), "ref")
	changed("a folder .git that is not the folder's own, and that a plugin can read")
	if err := os.RemoveAll(filepath.Join(dir, "b", ".git")); err != nil {
		t.Fatal(err)
	}
	h := of(dir)
	put(t, filepath.Join(dir, ".git", "HEAD"), "ref")
	for _, mode := range []os.FileMode{0o700, 0o775} { // of another umask
		if err := os.Chmod(filepath.Join(dir, "a"), mode); err != nil {
			t.Fatal(err)
		}
		if of(dir) != h {
			t.Errorf("the hash hangs on .git or on who may read: %o", mode)
		}
	}
	other := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if of(other) != h || of(link) != h {
		t.Error("a copy, or a link to the folder, has another hash")
	}
	const entries = 5 // the folder, a, b, b/c, l
	for _, x := range []struct {
		limits Limits
		want   error
	}{{Limits{entries, 2}, nil}, {Limits{entries - 1, 2}, ErrTooLarge}, {Limits{entries, 1}, ErrTooLarge}} {
		if err := Hash(sha256.New(), dir, x.limits); !errors.Is(err, x.want) {
			t.Errorf("%+v: %v", x.limits, err)
		}
	}
}
