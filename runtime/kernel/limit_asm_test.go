//go:build linux && amd64 && !noasm

package kernel

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// longest is how long one call of assembly may take: no goroutine of the process can be interrupted for longer.
const longest = 200 * time.Microsecond

// inTime makes sure that the fastest of several calls is no longer than it may be, by the processor time of the thread. before
// makes the arguments ready again.
func inTime(t *testing.T, name string, before, call func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Hour
	for range 9 {
		before()
		start := threadTime()
		call()
		best = min(best, threadTime()-start)
	}
	if best > longest {
		t.Errorf("%s takes %v, more than %v", name, best, longest)
	}
	t.Logf("%s: %v", name, best)
}

// TestLongestCalls: one call takes no longer than it may, with the largest arguments that drivers hand to it, all neurons firing.
func TestLongestCalls(t *testing.T) {
	one := func() float32 { return 1 }
	for _, l := range levels()[1:] {
		g := gemmOf(l)
		t.Run(fmt.Sprint("Tape/", l), func(t *testing.T) { longestOfTape(t, l) })
		t.Run(fmt.Sprint("Sum/", l), func(t *testing.T) { longestOfColumns(t, l) })
		t.Run(fmt.Sprint("Dense/", l), func(t *testing.T) {
			var w Work
			b := Aligned(manyProducts * Block)
			for rows := 1; rows <= g.rows; rows++ {
				for columns := 16; columns <= g.columns; columns += 16 {
					for _, k := range []int{1, chunkProducts, manyProducts} { // of which each is a row of the operand, and tiles lie apart
						x := tiles{rows: rows, columns: columns, take: columns, aRow: k, aTap: k, taps: 1, k: k, b: b, bRow: Block, cRow: columns}
						n := x.most()
						x.a, x.c = Aligned(n*rows*k), Aligned(n*rows*columns)
						for i := range n + 1 {
							i = min(i, n-1)
							x.list = append(x.list, int32(i*rows*k), int32(i*rows*columns))
						}
						inTime(t, fmt.Sprintf("tiles of %d x %d, %d products", rows, columns, k), func() {}, func() { w.tiles(g, &x) })
					}
					for _, k := range []int{1, bandPixels, 1 << 20} {
						product, tile := tileCycles(rows)
						k = min(k, atMost(product))
						x := sumTiles{rows: rows, columns: columns, aStep: 256, segments: []int32{0}, k: k, b: Aligned(k * pixelPitch), a: Aligned(k*256 + 64), dRow: columns}
						n := atMost(tile + product*k)
						x.d = Aligned(n * rows * columns)
						for i := range n + 1 {
							x.list = append(x.list, 0, int32(min(i, n-1)*rows*columns))
						}
						inTime(t, fmt.Sprintf("sums of %d x %d, %d pixels", rows, columns, k), func() {}, func() { w.sums(g, &x) })
					}
				}
			}
			const far = 1000 // channels
			d, x := Aligned(mostGathered*far), Aligned(mostGathered*far)
			inTime(t, "gather", func() {}, func() { g.gatherPixels(d, x, mostGathered, far, far, pixelPitch) })
			slots := Aligned(8 << 20)
			inTime(t, "tree", func() {}, func() { g.addSlots(d[:Block], slots, 1<<20) })
		})
		t.Run(fmt.Sprint("Events/", l), func(t *testing.T) {
			for _, in := range []int{16, 64, 256, 1024, 4096, 65536} {
				for _, k := range []int{1, 3} {
					for _, out := range []int{16, 32, 64} {
						for _, square := range []bool{false, true} {
							longestOfRows(t, l, k, in, out, square)
						}
					}
				}
			}
			for _, c := range []struct{ k, wide, in, out int }{{3, 64, 256, 64}, {3, 400, 256, 64}, {3, 8000, 16, 64}, {1, 8000, 64, 64}, {2, 30000, 16, 16}, {1, 20000, 16, 300}} {
				v := Window{High: 1, Wide: c.wide, In: c.in, OutHigh: 1, OutWide: c.wide + 2*(c.k/2) - c.k + 1, Out: c.out, Kernel: c.k, Stride: 1, Pad: c.k / 2}
				p := NewEventSums(l, v, Batch{Steps: 1, N: 1, Slots: 1}, true)
				var w Work
				w.GrowEvents(p.Memory())
				x, dy := bitsOf(random(c.wide*c.in, one), c.wide*c.in), Operand{Floats: Aligned(v.OutWide * c.out), Size: v.OutWide * c.out}
				sums := Aligned(p.Size())
				p.Run(&w, 0, sums, x, dy)
				// The last call again, with as many channels and events as one may have.
				a := &w.events.window
				f := p.phases[len(p.phases)-1]
				high, wide := side(f.High), side(f.Wide)
				columns := min(p.columns, PackedColumns(c.out))
				for columns&(columns-1) != 0 {
					columns &= columns - 1
				}
				events := min(a.capacity, atMost(windowCycles(high, wide, columns)))
				n := min(c.in, atMost(breakCycles+a.capacity*windowCycles(high, wide, columns)))
				ends := make([]uint32, n)
				for i := range ends {
					ends[i] = uint32(i*a.capacity + events)
				}
				args := *a
				args.sums, args.part = &Aligned(p.Size() + 64)[0], &w.events.part[0]
				args.first, args.ends, args.channels, args.tapRow, args.tapCol, args.line = 0, &ends[0], n, 0, 0, 0
				inTime(t, fmt.Sprintf("%d x %d windows, %d columns, %d channels of %d events", high, wide, columns, n, events), func() { *a = args },
					func() { windowKernel(l, high, wide, columns)((*byte)(unsafe.Pointer(a))) })
				b := &w.events.split
				if kernel, _ := splitKernel(l, Block); b.pixels != 0 || b.to != nil {
					from, to := Aligned(mostSplit*4096), Aligned(mostSplit*Block)
					inTime(t, "split", func() {
						*b = splitArgs{to: &to[0], from: &from[0], next: 4 * 4096, distance: 4 * Block, pixels: mostSplit}
						for q := range b.places {
							b.places[q] = 32 * q
						}
					}, func() { kernel((*byte)(unsafe.Pointer(b))) })
				}
			}
		})
	}
}

