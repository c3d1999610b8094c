package emulator

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxTicks bounds the ticks of an example.
const MaxTicks = 1 << 24

// Block is examples to run, each from the initial state. Its functions are called for one example by one goroutine at a time, with the
// ticks in their order, and for several examples at once.
type Block struct {
	Examples int
	Ticks    int      // of each example
	Seeds    []uint64 // one for each example; nil: 0 for all. Whatever is drawn for an example follows from its seed
	// Input brings what comes in at a tick; nil where nothing does.
	Input func(example, tick int, in *Inputs)
	// Output takes the numbered outputs that spiked at a tick, rising, one as often as neurons lead to it and spiked; it is not called
	// where there are none. nil where nobody wants them. The slice holds during the call only.
	Output func(example, tick int, outputs []int32)
	// Fired takes the neurons of a core that spiked at a tick, by place as in Core.Rows; it is not called where there are none. nil where
	// nobody wants them.
	Fired func(example, tick, core int, places [Neurons / 64]uint64)
	// Workers is how many goroutines compute; 0: as many as processors. The outcome does not depend on it.
	Workers int

	after func(s *state) // of each tick, for a trace
}

// Inputs takes the spikes that come in at a tick, in any order. Two on one axon are one, and are counted as merged.
type Inputs struct {
	s   *state
	c   *counts
	err error
}

// Line gives a spike to a numbered input.
func (in *Inputs) Line(number int) {
	if err := in.s.line(number, in.c); err != nil && in.err == nil {
		in.err = err
	}
}

// Axon gives a spike to an axon of a core, as an index in Network.Cores.
func (in *Inputs) Axon(core, axon int) {
	if core < 0 || core >= len(in.s.m.cores) || axon < 0 || axon >= Axons {
		if in.err == nil {
			in.err = fmt.Errorf("there is no axon %d of core %d: the network has %d cores of %d axons", axon, core, len(in.s.m.cores), Axons)
		}
		return
	}
	in.s.input(int32(core), int32(axon), in.c)
}

// Run runs examples and counts what was done for all of them together. What it gives for an example depends on that example and its
// seed alone.
func (m *Machine) Run(b *Block) (*Activity, error) {
	if b.Ticks < 1 || b.Ticks > MaxTicks {
		return nil, fmt.Errorf("an example has %d ticks, and 1 to %d are possible", b.Ticks, MaxTicks)
	}
	if b.Examples < 1 {
		return nil, fmt.Errorf("there are %d examples, and at least 1 is needed", b.Examples)
	}
	if b.Seeds != nil && len(b.Seeds) != b.Examples {
		return nil, fmt.Errorf("there are %d seeds for %d examples", len(b.Seeds), b.Examples)
	}
	n := b.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	sum := newCounts(m.layers, b.Ticks)
	var err error
	if b.Examples < n && len(m.cores) >= many {
		err = m.byCores(b, n, &sum)
	} else {
		err = m.byExamples(b, min(n, b.Examples), &sum)
	}
	if err != nil {
		return nil, err
	}
	return m.activity(&sum), nil
}

// byExamples has each worker run whole examples.
func (m *Machine) byExamples(b *Block, n int, sum *counts) error {
	workers, errs := m.workers(n, b.Ticks), make([]error, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			w, s := &workers[i], m.newState(1)
			for {
				e := int(next.Add(1)) - 1
				if e >= b.Examples || errs[i] != nil {
					return
				}
				s.reset(b.seed(e))
				for range b.Ticks {
					if errs[i] = w.before(s, b, e); errs[i] != nil {
						break
					}
					for patch := range m.patches() {
						w.run(s, patch)
					}
					w.after(s, b, e)
				}
				w.end(s)
			}
		})
	}
	wait.Wait()
	return finish(workers, errs, sum)
}

// many is how many cores are worth it that workers compute each tick together.
const many = 64

// byCores has all workers compute each tick of an example together.
func (m *Machine) byCores(b *Block, n int, sum *counts) error {
	workers := m.workers(n, b.Ticks)
	for i := range workers {
		workers[i].number = i
	}
	errs := make([]error, 1)
	s := m.newState(n)
	for e := range b.Examples {
		s.reset(b.seed(e))
		for range b.Ticks {
			if errs[0] = workers[0].before(s, b, e); errs[0] != nil {
				return finish(workers, errs, sum)
			}
			var next atomic.Int64
			var wait sync.WaitGroup
			for i := range workers {
				wait.Go(func() {
					for {
						patch := int(next.Add(1)) - 1
						if patch >= m.patches() {
							return
						}
						workers[i].run(s, patch)
					}
				})
			}
			wait.Wait()
			workers[0].after(s, b, e)
		}
		workers[0].end(s)
	}
	return finish(workers, errs, sum)
}

func (b *Block) seed(example int) uint64 {
	if b.Seeds == nil {
		return 0
	}
	return b.Seeds[example]
}

func (m *Machine) workers(n, ticks int) []worker {
	out := make([]worker, n)
	for i := range out {
		out[i].counts = newCounts(m.layers, ticks)
	}
	return out
}

// finish adds up what workers counted.
func finish(workers []worker, errs []error, sum *counts) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for i := range workers {
		sum.add(&workers[i].counts)
	}
	return nil
}

// before brings the inputs of a tick.
func (w *worker) before(s *state, b *Block, example int) error {
	for _, l := range s.later[s.tick] {
		s.input(l.Core, l.Axon, &w.counts)
	}
	delete(s.later, s.tick)
	if b.Input == nil {
		return nil
	}
	in := Inputs{s: s, c: &w.counts}
	b.Input(example, s.tick, &in)
	if in.err != nil {
		return fmt.Errorf("example %d, tick %d: %w", example, s.tick, in.err)
	}
	return nil
}

// after gives what a tick brought, and ends it.
func (w *worker) after(s *state, b *Block, example int) {
	if b.Output != nil || b.Fired != nil {
		w.outputs = w.outputs[:0]
		for k := range s.fired {
			if s.fired[k] == (set{}) {
				continue
			}
			if b.Fired != nil {
				b.Fired(example, s.tick, k, s.fired[k])
			}
			if b.Output != nil && s.m.cores[k].gives {
				w.outputs = outputs(&s.m.sends[k], &s.fired[k], w.outputs)
			}
		}
		if len(w.outputs) > 0 {
			slices.Sort(w.outputs)
			b.Output(example, s.tick, w.outputs)
		}
	}
	if b.after != nil {
		b.after(s)
	}
	w.counts.ticks++
	s.tick++
}

// outputs appends the numbered outputs that neurons of a core lead to.
func outputs(sends *[Neurons]send, fired *set, out []int32) []int32 {
	for k, x := range fired {
		for ; x != 0; x &= x - 1 {
			if to := sends[k*64+bits.TrailingZeros64(x)]; to.kind() == ToOutput {
				out = append(out, to.to())
			}
		}
	}
	return out
}
