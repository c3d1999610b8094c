package confine

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter lets streams of the unix domain be made and nothing connect, whatever flags a socket has and whatever stands in the upper halves
// of the arguments; the numbers of other architectures are not there.
func TestSocketFilter(t *testing.T) {
	program, err := socketFilter(refused)
	if err != nil {
		t.Fatal(err)
	}
	closed := machine(t, program)
	if program, err = networkFilter(); err != nil {
		t.Fatal(err)
	}
	open := machine(t, program)
	const (
		allow    = unix.SECCOMP_RET_ALLOW
		refuse   = unix.SECCOMP_RET_ERRNO | int(unix.EACCES)
		notThere = unix.SECCOMP_RET_ERRNO | int(unix.ENOSYS)
	)
	own := architecture()
	for _, x := range []struct {
		what         string
		architecture uint32
		number       uint32
		domain, kind uint32
		want         int
		wantOpen     int // with the network open
	}{
		{"a stream", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, allow, refuse},
		{"a stream with flags", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, allow, refuse},
		{"datagrams", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM, refuse, refuse},
		{"packets in order", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_SEQPACKET, refuse, refuse},
		{"TCP", own, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, refuse, allow},
		{"TCP over IPv6", own, unix.SYS_SOCKET, unix.AF_INET6, unix.SOCK_STREAM, refuse, allow},
		{"UDP", own, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, refuse, allow},
		{"netlink", own, unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, refuse, allow},
		{"virtual machines", own, unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, refuse, refuse},
		{"connect", own, unix.SYS_CONNECT, unix.AF_UNIX, unix.SOCK_STREAM, refuse, allow},
		{"io_uring", own, unix.SYS_IO_URING_SETUP, 0, 0, notThere, notThere},
		{"x32", own, 1<<30 | unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, notThere, notThere},
		{"another architecture", unix.AUDIT_ARCH_I386, 102, 1, 0, notThere, notThere},
		{"read", own, unix.SYS_READ, 0, 0, allow, allow},
		{"listen", own, unix.SYS_LISTEN, 0, 0, allow, allow},
		{"accept", own, unix.SYS_ACCEPT4, 0, 0, allow, allow},
	} {
		call := called(x.architecture, x.number, x.domain, x.kind)
		if got, err := closed.Run(call); err != nil || got != x.want {
			t.Errorf("%s: %#x %v, want %#x", x.what, got, err, x.want)
		}
		if got, err := open.Run(call); err != nil || got != x.wantOpen {
			t.Errorf("%s, with the network open: %#x %v, want %#x", x.what, got, err, x.wantOpen)
		}
	}
}

// machine returns an interpreter of a filter.
func machine(t *testing.T, program []bpf.RawInstruction) *bpf.VM {
	t.Helper()
	var all []bpf.Instruction
	for _, x := range program {
		all = append(all, x.Disassemble())
	}
	vm, err := bpf.NewVM(all)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// called is what a filter sees of a call. The machine loads words in its own order, the interpreter of x/net in that of networks.
func called(architecture, number uint32, args ...uint32) []byte {
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[numberAt:], number)
	binary.BigEndian.PutUint32(data[architectureAt:], architecture)
	for i, v := range args {
		binary.BigEndian.PutUint32(data[argumentsAt+argument*i:], v)
	}
	return data
}

