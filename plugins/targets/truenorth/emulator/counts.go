package emulator

import "math/bits"

// counts is what was counted, in whole numbers, so that sums do not depend on their order.
type counts struct {
	layers                  []layerCounts
	merged, inputs, outputs int64
	ticks                   int64
}

type layerCounts struct {
	spikes                                                  []int64 // at each tick
	synops, active, updates, messages, hops, edges, clipped int64
}

func newCounts(layers, ticks int) counts {
	c := counts{layers: make([]layerCounts, layers)}
	for i := range c.layers {
		c.layers[i].spikes = make([]int64, ticks)
	}
	return c
}

// idle counts a tick at which nothing changes in a core.
func (c *counts) idle(k *core) {
	if k.only >= 0 {
		c.layers[k.only].updates += k.size
		return
	}
	for i := range k.layers {
		c.layers[k.layers[i].layer].updates += k.layers[i].size
	}
}

// synapses counts the synapses of a row of a core with several layers.
func (c *counts) synapses(k *core, r *set) {
	for i := range k.layers {
		c.layers[k.layers[i].layer].synops += common(k.layers[i].members, *r)
	}
}

// updates counts the neurons of a core at a tick.
func (c *counts) updates(k *core, touched, fired set, tick int) {
	both := touched
	for w := range both {
		both[w] |= fired[w]
	}
	if k.only >= 0 { // rows reach, and spikes come from, neurons alone
		l := &c.layers[k.only]
		l.updates += k.size
		l.active += common(both, both)
		l.spikes[tick] += common(fired, fired)
		return
	}
	for i := range k.layers {
		p, l := &k.layers[i], &c.layers[k.layers[i].layer]
		l.updates += p.size
		l.active += common(p.members, both)
		l.spikes[tick] += common(p.members, fired)
	}
}

// clipped counts an update in which V left its range.
func (c *counts) clipped(k *core, word int, bit uint64) {
	for i := range k.layers {
		if k.layers[i].members[word]&bit != 0 {
			c.layers[k.layers[i].layer].clipped++
		}
	}
}

// common returns how many neurons two sets have in common.
func common(a, b set) int64 {
	return int64(bits.OnesCount64(a[0]&b[0]) + bits.OnesCount64(a[1]&b[1]) + bits.OnesCount64(a[2]&b[2]) + bits.OnesCount64(a[3]&b[3]))
}

// add adds what another worker counted.
func (c *counts) add(o *counts) {
	for i := range c.layers {
		a, b := &c.layers[i], &o.layers[i]
		for t := range a.spikes {
			a.spikes[t] += b.spikes[t]
		}
		a.synops += b.synops
		a.active += b.active
		a.updates += b.updates
		a.messages += b.messages
		a.hops += b.hops
		a.edges += b.edges
		a.clipped += b.clipped
	}
	c.merged += o.merged
	c.inputs += o.inputs
	c.outputs += o.outputs
	c.ticks += o.ticks
}
