//go:build amd64 && !noasm

package emulator

import "golang.org/x/sys/cpu"

//go:noescape
func integrateAVX2(sums, from *[Neurons]int16, rows *row, n int)

//go:noescape
func updateAVX2(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome)

//go:noescape
func updateNarrowAVX2(v, sums *[Neurons]int16, p *narrow, o *outcome)

// What these name is read soon; its memory is asked for, so that it is there then.

//go:noescape
func prefetchRows(rows *[Axons]set, types *axonTypes, axons *uint8, n int)

//go:noescape
func prefetchSends(sends *[Neurons]send, fired *set)

var vectors = cpu.X86.HasAVX2

// integrate is integrateGo; there is at least one row.
func integrate(sums, from *[Neurons]int16, rows []row) {
	if vectors {
		integrateAVX2(sums, from, &rows[0], len(rows))
	} else {
		integrateGo(sums, from, rows)
	}
}

// update is updateGo.
func update(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome) {
	if vectors {
		updateAVX2(v, sums, p, o)
	} else {
		updateGo(v, sums, p, o)
	}
}

// updateNarrow is updateNarrowGo.
func updateNarrow(v, sums *[Neurons]int16, p *narrow, o *outcome) {
	if vectors {
		updateNarrowAVX2(v, sums, p, o)
	} else {
		updateNarrowGo(v, sums, p, o)
	}
}
