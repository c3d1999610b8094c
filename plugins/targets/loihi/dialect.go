package loihi

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
)

// dialects are those that a circuit can be compiled for, by what the argument calls them. That of nengo-loihi is the chip's.
var dialects = map[string]emulator.Dialect{"chip": emulator.Chip, "lava": emulator.Lava, "brian2": emulator.Brian2}

// terms are what the chip's neurons are.
type terms struct {
	generation int
	dialect    emulator.Dialect
}

// rests reports whether there is a refractory counter, which lava's neuron has not.
func (t terms) rests() bool { return t.dialect != emulator.Lava }

// latency is how many steps an example of a circuit begins later than on the chip. Spikes of inputs come a step later in lava: where none of
// them waits anyhow, all do.
func (t terms) latency(c *schema.Circuit) int {
	if t.dialect != emulator.Lava {
		return 0
	}
	for i := range c.Populations {
		for _, s := range c.Populations[i].Synapses {
			if s.Population < 0 && s.Delay == 0 {
				return 1
			}
		}
	}
	return 0
}

// held is how many steps a bias has to wait for the time step 0 of population i.
func (t terms) held(c *schema.Circuit, i int) int {
	p := &c.Populations[i]
	held := p.Depth - 1 + t.latency(c)
	if p.Late {
		held++
	}
	return held
}

// biased reports whether population i can have its bias as one; else it comes as synapses. Behind a current the chip adds no bias.
func (t terms) biased(c *schema.Circuit, i int) bool {
	switch t.dialect {
	case emulator.Brian2:
		return false
	case emulator.Lava:
		return t.held(c, i) == 0 && !c.Populations[i].Current
	}
	return !c.Populations[i].Current
}

// lacking says what of population i the dialect's code has not; "" where it has all.
func (t terms) lacking(c *schema.Circuit, i int) string {
	p := &c.Populations[i]
	switch {
	case t.dialect == emulator.Brian2 && len(p.Drive) > 0:
		return "a real number for each example flows into it, and the neuron of brian2_loihi has no bias"
	case t.dialect == emulator.Lava && len(p.Drive) > 0 && t.held(c, i) > 0:
		return fmt.Sprintf("a real number for each example flows into it and has to wait %d steps, and the neuron of lava, which has no refractory counter, waits for none", t.held(c, i))
	case t.dialect == emulator.Lava && p.Refractory > 0 && !p.Once && !p.Reads:
		return "it rests behind a spike, and the neuron of lava has no refractory counter"
	case t.dialect == emulator.Lava && p.Once && p.Decay == 0 && !p.Current:
		return "it fires once, and the neuron of lava without memory and refractory counter is not silent behind a spike"
	}
	return ""
}
