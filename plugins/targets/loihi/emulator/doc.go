// Package emulator computes what compartments of Loihi do, step by step, in the chip's own terms: integer currents and membranes,
// decays of twelve bits, weights of mantissa and exponent.
//
// A Network is what the chip is loaded with, in Go or as JSON (Read, Print). Compile makes a Program of it, which many States run
// at the same time; Trace runs a network with the spikes that its text gives and prints it. Energy says what a chip would have spent.
//
// Without noise the numbers are those of the published arithmetic (Davies et al. 2018, and the three open codes where the paper is
// silent: lava, nengo-loihi, brian2_loihi; Dialect chooses where they differ). With noise the distribution is, since the chip's
// generator is not published.
//
// It imports plugins/schema and plugins/sdk/circuit. Package loihi imports it.
package emulator
