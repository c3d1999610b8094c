package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// The surroundings of a plugin that tries what it must not.
type surroundings struct {
	Secret  string // file that it has no business with
	Outside string // folder, the same
	TCP     string // addresses at which the test listens
	Unix    string
	Host    int // process
}

// trespass tries what a plugin must not do, and returns what came of it: "" where it could.
func trespass(s surroundings) map[string]string {
	out := map[string]string{}
	try := func(what string, err error) {
		out[what] = ""
		if err != nil {
			out[what] = err.Error()
		}
	}
	write := func(path string) error {
		err := os.WriteFile(path, []byte("x"), 0o600)
		if err == nil && path != os.DevNull { // the free plugin leaves nothing
			os.Remove(path)
		}
		return err
	}
	read := func(path string) error {
		_, err := os.ReadFile(path)
		return err
	}
	open := func(path string) error {
		f, err := os.Open(path)
		if err == nil {
			f.Close()
		}
		return err
	}
	list := func(path string) error {
		_, err := os.ReadDir(path)
		return err
	}
	listen := func(network, address string) error {
		l, err := net.Listen(network, address)
		if err == nil {
			l.Close()
		}
		return err
	}
	dial := func(network, address string) error {
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
	socket := func(domain, kind int) error {
		fd, err := unix.Socket(domain, kind, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	here, _ := os.Getwd()
	own := filepath.Dir(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
	try("read a secret", read(s.Secret))
	try("read a secret by another program", exec.Command("cat", s.Secret).Run())
	try("list a folder", list(s.Outside))
	try("read users", read("/etc/passwd"))
	try("read the host's environment", read(fmt.Sprintf("/proc/%d/environ", s.Host)))
	try("list the host's folder", list(own))
	try("write outside", write(filepath.Join(s.Outside, "x")))
	try("write among the plugin's files", write(filepath.Join(here, "x")))
	try("write a temporary file elsewhere", write(filepath.Join("/tmp", fmt.Sprint("x", os.Getpid()))))
	try("write into memory elsewhere", write(filepath.Join("/dev/shm", fmt.Sprint("x", os.Getpid()))))
	try("remove a secret", os.Remove(s.Secret))
	try("rename a secret", os.Rename(s.Secret, filepath.Join(os.TempDir(), "x")))
	try("link to a secret", os.Link(s.Secret, filepath.Join(os.TempDir(), "x")))
	try("cut a secret", os.Truncate(s.Secret, 0))
	try("listen to TCP", listen("tcp", "127.0.0.1:0"))
	listenUDP := func() error {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err == nil {
			c.Close()
		}
		return err
	}
	try("listen to UDP", listenUDP())
	try("connect by TCP", dial("tcp", s.TCP))
	try("connect by a socket of the system", dial("unix", s.Unix))
	try("make a socket of netlink", socket(unix.AF_NETLINK, unix.SOCK_RAW))
	try("make a socket of IPv6", socket(unix.AF_INET6, unix.SOCK_STREAM))
	try("make a socket for datagrams", socket(unix.AF_UNIX, unix.SOCK_DGRAM))
	try("make a socket for packets", socket(unix.AF_PACKET, unix.SOCK_RAW))
	_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	if e == unix.EFAULT { // it is there, and has looked at its arguments
		e = 0
	}
	try("use io_uring", number(e))
	try("signal the host", syscall.Kill(s.Host, 0))
	try("read the host's memory", open(fmt.Sprintf("/proc/%d/mem", s.Host)))
	var files syscall.Rlimit
	try("open many files", errors.Join(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files), func() error {
		if files.Max > 1024 {
			return nil
		}
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 4096, Max: 4096})
	}()))

	try("may read its own files", read(filepath.Join(here, installed.ManifestName)))
	try("may write temporary files", write(filepath.Join(os.TempDir(), "mine")))
	try("may start programs", exec.Command("true").Run())
	try("may write to nowhere", write(os.DevNull))
	return out
}

// number is the error of a system call.
func number(e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

// villain is a plugin that says in the document of its component what came of its attempts.
func villain(text string) {
	var s surroundings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	found, err := json.Marshal(trespass(s))
	if err != nil {
		panic(err)
	}
	sdk.Serve(sdk.Plugin{Name: "acme/villain", Version: "1.0.0",
		Equations: []schema.Component{{Kind: schema.Neuron, Name: "ramp", Version: "1.0.0", Doc: string(found), Equations: ramp}}})
}

// inFolder makes a folder of a plugin that is what.
func inFolder(t *testing.T, name, what string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "program")); err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Sprintf("name = %q\nversion = \"1.0.0\"\ncommand = [\"./program\", %q, '''%s''']\n", name, again, what)
	if err := os.WriteFile(filepath.Join(dir, installed.ManifestName), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A plugin reads nothing but its own files, writes nothing but temporary ones and talks to nobody, with namespaces of its own or without
// them; the user is told once what holds. The same plugin, not confined, can do all that a user can: the attempts are real ones.
func TestConfined(t *testing.T) {
	if w := confine.Standing(false); !w.Whole() || w.Landlock < 6 {
		t.Fatalf("this system does not hold plugins: %v", w)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	outside := t.TempDir()
	local, err := net.Listen("unix", filepath.Join(outside, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	for _, how := range []string{"namespaces", "no namespaces", "watched", "off"} {
		t.Run(how, func(t *testing.T) {
			s := surroundings{filepath.Join(outside, "secret"), outside, tcp.Addr().String(), local.Addr().String(), os.Getpid()}
			if err := os.WriteFile(s.Secret, []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var told, tried []string
			var mu sync.Mutex
			o := host.Options{Dev: map[string]string{"acme/villain": inFolder(t, "acme/villain", "villain "+string(text))}, Notice: func(s string) { told = append(told, s) }}
			if how == "off" {
				o.Env = []string{"TMPDIR=" + t.TempDir()}
			} else {
				o.Confine = self
			}
			if how == "watched" {
				o.Watch = func(a host.Attempt) {
					mu.Lock()
					defer mu.Unlock()
					if !a.Early || a.Network != slices.Contains([]string{"socket", "connect"}, a.Call) {
						t.Errorf("%+v", a)
					}
					tried = append(tried, regexp.MustCompile(`/x\d+$`).ReplaceAllString(
						strings.NewReplacer(outside, "OUTSIDE", filepath.Dir(a.Of), "DIR").Replace(a.String()), "/xPID"))
				}
			}
			h := start(t, "exit", o)
			if how == "no namespaces" {
				h.WithoutNamespaces()
			}
			p, err := h.Describe(context.Background(), "acme/villain")
			if err != nil {
				t.Fatal(err)
			}
			var found map[string]string
			if err := json.Unmarshal([]byte(p.Components[0].Doc), &found); err != nil {
				t.Fatal(err)
			}
			could := 0
			for _, what := range slices.Sorted(maps.Keys(found)) {
				came := found[what]
				if came == "" {
					could++
				}
				if may := strings.HasPrefix(what, "may "); how != "off" && may != (came == "") {
					t.Errorf("%s: %q", what, came)
				}
			}
			kept, err := os.ReadFile(s.Secret)
			switch {
			case how == "off":
				if could < 15 || len(told) != 0 {
					t.Errorf("%d attempts of a free plugin went well, it was said %q: %v", could, told, found)
				}
			case err != nil || string(kept) != "secret":
				t.Errorf("%q %v", kept, err)
			case len(told) != 1 || !strings.Contains(told[0], "Landlock") || strings.Contains(told[0], "a network namespace") == (how == "no namespaces"):
				t.Errorf("it was said %q", told)
			}
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(tried)
			want := []string{"connect DIR/s", "linkat OUTSIDE/secret", "openat DIR/x", "openat DIR/xPID", "openat OUTSIDE/x", "renameat OUTSIDE/secret", "socket AF_INET",
				"socket AF_INET6", "socket AF_NETLINK", "socket AF_PACKET", "socket AF_UNIX", "truncate OUTSIDE/secret", "unlinkat OUTSIDE/secret"}
			if got := slices.Compact(tried); how == "watched" && !slices.Equal(got, want) || how != "watched" && len(got) > 0 {
				t.Errorf("it was seen to try\n%q, want\n%q", got, want)
			}
		})
	}
}

// A confined process ends with its host, whatever it heeds; its memory is bounded, and it has no privileges.
func TestConfinedProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, namespaces := range []bool{true, false} {
		h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/stubborn": inFolder(t, "acme/stubborn", "stubborn")}, Timeout: 10 * time.Second})
		if !namespaces {
			h.WithoutNamespaces()
		}
		_, err = h.Describe(context.Background(), "acme/stubborn")
		failure(t, err, "makes no sense")
		pid := h.Processes()[0]
		var memory, core unix.Rlimit
		if err := errors.Join(unix.Prlimit(pid, unix.RLIMIT_DATA, nil, &memory), unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &core)); err != nil {
			t.Fatal(err)
		}
		if memory.Max != confine.Memory() || core.Max != 0 {
			t.Errorf("%d bytes of memory, of %d; core files of %d", memory.Max, confine.Memory(), core.Max)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"NoNewPrivs:\t1", "Seccomp:\t2"}
		if namespaces {
			want = append(want, "CapEff:\t0000000000000000")
		}
		for _, line := range want {
			if !strings.Contains(string(status), line) {
				t.Errorf("no %q in\n%s", line, status)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		gone(t, pid)
	}
}
