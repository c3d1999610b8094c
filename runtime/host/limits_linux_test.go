package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// A confined plugin that takes too much of something fails by it, and the user is told which limit that was.
func TestLimits(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for do, want := range map[string][]string{
		"memory": {fmt.Sprintf("at most %.1f GB of private memory", float64(confine.Memory())/1e9)},
		"file":   {"file too large", "files of at most 4 GB"},
		"files":  {"too many open files", "at most 1024 open files"},
		"exit":   {"exit status 7"},
	} {
		h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/leaver": inFolder(t, "acme/leaver", "leaver")}, Tries: 1})
		_, err := h.Build(context.Background(), "acme/leaver", request(do, 1))
		if f := failure(t, err, want...); (f.Limit == "") != (do == "exit") {
			t.Errorf("%s: %q", do, f.Limit)
		}
	}
}

// The number of threads is bounded for all users but root, to whom the system gives as many as it likes: the test becomes another one.
func TestThreadLimit(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "snnc-threads-*") // where that user may execute a program
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "program")
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		// A process that another test starts meanwhile would have the file open for writing for a moment, in which nobody may execute it.
		syscall.ForkLock.RLock()
		err = errors.Join(os.Chmod(folder, 0o755), os.WriteFile(program, self, 0o755))
		syscall.ForkLock.RUnlock()
	}
	if err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Sprintf("name = \"acme/leaver\"\nversion = \"1.0.0\"\ncommand = [\"./program\", %q, \"leaver\"]\n", again)
	if err := os.WriteFile(filepath.Join(folder, installed.ManifestName), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, again, "limited host")
	c.Env = append(os.Environ(), "SNNC_TEST_FOLDER="+folder)
	if os.Getuid() == 0 {
		const nobody = 65534
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := c.CombinedOutput()
	if limited := strings.Contains(string(out), "at most 4096 threads"); err != nil || limited != namespaces() {
		t.Errorf("%v\n%s", err, out)
	}
}

// cut tries to take memory away from under the host in each arena that this process has mapped, and panics where it could.
func cut() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	tries := 0
	for _, m := range regexp.MustCompile(`(?m)^([0-9a-f]+)-([0-9a-f]+) .* (/\S*/arena-\d+)$`).FindAllStringSubmatch(string(maps), -1) {
		from, bad := strconv.ParseUint(m[1], 16, 64)
		to, worse := strconv.ParseUint(m[2], 16, 64)
		path := m[3]
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err := errors.Join(err, bad, worse); err != nil {
			panic(err)
		}
		other, err := os.OpenFile(path, os.O_RDWR|os.O_TRUNC, 0)
		if err == nil {
			other.Close()
		}
		for what, err := range map[string]error{
			"open and cut":       err,
			"cut by its name":    os.Truncate(path, 0),
			"cut":                f.Truncate(1),
			"lengthen":           f.Truncate(1 << 30),
			"make a hole":        unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096),
			"cut a part out":     unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096),
			"give memory up":     system(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_REMOVE),
			"remove":             os.Remove(path),
			"move":               os.Rename(path, path+"-"),
			"close it to others": os.Chmod(path, 0),
			"make one":           os.WriteFile(path+"0", []byte("x"), 0o600),
		} {
			if tries++; err == nil {
				panic(what)
			}
		}
		f.Close()
	}
	if tries == 0 {
		panic("no arena was found")
	}
}

// A plugin cannot cut an arena, or give its memory up: the host would end when it looks there. What it tries has errors, and it goes on.
func TestArenaUncut(t *testing.T) {
	if w := confine.Standing(false); w.Landlock < 3 || !w.Seccomp {
		t.Fatalf("this system does not hold plugins so far: %v", w)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	twin, env := ready(t, inProcess(), network(t, 2, 2000), 4)
	want := results(t, twin, env)
	for _, namespaces := range []bool{true, false} {
		h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/cutter": inFolder(t, "acme/cutter", "cutter")}, Tries: 1})
		if !namespaces {
			h.WithoutNamespaces()
		}
		x, env := ready(t, h.Opaque(), networkOf(t, "acme/cutter", 2, 2000), 4)
		if !slices.Equal(results(t, x, env), want) {
			t.Error("other bytes")
		}
	}
}
