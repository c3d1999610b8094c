package circuit

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
)

// Float is what Run computes in.
type Float interface{ ~float32 | ~float64 }

// Block is examples of a circuit. Numbers lie as in schema.EmulateRequest.
type Block struct {
	Steps    int
	Examples int
	Inputs   [][]float32 // [steps][examples][dims] of spikes, [examples][dims] of a drive
}

// Outcome is what a circuit makes of a block. Each has an entry for each population.
type Outcome[F Float] struct {
	Spikes    [][]float32 // [steps][examples][dims]; nil of a read-out
	Membranes [][]F       // v[t], before the reset: [steps][examples][dims]
	ReadOuts  [][]F       // [examples][dims]; nil of what has spikes
}

// Run computes a verified circuit by the equations at schema.Population, one neuron after the other, summing in the order of synapses
// and Connections. It is written to be read and is slow. The weights are those of the circuit's tensors.
func Run[F Float](c *schema.Circuit, w Weights, b Block) (Outcome[F], error) {
	if b.Steps < 1 || b.Examples < 1 || len(b.Inputs) != len(c.Inputs) {
		return Outcome[F]{}, fmt.Errorf("run circuit %q: %d time steps, %d examples and %d of %d inputs", c.Name, b.Steps, b.Examples, len(b.Inputs), len(c.Inputs))
	}
	for i, in := range c.Inputs {
		want := b.Examples * Size(in.Dims)
		if in.Kind == schema.SpikeInput {
			want *= b.Steps
		}
		if len(b.Inputs[i]) != want {
			return Outcome[F]{}, fmt.Errorf("run circuit %q: input %d has %d numbers, not %d", c.Name, i, len(b.Inputs[i]), want)
		}
	}
	var out Outcome[F]
	for i := range c.Populations {
		p := &c.Populations[i]
		x := inflow[F](c, p, w, b, out.Spikes)
		n := Size(p.Dims)
		spikes := make([]float32, b.Steps*b.Examples*n)
		membranes := make([]F, b.Steps*b.Examples*n)
		for k := range b.Examples * n { // one neuron in one example
			neuron(p, b.Steps, func(t int) F { return x[t*b.Examples*n+k] }, func(t int, v F, s bool) {
				membranes[t*b.Examples*n+k] = v
				if s {
					spikes[t*b.Examples*n+k] = 1
				}
			})
		}
		var reads []F
		if p.Reads {
			spikes = nil
			for _, v := range membranes[(b.Steps-1)*b.Examples*n:] {
				reads = append(reads, v*F(p.Scale))
			}
		}
		out.Spikes, out.Membranes, out.ReadOuts = append(out.Spikes, spikes), append(out.Membranes, membranes), append(out.ReadOuts, reads)
	}
	return out, nil
}

// inflow returns x of a population, [steps][examples][dims].
func inflow[F Float](c *schema.Circuit, p *schema.Population, w Weights, b Block, spikes [][]float32) []F {
	n := Size(p.Dims)
	x := make([]F, b.Steps*b.Examples*n)
	for t := range b.Steps {
		for e := range b.Examples {
			row := x[(t*b.Examples+e)*n:][:n]
			if p.Bias != nil {
				bias := w(*p.Bias)
				for i := range row {
					row[i] = F(bias[i*len(bias)/n]) // a channel's neurons lie one behind the other
				}
			}
			for _, d := range p.Drive {
				for i, v := range b.Inputs[d][e*n:][:n] {
					row[i] += F(v)
				}
			}
		}
	}
	for k := range p.Synapses {
		s := &p.Synapses[k]
		weights, size := w(s.Weights), Size(SourceDims(c, s))
		var from []float32
		if s.Population < 0 {
			from = b.Inputs[s.Input]
		} else {
			from = spikes[s.Population]
		}
		for l := range Connections(s, p.Dims) {
			for te := range b.Steps * b.Examples {
				if from[te*size+l.Source] != 0 {
					x[te*n+l.Target] += F(weights[l.Weight])
				}
			}
		}
	}
	return x
}

// neuron runs one neuron and calls give with v[t] and the spike of each step.
func neuron[F Float](p *schema.Population, steps int, x func(t int) F, give func(t int, v F, s bool)) {
	after := F(p.Start) // v'
	var u F
	fired, rest, rested := false, 0, false
	exceeds := func(v F) bool { // and may fire
		if p.Reads || p.Once && fired {
			return false
		}
		return v > F(p.Threshold) || !p.Strict && v == F(p.Threshold)
	}
	spike := func() { // the reset
		switch p.Reset.Kind {
		case schema.ResetTo:
			after = F(p.Reset.Value)
		case schema.ResetBy:
			after -= F(p.Reset.Value)
		}
		fired, rest = true, p.Refractory
	}
	for t := range steps {
		// What a late neuron asks for before it integrates is what others ask for behind the step before.
		late := p.Late && !rested && exceeds(after)
		if late {
			spike()
		}
		u = F(F(p.CurrentDecay)*u) + x(t) // F(...): no fused multiply and add
		if !p.Current {
			u = x(t)
		}
		if rested = rest > 0; rested {
			rest--
		} else {
			after = F(F(p.Decay)*after) + u
		}
		v := after
		s := !p.Late && !rested && exceeds(v)
		if s {
			spike()
		}
		give(t, v, s || late)
	}
}
