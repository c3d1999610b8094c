package validate

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
)

// Legend says what of a network is what of a circuit.
type Legend struct {
	Neurons [][]Neuron // of each core, by place
	Inputs  []int      // the line of the first element of each input
	On      int        // the line that is active at all time steps
	Outputs []int      // the output of the first element of each population that gives
	Ticks   []int      // of each output: time step t comes at tick t + this
	// Units has for each population and channel how many of the chip's units are 1 of the network's.
	Units [][]float64
}

// Neuron is what a neuron of a core is.
type Neuron struct {
	Relay               bool // repeats its axon
	Population, Element int
	From, To            int // the axons that are there for it: from one to below another
}

// signal is spikes: those of an element of an input or population, of which time step t is there at tick t + at.
type signal struct {
	kind       kind
	index      int // of the input or population
	element    int
	at         int
	integrated bool // at is known
}

type kind int

const (
	silent kind = iota
	input
	population
	on
)

// checker follows signals through a network.
type checker struct {
	c      *schema.Circuit
	n      *emulator.Network
	l      *Legend
	axons  [][]signal // of cores
	writes [][]origin // who writes to an axon
	state  [][]int    // of neurons: 0 not looked at, 1 in work, 2 known
	fires  [][]signal
	seen   [][]int // copies of the elements of populations
	merged []map[int]map[key]float64
	biases [][]float32
}

// origin is a neuron, or with core -1 a line with a delay.
type origin struct{ core, neuron, delay int }

// key is an element of an input or population.
type key struct {
	kind    kind
	index   int
	element int
}

// Check compares a network with its circuit, whose weights are given.
func Check(c *schema.Circuit, n *emulator.Network, l *Legend, w circuit.Weights) error {
	if err := n.Validate(); err != nil {
		return err
	}
	if err := limits(n); err != nil {
		return err
	}
	x := &checker{c: c, n: n, l: l}
	if err := x.wire(); err != nil {
		return err
	}
	x.weights(w)
	for i := range n.Cores {
		for k := range n.Cores[i].Neurons {
			if err := x.neuron(i, k); err != nil {
				return fmt.Errorf("core %d, neuron %d: %w", i, k, err)
			}
		}
	}
	for p := range c.Populations {
		for e, copies := range x.seen[p] {
			if copies == 0 {
				return fmt.Errorf("neuron %d of population %s is nowhere", e, c.Populations[p].Name)
			}
		}
	}
	return x.outputs()
}

// limits are those of a chip as published, whatever the emulator takes: 256 axons and neurons, 4 types, weights and leak of 9 bits,
// thresholds of 18, membranes of 20, delays of 1 to 15, and nothing stochastic.
func limits(n *emulator.Network) error {
	for i := range n.Parameters {
		p := &n.Parameters[i]
		for _, s := range append(p.S[:], p.Lambda) {
			if s < -256 || s > 255 {
				return fmt.Errorf("parameters %d: %d has more than 9 bits", i, s)
			}
		}
		if p.Alpha < 0 || p.Alpha >= 1<<18 || p.Beta < 0 || p.Beta >= 1<<18 || p.V < -1<<19 || p.V >= 1<<19 {
			return fmt.Errorf("parameters %d: a threshold or the membrane is out of range: %+v", i, *p)
		}
		if p.C || p.TM != 0 || p.B != [emulator.Types]bool{} {
			return fmt.Errorf("parameters %d are stochastic", i)
		}
		encoded := false
		for vr := int32(0); vr <= 19; vr++ {
			encoded = encoded || p.R == 1<<vr-1 || p.R == -(1<<vr-1)
		}
		if !encoded {
			return fmt.Errorf("parameters %d: the reset value %d is not one less than a power of two", i, p.R)
		}
	}
	for i := range n.Cores {
		c := &n.Cores[i]
		if len(c.Neurons) > 256 || c.X < 0 || c.X >= 64 || c.Y < 0 || c.Y >= 64 || c.Chip < 0 || c.Chip >= 16 {
			return fmt.Errorf("core %d: %d neurons, at %d %d of chip %d", i, len(c.Neurons), c.X, c.Y, c.Chip)
		}
		for k, x := range c.Neurons {
			if x.Kind == emulator.ToAxon && (x.Delay < 1 || x.Delay > 15 || x.Axon < 0 || x.Axon > 255) {
				return fmt.Errorf("core %d, neuron %d: %+v", i, k, x.Destination)
			}
		}
	}
	return nil
}

