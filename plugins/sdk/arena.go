package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// arenas are the files of a host that the process has mapped. A mapping is kept until its file is gone.
type arenas struct {
	mu   sync.Mutex
	open map[string]*arena
}

// arena is a mapped file.
type arena struct {
	bytes []byte
	users int // calls at work in it
}

// with calls f with the numbers of the arena at a path, of so many bytes.
func (a *arenas) with(path string, bytes int, f func([]float32) error) error {
	m, err := a.get(path, bytes)
	if err != nil {
		return err
	}
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		m.users--
	}()
	return f(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(m.bytes))), len(m.bytes)/4))
}

// get returns the arena at a path, which it maps at its first mention; it counts as a user.
func (a *arenas) get(path string, bytes int) (*arena, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.open[path]
	if m != nil && len(m.bytes) != bytes {
		return nil, fmt.Errorf("map the arena %s: it had %d bytes and is to have %d", path, len(m.bytes), bytes)
	}
	if m == nil {
		a.sweep()
		data, err := mapped(path, bytes)
		if err != nil {
			return nil, fmt.Errorf("map the arena: %w", err)
		}
		m = &arena{bytes: data}
		if a.open == nil {
			a.open = map[string]*arena{}
		}
		a.open[path] = m
	}
	m.users++
	return m, nil
}

// sweep gives back the mappings of files that are gone.
func (a *arenas) sweep() {
	for path, m := range a.open {
		if _, err := os.Lstat(path); m.users == 0 && errors.Is(err, fs.ErrNotExist) {
			syscall.Munmap(m.bytes)
			delete(a.open, path)
		}
	}
}

// mapped maps a file of the given size for reading and writing. A shorter one is refused: touching what it lacks would end the
// process.
func mapped(path string, bytes int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if bytes <= 0 || bytes%4 != 0 || info.Size() != int64(bytes) {
		return nil, fmt.Errorf("%s has %d bytes, not %d", path, info.Size(), bytes)
	}
	return syscall.Mmap(int(f.Fd()), 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, mapping)
}
