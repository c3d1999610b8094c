// Package experiment runs a spec: Load reads, checks and lowers it and asks the plugins for the Programs of its models; Plan
// says what would run; Run does the actions in file order and keeps the record of the run in a folder, from which the same
// command goes on after an interruption.
//
// What an action computes is hashed to a key (keys.go): lowered graphs, Program, data, settings, seed, versions. Comments and
// names are not in it. An action whose key is recorded as done is not done again.
//
// The main type is Experiment. cmd/snnc imports this package; it may import everything in runtime and dsl.
package experiment
