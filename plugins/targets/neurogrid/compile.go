package neurogrid

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// plan is what a population's connections and gain are.
type plan struct {
	p          *schema.Population
	links      []link
	bias       []float32 // of each neuron; nil: none
	kappa      float64   // conductance that an input of one threshold opens
	inhibition float64   // relative to what cancels excitation
	rate       float64   // of the network's neurons
	most       float64   // largest magnitude of a weight
	biased     float64   // of a bias
}

// plan lists the connections of a population. Its gain is still 0.
func (l *layout) plan(c *schema.Circuit, j int, w sdk.Weights) *plan {
	p := &c.Populations[j]
	out := &plan{p: p, inhibition: 1}
	for k := range p.Synapses {
		weights := w(p.Synapses[k].Weights)
		for x := range circuit.Connections(&p.Synapses[k], p.Dims) {
			v := weights[x.Weight]
			out.most = math.Max(out.most, math.Abs(float64(v)))
			out.links = append(out.links, link{k, int32(x.Source), int32(x.Target), v})
		}
	}
	if p.Bias != nil {
		bias, n := w(*p.Bias), circuit.Size(p.Dims)
		out.bias = make([]float32, n)
		for i := range out.bias {
			out.bias[i] = bias[i*len(bias)/n]
			out.biased = math.Max(out.biased, math.Abs(float64(out.bias[i])))
		}
	}
	return out
}

// unit is the conductance that 1 of the network's opens.
func (p *plan) unit() float64 { return p.kappa / p.p.Threshold }

// events is how many events of a Neurocore's synapses open the conductance that the network's v is worth; where v is below 0 they
// inhibit. What an event opens, another population of the same parameters may have set.
func (p *plan) events(v float64, synapses emulator.Synapses) float64 {
	if v < 0 {
		return -v * ratio * p.inhibition * p.unit() / synapses[inhibit].Gain
	}
	return v * p.unit() / synapses[excite].Gain
}

// busiest is the most spikes a step that stand for a bias.
const busiest = 64

// amplitudes returns the parameters of each Neurocore that is used: an event of a set opens as much conductance as the largest of its
// populations' weights takes, and what a bias or a drive of two thresholds takes.
func (l *layout) amplitudes(plans map[where]*plan) []emulator.Parameters {
	var out []emulator.Parameters
	for k := range l.sets {
		s := &l.sets[k]
		p := l.parameters(s)
		for _, w := range s.members {
			x := plans[w]
			most := x.unit() * math.Max(x.most, x.biased/busiest)
			if len(x.p.Drive) > 0 {
				most = math.Max(most, 2*x.kappa/tonic)
			}
			p.Synapses[excite].Gain = math.Max(p.Synapses[excite].Gain, most)
			p.Synapses[inhibit].Gain = math.Max(p.Synapses[inhibit].Gain, ratio*x.inhibition*most)
		}
		for k := range p.Synapses {
			p.Synapses[k].Gain = math.Min(p.Synapses[k].Gain, p.Synapses[k].Most)
		}
		for range s.cores() {
			out = append(out, p)
		}
	}
	return out
}

// program is a compiled circuit. The addresses of the host are the elements of its inputs of spikes, then one for each population with
// a bias, then two for each neuron with a drive: what excites and what inhibits.
type program struct {
	options
	circuit *schema.Circuit
	board   *emulator.Board
	neurons []int // of each population: its first neuron
	offset  []float64
	arrives []float64 // of each population: when time step 0 of what drives it comes in
	inputs  []int     // of each input: its first address
	tonics  []source
	drives  []source
	settle  float64 // ms until the board is at rest again
	losses  []schema.Loss
	flight  chan struct{} // holds an entry for each example that runs: as many as mostFlight allows
}

// mostFlight is how many events examples that run at the same time may be expected to have together. A trial keeps those of a layer
// until its neurons have run, 8 bytes for each.
const mostFlight = 1 << 26

// source stands for a bias or a drive.
type source struct {
	population, input int
	address           int
	spikes            int        // a time step
	full              [2]float64 // of a drive above and of one below 0: what the probability 1 stands for
}

