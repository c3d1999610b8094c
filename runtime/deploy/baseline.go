package deploy

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/record"
)

// The energy of an operation in joules, in 32-bit floating point at 45 nm and 0.9 V: M. Horowitz, "Computing's energy problem (and what
// we can do about it)", ISSCC 2014: an addition 0.9 pJ, a multiplication 3.7 pJ. Papers of spiking networks compare by these.
const (
	addition   = 0.9e-12
	accumulate = 4.6e-12
)

// The power of a busy thread of a processor in watts. It is assumed, and not measured: from cores of large servers, which share one
// socket's power, to those of desktops.
const (
	threadLow  = 2.0
	threadHigh = 15.0
)

// The labels of baselines.
const (
	model   = "model"   // operations counted, times what a publication says of one
	assumed = "assumed" // a time measured, times a power that is assumed
)

// MultiplyAccumulates counts those of an inference if the networks were no spiking ones: of each product once, without time steps.
func MultiplyAccumulates(parts []Part) float64 {
	sum := 0.0
	for _, p := range parts {
		for _, n := range p.Module.Function("eval").Nodes {
			switch n.Op {
			case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
				sum += p.Runs * float64(n.MultiplyAccumulates(1)) / float64(max(1, n.In[0].Type().Steps))
			}
		}
	}
	return sum
}

// Baselines writes what an inference takes on other things than the chip into a deployment, whose layers, totals and CPU time are there,
// and how much more that is. macs are those of MultiplyAccumulates.
func Baselines(d *record.Deployment, p *Placed, macs float64) {
	synops, once, all := 0.0, 0.0, 0.0
	for _, l := range d.Layers {
		d.HostOperations += l.Operations
		if l.Software != nil {
			synops += l.Software.Synops
		}
		once += l.Operations
		all += l.Operations * float64(p.repeats(l))
	}
	add := func(name string, low, high float64, label, note string) {
		b := record.Baseline{Name: name, Low: low, High: high, Label: label, Note: note}
		for _, t := range d.Totals {
			if t.Low > 0 {
				b.Ratios = append(b.Ratios, record.Total{Profile: t.Profile, Bounds: record.Bounds{Low: low / t.High, High: high / t.Low}})
			}
		}
		d.Baselines = append(d.Baselines, b)
	}
	add("the same layers without spikes", accumulate*macs, accumulate*macs, model,
		fmt.Sprintf("%.4g multiply-accumulates of one pass without time steps, at 4.6 pJ each (45 nm, 32 bit; Horowitz 2014); arithmetic alone, without memory", macs))
	add("the same spikes as additions", addition*(synops+once), addition*(synops+all), model,
		fmt.Sprintf("%.4g synaptic events in software, and the host's products as additions too, computed once (%.4g) to at each time step (%.4g), at 0.9 pJ each (45 nm, 32 bit; Horowitz 2014); arithmetic alone, without memory and neurons", synops, once, all))
	if d.HostOperations > 0 {
		add("the host's part", accumulate*d.HostOperations, accumulate*d.HostOperations, model,
			fmt.Sprintf("%.4g multiply-accumulates beside the chip, at 4.6 pJ each (45 nm, 32 bit; Horowitz 2014); it comes on top of the chip's energy", d.HostOperations))
	}
	if d.CPU != nil {
		threads := float64(d.CPU.Threads)
		add("the same networks on this processor", d.CPU.Seconds*threads*threadLow, d.CPU.Seconds*threads*threadHigh, assumed,
			fmt.Sprintf("%.4g s measured with %d threads, at %g to %g W for each, which is assumed: there was no meter", d.CPU.Seconds, d.CPU.Threads, threadLow, threadHigh))
	}
}

// repeats returns at how many time steps the host would compute a layer whose result it sends as a current once; 1 of any other.
func (p *Placed) repeats(l record.DeployedLayer) int {
	for _, c := range p.Circuits {
		drives := func(in schema.Input) bool { return in.Kind == schema.DriveInput && in.Name == l.Layer }
		if l.Where == record.OnHost && c.Network == l.Network && slices.ContainsFunc(c.Inputs, drives) {
			return c.Steps
		}
	}
	return 1
}
