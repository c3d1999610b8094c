// Package emulator computes what neurons on the cores of TrueNorth chips do, tick by tick, in the chip's own terms: axons of four types,
// a binary crossbar, whole-number membranes, and one destination for each neuron.
//
// A Network is what the chips are loaded with. Validate says what is wrong with one.
//
// Deterministic modes agree with the published equations number by number; in stochastic modes the distributions do, since the
// generator of the chip is not published. What a neuron draws depends on seed, core, neuron, tick and draw alone.
//
// The target TrueNorth imports it.
package emulator
