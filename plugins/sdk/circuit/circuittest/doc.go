// Package circuittest draws circuits with weights and inputs, for the tests of targets: of every kind of synapse, with skips that wait,
// several synapses onto a population, views, drives, biases, read-outs and all dynamics that a schema.Population can have, or of those
// alone that Options leave. Thresholds are put where neurons spike at rates as networks have them.
//
// Random draws from a seed, Generator for properties of package rapid; Parse reads a circuit that a person has written. Run, RunChip and Blocks run what was drawn: by the reference of
// package circuit, and on an sdk.Chip.
//
// It imports plugins/schema, plugins/sdk and plugins/sdk/circuit. Tests import it.
package circuittest
