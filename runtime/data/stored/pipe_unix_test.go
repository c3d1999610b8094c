//go:build unix

package stored

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A named pipe that nobody writes to is refused wherever a file is expected; opening it would wait for ever.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.png")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub.png"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub.png", filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	image := func(name string) func() error {
		return func() error {
			tree, err := OpenTree(dir)
			if err != nil {
				return err
			}
			defer tree.Close()
			_, err = tree.Images([]string{name}, nil)
			return err
		}
	}
	for what, c := range map[string]struct {
		open func() error
		want string
	}{
		"array":     {func() error { _, err := Labels(pipe); return err }, "no regular file"},
		"archive":   {func() error { _, err := Batches(pipe, "one.bin"); return err }, "no regular file"},
		"batch":     {func() error { _, err := Batches(dir, "pipe.png"); return err }, "no regular file"},
		"image":     {image("pipe.png"), "no regular file"},
		"tree":      {func() error { _, err := OpenTree(pipe); return err }, "no regular file"},
		"directory": {image("link.png"), "it is a folder"},
	} {
		done := make(chan error, 1)
		go func() { done <- c.open() }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ".png: ") {
				t.Errorf("%s: %v, want %q", what, err, c.want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: opening does not end", what)
		}
	}
}
