package plugintest

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// timing is a circuit of few neurons, what goes in, and the spike trains that come of it by the equations at schema.Population. A train has
// a mark for each time step, `|` for a spike and `.` for none. No membrane comes near a threshold, so that a chip whose numbers are a
// little off (tolerated) has the same trains.
type timing struct {
	name   string
	rule   string // by which a chip has these spikes, as what the author of one that has others mends
	input  []string
	layers []layer // each a population
}

// layer is a population, and the trains of its neurons.
type layer struct {
	schema.Dynamics
	bias  []float32 // of each neuron; nil: none
	drive bool      // the bias is a drive of the host
	from  []link
	train []string
	value []float64 // of a read-out, which has no train, before it is scaled
}

// link is dense synapses: their weights are those of one neuron after another.
type link struct {
	source  int // a layer, or input
	weights []float32
}

const input = -1

// apartBy is how far a read-out may be from its value, before it is scaled: half of what a time step more or less changes.
const apartBy = 1.2

// relays are neurons with a threshold of 4 in which a weight of 5 makes a spike at once, up to three of them whatever is left behind.
var relays = []schema.Dynamics{
	{Decay: 0.5, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetTo}},
	{Decay: 1, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetTo}},
	{Decay: 1, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetBy, Value: 4}},
	{Decay: 0.5, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetBy, Value: 4}},
	{Decay: 0, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetTo}},
}

// charged are neurons that a bias charges until they spike (charge), with a weight that makes a spike at once.
var charged = []struct {
	schema.Dynamics
	weight, bias float32
}{
	{schema.Dynamics{Decay: 0.5, Threshold: 5, Reset: schema.Reset{Kind: schema.ResetTo}}, 8, 3},
	{schema.Dynamics{Decay: 1, Threshold: 8, Reset: schema.Reset{Kind: schema.ResetTo}}, 10, 3},
	{schema.Dynamics{Decay: 1, Threshold: 8, Reset: schema.Reset{Kind: schema.ResetBy, Value: 8}}, 10, 3},
	{schema.Dynamics{Decay: 0.5, Threshold: 5, Reset: schema.Reset{Kind: schema.ResetBy, Value: 5}}, 8, 3},
}

const charge = "..|..|."

// timings are those that chips are asked for. Some have one name: a chip is asked for the first whose neurons it has.
func timings() []timing {
	all := slices.Concat(paths(), biases(), membranes(), others())
	for _, x := range all { // where a membrane is never at its threshold both kinds of neurons are alike
		x.layers = slices.Clone(x.layers)
		for i := range x.layers {
			x.layers[i].Strict = !x.layers[i].Reads
		}
		all = append(all, x)
	}
	return all
}

// one is a neuron that takes in one input.
func one(name, rule string, of schema.Dynamics, weight float32, given, train string) timing {
	return timing{name, rule, []string{given}, []layer{{Dynamics: of, from: []link{{input, []float32{weight}}}, train: []string{train}}}}
}

// paths are ways of spikes through populations.
func paths() (all []timing) {
	const counted = "give the spikes of a population at the time steps of the network: those of time step t are made at the chip's step t + depth - 1"
	for _, n := range relays {
		same := func(source int) []link { return []link{{source, []float32{5, 0, 0, 5}}} }
		trains := []string{"|..|..|", ".|.|.|."}
		all = append(all, one("relay", counted, n, 5, ".|..||.", ".|..||."),
			timing{"chain", counted, trains, []layer{
				{Dynamics: n, from: same(input), train: trains},
				{Dynamics: n, from: same(0), train: trains},
				{Dynamics: n, from: same(1), train: trains},
			}},
			// The last neuron takes in each train twice, by ways of different length, and with both signs.
			timing{"delay", "let spikes wait for the `delay` of their synapses, so that what a neuron takes in at a step is all of one time step", trains, []layer{
				{Dynamics: n, from: same(input), train: trains},
				{Dynamics: n, from: same(0), train: trains},
				{Dynamics: n, from: []link{
					{input, []float32{5, 0, 0, 0, 5, 0}},
					{0, []float32{0, 0, 0, 5, 0, 5}},
					{1, []float32{0, 0, 0, 0, -5, -5}},
				}, train: []string{"|..|..|", ".|.|.|.", "......."}},
			}})
	}
	return all
}

