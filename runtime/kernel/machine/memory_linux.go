package machine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is code that can be run for as long as it is held.
type Memory struct{ pages []byte }

// NewMemory copies code to pages that are made executable and can then not be written any more. It is an error where the
// system forbids that.
func NewMemory(code []byte) (*Memory, error) {
	pages, err := unix.Mmap(-1, 0, len(code), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map memory for code: %w", err)
	}
	copy(pages, code)
	if err := unix.Mprotect(pages, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		unix.Munmap(pages)
		return nil, fmt.Errorf("make code executable: %w", err)
	}
	m := &Memory{pages}
	runtime.AddCleanup(m, func(pages []byte) { unix.Munmap(pages) }, pages)
	return m, nil
}

// Entry returns the address of the first instruction.
func (m *Memory) Entry() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(m.pages))) }
