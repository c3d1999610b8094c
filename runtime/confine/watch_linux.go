package confine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A watched process has another filter: calls that write files and those that connect wait for an answer from outside (seccomp_unotify(2)).
// What the policy allows goes on, and the other walls judge it once more; the rest is told, and has the error that it has without being
// watched.

// writes are the flags of open(2) with which it may change something.
const writes = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC

// watchedCall is a system call that changes files.
type watchedCall struct {
	name   string
	number uintptr
	flags  int   // which argument has the flags of open(2), of which only those count that write; 0: it always changes something
	paths  []int // which arguments are paths; one behind a folder's descriptor is relative to that
	bare   bool  // the paths have no such descriptors
	follow bool  // a path that ends in a link means what that leads to
	meta   bool  // it changes no more than a file's metadata, which is refused everywhere
}

// modern are the calls that all architectures have.
var modern = []watchedCall{
	{name: "openat", number: unix.SYS_OPENAT, flags: 2, paths: []int{1}, follow: true},
	{name: "openat2", number: unix.SYS_OPENAT2, paths: []int{1}, follow: true},
	{name: "mkdirat", number: unix.SYS_MKDIRAT, paths: []int{1}},
	{name: "mknodat", number: unix.SYS_MKNODAT, paths: []int{1}},
	{name: "unlinkat", number: unix.SYS_UNLINKAT, paths: []int{1}},
	{name: "renameat2", number: unix.SYS_RENAMEAT2, paths: []int{1, 3}},
	{name: "linkat", number: unix.SYS_LINKAT, paths: []int{1, 3}},
	{name: "symlinkat", number: unix.SYS_SYMLINKAT, paths: []int{2}},
	{name: "fchmodat", number: unix.SYS_FCHMODAT, paths: []int{1}, follow: true, meta: true},
	{name: "fchownat", number: unix.SYS_FCHOWNAT, paths: []int{1}, meta: true},
	{name: "truncate", number: unix.SYS_TRUNCATE, paths: []int{0}, bare: true, follow: true},
}

// calls returns the watched calls that change files.
func calls() []watchedCall { return slices.Concat(modern, legacy) }

// watchFilter returns the program of a watched process: that of others, with notices in the place of refusals and for calls that change
// files.
func watchFilter() ([]bpf.RawInstruction, error) {
	const notice = unix.SECCOMP_RET_USER_NOTIF
	var files []bpf.Instruction
	for _, c := range calls() {
		if c.flags == 0 {
			files = append(files,
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(c.number), SkipTrue: 1},
				bpf.RetConstant{Val: notice})
			continue
		}
		files = append(files,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(c.number), SkipTrue: 4},
			bpf.LoadAbsolute{Off: argumentsAt + argument*uint32(c.flags), Size: whole},
			bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: writes, SkipTrue: 1},
			bpf.RetConstant{Val: notice},
			bpf.RetConstant{Val: allow})
	}
	files = append(files,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(unix.SYS_BIND), SkipTrue: 1},
		bpf.RetConstant{Val: notice})
	head, err := bpf.Assemble(slices.Concat([]bpf.Instruction{
		bpf.LoadAbsolute{Off: architectureAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: architecture(), SkipTrue: uint8(len(files) + 1)}, // to the sockets, which refuse it
		bpf.LoadAbsolute{Off: numberAt, Size: whole},
	}, files))
	if err != nil {
		return nil, err
	}
	sockets, err := socketFilter(notice)
	return append(head, sockets...), err
}

// Sizes of struct seccomp_notif and seccomp_notif_resp (linux/seccomp.h) for which there is room, and the places of their fields.
const (
	roomForNotice = 256
	noticePID     = 8
	noticeCall    = 16
	noticeArgs    = noticeCall + argumentsAt
)

// Watchable says why processes cannot be watched here; nil where they can.
func Watchable() error {
	if architecture() == 0 {
		return errors.New("nothing is written for this machine's system calls")
	}
	action := uint32(unix.SECCOMP_RET_USER_NOTIF)
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))); e != 0 {
		return fmt.Errorf("the system does not tell of calls (seccomp_unotify): %w", e)
	}
	var sizes [3]uint16
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes))); e != 0 {
		return fmt.Errorf("ask for the sizes of notices: %w", e)
	}
	if max(sizes[0], sizes[1]) > roomForNotice {
		return fmt.Errorf("notices have %d and %d bytes", sizes[0], sizes[1])
	}
	return nil
}

