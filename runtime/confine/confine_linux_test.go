package confine

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter lets streams of the unix domain be made and nothing connect, whatever flags a socket has and whatever stands in the upper halves
// of the arguments; the numbers of other architectures are not there.
func TestSocketFilter(t *testing.T) {
	program, err := socketFilter()
	if err != nil {
		t.Fatal(err)
	}
	var all []bpf.Instruction
	for _, x := range program {
		all = append(all, x.Disassemble())
	}
	vm, err := bpf.NewVM(all)
	if err != nil {
		t.Fatal(err)
	}
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
	}{
		{"a stream", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, allow},
		{"a stream with flags", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, allow},
		{"datagrams", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM, refuse},
		{"packets in order", own, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_SEQPACKET, refuse},
		{"TCP", own, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, refuse},
		{"TCP over IPv6", own, unix.SYS_SOCKET, unix.AF_INET6, unix.SOCK_STREAM, refuse},
		{"UDP", own, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, refuse},
		{"netlink", own, unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, refuse},
		{"virtual machines", own, unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, refuse},
		{"connect", own, unix.SYS_CONNECT, unix.AF_UNIX, unix.SOCK_STREAM, refuse},
		{"io_uring", own, unix.SYS_IO_URING_SETUP, 0, 0, notThere},
		{"x32", own, 1<<30 | unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, notThere},
		{"another architecture", unix.AUDIT_ARCH_I386, 102, 1, 0, notThere},
		{"read", own, unix.SYS_READ, 0, 0, allow},
		{"listen", own, unix.SYS_LISTEN, 0, 0, allow},
		{"accept", own, unix.SYS_ACCEPT4, 0, 0, allow},
	} {
		// The machine loads words in its own order, the interpreter of x/net in that of networks.
		data := make([]byte, 64)
		binary.BigEndian.PutUint32(data[numberAt:], x.number)
		binary.BigEndian.PutUint32(data[architectureAt:], x.architecture)
		binary.BigEndian.PutUint32(data[argumentsAt:], x.domain)
		binary.BigEndian.PutUint32(data[argumentsAt+argument:], x.kind)
		got, err := vm.Run(data)
		if err != nil || got != x.want {
			t.Errorf("%s: %#x %v, want %#x", x.what, got, err, x.want)
		}
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
