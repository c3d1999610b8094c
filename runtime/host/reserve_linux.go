package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve makes a file of so many bytes whose place is its own.
func reserve(f *os.File, bytes int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, bytes); err != unix.EINTR {
			return err
		}
	}
}