// letWatch puts the filter of a watched process on this thread, and gives the descriptor that answers its notices to who watches.
func letWatch(socket int) error {
	unix.CloseOnExec(socket)
	program, err := watchFilter()
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	// A call that is being judged is not given up for a signal, where the system has that: Go signals its own threads all the time.
	const killable = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV of Linux 5.19
	listener, err := setFilter(program, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|killable)
	if errors.Is(err, unix.EINVAL) {
		listener, err = setFilter(program, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	return unix.Sendmsg(socket, []byte{0}, unix.UnixRights(listener), nil, 0)
}

// Watch is the watch over one process.
type Watch struct {
	ours   int
	Theirs *os.File // its descriptor in the process is what Policy.Watch names; close it when the process has started
}

// NewWatch returns a Watch for one process. Follow ends it, or Close.
func NewWatch() (*Watch, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	return &Watch{pair[0], os.NewFile(uintptr(pair[1]), "watch")}, nil
}

// Close gives up a Watch whose process did not start.
func (w *Watch) Close() {
	w.Theirs.Close()
	unix.Close(w.ours)
}

// Follow answers the notices of the process under a policy until it and all that it started are gone, and tells of each attempt that the
// policy does not allow before the call has its error.
func (w *Watch) Follow(p Policy, tell func(Attempt)) {
	listener := w.receive()
	unix.Close(w.ours)
	if listener < 0 { // the process ended before it was confined
		return
	}
	defer unix.Close(listener)
	poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		} else if err != nil || poll[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n [roomForNotice]byte
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			continue // the caller is gone
		}
		const (
			errorAt = 16
			flagsAt = 20
		)
		var reply [roomForNotice]byte
		copy(reply[:8], n[:8]) // which call
		if e := judge(p, &n, tell); e == 0 {
			binary.NativeEndian.PutUint32(reply[flagsAt:], unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		} else {
			binary.NativeEndian.PutUint32(reply[errorAt:], uint32(-int32(e)))
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&reply)))
	}
}

// receive returns the descriptor that the process sends; -1 where it sends none.
func (w *Watch) receive() int {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(4))
	for {
		_, n, _, _, err := unix.Recvmsg(w.ours, data[:], control, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1
		}
		messages, err := unix.ParseSocketControlMessage(control[:n])
		if err != nil || len(messages) != 1 {
			return -1
		}
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			return fds[0]
		}
		return -1
	}
}

// judge returns the error that a call has; 0 where it goes on.
func judge(p Policy, n *[roomForNotice]byte, tell func(Attempt)) unix.Errno {
	c := caller{pid: int(binary.NativeEndian.Uint32(n[noticePID:]))}
	number := uintptr(binary.NativeEndian.Uint32(n[noticeCall:]))
	args := func(i int) uint64 { return binary.NativeEndian.Uint64(n[noticeArgs+argument*i:]) }
	switch number {
	case unix.SYS_SOCKET:
		tell(Attempt{Call: "socket", Of: family(uint32(args(0))), Network: true, Bare: args(1) == unix.SOCK_STREAM})
		return unix.EACCES
	case unix.SYS_CONNECT:
		if to := c.address(args(1), args(2)); !slices.Contains(caches, to) {
			tell(Attempt{Call: "connect", Of: to, Network: true})
		}
		return unix.EACCES
	case unix.SYS_BIND:
		at := c.address(args(1), args(2))
		if path, ok := strings.CutPrefix(at, "unix:"); ok && (!filepath.IsAbs(path) || !p.writes(path, false)) {
			tell(Attempt{Call: "bind", Of: path})
			return unix.EACCES
		}
		return 0
	}
	all := calls()
	call := all[slices.IndexFunc(all, func(w watchedCall) bool { return w.number == number })]
	for _, i := range call.paths {
		folder := int32(unix.AT_FDCWD)
		if !call.bare {
			folder = int32(args(i - 1))
		}
		if call.number == unix.SYS_OPENAT2 && c.reads(args(2)) {
			continue
		}
		path, ok := c.path(folder, args(i), call.follow)
		if !ok { // the other walls judge it
			tell(Attempt{Call: call.name})
			break
		}
		opens := call.number == unix.SYS_OPENAT2 || call.flags > 0 && args(call.flags)&(unix.O_CREAT|unix.O_TRUNC) == 0
		if !p.writes(path, opens) {
			tell(Attempt{Call: call.name, Of: path})
			return unix.EACCES
		}
	}
	if call.meta {
		return unix.EPERM
	}
	return 0
}