// wire finds who writes to each axon.
func (x *checker) wire() error {
	for i := range x.n.Cores {
		x.axons = append(x.axons, make([]signal, emulator.Axons))
		x.writes = append(x.writes, make([]origin, emulator.Axons))
		for a := range x.writes[i] {
			x.writes[i][a].core = -2
		}
		neurons := len(x.n.Cores[i].Neurons)
		x.state = append(x.state, make([]int, neurons))
		x.fires = append(x.fires, make([]signal, neurons))
		if len(x.l.Neurons) <= i || len(x.l.Neurons[i]) != neurons {
			return fmt.Errorf("the legend does not have the neurons of core %d", i)
		}
	}
	write := func(core, axon int32, from origin) error {
		if w := &x.writes[core][axon]; w.core != -2 {
			return fmt.Errorf("axon %d of core %d is written to by %v and %v", axon, core, *w, from)
		}
		x.writes[core][axon] = from
		return nil
	}
	for i := range x.n.Cores {
		for k, v := range x.n.Cores[i].Neurons {
			if int(v.Place) != k {
				return fmt.Errorf("core %d: neuron %d is at place %d", i, k, v.Place)
			}
			if v.Kind == emulator.ToAxon {
				if err := write(v.To, v.Axon, origin{i, k, int(v.Delay)}); err != nil {
					return err
				}
			}
		}
	}
	lines := map[int]signal{x.l.On: {kind: on}}
	for i, in := range x.c.Inputs {
		if in.Kind == schema.SpikeInput {
			for e := range circuit.Size(in.Dims) {
				lines[x.l.Inputs[i]+e] = signal{kind: input, index: i, element: e}
			}
		}
	}
	for line, list := range x.n.Lines {
		s, known := lines[line]
		if !known && len(list) > 0 {
			return fmt.Errorf("line %d is of no input", line)
		}
		for _, to := range list {
			if err := write(to.Core, to.Axon, origin{-1, line, int(to.Delay)}); err != nil {
				return err
			}
			s.at, s.integrated = int(to.Delay), true
			x.axons[to.Core][to.Axon] = s
		}
	}
	x.seen = make([][]int, len(x.c.Populations))
	for p := range x.seen {
		x.seen[p] = make([]int, circuit.Size(x.c.Populations[p].Dims))
	}
	return nil
}

// weights sums the weights of each neuron of the circuit by element.
func (x *checker) weights(w circuit.Weights) {
	for i := range x.c.Populations {
		p := &x.c.Populations[i]
		all := map[int]map[key]float64{}
		for e := range circuit.Size(p.Dims) {
			all[e] = map[key]float64{}
		}
		for k := range p.Synapses {
			s := &p.Synapses[k]
			weights := w(s.Weights)
			id := key{population, s.Population, 0}
			if s.Population < 0 {
				id = key{input, s.Input, 0}
			}
			for l := range circuit.Connections(s, p.Dims) {
				id.element = l.Source
				all[l.Target][id] += float64(weights[l.Weight])
			}
		}
		x.merged = append(x.merged, all)
		var biases []float32
		if p.Bias != nil {
			biases = w(*p.Bias)
		}
		x.biases = append(x.biases, biases)
	}
}

