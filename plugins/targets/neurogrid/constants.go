package neurogrid

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// Figures about the board. The papers' names are those of the constants below.
const (
	powerLow   = 3.0  // W, of the board
	powerHigh  = 5.0  // W
	eventPJ    = 941  // pJ
	linkEvents = 80e6 // spikes a second

	leastRefractory = 2.0 // ms
	excitatory      = 3.0
	inhibitory      = 0.1
)

func constants() []schema.Constant {
	benjamin := "Benjamin et al., Neurogrid: A Mixed-Analog-Digital Multichip System, Proc. IEEE 102 (2014)"
	lab := "web pages of the lab Brains in Silicon, Stanford"
	simulator := "the open simulator tcstewar/neurogrid, conductance_neurons.py"
	return []schema.Constant{
		{Name: "power of the board", Value: powerLow, Unit: "W", Kind: "silicon", Source: benjamin + ", abstract"},
		{Name: "power of the board, highest", Value: powerHigh, Unit: "W", Kind: "silicon", Source: lab + "; the abstract of the paper has 3 W", Unverified: true},
		{Name: "Neurocores", Value: emulator.Neurocores, Unit: "1", Kind: "silicon", Source: benjamin},
		{Name: "neurons of a Neurocore", Value: emulator.Neurons, Unit: "1", Kind: "silicon", Source: benjamin},
		{Name: "energy of a synaptic event", Value: eventPJ, Unit: "pJ", Kind: "silicon",
			Source: "Liu et al., Benchmarking Spike-Based Visual Recognition (2016), which cites Benjamin et al.; what counts as an event, at what voltage, and how much of it is static is not said", Unverified: true},
		{Name: "spikes a second over a link", Value: linkEvents, Unit: "1/s", Kind: "silicon", Source: "Merolla et al., A Multicast Tree Router for Multichip Neuromorphic Systems, IEEE TCAS-I (2014)"},
		{Name: "softwires", Value: emulator.Softwires, Unit: "1", Kind: "silicon", Source: lab, Unverified: true},
		{Name: "types of synapses", Value: emulator.Types, Unit: "1", Kind: "silicon", Source: lab},
		{Name: "excitatory reversal potential", Value: excitatory, Unit: "1", Kind: "fit", Source: simulator, Unverified: true},
		{Name: "inhibitory reversal potential", Value: inhibitory, Unit: "1", Kind: "fit", Source: simulator, Unverified: true},
		{Name: "least refractory time", Value: leastRefractory, Unit: "ms", Kind: "fit", Source: simulator, Unverified: true},
		{Name: "conductance with all gates open", Value: saturation, Unit: "1", Kind: "derived", Source: "the conductance at which a neuron with the excitatory reversal potential fires fastest", Unverified: true},
		{Name: "longest time constant", Value: longest, Unit: "ms", Kind: "derived", Source: "assumed: no figure is published", Unverified: true},
	}
}
