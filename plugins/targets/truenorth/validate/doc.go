// Package validate says whether a network on TrueNorth's cores is the circuit that it was made of. It is written from the chip's limits
// and the circuit alone, and knows nothing of how the one was mapped to the other: a Legend names neurons, and all else is followed
// from axon to axon.
//
// Check finds the first thing that is wrong: a limit of a core, a connection that is missing or twice, a weight that is not the nearest
// that its axons can give, a spike that comes at another tick, an axon that two neurons write to.
//
// plugins/targets/truenorth imports it for its legend, and its tests run it.
package validate
