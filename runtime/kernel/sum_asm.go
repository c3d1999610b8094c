//go:build amd64 && !noasm

package kernel

import "unsafe"

// columnBlock is what the assembly takes.
type columnBlock struct {
	sums    *float64
	squares *float64
	x       *float32
	pitch   int // of rows in bytes
	rows    int
	groups  int // the assembly counts them down
}

// groupCycles is what a row of a group of columns takes. Rows may be far apart, and a line of the cache begin at each.
func groupCycles(columns int) int { return lineCycles * (1 + (columns+15)/16) }

// sumGroups adds up groups of columns, and returns how many columns these have.
func sumGroups(l Level, sums, squares []float64, x []float32) (done int) {
	if l == Generic || len(x) < len(sums) {
		return 0
	}
	pitch := len(sums)
	rows, wide := len(x)/pitch, 32
	if l == AVX2 {
		wide = 16
	}
	b := columnBlock{pitch: 4 * pitch}
	for _, columns := range [2]int{wide, 8} {
		cost, groups := groupCycles(columns), (pitch-done)/columns
		high := ofOneCall(rows, cost)
		across := ofOneCall(groups, high*cost)
		for ; groups > 0; groups -= b.groups {
			for row := 0; row < rows; row += high {
				b.rows, b.groups = min(high, rows-row), min(across, groups)
				b.sums, b.x = &sums[done], &x[row*pitch+done]
				if squares != nil {
					b.squares = &squares[done]
				}
				b.add(l, columns, squares != nil)
			}
			b.groups = min(across, groups) // the assembly has counted them down
			done += b.groups * columns
		}
	}
	return done
}

// add calls the assembly.
func (b *columnBlock) add(l Level, columns int, squared bool) {
	p := (*byte)(unsafe.Pointer(b))
	switch {
	case squared && l == AVX2 && columns == 8:
		squaresAVX2x8(p)
	case squared && l == AVX2:
		squaresAVX2x16(p)
	case squared && columns == 8:
		squaresAVX512x8(p)
	case squared:
		squaresAVX512x32(p)
	case l == AVX2 && columns == 8:
		columnsAVX2x8(p)
	case l == AVX2:
		columnsAVX2x16(p)
	case columns == 8:
		columnsAVX512x8(p)
	default:
		columnsAVX512x32(p)
	}
}
