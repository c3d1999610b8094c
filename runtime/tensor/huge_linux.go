package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Huge asks the system for pages of 2 MB in the memory of x, as far as x has whole ones. What a chunk of neurons reads and
// writes over time lies far apart, a few KB at each of many steps, which takes a page each of the processor's table
// otherwise. Where the system has no such pages nothing changes.
func Huge(x []float32) {
	const page = 2 << 20
	if len(x) == 0 {
		return
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	skip := (page - at%page) % page / 4
	if n := (uintptr(len(x)) - min(skip, uintptr(len(x)))) / (page / 4) * (page / 4); n > 0 {
		inside := x[skip : skip+n]
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(inside))), 4*n), unix.MADV_HUGEPAGE)
	}
}