// biases are what flows in at each time step, in populations of all depths.
func biases() (all []timing) {
	for _, n := range charged {
		bias, w := []float32{n.bias, 0}, n.weight
		trains := []string{charge, ".|..|.."}
		second := func(source int) []link { return []link{{source, []float32{0, 0, 0, w}}} }
		for _, drive := range []bool{false, true} {
			x := timing{"bias", "let a neuron take in its bias from time step 0 on, which is the chip's step depth - 1, and at none before", []string{".......", trains[1]}, []layer{
				{Dynamics: n.Dynamics, bias: bias, drive: drive, from: second(input), train: trains},
				{Dynamics: n.Dynamics, bias: bias, drive: drive, from: second(0), train: trains},
				{Dynamics: n.Dynamics, bias: bias, drive: drive, from: second(1), train: trains},
			}}
			if drive {
				x.name, x.rule = "drive", strings.Replace(x.rule, "bias", "drive", 1)
			}
			all = append(all, x)
		}
		// A population that is late between two that are not, of which the last takes in all others.
		late := n.Dynamics
		late.Late = true
		all = append(all, timing{"late", "give each spike of a population that is late one time step later than its membrane has it, and let it take in its bias from the chip's step depth on",
			[]string{".|..|.."}, []layer{
				{Dynamics: n.Dynamics, from: []link{{input, []float32{w}}}, train: []string{".|..|.."}},
				{Dynamics: late, bias: bias, from: []link{{0, []float32{0, w}}}, train: []string{"...|..|", "..|..|."}},
				{Dynamics: n.Dynamics, from: []link{
					{input, []float32{0, 0, 0, w}},
					{0, []float32{0, 0, w, 0}},
					{1, []float32{w, 0, 0, w, 0, 0, 0, 0}},
				}, train: []string{"...|..|", "..|..|.", ".|..|..", ".|..|.."}},
			}})
	}
	return all
}

// with returns neurons with a threshold of 4 and a reset.
func with(decay float64, kind schema.ResetKind, value float64) schema.Dynamics {
	return schema.Dynamics{Decay: decay, Threshold: 4, Reset: schema.Reset{Kind: kind, Value: value}}
}

// membranes are what neurons remember from one time step to the next, and what a spike leaves of that.
func membranes() (all []timing) {
	const (
		remembers = "keep the membrane from one time step to the next: v is decay times what it was behind the reset, and what flows in"
		resets    = "reset a membrane in the time step of its spike, in the way that `reset` says, before the next time step decays it"
	)
	for _, x := range []struct {
		decay     float64
		two       string // inputs of which two make a spike
		inhibited string // inputs of which the first is as much as was taken off at time step 0
		spikes    [2]string
	}{
		{0.5, ".||....", ".||.|..", [2]string{"..|....", "..|.|.."}},
		{1, ".|.|...", "..||.|.", [2]string{"...|...", "...|.|."}},
	} {
		for _, n := range []schema.Dynamics{with(x.decay, schema.ResetTo, 0), with(x.decay, schema.ResetBy, 4)} {
			all = append(all, one("membrane", remembers, n, 3, x.two, x.spikes[0]),
				timing{"inhibition", remembers + ", negative or not", []string{"|......", x.inhibited}, []layer{{Dynamics: n, from: []link{{input, []float32{-5, 5}}}, train: x.spikes[1:]}}})
		}
	}
	return append(all,
		one("reset to 0", resets, with(1, schema.ResetTo, 0), 10, ".|..|..", ".|..|.."),
		one("reset to 0", resets, with(0.5, schema.ResetTo, 0), 10, ".|..|..", ".|..|.."),
		one("reset by the threshold", resets, with(1, schema.ResetBy, 4), 10, ".|.....", ".||...."),
		one("reset by the threshold", resets, with(0.5, schema.ResetBy, 4), 15, ".|.....", ".||...."),
		one("reset below 0", resets, with(1, schema.ResetTo, -5), 5, "|||||||", "|.|.|.|"),
		one("reset below 0", resets, with(0.5, schema.ResetTo, -5), 5, "|||||||", "|.|.|.|"),
		one("no reset", resets, with(1, schema.ResetNone, 0), 5, "..|....", "..|||||"),
		one("no reset", resets, with(0.5, schema.ResetNone, 0), 10, "..|....", "..||..."))
}

