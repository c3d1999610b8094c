//go:build linux

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// eventLayers are layers of spikes: convolutions, transposed ones, and a product with a matrix.
var eventLayers = []struct {
	name                        string
	back                        bool
	k, stride, pad              int
	high, wide, in, out, images int
}{
	{"3x3/32@32x32", false, 3, 1, 1, 32, 32, 32, 32, 128},
	{"3x3/64@28x28", false, 3, 1, 1, 28, 28, 64, 64, 128},
	{"3x3/64@32x32", false, 3, 1, 1, 32, 32, 64, 64, 128},
	{"3x3/128@16x16", false, 3, 1, 1, 16, 16, 128, 128, 128},
	{"3x3/256@8x8", false, 3, 1, 1, 8, 8, 256, 256, 128},
	{"3x3/32@28x28-64", false, 3, 1, 1, 28, 28, 32, 64, 8},
	{"3x3s2/64@28x28-128", false, 3, 2, 1, 28, 28, 64, 128, 8},
	{"transposed4x4s2/128@14x14-64", true, 4, 2, 1, 14, 14, 128, 64, 8},
	{"1x1/128@28x28-64", false, 1, 1, 0, 28, 28, 128, 64, 8},
	{"matrix/512-512", false, 1, 1, 0, 1, 1, 512, 512, 512},
}

var densities = []float64{0.05, 0.1, 0.2, 0.4}

// BenchmarkEventProduct reports the operations that a dense product of the same shape has.
func BenchmarkEventProduct(b *testing.B) {
	for _, c := range eventLayers {
		r := rand.New(rand.NewPCG(1, 1))
		p := newProduct(c.back, c.k, c.stride, c.pad, c.high, c.wide, c.in, c.out, c.images, rough(r))
		packed := p.packed()
		weights, y := Aligned(len(packed)), Aligned(p.images*p.s.OutHigh*p.s.OutWide*p.s.Out)
		copy(weights, packed)
		for _, l := range levels() {
			e := NewEventProduct(l, p.s, p.images)
			var w Work
			w.GrowEvents(e.Memory())
			for _, d := range densities {
				x := bitsOf(random(len(p.x), firing(r, d)), c.high*c.wide*c.in)
				b.Run(fmt.Sprintf("%s/%v/%.0f%%", c.name, l, 100*d), func(b *testing.B) {
					rate(b, flop(p), func() {
						for u := range e.Units() {
							e.Run(&w, u, y, x, weights)
						}
					})
				})
			}
		}
	}
}

// BenchmarkEventSums reports the same for the derivative by the weights.
func BenchmarkEventSums(b *testing.B) {
	for _, c := range eventLayers {
		r := rand.New(rand.NewPCG(1, 1))
		p := newProduct(c.back, c.k, c.stride, c.pad, c.high, c.wide, c.in, c.out, c.images, rough(r))
		s := &p.s
		v := Window{High: s.High, Wide: s.Wide, In: s.In, OutHigh: s.OutHigh, OutWide: s.OutWide, Out: s.Out, Kernel: c.k, Stride: c.stride, Pad: c.pad}
		if c.back { // what a transposed convolution makes of spikes is the operand of the convolution
			v.High, v.Wide, v.In, v.OutHigh, v.OutWide, v.Out = s.OutHigh, s.OutWide, s.Out, s.High, s.Wide, s.In
		}
		numbers := Aligned(c.images * s.OutHigh * s.OutWide * s.Out)
		copy(numbers, random(len(numbers), rough(r)))
		for _, l := range levels() {
			e := NewEventSums(l, v, Batch{Steps: 1, N: c.images, Slots: 8}, !c.back)
			sums := Aligned(8 * e.Size())
			var w Work
			w.GrowEvents(e.Memory())
			for _, d := range densities {
				x := bitsOf(random(len(p.x), firing(r, d)), c.high*c.wide*c.in)
				a, z := x, Operand{Floats: numbers}
				if c.back {
					a, z = z, a
				}
				b.Run(fmt.Sprintf("%s/%v/%.0f%%", c.name, l, 100*d), func(b *testing.B) {
					rate(b, flop(p), func() {
						for u := range e.Units() {
							e.Run(&w, u, sums, a, z)
						}
					})
				})
			}
		}
	}
}

// flop returns how many multiplications and additions a product of numbers has.
func flop(p *product) float64 {
	pixels := p.s.OutHigh * p.s.OutWide
	if p.back {
		pixels = p.s.High * p.s.Wide
	}
	return 2 * float64(p.images*pixels*p.k*p.k*p.s.In*p.s.Out)
}
