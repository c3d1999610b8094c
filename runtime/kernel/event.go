package kernel

import (
	"math/bits"
	"unsafe"
)

// events is the memory of a worker for products with spikes, event by event.
type events struct {
	list   []uint32  // channels of spikes, pixel by pixel; or places in part, channel by channel
	starts []uint32  // where in list each pixel's begin
	ends   []uint32  // where in list each channel's end
	part   []float32 // results of a few columns, or a few columns of what is added
	spare  []float32 // a row of a result that is not there
	pixels listArgs
	row    rowArgs
	square squareArgs
	cut    [2]uint32 // where in list a part of a pixel's or a channel's events lies
	split  splitArgs
	window windowArgs
}

// listArgs is the argument block of the assembly that lists the spikes of pixels.
type listArgs struct {
	list, starts *uint32
	from         *byte
	n            int // of spikes listed before, and then of all
	words        int // of 16 bits a pixel has
	count        int // pixels
	lanes        [16]uint32
}

// EventMemory is how much memory of a worker products with spikes need.
type EventMemory struct{ list, starts, ends, part, spare int }

// Max returns what is enough for both.
func (m EventMemory) Max(o EventMemory) EventMemory {
	return EventMemory{max(m.list, o.list), max(m.starts, o.starts), max(m.ends, o.ends), max(m.part, o.part), max(m.spare, o.spare)}
}

// GrowEvents makes w large enough for products with spikes.
func (w *Work) GrowEvents(s EventMemory) {
	const slack = 16 // lists are written so many at a time
	grow := func(x *[]uint32, n int) {
		if n > len(*x) {
			*x = make([]uint32, n)
		}
	}
	grow(&w.events.list, s.list+slack)
	grow(&w.events.starts, s.starts)
	grow(&w.events.ends, s.ends)
	w.events.pixels.number(0)
	if s.part > len(w.events.part) {
		w.events.part = Aligned(s.part)
	}
	if s.spare > len(w.events.spare) {
		w.events.spare = Aligned(s.spare)
	}
}

// listCycles is what listing sixteen channels takes.
const listCycles = 16

// number sets the channels that the first sixteen are.
func (a *listArgs) number(words int) {
	for k := range a.lanes {
		a.lanes[k] = uint32(16*words + k)
	}
}

// listPixels lists the spikes of some pixels next to each other, whose bits begin at bit `at`, from place n of the list on:
// their channels, and in starts where each pixel's begin. It returns where they end.
func (e *events) listPixels(l Level, x []uint64, at, pixels, channels int, starts []uint32, n uint32) uint32 {
	starts = starts[:pixels]
	if list := listKernel(l); list != nil && channels%16 == 0 && at%16 == 0 {
		_ = BitField(x, at+pixels*channels-16, 16)
		a := &e.pixels
		a.list, a.n = &e.list[0], int(n)
		call := func(pixel, word, count, words int) {
			a.from = (*byte)(unsafe.Add(unsafe.Pointer(&x[0]), at/8+2*(pixel*channels/16+word)))
			a.count, a.words = count, words
			list((*byte)(unsafe.Pointer(a)))
		}
		words := channels / 16
		if most := ofOneCall(words, listCycles); words > most { // pixels part by part
			for i := range starts {
				starts[i] = uint32(a.n)
				a.starts = &e.cut[0]
				for w := 0; w < words; w += most {
					a.number(w)
					call(i, w, 1, min(most, words-w))
				}
			}
			a.number(0)
			return uint32(a.n)
		}
		most := ofOneCall(pixels, breakCycles+words*listCycles)
		for i := 0; i < pixels; i += most {
			a.starts = &starts[i]
			call(i, 0, min(most, pixels-i), words)
		}
		return uint32(a.n)
	}
	for i := range starts {
		starts[i] = n
		n = e.listPixel(x, at+i*channels, channels, n)
	}
	return n
}

// listPixel lists the spikes of a pixel. It writes eight at a time, whether there are so many or not: how many follow is hard
// to foresee.
func (e *events) listPixel(x []uint64, at, channels int, n uint32) uint32 {
	for o := 0; o < channels; o += 64 {
		word := BitField(x, at+o, min(64, channels-o))
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