// longestOfTape tries each operation by routines and compiled, as often as one call may run it, and programs of which one call
// runs a part alone. Registers come from memory.
func longestOfTape(t *testing.T, l Level) {
	programs := map[string][]Instr{}
	var all []Instr
	for code := range Fetch {
		i := Instr{Code: code, D: 0, A: 1, B: 2, C: 3, E: 4}
		switch code {
		case Sin, Cos:
			continue
		case Numbers:
			i.A = 5
		case Bits:
			i.D = 5
		}
		programs[code.String()] = []Instr{i}
		all = append(all, i)
	}
	for len(all) < 1000 {
		all = append(all, all...)
	}
	programs["all"] = all
	programs["pow 100 times"] = make([]Instr, 100)
	for i := range 100 {
		programs["pow 100 times"][i] = Instr{Code: Pow, D: 0, A: 1, B: 2}
	}
	const times = callCycles / (Chunk / 16) // more than any
	x, bits := make([][]float32, 5), make([]uint64, Chunk/64*(times+1))
	for i := range x {
		x[i] = random(Chunk*600, func() float32 { return 1.5 })
	}
	for name, code := range programs {
		for _, kept := range []func(int) bool{nil, everything} {
			tape, s := NewTape(6), NewScript(l, code, kept)
			place := func() {
				for i := range x {
					tape.Set(i, x[i], 0, Chunk)
				}
				tape.SetBits(5, bits, 0, Chunk/64)
			}
			place()
			tape.Run(s, Chunk, 1)
			b := &tape.asm.block
			for i := range s.pieces {
				p := &s.pieces[i]
				n := min(p.most(Chunk), 600)
				if name == "all" || name == "pow 100 times" {
					n = min(n, 1) // it runs a part
				}
				b.step = &tape.asm.step[0]
				inTime(t, fmt.Sprintf("%s, %d times, compiled %v", name, n, p.compiled != nil), place, func() { p.call(b, n) })
			}
		}
	}
}

