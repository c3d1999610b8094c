package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// levels returns the levels that this processor has.
func levels() []Level {
	var list []Level
	for l := range best() + 1 {
		list = append(list, l)
	}
	return list
}

// product is a convolution, or its transpose, with random operands.
type product struct {
	back           bool
	k, stride, pad int
	s              Shape
	images         int
	x, w           []float32 // w by [out][in][ky][kx]
}

// newProduct returns a convolution of images of high x wide pixels. fill gives its numbers.
func newProduct(back bool, k, stride, pad, high, wide, in, out, images int, fill func() float32) *product {
	p := &product{back: back, k: k, stride: stride, pad: pad, images: images}
	oh, ow := (high+2*pad-k)/stride+1, (wide+2*pad-k)/stride+1
	if back {
		oh, ow = (high-1)*stride+k-2*pad, (wide-1)*stride+k-2*pad
	}
	p.s = Shape{High: high, Wide: wide, In: in, OutHigh: oh, OutWide: ow, Out: out}
	p.s.Phases = Phases(back, k, stride, pad, oh, ow, in*PackedColumns(out))
	p.x, p.w = make([]float32, images*high*wide*in), make([]float32, out*in*k*k)
	for _, x := range [][]float32{p.x, p.w} {
		for i := range x {
			x[i] = fill()
		}
	}
	return p
}

// packed lays the weights out.
func (p *product) packed() []float32 {
	var d []float32
	s := &p.s
	for _, f := range s.Phases {
		for b := 0; b*Block < PackedColumns(s.Out); b++ {
			for _, tap := range f.Taps {
				for c := range s.In {
					for o := range BlockColumns(s.Out, b) {
						v := float32(0)
						if o += b * Block; o < s.Out {
							v = p.w[(o*s.In+c)*p.k*p.k+tap]
						}
						d = append(d, v)
					}
				}
			}
		}
	}
	return append(d, 0) // a product without taps has weights to point at
}

// meets calls do for each pair of a pixel of the operand and one of the result that a tap connects, result by result in the
// order of sums.
func (p *product) meets(do func(y, x, oy, ox, tap int)) {
	s := &p.s
	near := func(o, size int) (from, to int) { // no others can meet
		if p.back {
			return max(0, (o+p.pad-p.k)/p.stride), min(size, (o+p.pad)/p.stride+1)
		}
		return max(0, o*p.stride-p.pad), min(size, o*p.stride-p.pad+p.k)
	}
	for oy := range s.OutHigh {
		top, bottom := near(oy, s.High)
		for ox := range s.OutWide {
			left, right := near(ox, s.Wide)
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					ky, kx := y-oy*p.stride+p.pad, x-ox*p.stride+p.pad
					if p.back {
						ky, kx = oy-y*p.stride+p.pad, ox-x*p.stride+p.pad
					}
					if ky >= 0 && ky < p.k && kx >= 0 && kx < p.k {
						do(y, x, oy, ox, ky*p.k+kx)
					}
				}
			}
		}
	}
}

// ordered is the result at a level by the definition: each sum in single precision, begun with start where that is not nil,
// over the pixels that the result sees, in their order, and over their channels.
func (p *product) ordered(l Level, start []float32) []float32 {
	s := &p.s
	y := make([]float32, p.images*s.OutHigh*s.OutWide*s.Out)
	copy(y, start)
	taps := p.k * p.k
	w := make([]float32, len(p.w)) // by [ky][kx][in][out]
	for i, v := range p.w {
		w[(i%taps*s.In+i/taps%s.In)*s.Out+i/taps/s.In] = v
	}
	p.meets(func(iy, ix, oy, ox, tap int) {
		for n := range p.images {
			out := y[((n*s.OutHigh+oy)*s.OutWide+ox)*s.Out:][:s.Out]
			for c, v := range p.x[((n*s.High+iy)*s.Wide+ix)*s.In:][:s.In] {
				for o, w := range w[(tap*s.In+c)*s.Out:][:s.Out] {
					out[o] = multiplyAdd(l, v, w, out[o])
				}
			}
		}
	})
	return y
}

// multiplyAdd returns a * b + c, rounded as the kernels of a level do it.
func multiplyAdd(l Level, a, b, c float32) float32 {
	switch {
	case a == 0:
		return c
	case l == Generic:
		return float32(a*b) + c
	}
	// The product is exact. Its sum is rounded to odd, so that the second rounding sees which side of a half it is on.
	x, y := float64(a)*float64(b), float64(c)
	s := float64(x + y)
	back := float64(s - x)
	if rest := float64(x-float64(s-back)) + float64(y-back); rest != 0 && math.Float64bits(s)&1 == 0 {
		if (rest > 0) == (s > 0) {
			s = math.Float64frombits(math.Float64bits(s) + 1)
		} else {
			s = math.Float64frombits(math.Float64bits(s) - 1)
		}
	}
	return float32(s)
}

