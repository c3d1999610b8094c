package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
)

// The limits of the board (Benjamin et al. 2014; softwires and synapses: pages of Stanford's Brains in Silicon lab).
const (
	Neurocores = 16
	Neurons    = 256 * 256 // of a Neurocore
	Types      = 4         // of synapses, of a Neurocore
	Softwires  = 60_000_000
	Levels     = 4 // of the binary tree above sixteen Neurocores
)

// Threshold is where a membrane counts as having spiked; the reset is 0 (the dimensionless soma of the two open simulators
// tcstewar/neurogrid and Stanford-BIS/nengo_qif).
const Threshold = 10.0

// MaxStep is the largest step of a board in ms: how much later a spike may act than it is there.
const MaxStep = 0.1

// still is below what a membrane at rest and conductances count as nothing, so that neurons that have nothing to do cost nothing.
const still = 1e-9

// Synapse is one of the four types of synapses of a Neurocore: a low-pass filter that all events onto a neuron share.
type Synapse struct {
	Tau      float64 `json:"tau"`      // ms
	Gain     float64 `json:"gain"`     // conductance that an event opens, relative to that of the leak
	Most     float64 `json:"most"`     // conductance with all gates open
	Reversal float64 `json:"reversal"` // in the units of the membrane
}

// Parameters are those of a Neurocore. All its neurons share them.
type Parameters struct {
	Tau        float64  `json:"tau"`        // of the membrane, ms
	Refractory float64  `json:"refractory"` // ms
	Bias       float64  `json:"bias"`       // current; from 0.5 on a neuron fires by itself
	Synapses   Synapses `json:"synapses"`
}

// Synapses are the types of a Neurocore.
type Synapses [Types]Synapse

// UnmarshalJSON refuses lists of more or fewer types, and what a type does not have.
func (s *Synapses) UnmarshalJSON(b []byte) error {
	var list []Synapse
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return err
	}
	if len(list) != Types {
		return fmt.Errorf("synapses are a list of %d types, and there are %d", Types, len(list))
	}
	copy(s[:], list)
	return nil
}

// Wire is a softwire: a spike of its source becomes an event at a synapse of the target with a probability.
type Wire struct {
	Target      int32
	Type        uint8
	Probability float32
}

// Board is a programmed board. Sources are its neurons and then the addresses from which the host sends.
type Board struct {
	Step   float64 // ms: spikes act where one begins
	Cores  []Parameters
	Place  []int32 // of each neuron: Neurocore * 65536 + row * 256 + column
	Layer  []int32 // of each neuron, for counting only
	Layers int
	Inputs int    // addresses of the host
	First  []int  // the softwires of source i are Wires[First[i]:First[i+1]]
	Wires  []Wire // of all sources
}

// Verify says what about a board is beyond its limits or makes no sense.
func (b *Board) Verify() error {
	switch n := len(b.Place); {
	case !(b.Step > 0 && b.Step <= MaxStep):
		return fmt.Errorf("a step of %v ms is not above 0 and at most %v", b.Step, MaxStep)
	case len(b.Cores) < 1 || len(b.Cores) > Neurocores:
		return fmt.Errorf("%d Neurocores are not 1 to %d", len(b.Cores), Neurocores)
	case len(b.Layer) != n:
		return fmt.Errorf("%d neurons have a layer, of %d", len(b.Layer), n)
	case b.Layers < 0 || b.Layers > Neurocores*Neurons:
		return fmt.Errorf("%d layers", b.Layers)
	case b.Inputs < 0 || b.Inputs > math.MaxInt32:
		return fmt.Errorf("%d addresses of the host", b.Inputs)
	case len(b.First) != n+b.Inputs+1 || b.First[0] != 0 || b.First[n+b.Inputs] != len(b.Wires):
		return fmt.Errorf("the softwires are not cut by source: %d cuts for %d neurons and %d addresses", len(b.First), n, b.Inputs)
	case len(b.Wires) > Softwires:
		return fmt.Errorf("%d softwires are more than %d", len(b.Wires), Softwires)
	}
	for i, p := range b.Cores {
		if err := p.verify(b.Step); err != nil {
			return fmt.Errorf("Neurocore %d: %w", i, err)
		}
	}
	taken := make([]uint64, len(b.Cores)*Neurons/64)
	for i, at := range b.Place {
		if at < 0 || int(at) >= len(b.Cores)*Neurons {
			return fmt.Errorf("neuron %d lies at place %d of %d Neurocores", i, at, len(b.Cores))
		}
		if taken[at/64]>>(at%64)&1 == 1 {
			return fmt.Errorf("neuron %d lies at place %d, as another one does", i, at)
		}
		taken[at/64] |= 1 << (at % 64)
		if b.Layer[i] < 0 || int(b.Layer[i]) >= b.Layers {
			return fmt.Errorf("neuron %d is of layer %d of %d", i, b.Layer[i], b.Layers)
		}
	}
	for i := 1; i < len(b.First); i++ {
		if b.First[i] < b.First[i-1] {
			return fmt.Errorf("the softwires of source %d end before they begin", i-1)
		}
	}
	for i, w := range b.Wires {
		if w.Target < 0 || int(w.Target) >= len(b.Place) || w.Type >= Types || !(w.Probability >= 0 && w.Probability <= 1) {
			return fmt.Errorf("softwire %d to neuron %d, type %d, with probability %v: no such thing", i, w.Target, w.Type, w.Probability)
		}
	}
	return nil
}

