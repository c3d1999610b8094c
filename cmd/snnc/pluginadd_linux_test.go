package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running reports whether a process of exactly these words runs.
func running(words ...string) bool {
	want := []byte(strings.Join(words, "\x00") + "\x00")
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, want) {
			return true
		}
	}
	return false
}

// until waits for what comes soon.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%s has not come about", what)
		}
	}
}

// A plugin whose adding is killed in the middle of its build, with whatever it had begun, is not there; the build ends with it, and adding it
// again works and leaves nothing of the first try.
func TestPluginAddKilled(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	source := mkdir(t, filepath.Join(dir, "source"))
	if err := os.Symlink(self, filepath.Join(source, "program")); err != nil {
		t.Fatal(err)
	}
	seconds := fmt.Sprintf("9%d", os.Getpid()) // no other sleep is that long
	manifest := func(build string) {
		write(t, filepath.Join(source, "snn-plugin.toml"), fmt.Sprintf("name = \"acme/adaptive\"\nversion = \"0.3.1\"\ncommand = [\"./program\", %q, \"acme/adaptive\"]\nbuild = [\"sh\", \"-c\", %q]\n", asPlugin, build))
	}
	manifest("touch half; sleep " + seconds + " & sleep " + seconds)
	c := snnc(t, dir, nil, "plugin", "add", "source")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	until(t, "the build", func() bool { return running("sleep", seconds) })
	if half, _ := filepath.Glob(filepath.Join(dir, "plugins", ".add", "new", "half")); len(half) != 1 {
		t.Error("the build has made nothing where it is looked for")
	}
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the build", func() bool { return !running("sleep", seconds) })
	if out := said(t, snnc(t, dir, nil, "plugin", "list"), 0); strings.Contains(out, "acme/adaptive") {
		t.Errorf("half a plugin is found:\n%s", out)
	}
	manifest("touch made")
	mustRun(t, snnc(t, dir, nil, "plugin", "add", "source"))
	if out := said(t, snnc(t, dir, nil, "plugin", "list"), 0); !strings.Contains(out[:max(0, strings.Index(out, "\nKIND"))], "acme/adaptive  0.3.1") { // before the built-ins
		t.Error(out)
	}
	all, err := os.ReadDir(filepath.Join(dir, "plugins"))
	if err != nil || len(all) != 1 || all[0].Name() != "acme" {
		t.Errorf("%v %v", all, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "plugins", "acme", "adaptive", "half")); err == nil {
		t.Error("something of the first try is left")
	}
}
