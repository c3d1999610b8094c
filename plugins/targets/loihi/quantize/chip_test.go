package quantize

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// decayed is D(x, k): x with the share k / 4096 taken off, towards 0.
func decayed(x, k int) int {
	if x < 0 {
		return -(-x * (4096 - k) / 4096)
	}
	return x * (4096 - k) / 4096
}

// wrapped is two's complement of bits and a sign.
func wrapped(x, bits int) int {
	m := 1 << (bits + 1)
	x = ((x % m) + m) % m
	if x >= m/2 {
		x -= m
	}
	return x
}

// outcome is what a population did at the network's time steps.
type outcome struct {
	spikes [][]int // by time step
	last   []int   // v of the last time step
	wraps  int     // sums and currents that left their widths, and membranes that were clipped
}

// run computes one example on the chip, literally and slowly, step by step in the order that nengo-loihi's emulator/interface.py has:
// sum, current, membrane, refractory time, spike, reset. It is what the registers mean.
func run(c *schema.Circuit, registers []Registers, b circuit.Block, example int) []outcome {
	deepest := 0
	for i := range c.Populations {
		deepest = max(deepest, c.Populations[i].Depth)
	}
	ticks := c.Steps + max(deepest, 1) - 1
	out := make([]outcome, len(c.Populations))
	type state struct{ u, v, rest []int }
	states := make([]state, len(out))
	fired := make([][][]int, len(out)) // by tick
	for i := range out {
		n := circuit.Size(c.Populations[i].Dims)
		s := state{make([]int, n), make([]int, n), make([]int, n)}
		for k := range n {
			s.v[k], s.rest[k] = registers[i].Start, registers[i].Hold
		}
		states[i], fired[i], out[i].spikes = s, make([][]int, ticks), make([][]int, c.Steps)
		for t := range out[i].spikes {
			out[i].spikes[t] = make([]int, n)
		}
	}
	for tick := range ticks {
		for i := range out {
			p, r, s := &c.Populations[i], &registers[i], &states[i]
			n := len(s.v)
			q := make([]int, n)
			for k := range p.Synapses {
				syn, g := &p.Synapses[k], &r.Groups[k]
				var spikes []int // that arrive now
				if at := tick - syn.Delay; syn.Population < 0 && at >= 0 && at < c.Steps {
					size := circuit.Size(c.Inputs[syn.Input].Dims)
					for _, x := range b.Inputs[syn.Input][(at*b.Examples+example)*size:][:size] {
						spikes = append(spikes, int(x))
					}
				} else if at--; syn.Population >= 0 && at >= 0 {
					spikes = fired[syn.Population][at]
				}
				if spikes == nil {
					continue
				}
				for l := range circuit.Connections(syn, p.Dims) {
					if spikes[l.Source] != 0 {
						q[l.Target] += int(g.Mantissas[l.Weight]) << (6 + g.Exponent)
					}
				}
			}
			fired[i][tick] = make([]int, n)
			// What happens behind the last time step of a population has no consequence.
			began := out[i].wraps
			for k := range n {
				bias := 0
				if len(p.Drive) > 0 {
					d := 0.0
					for _, in := range p.Drive {
						d += float64(b.Inputs[in][example*n+k])
					}
					m, clipped := r.Drive(k, n, d)
					if clipped {
						out[i].wraps++
					}
					bias = m << r.BiasExponent
				} else if r.Bias != nil {
					bias = r.Bias[k] << r.BiasExponent
				}
				sum := wrapped(q[k], 21)
				current := wrapped(decayed(s.u[k], r.DecayU+1)+sum, 23)
				w := wrapped(current+bias, 23)
				if sum != q[k] || current != decayed(s.u[k], r.DecayU+1)+sum || w != current+bias {
					out[i].wraps++
				}
				s.u[k] = current
				free := decayed(s.v[k], r.DecayV) + w
				v := min(max(free, -(1<<23)+1), 1<<23-1)
				if v != free {
					out[i].wraps++
				}
				if s.rest[k] > 0 {
					v = 0
				}
				if tick == c.Steps-1+p.Depth-1 {
					out[i].last = append(out[i].last, v)
				}
				if v > 64*r.Threshold {
					if v -= r.ResetBy; r.ResetBy == 0 {
						v = 0
					}
					s.rest[k] = r.Refractory
					fired[i][tick][k] = 1
				}
				s.v[k], s.rest[k] = v, max(s.rest[k]-1, 0)
			}
			if tick >= c.Steps-1+p.Depth && tick > c.Steps-1 {
				out[i].wraps = began
			}
			if t := tick - p.Depth + 1; t >= 0 && t < c.Steps {
				out[i].spikes[t] = fired[i][tick]
			}
		}
	}
	return out
}
