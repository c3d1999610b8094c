//go:build unix

package data

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile returns the bytes of a file, which are read when they are looked at and stay mapped until the process ends.
func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}