// TestMultiplyAdd: above Generic a product and a sum are rounded once. A sum that lies below the half of two numbers by
// 2^-70 is at that half in double precision, too.
func TestMultiplyAdd(t *testing.T) {
	above, below := float32(0x1p-12+0x1p-35), float32(0x1p-12-0x1p-35)
	for _, c := range []struct{ a, b, c, fused, apart float32 }{
		{above, below, 1 + 0x1p-23, 1 + 0x1p-23, 1 + 0x1p-22},
		{above, -below, -1 - 0x1p-23, -1 - 0x1p-23, -1 - 0x1p-22},
		{above, above, 1, 1 + 0x1p-23, 1 + 0x1p-23},
		{3, 5, 7, 22, 22},
		{1 + 0x1p-23, 1 - 0x1p-23, -1, -0x1p-46, 0},
	} {
		if f, g := multiplyAdd(AVX2, c.a, c.b, c.c), multiplyAdd(Generic, c.a, c.b, c.c); f != c.fused || g != c.apart {
			t.Errorf("%v * %v + %v is %v fused and %v apart, want %v and %v", c.a, c.b, c.c, f, g, c.fused, c.apart)
		}
	}
}

// run computes the product at a level, the operand as numbers or as bits, onto start where that is not nil. What it does
// not write stays NaN.
func (p *product) run(l Level, asBits bool, start []float32) []float32 {
	d := NewDense(l, p.s, p.images)
	d.Add = start != nil
	var w Work
	w.Grow(d.Scratch())
	for i := range w.floats {
		w.floats[i] = float32(math.NaN())
	}
	size := p.s.High * p.s.Wide * p.s.In
	x := Operand{Floats: p.x, Size: size}
	if asBits {
		x = bitsOf(p.x, size)
	}
	y := make([]float32, p.images*p.s.OutHigh*p.s.OutWide*p.s.Out)
	for i := range y {
		y[i] = float32(math.NaN())
	}
	copy(y, start)
	packed := p.packed()
	for u := range d.Units() {
		d.Run(&w, u, y, x, packed)
	}
	return y
}

// bitsOf packs rows of 0 and 1.
func bitsOf(x []float32, size int) Operand {
	words := (size + 63) / 64
	d := Operand{Bits: make([]uint64, len(x)/size*words), Size: size}
	for row := range len(x) / size {
		Pack(d.Bits[row*words:], x[row*size:(row+1)*size])
	}
	return d
}

// check compares every level with the definition, to the bit, alone and added to what is there; of spikes the operand is
// given as bits too.
func (p *product) check(t failer, spikes bool) {
	t.Helper()
	start := make([]float32, p.images*p.s.OutHigh*p.s.OutWide*p.s.Out)
	for i := range start {
		start[i] = float32(i%7) / 4
	}
	var want, added []float32
	for _, l := range levels() {
		if l < AVX512 { // which has the bits of AVX2
			want, added = p.ordered(l, nil), p.ordered(l, start)
		}
		same(t, fmt.Sprintf("%s at %v", p, l), p.run(l, false, nil), want)
		if spikes {
			same(t, fmt.Sprintf("%s at %v, as bits", p, l), p.run(l, true, nil), want)
		}
		same(t, fmt.Sprintf("%s at %v, added", p, l), p.run(l, spikes, start), added)
	}
}

func (p *product) String() string {
	return fmt.Sprintf("%d images of %dx%dx%d to %dx%dx%d by %d, stride %d, pad %d, back %v", p.images, p.s.High, p.s.Wide, p.s.In, p.s.OutHigh, p.s.OutWide,
		p.s.Out, p.k, p.stride, p.pad, p.back)
}

func same(t failer, what string, got, want []float32) {
	t.Helper()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// rough gives numbers whose sums depend on the order of summation.
func rough(r *rand.Rand) func() float32 {
	return func() float32 { return float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10))) }
}

// spike gives the numbers 0 and 1.
func spike(r *rand.Rand) func() float32 {
	return func() float32 { return float32(r.IntN(4) / 3) }
}

