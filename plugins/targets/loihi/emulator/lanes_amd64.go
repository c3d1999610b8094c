//go:build amd64 && !noasm

package emulator

import "golang.org/x/sys/cpu"

//go:noescape
func computeAVX2(x *lanes)

var vectors = cpu.X86.HasAVX2

// compute is computeGo.
func (x *lanes) compute() {
	if vectors {
		x.fired[(max(len(x.u), 1)-1)/64] = 0 // bytes are written, and the last word may have fewer than eight
		computeAVX2(x)
	} else {
		x.computeGo()
	}
}

//go:noescape
func prefetchRows(first *int32, words *uint32, spikes *int32, n int)

// prefetch asks for the memory of rows that are read soon.
func (x *packed) prefetch(spikes []int32) {
	if len(spikes) > 0 && len(x.words) > 0 {
		prefetchRows(&x.first[0], &x.words[0], &spikes[0], len(spikes))
	}
}
