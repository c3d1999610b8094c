// Package rng gives random numbers that are a pure function of a key: there is no state to carry, to save or to share.
//
// The main type is Stream, made by New from a seed, a label and an iteration. A number is then addressed by the index of
// its example (not its slot in a batch) and by its element within that example, so neither the size of batches, nor the
// number of threads, nor a resumed run changes what is drawn; the same label in the same iteration gives the same numbers.
//
// # Layout
//
// Published results depend on what follows; it is fixed.
//
// The generator is Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011. It maps a counter of four 32-bit words under a key of two 32-bit words to four random words.
//
//	key      the first 8 bytes of SHA-256("snnc rng 1" 0x00, seed, iteration, label), read little-endian:
//	         k0 is the low half, k1 the high half; seed and iteration enter as 8 bytes little-endian, the label as its bytes
//	counter  c0, c1 = low and high half of block;   c2, c3 = low and high half of index
//
// Element e of an example comes from block e/4:
//
//	uniform      word e%4; its upper 24 bits times 2^-24, hence exact in float32 and the same number in float64
//	normal       words a = 2*((e%4)/2) and a+1 (Box and Muller 1958): u = (word a + 1) / 2^32 in (0, 1],
//	             v = word a+1 / 2^32, r = sqrt(-2 ln u); r cos(2 pi v) for even e, r sin(2 pi v) for odd e
//	permutation  index 0; the exchange of place i draws 64 bits from block i/2: words 2*(i%2) (low) and 2*(i%2)+1 (high)
//
// Logarithm, sine and cosine are computed here, each product rounded by itself, so that every processor gives the same
// bits whether or not it has fused multiply-add.
//
// Any package may import this one; it imports nothing of ours.
package rng
