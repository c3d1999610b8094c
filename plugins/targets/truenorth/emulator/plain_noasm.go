//go:build !amd64 || noasm

package emulator

func integrate(sums *[Neurons]int16, rows []row) { integrateGo(sums, rows) }

func update(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome) { updateGo(v, sums, p, o) }
