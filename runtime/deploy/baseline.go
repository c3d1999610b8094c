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

// Baselines writes what an inference takes on other things than the chip into a deployment, whose layers, circuits, totals and CPU time
// are there, and how much more that is: what computes the whole network is compared with the chip and the host's part together. macs
// are those of MultiplyAccumulates.
func Baselines(d *record.Deployment, p *Placed, macs float64) {
	synops, once, all := 0.0, 0.0, 0.0
	for _, l := range d.Layers {
		d.HostOperations += l.Operations
		d.ChipOperations += float64(l.Synapses) * p.passes(l, d.Circuits)
		if l.Software != nil {
			synops += l.Software.Synops
		}
		once += l.Operations
		all += l.Operations * float64(p.repeats(l))
	}
	host := accumulate * d.HostOperations
	for _, t := range d.Totals {
		d.Whole = append(d.Whole, record.Total{Profile: t.Profile, Bounds: record.Bounds{Low: t.Low + host, High: t.High + host}, Parts: t.Parts})
	}
	if d.Caution = caution(d); d.HostOperations > 0 {
		d.Host = &record.HostEnergy{Joules: host, Note: fmt.Sprintf("%.4g multiply-accumulates beside the chip, at 4.6 pJ each (45 nm, 32 bit; Horowitz 2014); arithmetic alone, without memory", d.HostOperations)}
	}
	operations := func(name string, low, high float64, note string) {
		b := record.Baseline{Name: name, Low: low, High: high, Label: model, Note: note, Of: record.OfOperations}
		for _, t := range d.Whole {
			b.Ratios = append(b.Ratios, record.Total{Profile: t.Profile, Bounds: over(low, high, t.Bounds), Parts: t.Parts})
		}
		d.Baselines = append(d.Baselines, b)
	}
	if d.CPU != nil {
		chip := d.CPU.Seconds - d.CPU.Host
		simulated(d, "the part on the chip, simulated on this processor", chip, 0, record.OfChip)
		simulated(d, "the whole network, simulated on this processor", d.CPU.Seconds, d.CPU.Host, record.OfTime)
	}
	operations("the ANN: the same layers without spikes", accumulate*macs, accumulate*macs,
		fmt.Sprintf("%.4g multiply-accumulates of one pass without time steps, at 4.6 pJ each (45 nm, 32 bit; Horowitz 2014); arithmetic alone, without memory", macs))
	operations("the same spikes as additions", addition*(synops+once), addition*(synops+all),
		fmt.Sprintf("%.4g synaptic events in software, and the host's products as additions too, computed once (%.4g) to at each time step (%.4g), at 0.9 pJ each (45 nm, 32 bit; Horowitz 2014); arithmetic alone, without memory and neurons", synops, once, all))
}

// simulated adds what seconds of this processor take, compared with the chip and so many seconds of the host, which is this processor too
// and so has the same power. A time that is no more than what the clock can tell apart is left out.
func simulated(d *record.Deployment, name string, seconds, host float64, of string) {
	if seconds <= 0 {
		return
	}
	low, high := float64(d.CPU.Threads)*threadLow, float64(d.CPU.Threads)*threadHigh
	b := record.Baseline{Name: name, Low: seconds * low, High: seconds * high, Label: assumed, Of: of, Seconds: seconds,
		Note: fmt.Sprintf("%.4g s measured with %d threads, at %g to %g W for each, which is assumed: there was no meter", seconds, d.CPU.Threads, threadLow, threadHigh)}
	if host > 0 {
		b.Note += fmt.Sprintf("; beside the chip the host takes %.4g s of it", host)
	}
	if d.Seconds.High > 0 {
		b.Faster = over(seconds, seconds, record.Bounds{Low: d.Seconds.Low + host, High: d.Seconds.High + host})
	}
	for _, t := range d.Totals { // the more power, the more the whole takes for each joule of what is in both
		least := over(seconds*low, seconds*low, record.Bounds{Low: t.High + host*low, High: t.High + host*low})
		most := over(seconds*high, seconds*high, record.Bounds{Low: t.Low + host*high, High: t.Low + host*high})
		b.Ratios = append(b.Ratios, record.Total{Profile: t.Profile, Bounds: record.Bounds{Low: least.Low, High: most.High}, Parts: t.Parts})
	}
	d.Baselines = append(d.Baselines, b)
}

// over returns by how much one interval is more than another; an upper end that has no bound is 0.
func over(low, high float64, by record.Bounds) (out record.Bounds) {
	if by.High > 0 {
		out.Low = low / by.High
	}
	if by.Low > 0 {
		out.High = high / by.Low
	}
	return out
}

// caution says where less than half of a network's operations are done on the chip; "" where more are.
func caution(d *record.Deployment) string {
	sum := d.ChipOperations + d.HostOperations
	if sum == 0 || d.ChipOperations >= sum/2 {
		return ""
	}
	return fmt.Sprintf("only %.2g %% of the network's operations run on the chip, and the host does the others: what the chip takes is not what the network takes", 100*d.ChipOperations/sum)
}

// passes returns how often an inference goes through the synapses of a layer on the chip, if it looks at all of them in each time step; 0 of
// any other layer.
func (p *Placed) passes(l record.DeployedLayer, circuits []record.DeployedCircuit) float64 {
	for _, c := range circuits {
		if l.Where == record.OnChip && c.Name == l.Circuit {
			return c.Runs * float64(c.Steps)
		}
	}
	return 0
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
