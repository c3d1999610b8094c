//go:build amd64 || arm64

package confine

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// metadata are the system calls that change modes, owners, times and attributes of files, which Landlock leaves to the owner, who is the user,
// wherever the files lie.
var metadata = slices.Concat(olderMetadata, []uintptr{
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR,
	unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
})

// outer are the system calls that no plugin has a use for and that reach what the other walls do not hold: memory and descriptors of other
// processes, the user's keys and shared memory, what happens in folders, namespaces and mounts, in which more of the system is open to
// attack, and what the system as a whole is set up with.
var outer = slices.Concat(olderOuter, []uintptr{
	unix.SYS_INOTIFY_ADD_WATCH, unix.SYS_FANOTIFY_INIT, unix.SYS_OPEN_BY_HANDLE_AT,

	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL,
	unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL, unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,

	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_MOVE_MOUNT,
	unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,

	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_REBOOT, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE,
	unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_VHANGUP,
})

// amongOthers are refused besides where the process has no namespace of processes of its own: with them it would change the priorities and
// limits of the user's other processes, or leave its group, in which it and what it started are ended.
var amongOthers = []uintptr{
	unix.SYS_SETSID, unix.SYS_SETPGID, unix.SYS_SETPRIORITY, unix.SYS_IOPRIO_SET, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETSCHEDULER,
	unix.SYS_SCHED_SETATTR, unix.SYS_SCHED_SETAFFINITY, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
}

// absent are calls that are not there, for what they are asked cannot be seen from outside: who needs them does without.
var absent = []uintptr{unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER}

// The namespaces that clone(2) makes.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// requests of ioctl(2) are refused: a file's flags (chattr(1)), its seal (fs-verity), holes in it, which fallocate(2) does not make either,
// and what a terminal's user seems to have typed.
var requests = []uint32{unix.FS_IOC_SETFLAGS, setAttributes, unix.FS_IOC_ENABLE_VERITY, giveUp, giveUp64, unix.TIOCSTI, unix.TIOCLINUX}

const (
	setAttributes = 0x401c5820 // FS_IOC_FSSETXATTR (linux/fs.h)
	giveUp        = 0x40305829 // FS_IOC_UNRESVSP (linux/falloc.h), of struct space_resv, which has 48 bytes
	giveUp64      = 0x4030582b // FS_IOC_UNRESVSP64
	fileOwner     = 0x8901     // FIOSETOWN (asm-generic/sockios.h)
	socketOwner   = 0x8902     // SIOCSPGRP
)

// The versions of Landlock's interface from which it holds what a filter sees in part: cutting files, which by path was anybody's until then,
// and signals to processes outside.
const (
	cutting    = 3
	signalling = 6
)

