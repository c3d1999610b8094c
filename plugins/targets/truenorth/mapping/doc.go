// Package mapping cuts circuits into the cores of TrueNorth: which neurons lie in which core, which axons of it bring which spikes,
// how often a neuron is there (each has one destination), where relays repeat spikes, at which tick each population computes, and
// where the cores lie on the grid. It looks at dims alone, so that Check and Compile come to the same.
//
// New makes a Map of circuits. Layers are its populations and relays, Tiles are parts of layers that share a core.
//
// plugins/targets/truenorth imports it.
package mapping
