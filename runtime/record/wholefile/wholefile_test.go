package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "f.txt")
	for _, text := range []string{"first", "", "second"} {
		if err := WriteBytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Fatalf("read %q, %v; want %q", got, err, text)
		}
	}

	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "part of a third")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want that of fill", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "second" {
		t.Errorf("after a failure the file holds %q", got)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"f.txt"}) {
		t.Errorf("folder holds %q", got)
	}
}

// A link holds what the file held when it was made, whatever is written in the place of either, and it replaces what was there.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	from, path := filepath.Join(dir, "from"), filepath.Join(dir, "deep", "path")
	write := func(path, text string) {
		t.Helper()
		if err := WriteBytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(from, "one")
	for range 2 { // the second time of itself
		if err := Link(from, path); err != nil {
			t.Fatal(err)
		}
	}
	write(from, "two")
	if got, err := os.ReadFile(path); err != nil || string(got) != "one" {
		t.Errorf("after a write in the place of the other, the link holds %q, %v", got, err)
	}
	if err := Link(from, path); err != nil {
		t.Fatal(err)
	}
	write(path, "three")
	if got, err := os.ReadFile(from); err != nil || string(got) != "two" {
		t.Errorf("after a write in the place of the link, the other holds %q, %v", got, err)
	}
	if err := Link(filepath.Join(dir, "nothing"), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
	if got := names(t, filepath.Join(dir, "deep")); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestWriteInPlaceOfAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "f", "g"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(filepath.Join(dir, "f"), nil); err == nil {
		t.Error("a folder was overwritten")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"f"}) {
		t.Errorf("folder holds %q", got)
	}
}

func TestClean(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "a.json.123.tmp", "b.json.9.tmp", "c.txt.9.tmp", "notes.tmp", "a.json.x.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clean(dir, "*.json"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"a.json", "a.json.x.tmp", "c.txt.9.tmp", "notes.tmp"}) {
		t.Errorf("folder holds %q", got)
	}
	if err := Clean(filepath.Join(dir, "absent"), "*"); err != nil {
		t.Error(err)
	}
	if err := Clean(dir, "["); err == nil {
		t.Error("a broken pattern was taken")
	}
}
