package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/runtime/opaque"
)

// shm is where files lie in memory, if the system has that.
const shm = "/dev/shm"

// arena is memory that plugin processes see: a file that both sides map.
type arena struct {
	path  string
	bytes []byte
	once  sync.Once
}

var _ opaque.Memory = (*arena)(nil)

// Floats implements opaque.Memory.
func (a *arena) Floats() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(a.bytes))), len(a.bytes)/4)
}

// Close implements opaque.Memory. Processes that have the file mapped keep that until they see that it is gone.
func (a *arena) Close() error {
	var err error
	a.once.Do(func() {
		if err = os.Remove(a.path); errors.Is(err, os.ErrNotExist) { // the host has gone before
			err = nil
		}
		err = errors.Join(err, unix.Munmap(a.bytes))
	})
	return err
}

// memory makes an arena for so many numbers, in memory if there is room, else in the folder for temporary files.
func (h *Host) memory(floats int) (*arena, error) {
	if floats < 1 {
		return nil, fmt.Errorf("share memory with plugins: %d numbers", floats)
	}
	var bad error
	for _, folder := range []func() (string, error){h.inMemory, h.inFiles} {
		dir, err := folder()
		if err == nil {
			var a *arena
			if a, err = newArena(filepath.Join(dir, arenaName+strconv.FormatInt(h.last.Add(1), 10)), 4*floats); err == nil {
				return a, nil
			}
		}
		bad = errors.Join(bad, err)
	}
	return nil, fmt.Errorf("share memory with plugins: %w", bad)
}

// newArena makes and maps a file of so many bytes, which are reserved: writing to memory that a full file system does not give would
// end the process.
func newArena(path string, bytes int) (a *arena, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := reserve(f, int64(bytes)); err != nil {
		return nil, fmt.Errorf("reserve %d bytes in %s: %w", bytes, filepath.Dir(path), err)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return &arena{path: path, bytes: data}, nil
}

// inMemory returns the host's private folder whose files lie in memory.
func (h *Host) inMemory() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", ErrClosed
	}
	if h.shared == nil {
		if _, err := os.Stat(shm); err != nil {
			return "", err
		}
		f, err := newFolder(shm)
		if err != nil {
			return "", err
		}
		h.shared = f
	}
	return h.shared.path, nil
}

// inFiles returns the folder of arenas in the host's private folder for temporary files.
func (h *Host) inFiles() (string, error) {
	dir, err := h.sockets()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, arenaFolder)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make a folder for arenas: %w", err)
	}
	return dir, nil
}