// program compiles circuit i. The cores are those of the whole board.
func (l *layout) program(c *schema.Circuit, i int, plans map[where]*plan, cores []emulator.Parameters) *program {
	x := &program{options: l.options, circuit: c, offset: l.offsets(c, i)}
	b := &emulator.Board{Step: l.dt, Cores: cores, Layers: len(c.Populations)}
	x.board = b
	for j := range c.Populations {
		p := &c.Populations[j]
		at := l.at[where{i, j}]
		x.neurons = append(x.neurons, len(b.Place))
		for k := range circuit.Size(p.Dims) {
			b.Place, b.Layer = append(b.Place, int32(at.place+k)), append(b.Layer, int32(j))
		}
		x.arrives = append(x.arrives, l.arrival(x.offset, p))
		core := cores[at.place/emulator.Neurons]
		for _, s := range core.Synapses {
			x.settle = math.Max(x.settle, 5*math.Max(s.Tau, core.Tau))
		}
	}
	for _, in := range c.Inputs {
		x.inputs = append(x.inputs, b.Inputs)
		if in.Kind == schema.SpikeInput {
			b.Inputs += circuit.Size(in.Dims)
		}
	}
	type wire struct {
		source int
		emulator.Wire
	}
	var wires []wire
	for j := range c.Populations {
		y := plans[where{i, j}]
		p, synapses := y.p, cores[l.at[where{i, j}].place/emulator.Neurons].Synapses
		loss := schema.Loss{Circuit: c.Name, Layer: p.Name, Scale: y.unit(), Decay: l.decay(&l.sets[l.at[where{i, j}].set]) - memory(p.Dynamics)}
		// join makes the softwire that opens the conductance v times the unit, by as many spikes.
		join := func(source, target int, v float64, spikes int) {
			kind := uint8(excite)
			if v < 0 {
				kind = inhibit
			}
			probability := y.events(v, synapses) / float64(spikes)
			if probability > 1+1e-6 {
				loss.Clipped++
			}
			if v != 0 {
				wires = append(wires, wire{source, emulator.Wire{Target: int32(x.neurons[j] + target), Type: kind, Probability: float32(math.Min(1, probability))}})
			}
		}
		for _, k := range y.links {
			s := &p.Synapses[k.synapses]
			from := len(b.Place) + x.inputs[s.Input] + int(k.source)
			if s.Population >= 0 {
				from = x.neurons[s.Population] + int(k.source)
			}
			join(from, int(k.target), float64(k.weight), 1)
		}
		if y.bias != nil && y.biased > 0 {
			n := tonic
			for _, v := range y.bias {
				n = max(n, int(math.Ceil(math.Min(busiest, y.events(float64(v), synapses)))))
			}
			x.tonics = append(x.tonics, source{population: j, address: b.Inputs, spikes: n})
			for target, v := range y.bias {
				join(len(b.Place)+b.Inputs, target, float64(v), n)
			}
			b.Inputs++
		}
		for _, d := range p.Drive {
			above, below := 1/y.events(1, synapses), 1/y.events(-1, synapses)
			x.drives = append(x.drives, source{population: j, input: d, address: b.Inputs, spikes: tonic, full: [2]float64{above * tonic, below * tonic}})
			for target := range circuit.Size(p.Dims) {
				join(len(b.Place)+b.Inputs+2*target, target, above, 1)
				join(len(b.Place)+b.Inputs+2*target+1, target, -below, 1)
			}
			b.Inputs += 2 * circuit.Size(p.Dims)
		}
		loss.Note = fmt.Sprintf("behavioural: an input of one threshold opens a conductance of %.3g; of the spikes over the largest weight %.3g of each come through", y.kappa, math.Min(1, y.most*y.unit()/synapses[excite].Gain))
		x.losses = append(x.losses, loss)
	}
	// By source, in the order in which they were made.
	b.First = make([]int, len(b.Place)+b.Inputs+1)
	for _, w := range wires {
		b.First[w.source+1]++
	}
	for k := range b.First[1:] {
		b.First[k+1] += b.First[k]
	}
	next := append([]int(nil), b.First...)
	b.Wires = make([]emulator.Wire, len(wires))
	for _, w := range wires {
		b.Wires[next[w.source]] = w.Wire
		next[w.source]++
	}
	x.flight = make(chan struct{}, flights(x.expected()))
	return x
}

// flights is how many examples of so many events run at a time at most.
func flights(events float64) int { return int(math.Max(1, math.Min(1<<16, mostFlight/(1+events)))) }

// expected is how many spikes of the host and events of softwires an example is expected to have, at measured rates, those of the options
// where there are none, and with drives that are as large as they can be said.
func (x *program) expected() float64 {
	b := x.board
	rates := make([]float64, 0, len(b.First)-1) // of sources, per time step
	for j := range x.circuit.Populations {
		p := &x.circuit.Populations[j]
		rate := x.rate
		if p.Measured != nil {
			rate = p.Measured.Rate
		}
		rates = append(rates, same(rate, circuit.Size(p.Dims))...)
	}
	rates = append(rates, same(x.rate, b.Inputs)...)
	for _, s := range x.tonics {
		rates[len(b.Place)+s.address] = float64(s.spikes)
	}
	for _, s := range x.drives { // one of the addresses for what excites and what inhibits is used
		for k := range 2 * circuit.Size(x.circuit.Populations[s.population].Dims) {
			rates[len(b.Place)+s.address+k] = float64(s.spikes) / 2
		}
	}
	sum := 0.0
	for source, rate := range rates {
		if source >= len(b.Place) {
			sum += rate
		}
		for _, w := range b.Wires[b.First[source]:b.First[source+1]] {
			sum += rate * float64(w.Probability)
		}
	}
	return sum * float64(x.circuit.Steps)
}

