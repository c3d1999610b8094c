package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// stepped is a circuit as a chip runs it, step by step of the chip, with the faults that chips have in time. On the chip neurons that are
// late are like others one step deeper: what makes them late is which time step their spikes are counted to.
type stepped struct {
	schema.Circuit
	tensors map[int][]float32 // by offset
}

// steppedFaults are the faults that need it; "target stepped" is none.
var steppedFaults = map[string]bool{"target stepped": true, "target tardy": true, "target hasty": true, "target undelayed": true, "target punctual": true}

// step is that of the chip in which a population computes its time step 0.
func step(p *schema.Population) int {
	if p.Late {
		return p.Depth
	}
	return p.Depth - 1
}

// kept is a circuit with its weights.
func kept(c schema.Circuit, w sdk.Weights) *stepped {
	x := &stepped{Circuit: c, tensors: map[int][]float32{}}
	for _, p := range c.Populations {
		for _, s := range p.Synapses {
			x.tensors[s.Weights.Offset] = append([]float32{}, w(s.Weights)...)
		}
		if p.Bias != nil {
			x.tensors[p.Bias.Offset] = append([]float32{}, w(*p.Bias)...)
		}
	}
	return x
}

// overwrite runs the examples of a block and writes their spikes over those that are there, counted.
func (x *stepped) overwrite(b *sdk.Block, r *schema.EmulateReply) {
	for _, l := range r.Layers {
		clear(l.Spikes)
	}
	for e := range b.Examples {
		outputs, taps := b.Outputs, b.Taps
		for i, sent := range x.run(b, e) {
			p := &x.Populations[i]
			for t := range b.Steps {
				at := t + p.Depth - 1
				if fault == "target tardy" {
					at--
				}
				if fault == "target punctual" {
					at = t + step(p)
				}
				spikes := make([]float32, circuit.Size(p.Dims))
				if at >= 0 {
					copy(spikes, sent[at])
				}
				if p.Gives {
					copy(of(outputs[0], t, e, len(spikes)), spikes)
				}
				if len(taps) > 0 {
					copy(of(taps[0], t, e, len(spikes)), spikes)
				}
				for _, s := range spikes {
					r.Layers[i].Spikes[t] += float64(s)
				}
			}
			if p.Gives {
				outputs = outputs[1:]
			}
			if len(taps) > 0 {
				taps = taps[1:]
			}
		}
	}
}

// of returns the numbers of an example at a time step, of so many.
func of(s sdk.Series, t, e, numbers int) []float32 { return s.At(t)[e*numbers:][:numbers] }

// run returns the spikes of each population at each step of the chip.
func (x *stepped) run(b *sdk.Block, e int) [][][]float32 {
	ticks := b.Steps
	for i := range x.Populations {
		ticks = max(ticks, b.Steps+x.Populations[i].Depth)
	}
	sent := make([][][]float32, len(x.Populations))
	membranes := make([][]float64, len(x.Populations))
	rests := make([][]int, len(x.Populations))
	for i := range x.Populations {
		n := circuit.Size(x.Populations[i].Dims)
		membranes[i], rests[i] = make([]float64, n), make([]int, n)
		for k := range n {
			membranes[i][k] = x.Populations[i].Start
		}
	}
	for tick := range ticks {
		for i := range x.Populations {
			p := &x.Populations[i]
			spikes := make([]float32, len(membranes[i]))
			if t := tick - step(p); t >= 0 || fault == "target hasty" {
				for k, in := range x.inflow(b, e, p, tick, sent) {
					v := &membranes[i][k]
					if rests[i][k] > 0 {
						rests[i][k]--
						continue
					}
					*v = p.Decay**v + in
					if *v > p.Threshold || *v == p.Threshold && !p.Strict {
						spikes[k], rests[i][k] = 1, p.Refractory
						switch p.Reset.Kind {
						case schema.ResetTo:
							*v = p.Reset.Value
						case schema.ResetBy:
							*v -= p.Reset.Value
						}
					}
				}
			}
			sent[i] = append(sent[i], spikes)
		}
	}
	return sent
}

// inflow is what flows into a population at a step of the chip.
func (x *stepped) inflow(b *sdk.Block, e int, p *schema.Population, tick int, sent [][][]float32) []float64 {
	in := make([]float64, circuit.Size(p.Dims))
	for k := range in {
		if p.Bias != nil {
			bias := x.tensors[p.Bias.Offset]
			in[k] = float64(bias[k*len(bias)/len(in)])
		}
		for _, d := range p.Drive {
			in[k] += float64(of(b.Inputs[d], 0, e, len(in))[k])
		}
	}
	for i := range p.Synapses {
		s := &p.Synapses[i]
		at := tick - 1 - s.Delay // when what is taken in was sent; inputs one step before that at which they are there
		if fault == "target undelayed" {
			at = tick - 1
		}
		var spikes []float32
		switch {
		case s.Population >= 0 && at >= 0:
			spikes = sent[s.Population][at]
		case s.Population < 0 && at+1 >= 0 && at+1 < b.Steps:
			spikes = of(b.Inputs[s.Input], at+1, e, circuit.Size(x.Inputs[s.Input].Dims))
		default:
			continue
		}
		weights := x.tensors[s.Weights.Offset]
		for c := range circuit.Connections(s, p.Dims) {
			if spikes[c.Source] != 0 {
				in[c.Target] += float64(weights[c.Weight])
			}
		}
	}
	return in
}
