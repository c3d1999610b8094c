//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lock takes the lock of a folder by making its file. After a kill the file is still there and has to be removed by hand.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, LockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		text, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, fmt.Errorf("%w; if it is not, remove %s", &Locked{Dir: dir, PID: max(pid, 0)}, path)
	}
	if err == nil {
		if _, err = fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
			f.Close()
			os.Remove(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock run folder: %w", err)
	}
	return f, nil
}

// unlock removes the file.
func unlock(f *os.File) error {
	err := f.Close()
	if e := os.Remove(f.Name()); err == nil {
		err = e
	}
	return err
}
