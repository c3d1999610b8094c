package kernel

import (
	"runtime"
	"testing"
)

// tiny times tiny is a denormal number, which assembly takes for 0 and Go does not. It is no constant.
var tiny = float32(0x1p-70)

// TestFlush: assembly flushes denormal numbers, in products, sums and programs, and leaves the thread as it was: Go's
// own arithmetic behind it keeps them.
func TestFlush(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	numbers := newProduct(false, 3, 1, 1, 4, 4, 16, 16, 1, func() float32 { return tiny })
	spikes := newProduct(false, 3, 1, 1, 4, 4, 16, 16, 1, func() float32 { return tiny * tiny })
	for i := range spikes.x {
		spikes.x[i] = 1
	}
	bits, packed := bitsOf(spikes.x, len(spikes.x)), spikes.packed()
	v := Window{High: 4, Wide: 4, In: 16, OutHigh: 4, OutWide: 4, Out: 16, Kernel: 3, Stride: 1, Pad: 1}
	one := Batch{Steps: 1, N: 1, Slots: 1}
	code := []Instr{{Code: Mul, D: 0, A: 1, B: 1}}
	square := func(s *Script) float32 {
		tape, x, d := NewTape(2), random(16, func() float32 { return tiny }), make([]float32, 16)
		tape.Set(0, d, 0, 0)
		tape.Set(1, x, 0, 0)
		tape.Run(s, 16, 1)
		return d[0]
	}
	for _, l := range levels() {
		for name, run := range map[string]func() float32{
			"Dense": func() float32 { return numbers.run(l, false, nil)[0] },
			"DenseSums": func() float32 {
				p := newWeightSums(v, one, func() float32 { return tiny }, func() float32 { return tiny })
				return p.run(l, false, false)[0]
			},
			"EventProduct": func() float32 {
				e := NewEventProduct(l, spikes.s, 1)
				var w Work
				w.GrowEvents(e.Memory())
				y := make([]float32, len(spikes.x))
				for u := range e.Units() {
					e.Run(&w, u, y, bits, packed)
				}
				return y[0]
			},
			"EventSums": func() float32 {
				e := NewEventSums(l, v, one, true)
				var w Work
				w.GrowEvents(e.Memory())
				d, dy := make([]float32, e.Size()), random(len(spikes.x), func() float32 { return tiny * tiny })
				for u := range e.Units() {
					e.Run(&w, u, d, bits, Operand{Floats: dy, Size: len(dy)})
				}
				return d[0]
			},
			"Tape":             func() float32 { return square(NewScript(l, code, everything)) },
			"Tape by routines": func() float32 { return square(NewScript(l, code, nil)) },
			"SumColumns": func() float32 {
				d := make([]float64, 8)
				sumColumns(l, d, nil, random(len(d), func() float32 { return tiny * tiny }))
				return float32(d[0] * 0x1p100)
			},
			"SumSquareColumns": func() float32 {
				d, squares := make([]float64, 8), make([]float64, 8)
				sumColumns(l, d, squares, random(len(d), func() float32 { return tiny * tiny }))
				return float32(squares[0] * 0x1p200 * 0x1p100)
			},
		} {
			if got := run(); (got == 0) != (l != Generic) {
				t.Errorf("%s at %v: a denormal number is %v", name, l, got)
			}
			if tiny*tiny == 0 {
				t.Fatalf("%s at %v leaves the thread flushing denormal numbers", name, l)
			}
		}
	}
}
