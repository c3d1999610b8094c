//go:build unix && !linux

package host

import (
	"io"
	"os"
)

// reserve makes a file of so many bytes whose place is its own: it is written.
func reserve(f *os.File, bytes int64) error {
	_, err := io.CopyN(f, zeros{}, bytes)
	return err
}

// zeros is a reader without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
