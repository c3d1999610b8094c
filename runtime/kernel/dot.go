package kernel

import (
	"unsafe"

	"gonum.org/v1/gonum/blas/gonum"
)

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

// DotEach sets d[k*step] to the dot product of w with row k of x, for count rows that lie stride elements apart. Rows of x
// must begin at multiples of 16 bytes: the order of summation depends on that (gonum's kernel adds what stands before such a
// boundary apart from the rest), and must depend on nothing else.
func DotEach(d []float32, step int, w, x []float32, stride, count int) {
	var blas gonum.Implementation
	for k := range count {
		d[k*step] = blas.Sdot(len(w), w, 1, x[k*stride:], 1)
	}
}
