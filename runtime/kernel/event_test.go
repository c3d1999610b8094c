package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// firing gives spikes of a density.
func firing(r *rand.Rand, density float64) func() float32 {
	return func() float32 {
		if r.Float64() < density {
			return 1
		}
		return 0
	}
}

// random returns n numbers.
func random(n int, next func() float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = next()
	}
	return x
}

// checkEvents compares every level with the definition and with dense products of the same bits, to the bit.
func (p *product) checkEvents(t failer) {
	t.Helper()
	want, packed := p.ordered(Generic, nil), p.packed() // the same at all levels
	x := bitsOf(p.x, p.s.High*p.s.Wide*p.s.In)
	for _, l := range levels() {
		e := NewEventProduct(l, p.s, p.images)
		var w Work
		w.GrowEvents(e.Memory())
		for range 2 { // what the first run leaves must not matter
			got := random(len(want), func() float32 { return float32(math.NaN()) })
			for u := range e.Units() {
				e.Run(&w, u, got, x, packed)
			}
			same(t, p.String()+" at "+l.String(), got, want)
		}
		same(t, p.String()+" as numbers at "+l.String(), p.run(l, true, nil), want)
	}
}

// checkEventSums compares, at every level and to the bit, the derivative by the weights of a convolution where its operand
// (back) or its gradient is spikes with the definition.
func (p *product) checkEventSums(t failer, r *rand.Rand, density float64, back bool, b Batch) {
	t.Helper()
	x, dy := rough(r), firing(r, density)
	if back {
		x, dy = dy, x
	}
	q := newWeightSums(Window{High: p.s.High, Wide: p.s.Wide, In: p.s.In, Out: p.s.Out, Kernel: p.k, Stride: p.stride, Pad: p.pad}, b, x, dy)
	want := q.ordered(Generic) // the same at all levels
	xs, dys := Operand{Floats: q.x}, Operand{Floats: q.dy}
	in, out := q.In, q.Out
	if back {
		xs = bitsOf(q.x, q.High*q.Wide*q.In)
	} else {
		dys = bitsOf(q.dy, q.OutHigh*q.OutWide*q.Out)
		in, out = out, in
	}
	taps := q.Kernel * q.Kernel
	for _, l := range levels() {
		e := NewEventSums(l, q.Window, b, back)
		var w Work
		w.GrowEvents(e.Memory())
		got := random(b.Slots*e.Size(), rough(r))
		for u := range e.Units() {
			e.Run(&w, u, got, xs, dys)
		}
		for slot := range b.Slots {
			for at := range taps * in * out {
				tap, i, o := at/out/in, at/out%in, at%out
				c, d := i, o
				if !back {
					c, d = o, i
				}
				g, w := got[slot*e.Size()+sumPlace(taps, in, out, tap, i, o)], want[slot*q.size()+sumPlace(taps, q.In, q.Out, tap, c, d)]
				if g != w {
					t.Fatalf("%s, x fires %v, slot %d of %d at %v: sum %d, %d, %d is %v, want %v", p, back, slot, b.Slots, l, tap, i, o, g, w)
				}
			}
		}
	}
}

// Every small shape.
func TestEvents(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for _, back := range []bool{false, true} {
		for k := 1; k <= 5; k++ {
			for stride := 1; stride <= 3; stride++ {
				for pad := 0; pad < min(k, 3); pad++ {
					for size := 1; size <= 5; size++ {
						wide := 1 + (size+k)%5
						if !back && min(size, wide)+2*pad < k || back && (min(size, wide)-1)*stride+k <= 2*pad {
							continue
						}
						p := newProduct(back, k, stride, pad, size, wide, 1+r.IntN(9), 1+r.IntN(19), 1+size%2, rough(r))
						if !back {
							p.checkEventSums(t, r, 0.4, size%2 == 0, Batch{Steps: 2, N: 1 + stride, Slots: 1 + 7*(k%2)})
							p.checkEventSums(t, r, 0.4, size%2 != 0, Batch{Steps: 1, N: 1, Slots: 1})
						}
						p.x = random(len(p.x), firing(r, 0.4))
						p.checkEvents(t)
					}
				}
			}
		}
	}
}

// Odd shapes, blocks and tiles of columns of every width, any density.
func TestEventsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		k, stride := draw("k", 1, 5), draw("stride", 1, 3)
		pad := draw("pad", 0, k-1)
		back := rapid.Bool().Draw(t, "back")
		high, wide := draw("high", k, 7), draw("wide", k, 7)
		channels := rapid.SampledFrom([]int{1, 3, 8, 16, 17, 32, 40, 48, 63, 64, 65, 80, 112, 130})
		in, out, images := channels.Draw(t, "in"), channels.Draw(t, "out"), draw("images", 1, 3)
		switch draw("large", 0, 9) {
		case 0: // images in bands
			wide, in, out, images = 60, 5, 5, 1
		case 1: // many images together
			high, wide, in, out, images = k, k, 5, 20, 30
		}
		density := rapid.SampledFrom([]float64{0, 0.05, 0.2, 0.9, 1}).Draw(t, "density")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		p := newProduct(back, k, stride, pad, high, wide, in, out, images, rough(r))
		if p.s.OutHigh < 1 || p.s.OutWide < 1 {
			t.Skip()
		}
		if !back {
			b := Batch{Steps: images, N: draw("examples", 1, 4), Slots: 1 + 7*draw("slots", 0, 1)}
			p.checkEventSums(t, r, density, rapid.Bool().Draw(t, "x fires"), b)
		}
		p.x = random(len(p.x), firing(r, density))
		p.checkEvents(t)
	})
}

// Rows that no call of assembly computes at once, products with a matrix, pixels next to each other.
func TestEventsLong(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for _, p := range []*product{
		newProduct(false, 3, 1, 1, 1, 900, 520, 16, 1, rough(r)),
		newProduct(false, 1, 1, 0, 1, 1, 700, 90, 300, rough(r)),
		newProduct(false, 1, 1, 0, 1, 7, 33, 10, 9, rough(r)),
		newProduct(false, 1, 1, 0, 3, 5, 64, 200, 2, rough(r)),
	} {
		p.checkEventSums(t, r, 0.02, true, Batch{Steps: 1, N: p.images, Slots: 1})
		p.x = random(len(p.x), firing(r, 0.02))
		p.checkEvents(t)
	}
}

// Events pay where few of many channels fire, not where there is but one channel or where most fire.
func TestEventsPay(t *testing.T) {
	for _, l := range levels() {
		for _, c := range []struct {
			in, out int
			share   float64
			want    bool
		}{{64, 64, 0.1, true}, {32, 32, 0.2, true}, {256, 256, 0.3, true}, {1, 32, 0.01, l == Generic}, {64, 64, 0.95, l == Generic}} {
			p := newProduct(false, 3, 1, 1, 14, 14, c.in, c.out, 8, func() float32 { return 0 })
			v := Window{High: 14, Wide: 14, In: c.in, OutHigh: 14, OutWide: 14, Out: c.out, Kernel: 3, Stride: 1, Pad: 1}
			if got := NewEventProduct(l, p.s, 8).Pays(c.share); got != c.want {
				t.Errorf("%v: a product of %d channels to %d, of which %v fire, pays: %v", l, c.in, c.out, c.share, got)
			}
			if got := NewEventSums(l, v, Batch{Steps: 1, N: 8, Slots: 8}, true).Pays(c.share); got != c.want {
				t.Errorf("%v: sums of %d channels to %d, of which %v fire, pay: %v", l, c.in, c.out, c.share, got)
			}
		}
	}
}
