package neurogrid

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// options are the arguments of the target.
type options struct {
	step     float64 // real time of a time step of the network, ms
	tau      float64 // of membranes, ms
	mismatch float64
	rate     float64 // spikes per time step of what was not measured
	dt       float64 // step of the emulation, ms
}

// layout is how populations lie on the board: each set of parameters has Neurocores of its own, filled by one population after another.
type layout struct {
	options
	sets []set
	at   map[where]berth
	used int // Neurocores
	// Of each population with a bias, how many spikes stand for it in a time step; nil before its numbers are known.
	tonics map[where]int
}

// where is a population of a circuit of a request.
type where struct{ circuit, population int }

// berth is where a population lies: its neurons follow each other from a place (Neurocore * 65536 + row * 256 + column) on.
type berth struct {
	set   int
	place int
}

// set is a set of parameters, shared by populations of the same dynamics.
type set struct {
	memory     float64 // decay per time step of the network that its synapses stand for
	refractory int     // time steps
	neurons    int
	first      int // Neurocore
	members    []where
	// For one pulse of excitatory conductance: the least that makes a neuron spike, and the ms from one half above that to the spike.
	least, lag float64
}

// memory is the decay of the one filter that a population's synapses are. A membrane that remembers decay^n of what came in n steps ago,
// behind a current that does alike, delays what flows in by decay / (1 - decay) steps on the average, and so do both together by the
// sum: the filter is the one with this delay. It is the population's own decay where there is no current.
func memory(d schema.Dynamics) float64 {
	delay := d.Decay/(1-d.Decay) + d.CurrentDecay/(1-d.CurrentDecay)
	if math.IsInf(delay, 1) {
		return 1
	}
	return delay / (1 + delay)
}

// newLayout lays out all populations but those that are refused. It lies on more Neurocores than there are where they do not fit.
func newLayout(o options, circuits []schema.Circuit, refused func(where) bool) *layout {
	l := &layout{options: o, at: map[where]berth{}}
	for i := range circuits {
		for j := range circuits[i].Populations {
			w, p := where{i, j}, &circuits[i].Populations[j]
			if refused(w) {
				continue
			}
			k := 0
			for k < len(l.sets) && (l.sets[k].memory != memory(p.Dynamics) || l.sets[k].refractory != p.Refractory) {
				k++
			}
			if k == len(l.sets) {
				l.sets = append(l.sets, set{memory: memory(p.Dynamics), refractory: p.Refractory})
			}
			s := &l.sets[k]
			l.at[w] = berth{k, s.neurons}
			s.neurons += circuit.Size(p.Dims)
			s.members = append(s.members, w)
		}
	}
	for k := range l.sets {
		s := &l.sets[k]
		s.least, s.lag = o.threshold(s)
		s.first = l.used
		l.used += s.cores()
		for _, w := range s.members {
			b := l.at[w]
			b.place += s.first * emulator.Neurons
			l.at[w] = b
		}
	}
	return l
}

// cores is how many Neurocores a set takes.
func (s *set) cores() int { return (s.neurons + emulator.Neurons - 1) / emulator.Neurons }

// wires returns how many softwires a population takes, and how many spikes arrive at them in a time step of the network, with what was
// measured where that is known. A bias takes as many spikes as its numbers want, and the least where they are not known.
func (l *layout) wires(c *schema.Circuit, w where) (softwires, spikes float64) {
	p := &c.Populations[w.population]
	n := float64(circuit.Size(p.Dims))
	for k := range p.Synapses {
		s := &p.Synapses[k]
		count := float64(circuit.Count(s, p.Dims))
		rate := l.rate
		if s.Population >= 0 && c.Populations[s.Population].Measured != nil {
			rate = c.Populations[s.Population].Measured.Rate
		}
		softwires += count
		spikes += count * rate
	}
	if p.Bias != nil {
		softwires += n
		spikes += n * float64(max(tonic, l.tonics[w]))
	}
	for range p.Drive { // an address for what excites and one for what inhibits; one of them is used
		softwires += 2 * n
		spikes += n * tonic
	}
	return softwires, spikes
}

// fewer is what helps where nothing else does.
const fewer = "fewer connections: a smaller kernel, fewer channels or fewer neurons"

