package fetch

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/installed"
)

// sleepCommand makes the test binary a process that holds a stage in a folder, with a plugin from a source in it, and sleeps.
const sleepCommand = "sleep-in-stage"

func sleepInStage(folder, source string) {
	s, err := NewStage(context.Background(), folder, nil)
	if err == nil {
		_, err = s.Bring(context.Background(), source)
	}
	fmt.Println("ready", err)
	time.Sleep(time.Hour)
}

// folderOf makes a folder with a plugin.
func folderOf(t *testing.T, name, version string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, installed.ManifestName), fmt.Sprintf("name = %q\nversion = %q\ncommand = [\"./p\"]\n", name, version))
	put(t, filepath.Join(dir, "p"), version)
	return dir
}

func stage(t *testing.T, folder string) *Stage {
	t.Helper()
	s, err := NewStage(context.Background(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// added puts a plugin from a source in its place.
func added(t *testing.T, folder, source, name string) string {
	t.Helper()
	s := stage(t, folder)
	defer s.Close()
	_, err := s.Bring(context.Background(), source)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := s.Place(name)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A folder is copied but for what Git keeps, an archive unpacked. A plugin takes the place of another one as a whole.
func TestStage(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plugins")
	places := installed.Places{Folders: []string{folder}}
	source := folderOf(t, "acme/leap", "1.0.0")
	put(t, filepath.Join(source, ".git", "HEAD"), "ref")
	put(t, filepath.Join(source, "sub", ".git", "HEAD"), "ref")
	put(t, filepath.Join(source, "sub", "x"), "x")
	want := filepath.Join(folder, "acme", "leap")
	if dir := added(t, folder, source, "acme/leap"); dir != want {
		t.Errorf("%s", dir)
	}
	for _, gone := range []string{".git", "sub/.git"} {
		if _, err := os.Lstat(filepath.Join(want, gone)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", gone, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(source, "sub", ".git")); err != nil { // which is not the folder's own, and is hashed
		t.Fatal(err)
	}
	before, err := installed.HashFolder(source)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := installed.HashFolder(want); err != nil || after != before {
		t.Errorf("%s is another one than %s: %v", after, before, err)
	}
	archive := filepath.Join(t.TempDir(), "leap-2.zip")
	if err := os.WriteFile(archive, archives(t, below("leap-2/", plugin)...)["p.zip"], 0o666); err != nil {
		t.Fatal(err)
	}
	// Somebody who looks finds a whole plugin at every moment.
	done := make(chan struct{})
	looked := make(chan error)
	go func() {
		for {
			select {
			case <-done:
				looked <- nil
				return
			default:
				if _, err := installed.ReadManifest(want); err != nil {
					looked <- err
					return
				}
			}
		}
	}()
	for range 20 {
		added(t, folder, archive, "acme/leap")
		added(t, folder, source, "acme/leap")
	}
	close(done)
	if err := <-looked; err != nil {
		t.Error(err)
	}
	if names := places.Names(); len(names) != 1 || names[0] != "acme/leap" {
		t.Errorf("%v", names)
	}
	if all, err := os.ReadDir(folder); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
	s := stage(t, folder)
	if err := s.Remove("acme/leap"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder of plugins is left: %v", err)
	}
}

// Of a process that is killed in the middle nothing is found, and nothing is left by the next one, which waits as long as that works.
func TestStageKilled(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plugins")
	places := installed.Places{Folders: []string{folder}}
	c := exec.Command(self(t), sleepCommand, folder, folderOf(t, "acme/leap", "1.0.0"))
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, len("ready <nil>"))
	if _, err := out.Read(ready); err != nil || string(ready) != "ready <nil>" {
		t.Fatalf("%q %v", ready, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".add", "new", installed.ManifestName)); len(left) != 1 {
		t.Errorf("there is nothing half done: %v", left)
	}
	if names := places.Names(); len(names) != 0 {
		t.Errorf("half a plugin is found: %v", names)
	}
	waited := 0
	s, err := NewStage(context.Background(), folder, func() {
		waited++
		c.Process.Kill()
		c.Wait()
	})
	if err != nil || waited != 1 {
		t.Fatalf("%v, waited %d times", err, waited)
	}
	defer s.Close()
	if left, err := os.ReadDir(s.path); err != nil || len(left) != 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

// What stands in the way is told, and a plugin never takes others away with it.
func TestStageFree(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plugins")
	added(t, folder, folderOf(t, "acme/leap", "1.0.0"), "acme/leap")
	added(t, folder, folderOf(t, "hop", "1.0.0"), "hop")
	put(t, filepath.Join(folder, "hop", "inside", installed.ManifestName), "x") // as no Stage makes it
	s := stage(t, folder)
	for _, x := range []struct {
		name    string
		replace bool
		path    string
		plugin  bool
	}{
		{"acme/hop", false, "", false},
		{"acme/leap", true, "", false},
		{"acme/leap", false, "acme/leap", true},
		{"acme", true, "acme", false}, // a folder of others
		{"hop/leap", false, "hop", true},
		{"hop", true, "hop/inside", true},
	} {
		err := s.Free(x.name, x.replace)
		var taken *Taken
		if x.path == "" && err == nil {
			continue
		}
		if !errors.As(err, &taken) || taken.Path != filepath.Join(folder, x.path) || taken.Plugin != x.plugin {
			t.Errorf("%+v: %v", x, err)
		}
	}
	if err := s.Remove("hop"); err == nil || !strings.Contains(err.Error(), "inside") {
		t.Error(err)
	}
	if err := s.Remove("acme/gone"); err == nil {
		t.Error("what is not there is removed")
	}
}

// A Go module is downloaded and copied so that it can be built in.
func TestStageModule(t *testing.T) {
	proxy := t.TempDir()
	const path, version = "example.org/leap", "v1.2.0"
	at := filepath.Join(proxy, path, "@v")
	put(t, filepath.Join(at, "list"), version+"\n")
	put(t, filepath.Join(at, version+".info"), `{"Version":"`+version+`"}`)
	put(t, filepath.Join(at, version+".mod"), "module "+path+"\n")
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for name, text := range map[string]string{"go.mod": "module " + path + "\n", installed.ManifestName: manifest} {
		e, err := w.Create(path + "@" + version + "/" + name)
		if err == nil {
			_, err = e.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Cleanup(func() { removeAll(cache) })
	for name, value := range map[string]string{"GOPROXY": "file://" + proxy, "GONOSUMDB": "example.org", "GONOSUMCHECK": "1", "GOFLAGS": "-mod=mod", "GOMODCACHE": cache} {
		t.Setenv(name, value)
	}
	for _, source := range []string{path, path + "@" + version} {
		s := stage(t, filepath.Join(t.TempDir(), "plugins"))
		got, err := s.Bring(context.Background(), source)
		if err != nil || !strings.HasPrefix(got, version+" (h1:") {
			t.Errorf("%s: %s %v", source, got, err)
			continue
		}
		if m, err := installed.ReadManifest(s.Dir()); err != nil || m.Name != "acme/leap" {
			t.Errorf("%v", err)
		}
		put(t, filepath.Join(s.Dir(), installed.ManifestName), "x") // in the cache it is read only
	}
	s := stage(t, filepath.Join(t.TempDir(), "plugins"))
	if _, err := s.Bring(context.Background(), path+"@v9.9.9"); err == nil || !strings.Contains(err.Error(), "download the Go module example.org/leap@v9.9.9") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := s.Bring(context.Background(), path); err == nil || !strings.Contains(err.Error(), "no go command in PATH") {
		t.Error(err)
	}
}

// What is no plugin to add is told with what to do.
func TestStageRefuses(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "leap.rar"), "x")
	put(t, filepath.Join(dir, installed.ManifestName), manifest)
	inside := filepath.Join(dir, "project", "plugins")
	for source, want := range map[string]string{
		filepath.Join(dir, "leap.rar"):    "neither a folder nor, by its name, an archive (.zip, .tar, .tar.gz, .tgz)",
		filepath.Join(dir, "leap.tgz"):    "no such file",
		"https://example.org/leap.tar.gz": "download it, and add the file",
		"leap":                            "no such file",
		"leap.tar.gz":                     "no such file",
		dir:                               "lies in it",
		filepath.Dir(dir):                 "read the plugin's manifest",
	} {
		s := stage(t, inside)
		if _, err := s.Bring(context.Background(), source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
		s.Close()
	}
}
