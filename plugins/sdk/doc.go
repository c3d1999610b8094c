// Package sdk is what a plugin is made with: a plugin's main function is one call of Serve with a Plugin, its components.
//
// Neurons and coders are equations as text; a model is a function that builds a Program with a ProgramBuilder, as one traces a
// function; a coder with weights of its own gives a graph; a target says how networks lie on a chip. The host runs what
// these describe, and nothing is executed in the plugin, but for neurons and coders that are Opaque, and chips that are emulated:
// they compute whole blocks by themselves, in memory that both processes map.
//
// What several models have in common is written once: the sum of a loss (Function.Loss), the class that networks are told (Label),
// the range of the data (Function.Clip). Package modeltest has what tests of models have in common,
// package opaquetest what those of opaque operators have. Package circuit is for targets, and circuittest for their tests.
//
// It imports plugins/proto, plugins/schema, plugins/sdk/circuit, runtime/graph and runtime/program. Plugins import it, the built-in ones too.
package sdk
