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
		high := atMost(groupCycles(columns))
		for ; pitch-done >= columns; done += b.columns(pitch-done, columns, min(high, rows)) {
			for row := 0; row < rows; row += high {
				b.rows = min(high, rows-row)
				b.groups = b.columns(pitch-done, columns, min(high, rows)) / columns
				b.sums, b.x = &sums[done], &x[row*pitch+done]
				if squares != nil {
					b.squares = &squares[done]
				}
				b.add(l, columns, squares != nil)
			}
		}
	}
	return done
}

// columns returns how many of the columns that are left one call adds up, over so many rows.
func (b *columnBlock) columns(left, columns, rows int) int {
	return min(left/columns, atMost(rows*groupCycles(columns))) * columns
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