// caches are what the C library asks for names, where it runs, and does without where it does not.
var caches = []string{"unix:/var/run/nscd/socket", "unix:/run/nscd/socket", "unix:/var/lib/sss/pipes/nss"}

// writes reports whether the policy lets a file be changed, by its path without links, or opened to be changed.
func (p Policy) writes(path string, opens bool) bool {
	under := func(dir string) bool {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		in, err := filepath.Rel(dir, path)
		return err == nil && filepath.IsLocal(in)
	}
	return path == "" || path == os.DevNull || p.Own != "" && under(p.Own) || slices.ContainsFunc(p.Write, under) || opens && slices.ContainsFunc(p.Shared, under)
}

// caller is the thread that makes a call.
type caller struct{ pid int }

// memory reads bytes of the caller, fewer where it has no more.
func (c caller) memory(at uint64, n int) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", c.pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, n)
	n, _ = f.ReadAt(b, int64(at))
	return b[:n]
}

// path returns a path that the caller names, without links, but for the last part where that is not followed, and relative to nothing; false
// where it cannot be read.
func (c caller) path(folder int32, at uint64, follow bool) (string, bool) {
	text, _, ok := bytes.Cut(c.memory(at, unix.PathMax), []byte{0})
	if !ok {
		return "", false
	}
	path := string(text)
	if path == "" { // there is no such file, or it is one that is open already
		return "", true
	}
	if !filepath.IsAbs(path) {
		link := fmt.Sprintf("/proc/%d/cwd", c.pid)
		if folder != unix.AT_FDCWD {
			link = fmt.Sprintf("/proc/%d/fd/%d", c.pid, folder)
		}
		dir, err := os.Readlink(link)
		if err != nil {
			return "", false
		}
		path = filepath.Join(dir, path)
	}
	for _, self := range []string{"/proc/self/", "/proc/thread-self/"} {
		if rest, ok := strings.CutPrefix(path, self); ok {
			path = fmt.Sprintf("/proc/%d/%s", c.pid, rest)
		}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && follow {
		return real, true
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil { // the link, or what is to be made
		return filepath.Join(real, filepath.Base(path)), true
	}
	return filepath.Clean(path), true
}

// reads reports whether what an openat2(2) is asked for is only to read.
func (c caller) reads(how uint64) bool {
	flags := c.memory(how, 8)
	return len(flags) == 8 && binary.NativeEndian.Uint64(flags)&writes == 0
}

// address says to what a socket's address leads; "" where it cannot be read.
func (c caller) address(at, length uint64) string {
	b := c.memory(at, int(min(length, unix.SizeofSockaddrAny)))
	if len(b) < 2 {
		return ""
	}
	f := binary.NativeEndian.Uint16(b)
	if f == unix.AF_UNIX {
		path := string(b[2:])
		if strings.HasPrefix(path, "\x00") { // without a file
			return "unix:@" + path[1:]
		}
		path, _, _ = strings.Cut(path, "\x00")
		return "unix:" + path
	}
	return family(uint32(f))
}

// family names a kind of addresses.
func family(n uint32) string {
	switch n {
	case unix.AF_UNIX:
		return "AF_UNIX"
	case unix.AF_INET:
		return "AF_INET"
	case unix.AF_INET6:
		return "AF_INET6"
	case unix.AF_NETLINK:
		return "AF_NETLINK"
	case unix.AF_PACKET:
		return "AF_PACKET"
	case unix.AF_VSOCK:
		return "AF_VSOCK"
	}
	return fmt.Sprintf("address family %d", n)
}
