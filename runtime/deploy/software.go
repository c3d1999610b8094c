package deploy

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/host"
)

// software is a circuit that is run in floating point, spike by spike: work goes with spikes and not with synapses. Weights are single
// precision and sums double, so that the order of spikes hardly ever decides whether a neuron fires. It computes the equations at
// schema.Population, as circuit.Run does literally.
type software struct {
	c      *schema.Circuit
	layers []layer // of populations
}

// layer is a population. Its neurons are in an order of their own, channels last, in which what a spike adds to lies together.
type layer struct {
	*schema.Population
	n     int
	order []int     // of each neuron in that order, its place in the circuit's
	bias  []float64 // in that order
	in    []fan
}

// fan is synapses from the side of their source.
type fan struct {
	population, input int
	size              int                          // elements of the source
	first             []int32                      // of each element, its first place in at; one more at the end
	at                []int32                      // places in the view
	weights           []float32                    // by channel of the view and place of the kernel, with the neurons' channels last
	out               []int                        // connections of each element
	add               func(place int, x []float64) // the weights of a place to what flows in
}

// newSoftware prepares a verified circuit.
func newSoftware(c *schema.Circuit, w circuit.Weights) *software {
	s := &software{c: c}
	for i := range c.Populations {
		p := &c.Populations[i]
		l := layer{Population: p, n: circuit.Size(p.Dims)}
		m := circuit.MapOf(p.Dims)
		l.order = make([]int, 0, l.n)
		for y := range m.Height {
			for x := range m.Width {
				for o := range m.Channels {
					l.order = append(l.order, m.At(o, y, x))
				}
			}
		}
		l.bias = make([]float64, l.n)
		if p.Bias != nil {
			b := w(*p.Bias)
			for k, at := range l.order {
				l.bias[k] = float64(b[at*len(b)/l.n])
			}
		}
		for k := range p.Synapses {
			l.in = append(l.in, newFan(c, p, &p.Synapses[k], w))
		}
		s.layers = append(s.layers, l)
	}
	return s
}

func newFan(c *schema.Circuit, p *schema.Population, s *schema.Synapses, w circuit.Weights) fan {
	f := fan{population: s.Population, input: s.Input, size: circuit.Size(circuit.SourceDims(c, s))}
	elements := circuit.Elements(s.View)
	f.first = make([]int32, f.size+1)
	for _, e := range elements {
		f.first[e+1]++
	}
	for e := range f.size {
		f.first[e+1] += f.first[e]
	}
	f.at = make([]int32, len(elements))
	next := slices.Clone(f.first)
	for place, e := range elements {
		f.at[next[e]] = int32(place)
		next[e]++
	}
	f.out = circuit.FanOut(s, p.Dims, f.size)
	own, g := w(s.Weights), circuit.GeometryOf(s, p.Dims)
	outs, rows, cols := g.Neurons.Channels, g.Rows.Kernel, g.Cols.Kernel
	if g.Channelled() {
		v := float64(own[0])
		f.add = func(place int, x []float64) {
			c, y, z := g.View.Place(place)
			high, wide := g.Rows.Outputs(y), g.Cols.Outputs(z)
			for row := high.From; row < high.To; row++ {
				for col := wide.From; col < wide.To; col++ {
					x[(row*g.Neurons.Width+col)*outs+c] += v
				}
			}
		}
		return f
	}
	f.weights = make([]float32, 0, len(own))
	for c := range g.View.Channels {
		for a := range rows {
			for b := range cols {
				for o := range outs {
					f.weights = append(f.weights, own[g.Weight(c, o, a, b)])
				}
			}
		}
	}
	f.add = func(place int, x []float64) {
		c, y, z := g.View.Place(place)
		high, wide := g.Rows.Outputs(y), g.Cols.Outputs(z)
		for row := high.From; row < high.To; row++ {
			for col := wide.From; col < wide.To; col++ {
				tap := (c*rows+g.Rows.Tap(y, row))*cols + g.Cols.Tap(z, col)
				addTo(x[(row*g.Neurons.Width+col)*outs:][:outs], f.weights[tap*outs:][:outs])
			}
		}
	}
	return f
}

func addTo(x []float64, w []float32) {
	x = x[:len(w)]
	for i, v := range w {
		x[i] += float64(v)
	}
}

// state is what a layer carries from step to step.
type state struct {
	u, after []float64 // after is v'
	rest     []int
	fired    []bool
	rested   []bool // at the last step
	x        []float64
	spikes   []int32 // places, in the circuit's order, of those that fire at this step
}

func newState(l *layer) *state {
	s := &state{u: make([]float64, l.n), after: make([]float64, l.n), rest: make([]int, l.n), fired: make([]bool, l.n), rested: make([]bool, l.n), x: make([]float64, l.n)}
	for i := range s.after {
		s.after[i] = l.Start
	}
	return s
}

