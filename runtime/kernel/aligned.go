package kernel

import "unsafe"

// Aligned returns n zeros that begin at a multiple of 64 bytes.
func Aligned(n int) []float32 {
	const line = 64
	x := make([]float32, n+line/4)
	skip := 0
	if over := uintptr(unsafe.Pointer(unsafe.SliceData(x))) % line; over != 0 {
		skip = int(line-over) / 4
	}
	return x[skip : skip+n : skip+n]
}