// Every small shape of a convolution and its transpose, strided or not, gives what ordered sums give.
func TestDenseSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, back := range []bool{false, true} {
		for k := 1; k <= 3; k++ {
			for stride := 1; stride <= 2; stride++ {
				for pad := 0; pad < k; pad++ {
					for size := 1; size <= 9; size++ {
						if size+2*pad < k || back && (size-1)*stride+k <= 2*pad {
							continue
						}
						in, out := 1+r.IntN(20), 1+r.IntN(20)
						switch r.IntN(6) {
						case 0:
							in = 33
						case 1:
							out = 33
						}
						images := 1 + r.IntN(3)
						newProduct(back, k, stride, pad, size, 1+r.IntN(9)+k, in, out, images, rough(r)).check(t, false)
						p := newProduct(back, k, stride, pad, size, size, out, in, images, rough(r))
						p.x = random(len(p.x), spike(r))
						p.check(t, true)
					}
				}
			}
		}
	}
}

// Odd shapes, wide ones among them, give what ordered sums give.
func TestDenseProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		k, stride := draw("k", 1, 5), draw("stride", 1, 3)
		pad := draw("pad", 0, k-1)
		back := rapid.Bool().Draw(t, "back")
		high, wide := draw("high", k, 12), draw("wide", k, 18)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		in, out, images := draw("in", 1, 70), draw("out", 1, 150), draw("images", 1, 20)
		if in*out*high*wide*images > 1<<15 {
			images = 1
		}
		p := newProduct(back, k, stride, pad, high, wide, in, out, images, rough(r))
		if p.s.OutHigh < 1 || p.s.OutWide < 1 {
			t.Skip()
		}
		p.check(t, false)
	})
}

// Images that do not fit the cache are cut into bands, channels out into parts, long sums into chunks.
func TestDenseCut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, back := range []bool{false, true} {
		for stride := 1; stride <= 2; stride++ {
			p := newProduct(back, 3, stride, 1, 65, 64, 50, 2, 1, rough(r))
			if d := NewDense(best(), p.s, p.images); d.bands < 2 {
				t.Errorf("%s: %d bands", p, d.bands)
			}
			p.check(t, false)
		}
	}
	p := newProduct(false, 3, 1, 1, 5, 4, 300, 200, 2, rough(r))
	if d := NewDense(best(), p.s, p.images); d.parts < 2 {
		t.Errorf("%s: %d parts", p, d.parts)
	}
	p.check(t, false)
	newProduct(false, 1, 1, 0, 1, 1, 9000, 70, 3, rough(r)).check(t, false)
	newProduct(false, 1, 1, 0, 66, 63, 3, 5, 1, spike(r)).check(t, true)
	newProduct(false, 1, 1, 0, 1, 1, 500, 70, 100, rough(r)).check(t, false)
}

// Tiles name places by 32 bits, from where a unit begins: those of batches of more than 2^31 numbers fit.
func TestDensePlaces(t *testing.T) {
	for _, c := range []struct {
		back                    bool
		k, stride, pad          int
		high, wide, in, out, of int
	}{
		{false, 3, 1, 1, 1024, 1024, 64, 64, 1 << 10},
		{false, 3, 2, 1, 4096, 4096, 32, 8, 4},
		{true, 4, 2, 1, 2048, 2048, 16, 64, 8},
		{true, 1, 8, 0, 256, 256, 1, 512, 64},
		{false, 1, 1, 0, 1, 1, 1 << 20, 1 << 10, 1 << 14},
		{false, 1, 1, 0, 60, 60, 4096, 4096, 1 << 10},
	} {
		p := product{back: c.back, k: c.k, stride: c.stride, pad: c.pad, images: c.of}
		p.s = Shape{High: c.high, Wide: c.wide, In: c.in, OutHigh: (c.high+2*c.pad-c.k)/c.stride + 1, OutWide: (c.wide+2*c.pad-c.k)/c.stride + 1, Out: c.out}
		if c.back {
			p.s.OutHigh, p.s.OutWide = (c.high-1)*c.stride+c.k-2*c.pad, (c.wide-1)*c.stride+c.k-2*c.pad
		}
		p.s.Phases = Phases(c.back, c.k, c.stride, c.pad, p.s.OutHigh, p.s.OutWide, c.in*PackedColumns(c.out))
		for _, l := range levels() {
			d := NewDense(l, p.s, c.of)
			size := p.s.OutHigh * p.s.OutWide * p.s.Out
			for _, f := range append(slices.Clone(d.whole), d.last...) {
				for _, tile := range f.lists {
					for i := 0; i < len(tile.pairs); i += 2 {
						if a, c := int(tile.pairs[i]), int(tile.pairs[i+1]); a < 0 || a >= d.group*d.distance || c < 0 || c >= d.group*size {
							t.Fatalf("%s at %v: a tile from %d to %d, of units of %d and %d", &p, l, a, c, d.group*d.distance, d.group*size)
						}
					}
				}
			}
		}
	}
}

// failer is a test, or one of rapid's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}