// report says how the circuits lie on the board.
func (l *layout) report(reply *schema.TargetReply, circuits []schema.Circuit) {
	var softwires, neurons float64
	link := schema.Amount{Name: "Mevent/s", Limit: linkEvents / 1e6} // of the circuit that has most: they run one after the other
	layers := map[where]int{}
	for i := range circuits {
		c := &circuits[i]
		var load, most float64
		measured := !slices.ContainsFunc(c.Populations, func(p schema.Population) bool { return p.Measured == nil })
		largest := -1
		for j := range c.Populations {
			p := &c.Populations[j]
			b, ok := l.at[where{i, j}]
			if !ok {
				continue
			}
			n, spikes := l.wires(c, where{i, j})
			softwires += n
			neurons += float64(circuit.Size(p.Dims))
			load += spikes
			s := &l.sets[b.set]
			first, last := b.place/emulator.Neurons, (b.place+circuit.Size(p.Dims)-1)/emulator.Neurons
			layers[where{i, j}] = len(reply.Layers)
			x := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{
				{Name: "neurons", Used: float64(circuit.Size(p.Dims))},
				{Name: "Neurocores", Used: float64(last - first + 1)},
				{Name: "softwires", Used: n},
				{Name: "Mevent/s", Used: spikes / l.step * 1e3 / 1e6, Limit: linkEvents / 1e6, Assumed: !measured},
			}}
			if last >= emulator.Neurocores {
				x.Problem = fmt.Sprintf("it lies on Neurocore %d of %d: its set of parameters is number %d, and a set takes whole Neurocores of %d neurons", last+1, emulator.Neurocores, b.set+1, emulator.Neurons)
				x.Change = fmt.Sprintf("at most %d sets of decays and refractory times in all layers", max(1, emulator.Neurocores-(l.used-len(l.sets))))
				if s.cores() > emulator.Neurocores || len(l.sets) == 1 {
					x.Change = fmt.Sprintf("at most %d neurons in all layers of its decay", emulator.Neurocores*emulator.Neurons)
				}
				reply.Fits = false
			}
			if spikes > most {
				most, largest = spikes, len(reply.Layers)
			}
			reply.Layers = append(reply.Layers, x)
		}
		// Softwires end at the daughterboard, above the root of the tree: its link carries all of a circuit's events.
		perSecond := load / l.step * 1e3
		if perSecond/1e6 > link.Used {
			link.Used, link.Assumed = perSecond/1e6, !measured
		}
		if perSecond > linkEvents && largest >= 0 {
			rates := fmt.Sprintf("at measured rates, and %v spikes per neuron and time step where there are none", l.rate)
			if measured {
				rates = fmt.Sprintf("at measured rates, and %v spikes per time step of inputs", l.rate)
			}
			x := &reply.Layers[largest]
			x.Problem = fmt.Sprintf("the layers together take %.4g Mevent/s over the link to the daughterboard (%s), this one %.4g, and the link carries %g", perSecond/1e6, rates, most/l.step/1e3, linkEvents/1e6)
			x.Change = fewer
			if step := math.Ceil(load / linkEvents * 1e3); step <= longestStep {
				x.Change = fmt.Sprintf("step = %g, in ms", step)
			}
			reply.Fits = false
		}
	}
	l.skips(reply, circuits)
	if softwires > emulator.Softwires {
		largest, most := -1, 0.0
		for i := range circuits {
			for j := range circuits[i].Populations {
				if at, ok := layers[where{i, j}]; ok {
					if n, _ := l.wires(&circuits[i], where{i, j}); n > most {
						largest, most = at, n
					}
				}
			}
		}
		x := &reply.Layers[largest]
		x.Problem = fmt.Sprintf("all layers take %.0f softwires, this one %.0f, and the daughterboard holds %d", softwires, most, emulator.Softwires)
		x.Change = fewer
		reply.Fits = false
	}
	reply.Used = []schema.Amount{
		{Name: "Neurocores", Used: float64(l.used), Limit: emulator.Neurocores},
		{Name: "sets of parameters", Used: float64(len(l.sets)), Limit: emulator.Neurocores},
		{Name: "neurons", Used: neurons, Limit: emulator.Neurocores * emulator.Neurons},
		{Name: "softwires", Used: softwires, Limit: emulator.Softwires},
		link,
	}
}

// skips notes by how much paths that meet are apart: the delay of a connection cannot be programmed. A deep network with skips has many
// such paths, so the largest stands for all.
func (l *layout) skips(reply *schema.TargetReply, circuits []schema.Circuit) {
	early, largest, which := 0, 0.0, ""
	for i := range circuits {
		c := &circuits[i]
		offset := l.offsets(c, i)
		for j := range c.Populations {
			p := &c.Populations[j]
			if _, ok := l.at[where{i, j}]; !ok {
				continue
			}
			latest := l.arrival(offset, p)
			for k := range p.Synapses {
				s := &p.Synapses[k]
				by := latest - from(offset, s)
				if by == 0 {
					continue
				}
				if early++; by <= largest {
					continue
				}
				name := ""
				if s.Population >= 0 {
					name = c.Populations[s.Population].Name
				} else {
					name = c.Inputs[s.Input].Name
				}
				largest, which = by, fmt.Sprintf("from %s to %s of %s", name, p.Name, c.Network)
			}
		}
	}
	if early == 0 {
		return
	}
	skips := "1 skip ends"
	if early > 1 {
		skips = fmt.Sprintf("%d skips end", early)
	}
	reply.Notes = append(reply.Notes, fmt.Sprintf("connections have no delays to be programmed: where %s, spikes come before those of the longest path, about %.1f ms or %.2f time steps at most (%s)",
		skips, largest, largest/l.step, which))
}

// offsets returns when time step 0 of each population begins, in ms: spikes come out of a neuron later than what drives it by the lag of
// its set, so each layer is looked at later than those before it. The spikes of a late neuron count for the step behind their own.
func (l *layout) offsets(c *schema.Circuit, i int) []float64 {
	out := make([]float64, len(c.Populations))
	for j := range c.Populations {
		p := &c.Populations[j]
		out[j] = l.arrival(out, p)
		if b, ok := l.at[where{i, j}]; ok {
			out[j] += l.sets[b.set].lag
		}
		if p.Late {
			out[j] -= l.step
		}
	}
	return out
}

// arrival is when time step 0 of what drives a population comes in, by its longest path.
func (l *layout) arrival(offset []float64, p *schema.Population) float64 {
	latest := 0.0
	for k := range p.Synapses {
		latest = math.Max(latest, from(offset, &p.Synapses[k]))
	}
	return latest
}

// from is when time step 0 of a source begins.
func from(offset []float64, s *schema.Synapses) float64 {
	if s.Population < 0 {
		return 0
	}
	return offset[s.Population]
}
