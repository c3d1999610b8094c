//go:build linux

package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the processor time of this thread: wall-clock time counts what others took.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// rate runs the benchmark and reports GFLOP/s by this thread's processor time, for so many multiplications and additions.
func rate(b *testing.B, flop float64, do func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	do()
	start := threadTime()
	for b.Loop() {
		do()
	}
	b.ReportMetric(flop*float64(b.N)/float64(threadTime()-start), "GFLOP/s")
}

// layers are the convolutions that the figures of docs/performance.md are for.
var layers = []struct{ k, channels, size int }{{3, 32, 32}, {3, 64, 28}, {3, 64, 32}, {3, 128, 16}, {3, 256, 8}, {1, 64, 32}, {3, 512, 4}, {3, 64, 7}}

func BenchmarkDense(b *testing.B) {
	for _, c := range layers {
		r := rand.New(rand.NewPCG(1, 1))
		p := newProduct(false, c.k, 1, c.k/2, c.size, c.size, c.channels, c.channels, 128, rough(r))
		flop := 2 * float64(p.images*c.size*c.size*c.channels*c.channels*c.k*c.k)
		packed, y := p.packed(), make([]float32, len(p.x))
		for _, l := range levels() {
			b.Run(fmt.Sprintf("%dx%d@%dx%d/%v", c.k, c.k, c.channels, c.size, l), func(b *testing.B) {
				d := NewDense(l, p.s, p.images)
				w := Work{Workers: 1}
				w.Grow(d.Scratch())
				x := Operand{Floats: p.x, Size: len(p.x) / p.images}
				rate(b, flop, func() {
					for u := range d.Units() {
						d.Run(&w, u, y, x, packed)
					}
				})
			})
		}
	}
}

func BenchmarkMatrix(b *testing.B) {
	for _, c := range []struct{ rows, in, out int }{{64, 1024, 512}, {256, 256, 256}, {64, 6272, 128}, {512, 128, 10}} {
		r := rand.New(rand.NewPCG(1, 1))
		p := newProduct(false, 1, 1, 0, 1, 1, c.in, c.out, c.rows, rough(r))
		packed, y := p.packed(), make([]float32, c.rows*c.out)
		for _, l := range levels() {
			b.Run(fmt.Sprintf("%dx%dx%d/%v", c.rows, c.in, c.out, l), func(b *testing.B) {
				d := NewDense(l, p.s, p.images)
				w := Work{Workers: 1}
				w.Grow(d.Scratch())
				x := Operand{Floats: p.x, Size: c.in}
				rate(b, 2*float64(c.rows*c.in*c.out), func() {
					for u := range d.Units() {
						d.Run(&w, u, y, x, packed)
					}
				})
			})
		}
	}
}

func BenchmarkDenseSums(b *testing.B) {
	for _, c := range layers {
		r := rand.New(rand.NewPCG(1, 1))
		p := newWeightSums(Window{High: c.size, Wide: c.size, In: c.channels, Out: c.channels, Kernel: c.k, Stride: 1, Pad: c.k / 2},
			Batch{Steps: 4, N: 32, Slots: 8}, rough(r), rough(r))
		flop := 2 * float64(p.Steps*p.N*c.size*c.size*c.channels*c.channels*c.k*c.k)
		for _, l := range levels() {
			b.Run(fmt.Sprintf("%dx%d@%dx%d/%v", c.k, c.k, c.channels, c.size, l), func(b *testing.B) {
				d := NewDenseSums(l, p.Window, p.Batch, true)
				w := Work{Workers: 1}
				w.Grow(d.Scratch())
				sums := make([]float32, p.Slots*d.Size())
				x, dy := Operand{Floats: p.x, Size: c.size * c.size * c.channels}, Operand{Floats: p.dy, Size: c.size * c.size * c.channels}
				rate(b, flop, func() {
					for u := range d.Units() {
						d.Run(&w, u, sums, x, dy)
					}
				})
			})
		}
	}
}

// BenchmarkTile is what a tile of each height reaches where all that it reads and writes lies in the first cache.
func BenchmarkTile(b *testing.B) {
	const k = 128
	x, w, y := Aligned(16*(k+16)), Aligned(k*pixelPitch), Aligned(16*pixelPitch)
	for _, l := range levels()[1:] {
		for _, g := range slices.Compact([]*gemm{gemmOf(l), gemmOf(l).wide(pixelPitch)}) {
			for rows := 1; rows <= g.rows; rows++ {
				b.Run(fmt.Sprintf("%dx%d/%v", rows, g.columns, l), func(b *testing.B) {
					var work Work
					t := tiles{list: make([]int32, 64), rows: rows, columns: g.columns, take: g.columns, a: x, aRow: k + 16, taps: 1, k: k, b: w, bRow: pixelPitch, c: y, cRow: pixelPitch}
					rate(b, float64((len(t.list)-2)*rows*k*g.columns), func() { g.run(&work, &t) })
				})
			}
		}
	}
}
