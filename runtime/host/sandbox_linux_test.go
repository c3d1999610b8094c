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
	"unsafe"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// The surroundings of a plugin that tries what it must not.
type surroundings struct {
	Secret    string // file that it has no business with
	Outside   string // folder, the same
	TCP       string // addresses at which the test listens
	Unix      string
	Datagrams string
	Host      int // process
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
	try("read what Git keeps", read(filepath.Join(here, ".git", "HEAD")))
	try("read users", read("/etc/passwd"))
	try("read the host's environment", read(fmt.Sprintf("/proc/%d/environ", s.Host)))
	try("list the host's folder", list(own))
	try("write outside", write(filepath.Join(s.Outside, "x")))
	try("write among the plugin's files", write(filepath.Join(here, "x")))
	try("write a temporary file elsewhere", write(filepath.Join("/tmp", fmt.Sprint("x", os.Getpid()))))
	try("write into memory elsewhere", write(filepath.Join("/dev/shm", fmt.Sprint("x", os.Getpid()))))
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
	try("signal the host", syscall.Kill(s.Host, 0))
	try("read the host's memory", open(fmt.Sprintf("/proc/%d/mem", s.Host)))
	var files syscall.Rlimit
	try("open many files", errors.Join(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files), func() error {
		if files.Max > 1024 {
			return nil
		}
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 4096, Max: 4096})
	}()))

	// Metadata, to what they are. All by numbers: the C library and Go do some of it in other ways.
	secret, _ := unix.BytePtrFromString(s.Secret)
	path := uintptr(unsafe.Pointer(secret))
	here0, _ := unix.BytePtrFromString(filepath.Join(here, installed.ManifestName))
	fold, _ := unix.BytePtrFromString(s.Outside)
	try("change a mode", os.Chmod(s.Secret, 0o600))
	try("change a mode by the new call", system(unix.SYS_FCHMODAT2, at, path, 0o600, 0))
	try("change an owner", os.Lchown(s.Secret, os.Getuid(), os.Getgid()))
	try("change a time", os.Chtimes(s.Secret, time.Time{}, time.Now()))
	try("change the mode of its own files", system(unix.SYS_FCHMODAT, at, uintptr(unsafe.Pointer(here0)), 0o600))
	try("set an attribute", unix.Setxattr(s.Secret, "user.snnc", []byte("x"), 0))
	watch := func() error {
		fd, err := unix.InotifyInit1(0)
		if err == nil {
			defer unix.Close(fd)
			_, _, e := unix.Syscall(unix.SYS_INOTIFY_ADD_WATCH, uintptr(fd), uintptr(unsafe.Pointer(fold)), unix.IN_CREATE)
			err = number(e)
		}
		return err
	}
	try("watch a folder", watch())
	pair := func() error {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err == nil {
			err = unix.Sendto(fds[0], []byte("x"), 0, &unix.SockaddrUnix{Name: s.Datagrams})
			unix.Close(fds[0])
			unix.Close(fds[1])
		}
		return err
	}
	try("send a datagram to a socket of the system", pair())
	try("make a socket of virtual machines", socket(unix.AF_VSOCK, unix.SOCK_STREAM))
	try("make a socket of the kernel's ciphers", socket(unix.AF_ALG, unix.SOCK_SEQPACKET))
	abstract := func() error {
		_, err := net.Dial("unix", "@snnc-nobody-listens-here")
		if errors.Is(err, syscall.ECONNREFUSED) { // nobody listens
			err = nil
		}
		return err
	}
	try("connect to a socket without a file", abstract())
	var old unix.Rlimit
	try("change the host's limits", unix.Prlimit(s.Host, unix.RLIMIT_CORE, nil, &old))
	// What would be done is asked for in a way that cannot be done: then it is not the walls that say so.
	for what, call := range map[string][]uintptr{
		"use io_uring":                      {unix.SYS_IO_URING_SETUP, 1, 0},
		"trace a process":                   {unix.SYS_PTRACE, unix.PTRACE_SEIZE, nobody, 0, 0},
		"write a process's memory":          {unix.SYS_PROCESS_VM_WRITEV, nobody, 0, 1, 0, 1, 0},
		"take a process's files":            {unix.SYS_PIDFD_GETFD, none, 0, 0},
		"read keys":                         {unix.SYS_KEYCTL, unix.KEYCTL_READ, nobody, 0, 0},
		"add a key":                         {unix.SYS_ADD_KEY, 0, 0, 0, 0, 0},
		"make a namespace of users":         {unix.SYS_CLONE, unix.CLONE_NEWUSER | unix.CLONE_FS, 0, 0, 0, 0},
		"leave a namespace":                 {unix.SYS_SETNS, none, 0},
		"unshare":                           {unix.SYS_UNSHARE, unix.CLONE_THREAD, 0},
		"attach shared memory":              {unix.SYS_SHMGET, 0, 0, 0},
		"open a queue":                      {unix.SYS_MQ_OPEN, 0, 0, 0, 0},
		"read a queue":                      {unix.SYS_MSGGET, 0x736e6e63, 0},
		"count what the processor does":     {unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, none, 0},
		"load a program into the kernel":    {unix.SYS_BPF, 0xffff, 0, 0},
		"handle faults":                     {unix.SYS_USERFAULTFD, 0xffff},
		"live on when the host is gone":     {unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0xffff, 0, 0, 0},
		"cut a file out of the middle":      {unix.SYS_FALLOCATE, none, unix.FALLOC_FL_COLLAPSE_RANGE, 0, 1},
		"give up what is reserved, asked":   {unix.SYS_IOCTL, none, 0x4030582b, 0}, // FS_IOC_UNRESVSP64
		"give up what is reserved":          {unix.SYS_MADVISE, 1, 1, unix.MADV_REMOVE},
		"make a clone that shows no reason": {unix.SYS_CLONE3, 0, 0},
	} {
		try(what, asked(system(call[0], call[1:]...)))
	}
	try("read the machine's memory", open("/dev/mem"))
	// The last things that the free plugin does with it.
	try("rename a secret", os.Rename(s.Secret, s.Secret+"-"))
	try("remove a secret", errors.Join(os.WriteFile(s.Secret, nil, 0o600), os.Remove(s.Secret)))

	try("may read its own files", read(filepath.Join(here, installed.ManifestName)))
	try("may list its own files", list(here))
	try("may write temporary files", write(filepath.Join(os.TempDir(), "mine")))
	try("may start programs", exec.Command("true").Run())
	try("may reserve a file", reserve())
	try("may be told which process it is", func() error { _, err := os.Readlink("/proc/self/exe"); return err }())
	try("may write to nowhere", write(os.DevNull))
	return out
}