// Of a watched process the filter tells what others are refused, and what may change files; reading goes on unseen.
func TestWatchFilter(t *testing.T) {
	program, err := watchFilter()
	if err != nil {
		t.Fatal(err)
	}
	vm := machine(t, program)
	const (
		allow    = unix.SECCOMP_RET_ALLOW
		notice   = unix.SECCOMP_RET_USER_NOTIF
		notThere = unix.SECCOMP_RET_ERRNO | int(unix.ENOSYS)
	)
	own := architecture()
	for _, x := range []struct {
		what string
		data []byte
		want int
	}{
		{"a stream", called(own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM), allow},
		{"TCP", called(own, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM), notice},
		{"connect", called(own, unix.SYS_CONNECT), notice},
		{"bind", called(own, unix.SYS_BIND), notice},
		{"reading", called(own, unix.SYS_OPENAT, 0, 0, unix.O_RDONLY|unix.O_CLOEXEC), allow},
		{"reading a folder", called(own, unix.SYS_OPENAT, 0, 0, unix.O_DIRECTORY), allow},
		{"writing", called(own, unix.SYS_OPENAT, 0, 0, unix.O_WRONLY), notice},
		{"reading and writing", called(own, unix.SYS_OPENAT, 0, 0, unix.O_RDWR), notice},
		{"making", called(own, unix.SYS_OPENAT, 0, 0, unix.O_CREAT), notice},
		{"a file without a name", called(own, unix.SYS_OPENAT, 0, 0, unix.O_TMPFILE|unix.O_RDWR), notice},
		{"openat2", called(own, unix.SYS_OPENAT2), notice},
		{"renameat2", called(own, unix.SYS_RENAMEAT2), notice},
		{"io_uring", called(own, unix.SYS_IO_URING_SETUP), notThere},
		{"x32", called(own, 1<<30|unix.SYS_OPENAT, 0, 0, unix.O_WRONLY), notThere},
		{"another architecture", called(unix.AUDIT_ARCH_I386, unix.SYS_OPENAT, 0, 0, unix.O_WRONLY), notThere},
		{"read", called(own, unix.SYS_READ), allow},
	} {
		if got, err := vm.Run(x.data); err != nil || got != x.want {
			t.Errorf("%s: %#x %v, want %#x", x.what, got, err, x.want)
		}
	}
	for _, c := range calls() {
		args := make([]uint32, 6)
		args[c.flags] = unix.O_WRONLY
		if got, err := vm.Run(called(own, uint32(c.number), args...)); err != nil || got != notice {
			t.Errorf("%s: %#x %v", c.name, got, err)
		}
	}
}

// What a process may change is in its own folder, links followed; in shared ones it may open what is there.
func TestPolicyWrites(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	own, shared := filepath.Join(root, "own"), filepath.Join(root, "shared")
	link := filepath.Join(root, "link")
	if err := errors.Join(os.Mkdir(own, 0o700), os.Mkdir(shared, 0o700), os.Symlink(own, link)); err != nil {
		t.Fatal(err)
	}
	p := Policy{Own: link, Shared: []string{shared}}
	for _, x := range []struct {
		path         string
		opens, makes bool
	}{
		{own, true, true}, {filepath.Join(own, "a/b"), true, true}, {filepath.Join(shared, "arena"), true, false}, {os.DevNull, true, true},
		{root, false, false}, {own + "er", false, false}, {"/etc/passwd", false, false},
	} {
		if opens, makes := p.writes(x.path, true), p.writes(x.path, false); opens != x.opens || makes != x.makes {
			t.Errorf("%s: %v %v", x.path, opens, makes)
		}
	}
}

