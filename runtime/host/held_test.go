package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// settled lays the plugin of testdata/leap where a spec in a folder finds it.
func settled(t *testing.T) (p installed.Places, dir string) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	spec := t.TempDir()
	p, err := installed.Near(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(spec, installed.FolderName, "acme", "leap")
	if err := os.CopyFS(dir, os.DirFS(develop(t))); err != nil {
		t.Fatal(err)
	}
	return p, dir
}

// The first use of a plugin puts it into the lock. One that is another then is not started, before the user accepts it.
func TestLock(t *testing.T) {
	p, dir := settled(t)
	describe := func(o host.Options) (*host.Host, error) {
		o.Places = p
		h := start(t, "exit", o)
		_, err := h.Describe(context.Background(), "acme/leap")
		return h, err
	}
	h, err := describe(host.Options{Locked: true})
	var unlocked *installed.Unlocked
	if !errors.As(err, &unlocked) || len(h.Processes()) != 0 {
		t.Fatalf("%v, %d processes", err, len(h.Processes()))
	}
	if _, err := describe(host.Options{}); err != nil {
		t.Fatal(err)
	}
	first, err := installed.ReadLock(p.Lock)
	if err != nil {
		t.Fatal(err)
	}
	was, ok := first.Find("acme/leap")
	if folder, err := installed.HashFolder(dir); err != nil || !ok || was.Version != "0.3.1" || was.Folder != folder {
		t.Errorf("%+v, the folder has %s, %v", was, folder, err)
	}
	if _, err := describe(host.Options{Locked: true}); err != nil {
		t.Error(err)
	}

	// Another file in the folder: nothing is started, and the lock stays.
	if err := os.WriteFile(filepath.Join(dir, "more"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	now, err := installed.HashFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err = describe(host.Options{})
	var changed *installed.Changed
	if !errors.As(err, &changed) || changed.What != "folder" || changed.Was != was.Folder || changed.Now != now || len(h.Processes()) != 0 {
		t.Errorf("%v, %d processes", err, len(h.Processes()))
	}
	failure(t, err, was.Folder, now, "snnc plugin lock acme/leap")
	if l, err := installed.ReadLock(p.Lock); err != nil || len(l.Plugins) != 1 || l.Plugins[0] != was {
		t.Errorf("%+v %v", l, err)
	}
	h = start(t, "exit", host.Options{Places: p})
	after, err := h.Identify(context.Background(), "acme/leap")
	if err != nil || after.Folder != now || after.Description != was.Description {
		t.Errorf("%+v, %v", after, err)
	}
	relock := func() {
		t.Helper()
		err := installed.ChangeLock(context.Background(), p.Lock, func(l *installed.Lock) error {
			l.Put(after)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	relock()
	if _, err := describe(host.Options{Locked: true}); err != nil {
		t.Error(err)
	}

	// The same folder that says something else of itself, as one whose interpreter is another.
	after.Description = installed.HashText("something else")
	relock()
	_, err = describe(host.Options{})
	if !errors.As(err, &changed) || changed.What != "description" || changed.Was != after.Description || changed.Now != was.Description {
		t.Error(err)
	}
	// A lock that cannot be read lets nothing through.
	if err := os.WriteFile(p.Lock, []byte("format = 1\nplugin = 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err = describe(host.Options{})
	failure(t, err, "read the lock")
	if n := len(h.Processes()); n != 0 {
		t.Errorf("%d processes", n)
	}
	// A plugin under development is in no lock.
	if _, err := describe(host.Options{Dev: map[string]string{"acme/leap": dir}, Locked: true}); err != nil {
		t.Error(err)
	}
}
