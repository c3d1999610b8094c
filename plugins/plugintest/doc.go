// Package plugintest tests plugins, as `snnc plugin check` and `snnc plugin test` do: it starts the plugin of a folder and asks it what a
// host asks, and what none should.
//
// Check judges what a plugin says of itself, and Test also what it answers and computes. Both return a Report: a Verdict for each thing that
// was looked at, with a name (Explanations), what was found, and what the author has to mend.
//
//   - Opaque components (opaque.go, trial.go, gradient.go, process.go) are held against the contract of docs/plugin-protocol.md: equal
//     requests have equal answers in any process and order, examples are computed apart, a block is what its steps are one by one, a
//     derivative is that of what is computed.
//   - What answers with text (pure.go), graphs and Programs and how circuits lie on chips, is asked twice, and wrongly.
//   - Targets (target.go) are asked for room; the chips that they emulate (chip.go) are held against their contract as opaque
//     components are, with a small circuit of neurons that they take (circuit.go), and their spikes against those of circuits whose time
//     steps are known (time.go, timing.go).
//   - Graphs (equations.go, model.go, numbers.go) are computed by the interpreter, with their derivatives.
//   - All processes are watched for attempts against their walls (walls.go).
package plugintest
