package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/installed"
)

// A build writes its folder and temporary ones, reads no more than its tools need and has no network unless that is opened, and then no
// services of the machine. The same build that is not confined can do it all: the attempts are real ones.
func TestBuildConfined(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	outside := t.TempDir()
	put(t, filepath.Join(outside, "secret"), "secret")
	local, err := net.Listen("unix", filepath.Join(outside, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	for how, x := range map[string]struct {
		o    BuildOptions
		open []string // what besides can be done
	}{
		"confined": {BuildOptions{Confine: self(t)}, nil},
		"network":  {BuildOptions{Confine: self(t), Network: true}, []string{"connect by TCP"}},
		"off": {BuildOptions{}, []string{"read a secret", "write beside a secret", "write above its folder", "connect by TCP",
			"connect to a service of the machine"}},
	} {
		t.Run(how, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "plugin")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(self(t), filepath.Join(dir, "program")); err != nil {
				t.Fatal(err)
			}
			told := 0
			x.o.Notice = func(string) { told++ }
			m := installed.Manifest{Name: "acme/leap", Build: []string{"./program", attemptCommand, filepath.Join(outside, "secret"), tcp.Addr().String(), local.Addr().String()}}
			if err := Build(context.Background(), dir, m, x.o); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "found.json"))
			if err != nil {
				t.Fatal(err)
			}
			var found map[string]string
			if err := json.Unmarshal(text, &found); err != nil {
				t.Fatal(err)
			}
			for what, came := range found {
				may := strings.HasPrefix(what, "may ")
				for _, open := range x.open {
					may = may || open == what
				}
				if may != (came == "") {
					t.Errorf("%s: %q", what, came)
				}
			}
			if (told > 0) != (how != "off") {
				t.Errorf("%d notices", told)
			}
		})
	}
}

// A build that goes wrong shows its last lines, fit for a terminal; one that is called off ends with all that it has started.
func TestBuildFails(t *testing.T) {
	dir, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	put(t, filepath.Join(temporary, "snnc-build-1", "home", "x"), "x") // of a build that was killed long ago
	old := time.Now().Add(-2 * leftover)
	if err := os.Chtimes(filepath.Join(temporary, "snnc-build-1"), old, old); err != nil {
		t.Fatal(err)
	}
	m := installed.Manifest{Name: "acme/leap", Build: []string{"sh", "-c", `i=0; while [ $i -lt 50 ]; do echo "line $i"; i=$((i+1)); done; printf '\033[31mno compiler\n' >&2; exit 3`}}
	err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t)})
	var f *Failed
	if !errors.As(err, &f) || len(f.Output) != 20 || f.Output[18] != "line 49" || f.Output[19] != "[31mno compiler" {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"build plugin acme/leap: `sh -c ", "exit status 3\n  line 31\n", "--build-network"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	m.Build = []string{"no-such-compiler"}
	if err := Build(context.Background(), dir, m, BuildOptions{}); err == nil || !strings.Contains(err.Error(), "no-such-compiler") {
		t.Error(err)
	}
	long := strconv.Itoa(100_000 + os.Getpid()) // the build's own number of its process is none here
	m = sleeper(long)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := Build(ctx, dir, m, BuildOptions{Confine: self(t)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ends(t, long)
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

// ends waits until no process sleeps so long, by its command, any more.
func ends(t *testing.T, long string) {
	t.Helper()
	sleeps := func() bool {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		return slices.ContainsFunc(all, func(path string) bool {
			words, err := os.ReadFile(path)
			return err == nil && string(words) == "sleep\x00"+long+"\x00"
		})
	}
	for begun := time.Now(); sleeps(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatal("what the build has started is still there")
		}
	}
}

// A build ends with all that it has started when this program is killed, with the network as without.
func TestBuildKilled(t *testing.T) {
	dir, long := t.TempDir(), strconv.Itoa(200_000+os.Getpid())
	t.Setenv("TMPDIR", t.TempDir())
	c := exec.Command(self(t), buildCommand, dir, long)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
			break
		}
		if time.Since(begun) > 20*time.Second {
			t.Error("the build does not begin")
			break
		}
	}
	c.Process.Kill()
	c.Wait()
	ends(t, long)
}

