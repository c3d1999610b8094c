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

// socketFilter returns the program that allows of all sockets the streams of the unix domain, and of these to listen alone. What comes of
// others is given.
//
// Calls by the numbers of another architecture (32 bits on a machine of 64, x32) are not there: they would make sockets by other numbers.
// Neither is io_uring, whose operations no filter sees. Other calls pass.
func socketFilter(refuse uint32) ([]bpf.RawInstruction, error) {
	const (
		x32      = 1 << 30 // bit of the number (asm/unistd.h); no number of arm64 has it
		typeMask = 0xf     // the kind of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK
		allow    = unix.SECCOMP_RET_ALLOW
		notThere = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
		whole    = 4 // bytes
	)
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: architectureAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture(), SkipFalse: 10}, // to notThere
		bpf.LoadAbsolute{Off: numberAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipTrue: 8},                    // to notThere
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SYS_IO_URING_SETUP), SkipTrue: 7}, // to notThere
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SYS_CONNECT), SkipTrue: 7},        // to refuse
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(unix.SYS_SOCKET), SkipTrue: 7},      // to allow
		bpf.LoadAbsolute{Off: argumentsAt, Size: whole},                                    // domain
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.AF_UNIX, SkipTrue: 4},                 // to refuse
		bpf.LoadAbsolute{Off: argumentsAt + argument, Size: whole},                         // type
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: typeMask},                                 //
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SOCK_STREAM, SkipTrue: 2, SkipFalse: 1},  // to allow, or refuse
		bpf.RetConstant{Val: notThere},
		bpf.RetConstant{Val: refuse},
		bpf.RetConstant{Val: allow},
	})
}

// networkFilter returns the program for a process that has the network: it allows of all sockets those of IPv4, of IPv6 and of the kernel's
// table of addresses, and none of the unix domain, behind which this machine's services are. Calls that are not there are those of
// socketFilter.
func networkFilter() ([]bpf.RawInstruction, error) {
	const (
		x32      = 1 << 30
		notThere = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
		whole    = 4 // bytes
	)
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: architectureAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture(), SkipFalse: 8}, // to notThere
		bpf.LoadAbsolute{Off: numberAt, Size: whole},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipTrue: 6},                    // to notThere
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SYS_IO_URING_SETUP), SkipTrue: 5}, // to notThere
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(unix.SYS_SOCKET), SkipTrue: 6},      // to allow
		bpf.LoadAbsolute{Off: argumentsAt, Size: whole},                                    // domain
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET, SkipTrue: 4},                    // to allow
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 3},                   // to allow
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_NETLINK, SkipTrue: 2, SkipFalse: 1},   // to allow, or refuse
		bpf.RetConstant{Val: notThere},
		bpf.RetConstant{Val: refused},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	})
}

// refused is what comes of a call that is not allowed.
const refused = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)

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
