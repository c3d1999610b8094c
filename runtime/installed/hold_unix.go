//go:build unix

package installed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// holdPause is the time between two tries to get hold of a folder.
const holdPause = 10 * time.Millisecond

// HoldFolder waits until no other process holds a folder, which has to be there, and holds it until release is called or the process ends.
// waiting, where it is not nil, is told once if somebody else holds it. A file system without such locks lets everybody hold it.
func HoldFolder(ctx context.Context, dir string, waiting func()) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("hold folder %s: %w", dir, err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil, errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EBADF):
			return func() { f.Close() }, nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("hold folder %s: %w", dir, err)
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(holdPause):
		}
	}
}
