//go:build !unix

package data

import (
	"io"
	"os"
)

// mapFile returns the bytes of a file, in memory: only Unix maps files here.
func mapFile(f *os.File, size int) ([]byte, error) {
	b := make([]byte, size)
	_, err := io.ReadFull(f, b)
	return b, err
}
