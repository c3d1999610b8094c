package emulator

import "math/bits"

// Spikes are written down, one behind the other, by when and where they arrive, and become active axons when their patch is computed:
// that is memory in a row, and no two workers write to the same, where the axons of a million neurons' spikes lie all over a chip.

// letter is an axon that a spike goes to: 256 times the core of a patch, and the axon.
type letter uint16

// patches returns how many patches there are: cores in a row that a worker computes one after another.
func (m *Machine) patches() int { return (len(m.cores) + 1<<m.shift - 1) >> m.shift }

// post sends the spikes of a core on their way.
func (w *worker) post(s *state, index int) {
	fired := &s.fired[index]
	if *fired == (set{}) {
		return
	}
	c, sends := &s.m.cores[index], &s.m.sends[index]
	if c.only >= 0 {
		w.letters(s, sends, fired, int(c.only))
		return
	}
	for i := range c.layers {
		p := &c.layers[i]
		some := *fired
		for k := range some {
			some[k] &= p.members[k]
		}
		w.letters(s, sends, &some, p.layer)
	}
}

// letters sends the spikes of a layer.
func (w *worker) letters(s *state, sends *[Neurons]send, fired *set, layer int) {
	patches := s.m.patches()
	mail := s.mail[w.number*slots*patches:][:slots*patches]
	shift := s.m.shift
	var messages, hops, edges int64
	for k, x := range fired {
		for ; x != 0; x &= x - 1 {
			to := sends[k*64+bits.TrailingZeros64(x)]
			if to.kind() != ToAxon {
				if to.kind() == ToOutput {
					w.counts.outputs++
				}
				continue
			}
			messages += to.message()
			hops += to.hops()
			edges += to.edges()
			core := int(to.to())
			box := &mail[(s.tick+to.delay())%slots*patches+core>>(shift&15)]
			*box = append(*box, letter(core&(1<<(shift&15)-1)<<8|to.axon()))
		}
	}
	l := &w.counts.layers[layer]
	l.messages += messages
	l.hops += hops
	l.edges += edges
}

// deliver makes the spikes that arrive in a patch at the tick active axons.
func (w *worker) deliver(s *state, patch int) {
	patches := s.m.patches()
	due := s.due[patch<<s.m.shift:]
	merged := int64(0)
	for at := s.tick%slots*patches + patch; at < len(s.mail); at += slots * patches {
		for _, x := range s.mail[at] {
			word := &due[x>>8][x>>6&3]
			merged += int64(*word >> (x & 63) & 1)
			*word |= 1 << (x & 63)
		}
		s.mail[at] = s.mail[at][:0]
	}
	w.counts.merged += merged
}

// end counts the spikes that are on their way behind the last tick.
func (w *worker) end(s *state) {
	for range slots {
		for patch := range s.m.patches() {
			w.deliver(s, patch)
		}
		clear(s.due)
		s.tick++
	}
}
