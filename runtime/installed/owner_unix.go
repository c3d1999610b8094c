//go:build unix

package installed

import (
	"io/fs"
	"os"
	"syscall"
)

// trusted reports whether a file belongs to the user of this process or to the owner of a folder.
func trusted(file fs.FileInfo, dir string) bool {
	owner, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if int(owner.Uid) == os.Geteuid() {
		return true
	}
	st, err := os.Stat(dir)
	if err != nil {
		return false
	}
	other, ok := st.Sys().(*syscall.Stat_t)
	return ok && owner.Uid == other.Uid
}