// run returns what a filter makes of a system call by the machine's own numbers.
func run(t *testing.T, program []bpf.RawInstruction, number uint32, arguments ...uint32) int {
	t.Helper()
	var all []bpf.Instruction
	for _, x := range program {
		all = append(all, x.Disassemble())
	}
	vm, err := bpf.NewVM(all)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[numberAt:], number)
	binary.BigEndian.PutUint32(data[architectureAt:], architecture())
	for i, x := range arguments {
		binary.BigEndian.PutUint32(data[argumentsAt+argument*i:], x)
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The filter refuses what reaches past the other walls, and only that: programs make threads and processes, and change what is their own.
func TestCallFilter(t *testing.T) {
	const (
		allow       = unix.SECCOMP_RET_ALLOW
		refuse      = unix.SECCOMP_RET_ERRNO | int(unix.EPERM)
		notThere    = unix.SECCOMP_RET_ERRNO | int(unix.ENOSYS)
		unsupported = unix.SECCOMP_RET_ERRNO | int(unix.EOPNOTSUPP)
	)
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD | unix.CLONE_SETTLS
	for _, alone := range []bool{true, false} {
		program, err := callFilter(Policy{Alone: alone}, signalling)
		if err != nil {
			t.Fatal(err)
		}
		if len(program) > unix.BPF_MAXINSNS {
			t.Errorf("%d instructions", len(program))
		}
		among := refuse
		if alone {
			among = allow
		}
		for _, x := range []struct {
			what      string
			number    uint32
			want      int
			arguments []uint32
		}{
			{"change a file's mode", unix.SYS_FCHMODAT, refuse, nil},
			{"change a file's mode, the new way", unix.SYS_FCHMODAT2, refuse, nil},
			{"trace", unix.SYS_PTRACE, refuse, nil},
			{"keys", unix.SYS_KEYCTL, refuse, nil},
			{"the last of the list", unix.SYS_VHANGUP, refuse, nil},
			{"io_uring", unix.SYS_IO_URING_SETUP, notThere, nil},
			{"clone3", unix.SYS_CLONE3, notThere, nil},
			{"a thread", unix.SYS_CLONE, allow, []uint32{thread}},
			{"a process", unix.SYS_CLONE, allow, []uint32{unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | uint32(unix.SIGCHLD)}},
			{"a namespace of users", unix.SYS_CLONE, refuse, []uint32{unix.CLONE_NEWUSER | uint32(unix.SIGCHLD)}},
			{"a namespace of processes", unix.SYS_CLONE, refuse, []uint32{unix.CLONE_NEWPID}},
			{"a child of the host", unix.SYS_CLONE, refuse, []uint32{unix.CLONE_PARENT | uint32(unix.SIGCHLD)}},
			{"ask a terminal", unix.SYS_IOCTL, allow, []uint32{0, unix.TCGETS}},
			{"type in a terminal", unix.SYS_IOCTL, refuse, []uint32{0, unix.TIOCSTI}},
			{"set a file's flags", unix.SYS_IOCTL, refuse, []uint32{3, unix.FS_IOC_SETFLAGS}},
			{"seal a file", unix.SYS_IOCTL, refuse, []uint32{3, unix.FS_IOC_ENABLE_VERITY}},
			{"make a hole by a request", unix.SYS_IOCTL, refuse, []uint32{3, 0x4030582b}},
			{"the last request", unix.SYS_IOCTL, refuse, []uint32{3, requests[len(requests)-1]}},
			{"live on behind the host", unix.SYS_PRCTL, refuse, []uint32{unix.PR_SET_PDEATHSIG, 0}},
			{"be told of the host's death", unix.SYS_PRCTL, refuse, []uint32{unix.PR_SET_PDEATHSIG, uint32(unix.SIGCHLD)}},
			{"end with the parent", unix.SYS_PRCTL, allow, []uint32{unix.PR_SET_PDEATHSIG, uint32(unix.SIGKILL)}},
			{"name a thread", unix.SYS_PRCTL, allow, []uint32{unix.PR_SET_NAME, 0}},
			{"reserve", unix.SYS_FALLOCATE, allow, []uint32{3, unix.FALLOC_FL_KEEP_SIZE}},
			{"make a hole", unix.SYS_FALLOCATE, unsupported, []uint32{3, unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE}},
			{"cut something out", unix.SYS_FALLOCATE, unsupported, []uint32{3, unix.FALLOC_FL_COLLAPSE_RANGE}},
			{"give memory back", unix.SYS_MADVISE, allow, []uint32{0, 0, unix.MADV_DONTNEED}},
			{"make a hole by memory", unix.SYS_MADVISE, refuse, []uint32{0, 0, unix.MADV_REMOVE}},
			{"a pair of streams", unix.SYS_SOCKETPAIR, allow, []uint32{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}},
			{"a pair for datagrams", unix.SYS_SOCKETPAIR, refuse, []uint32{unix.AF_UNIX, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC}},
			{"own limits", unix.SYS_PRLIMIT64, allow, []uint32{0}},
			{"limits of others", unix.SYS_PRLIMIT64, among, []uint32{1234}},
			{"leave the group", unix.SYS_SETSID, among, nil},
			{"priorities", unix.SYS_SETPRIORITY, among, nil},
			{"read", unix.SYS_READ, allow, nil},
			{"wait", unix.SYS_WAIT4, allow, nil},
			{"execute", unix.SYS_EXECVE, allow, nil},
		} {
			if got := run(t, program, x.number, x.arguments...); got != x.want {
				t.Errorf("alone %v: %s: %#x, want %#x", alone, x.what, got, x.want)
			}
		}
	}
}

// What an earlier Landlock does not hold the filter does: files of others are not cut, nor are processes signalled that are not its own.
func TestCallFilterEarlier(t *testing.T) {
	const (
		allow    = unix.SECCOMP_RET_ALLOW
		refuse   = unix.SECCOMP_RET_ERRNO | int(unix.EPERM)
		notThere = unix.SECCOMP_RET_ERRNO | int(unix.ENOSYS)
	)
	own, host := uint32(os.Getpid()), uint32(os.Getppid())
	for _, x := range []struct {
		what      string
		number    uint32
		cuts      int // before version 3
		signals   int // before version 6, without namespaces
		arguments []uint32
	}{
		{"cut a file", unix.SYS_TRUNCATE, refuse, allow, nil},
		{"cut its own file", unix.SYS_FTRUNCATE, allow, allow, nil},
		{"open to read and cut", unix.SYS_OPENAT, refuse, allow, []uint32{0, 0, unix.O_TRUNC | unix.O_CLOEXEC}},
		{"open to write and cut", unix.SYS_OPENAT, allow, allow, []uint32{0, 0, unix.O_TRUNC | unix.O_WRONLY | unix.O_CREAT}},
		{"open to read", unix.SYS_OPENAT, allow, allow, []uint32{0, 0, unix.O_CLOEXEC}},
		{"open as nobody sees", unix.SYS_OPENAT2, notThere, allow, nil},
		{"signal itself", unix.SYS_KILL, allow, allow, []uint32{own}},
		{"signal its group", unix.SYS_KILL, allow, allow, []uint32{0}},
		{"signal its group by number", unix.SYS_KILL, allow, allow, []uint32{-own}},
		{"signal the host", unix.SYS_KILL, allow, refuse, []uint32{host}},
		{"signal everybody", unix.SYS_KILL, allow, refuse, []uint32{^uint32(0)}},
		{"signal its own thread", unix.SYS_TGKILL, allow, allow, []uint32{own, own, uint32(unix.SIGABRT)}},
		{"signal a thread of the host", unix.SYS_TGKILL, allow, refuse, []uint32{host, host, uint32(unix.SIGKILL)}},
		{"interrupt a thread of a child", unix.SYS_TGKILL, allow, allow, []uint32{host, host, uint32(unix.SIGURG)}},
		{"signal any thread", unix.SYS_TKILL, allow, refuse, []uint32{host}},
		{"queue a signal", unix.SYS_RT_SIGQUEUEINFO, allow, refuse, []uint32{host}},
		{"queue a signal for a thread", unix.SYS_RT_TGSIGQUEUEINFO, allow, refuse, []uint32{host}},
		{"get hold of a process", unix.SYS_PIDFD_OPEN, allow, notThere, []uint32{host}},
		{"have the host signalled", unix.SYS_FCNTL, allow, refuse, []uint32{3, unix.F_SETOWN, host}},
		{"have the host signalled by a request", unix.SYS_IOCTL, allow, refuse, []uint32{3, 0x8901}},
		{"duplicate a file", unix.SYS_FCNTL, allow, allow, []uint32{3, unix.F_DUPFD_CLOEXEC}},
		{"ask a terminal", unix.SYS_IOCTL, allow, allow, []uint32{0, unix.TCGETS}},
		{"set a file's flags", unix.SYS_IOCTL, refuse, refuse, []uint32{3, unix.FS_IOC_SETFLAGS}},
		{"a namespace of users", unix.SYS_CLONE, refuse, refuse, []uint32{unix.CLONE_NEWUSER}},
	} {
		either := x.cuts
		if either == allow {
			either = x.signals
		}
		for _, how := range []struct {
			policy   Policy
			landlock int
			want     int
		}{{Policy{Alone: true}, 2, x.cuts}, {Policy{}, 3, x.signals}, {Policy{}, 1, either}} {
			program, err := callFilter(how.policy, how.landlock)
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, program, x.number, x.arguments...); got != how.want {
				t.Errorf("%s, Landlock %d: %#x, want %#x", x.what, how.landlock, got, how.want)
			}
		}
	}
	if program, err := callFilter(Policy{Watch: 3, Alone: true}, 1); err != nil || run(t, program, unix.SYS_TRUNCATE) != allow {
		t.Errorf("who watches is not told: %v", err)
	}
}

