package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// weightSums is a batch of a convolution's operand and of the derivative by its result.
type weightSums struct {
	Window
	Batch
	x, dy []float32
}

func newWeightSums(v Window, b Batch, x, dy func() float32) *weightSums {
	v.OutHigh, v.OutWide = (v.High+2*v.Pad-v.Kernel)/v.Stride+1, (v.Wide+2*v.Pad-v.Kernel)/v.Stride+1
	p := &weightSums{Window: v, Batch: b}
	p.x, p.dy = make([]float32, b.Steps*b.N*v.High*v.Wide*v.In), make([]float32, b.Steps*b.N*v.OutHigh*v.OutWide*v.Out)
	for i := range p.x {
		p.x[i] = x()
	}
	for i := range p.dy {
		p.dy[i] = dy()
	}
	return p
}

// judge returns the sums of all slots in double precision, and of the terms' magnitudes, in the order of packed weights.
func (p *weightSums) judge() (d, size []float64) {
	taps, one := p.Kernel*p.Kernel, p.Kernel*p.Kernel*p.In*PackedColumns(p.Out)
	d, size = make([]float64, p.Slots*one), make([]float64, p.Slots*one)
	for slot := range p.Slots {
		from, to := p.slot(slot)
		for image := range p.Steps * p.N {
			if n := image % p.N; n < from || n >= to {
				continue
			}
			for i := range p.OutHigh * p.OutWide * taps {
				tap, pixel := i%taps, i/taps
				y, x := pixel/p.OutWide*p.Stride-p.Pad+tap/p.Kernel, pixel%p.OutWide*p.Stride-p.Pad+tap%p.Kernel
				if y < 0 || y >= p.High || x < 0 || x >= p.Wide {
					continue
				}
				dy := p.dy[(image*p.OutHigh*p.OutWide+pixel)*p.Out:][:p.Out]
				for c, u := range p.x[((image*p.High+y)*p.Wide+x)*p.In:][:p.In] {
					for o, v := range dy {
						at := slot*one + o/Block*Block*taps*p.In + (tap*p.In+c)*BlockColumns(p.Out, o/Block) + o%Block
						d[at] += float64(u) * float64(v)
						size[at] += math.Abs(float64(u) * float64(v))
					}
				}
			}
		}
	}
	return d, size
}

// run computes the sums at a level, with x or dy as bits. What it does not write stays NaN.
func (p *weightSums) run(l Level, xBits, dyBits bool) []float32 {
	d := NewDenseSums(l, p.Window, p.Batch, !xBits && !dyBits)
	var w Work
	w.Grow(d.Scratch())
	for i := range w.floats {
		w.floats[i] = float32(math.NaN())
	}
	size := p.High * p.Wide * p.In
	x, dy := Operand{Floats: p.x, Size: size}, Operand{Floats: p.dy, Size: p.OutHigh * p.OutWide * p.Out}
	if xBits {
		x = bitsOf(p.x, size)
	}
	if dyBits {
		dy = bitsOf(p.dy, dy.Size)
	}
	sums := make([]float32, p.Slots*d.Size())
	for i := range sums {
		sums[i] = float32(math.NaN())
	}
	for u := range d.Units() {
		d.Run(&w, u, sums, x, dy)
	}
	return sums
}

func (p *weightSums) String() string { return fmt.Sprintf("%+v of %+v", p.Window, p.Batch) }

// check compares the levels with the judge: within the error of sums of so many terms, and the same bits in both assemblies.
func (p *weightSums) check(t failer) {
	t.Helper()
	want, size := p.judge()
	terms := float64(p.Steps*(p.N/p.Slots+1)*p.OutHigh*p.OutWide + 1)
	var last []float32
	for _, l := range levels() {
		got := p.run(l, false, false)
		for i, v := range got {
			if e := math.Abs(float64(v) - want[i]); !(e <= terms*0x1p-24*size[i]*1.01+1e-36) {
				t.Fatalf("%s at %v: sum %d is %v, want %v", p, l, i, v, want[i])
			}
		}
		if l == AVX512 {
			same(t, fmt.Sprint(p, " at avx512 as at avx2"), got, last)
		}
		last = got
	}
}