// longestOfColumns adds up as many rows, and as many groups of columns, as one call does.
func longestOfColumns(t *testing.T, l Level) {
	const pitch = 1024
	for _, columns := range []int{8, 16, 32} {
		if columns == 16 && l != AVX2 || columns == 32 && l != AVX512 {
			continue
		}
		rows := atMost(groupCycles(columns))
		x, sums, squares := Aligned(max(rows*pitch, 100*columns)), make([]float64, rows*columns), make([]float64, rows*columns)
		for _, squared := range []bool{false, true} {
			for name, b := range map[string]columnBlock{
				"rows":    {pitch: 4 * pitch, rows: rows, groups: 1},
				"columns": {pitch: 4 * pitch * rows / 2, rows: 1, groups: rows},
			} {
				b.sums, b.squares, b.x = &sums[0], &squares[0], &x[0]
				groups := b.groups
				inTime(t, fmt.Sprintf("%s of %d columns, squares %v", name, columns, squared), func() { b.groups = groups }, func() { b.add(l, columns, squared) })
			}
		}
	}
}

// longestOfRows runs a row of as many pixels as one call takes, all taps of windows of 3 x 3 together or not; the last call of the
// run is called again.
func longestOfRows(t *testing.T, l Level, k, in, out int, square bool) {
	shape := func(pixels int) Shape {
		return Shape{High: 1, Wide: pixels, In: in, OutHigh: 1, OutWide: pixels, Out: out, Phases: Phases(false, k, 1, k/2, 1, pixels, in*PackedColumns(out))}
	}
	pixels := atMost(squareCycles)/in + 1 // too many for squares
	if square {
		pixels--
	}
	e := NewEventProduct(l, shape(max(pixels, 1)), 1)
	if e.square != square || pixels == 0 {
		return
	}
	columns := min(out, e.columns)
	if !square {
		pixels = atMost(breakCycles + in*rowCycles(e.taps, columns))
		if e = NewEventProduct(l, shape(pixels), 1); e.square { // of fewer pixels
			return
		}
	}
	var w Work
	w.GrowEvents(e.Memory())
	x := bitsOf(random(pixels*in, func() float32 { return 1 }), pixels*in)
	y, weights := Aligned(pixels*out), Aligned(k*k*in*PackedColumns(out)+1)
	e.Run(&w, 0, y, x, weights)
	name := fmt.Sprintf("%d x %d windows on %d pixels of %d channels, %d columns", k, k, pixels, in, columns)
	if a := &w.events.square; square {
		args := *a
		inTime(t, "square: "+name, func() { *a = args; a.left, a.done = pixels, pixels-2 }, func() { squareKernel(columns)((*byte)(unsafe.Pointer(a))) })
		return
	}
	a := &w.events.row
	inTime(t, "row: "+name, func() {}, func() { rowKernel(l, e.taps, columns)((*byte)(unsafe.Pointer(a))) })
	if l == AVX512 {
		a := &w.events.pixels
		for _, words := range []int{in / 16, atMost(listCycles)} {
			n := atMost(breakCycles + words*listCycles)
			bits, list, starts := make([]uint64, n*words/4+1), make([]uint32, 16*n*words+16), make([]uint32, n)
			for i := range bits {
				bits[i] = 1<<64 - 1
			}
			inTime(t, fmt.Sprintf("list: %d pixels of %d channels", n, 16*words), func() {
				*a = listArgs{list: &list[0], starts: &starts[0], from: (*byte)(unsafe.Pointer(&bits[0])), words: words, count: n}
			}, func() { eventList512((*byte)(unsafe.Pointer(a))) })
		}
	}
}
