// Package emulator emulates the board Neurogrid (Benjamin et al., Proceedings of the IEEE 102, 2014) in its own terms: neurons of up
// to sixteen Neurocores with shared parameters, and softwires that deliver spikes with a probability. The chip is analog, so this is a
// model of its behaviour and no copy of its arithmetic; mismatch between neurons is drawn from a seed, which stands for one board.
//
// Board is what is programmed, Chip an instance with its mismatch, and Chip.Run one trial (run.go), in which neurons are integrated from
// event to event (cell.go). The soma is the quadratic integrate-and-fire
// neuron; dendrite and ion channels are left out. Only plugins/targets/neurogrid imports this package.
package emulator