// A command brings the folders beside it as they are, and nothing that a link among them leads to; a link in the place of the folder brings none.
func TestTools(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) string { return filepath.Join(append([]string{root}, names...)...) }
	program := func(path string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	program(in("env", "bin", "run"))
	program(in("secret", "run"))
	program(in("plugin", "bin", "run"))
	for link, to := range map[string]string{
		in("env", "lib64"): "lib", in("env", "python"): "bin/run",
		in("plugin", "lib"): "/", in("plugin", "lib64"): "..", in("plugin", "pyvenv.cfg"): in("secret", "run"),
		in("other", "bin"): in("secret"), in("other", "shims"): in("secret"),
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o700), os.Symlink(to, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("env", "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string][]string{
		in("env", "python"):         {in("env", "python"), in("env", "bin", "run"), in("env", "bin"), in("env", "lib"), in("env", "lib")},
		in("plugin", "bin", "run"):  {in("plugin", "bin", "run"), in("plugin", "bin")},
		in("other", "bin", "run"):   {in("other", "bin", "run")},
		in("other", "shims", "run"): {in("other", "shims", "run")},
	} {
		got, err := Interpreter(command)
		got = slices.DeleteFunc(got, func(path string) bool { return !strings.HasPrefix(path, root) }) // of sh
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q", command, got, err, want)
		}
	}
	t.Chdir(in("env"))
	for _, line := range []string{"#!bin/run", "#!/usr/bin/env bin/run", "#!/usr/bin/env -S bin/run x"} { // from the plugin's folder, not from here
		script := in("plugin", "script")
		if err := os.WriteFile(script, []byte(line+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := Interpreter(script); err != nil || slices.ContainsFunc(got, func(path string) bool { return !filepath.IsAbs(path) || strings.HasPrefix(path, in("env")) }) {
			t.Errorf("%s: %q %v", line, got, err)
		}
	}
	if got, err := Interpreter(root); err == nil {
		t.Errorf("a folder as a command: %q", got)
	}
}

// What holds and what is open is said.
func TestWalls(t *testing.T) {
	for w, want := range map[Walls]string{
		{7, true, true}:   "they read their own files and write temporary ones (Landlock 7); they have no network (a network namespace, a seccomp filter)",
		{1, true, false}:  "they read their own files and write temporary ones (Landlock 1); they have no network (a seccomp filter)",
		{0, false, false}: "they read and write whatever you can (this system has no Landlock); the network is open to them (neither namespaces nor seccomp)",
	} {
		if got := w.String(); got != want || w.Whole() != (w.Landlock > 0) {
			t.Errorf("%+v: %q %v, want %q", w, got, w.Whole(), want)
		}
	}
}

// Words of the system and of languages tell limits apart; others tell none.
func TestHint(t *testing.T) {
	p := Policy{Memory: 3_000_000_000, Alone: true}
	for said, want := range map[string]string{
		"fatal error: runtime: out of memory":                                                        "3.0 GB of private memory",
		"numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array":        "3.0 GB of private memory",
		"terminate called after throwing an instance of 'std::bad_alloc'":                            "3.0 GB of private memory",
		"fork/exec /usr/bin/true: cannot allocate memory":                                            "3.0 GB of private memory",
		"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory":          "3.0 GB of private memory",
		"memory allocation of 8589934592 bytes failed":                                               "3.0 GB of private memory",
		"OSError: [Errno 27] File too large":                                                         "at most 4 GB",
		"open /dev/null: too many open files":                                                        "1024 open files",
		"RuntimeError: can't start new thread":                                                       "4096 threads",
		"runtime/cgo: pthread_create failed: Resource temporarily unavailable":                       "4096 threads",
		"java.lang.OutOfMemoryError: unable to create native thread":                                 "4096 threads",
		"panic: index out of range [3] with length 3":                                                "",
		"ValueError: a membrane of less than a step overshoots; allocate the memory of it elsewhere": "",
	} {
		if got := p.Hint(said, "exit status 1"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
	if got := p.Hint("loading", "signal: killed"); !strings.Contains(got, "runs out of memory") {
		t.Errorf("%q", got)
	}
	if got := (Policy{}).Hint("out of memory, can't start new thread", "exit status 1"); got != "" {
		t.Errorf("without limits: %q", got)
	}
}
