package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The fields of struct seccomp_data (linux/seccomp.h), on which a filter works: the system call's number, its architecture, and of its
// arguments, of 64 bits each, the lower halves on a little-endian machine.
const (
	numberAt       = 0
	architectureAt = 4
	argumentsAt    = 16
	argument       = 8
)

// architecture returns the number (linux/audit.h) of this machine's system calls; 0 where no filter is written for it.
func architecture() uint32 {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64
	}
	return 0
}

// What comes of a call.
const (
	allow    = unix.SECCOMP_RET_ALLOW
	refused  = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	notThere = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// whole is how many bytes a filter looks at at once.
const whole = 4

// known begins a program for which some calls are not there: those by the numbers of another architecture (32 bits on a machine of 64, x32),
// which would make sockets by other numbers, and io_uring, whose operations no filter sees. What follows has the call's number before it.
func known() []bpf.Instruction {
	const x32 = 1 << 30 // bit of the number (asm/unistd.h); no number of arm64 has it
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: architectureAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture(), SkipTrue: 1}, bpf.RetConstant{Val: notThere},
		bpf.LoadAbsolute{Off: numberAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32, SkipTrue: 1}, bpf.RetConstant{Val: notThere},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(unix.SYS_IO_URING_SETUP), SkipTrue: 1}, bpf.RetConstant{Val: notThere},
	}
}

// socketFilter returns the program that allows of all sockets the streams of the unix domain, and of these to listen alone. What comes of
// others is given. Other calls that are known pass.
func socketFilter(refuse uint32) ([]bpf.RawInstruction, error) {
	const kind = 0xf // of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK
	return bpf.Assemble(append(known(),
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(unix.SYS_CONNECT), SkipTrue: 1}, bpf.RetConstant{Val: refuse},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SYS_SOCKET), SkipTrue: 1}, bpf.RetConstant{Val: allow},
		bpf.LoadAbsolute{Off: argumentsAt, Size: whole}, // domain
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_UNIX, SkipTrue: 1}, bpf.RetConstant{Val: refuse},
		bpf.LoadAbsolute{Off: argumentsAt + argument, Size: whole},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: kind},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SOCK_STREAM, SkipTrue: 1}, bpf.RetConstant{Val: refuse},
		bpf.RetConstant{Val: allow},
	))
}

// networkFilter returns the program for a process that has the network: it allows of all sockets those of IPv4, of IPv6 and of the kernel's
// table of addresses, and none of the unix domain, behind which this machine's services are. Other calls that are known pass.
func networkFilter() ([]bpf.RawInstruction, error) {
	return bpf.Assemble(append(known(),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SYS_SOCKET), SkipTrue: 1}, bpf.RetConstant{Val: allow},
		bpf.LoadAbsolute{Off: argumentsAt, Size: whole}, // domain
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_NETLINK, SkipTrue: 1}, bpf.RetConstant{Val: refused},
		bpf.RetConstant{Val: allow},
	))
}

// canFilter reports whether the system has such filters.
func canFilter() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return e == 0 && architecture() != 0
}

// filterSockets puts the filter of a process with or without the network on this thread and what it becomes, which must have given up new privileges.
func filterSockets(network bool) error {
	if !canFilter() {
		return nil
	}
	program, err := socketFilter(refused)
	if network {
		program, err = networkFilter()
	}
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	_, err = setFilter(program, 0)
	return err
}

// setFilter puts a filter on this thread, and returns the descriptor that comes with some flags.
func setFilter(program []bpf.RawInstruction, flags uintptr) (int, error) {
	filter := make([]unix.SockFilter, len(program))
	for i, x := range program {
		filter[i] = unix.SockFilter{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	p := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&p)))
	if e != 0 {
		return 0, e
	}
	return int(fd), nil
}
