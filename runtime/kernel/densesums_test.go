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

// sumPlace returns where among the sums of a slot, of so many taps and channels, that of a tap and two channels lies.
func sumPlace(taps, in, out, tap, c, o int) int {
	return o/Block*Block*taps*in + (tap*in+c)*BlockColumns(out, o/Block) + o%Block
}

// size returns how many sums a slot has.
func (p *weightSums) size() int { return p.Kernel * p.Kernel * p.In * PackedColumns(p.Out) }

// ordered is the sums of all slots at a level by the definition: each in single precision over the time steps, the examples
// of the slot and the pixels, in that order.
func (p *weightSums) ordered(l Level) []float32 {
	d := make([]float32, p.Slots*p.size())
	conv := product{k: p.Kernel, stride: p.Stride, pad: p.Pad, s: Shape{High: p.High, Wide: p.Wide, OutHigh: p.OutHigh, OutWide: p.OutWide}}
	for slot := range p.Slots {
		from, to := p.slot(slot)
		sums := d[slot*p.size():]
		for image := range p.Steps * p.N {
			if n := image % p.N; n < from || n >= to {
				continue
			}
			conv.meets(func(iy, ix, oy, ox, tap int) {
				dy := p.dy[((image*p.OutHigh+oy)*p.OutWide+ox)*p.Out:][:p.Out]
				for c, u := range p.x[((image*p.High+iy)*p.Wide+ix)*p.In:][:p.In] {
					for o, v := range dy {
						at := sumPlace(p.Kernel*p.Kernel, p.In, p.Out, tap, c, o)
						sums[at] = multiplyAdd(l, u, v, sums[at])
					}
				}
			})
		}
	}
	return d
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

// check compares every level with the definition, to the bit.
func (p *weightSums) check(t failer, xBits, dyBits bool) {
	t.Helper()
	var want []float32
	for _, l := range levels() {
		if l < AVX512 { // which has the bits of AVX2
			want = p.ordered(l)
		}
		same(t, fmt.Sprintf("%s at %v, bits %v %v", p, l, xBits, dyBits), p.run(l, xBits, dyBits), want)
	}
}

// Every small shape gives what ordered sums give.
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
					newWeightSums(v, b, rough(r), rough(r)).check(t, false, false)
					newWeightSums(v, b, spike(r), rough(r)).check(t, true, false)
					newWeightSums(v, b, rough(r), spike(r)).check(t, false, true)
				}
			}
		}
	}
}

// Odd shapes give what ordered sums give.
func TestDenseSumsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		k := draw("k", 1, 5)
		v := Window{Kernel: k, Stride: draw("stride", 1, 3), Pad: draw("pad", 0, k), High: draw("high", k, 20), Wide: draw("wide", k, 24),
			In: draw("in", 1, 40), Out: draw("out", 1, 100)}
		b := Batch{Steps: draw("steps", 1, 3), N: draw("n", 1, 12), Slots: 8}
		if v.In*v.Out*v.High*v.Wide*k*k > 1<<17 {
			v.In, v.Out = 1+v.In%5, 1+v.Out%7
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		newWeightSums(v, b, spike(r), rough(r)).check(t, rapid.Bool().Draw(t, "x bits"), false)
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
		newWeightSums(v, Batch{Steps: 2, N: 19, Slots: 8}, spike(r), rough(r)).check(t, false, false)
		newWeightSums(v, Batch{Steps: 2, N: 19, Slots: 8}, spike(r), rough(r)).check(t, true, false)
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
