package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
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
	for oy := range s.OutHigh {
		for ox := range s.OutWide {
			for y := range s.High {
				for x := range s.Wide {
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

// judge returns the result in double precision and the sum of the terms' magnitudes.
func (p *product) judge() (y, size []float64) {
	s := &p.s
	y, size = make([]float64, p.images*s.OutHigh*s.OutWide*s.Out), make([]float64, p.images*s.OutHigh*s.OutWide*s.Out)
	p.meets(func(iy, ix, oy, ox, tap int) {
		for n := range p.images {
			for o := range s.Out {
				at := ((n*s.OutHigh+oy)*s.OutWide+ox)*s.Out + o
				for c := range s.In {
					v := float64(p.x[((n*s.High+iy)*s.Wide+ix)*s.In+c]) * float64(p.w[(o*s.In+c)*p.k*p.k+tap])
					y[at] += v
					size[at] += math.Abs(v)
				}
			}
		}
	})
	return y, size
}

// run computes the product at a level, the operand as numbers or as bits, onto start where that is not nil. What it does not write
// stays NaN.
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

// check compares the levels with the judge: every result is within the error that sums of so many terms have.
func (p *product) check(t failer) {
	t.Helper()
	want, size := p.judge()
	terms := float64(p.k*p.k*p.s.In + 1)
	var last []float32
	for _, l := range levels() {
		got := p.run(l, false, nil)
		for i, v := range got {
			if e := math.Abs(float64(v) - want[i]); !(e <= terms*0x1p-24*size[i]*1.01+1e-36) {
				t.Fatalf("%s at %v: result %d is %v, want %v", p, l, i, v, want[i])
			}
		}
		if l == AVX512 {
			same(t, fmt.Sprint(p, " at avx512 as at avx2"), got, last)
		}
		last = got
	}
}

// checkGrid compares the levels where sums are exact.
func (p *product) checkGrid(t failer, spikes bool) {
	t.Helper()
	want, _ := p.judge()
	start := make([]float32, len(want))
	for i := range start {
		start[i] = float32(i%7) / 4
	}
	for _, l := range levels() {
		for i, v := range p.run(l, spikes, start) {
			if float64(v) != want[i]+float64(start[i]) {
				t.Fatalf("%s at %v, added: result %d is %v, want %v", p, l, i, v, want[i]+float64(start[i]))
			}
		}
		for _, asBits := range []bool{false, true} {
			if asBits && !spikes {
				continue
			}
			for i, v := range p.run(l, asBits, nil) {
				if float64(v) != want[i] {
					t.Fatalf("%s at %v, bits %v: result %d is %v, want %v", p, l, asBits, i, v, want[i])
				}
			}
		}
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

// normal, grid and spike give the numbers of operands.
func normal(r *rand.Rand) func() float32 { return func() float32 { return float32(r.NormFloat64()) } }
func grid(r *rand.Rand) func() float32   { return func() float32 { return float32(r.IntN(17)-8) / 4 } }
func spike(r *rand.Rand) func() float32 {
	return func() float32 { return float32(r.IntN(4) / 3) }
}

// Every small shape of a convolution and its transpose, strided or not, gives what plain sums give.
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
						newProduct(back, k, stride, pad, size, 1+r.IntN(9)+k, in, out, images, grid(r)).checkGrid(t, false)
						newProduct(back, k, stride, pad, size, size, in, out, images, spike(r)).checkGrid(t, true)
						newProduct(back, k, stride, pad, size, size, out, in, images, normal(r)).check(t)
					}
				}
			}
		}
	}
}

// Odd shapes, wide ones among them, give what plain sums give.
func TestDenseProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		k, stride := draw("k", 1, 5), draw("stride", 1, 3)
		pad := draw("pad", 0, k-1)
		back := rapid.Bool().Draw(t, "back")
		high, wide := draw("high", k, 12), draw("wide", k, 18)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		in, out, images := draw("in", 1, 70), draw("out", 1, 150), draw("images", 1, 20)
		if in*out*high*wide*images > 1<<21 {
			images = 1
		}
		p := newProduct(back, k, stride, pad, high, wide, in, out, images, grid(r))
		if p.s.OutHigh < 1 || p.s.OutWide < 1 {
			t.Skip()
		}
		p.checkGrid(t, false)
	})
}

// Images that do not fit the cache are cut into bands, channels out into parts, long sums into chunks.
func TestDenseCut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, back := range []bool{false, true} {
		for stride := 1; stride <= 2; stride++ {
			p := newProduct(back, 3, stride, 1, 65, 64, 68, 3, 2, grid(r))
			if d := NewDense(best(), p.s, p.images); d.bands < 2 {
				t.Errorf("%s: %d bands", p, d.bands)
			}
			p.checkGrid(t, false)
		}
	}
	p := newProduct(false, 3, 1, 1, 5, 4, 300, 200, 2, grid(r))
	if d := NewDense(best(), p.s, p.images); d.parts < 2 {
		t.Errorf("%s: %d parts", p, d.parts)
	}
	p.checkGrid(t, false)
	newProduct(false, 1, 1, 0, 1, 1, 9000, 70, 3, grid(r)).checkGrid(t, false)
	newProduct(false, 1, 1, 0, 66, 63, 3, 5, 1, spike(r)).checkGrid(t, true)
	newProduct(false, 1, 1, 0, 1, 1, 500, 70, 100, grid(r)).checkGrid(t, false)
}

// failer is a test, or one of rapid's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}
