package emulator

import "math/bits"

// draws gives the random numbers of a neuron at a tick: a pure function of the seed, where the core lies, the neuron's place, the tick
// and which draw it is. They come from Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011), whose counter holds all but the seed: 16 draws of 8 bits in a block. The generator of the chip is not published.
type draws struct {
	seed        uint64
	core, place uint32
	tick        uint32
	block       uint32 // one more than the number of the block that words are; 0: nothing was drawn
	words       [4]uint32
	fixed       *uint32 // every word, in tests
}

// The draws of a neuron at a tick: one for each axon, then these.
const (
	leakDraw      = Axons
	thresholdDraw = Axons + 4 // the word behind that of the leak
)

func (d *draws) load(draw uint32) {
	if d.fixed != nil {
		d.block, d.words = 1, [4]uint32{*d.fixed, *d.fixed, *d.fixed, *d.fixed}
		return
	}
	if b := draw/16 + 1; d.block != b {
		d.block = b
		d.words = philox([4]uint32{d.tick, d.place | b<<8, d.core, 0}, uint32(d.seed), uint32(d.seed>>32))
	}
}

// byte returns a draw as ρ, uniform over 0 to 255.
func (d *draws) byte(draw uint32) int32 {
	d.load(draw)
	return int32(d.words[draw%16/4] >> (draw % 4 * 8) & 255)
}

// word returns a draw as 32 bits.
func (d *draws) word(draw uint32) uint32 {
	d.load(draw)
	return d.words[draw%16/4]
}

// philox is Philox4x32-10.
func philox(c [4]uint32, k0, k1 uint32) [4]uint32 {
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, c[0])
		h1, l1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k0, l1, h0 ^ c[3] ^ k1, l0}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}
