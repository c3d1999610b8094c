package confine

import "golang.org/x/sys/unix"

// Calls of metadata and outer that later architectures do not have.
var (
	olderMetadata = []uintptr{unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
	olderOuter    = []uintptr{unix.SYS_IOPL, unix.SYS_IOPERM}
)
