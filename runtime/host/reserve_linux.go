package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping is how an arena is mapped: all of its pages at once, not one after the other at the first touch.
const mapping = unix.MAP_SHARED | unix.MAP_POPULATE

// reserve makes a file of so many bytes whose place is its own.
func reserve(f *os.File, bytes int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, bytes); err != unix.EINTR {
			return err
		}
	}
}