// others are kinds of neurons that fewer chips have, and read-outs.
func others() (all []timing) {
	add := func(x ...timing) { all = append(all, x...) }
	for _, decay := range []float64{0.5, 1} {
		rests, once := with(decay, schema.ResetTo, 0), with(decay, schema.ResetTo, 0)
		rests.Refractory, once.Once = 2, true
		add(one("refractory", "hold a neuron at the value of its reset for `refractory` time steps behind that of its spike", rests, 5, "|||||||", "|..|..|"),
			one("once", "keep a neuron silent in all time steps behind its first spike, and let the next example begin with one that may", once, 5, ".||.|..", ".|....."))
	}
	// At its start a membrane lacks 3 of a spike, which come before its leak matters; a second neuron has no input.
	for _, deep := range []int{2, 1} { // the second for chips in which only a first population can begin elsewhere than at 0
		for _, x := range []struct {
			decay, start float64
			train        string
		}{{0.5, 6, "|......"}, {1, 3, "..|...."}} {
			y := timing{"start", "begin each example with the membrane at `start`, and let it decay from time step 0 on", []string{x.train}, nil}
			n := schema.Dynamics{Decay: x.decay, Start: x.start, Threshold: 5, Reset: schema.Reset{Kind: schema.ResetTo}}
			y.layers = []layer{{Dynamics: n, from: []link{{input, []float32{3, 0}}}, train: []string{x.train, "......."}}}
			if deep > 1 {
				y.layers = append(y.layers, layer{Dynamics: n, from: []link{{0, []float32{3, 0, 0, 0}}}, train: []string{x.train, "......."}})
			}
			add(y)
		}
	}
	current := schema.Dynamics{Decay: 1, Current: true, CurrentDecay: 0.5, Threshold: 5, Reset: schema.Reset{Kind: schema.ResetTo}}
	add(one("current", "let what flows in at a time step act on the current, and the current on the membrane in the same one", current, 4, ".|.....", "..|...."))
	for _, x := range []struct{ decay, value float64 }{
		{0.5, 10.953125}, // 3 (2 - 1/64) + 5: the bias at 7 time steps, and a spike at the last one
		{1, 26},          // 3 times 7, and 5
	} {
		add(timing{"read-out", "read a membrane behind the last time step of its population, which is the chip's step steps + depth - 2, and multiply by `scale`", []string{"......|"}, []layer{
			{Dynamics: with(x.decay, schema.ResetTo, 0), from: []link{{input, []float32{5}}}, train: []string{"......|"}},
			{Dynamics: schema.Dynamics{Decay: x.decay, Reads: true, Scale: 2}, bias: []float32{3}, from: []link{{0, []float32{5}}}, value: []float64{x.value}},
		}})
	}
	return all
}

// circuit returns the circuit.
func (x timing) circuit() circuit {
	c := circuit{Circuit: schema.Circuit{Name: x.name, Network: x.name, Steps: len(x.input[0]), Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{len(x.input)}}}}}
	tensor := func(numbers []float32, dims ...int) schema.Tensor {
		t := schema.Tensor{Dims: dims, Offset: 4 * len(c.tensors)}
		c.tensors = append(c.tensors, numbers...)
		return t
	}
	for i, l := range x.layers {
		n := max(len(l.train), len(l.value))
		p := schema.Population{Name: fmt.Sprintf("%d.fire", i), Dims: []int{n}, Dynamics: l.Dynamics, Gives: i == len(x.layers)-1}
		switch {
		case l.drive:
			p.Drive = []int{len(c.Inputs)}
			c.Inputs = append(c.Inputs, schema.Input{Name: fmt.Sprintf("drive of %s", p.Name), Kind: schema.DriveInput, Dims: p.Dims})
		case l.bias != nil:
			bias := tensor(l.bias, n)
			p.Bias = &bias
		}
		at := func(source int) (depth, elements int) {
			if source == input {
				return 0, len(x.input)
			}
			return c.Populations[source].Depth, c.Populations[source].Dims[0]
		}
		deepest := 0
		for _, s := range l.from {
			depth, _ := at(s.source)
			deepest = max(deepest, depth)
		}
		for _, s := range l.from {
			depth, elements := at(s.source)
			p.Synapses = append(p.Synapses, schema.Synapses{Population: s.source, Kind: schema.Dense, View: schema.View{From: []int{elements}, Dims: []int{elements}},
				Weights: tensor(s.weights, n, elements), Delay: deepest - depth})
		}
		if p.Depth = deepest + 1; p.Late {
			p.Depth = deepest
		}
		c.Populations = append(c.Populations, p)
	}
	return c
}

// inputs are what goes in, of one example.
func (x timing) inputs() [][]float32 {
	all := [][]float32{nil}
	for t := range x.input[0] {
		for _, train := range x.input {
			s := float32(0)
			if train[t] == '|' {
				s = 1
			}
			all[0] = append(all[0], s)
		}
	}
	for _, l := range x.layers {
		if l.drive {
			all = append(all, l.bias)
		}
	}
	return all
}
