package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

func TestTmp(b *testing.T) {
	runtime.LockOSThread()
	for _, in := range []int{16, 32, 64, 96} {
		r := rand.New(rand.NewPCG(1, 1))
		p := newProduct(false, 3, 1, 1, 28, 28, in, 64, 8, rough(r))
		packed := p.packed()
		weights, y := Aligned(len(packed)), Aligned(p.images*p.s.OutHigh*p.s.OutWide*p.s.Out)
		copy(weights, packed)
		for _, taps := range []int{1, 3} {
			line := fmt.Sprintf("in%d/taps%d", in, taps)
			for _, d := range []float64{0, 0.05, 0.1, 0.2, 0.4, 1} {
				e := NewEventProduct(AVX512, p.s, p.images)
				e.taps = taps
				var w Work
				w.GrowEvents(e.Size())
				x := bitsOf(random(len(p.x), firing(r, d)), 28*28*in)
				n := Count(x.Bits)
				med := func(f func()) float64 {
					var v []float64
					f()
					for range 9 {
						t := threadTime()
						f()
						v = append(v, float64(threadTime()-t))
					}
					slices.Sort(v)
					return v[len(v)/2]
				}
				list := med(func() {
					for u := range e.Units() {
						e.list(&w.events, x.Bits[u*len(x.Bits)/8:], 1)
					}
				})
				all := med(func() {
					for u := range e.Units() {
						e.Run(&w, u, y, x.Bits, weights)
					}
				})
				cols := float64(8 * 28 * 28 * 3)
				line += fmt.Sprintf(" | %.2f: list %.1f/px run %.1f/col %.2f/ev", d, list*3.7/cols*3, (all-list)*3.7/cols, (all-list)*3.7/float64(3*n))
			}
			fmt.Println(line)
		}
	}
}
