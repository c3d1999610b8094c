//go:build !amd64 || noasm

package emulator

func integrate(sums, from *[Neurons]int16, rows []row) { integrateGo(sums, from, rows) }

func update(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome) { updateGo(v, sums, p, o) }

func updateNarrow(v, sums *[Neurons]int16, p *narrow, o *outcome) { updateNarrowGo(v, sums, p, o) }

func prefetchRows(*[Axons]set, *axonTypes, *uint8, int) {}

func prefetchSends(*[Neurons]send, *set) {}
