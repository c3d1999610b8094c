// Package plugintest tests plugins, as `snnc plugin check` and `snnc plugin test` do: it starts the plugin of a folder and asks it what a
// host asks, and what none should.
//
// Check judges what a plugin says of itself, and Test also what it computes. Both return a Report: a Verdict for each thing that was looked
// at, with a name, what was found, and what the author has to mend. What opaque components compute is held against the contract of
// docs/plugin-protocol.md: equal requests have equal answers in any process and order, examples are computed apart, a block is what its
// steps are one by one, a derivative is that of what is computed.
package plugintest
