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

// sumGroups adds up groups of columns, and returns how many columns these have.
func sumGroups(l Level, sums, squares []float64, x []float32) (done int) {
	if l == Generic || len(x) < len(sums) {
		return 0
	}
	b := columnBlock{pitch: 4 * len(sums), rows: len(x) / len(sums)}
	wide := 32
	if l == AVX2 {
		wide = 16
	}
	for _, columns := range [2]int{wide, 8} {
		b.groups = (len(sums) - done) / columns
		if b.groups == 0 {
			continue
		}
		b.sums, b.x = &sums[done], &x[done]
		p := (*byte)(unsafe.Pointer(&b))
		done += b.groups * columns
		switch squared := squares != nil; {
		case squared:
			b.squares = &squares[done-b.groups*columns]
			switch {
			case l == AVX2 && columns == 8:
				squaresAVX2x8(p)
			case l == AVX2:
				squaresAVX2x16(p)
			case columns == 8:
				squaresAVX512x8(p)
			default:
				squaresAVX512x32(p)
			}
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
	return done
}
