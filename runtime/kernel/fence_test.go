//go:build linux

package kernel

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// fence is memory between two pages that nobody may touch: what reads or writes beyond an operand that lies there ends the
// process.
type fence struct{ all []byte }

func newFence(t testing.TB, size int) *fence {
	page := syscall.Getpagesize()
	size = (size + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(all) })
	for _, p := range [][]byte{all[:page], all[size+page:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return &fence{all[page : size+page]}
}

// fenced copies x to the end of a fence, or to its beginning.
func fenced[T any](f *fence, x []T, end bool) []T {
	var one T
	size := len(x) * int(unsafe.Sizeof(one))
	at := 0
	if end {
		at = len(f.all) - size
	}
	if size == 0 {
		return nil
	}
	d := unsafe.Slice((*T)(unsafe.Pointer(&f.all[at])), len(x))
	copy(d, x)
	return d
}

// TestFences: no product and no sum reads or writes beyond its operands, by a single element, whatever its shape.
func TestFences(t *testing.T) {
	const size = 1 << 22
	var fences [4]*fence
	for i := range fences {
		fences[i] = newFence(t, size)
	}
	r := rand.New(rand.NewPCG(7, 8))
	channels := []int{1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 100}
	rounds := 60
	if testing.Short() {
		rounds = 30
	}
	for range rounds {
		k, stride := 1+r.IntN(5), 1+r.IntN(3)
		pad, back := r.IntN(k), r.IntN(2) == 0
		in, out := channels[r.IntN(len(channels))], channels[r.IntN(len(channels))]
		high, wide, images := k+r.IntN(8), k+r.IntN(8), 1+r.IntN(9)
		if r.IntN(4) == 0 {
			high, wide, k, stride, pad = 1, 1, 1, 1, 0
		}
		p := newProduct(back, k, stride, pad, high, wide, in, out, images, spike(r))
		if p.s.OutHigh < 1 || p.s.OutWide < 1 || len(p.x) > size/4 || images*p.s.OutHigh*p.s.OutWide*out > size/4 {
			continue
		}
		end := r.IntN(2) == 0
		packed := p.packed()
		packed = packed[:max(1, len(packed)-1)]
		weights := fenced(fences[0], packed, end)
		y := fenced(fences[1], make([]float32, images*p.s.OutHigh*p.s.OutWide*out), end)
		x := Operand{Floats: fenced(fences[2], p.x, end), Size: high * wide * in}
		b := bitsOf(p.x, x.Size)
		b.Bits = fenced(fences[3], b.Bits, end)
		for _, l := range levels() {
			d := NewDense(l, p.s, images)
			var w Work
			w.Workers = 1
			w.Grow(d.Scratch())
			for _, d.Add = range []bool{false, true} {
				for u := range d.Units() {
					d.Run(&w, u, y, x, weights)
					d.Run(&w, u, y, b, weights)
				}
			}
			e := NewEventProduct(l, p.s, images)
			w.GrowEvents(e.Memory())
			for u := range e.Units() {
				e.Run(&w, u, y, b, weights)
			}
		}
		if back {
			continue
		}
		v := Window{High: high, Wide: wide, In: in, OutHigh: p.s.OutHigh, OutWide: p.s.OutWide, Out: out, Kernel: k, Stride: stride, Pad: pad}
		batch := Batch{Steps: 1, N: images, Slots: 1 + 7*r.IntN(2)}
		if images%2 == 0 {
			batch.Steps, batch.N = 2, images/2
		}
		dy := Operand{Floats: y, Size: p.s.OutHigh * p.s.OutWide * out}
		for i := range y {
			y[i] = float32(i % 2)
		}
		dyBits := bitsOf(y, dy.Size)
		dyBits.Bits = fenced(newFence(t, 8*len(dyBits.Bits)), dyBits.Bits, end)
		for _, l := range levels() {
			for kind := range 4 {
				xs, dys := x, dy
				if kind&1 != 0 {
					xs = b
				}
				if kind&2 != 0 {
					dys = dyBits
				}
				d := NewDenseSums(l, v, batch, kind == 0)
				var w Work
				w.Workers = 1
				w.Grow(d.Scratch())
				sums := fenced(newFence(t, 4*batch.Slots*d.Size()), make([]float32, batch.Slots*d.Size()), end)
				for u := range d.Units() {
					d.Run(&w, u, sums, xs, dys)
				}
				if kind != 1 && kind != 2 {
					continue
				}
				e := NewEventSums(l, v, batch, kind == 1)
				w.GrowEvents(e.Memory())
				sums = fenced(newFence(t, 4*batch.Slots*e.Size()), make([]float32, batch.Slots*e.Size()), end)
				for u := range e.Units() {
					e.Run(&w, u, sums, xs, dys)
				}
			}
		}
	}
	for _, l := range levels() {
		for n := 1; n < 70; n++ {
			x := fenced(fences[0], make([]float32, 3*n), n%2 == 0)
			s, q := fenced(fences[1], make([]float64, n), n%3 == 0), fenced(fences[2], make([]float64, n), n%3 == 0)
			sumColumns(l, s, nil, x)
			sumColumns(l, s, q, x)
			sum(l, x)
			sumOfSquares(l, x)
			for code := range Codes {
				tape := NewTape(5)
				whole := (n + 15) &^ 15
				for i := range 4 {
					tape.Set(i, fenced(fences[i], make([]float32, whole), n%2 == 0), 0, 0)
				}
				tape.Run(NewScript(l, []Instr{{Code: code, D: 0, A: 1, B: 2, C: 3, E: 1}}, everything), n, 1)
			}
			tape := NewTape(2)
			tape.Set(0, fenced(fences[0], make([]float32, (n+15)&^15), n%2 == 0), 0, 0)
			tape.SetBits(1, fenced(fences[1], make([]uint64, (n+63)/64), n%2 == 0), 0, 0)
			tape.Run(NewScript(l, []Instr{{Code: Numbers, D: 0, A: 1}, {Code: Bits, D: 1, A: 0}}, everything), n, 1)
		}
	}
}