// A module of Go is built in there, with another one beside it; what the compiler keeps makes the next build do without it.
func TestBuildGo(t *testing.T) {
	if confine.Standing(false) == (confine.Walls{}) {
		t.Fatal("this system confines nothing")
	}
	sdk, dir, cache := t.TempDir(), t.TempDir(), t.TempDir()
	put(t, filepath.Join(sdk, "go.mod"), "module example.org/sdk\ngo 1.21\n")
	put(t, filepath.Join(sdk, "sdk.go"), "package sdk\nconst Name = \"leap\"\n")
	put(t, filepath.Join(dir, "go.mod"), "module example.org/leap\ngo 1.21\nrequire example.org/sdk v0.0.0\nreplace example.org/sdk => "+sdk+"\n")
	put(t, filepath.Join(dir, "leap.go"), "package leap\nimport \"example.org/sdk\"\nconst Name = sdk.Name\n") // a program would take the whole runtime with it
	m := installed.Manifest{Name: "acme/leap", Build: []string{"go", "build", "-trimpath", "-o", "leap.a", "."}}
	if err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t), Cache: cache}); err != nil {
		t.Fatal(err)
	}
	if made, err := os.ReadFile(filepath.Join(dir, "leap.a")); err != nil || !strings.HasPrefix(string(made), "!<arch>\n") {
		t.Errorf("%.20q %v", made, err)
	}
	put(t, filepath.Join(dir, "leap.go"), "package leap\nconst Name = missing\n")
	if err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t), Cache: cache}); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Error(err)
	}
}

// A module that lacks what its go.mod leads to says so, before anything is downloaded or built.
func TestBuildGoLacks(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.org/leap\ngo 1.21\nrequire example.org/sdk v0.0.0\nreplace example.org/sdk => ./sdk\n")
	m := installed.Manifest{Name: "acme/leap", Build: []string{"go", "build", "-o", "leap", "."}}
	err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t)})
	if err == nil || !strings.Contains(err.Error(), "puts ./sdk in the place of example.org/sdk") {
		t.Error(err)
	}
}

// A package that go.mod does not have is no matter of the network.
func TestBuildGoUnlisted(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.org/leap\ngo 1.21\n")
	put(t, filepath.Join(dir, "leap.go"), "package leap\nimport _ \"example.org/fast\"\n")
	m := installed.Manifest{Name: "acme/leap", Build: []string{"go", "build", "-o", "leap.a", "."}}
	err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t)})
	if err == nil || !strings.Contains(err.Error(), "example.org/fast") || !strings.Contains(err.Error(), "run `go mod tidy` in the plugin's folder") || strings.Contains(err.Error(), "--build-network") {
		t.Error(err)
	}
	m.Build = []string{"sh", "-c", "exit 3"}
	if err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t)}); err == nil || !strings.Contains(err.Error(), "--build-network opens it") {
		t.Error(err)
	}
	t.Setenv("PATH", "/nowhere")
	m.Build = []string{"go", "build"}
	if err := Build(context.Background(), dir, m, BuildOptions{}); err == nil || !strings.Contains(err.Error(), "go: executable file not found in $PATH; install it") {
		t.Error(err)
	}
}

// What compilers keep belongs to a plugin and its sources, and what has not been used for long is removed.
func TestCache(t *testing.T) {
	caches := t.TempDir()
	made := map[string]bool{}
	for _, x := range [][2]string{{"acme/leap", "a"}, {"acme/leap", "b"}, {"acme/hop", "a"}, {"acme/leap", "a"}} {
		dir, err := Cache(caches, x[0], x[1])
		if err != nil {
			t.Fatal(err)
		}
		made[dir] = true
	}
	if len(made) != 3 {
		t.Errorf("%v", made)
	}
	old := time.Now().Add(-2 * unusedFor)
	for dir := range made {
		put(t, filepath.Join(dir, "go", "x"), "x")
		if err := errors.Join(os.Chmod(filepath.Join(dir, "go"), 0o500), os.Chtimes(dir, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := Cache(caches, "acme/leap", "c")
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(caches)
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(dir) {
		t.Errorf("%v %v", left, err)
	}
}

// A build finds its tools in the folders of PATH that are such by their names, with the libraries beside them; the others are not in its way.
func TestBuildTools(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	program := func(path, text string) {
		put(t, path, "#!/bin/sh\n"+text)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program(filepath.Join(outside, "mine", "compiler"), "echo mine")
	program(filepath.Join(outside, "tool", "bin", "compiler"), "cat "+filepath.Join(outside, "tool", "lib", "text"))
	put(t, filepath.Join(outside, "tool", "lib", "text"), "tool\n")
	program(filepath.Join(outside, "versions", "shims", "linker"), "exec "+filepath.Join(outside, "versions", "2", "linker"))
	program(filepath.Join(outside, "versions", "2", "linker"), "echo two")
	t.Setenv("PATH", strings.Join([]string{filepath.Join(outside, "mine"), filepath.Join(outside, "tool", "bin"), filepath.Join(outside, "versions", "shims"), os.Getenv("PATH")}, ":"))
	m := installed.Manifest{Name: "acme/leap", Build: []string{"sh", "-c", "compiler > made; linker >> made"}}
	if err := Build(context.Background(), dir, m, BuildOptions{Confine: self(t)}); err != nil {
		t.Fatal(err)
	}
	if made, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(made) != "tool\ntwo\n" {
		t.Errorf("%q %v", made, err)
	}
}
