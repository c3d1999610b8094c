package truenorth

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
)

// literal computes one example on a network without random modes, written from the equations at emulator.Parameters and looking at each
// axon and neuron at each tick. It returns the spikes of the first copy of each neuron of each population, [steps][dims], and those that
// the host reads, likewise.
func literal(c *schema.Circuit, b *built, inputs [][]float32) (taps, outputs [][]float32) {
	n := &b.network
	arrives := map[[3]int32]bool{} // core, axon, tick
	send := func(line, tick int) {
		for _, to := range n.Lines[line] {
			arrives[[3]int32{to.Core, to.Axon, int32(tick) + to.Delay}] = true
		}
	}
	for t := range c.Steps {
		send(b.legend.On, t)
		for i, in := range c.Inputs {
			size := circuit.Size(in.Dims)
			for e := range size {
				if inputs[i][t*size+e] != 0 {
					send(b.legend.Inputs[i]+e, t)
				}
			}
		}
	}
	v := make([][]int32, len(n.Cores))
	for i := range v {
		for _, x := range n.Cores[i].Neurons {
			v[i] = append(v[i], n.Parameters[x.Parameters].V)
		}
	}
	fired := map[[3]int]bool{} // core, place, tick
	for i, p := range c.Populations {
		taps = append(taps, make([]float32, c.Steps*circuit.Size(p.Dims)))
		outputs = append(outputs, nil)
		if p.Gives {
			outputs[i] = make([]float32, c.Steps*circuit.Size(p.Dims))
		}
	}
	for tick := range b.ticks {
		for i := range n.Cores {
			core := &n.Cores[i]
			for k, x := range core.Neurons {
				p := &n.Parameters[x.Parameters]
				u := v[i][k]
				for a := range emulator.Axons {
					if core.Connected(a, k) && arrives[[3]int32{int32(i), int32(a), int32(tick)}] {
						u = min(max(u+p.S[core.Types[a]], -1<<19), 1<<19-1)
					}
				}
				switch {
				case !p.Epsilon:
					u += p.Lambda
				case u > 0:
					u = max(0, u+p.Lambda)
				case u < 0:
					u = min(0, u-p.Lambda)
				}
				switch {
				case u >= p.Alpha:
					fired[[3]int{i, k, tick}] = true
					switch p.Gamma {
					case 0:
						u = p.R
					case 1:
						u -= p.Alpha
					}
					switch x.Kind {
					case emulator.ToAxon:
						arrives[[3]int32{x.To, x.Axon, int32(tick) + x.Delay}] = true
					case emulator.ToOutput:
						for q, p := range c.Populations {
							size := circuit.Size(p.Dims)
							if e := int(x.To) - b.legend.Outputs[q]; p.Gives && e >= 0 && e < size {
								if t := tick - b.legend.Ticks[x.To]; t >= 0 && t < c.Steps {
									outputs[q][t*size+e] = 1
								}
							}
						}
					}
				case u < -p.Beta && p.Kappa:
					u = -p.Beta
				case u < -p.Beta && p.Gamma == 0:
					u = -p.R
				}
				v[i][k] = u
			}
		}
	}
	for i := range n.Cores {
		for k := range n.Cores[i].Neurons {
			tag := b.legend.Neurons[i][k]
			if tag.Relay {
				continue
			}
			size := circuit.Size(c.Populations[tag.Population].Dims)
			for t := range c.Steps {
				if fired[[3]int{i, k, t + b.fires[tag.Population]}] {
					taps[tag.Population][t*size+tag.Element] = 1
				}
			}
		}
	}
	return taps, outputs
}
