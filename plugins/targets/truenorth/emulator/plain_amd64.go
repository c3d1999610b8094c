//go:build amd64 && !noasm

package emulator

import "golang.org/x/sys/cpu"

//go:noescape
func integrateAVX2(sums *[Neurons]int16, rows *row, n int)

//go:noescape
func updateAVX2(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome)

var vectors = cpu.X86.HasAVX2

func integrate(sums *[Neurons]int16, rows []row) {
	if len(rows) == 0 {
		return
	}
	if vectors {
		integrateAVX2(sums, &rows[0], len(rows))
	} else {
		integrateGo(sums, rows)
	}
}

func update(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome) {
	if vectors {
		updateAVX2(v, sums, p, o)
	} else {
		updateGo(v, sums, p, o)
	}
}
