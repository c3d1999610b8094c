package confine

import "golang.org/x/sys/unix"

// legacy are the calls that other architectures do not have.
var legacy = []watchedCall{
	{name: "renameat", number: unix.SYS_RENAMEAT, paths: []int{1, 3}},
	{name: "open", number: unix.SYS_OPEN, flags: 1, paths: []int{0}, bare: true, follow: true},
	{name: "creat", number: unix.SYS_CREAT, paths: []int{0}, bare: true, follow: true},
	{name: "mkdir", number: unix.SYS_MKDIR, paths: []int{0}, bare: true},
	{name: "rmdir", number: unix.SYS_RMDIR, paths: []int{0}, bare: true},
	{name: "mknod", number: unix.SYS_MKNOD, paths: []int{0}, bare: true},
	{name: "unlink", number: unix.SYS_UNLINK, paths: []int{0}, bare: true},
	{name: "rename", number: unix.SYS_RENAME, paths: []int{0, 1}, bare: true},
	{name: "link", number: unix.SYS_LINK, paths: []int{0, 1}, bare: true},
	{name: "symlink", number: unix.SYS_SYMLINK, paths: []int{1}, bare: true},
	{name: "chmod", number: unix.SYS_CHMOD, paths: []int{0}, bare: true, follow: true, meta: true},
	{name: "chown", number: unix.SYS_CHOWN, paths: []int{0}, bare: true, follow: true, meta: true},
	{name: "lchown", number: unix.SYS_LCHOWN, paths: []int{0}, bare: true, meta: true},
}
