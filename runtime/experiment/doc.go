// Package experiment runs a spec: Load reads, checks and lowers it and asks the plugins for the Programs of its models; Plan
// says what would run; Run does the actions in file order and keeps the record of the run in a folder, from which the same
// command goes on after an interruption; Sample draws from such a folder, whether its run is over or not.
//
// What an action computes is hashed to a key (keys.go): lowered graphs, Program, data, settings, seed, versions. Comments and
// names are not in it. An action whose key is recorded as done is not done again.
//
// A run makes these keys, and finds what stands against it, before it begins (ready.go; what the spec alone tells is found by
// Load already: later.go, enough.go, reference.go, start.go); compares them with what its folder has from before (again.go);
// counts the memory (memory.go); and does one action after the other (run.go), or takes over what another run of a sweep has done
// under the same key (share.go). An evaluation draws and reads what its metrics judge (evaluate.go, figures.go, features.go,
// standard.go); compare.go does so with the images of a data set in the place of samples.
//
// A deploy action takes what it does not say from the other actions of its model (deploysettings.go), chooses what is one inference and
// runs it in software (inference.go), asks each target how the networks lie on its chip (limits.go), and runs the inference on the chip
// (deploy.go).
//
// Load has package build ask the plugins for the Program of each model, for that of each action that replaces definitions, and for
// the samplers with options (load.go, use.go).
//
// The main type is Experiment. cmd/snnc imports this package; it may import everything in runtime and dsl.
package experiment