// decay is what a set's synapses keep over a time step.
func (l *layout) decay(s *set) float64 { return math.Exp(-l.step / l.tauOf(s)) }

// Compile puts circuits on the board. The chip is nil where they do not fit.
func Compile(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
	check, err := Check(schema.TargetRequest{Component: q.Component, Arguments: q.Arguments, Circuits: q.Circuits})
	reply := schema.CompileReply{TargetReply: check, Chips: 1, Constants: constants()}
	if err != nil || !check.Fits || len(check.Complaints) > 0 {
		return nil, reply, err
	}
	o, _ := arguments(q.Arguments)
	circuits := append([]schema.Circuit(nil), q.Circuits...)
	l := newLayout(o, circuits, func(where) bool { return false })
	plans := map[where]*plan{}
	for i := range circuits {
		c := &circuits[i]
		for j := range c.Populations {
			p := l.plan(c, j, w)
			plans[where{i, j}] = p
			sample, err := l.choose(c, j, p, func(s *schema.Synapses) []float64 { return l.rates(c, i, s, plans, w) }, w)
			if err == nil {
				err = l.gain(&l.sets[l.at[where{i, j}].set], p, sample)
			}
			if err != nil {
				return nil, reply, fmt.Errorf("find the gain of %s: %w", c.Populations[j].Name, err)
			}
		}
	}
	cores := l.amplitudes(plans)
	out := &chip{layout: l, seed: q.Seed, programs: map[string]*program{}, boards: map[string]*emulator.Chip{}}
	for i := range circuits {
		c := &circuits[i]
		x := l.program(c, i, plans, cores)
		if err := x.board.Verify(); err != nil {
			return nil, reply, fmt.Errorf("compile circuit %s: %w", c.Name, err)
		}
		out.order = append(out.order, c.Name)
		out.programs[c.Name], out.boards[c.Name] = x, x.board.Draw(q.Seed, o.mismatch)
		reply.Programs = append(reply.Programs, schema.Compiled{Circuit: c.Name, Ticks: int(math.Ceil(x.span(c.Steps) / o.step))})
		reply.Losses = append(reply.Losses, x.losses...)
		reply.Tensors = append(reply.Tensors, x.tensors()...)
	}
	// The biases may want more spikes than Check could know.
	l.tonics = map[where]int{}
	for i, name := range out.order {
		for _, s := range out.programs[name].tonics {
			l.tonics[where{i, s.population}] = s.spikes
		}
	}
	known := schema.TargetReply{Fits: true}
	l.report(&known, circuits)
	reply.Fits, reply.Layers, reply.Used = known.Fits, known.Layers, known.Used
	if !reply.Fits {
		return nil, reply, nil
	}
	reply.Cores = l.cores(circuits)
	return out, reply, nil
}

// rates returns those of the elements of a source: as they were measured, or as the drawn spikes made them, or those taken for inputs.
func (l *layout) rates(c *schema.Circuit, i int, s *schema.Synapses, plans map[where]*plan, w sdk.Weights) []float64 {
	n := circuit.Size(circuit.SourceDims(c, s))
	if s.Population < 0 {
		return same(l.rate, n)
	}
	m := c.Populations[s.Population].Measured
	if m == nil {
		return same(plans[where{i, s.Population}].rate, n)
	}
	if m.Rates == nil {
		return same(m.Rate, n)
	}
	out := make([]float64, n)
	for k, v := range w(*m.Rates) {
		out[k] = float64(v)
	}
	return out
}

// cores lists the Neurocores for the picture of their use; four to a row.
func (l *layout) cores(circuits []schema.Circuit) []schema.Core {
	out := make([]schema.Core, l.used)
	for k := range out {
		out[k] = schema.Core{X: k % 4, Y: k / 4}
	}
	for k := range l.sets {
		s := &l.sets[k]
		for _, w := range s.members {
			from, n := l.at[w].place, circuit.Size(circuits[w.circuit].Populations[w.population].Dims)
			for at := from; at < from+n; at = (at/emulator.Neurons + 1) * emulator.Neurons {
				c := &out[at/emulator.Neurons]
				c.Layers = append(c.Layers, circuits[w.circuit].Name+": "+circuits[w.circuit].Populations[w.population].Name)
			}
		}
		left := s.neurons
		for k := range s.cores() {
			out[s.first+k].Used = []schema.Amount{{Name: "neurons", Used: float64(min(left, emulator.Neurons)), Limit: emulator.Neurons}}
			left -= emulator.Neurons
		}
	}
	return out
}
