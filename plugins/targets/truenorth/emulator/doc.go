// Package emulator computes what neurons on the cores of TrueNorth chips do, tick by tick, in the chip's own terms: axons of four types,
// a binary crossbar, whole-number membranes, and one destination for each neuron.
//
// A Network is what the chips are loaded with. Validate says what is wrong with one, New makes a Machine of it, and Machine.Run runs
// examples, each from the initial state. Activity is counted, and Activity.Energy and Activity.Time say by the Constants what that costs.
//
// Parse and Encode read and write a File: a network and what comes in, as JSON with tensors (docs/emulate-truenorth.md). Trace runs one and
// prints each tick.
//
// Deterministic modes agree with the published equations number by number; in stochastic modes the distributions do, since the
// generator of the chip is not published. What a neuron draws depends on seed, core, neuron, tick and draw alone.
//
// It imports plugins/schema. The target TrueNorth imports it.
package emulator