// Arguments of system calls: no process, no file, the folder at work.
const (
	nobody = 0x3fffffff
	none   = ^uintptr(0)
	at     = ^uintptr(99) // AT_FDCWD
)

// system makes a system call by its number.
func system(call uintptr, arguments ...uintptr) error {
	var a [6]uintptr
	copy(a[:], arguments)
	_, _, e := unix.Syscall6(call, a[0], a[1], a[2], a[3], a[4], a[5])
	return number(e)
}

// asked is the error of a call that cannot be done, if it is one of who may not ask; nil of others: the call was looked at.
func asked(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	return nil
}

// reserve makes a temporary file of some size.
func reserve() error {
	f, err := os.CreateTemp("", "reserved")
	if err == nil {
		err = errors.Join(unix.Fallocate(int(f.Fd()), 0, 0, 4096), f.Truncate(100), f.Close())
	}
	return err
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

// inFolder makes a folder of a plugin that is what, with links of its author's that lead to everything.
func inFolder(t *testing.T, name, what string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	err = errors.Join(os.Mkdir(bin, 0o700), os.Mkdir(filepath.Join(dir, ".git"), 0o700), os.WriteFile(filepath.Join(dir, ".git", "HEAD"), nil, 0o600), os.Symlink(self, filepath.Join(bin, "program")), os.Symlink("/", filepath.Join(dir, "lib")), os.Symlink("/etc", filepath.Join(dir, "lib64")))
	if err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Sprintf("name = %q\nversion = \"1.0.0\"\ncommand = [\"./bin/program\", %q, '''%s''']\n", name, again, what)
	if err := os.WriteFile(filepath.Join(dir, installed.ManifestName), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// namespaces reports whether the system lets this user make namespaces.
func namespaces() bool {
	c := exec.Command("true")
	c.SysProcAttr = &syscall.SysProcAttr{}
	confine.Namespaces(c.SysProcAttr, false)
	return c.Run() == nil
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
	datagrams, err := net.ListenPacket("unixgram", filepath.Join(outside, "d"))
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	for _, how := range []string{"namespaces", "no namespaces", "watched", "off"} {
		t.Run(how, func(t *testing.T) {
			s := surroundings{filepath.Join(outside, "secret"), outside, tcp.Addr().String(), local.Addr().String(), datagrams.LocalAddr().String(), os.Getpid()}
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
				if could < 25 || len(told) != 0 {
					t.Errorf("%d attempts of a free plugin went well, it was said %q: %v", could, told, found)
				}
			case err != nil || string(kept) != "secret":
				t.Errorf("%q %v", kept, err)
			case len(told) != 1 || !strings.Contains(told[0], "Landlock") || strings.Contains(told[0], "a network namespace") != (how != "no namespaces" && namespaces()):
				t.Errorf("it was said %q", told)
			}
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(tried)
			want := []string{"connect DIR/s", "connect unix:@snnc-nobody-listens-here", "fchmodat DIR/snn-plugin.toml", "fchmodat OUTSIDE/secret", "fchownat OUTSIDE/secret",
				"linkat OUTSIDE/secret", "openat DIR/x", "openat DIR/xPID", "openat OUTSIDE/secret", "openat OUTSIDE/x", "renameat OUTSIDE/secret", "socket AF_INET",
				"socket AF_INET6", "socket AF_NETLINK", "socket AF_PACKET", "socket AF_UNIX", "socket AF_VSOCK", "socket address family 38",
				"truncate OUTSIDE/secret", "unlinkat OUTSIDE/secret"}
			if got := slices.Compact(tried); how == "watched" && !slices.Equal(got, want) || how != "watched" && len(got) > 0 {
				t.Errorf("it was seen to try\n%q, want\n%q", got, want)
			}
		})
	}
}

// What cannot even be confined is a failure at once, and no process is waited for that never was.
func TestConfinedNothing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := inFolder(t, "acme/circle", "good")
	program := filepath.Join(dir, "bin", "program")
	if err := errors.Join(os.Remove(program), os.Symlink(program, program)); err != nil {
		t.Fatal(err)
	}
	h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/circle": dir}})
	begun := time.Now()
	_, err = h.Describe(context.Background(), "acme/circle")
	failure(t, err, "program leads on and on")
	if took := time.Since(begun); took > time.Second { // half of the time that a process has to be gone when it is killed
		t.Errorf("it took %v", took)
	}
}