// axon returns what an axon brings.
func (x *checker) axon(core, a int) (signal, error) {
	from := x.writes[core][a]
	if from.core < 0 {
		return x.axons[core][a], nil
	}
	if err := x.neuron(from.core, from.neuron); err != nil {
		return signal{}, err
	}
	s := x.fires[from.core][from.neuron]
	s.at += from.delay
	return s, nil
}

// neuron finds what a neuron fires, and whether it is what the legend says.
func (x *checker) neuron(core, k int) error {
	switch x.state[core][k] {
	case 1:
		return fmt.Errorf("core %d, neuron %d: its spikes come back to it", core, k)
	case 2:
		return nil
	}
	x.state[core][k] = 1
	c := &x.n.Cores[core]
	p := &x.n.Parameters[c.Neurons[k].Parameters]
	tag := x.l.Neurons[core][k]
	var err error
	if tag.Relay {
		err = x.relay(core, k, p)
	} else if tag.Population < 0 || tag.Population >= len(x.c.Populations) || tag.Element < 0 || tag.Element >= len(x.seen[tag.Population]) {
		err = fmt.Errorf("the legend has no such neuron: %+v", tag)
	} else {
		err = x.copy(core, k, tag, p)
	}
	x.state[core][k] = 2
	return err
}

// relay: one axon, and a spike whenever it is active.
func (x *checker) relay(core, k int, p *emulator.Parameters) error {
	c := &x.n.Cores[core]
	found := -1
	for a := range emulator.Axons {
		if c.Connected(a, k) {
			if found >= 0 {
				return fmt.Errorf("a relay of two axons")
			}
			found = a
		}
	}
	if found < 0 {
		return fmt.Errorf("a relay of nothing")
	}
	if s := p.S[c.Types[found]]; s < p.Alpha || p.Alpha < 1 || p.Gamma != 0 || p.R != 0 || p.Lambda != 0 || p.V != 0 {
		return fmt.Errorf("parameters that do not repeat: %+v", *p)
	}
	s, err := x.axon(core, found)
	x.fires[core][k] = s
	return err
}

