package kernel

import (
	"math"
	"math/bits"
)

// bytes holds for each byte its bits as the numbers 0 and 1. It is read only.
var bytes = func() (t [256][8]float32) {
	for b := range t {
		for k := range 8 {
			t[b][k] = float32(b >> k & 1)
		}
	}
	return t
}()

// Unpack writes len(d) bits of src from bit `from` on as the numbers 0 and 1.
func Unpack(d []float32, src []uint64, from int) {
	for len(d) > 0 {
		word, n := src[from/64]>>(from%64), 64-from%64
		if n == 64 && len(d) >= 64 {
			for k := 0; k < 64; k += 8 {
				*(*[8]float32)(d[k:]) = bytes[byte(word>>k)]
			}
		} else {
			n = min(n, len(d))
			for k := range d[:n] {
				d[k] = math.Float32frombits(uint32(word>>k&1) * one)
			}
		}
		d, from = d[n:], from+n
	}
}

// Pack writes x, which is 0 and 1, as bits from a whole word on. The rest of the last word becomes 0.
func Pack(d []uint64, x []float32) {
	for len(x) >= 64 {
		var word uint64
		for k := 0; k < 64; k += 8 {
			z := (*[8]float32)(x[k:])
			word |= uint64(set(z[0])|set(z[1])<<1|set(z[2])<<2|set(z[3])<<3|set(z[4])<<4|set(z[5])<<5|set(z[6])<<6|set(z[7])<<7) << k
		}
		d[0] = word
		d, x = d[1:], x[64:]
	}
	if len(x) > 0 {
		var word uint64
		for k, v := range x {
			word |= uint64(set(v)) << k
		}
		d[0] = word
	}
}

// set is the bit of the number 0 or 1: its exponent's.
func set(v float32) uint32 { return math.Float32bits(v) >> 29 }

// Bit returns bit i.
func Bit(b []uint64, i int) uint64 { return b[i/64] >> (i % 64) & 1 }

// BitField returns n bits from bit `from` on, n from 1 to 64.
func BitField(b []uint64, from, n int) uint64 {
	i, k := from/64, from%64
	word := b[i] >> k
	if k+n > 64 {
		word |= b[i+1] << (64 - k)
	}
	return word & (^uint64(0) >> (64 - n))
}

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

// ScatterBits sets the bit targets[i] of d for each bit i of x that is set, none where that is negative. The others of d
// stay as they are.
func ScatterBits(d, x []uint64, targets []int32) {
	for k, word := range x {
		for word != 0 {
			i := k*64 + bits.TrailingZeros64(word)
			word &= word - 1
			if at := targets[i]; at >= 0 {
				d[at/64] |= 1 << (at % 64)
			}
		}
	}
}
