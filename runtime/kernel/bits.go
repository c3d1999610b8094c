package kernel

import (
	"math"
	"math/bits"
)

// Unpack writes len(d) bits of src from bit `from` on as the numbers 0 and 1.
func Unpack(d []float32, src []uint64, from int) {
	i := 0
	for i < len(d) {
		at := from + i
		word := src[at/64] >> (at % 64)
		n := min(64-at%64, len(d)-i)
		for k := range d[i : i+n] {
			d[i+k] = math.Float32frombits(-uint32(word>>k&1) & one)
		}
		i += n
	}
}

// Pack writes x, which is 0 and 1, as bits from a whole word on. The rest of the last word becomes 0.
func Pack(d []uint64, x []float32) {
	for w := range d[:(len(x)+63)/64] {
		part := x[w*64 : min(w*64+64, len(x))]
		var word uint64
		for k, v := range part {
			word |= uint64(math.Float32bits(v)>>29&1) << k
		}
		d[w] = word
	}
}

// Bit returns bit i.
func Bit(b []uint64, i int) uint64 { return b[i/64] >> (i % 64) & 1 }

// CopyBits copies n bits of src from bit `from` on over those of d from bit `to` on.
func CopyBits(d []uint64, to int, src []uint64, from, n int) {
	for n > 0 {
		k := min(64-to%64, 64-from%64, n)
		mask := ^uint64(0) >> (64 - k)
		word := src[from/64] >> (from % 64) & mask
		d[to/64] = d[to/64]&^(mask<<(to%64)) | word<<(to%64)
		to, from, n = to+k, from+k, n-k
	}
}

// Events writes the numbers of the bits that are set, in order, times scale, to d and returns them.
func Events(d []int32, src []uint64, scale int32) []int32 {
	d = d[:0]
	for w, word := range src {
		base := int32(w * 64)
		for word != 0 {
			d = append(d, (base+int32(bits.TrailingZeros64(word)))*scale)
			word &= word - 1
		}
	}
	return d
}
