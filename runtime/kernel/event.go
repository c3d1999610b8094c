package kernel

import "math/bits"

// events is the memory of a worker for products with spikes, event by event.
type events struct {
	list   []uint32  // channels of spikes, pixel by pixel; or places in part, channel by channel
	starts []uint32  // where in list each pixel's begin
	counts []uint32  // how many each channel has
	part   []float32 // results of a few columns, or a few columns of what is added
	row    rowArgs
	window windowArgs
}

// EventSize is how much memory products with spikes need.
type EventSize struct{ list, starts, counts, part int }

// GrowEvents makes w large enough for products with spikes.
func (w *Work) GrowEvents(s EventSize) {
	const slack = 8 // channels writes that many at a time
	grow := func(x *[]uint32, n int) {
		if n > len(*x) {
			*x = make([]uint32, n)
		}
	}
	grow(&w.events.list, s.list+slack)
	grow(&w.events.starts, s.starts)
	grow(&w.events.counts, s.counts)
	if s.part > len(w.events.part) {
		w.events.part = Aligned(s.part)
	}
}

// bitsAt returns n bits of b from bit `at` on; n is at most 64.
func bitsAt(b []uint64, at, n int) uint64 {
	word := b[at/64] >> (at % 64)
	if n == 64 && at%64 == 0 {
		return word
	}
	if at%64+n > 64 {
		word |= b[at/64+1] << (64 - at%64)
	}
	return word & (^uint64(0) >> (64 - n))
}

// channels lists the bits that are set among those of a pixel, which begin at bit `at`, from place n of the list on, and
// returns where they end. It writes eight at a time, whether there are so many or not: how many follow is hard to foresee.
func (e *events) channels(b []uint64, at, channels int, n uint32) uint32 {
	for o := 0; o < channels; o += 64 {
		word := bitsAt(b, at+o, min(64, channels-o))
		count := bits.OnesCount64(word)
		for i := 0; i < count; i += 8 {
			d := (*[8]uint32)(e.list[int(n)+i:])
			for k := range d {
				d[k] = uint32(o + bits.TrailingZeros64(word))
				word &= word - 1
			}
		}
		n += uint32(count)
	}
	return n
}

// Count returns how many bits of b are set.
func Count(b []uint64) int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// addRows adds rows of len(acc) elements of base to acc, one after another in the order of the list, which has their numbers;
// they lie pitch elements apart. It is what the kernels of this file do, in plain Go.
func addRows(acc, base []float32, list []uint32, pitch int) {
	n := len(acc)
	for len(list) >= 8 {
		o := list[:8:8]
		r0, r1, r2, r3 := base[int(o[0])*pitch:][:n], base[int(o[1])*pitch:][:n], base[int(o[2])*pitch:][:n], base[int(o[3])*pitch:][:n]
		r4, r5, r6, r7 := base[int(o[4])*pitch:][:n], base[int(o[5])*pitch:][:n], base[int(o[6])*pitch:][:n], base[int(o[7])*pitch:][:n]
		for j := range acc {
			acc[j] = acc[j] + r0[j] + r1[j] + r2[j] + r3[j] + r4[j] + r5[j] + r6[j] + r7[j]
		}
		list = list[8:]
	}
	if len(list) >= 4 {
		o := list[:4:4]
		r0, r1, r2, r3 := base[int(o[0])*pitch:][:n], base[int(o[1])*pitch:][:n], base[int(o[2])*pitch:][:n], base[int(o[3])*pitch:][:n]
		for j := range acc {
			acc[j] = acc[j] + r0[j] + r1[j] + r2[j] + r3[j]
		}
		list = list[4:]
	}
	for _, o := range list {
		r0 := base[int(o)*pitch:][:n]
		for j := range acc {
			acc[j] += r0[j]
		}
	}
}