// step lets all neurons take a time step with what has flowed in, and calls see with the membrane of each before its reset.
func (s *state) step(l *layer, see func(place int, v float64)) {
	s.spikes = s.spikes[:0]
	exceeds := func(i int) bool {
		if l.Reads || l.Once && s.fired[i] {
			return false
		}
		v := s.after[i]
		return v > l.Threshold || !l.Strict && v == l.Threshold
	}
	spike := func(i int) {
		switch l.Reset.Kind {
		case schema.ResetTo:
			s.after[i] = l.Reset.Value
		case schema.ResetBy:
			s.after[i] -= l.Reset.Value
		}
		s.fired[i], s.rest[i] = true, l.Refractory
		s.spikes = append(s.spikes, int32(l.order[i]))
	}
	for i, x := range s.x {
		late := l.Late && !s.rested[i] && exceeds(i)
		if late {
			spike(i)
		}
		u := x
		if l.Current {
			u = float64(l.CurrentDecay*s.u[i]) + x
			s.u[i] = u
		}
		if s.rested[i] = s.rest[i] > 0; s.rested[i] {
			s.rest[i]--
		} else {
			s.after[i] = float64(l.Decay*s.after[i]) + u
		}
		see(l.order[i], s.after[i])
		if !l.Late && !s.rested[i] && exceeds(i) {
			spike(i)
		}
	}
}

// did is what a layer did in some examples.
type did struct {
	spikes []float64 // by time step
	synops float64
	each   []float64 // spikes of each neuron, at all time steps
	seen   looks
}

// run computes a block, examples in parallel, into its outputs and, where it has some, its taps. Membranes are looked at where examples are
// numbered; nil: they are not.
func (s *software) run(b host.Block, numbers []uint64) ([]did, error) {
	if b.Steps < 1 || b.Batch < 1 || len(b.Inputs) != len(s.c.Inputs) {
		return nil, fmt.Errorf("run circuit %q: %d time steps, %d examples and %d of %d inputs", s.c.Name, b.Steps, b.Batch, len(b.Inputs), len(s.c.Inputs))
	}
	all := make([][]did, b.Batch)
	_ = circuit.EachExample(b.Batch, func() func(int) error {
		return func(e int) error {
			all[e] = s.example(b, e, numbers)
			return nil // none fails
		}
	})
	sum := all[0]
	for _, more := range all[1:] {
		for i := range sum {
			sum[i].add(more[i])
		}
	}
	return sum, nil
}

// add adds what a layer did in other examples: whole numbers, whose sums hang on no order.
func (d *did) add(more did) {
	for len(d.spikes) < len(more.spikes) {
		d.spikes = append(d.spikes, 0)
	}
	for t, v := range more.spikes {
		d.spikes[t] += v
	}
	for i, v := range more.each {
		d.each[i] += v
	}
	d.synops += more.synops
	d.seen.add(more.seen)
}

// example computes example e of a block.
func (s *software) example(b host.Block, e int, numbers []uint64) []did {
	states, out := make([]*state, len(s.layers)), make([]did, len(s.layers))
	for i := range s.layers {
		l := &s.layers[i]
		states[i] = newState(l)
		out[i] = did{spikes: make([]float64, b.Steps), each: make([]float64, l.n), seen: newLooks(l.n, b.Steps)}
	}
	arriving := make([][]int32, len(s.c.Inputs))
	for t := range b.Steps {
		for i, in := range s.c.Inputs {
			if in.Kind != schema.SpikeInput {
				continue
			}
			n := circuit.Size(in.Dims)
			arriving[i] = arriving[i][:0]
			for k, v := range b.Inputs[i][(t*b.Batch+e)*n:][:n] {
				if v != 0 {
					arriving[i] = append(arriving[i], int32(k))
				}
			}
		}
		outputs, taps := 0, 0
		for i := range s.layers {
			l, st := &s.layers[i], states[i]
			copy(st.x, l.bias)
			for _, d := range l.Drive {
				drive := b.Inputs[d][e*l.n:][:l.n]
				for k, at := range l.order {
					st.x[k] += float64(drive[at])
				}
			}
			for k := range l.in {
				f := &l.in[k]
				var from []int32
				if f.population < 0 {
					from = arriving[f.input]
				} else {
					from = states[f.population].spikes
				}
				for _, element := range from {
					out[i].synops += float64(f.out[element])
					for _, place := range f.at[f.first[element]:f.first[element+1]] {
						f.add(int(place), st.x)
					}
				}
			}
			st.step(l, func(place int, v float64) {
				if numbers != nil {
					out[i].seen.see(numbers[e], t*l.n+place, v)
				}
			})
			out[i].spikes[t] = float64(len(st.spikes))
			for _, at := range st.spikes {
				out[i].each[at]++
			}
			if !l.Reads {
				if b.Taps != nil {
					write(b.Taps[taps][(t*b.Batch+e)*l.n:][:l.n], st.spikes)
				}
				taps++
			}
			if !l.Gives {
				continue
			}
			if outputs++; !l.Reads {
				write(b.Outputs[outputs-1][(t*b.Batch+e)*l.n:][:l.n], st.spikes)
			} else if t == b.Steps-1 {
				row := b.Outputs[outputs-1][e*l.n:][:l.n]
				for k, at := range l.order {
					row[at] = float32(st.after[k] * l.Scale)
				}
			}
		}
	}
	return out
}

// write writes spikes as 0 and 1.
func write(row []float32, spikes []int32) {
	clear(row)
	for _, at := range spikes {
		row[at] = 1
	}
}