// copy: all inputs of the circuit's neuron and no others, each with the weight that is nearest of those that its axons can give, all
// of one time step.
func (x *checker) copy(core, k int, tag Neuron, p *emulator.Parameters) error {
	c := &x.n.Cores[core]
	pop := &x.c.Populations[tag.Population]
	x.seen[tag.Population][tag.Element]++
	want := x.merged[tag.Population][tag.Element]
	unit := x.l.Units[tag.Population][tag.Element*pop.Dims[0]/circuit.Size(pop.Dims)]
	type reach struct {
		sum  int   // of the axons with a synapse
		each []int // weights of all axons that bring it
	}
	got := map[key]*reach{}
	at, current := -1, 0
	var actives []int // weights of the axons that are kept active
	for a := range emulator.Axons {
		connected := c.Connected(a, k)
		if a < tag.From || a >= tag.To {
			if connected {
				return fmt.Errorf("axon %d reaches it, and those for it are %d to %d", a, tag.From, tag.To)
			}
			continue
		}
		s, err := x.axon(core, a)
		if err != nil {
			return err
		}
		if s.kind == silent {
			if connected {
				return fmt.Errorf("axon %d brings nothing", a)
			}
			continue
		}
		weight := int(p.S[c.Types[a]])
		if s.kind == on {
			actives = append(actives, weight)
			if connected {
				current += weight
				if at >= 0 && at != s.at {
					return fmt.Errorf("the bias comes at tick %d, and inputs at tick %d", s.at, at)
				}
				at = s.at
			}
			continue
		}
		id := key{s.kind, s.index, s.element}
		if _, in := want[id]; !in {
			if connected {
				return fmt.Errorf("axon %d brings %v, which the circuit does not connect with neuron %d of %s", a, id, tag.Element, pop.Name)
			}
			continue
		}
		if connected {
			if at >= 0 && at != s.at {
				return fmt.Errorf("%v comes at tick %d, and another at tick %d", id, s.at, at)
			}
			at = s.at
		}
		if got[id] == nil {
			got[id] = &reach{}
		}
		r := got[id]
		if connected {
			r.sum += weight
		}
		r.each = append(r.each, weight)
	}
	for id, w := range want {
		r := got[id]
		if r == nil {
			return fmt.Errorf("%v does not come to neuron %d of %s", id, tag.Element, pop.Name)
		}
		best := nearest(r.each, w*unit)
		if d := math.Abs(float64(r.sum) - w*unit); d > best+1e-6*(1+math.Abs(w*unit)) {
			return fmt.Errorf("%v has weight %d with neuron %d of %s, %v away from %v, and %v can be had", id, r.sum, tag.Element, pop.Name, d, w*unit, best)
		}
	}
	// Where nothing says when it integrates, nothing depends on it but what it fires by itself.
	if at < 0 {
		at = pop.Depth - 1
		if pop.Late {
			at++
		}
		for a := tag.From; a < tag.To; a++ {
			s, err := x.axon(core, a)
			if err != nil {
				return err
			}
			if _, in := want[key{s.kind, s.index, s.element}]; in && s.kind != on && s.kind != silent {
				at = s.at
			}
		}
	}
	b := x.bias(tag) * unit
	if pop.Decay > 0 && pop.Decay < 1 { // the leak is taken
		best := nearest(actives, b)
		if len(actives) == 1 && b > -256 && b < 255 { // of a type that has a weight of its own
			best = 0.5
		}
		if d := math.Abs(float64(current) - b); d > best+1e-6*(1+math.Abs(b)) {
			return fmt.Errorf("neuron %d of %s has a bias of %d, %v away from %v, and %v can be had", tag.Element, pop.Name, current, d, b, best)
		}
	}
	if pop.Decay == 1 && p.Lambda > -256 && p.Lambda < 255 {
		if d := math.Abs(float64(current+int(p.Lambda)) - b); d > 0.5+1e-6*(1+math.Abs(b)) {
			return fmt.Errorf("neuron %d of %s has a bias of %d and not %v", tag.Element, pop.Name, current+int(p.Lambda), b)
		}
	}
	x.fires[core][k] = signal{kind: population, index: tag.Population, element: tag.Element, at: at}
	if pop.Late {
		x.fires[core][k].at--
	}
	return nil
}

// nearest returns how near the sum of some of the weights comes to a number.
func nearest(weights []int, to float64) float64 {
	best := math.Inf(1)
	for mask := range 1 << len(weights) {
		sum := 0
		for i, v := range weights {
			if mask>>i&1 != 0 {
				sum += v
			}
		}
		best = math.Min(best, math.Abs(float64(sum)-to))
	}
	return best
}

// bias returns that of a neuron.
func (x *checker) bias(tag Neuron) float64 {
	all := x.biases[tag.Population]
	if all == nil {
		return 0
	}
	return float64(all[tag.Element*len(all)/len(x.seen[tag.Population])])
}

// outputs: each element of what the host reads is there once, at its tick.
func (x *checker) outputs() error {
	wrote := make([]signal, x.n.Outputs)
	for i := range x.n.Cores {
		for k, v := range x.n.Cores[i].Neurons {
			if v.Kind != emulator.ToOutput {
				continue
			}
			if wrote[v.To].kind != silent {
				return fmt.Errorf("output %d is written to twice", v.To)
			}
			wrote[v.To] = x.fires[i][k]
		}
	}
	for p := range x.c.Populations {
		pop := &x.c.Populations[p]
		if !pop.Gives || pop.Reads {
			continue
		}
		for e := range circuit.Size(pop.Dims) {
			o := x.l.Outputs[p] + e
			s := wrote[o]
			if s.kind != population || s.index != p || s.element != e || s.at != x.l.Ticks[o] {
				return fmt.Errorf("output %d is %+v, not neuron %d of %s at tick %d", o, s, e, pop.Name, x.l.Ticks[o])
			}
		}
	}
	return nil
}
