package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestLongRows: shapes whose work is cut because one call of assembly would take too long give the same bits as others: long lists
// of spikes, pixels with many channels, rows of many pixels.
func TestLongRows(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, c := range []struct{ k, wide, in, out int }{
		{1, 1, 320_000, 16}, // a pixel is listed in parts, and its events are added in parts
		{1, 400, 1024, 17},  // rows of pixels are cut
		{3, 6000, 16, 16},   // no room for windows of 3 x 3 in one call
	} {
		p := newProduct(false, c.k, 1, c.k/2, 1, c.wide, c.in, c.out, 1, firing(r, 0.2))
		copy(p.w, random(len(p.w), rough(r)))
		p.checkEvents(t)
	}
	p := newProduct(false, 3, 1, 1, 1, 16_000, 17, 9, 1, rough(r)) // a band is a row, and a channel's events are cut
	p.checkEventSums(t, r, 0.9, true, Batch{Steps: 1, N: 1, Slots: 1})
	numbers := rough(r)
	v := Window{High: 1, Wide: 16_000, In: 17, Out: 9, Kernel: 3, Stride: 1, Pad: 1}
	newWeightSums(v, Batch{Steps: 1, N: 2, Slots: 1}, numbers, numbers).check(t, false, false)
	// The products of a window do not fit one call.
	p = newProduct(false, 5, 1, 2, 2, 2, 1000, 16, 1, numbers)
	p.check(t, false)
}
