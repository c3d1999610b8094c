package emulator

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
)

// Activity is what a machine did for all examples of a block together.
type Activity struct {
	// Layers count by layer; Spikes are those at each tick. An update of a neuron is active where a synapse brought it something or it
	// spiked. Messages are spikes to another core.
	Layers  []schema.Activity
	Ticks   float64
	Inputs  float64 // spikes that came in, one for each axon
	Outputs float64 // spikes to numbered outputs
	Merged  float64 // spikes to an axon at a tick for which another was there already: they have no effect
	Edges   float64 // edges between chips that messages passed
	Cores   int
	Chips   int
}

func (m *Machine) activity(c *counts) *Activity {
	out := &Activity{Ticks: float64(c.ticks), Inputs: float64(c.inputs), Outputs: float64(c.outputs), Merged: float64(c.merged), Cores: len(m.cores), Chips: m.chips}
	for i := range c.layers {
		l := &c.layers[i]
		a := schema.Activity{Synops: float64(l.synops), Active: float64(l.active), Inactive: float64(l.updates - l.active), Messages: float64(l.messages), Hops: float64(l.hops), Clipped: float64(l.clipped), Spikes: make([]float64, len(l.spikes))}
		if i < len(m.network.Layers) {
			a.Layer = m.network.Layers[i]
		}
		for t, n := range l.spikes {
			a.Spikes[t] = float64(n)
		}
		out.Edges += float64(l.edges)
		out.Layers = append(out.Layers, a)
	}
	return out
}

// Synops returns the synaptic events of all layers.
func (a *Activity) Synops() float64 {
	sum := 0.0
	for i := range a.Layers {
		sum += a.Layers[i].Synops
	}
	return sum
}

// The names of constants, as energies name what they come from.
const (
	eventEnergy   = "energy of a synaptic event, marginal"
	staticPower   = "power of a chip without events"
	averageEnergy = "energy of a synaptic event, everything included"
	edgeEnergy    = "energy of a spike from a core to the edge of the chip"
	chipEnergy    = "energy of a spike from chip to chip"
	tickTime      = "tick"
	fastTime      = "tick, fast"
)

// constants are the figures that energies and times are computed from. The two of the fit go through the points of 11.58 Hz and
// 95.93 Hz at 0.8 V and 128 active synapses (Akopyan et al. 2015, figure 17): 68 and 94 mW.
var constants = []schema.Constant{
	{Name: eventEnergy, Value: 2.297e-12, Unit: "J", Voltage: "0.8 V", Kind: "fit", Source: "derived from Akopyan et al., IEEE TCAD 34(10), 2015, figure 17"},
	{Name: staticPower, Value: 64.43e-3, Unit: "W", Voltage: "0.8 V", Kind: "fit", Source: "derived from Akopyan et al., IEEE TCAD 34(10), 2015, figure 17"},
	{Name: averageEnergy, Value: 26e-12, Unit: "J", Voltage: "0.775 V", Kind: "silicon", Source: "Merolla et al., Science 345, 2014, at 20 Hz and 128 active synapses"},
	{Name: edgeEnergy, Value: 64e-12, Unit: "J", Voltage: "0.775 V", Kind: "derived", Source: "2 pJ a bit, 32 bits: Akopyan et al., IEEE TCAD 34(10), 2015"},
	{Name: chipEnergy, Value: 832e-12, Unit: "J", Voltage: "1.8 V", Kind: "derived", Source: "26 pJ a bit, 32 bits: Akopyan et al., IEEE TCAD 34(10), 2015"},
	{Name: tickTime, Value: 1e-3, Unit: "s", Kind: "silicon", Source: "Merolla et al., Science 345, 2014"},
	{Name: fastTime, Value: 47.6e-6, Unit: "s", Kind: "silicon", Source: "21 times real time: Akopyan et al., IEEE TCAD 34(10), 2015"},
}

// Constants returns the figures that energies and times are computed from.
func Constants() []schema.Constant { return append([]schema.Constant(nil), constants...) }

// value returns a constant.
func value(name string) float64 {
	for i := range constants {
		if constants[i].Name == name {
			return constants[i].Value
		}
	}
	panic("no constant " + name)
}

// Tick returns the seconds of a tick: 1 ms, or the least that was shown where it is fast. Whether an application keeps its function
// with the fast tick was verified for some applications only.
func Tick(fast bool) float64 {
	if fast {
		return value(fastTime)
	}
	return value(tickTime)
}

// Power returns the watts of a chip that does so many synaptic events in a second, by the fit.
func Power(synops float64) float64 { return value(staticPower) + value(eventEnergy)*synops }

// The profiles of energies.
const (
	Fit     = "fit at 0.8 V"
	Average = "average-at-20Hz"
)

// Energy returns what all examples took, one after another. The profile Fit has a marginal energy for each synaptic event, which
// includes its share of neurons and routing, and a static power; its static part is from the share of the used cores to whole chips.
// The profile Average has the energy per synaptic event of one operating point, static power included: papers compare by it, and it
// misses other operating points by factors. The two must not be added.
func (a *Activity) Energy(fast bool) []schema.Energy {
	n := a.Synops()
	tick := tickTime
	if fast {
		tick = fastTime
	}
	whole := value(staticPower) * a.Ticks * Tick(fast)
	used := whole * float64(a.Cores) / Cores
	note := fmt.Sprintf("%d of %d cores: low is their share, high is all of %d chips", a.Cores, a.Chips*Cores, a.Chips)
	if fast {
		note += "; the power is that of a chip with ticks of 1 ms"
	}
	marginal := value(eventEnergy) * n
	out := []schema.Energy{
		{Profile: Fit, Part: schema.Dynamic, Low: marginal, High: marginal, From: []string{eventEnergy}},
		{Profile: Fit, Part: schema.Static, Low: used, High: whole * float64(a.Chips), From: []string{staticPower, tick}, Note: note},
	}
	if a.Edges > 0 {
		e := value(chipEnergy) * a.Edges
		out = append(out, schema.Energy{Profile: Fit, Part: schema.Dynamic, Low: e, High: e, From: []string{chipEnergy}, Note: "messages between chips"})
	}
	if io := a.Inputs + a.Outputs; io > 0 {
		low, high := value(edgeEnergy), value(edgeEnergy)+value(chipEnergy)
		out = append(out, schema.Energy{Profile: Fit, Part: schema.HostIO, Low: low * io, High: high * io, From: []string{edgeEnergy, chipEnergy}, Note: "spikes in and out: low ends at the edge of the chip, high at the next chip"})
	}
	average := value(averageEnergy) * n
	return append(out, schema.Energy{Profile: Average, Part: schema.Dynamic, Low: average, High: average, From: []string{averageEnergy}, Note: "everything included, at 20 Hz and 128 active synapses only"})
}

// Time returns the seconds of all examples, one after another.
func (a *Activity) Time(fast bool) []schema.Amount {
	t := a.Ticks * Tick(fast)
	return []schema.Amount{{Name: "ticks", Used: t, Limit: t}}
}