// largest is beyond what parameters, times in ms too, can be.
const largest = 1e6

func (p Parameters) verify(step float64) error {
	in := func(x, low float64) bool { return x >= low && x <= largest }
	if !in(p.Tau, step) || !in(p.Refractory, 0) || !in(p.Bias, 0) {
		return fmt.Errorf("a time constant of %v ms, %v ms refractory and a bias of %v: the first is at least the step of %v ms, none is negative or above %v", p.Tau, p.Refractory, p.Bias, step, largest)
	}
	for k, s := range p.Synapses {
		if !in(s.Tau, step) || !in(s.Gain, 0) || !in(s.Most, 0) || !in(s.Reversal, 0) {
			return fmt.Errorf("synapse type %d: time constant %v ms, gain %v, most %v, reversal %v: the first is at least the step of %v ms, none is negative or above %v", k, s.Tau, s.Gain, s.Most, s.Reversal, step, largest)
		}
	}
	// What comes up to a step late is to be short beside the time constant that all open conductances leave.
	open := 1.0
	for _, s := range p.Synapses {
		open += s.Most
	}
	if open*step > p.Tau {
		return fmt.Errorf("all conductances open make the membrane %v times as fast: faster than a step of %v ms", open, step)
	}
	return nil
}

// core is the parameters of a neuron's Neurocore.
func (b *Board) core(i int) *Parameters { return &b.Cores[b.Place[i]/Neurons] }

// Path is the turns, 0 left and 1 right, by which an event goes from the root of the tree down to a Neurocore.
func Path(core int) (out [Levels]int) {
	for k := range out {
		out[k] = core >> (Levels - 1 - k) & 1
	}
	return out
}

// Chip is a board with the mismatch of its transistors.
type Chip struct {
	*Board
	own     []own
	filters [][]filter // of each Neurocore
	stages  [][]int32  // neurons behind all that they take events from, which lie in earlier stages
	cyclic  []int32    // those that are left: on cycles of softwires, and behind such
	berths  []berth    // of each neuron
}

// berth is where a neuron lies: the number of its stage, that of cyclic behind all others, and its number in it.
type berth struct{ stage, slot int32 }

// own are the parameters that mismatch gives a neuron as its own.
type own struct {
	bias           float64
	gain, reversal [Types]float64
}

// Draw makes the board of a seed: biases, gains and reversal potentials of each neuron are log-normal around those of its Neurocore,
// with sigma as the standard deviation of their logarithm and the mean kept (tcstewar/neurogrid, conductance_neurons.py, sigma 0.1).
func (b *Board) Draw(seed uint64, sigma float64) *Chip {
	c := &Chip{Board: b, own: make([]own, len(b.Place))}
	for i, at := range b.Place {
		p := b.core(i)
		r := rand.New(rand.NewPCG(seed, uint64(at)))
		draw := func(mean float64) float64 { return mean * math.Exp(sigma*r.NormFloat64()-sigma*sigma/2) }
		o := &c.own[i]
		o.bias = draw(p.Bias)
		for k, s := range p.Synapses {
			o.gain[k], o.reversal[k] = draw(s.Gain), draw(s.Reversal)
		}
	}
	for k := range b.Cores {
		c.filters = append(c.filters, filtered(&b.Cores[k]))
	}
	c.arrange()
	return c
}

// arrange finds the stages: a neuron's is one behind the last of those that it takes events from (Kahn 1962).
func (c *Chip) arrange() {
	n := len(c.Place)
	c.berths = make([]berth, n)
	awaited := make([]int32, n) // softwires from neurons that have no stage yet
	for _, w := range c.Wires[:c.First[n]] {
		awaited[w.Target]++
	}
	var stage []int32
	for i := range int32(n) {
		if awaited[i] == 0 {
			stage = append(stage, i)
		}
	}
	placed := 0
	for len(stage) > 0 {
		var next []int32
		for slot, i := range stage {
			c.berths[i] = berth{int32(len(c.stages)), int32(slot)}
			for _, w := range c.Wires[c.First[i]:c.First[i+1]] {
				if awaited[w.Target]--; awaited[w.Target] == 0 {
					next = append(next, w.Target)
				}
			}
		}
		placed += len(stage)
		c.stages = append(c.stages, stage)
		stage = next
	}
	if placed == n {
		return
	}
	for i := range int32(n) {
		if awaited[i] > 0 {
			c.berths[i] = berth{int32(len(c.stages)), int32(len(c.cyclic))}
			c.cyclic = append(c.cyclic, i)
		}
	}
}