// callFilter returns the program that refuses those calls, and others by what they are asked:
//
//   - clone with a namespace, or of a child of the host;
//   - some requests of ioctl;
//   - prctl that takes away the signal at the host's death;
//   - fallocate and madvise that make holes, for in an arena of the host they would give up what is reserved, or cut it;
//   - socketpair of anything but streams: a datagram socket sends to whom it likes without connect;
//   - where the process is not alone, prlimit of another one;
//   - what earlier versions of Landlock's interface, landlock (0: there is none), do not see: see cutting and signalling.
//
// It says nothing of the numbers of other architectures, which the filters of sockets refuse (known).
func callFilter(p Policy, landlock int) ([]bpf.RawInstruction, error) {
	const (
		refuse      = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		unsupported = unix.SECCOMP_RET_ERRNO | uint32(unix.EOPNOTSUPP)
	)
	load := func(i uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: argumentsAt + argument*i, Size: whole} }
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: numberAt, Size: whole}}
	each := func(calls []uintptr, with uint32) {
		for _, c := range calls {
			program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(c), SkipTrue: 1}, bpf.RetConstant{Val: with})
		}
	}
	// asked appends what is to come of one call; test skips the next instruction where it is allowed.
	asked := func(call uintptr, with uint32, test ...bpf.Instruction) {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(call), SkipTrue: uint8(len(test) + 2)})
		program = append(append(program, test...), bpf.RetConstant{Val: with}, bpf.RetConstant{Val: allow})
	}
	if len(p.Write) == 0 { // a build sets modes of what it makes
		each(slices.DeleteFunc(slices.Clone(metadata), func(call uintptr) bool { return p.Watch > 0 && isWatched(call) }), refuse)
	}
	each(outer, refuse)
	each(absent, notThere)
	if !p.Alone {
		each(amongOthers, refuse)
		asked(unix.SYS_PRLIMIT64, refuse, load(0), bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1})
	}
	asked(unix.SYS_CLONE, refuse, load(0), bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: namespaces | unix.CLONE_PARENT, SkipTrue: 1})
	// among is a test of an argument that is one of some values.
	among := func(i uint32, values ...uint32) []bpf.Instruction {
		out := []bpf.Instruction{load(i)}
		for k, v := range values { // to what comes of it, behind the others and the jump over it
			out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - k)})
		}
		return append(out, bpf.Jump{Skip: 1})
	}
	// but is a test of an argument that is none of some values.
	but := func(i uint32, values ...uint32) []bpf.Instruction {
		out := []bpf.Instruction{load(i)}
		for k, v := range values {
			out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - k)})
		}
		return out
	}
	requests := requests
	if landlock < cutting && p.Watch == 0 { // who watches looks at these as well
		each([]uintptr{unix.SYS_TRUNCATE}, refuse)
		each([]uintptr{unix.SYS_OPENAT2}, notThere)
		for _, c := range calls() {
			if c.flags > 0 { // to read, and to be cut
				asked(c.number, refuse, load(uint32(c.flags)), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: unix.O_TRUNC | unix.O_ACCMODE},
					bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.O_TRUNC, SkipTrue: 1})
			}
		}
	}
	if landlock < signalling && !p.Alone {
		own := uint32(os.Getpid()) // which leads its group, and stays what it is
		each([]uintptr{unix.SYS_TKILL}, refuse)
		each([]uintptr{unix.SYS_PIDFD_OPEN}, notThere) // children have theirs from clone
		asked(unix.SYS_KILL, refuse, but(0, 0, own, -own)...)
		asked(unix.SYS_RT_SIGQUEUEINFO, refuse, but(0, own)...)
		asked(unix.SYS_RT_TGSIGQUEUEINFO, refuse, but(0, own)...)
		// Children of Go interrupt their own threads by SIGURG, which nobody minds who does not look for it.
		asked(unix.SYS_TGKILL, refuse, load(0), bpf.JumpIf{Cond: bpf.JumpEqual, Val: own, SkipTrue: 3},
			load(2), bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SIGURG), SkipTrue: 1})
		asked(unix.SYS_FCNTL, refuse, among(1, unix.F_SETOWN, unix.F_SETOWN_EX)...) // whom input and output signal
		requests = append(slices.Clone(requests), fileOwner, socketOwner)
	}
	asked(unix.SYS_IOCTL, refuse, among(1, requests...)...)
	asked(unix.SYS_PRCTL, refuse, load(0), bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PR_SET_PDEATHSIG, SkipTrue: 3},
		load(1), bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(unix.SIGKILL), SkipTrue: 1})
	const holes = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_COLLAPSE_RANGE | unix.FALLOC_FL_INSERT_RANGE
	asked(unix.SYS_FALLOCATE, unsupported, load(1), bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: holes, SkipTrue: 1})
	asked(unix.SYS_MADVISE, refuse, load(2), bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.MADV_REMOVE, SkipTrue: 1})
	const kind = 0xf // without SOCK_CLOEXEC and SOCK_NONBLOCK
	asked(unix.SYS_SOCKETPAIR, refuse, load(1), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: kind}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SOCK_STREAM, SkipTrue: 1})
	return bpf.Assemble(append(program, bpf.RetConstant{Val: allow}))
}

// isWatched reports whether who watches a process refuses a call.
func isWatched(call uintptr) bool {
	return slices.ContainsFunc(calls(), func(c watchedCall) bool { return c.number == call })
}

// filterCalls puts the filter on this thread and what it becomes, which must have given up new privileges.
func filterCalls(p Policy) error {
	if !canFilter() {
		return nil
	}
	program, err := callFilter(p, Standing(false).Landlock)
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	_, err = setFilter(program, 0)
	return err
}
