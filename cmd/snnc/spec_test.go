//go:build unix

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is no plain file is refused and not opened: opening a pipe that nobody writes into would not come back.
func TestSpecIsAPlainFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.snn")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, t.TempDir(), "/dev/null"} {
		for _, name := range []string{"check", "plan", "run"} {
			var out, errs bytes.Buffer
			if code := command([]string{name, file}, &out, &errs); code != statusUsage || !strings.Contains(errs.String(), "is no plain file") {
				t.Errorf("%s %s: status %d: %s", name, file, code, errs.String())
			}
		}
	}
}