// checkGrid compares the levels where sums are exact.
func (p *weightSums) checkGrid(t failer, xBits, dyBits bool) {
	t.Helper()
	want, _ := p.judge()
	for _, l := range levels() {
		for i, v := range p.run(l, xBits, dyBits) {
			if float64(v) != want[i] {
				t.Fatalf("%s at %v, bits %v %v: sum %d is %v, want %v", p, l, xBits, dyBits, i, v, want[i])
			}
		}
	}
}

// Every small shape gives what plain sums give.
func TestDenseSumsSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for k := 1; k <= 3; k++ {
		for stride := 1; stride <= 2; stride++ {
			for pad := 0; pad < k; pad++ {
				for size := 1; size <= 9; size++ {
					if size+2*pad < k {
						continue
					}
					in, out := 1+r.IntN(20), 1+r.IntN(20)
					switch r.IntN(6) {
					case 0:
						in = 33
					case 1:
						out = 33
					}
					b := Batch{Steps: 1 + r.IntN(3), N: 1 + r.IntN(10), Slots: 8}
					if r.IntN(4) == 0 {
						b.N, b.Slots = 1, 1
					}
					v := Window{High: size, Wide: size + r.IntN(3), In: in, Out: out, Kernel: k, Stride: stride, Pad: pad}
					newWeightSums(v, b, grid(r), grid(r)).checkGrid(t, false, false)
					newWeightSums(v, b, spike(r), grid(r)).checkGrid(t, true, false)
					newWeightSums(v, b, grid(r), spike(r)).checkGrid(t, false, true)
					newWeightSums(v, b, normal(r), normal(r)).check(t)
				}
			}
		}
	}
}

// Odd shapes give what plain sums give.
func TestDenseSumsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		k := draw("k", 1, 5)
		v := Window{Kernel: k, Stride: draw("stride", 1, 3), Pad: draw("pad", 0, k), High: draw("high", k, 20), Wide: draw("wide", k, 24),
			In: draw("in", 1, 40), Out: draw("out", 1, 100)}
		b := Batch{Steps: draw("steps", 1, 3), N: draw("n", 1, 12), Slots: 8}
		if v.In*v.Out*v.High*v.Wide*k*k > 1<<20 {
			v.In, v.Out = 1+v.In%5, 1+v.Out%7
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		newWeightSums(v, b, spike(r), grid(r)).checkGrid(t, rapid.Bool().Draw(t, "x bits"), false)
	})
}

// Large images are cut into bands, small ones put together, long rows too.
func TestDenseSumsCut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, v := range []Window{
		{High: 40, Wide: 33, In: 3, Out: 2, Kernel: 3, Stride: 1, Pad: 1},
		{High: 3, Wide: 3, In: 15, Out: 70, Kernel: 3, Stride: 1, Pad: 1},
		{High: 20, Wide: 30, In: 15, Out: 3, Kernel: 1, Stride: 1},
		{High: 1, Wide: 1, In: 700, Out: 4, Kernel: 1, Stride: 1},
	} {
		newWeightSums(v, Batch{Steps: 2, N: 19, Slots: 8}, spike(r), grid(r)).checkGrid(t, false, false)
		newWeightSums(v, Batch{Steps: 2, N: 19, Slots: 8}, spike(r), grid(r)).checkGrid(t, true, false)
	}
}

// Eight slots add up as a balanced binary tree at every level, which another order would not equal.
func TestAddSlots(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{16, 32, 48, 64} {
		size := n + 5
		x := make([]float32, 8*size)
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10)))
		}
		want := make([]float32, n)
		for j := range want {
			var row [8]float32
			for k := range row {
				row[k] = x[k*size+j]
			}
			for pairs := row[:]; len(pairs) > 1; pairs = pairs[:len(pairs)/2] {
				for k := range len(pairs) / 2 {
					pairs[k] = pairs[2*k] + pairs[2*k+1]
				}
			}
			want[j] = row[0]
		}
		for _, l := range levels() {
			got := make([]float32, n)
			gemmOf(l).addSlots(got, x, size)
			same(t, l.String(), got, want)
		}
	}
}
