// Package bench measures how fast a spec is: Run times the updates of its first training, evaluations of the network that its
// samples are made with, and whole samples, and returns a Report. cmd/snnc prints it.
//
// What is measured is what `snnc run` does: the same trainer, on the spec's data, and the same plans. An update is split by the
// plan of its steps (split.go): forward is what losses, firing rates and running statistics need, backward is what only
// gradients need, and the optimiser is the rest of the update. Reading examples is told apart and no part of the update, for
// other libraries are timed on tensors that are there. Operations are counted on the plan's steps too (operations.go), so that
// what the planner saves counts as saved. Times are those of a clock; processor time is that of all threads of the process.
//
// It imports runtime/experiment, runtime/train, runtime/exec, runtime/plan, runtime/kernel, runtime/program, runtime/graph,
// runtime/tensor, runtime/rng and dsl/check; cmd/snnc imports it.
package bench
