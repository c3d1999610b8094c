package emulator

import (
	"fmt"
	"math/bits"
)

// slots is how many ticks a scheduler holds (Akopyan et al. 2015).
const slots = 16

// state is an example in the midst of its run.
type state struct {
	m      *Machine
	seed   uint64
	tick   int
	v      []int32        // Neurons for each core, where they are wide
	v16    []int16        // and where they are not
	wide   []bool         // of each core: V has its range, not 16 bits
	moving []set          // neurons that may change without input
	bits   []uint32       // of V, as in outcome
	due    []set          // active axons of each core, as far as they are delivered
	mail   [][]letter     // spikes on their way: of each worker at tick % slots to each patch
	fired  []set          // of the last tick
	later  map[int][]Line // inputs that wait for longer than a scheduler holds
}

// newState returns a state that so many workers compute at once.
func (m *Machine) newState(workers int) *state {
	n := len(m.cores)
	return &state{m: m, v: make([]int32, n*Neurons), v16: make([]int16, n*Neurons), wide: make([]bool, n), moving: make([]set, n), bits: make([]uint32, n), due: make([]set, n), mail: make([][]letter, workers*slots*m.patches()), fired: make([]set, n), later: map[int][]Line{}}
}

// reset goes back before the first tick.
func (s *state) reset(seed uint64) {
	s.seed, s.tick = seed, 0
	clear(s.due)
	clear(s.fired)
	clear(s.later)
	for i := range s.mail {
		s.mail[i] = s.mail[i][:0]
	}
	for i := range s.m.plans {
		s.moving[i], s.bits[i] = s.m.plans[i].used, s.m.plans[i].bits
		s.wide[i] = true
		copy(s.v[i*Neurons:], s.m.start[i*Neurons:][:Neurons])
		s.narrow(i, s.m.cores[i].narrow != nil && s.bits[i] < 1<<15)
	}
}

// narrow has V of a core in 16 bits from now on, or not. Nothing is lost: it has no more.
func (s *state) narrow(index int, yes bool) {
	if s.wide[index] != yes {
		return
	}
	s.wide[index] = !yes
	v, v16 := (*[Neurons]int32)(s.v[index*Neurons:]), (*[Neurons]int16)(s.v16[index*Neurons:])
	if yes {
		for j, x := range v {
			v16[j] = int16(x)
		}
	} else {
		for j, x := range v16 {
			v[j] = int32(x)
		}
	}
}

// membrane returns V of a neuron.
func (s *state) membrane(core, place int) int32 {
	if s.wide[core] {
		return s.v[core*Neurons+place]
	}
	return int32(s.v16[core*Neurons+place])
}

// input gives a spike to an axon, to be integrated at the tick that is computed next.
func (s *state) input(core, axon int32, c *counts) {
	c.inputs++
	word, bit := &s.due[core][axon/64], uint64(1)<<(axon%64)
	if *word&bit != 0 {
		c.merged++
	}
	*word |= bit
}

// active appends the axons of a core that are active at the tick.
func (s *state) active(index int, out []uint8) []uint8 {
	for k, x := range &s.due[index] {
		for ; x != 0; x &= x - 1 {
			out = append(out, uint8(k*64+bits.TrailingZeros64(x)))
		}
	}
	return out
}

// line gives the spikes of a numbered input to its axons.
func (s *state) line(number int, c *counts) error {
	if number < 0 || number >= len(s.m.lines) {
		return fmt.Errorf("there is no input %d: the network has %d", number, len(s.m.lines))
	}
	for _, l := range s.m.lines[number] {
		if l.Delay == 0 {
			s.input(l.Core, l.Axon, c)
		} else {
			at := s.tick + int(l.Delay)
			s.later[at] = append(s.later[at], l)
		}
	}
	return nil
}
